"""A letter as it would leave, byte by byte, and sent to the person who wants to see how it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Response

from sync.reading import Reader
from web_ui.access import MODERATORS
from web_ui.mail_desk import LetterView, Preview, TrialTrouble
from web_ui.mail_words import in_language
from web_ui.pages.reading import message_id, place
from web_ui.visit import NOT_HERE, Here, Page, Sorry, Visit
from web_ui.words import letter_state, mark
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

SUBJECT_CHARACTERS_MAX = 200
# RFC 5321 §4.5.3.1: a path has 256 bytes, with its brackets.
ADDRESS_CHARACTERS_MAX = 254
# The headers that a person reads, in the order of the letter.
HEADERS = {"From": mark("From"), "To": mark("To"), "Subject": mark("Subject"), "Date": mark("Date")}
# Of the bytes: the head and a screen or two of text, so that the page stays light. The file has all.
RAW_SHOWN = 5_000
TRIAL_TROUBLES = {
    "gone": mark("There is no such letter any more."),
    "address": mark("That is no e-mail address. Write it like name@host."),
    "ours": mark("That is an address of the list or of this camp. Write your own."),
    "folder": mark(
        "Letters to this list go into a folder of this box, not to a mail server. Download it instead."
    ),
    "too_often": mark("Six letters were sent to try within an hour. That is the most; download it instead."),
    "server": mark("The mail server did not take it. What it says of a list is so of your address:"),
}
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Edited:
    """How a moderator thinks of letting a letter go; None: as it stands."""

    subject: str | None = None
    let_contacts: bool | None = None

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Edited:
        """What a form or an address says."""
        if "subject" not in fields:
            return cls()
        return cls(fields["subject"], fields.get("contacts") == "1")

    @property
    def query(self) -> str:
        """The same as part of an address."""
        if self.subject is None:
            return ""
        return urlencode({"subject": self.subject} | ({"contacts": "1"} if self.let_contacts else {}))


@dataclass(frozen=True, slots=True)
class Typed:
    """The form for a letter to try that was refused: why, what was typed, and what a server said."""

    sentence: str = ""
    status: int = 200
    address: str = ""
    said: str = ""


@router.get("/mail/{number}/preview/{message}")
async def preview(visit: Here, number: str, message: str) -> Response:
    """A letter byte by byte, as it would leave."""
    edited = Edited.of(visit.request.query_params)
    return await _preview(visit, number, message, edited if _moderates(visit) else Edited())


async def _preview(visit: Visit, number: str, id_hex: str, edited: Edited, kept: Typed = Typed()) -> Response:
    def build(_: Reader) -> Page:
        found, own_words = _edited(visit, number, id_hex, edited)
        content = {
            "found": found,
            "letter": found.letter,
            "headers": [(HEADERS[name], value) for name, value in found.headers if name in HEADERS],
            "raw": found.raw[:RAW_SHOWN].decode("ascii").replace("\r\n", "\n"),
            "cut": len(found.raw) > RAW_SHOWN,
            "own_words": own_words,
            "edited": edited,
            "where": letter_state(visit.language, found.state),
            "said": in_language(visit.language, found.state.said_words or found.state.why),
            "moderates": _moderates(visit),
            "file": f"{preview_path(found.letter)}/letter.eml" + (f"?{edited.query}" if edited.query else ""),
            "path_of_preview": preview_path(found.letter),
            "kept": kept,
            "sorry": kept.sentence,
            "said_by_server": in_language(visit.language, kept.said),
            "tried": visit.request.query_params.get("tried") == "1",
            "subject_max": SUBJECT_CHARACTERS_MAX,
        }
        return Page("mail_preview.html", content, kept.status)

    return await visit.page(build)


@router.get("/mail/{number}/preview/{message}/letter.eml")
async def letter_file(visit: Here, number: str, message: str) -> Response:
    """The same as a file, for a mail program."""
    edited = Edited.of(visit.request.query_params) if _moderates(visit) else Edited()
    found, _ = await visit.read(lambda _: _edited(visit, number, message, edited))
    headers = {"content-disposition": f'attachment; filename="{quote(message[:16])}.eml"'}
    return Response(found.raw, media_type="message/rfc822", headers=headers)


@router.post("/mail/{number}/preview/{message}/try")
async def try_out(visit: Here, number: str, message: str) -> Response:
    """Send it to the person who asks, and to nobody else, as it was shown. The address is not kept."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    address = fields.get("address", "").strip()[: ADDRESS_CHARACTERS_MAX + 1]
    edited = Edited.of(fields) if _moderates(visit) else Edited()
    letter = (await visit.read(lambda _: _found(visit, number, message))).letter
    try:
        await visit.site.desk.mail().try_out(
            letter.number, letter.message, address, edited.subject, edited.let_contacts
        )
    except TrialTrouble as trouble:
        kept = Typed(
            sentence=TRIAL_TROUBLES[trouble.word], status=UNPROCESSABLE, address=address, said=trouble.why
        )
        return await _preview(visit, number, message, edited, kept)
    return visit.go(f"{preview_path(letter)}?{'&'.join(filter(None, (edited.query, 'tried=1')))}")


def _edited(visit: Visit, number: str, id_hex: str, edited: Edited) -> tuple[Preview, str]:
    """The letter of an address as somebody edited it, and the words of its own subject. Raises Sorry."""
    own_words = _found(visit, number, id_hex, Edited("", False)).letter.words
    # A subject that nobody touched stays made from the text: should the text be redacted, so is it.
    if edited.subject is not None and edited.subject.strip() == own_words.strip():
        edited = Edited("", edited.let_contacts)
    return _found(visit, number, id_hex, edited), own_words


def _found(visit: Visit, number: str, id_hex: str, edited: Edited = Edited()) -> Preview:
    """The letter of an address. A liaison sees the own group's. Raises Sorry."""
    found = visit.site.desk.mail().preview(
        place(number), message_id(id_hex), edited.subject, edited.let_contacts
    )
    if found is None:
        raise Sorry(404, NOT_HERE)
    group = visit.session.group if visit.session is not None else None
    if not _moderates(visit) and (not group or found.letter.channel != group):
        raise Sorry(404, NOT_HERE)
    return found


def preview_path(letter: LetterView) -> str:
    """Where a letter is shown as it would leave."""
    return f"/mail/{letter.number}/preview/{letter.message.hex()}"


def _moderates(visit: Visit) -> bool:
    return visit.session is not None and visit.session.role in MODERATORS
