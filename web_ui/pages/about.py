"""What everybody may know of this camp: status, the public log, hotline, camps, what others can see."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Response

from sync.reading import Reader
from sync.reject import Reason
from sync.store.people import Act
from sync.views import CampView, Count, LogEntry
from web_ui.excerpts import rows_that_fit
from web_ui.languages import Language
from web_ui.mail_words import in_language
from web_ui.pages.reading import place
from web_ui.visit import Here, Page, Visit
from web_ui.words import ACTS, actor, link_state, mark

router = APIRouter(include_in_schema=False)

LOG_ENTRIES = 40
# Thirty days of a camp in trouble; who asks for more is leafing through numbers.
LOG_MAX = 10_000
# A line of the log or a camp besides what people wrote, packed.
ROW_BYTES = 60
CAMPS_ON_A_PAGE = 20
HOTLINE_EARLIER = 3
# What these were done to is a role, in the words of the log.
OF_CARDS = (Act.MAKE_CARD.value, Act.REVOKE_CARD.value)
# Why bytes from outside were refused (`sync.reject`), for people. The word itself stands beside it.
WHY_REFUSED: dict[str, str] = {
    Reason.LENGTH: mark("too long or too short"),
    Reason.FRAME: mark("no frame of ours"),
    Reason.VERSION: mark("of another version"),
    Reason.NETWORK: mark("of another network"),
    Reason.CBOR: mark("garbled"),
    Reason.SHAPE: mark("of another shape"),
    Reason.ENCODING: mark("written in another way than ours"),
    Reason.HOUR: mark("from the future, or too old"),
    Reason.CLASS: mark("too bulky for the radio"),
    Reason.KEY: mark("of a camp whose key is not known yet"),
    Reason.RATE: mark("too many at once"),
    Reason.SIGNATURE: mark("wrongly signed"),
    Reason.ADMISSION: mark("of a camp that is not let in"),
    Reason.WINDOW: mark("older than the newest of its camp"),
    Reason.REPLAY: mark("sent again after its time"),
    Reason.FULL: mark("no room for more of that camp"),
    Reason.KIND: mark("carried, not shown: of an unknown kind"),
    Reason.CODEC: mark("carried, not shown: cannot be unpacked"),
    Reason.TEXT: mark("carried, not shown: tricks in its text"),
}


@router.get("/seen")
async def seen(visit: Here) -> Response:
    """What others can see of what one does here."""
    return await visit.show(Page("seen.html"))


@router.get("/status")
async def status(visit: Here) -> Response:
    """How the box is: links, lists, the file, what was refused."""
    return await visit.page(lambda reader: _status(visit, reader))


def _status(visit: Visit, reader: Reader) -> Page:
    desk, language = visit.site.desk, visit.language
    return Page(
        "status.html",
        {
            "status": reader.status(),
            "links": desk.links(),
            "lists": desk.list_views(),
            "refused": [count for count in desk.refused_counts() if count.n],
            "version": desk.version(),
            "now_s": desk.wall_s(),
            "full_s": desk.full_since_s(),
            "uptime": _how_long(language, desk.uptime_s()),
            "link_word": lambda link: link_state(language, link.kind, link.state),
            "why": lambda count: _why(language, count),
            "trouble": partial(in_language, language),
            "percent": percent,
        },
    )


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100 * share:.1f} %"


def _why(language: Language, count: Count) -> str:
    return language.say(WHY_REFUSED[count.name]) if count.name in WHY_REFUSED else ""


def _how_long(language: Language, seconds: float) -> str:
    if seconds < 3600:
        return language.count("%(n)s minute", "%(n)s minutes", int(seconds // 60))
    if seconds < 2 * 86_400:
        return language.count("%(n)s hour", "%(n)s hours", int(seconds // 3600))
    return language.count("%(n)s day", "%(n)s days", int(seconds // 86_400))


@router.get("/log")
async def log(visit: Here) -> Response:
    """What people with a card did here, and why."""
    first = place(visit.request.query_params.get("from", ""))
    return await visit.page(lambda reader: _log(visit, reader, first))


def _log(visit: Visit, reader: Reader, first: int) -> Page:
    def act(entry: LogEntry) -> str:
        return visit.language.say(ACTS.get(entry.act, entry.act))

    def target(entry: LogEntry) -> str:
        return actor(visit.language, entry.target) if entry.act in OF_CARDS else entry.target

    first = min(first, LOG_MAX)
    entries = reader.log(first + LOG_ENTRIES + 1)[first:]
    shown = rows_that_fit(entries[:LOG_ENTRIES], lambda entry: entry.why + entry.target, ROW_BYTES)
    content = {
        "entries": shown,
        "act": act,
        "target": target,
        "is_message": _is_message,
        "more": first + len(shown) if len(shown) < len(entries) else None,
    }
    return Page("log.html", content)


def _is_message(entry: LogEntry) -> bool:
    return len(entry.target) == 32 and all(digit in "0123456789abcdef" for digit in entry.target)


@router.get("/hotline")
async def hotline(visit: Here) -> Response:
    """The medic and legal card, for reading and for printing."""
    return await visit.page(_hotline)


def _hotline(reader: Reader) -> Page:
    earlier = reader.hotline_history()[1 : 1 + HOTLINE_EARLIER]
    return Page("hotline.html", {"hotline": reader.hotline(), "earlier": earlier})


@router.get("/camps")
async def camps(visit: Here) -> Response:
    """The camps heard here."""
    first = place(visit.request.query_params.get("from", ""))
    return await visit.page(lambda reader: _camps(reader, first))


def _camps(reader: Reader, first: int) -> Page:
    known = sorted(reader.camps(), key=lambda camp: (not camp.own, not camp.pinned, -(camp.heard or 0)))
    rest = known[first:]
    shown = rows_that_fit(rest[:CAMPS_ON_A_PAGE], words_of_camp, ROW_BYTES)
    more = first + len(shown) if len(shown) < len(rest) else None
    return Page("camps.html", {"camps": shown, "more": more})


def words_of_camp(camp: CampView) -> str:
    """All that other people wrote about a camp."""
    return "".join((camp.name, camp.place, camp.contact, *camp.languages, *camp.introduced_by))
