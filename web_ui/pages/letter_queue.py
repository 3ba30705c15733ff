"""The letters that wait for a person: let them go, under another subject or with what was left out, or not.

What leaves for a list is in an archive for ever. So who decides about a letter reads it as it would leave,
and what was left out of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import APIRouter, Response

from sync.actions import ApproveLetter, Refusal, Refused, RefuseLetter
from sync.message import MessageId, Role
from sync.reading import Reader
from sync.store.people import Act
from sync.views import LogEntry
from web_ui.excerpts import rows_that_fit
from web_ui.pages.letter_preview import SUBJECT_CHARACTERS_MAX, preview_path
from web_ui.pages.mailing import name_of_list
from web_ui.pages.reading import message_id, place
from web_ui.visit import Here, Page, Visit
from web_ui.words import REFUSED, letter_state, mark, status_of
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

HELD = "/mail/held"
# Forms of a letter with their tokens, packed.
LETTER_BYTES = 450
# Ticks of the form for several letters, beside its token: `web_ui.writing.FIELDS_MAX` is 30.
LETTERS_ON_A_PAGE = 12

NONE_PICKED = mark("No letter was ticked.")
SOME_DECIDED = mark("Some of them were decided by somebody else meanwhile. The others go.")
SOME_CHANGED = mark("The text of some was changed meanwhile: read them again. The others go.")
LINE_TOO_LONG = mark(
    "That is too long: a subject or a reason has 200 letters at most, fewer in some scripts."
)
UNPROCESSABLE = 422
# Of the newest lines of the log: what was decided while somebody typed is among them.
LOG_LINES = 200
DECISIONS = (Act.APPROVE_LETTER, Act.APPROVE_CONTACTS, Act.REFUSE_LETTER)

_WORDS_HASH = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that was refused: about which letter, why, and what was typed."""

    message: str = ""  # hex
    sentence: str = ""
    status: int = 200
    why: str = ""
    subject: str | None = None
    refusing: bool = False  # it was the form that says why not
    list: str = ""

    @property
    def typed(self) -> str:
        """What a person wrote, whichever form it was."""
        return self.why if self.refusing else (self.subject or "")


@dataclass(frozen=True, slots=True)
class Decided:
    """A letter that waits no more, though somebody had just written about it: who was faster, where it is."""

    typed: str
    message: str = ""  # hex
    entry: LogEntry | None = None  # None: nobody here decided
    where: str = ""

    @property
    def was_refused(self) -> bool:
        """Whether somebody did not let it go."""
        return self.entry is not None and self.entry.act == Act.REFUSE_LETTER


@router.get("/mail/held")
async def held(visit: Here) -> Response:
    """The letters that wait for this person's word."""
    return await _queue(visit)


async def _queue(visit: Visit, kept: Kept = Kept()) -> Response:
    return await visit.page(lambda reader: _held(visit, reader, kept))


def _held(visit: Visit, reader: Reader, kept: Kept) -> Page:
    waiting, more = visit.site.desk.mail().held(LETTERS_ON_A_PAGE)
    shown = rows_that_fit(waiting, lambda each: each.text + each.author + each.words, LETTER_BYTES)
    is_there = any(each.message.hex() == kept.message for each in shown)
    content = {
        "letters": shown,
        "decided": None if is_there or not kept.typed.strip() else _decided(visit, reader, kept),
        "more": more + len(waiting) - len(shown),
        "paused": [each for each in visit.site.desk.mail().lists() if each.paused and not each.stopped],
        "coordinates": visit.session is not None and visit.session.role is Role.COORDINATOR,
        "kept": kept,
        "sorry": kept.sentence,
        "several": len(shown) > 1,
        "preview_of": preview_path,
        "subject_max": SUBJECT_CHARACTERS_MAX,
    }
    return Page("mail_held.html", content, kept.status)


def _decided(visit: Visit, reader: Reader, kept: Kept) -> Decided:
    entry = next(
        (each for each in reader.log(LOG_LINES) if each.target == kept.message and each.act in DECISIONS),
        None,
    )
    letters = dict(visit.site.desk.mail().letters_of(bytes.fromhex(kept.message)))
    where = letter_state(visit.language, letters[kept.list]) if kept.list in letters else ""
    is_message = reader.message(bytes.fromhex(kept.message)) is not None  # the first letter is none
    return Decided(kept.typed, kept.message if is_message else "", entry, where)


@router.post("/mail/held/approve")
async def approve(visit: Here) -> Response:
    """Let one letter go."""
    fields = await fields_of(visit)
    name, message = await name_of_list(visit, fields), message_id(fields.get("message", ""))
    was, now = fields.get("was", ""), fields.get("subject", "")
    # A subject nobody touched stays made from the text: should the text be redacted, so is it.
    subject = "" if now.strip() == was.strip() else now
    shown = words_hash(fields.get("shown", ""))
    order = ApproveLetter(name, message, subject, fields.get("contacts", "") == "1", shown)
    return await _decide(visit, fields, order)


@router.post("/mail/held/refuse")
async def refuse(visit: Here) -> Response:
    """Do not let a letter go, and say why."""
    fields = await fields_of(visit)
    name, message = await name_of_list(visit, fields), message_id(fields.get("message", ""))
    return await _decide(visit, fields, RefuseLetter(name, message, fields.get("why", "")))


async def _decide(visit: Visit, fields: dict[str, str], order: ApproveLetter | RefuseLetter) -> Response:
    visit.use_token(fields.get("token", ""))
    try:
        await visit.do(order)
    except Refused as error:
        typed = fields.get("subject")
        why, status = fields.get("why", ""), status_of(error.refusal)
        sentence = LINE_TOO_LONG if error.refusal is Refusal.TOO_LONG else REFUSED[error.refusal]
        if isinstance(order, ApproveLetter) and not order.subject:
            typed = None  # nobody touched it
        refusing = isinstance(order, RefuseLetter)
        kept = Kept(order.message.hex(), sentence, status, why, typed, refusing, order.list)
        return await _queue(visit, kept)
    return visit.go(HELD)


@router.post("/mail/held/several")
async def several(visit: Here) -> Response:
    """Let the letters go that were ticked, as they stand."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    names = {each.number: each.name for each in await visit.read(lambda _: visit.site.desk.mail().lists())}
    picked = [_picked(value) for name, value in fields.items() if name.startswith("pick-")]
    orders = [
        ApproveLetter(names[number], message, shown=shown)
        for number, message, shown in picked
        if number in names
    ]
    if not orders:
        return await _queue(visit, Kept(sentence=NONE_PICKED, status=UNPROCESSABLE))
    refused = None
    for order in orders:
        try:
            await visit.do(order)
        except Refused as error:
            refused = error
    if refused is not None:
        why = SOME_CHANGED if refused.refusal is Refusal.CHANGED else SOME_DECIDED
        return await _queue(visit, Kept(sentence=why, status=status_of(refused.refusal)))
    return visit.go(HELD)


def _picked(value: str) -> tuple[int, MessageId, bytes]:
    """The number of the list, the message and what was shown of it, as a tick names them. Raises Sorry."""
    number, message, shown = (*value.split(" "), "", "")[:3]
    return place(number), message_id(message), words_hash(shown)


def words_hash(text: str) -> bytes:
    """What stands for the words of a letter as a page showed it; empty for no such thing."""
    return bytes.fromhex(text) if _WORDS_HASH.fullmatch(text) else b""
