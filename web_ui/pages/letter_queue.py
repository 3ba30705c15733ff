"""The letters that wait for a person: let them go, under another subject or with what was left out, or not.

What leaves for a list is in an archive for ever. So who decides about a letter reads it as it would leave,
and what was left out of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import APIRouter, Response

from sync.actions import Action, ApproveLetter, Refusal, Refused, RefuseLetter
from sync.message import MessageId
from web_ui.excerpts import rows_that_fit
from web_ui.pages.letter_preview import SUBJECT_CHARACTERS_MAX, preview_path
from web_ui.pages.mailing import name_of_list
from web_ui.pages.reading import message_id, place
from web_ui.visit import Here, Page, Visit
from web_ui.words import REFUSED, mark, status_of
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


@router.get("/mail/held")
async def held(visit: Here) -> Response:
    """The letters that wait for this person's word."""
    return await _queue(visit)


async def _queue(visit: Visit, kept: Kept = Kept()) -> Response:
    return await visit.page(lambda _: _held(visit, kept))


def _held(visit: Visit, kept: Kept) -> Page:
    waiting, more = visit.site.desk.mail().held(LETTERS_ON_A_PAGE)
    shown = rows_that_fit(waiting, lambda each: each.text + each.author + each.words, LETTER_BYTES)
    content = {
        "letters": shown,
        "more": more + len(waiting) - len(shown),
        "kept": kept,
        "sorry": kept.sentence,
        "several": len(shown) > 1,
        "preview_of": preview_path,
        "subject_max": SUBJECT_CHARACTERS_MAX,
    }
    return Page("mail_held.html", content, kept.status)


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
    return await _decide(visit, fields, order, message)


@router.post("/mail/held/refuse")
async def refuse(visit: Here) -> Response:
    """Do not let a letter go, and say why."""
    fields = await fields_of(visit)
    name, message = await name_of_list(visit, fields), message_id(fields.get("message", ""))
    return await _decide(visit, fields, RefuseLetter(name, message, fields.get("why", "")), message)


async def _decide(visit: Visit, fields: dict[str, str], order: Action, message: MessageId) -> Response:
    visit.use_token(fields.get("token", ""))
    try:
        await visit.do(order)
    except Refused as error:
        typed = fields.get("subject")
        why, status = fields.get("why", ""), status_of(error.refusal)
        sentence = LINE_TOO_LONG if error.refusal is Refusal.TOO_LONG else REFUSED[error.refusal]
        kept = Kept(message.hex(), sentence, status, why, typed, isinstance(order, RefuseLetter))
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
