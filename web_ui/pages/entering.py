"""Entering a card on this phone, and leaving again.

A card's link opens a page that asks; only the form opens a session, so that the preview some program
makes of a link does not.
"""

from __future__ import annotations

from fastapi import APIRouter, Response

from sync.actions import CloseSession, OpenSession, Refused, SessionOpened
from web_ui.access import session_counts
from web_ui.problems import retry_after
from web_ui.visit import HTTP_SESSION_COOKIE, SESSION_COOKIE, Here, Page
from web_ui.words import REFUSED, mark, status_of
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

# The board ends a session that is unused for seven days; the cookie need not outlive a month.
SESSION_COOKIE_S = 30 * 86_400

OVER_HTTP = mark(
    "This card works by the protected address only. It has just crossed the open Wi-Fi: "
    "let a coordinator replace it."
)


@router.get("/card")
async def card(visit: Here) -> Response:
    """The page where a card is entered."""
    return await visit.show(_form("", ""))


@router.get("/card/{secret}")
async def card_link(visit: Here, secret: str) -> Response:
    """The same page, filled in from a card's link or QR code."""
    return await visit.show(_form(secret, ""))


@router.post("/card")
async def open_session(visit: Here) -> Response:
    """Open a session with a card."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    secret, label = fields.get("secret", ""), fields.get("label", "")
    try:
        opened = await visit.do(OpenSession(secret, label))
    except Refused as error:
        status = status_of(error.refusal)
        wait = retry_after(error) if status == 429 else None
        return await visit.show(_form(secret, REFUSED[error.refusal], label, status, wait))
    assert isinstance(opened, SessionOpened)
    if not session_counts(opened.role, visit.secure, visit.site.settings.liaisons_on_http):
        await visit.site.close_session(opened.session)
        return await visit.show(_form("", OVER_HTTP, label, 403))
    answer = visit.go("/coordinator" if opened.role.word == "coordinator" else "/held")
    answer.set_cookie(
        SESSION_COOKIE if visit.secure else HTTP_SESSION_COOKIE,
        opened.token,
        max_age=SESSION_COOKIE_S,
        httponly=True,
        samesite="strict",
        secure=visit.secure,
    )
    return answer


@router.post("/leave")
async def leave(visit: Here) -> Response:
    """End the session of this phone."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    assert visit.session is not None, "the access table lets nobody else in"
    await visit.do(CloseSession(visit.session.id))
    answer = visit.go("/")
    answer.delete_cookie(
        SESSION_COOKIE if visit.secure else HTTP_SESSION_COOKIE,
        secure=visit.secure,
        httponly=True,
        samesite="strict",
    )
    return answer


def _form(secret: str, sentence: str, label: str = "", status: int = 200, wait_s: int | None = None) -> Page:
    return Page("card.html", {"secret": secret, "label": label, "sorry": sentence}, status, wait_s)
