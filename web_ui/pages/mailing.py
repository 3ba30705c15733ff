"""The pages of the mail: how it goes to each list, and the letters that wait for a person.

What leaves for a list is in an archive for ever. So who decides about a letter sees it whole, as it would
leave, with what was left out of it, and can have it sent to themselves first.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Response

from sync.actions import (
    Action,
    ApproveLetter,
    PauseList,
    Refused,
    RefuseLetter,
    SeeNotices,
    SetLetterHold,
)
from sync.message import MessageId
from sync.reading import Reader
from web_ui.excerpts import rows_that_fit
from web_ui.mail_desk import LetterView, MailDesk, MailListView, Preview, TrialTrouble
from web_ui.mail_words import in_language
from web_ui.pages.reading import message_id, place
from web_ui.visit import NOT_HERE, Here, Page, Sorry, Visit
from web_ui.words import REFUSED, letter_state, mark, status_of
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

MAIL, HELD, NOTICES = "/mail", "/mail/held", "/mail/notices"
# Forms of a letter with their tokens, packed.
LETTER_BYTES = 450
# Ticks of the form for several letters, beside its token: `web_ui.writing.FIELDS_MAX` is 30.
LETTERS_ON_A_PAGE = 12
NOTICES_ON_A_PAGE = 40
# Channels of a list with a switch; a camp with more groups decides about the rest letter by letter.
CHANNELS_SHOWN = 24
SUBJECT_CHARACTERS_MAX = 200
# RFC 5321 §4.5.3.1: a path has 256 bytes, with its brackets.
ADDRESS_CHARACTERS_MAX = 254
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
    "server": mark("The mail server did not take it:"),
}
NONE_PICKED = mark("No letter was ticked.")
SOME_DECIDED = mark("Some of them were decided by somebody else meanwhile. The others go.")
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that was refused: about which letter, why, and what was typed."""

    message: str = ""  # hex
    sentence: str = ""
    status: int = 200
    why: str = ""
    subject: str | None = None
    address: str = ""
    said: str = ""  # by a server


# -- how it goes ----------------------------------------------------------------------------------------


@router.get("/mail")
async def mail(visit: Here) -> Response:
    """How the mail goes to each list."""
    return await _overview(visit)


async def _overview(visit: Visit, sentence: str = "", status: int = 200) -> Response:
    answer = await visit.page(lambda _: _mail(visit, sentence, status))
    if not sentence and await visit.read(lambda _: any(map(_is_busy, _desk(visit).lists()))):
        answer.headers["refresh"] = f"{LOOK_AGAIN_S};url={MAIL}"
    return answer


def _mail(visit: Visit, sentence: str, status: int) -> Page:
    desk = _desk(visit)
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
    _desk(visit).look(place(fields.get("list", "")))
    return visit.go(MAIL)


@router.post("/mail/pause")
async def pause(visit: Here) -> Response:
    """Carry nothing to a list for a while, or carry on."""
    fields = await fields_of(visit)
    name = await _name_of(visit, fields)
    return await _switch(visit, fields, PauseList(name, fields.get("on", "") == "1"))


@router.post("/mail/hold")
async def hold(visit: Here) -> Response:
    """Hold every letter of a channel for a person, or let them go at once."""
    fields = await fields_of(visit)
    name = await _name_of(visit, fields)
    order = SetLetterHold(name, fields.get("channel", ""), fields.get("on", "") == "1")
    return await _switch(visit, fields, order)


async def _switch(visit: Visit, fields: dict[str, str], order: Action) -> Response:
    visit.use_token(fields.get("token", ""))
    try:
        await visit.do(order)
    except Refused as error:
        return await _overview(visit, REFUSED[error.refusal], status_of(error.refusal))
    return visit.go(MAIL)


# -- what waits for a person ------------------------------------------------------------------------------


@router.get("/mail/held")
async def held(visit: Here) -> Response:
    """The letters that wait for this person's word."""
    return await _queue(visit)


async def _queue(visit: Visit, kept: Kept = Kept()) -> Response:
    return await visit.page(lambda _: _held(visit, kept))


def _held(visit: Visit, kept: Kept) -> Page:
    waiting, more = _desk(visit).held(LETTERS_ON_A_PAGE)
    shown = rows_that_fit(waiting, lambda each: each.text + each.author + each.words, LETTER_BYTES)
    content = {
        "letters": shown,
        "more": more + len(waiting) - len(shown),
        "kept": kept,
        "sorry": kept.sentence,
        "several": len(shown) > 1,
        "preview_of": _preview_path,
        "subject_max": SUBJECT_CHARACTERS_MAX,
    }
    return Page("mail_held.html", content, kept.status)


@router.post("/mail/held/approve")
async def approve(visit: Here) -> Response:
    """Let one letter go."""
    fields = await fields_of(visit)
    name, message = await _name_of(visit, fields), message_id(fields.get("message", ""))
    was, now = fields.get("was", ""), fields.get("subject", "")
    # A subject nobody touched stays made from the text: should the text be redacted, so is it.
    order = ApproveLetter(name, message, "" if now.strip() == was.strip() else now, _is_ticked(fields))
    return await _decide(visit, fields, order, message)


@router.post("/mail/held/refuse")
async def refuse(visit: Here) -> Response:
    """Do not let a letter go, and say why."""
    fields = await fields_of(visit)
    name, message = await _name_of(visit, fields), message_id(fields.get("message", ""))
    return await _decide(visit, fields, RefuseLetter(name, message, fields.get("why", "")), message)


async def _decide(visit: Visit, fields: dict[str, str], order: Action, message: MessageId) -> Response:
    visit.use_token(fields.get("token", ""))
    try:
        await visit.do(order)
    except Refused as error:
        typed = fields.get("subject")
        kept = Kept(
            message.hex(), REFUSED[error.refusal], status_of(error.refusal), fields.get("why", ""), typed
        )
        return await _queue(visit, kept)
    return visit.go(HELD)


@router.post("/mail/held/several")
async def several(visit: Here) -> Response:
    """Let the letters go that were ticked, as they stand."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    names = {each.number: each.name for each in await visit.read(lambda _: _desk(visit).lists())}
    picked = [_picked(value) for name, value in fields.items() if name.startswith("pick-")]
    orders = [ApproveLetter(names[number], message) for number, message in picked if number in names]
    if not orders:
        return await _queue(visit, Kept(sentence=NONE_PICKED, status=UNPROCESSABLE))
    refused = None
    for order in orders:
        try:
            await visit.do(order)
        except Refused as error:
            refused = error
    if refused is not None:
        return await _queue(visit, Kept(sentence=SOME_DECIDED, status=status_of(refused.refusal)))
    return visit.go(HELD)


def _picked(value: str) -> tuple[int, MessageId]:
    """The number of the list and the message that a tick names. Raises Sorry."""
    number, _, message = value.partition(" ")
    return place(number), message_id(message)


# -- as it would leave --------------------------------------------------------------------------------------


@router.get("/mail/{number}/preview/{message}")
async def preview(visit: Here, number: str, message: str) -> Response:
    """A letter byte by byte, as it would leave."""
    return await _preview(visit, number, message)


async def _preview(visit: Visit, number: str, id_hex: str, kept: Kept = Kept()) -> Response:
    query = visit.request.query_params
    subject = query.get("subject")
    contacts = query.get("contacts") == "1" if "subject" in query else None

    def build(_: Reader) -> Page:
        own_words = _found(visit, number, id_hex, "", False).letter.words
        typed = "" if subject is not None and subject.strip() == own_words.strip() else subject
        found = _found(visit, number, id_hex, typed, contacts)
        content = {
            "found": found,
            "letter": found.letter,
            "headers": [(HEADERS[name], value) for name, value in found.headers if name in HEADERS],
            "raw": found.raw[:RAW_SHOWN].decode("ascii").replace("\r\n", "\n"),
            "cut": len(found.raw) > RAW_SHOWN,
            "own_words": own_words,
            "where": letter_state(visit.language, found.state),
            "said": in_language(visit.language, found.state.said_words or found.state.why),
            "moderates": _moderates(visit),
            "file": f"{_preview_path(found.letter)}/letter.eml",
            "path_of_preview": _preview_path(found.letter),
            "kept": kept,
            "sorry": kept.sentence,
            "said_by_server": in_language(visit.language, kept.said),
            "tried": query.get("tried") == "1",
            "subject_max": SUBJECT_CHARACTERS_MAX,
        }
        return Page("mail_preview.html", content, kept.status)

    return await visit.page(build)


@router.get("/mail/{number}/preview/{message}/letter.eml")
async def letter_file(visit: Here, number: str, message: str) -> Response:
    """The same as a file, for a mail program."""
    found = await visit.read(lambda _: _found(visit, number, message))
    headers = {"content-disposition": f'attachment; filename="{quote(message[:16])}.eml"'}
    return Response(found.raw, media_type="message/rfc822", headers=headers)


@router.post("/mail/{number}/preview/{message}/try")
async def try_out(visit: Here, number: str, message: str) -> Response:
    """Send it to the person who asks, and to nobody else. The address is not kept."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    address = fields.get("address", "").strip()[: ADDRESS_CHARACTERS_MAX + 1]
    found = await visit.read(lambda _: _found(visit, number, message))
    try:
        await _desk(visit).try_out(found.letter.number, found.letter.message, address)
    except TrialTrouble as trouble:
        kept = Kept(
            sentence=TRIAL_TROUBLES[trouble.word], status=UNPROCESSABLE, address=address, said=trouble.why
        )
        return await _preview(visit, number, message, kept)
    return visit.go(f"{_preview_path(found.letter)}?tried=1")


def _found(
    visit: Visit,
    number: str,
    id_hex: str,
    subject: str | None = None,
    let_contacts: bool | None = None,
) -> Preview:
    """The letter of an address. A liaison sees the own group's. Raises Sorry."""
    found = _desk(visit).preview(place(number), message_id(id_hex), subject, let_contacts)
    if found is None:
        raise Sorry(404, NOT_HERE)
    group = visit.session.group if visit.session is not None else None
    if not _moderates(visit) and (not group or found.letter.channel != group):
        raise Sorry(404, NOT_HERE)
    return found


# -- what lists wrote ---------------------------------------------------------------------------------------


@router.get("/mail/notices")
async def notices(visit: Here) -> Response:
    """What lists and mail servers wrote to this camp."""
    return await visit.page(lambda reader: _notices(visit))


def _notices(visit: Visit) -> Page:
    found = _desk(visit).notices(NOTICES_ON_A_PAGE + 1)
    shown = rows_that_fit(found[:NOTICES_ON_A_PAGE], lambda notice: notice.words, 80)
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


# -- helpers ------------------------------------------------------------------------------------------------


def _desk(visit: Visit) -> MailDesk:
    return visit.site.desk.mail()


def _moderates(visit: Visit) -> bool:
    return visit.session is not None and visit.session.role.word in ("moderator", "coordinator")


def _is_ticked(fields: dict[str, str]) -> bool:
    return fields.get("contacts", "") == "1"


async def _name_of(visit: Visit, fields: dict[str, str]) -> str:
    """The name of the list that a form is about. Raises Sorry."""
    number = place(fields.get("list", ""))
    names = await visit.read(lambda _: {each.number: each.name for each in _desk(visit).lists()})
    if number not in names:
        raise Sorry(404, NOT_HERE)
    return names[number]


def _preview_path(letter: LetterView) -> str:
    return f"{MAIL}/{letter.number}/preview/{letter.message.hex()}"
