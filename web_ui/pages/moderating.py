"""Deciding about posts that wait, hiding, muting: for people with a card, and in the public log."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from sync.actions import (
    Action,
    HideMessage,
    HoldStrangers,
    MuteAuthor,
    Refusal,
    Refused,
    RefuseHeld,
    ReleaseHeld,
    SetChannel,
    UnhideMessage,
    Written,
)
from sync.board.posting import STRANGERS_HELD
from sync.message import LETTERS, Role
from sync.reading import Reader
from sync.views import HeldView
from web_ui.excerpts import rows_that_fit
from web_ui.pages.reading import channel_named, message_id
from web_ui.pages.thread import Again, message_page
from web_ui.visit import Here, Page, Visit
from web_ui.words import HELD_BECAUSE, REFUSED, mark, status_of
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

# The two forms of a post and their tokens, packed.
FORMS_BYTES = 300
CLOCK_WRONG = mark("That is no time: seconds since 1970, or a date and time in UTC.")
# Seconds on a clock that is right: this software is newer than 2026, and no box of it runs in 2100.
CLOCK_MIN_S, CLOCK_MAX_S = 1_767_225_600, 4_102_444_800


@router.get("/held")
async def held(visit: Here) -> Response:
    """The posts that wait for this person's word."""
    return await visit.page(lambda reader: _held(visit, reader))


def _held(
    visit: Visit, reader: Reader, sentence: str = "", status: int = 200, kept: str = "", id_hex: str = ""
) -> Page:
    group = None
    if visit.session is not None and visit.session.role is Role.LIAISON:
        group = visit.session.group or ""  # a liaison without a group repeats mic checks, and that is all
    waiting = sorted(reader.held(group), key=lambda post: (not post.urgent, post.received))
    shown = _fit(waiting)
    return Page(
        "held.html",
        {
            "posts": shown,
            "more": len(waiting) - len(shown),
            "because": lambda post: visit.language.say(HELD_BECAUSE[post.why]),
            "group": group,
            "may_refuse": lambda post: group is None or post.channel == group,
            "sorry": sentence,
            "kept": kept,
            "kept_for": id_hex,
        },
        status,
    )


def _fit(posts: list[HeldView]) -> list[HeldView]:
    """As many as fit a page: they are shown whole, for nobody may decide on half a text."""
    return rows_that_fit(posts, lambda post: post.text + post.author, FORMS_BYTES)


@router.post("/held/{message}/release")
async def release(visit: Here, message: str) -> Response:
    """Let a post out; for a mic check, repeat it."""
    order = ReleaseHeld(message_id(message))
    fields = await fields_of(visit)
    return await _decide(visit, order, fields, message)


@router.post("/held/{message}/refuse")
async def refuse(visit: Here, message: str) -> Response:
    """Do not let a post out, and say why."""
    fields = await fields_of(visit)
    return await _decide(visit, RefuseHeld(message_id(message), fields.get("why", "")), fields, message)


async def _decide(visit: Visit, order: Action, fields: dict[str, str], id_hex: str) -> Response:
    visit.use_token(fields.get("token", ""))
    try:
        outcome = await visit.do(order)
    except Refused as error:
        sentence, status, kept = REFUSED[error.refusal], status_of(error.refusal), fields.get("why", "")
        return await visit.page(lambda reader: _held(visit, reader, sentence, status, kept, id_hex))
    return visit.go(f"/m/{outcome.message.hex()}" if isinstance(outcome, Written) else "/held")


@router.post("/m/{message}/hide")
async def hide(visit: Here, message: str) -> Response:
    """Hide a message on this camp's pages."""
    fields = await fields_of(visit)
    return await _about(visit, fields, HideMessage(message_id(message), fields.get("why", "")), message)


@router.post("/m/{message}/unhide")
async def unhide(visit: Here, message: str) -> Response:
    """Show it again."""
    fields = await fields_of(visit)
    return await _about(visit, fields, UnhideMessage(message_id(message), fields.get("why", "")), message)


@router.post("/m/{message}/mute")
async def mute(visit: Here, message: str) -> Response:
    """Hold what the phone that posted this message posts from now on."""
    fields = await fields_of(visit)
    hours = fields.get("hours", "")
    n = int(hours) if hours.isascii() and hours.isdigit() and len(hours) <= 3 else 1
    return await _about(visit, fields, MuteAuthor(message_id(message), n, fields.get("why", "")), message)


@router.get("/moderate")
async def moderate(visit: Here) -> Response:
    """The switches of moderators: hold everybody's posts; who speaks in which channel."""
    return await visit.page(lambda reader: _moderate(visit, reader))


def _moderate(visit: Visit, reader: Reader, sentence: str = "", status: int = 200, kept: str = "") -> Page:
    channels = [channel for channel in reader.channels() if not channel.heard and channel.name != LETTERS]
    on = bool(reader.meta(STRANGERS_HELD))
    content = {
        "channels": channels,
        "on": on,
        "letters_held": visit.site.desk.mail().count_held(),
        "sorry": sentence,
        "kept": kept,
    }
    return Page("moderate.html", content, status)


@router.post("/moderate/strangers")
async def strangers(visit: Here) -> Response:
    """Hold every camper's post, or stop doing so."""
    fields = await fields_of(visit)
    order = HoldStrangers(fields.get("on", "") == "1", fields.get("why", ""))
    return await _switch(visit, fields, order)


@router.post("/moderate/channel")
async def quiet(visit: Here) -> Response:
    """Let only liaisons speak in a channel, or everybody again."""
    fields = await fields_of(visit)
    channel = await visit.read(lambda reader: channel_named(reader, fields.get("channel", "")))
    quiet_now = fields.get("quiet", "") == "1"
    order = SetChannel(channel.name, quiet_now, channel.retention_days, channel.to_list)
    return await _switch(visit, fields, order)


async def _switch(visit: Visit, fields: dict[str, str], order: Action) -> Response:
    visit.use_token(fields.get("token", ""))
    try:
        await visit.do(order)
    except Refused as error:
        sentence, status, kept = REFUSED[error.refusal], status_of(error.refusal), fields.get("why", "")
        return await visit.page(lambda reader: _moderate(visit, reader, sentence, status, kept))
    return visit.go("/moderate")


async def _about(visit: Visit, fields: dict[str, str], order: Action, id_hex: str) -> Response:
    """Carry out an order about a message and show the message; refused, with the reason as it was typed."""
    visit.use_token(fields.get("token", ""))
    try:
        await visit.do(order)
    except Refused as error:
        again = Again(REFUSED[error.refusal], status_of(error.refusal), fields.get("why", ""))
        return await visit.page(lambda reader: message_page(visit, reader, id_hex, 0, again))
    return visit.go(f"/m/{id_hex}")


@router.get("/clock")
async def clock(visit: Here) -> Response:
    """Tell the box what time it is."""
    return await visit.show(_clock(visit))


def _clock(visit: Visit, sorry: str = "", kept: str = "", status: int = 200) -> Page:
    content = {"now_s": visit.site.desk.wall_s(), "may": _may_set_clock(visit), "sorry": sorry, "kept": kept}
    return Page("clock.html", content, status)


def _may_set_clock(visit: Visit) -> bool:
    """A box that does not know the time takes it from anybody with a card; a clock that is set moves what
    people here seal and forget, so only a coordinator changes it."""
    return not visit.site.desk.clock().is_set or visit.actor.role is Role.COORDINATOR


@router.post("/clock")
async def set_clock(visit: Here) -> Response:
    """Take the time of this phone."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    if not _may_set_clock(visit):
        return await visit.show(_clock(visit, status=status_of(Refusal.NOT_ALLOWED)))
    unix_s = _seconds(fields)
    if unix_s is None:
        return await visit.show(_clock(visit, CLOCK_WRONG, fields.get("utc", ""), 422))
    await visit.site.desk.set_clock(unix_s, visit.actor)
    return visit.go("/status")


def _seconds(fields: dict[str, str]) -> float | None:
    """The time in the form: typed as a date in UTC, else what the script took from the phone."""
    typed, unix = fields.get("utc", ""), fields.get("unix", "")
    if typed:
        try:
            unix_s = datetime.fromisoformat(typed).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None
    elif unix.isascii() and unix.isdigit() and len(unix) <= 12:
        unix_s = float(unix)
    else:
        return None
    return unix_s if CLOCK_MIN_S <= unix_s <= CLOCK_MAX_S else None
