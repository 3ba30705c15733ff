"""How the mail goes: the lists, the internet, the channels that are held, and what lists wrote to us."""

from __future__ import annotations

from fastapi import APIRouter, Response

from sync.actions import Action, PauseList, Refused, SeeNotices, SetLetterHold
from web_ui.excerpts import rows_that_fit
from web_ui.mail_desk import MailListView
from web_ui.mail_words import in_language
from web_ui.pages.reading import place
from web_ui.visit import NOT_HERE, Here, Page, Sorry, Visit
from web_ui.words import REFUSED, mark, status_of
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

MAIL, NOTICES = "/mail", "/mail/notices"
NOTICES_ON_A_PAGE = 40
# A notice besides its words, packed.
NOTICE_BYTES = 80
# Channels of a list with a switch; a camp with more groups decides about the rest letter by letter.
CHANNELS_SHOWN = 24
# While letters leave, the page comes again by itself after so many seconds: time to read it, and to tap.
LOOK_AGAIN_S = 30

INTERNET = {
    "unknown": mark("Nobody knows yet whether this box has internet."),
    "offline": mark("This box is in no network. Letters wait."),
    "local": mark("This box is in a network without internet. Letters wait."),
    "portal": mark("This network shows a web page first. Open a browser in it and log in; letters wait."),
    "online": mark("This box has internet."),
}
DIRECTIONS = {
    "both": mark("Letters go there and come from there."),
    "out": mark("Letters only go there."),
    "in": mark("Letters only come from there."),
}
NOTICE_KINDS = {
    "bounce": mark("could not be delivered"),
    "held": mark("held by the moderators of the list"),
    "refused": mark("refused by the list"),
    "vacation": mark("somebody is away"),
    "subscription": mark("about the camp's subscription"),
    "confirmation": mark("asks for a confirmation"),
    "other": mark("from a machine"),
}


@router.get("/mail")
async def mail(visit: Here) -> Response:
    """How the mail goes to each list."""
    return await _overview(visit)


async def _overview(visit: Visit, sentence: str = "", status: int = 200) -> Response:
    answer = await visit.page(lambda _: _mail(visit, sentence, status))
    if not sentence and await visit.read(lambda _: any(map(_is_busy, visit.site.desk.mail().lists()))):
        answer.headers["refresh"] = f"{LOOK_AGAIN_S};url={MAIL}"
    return answer


def _mail(visit: Visit, sentence: str, status: int) -> Page:
    desk = visit.site.desk.mail()
    lists = desk.lists()
    notices = desk.notices(NOTICES_ON_A_PAGE)
    content = {
        "lists": lists,
        "internet": desk.internet(),
        "internet_words": INTERNET,
        "directions": DIRECTIONS,
        "unseen": sum(notice.seen_s is None for notice in notices),
        "notices": len(notices),
        "held": desk.count_held(),
        "is_busy": _is_busy,
        "progress": lambda each: _progress(visit, each),
        "trouble": lambda each: in_language(visit.language, each.trouble),
        "refused_why": lambda each: in_language(visit.language, each.counts.refused_why),
        "channels_shown": CHANNELS_SHOWN,
        "sorry": sentence,
    }
    return Page("mail.html", content, status)


def _is_busy(each: MailListView) -> bool:
    """Whether letters are leaving."""
    return not each.paused and not each.stopped and each.seconds_left is not None


def _progress(visit: Visit, each: MailListView) -> str:
    """`12 of 340 letters, 4 min at this speed`."""
    say = visit.language
    if not each.total:
        return say.say(mark("No letter is on its way."))
    done = say.say(mark("%(done)s of %(total)s letters"), done=each.done, total=each.total)
    left_s = each.seconds_left
    if left_s is None:
        return done
    if left_s < 60:
        left = say.say(mark("less than a minute at this speed"))
    elif left_s < 5_400:
        left = say.count("%(n)s min at this speed", "%(n)s min at this speed", round(left_s / 60))
    else:
        left = say.count("%(n)s hour at this speed", "%(n)s hours at this speed", round(left_s / 3_600))
    return f"{done}, {left}"


@router.post("/mail/look")
async def look(visit: Here) -> Response:
    """Look into outbox and inbox now."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    visit.site.desk.mail().look(place(fields.get("list", "")))
    return visit.go(MAIL)


@router.post("/mail/pause")
async def pause(visit: Here) -> Response:
    """Carry nothing to a list for a while, or carry on."""
    fields = await fields_of(visit)
    name = await name_of_list(visit, fields)
    return await _switch(visit, fields, PauseList(name, fields.get("on", "") == "1"))


@router.post("/mail/hold")
async def hold(visit: Here) -> Response:
    """Hold every letter of a channel for a person, or let them go at once."""
    fields = await fields_of(visit)
    name = await name_of_list(visit, fields)
    order = SetLetterHold(name, fields.get("channel", ""), fields.get("on", "") == "1")
    return await _switch(visit, fields, order)


async def _switch(visit: Visit, fields: dict[str, str], order: Action) -> Response:
    visit.use_token(fields.get("token", ""))
    try:
        await visit.do(order)
    except Refused as error:
        return await _overview(visit, REFUSED[error.refusal], status_of(error.refusal))
    return visit.go(MAIL)


@router.get("/mail/notices")
async def notices(visit: Here) -> Response:
    """What lists and mail servers wrote to this camp."""
    return await visit.page(lambda _: _notices(visit))


def _notices(visit: Visit) -> Page:
    found = visit.site.desk.mail().notices(NOTICES_ON_A_PAGE + 1)
    shown = rows_that_fit(found[:NOTICES_ON_A_PAGE], lambda notice: notice.words, NOTICE_BYTES)
    content = {
        "notices": shown,
        "more": len(found) - len(shown),
        "kinds": NOTICE_KINDS,
        "newest": shown[0].id if shown else 0,
        "unseen": any(notice.seen_s is None for notice in shown),
    }
    return Page("mail_notices.html", content)


@router.post("/mail/notices/seen")
async def seen(visit: Here) -> Response:
    """Put them away."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    await visit.do(SeeNotices(place(fields.get("upto", ""))))
    return visit.go(NOTICES)


async def name_of_list(visit: Visit, fields: dict[str, str]) -> str:
    """The name of the list that a form is about. Raises Sorry."""
    number = place(fields.get("list", ""))
    names = await visit.read(lambda _: {each.number: each.name for each in visit.site.desk.mail().lists()})
    if number not in names:
        raise Sorry(404, NOT_HERE)
    return names[number]
