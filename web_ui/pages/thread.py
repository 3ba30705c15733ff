"""One message: what happened to it, the thread it stands in, and what this person may do about it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from sync.message import Role
from sync.reading import Reader
from sync.store.letters import LetterState
from sync.views import MessageView, State
from web_ui.access import MODERATORS
from web_ui.excerpts import PAGE_TEXT_BYTES, excerpt, fit, whole
from web_ui.mail_words import in_language
from web_ui.pages.reading import may_write, message_named, place
from web_ui.visit import Here, Page, Visit
from web_ui.words import letter_state
from web_ui.writing import Draft

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Again:
    """A moderator's form that was refused: why, and what was typed."""

    sentence: str = ""
    status: int = 200
    why: str = ""


@router.get("/m/{message}")
async def message(visit: Here, message: str) -> Response:
    """A message, what happened to it, and the thread it stands in."""
    first = place(visit.request.query_params.get("from", ""))
    return await visit.page(lambda reader: message_page(visit, reader, message, first))


def message_page(visit: Visit, reader: Reader, id_hex: str, first: int, again: Again | None = None) -> Page:
    """The page of a message with its replies from the one numbered `first` on."""
    again = again if again is not None else Again()
    view = message_named(reader, id_hex)
    replies = [other for other in reader.thread(view.id) if other.id != view.id]
    root = replies.pop(0) if replies and _stands_above(replies[0], view) else None
    used = len(view.text.encode()) + (len(root.text.encode()) if root is not None else 0)
    shown = fit(replies[first:], min(used, PAGE_TEXT_BYTES - 1))
    after = first + len(shown)
    posted_here = visit.actor.device is not None and reader.posted_by(view.id, visit.actor.device)
    phone_known, muted_until = reader.mute_of(view.id, visit.site.desk.wall_s())
    content = {
        "view": view,
        "shown": whole(view),
        "veiled": not (posted_here or _may_be_read(visit, view)),
        "root": excerpt(root) if root is not None else None,
        "replies": shown,
        "more": after if after < len(replies) else None,
        "why": view.hidden_why if view.state is State.REFUSED else "",
        "heard_by": _camp_names(reader, view.heard_by),
        "may_retract": _may_retract(visit, view, posted_here),
        "letters": _letters(visit, view),
        "phone_known": phone_known,
        "muted_until": muted_until,
        "draft": _reply(reader, view),
        "sorry": again.sentence,
        "kept": again.why,
    }
    return Page("message.html", content, again.status)


def _may_be_read(visit: Visit, view: MessageView) -> bool:
    """What waits or was refused is for its author and those who decide: the public log links to it."""
    if view.state not in (State.HELD, State.REFUSED):
        return True
    if visit.session is None:
        return False
    return visit.session.role in MODERATORS or view.urgent or view.channel == visit.session.group


def _may_retract(visit: Visit, view: MessageView, posted_here: bool) -> bool:
    moderates = visit.session is not None and visit.session.role in (Role.MODERATOR, Role.COORDINATOR)
    return view.own and view.state not in (State.RETRACTED, State.REFUSED) and (moderates or posted_here)


def _stands_above(first: MessageView, view: MessageView) -> bool:
    return view.parent is not None and first.parent is None


def _reply(reader: Reader, view: MessageView) -> Draft | None:
    if view.state in (State.HELD, State.REFUSED, State.RETRACTED) or view.hidden:
        return None
    channel = next((channel for channel in reader.channels() if channel.name == view.channel), None)
    if channel is None or not may_write(channel):
        return None
    return Draft(view.channel, reply_to=view.id.hex())


def _letters(visit: Visit, view: MessageView) -> list[tuple[str, str, str, str]]:
    """Of each list it goes to: the name, where the letter is, why, and the page that shows the letter."""
    if view.state in (State.HELD, State.REFUSED):
        return []
    mail = visit.site.desk.mail()
    states = mail.letters_of(view.id)
    if not states:
        return []
    may_look = visit.session is not None and (
        visit.session.role in MODERATORS or view.channel == visit.session.group
    )
    places = {each.name: f"/mail/{each.number}/preview/{view.id.hex()}" for each in mail.lists() if may_look}
    return [
        (
            name,
            letter_state(visit.language, state),
            in_language(visit.language, state.said_words or state.why) if _has_reason(state) else "",
            places.get(name, ""),
        )
        for name, state in states
    ]


def _has_reason(state: LetterState) -> bool:
    return state.state == "refused" or state.said == "held"


def _camp_names(reader: Reader, ids: tuple[str, ...]) -> list[str]:
    if not ids:
        return []
    names = {camp.id: camp.name for camp in reader.camps()}
    return [names.get(id_, id_) for id_ in ids]
