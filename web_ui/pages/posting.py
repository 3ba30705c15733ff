"""Writing: a post, a reply, a mic check, taking one back. Everybody may; the board decides the rest."""

from __future__ import annotations

from fastapi import APIRouter, Response

from sync.actions import Refusal, Refused, RetractPost, WritePost, Written
from sync.message import GENERAL, HERE, MESSAGE_ID_BYTES
from sync.reading import Reader
from web_ui.forms import FormStale
from web_ui.pages.reading import may_write, message_id
from web_ui.problems import retry_after
from web_ui.visit import DEVICE_COOKIE, Here, Page, Visit
from web_ui.words import REFUSED, mark, status_of
from web_ui.writing import Draft, draft_from, fields_of

router = APIRouter(include_in_schema=False)

# Form tokens and Idempotency-Keys of programs are kept apart, so that neither can take the other's answer.
FORM_TOKEN = b"form "
STALE = mark("This form was open for long. Look at it once more and send it.")


@router.get("/post")
async def write(visit: Here, channel: str = GENERAL) -> Response:
    """An empty form; also where a reload after a refused post ends."""
    return await visit.page(lambda reader: _form(reader, Draft(channel), ""))


@router.get("/mic-check")
async def mic_check(visit: Here, channel: str = GENERAL) -> Response:
    """The form for what the whole square must hear now."""
    return await visit.page(lambda reader: _form(reader, Draft(channel, urgent=True), ""))


@router.post("/post")
async def post(visit: Here) -> Response:
    """Store a post, and show it; or the form again with the text kept and one sentence."""
    fields = await fields_of(visit)
    draft = draft_from(fields).looked_at()
    try:
        token = visit.site.forms.read(fields.get("token", ""), visit.site.desk.wall_s(), visit.session_id)
    except FormStale:
        return await _again(visit, draft, 422, STALE)
    if draft.private and not draft.public:
        return await _again(visit, draft, 422, "")
    cookie = visit.device or visit.site.forms.device_for(token)
    try:
        written = await _write(visit.known_as(cookie), draft, FORM_TOKEN + token)
    except Refused as error:
        wait = retry_after(error) if status_of(error.refusal) == 429 else None
        return await _again(visit, draft, status_of(error.refusal), REFUSED[error.refusal], wait)
    answer = visit.go(f"/m/{written.message.hex()}")
    if visit.device is None:
        # For the session of the browser only. It names nobody, and what is stored of it is a hash of the day.
        # Not Secure: both ports share it, and a Secure one could not be seen or replaced by HTTP.
        answer.set_cookie(DEVICE_COOKIE, cookie, httponly=True, samesite="lax")
    return answer


@router.post("/m/{message}/retract")
async def retract(visit: Here, message: str) -> Response:
    """Take a post back."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    await visit.do(RetractPost(message_id(message)))
    return visit.go(f"/m/{message}")


async def _write(visit: Visit, draft: Draft, token: bytes) -> Written:
    reply_to = None
    if draft.reply_to:
        try:
            reply_to = bytes.fromhex(draft.reply_to)
        except ValueError as error:
            raise Refused(Refusal.NO_MESSAGE) from error
        if len(reply_to) != MESSAGE_ID_BYTES:
            raise Refused(Refusal.NO_MESSAGE)
    written = await visit.do(
        WritePost(draft.channel, draft.text, draft.nickname, draft.urgent, reply_to=reply_to, token=token)
    )
    assert isinstance(written, Written)
    return written


async def _again(
    visit: Visit, draft: Draft, status: int, sentence: str, wait_s: int | None = None
) -> Response:
    return await visit.page(lambda reader: _form(reader, draft, sentence, status, wait_s))


def _form(reader: Reader, draft: Draft, sentence: str, status: int = 200, wait_s: int | None = None) -> Page:
    channels = [channel.name for channel in reader.channels() if may_write(channel)]
    if draft.urgent:
        channels = [name for name in channels if name != HERE]  # a mic check is for every camp
    offered = [] if draft.reply_to and draft.channel in channels else channels
    return Page("write.html", {"draft": draft, "channels": offered, "sorry": sentence}, status, wait_s)
