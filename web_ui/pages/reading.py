"""What everybody may read: the square, channels, messages with their thread, search."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from sync.message import LETTERS, MESSAGE_ID_BYTES, MessageId
from sync.reading import Reader
from sync.views import ChannelView, MessageView, State
from web_ui.excerpts import PAGE_MESSAGES, beginning, fit
from web_ui.languages import Language
from web_ui.visit import LANGUAGE_COOKIE, NOT_HERE, Here, Page, Sorry, Visit
from web_ui.writing import Draft

router = APIRouter(include_in_schema=False)

# Urgent messages on top of the front page; the rest of an hour's 20 stand in their channel.
STRIP_MAX = 5
# Of the bytes of texts on a page, for channels and hotline beside the strip.
STRIP_LEAVES_BYTES = 2_500
# Channels that show their newest words; more are listed by name. A camp with more groups has small ones.
CHANNELS_WITH_WORDS = 16
LINE_BYTES = 90
HOTLINE_BYTES = 500
QUERY_CHARACTERS_MAX = 100
LANGUAGE_KEPT_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest message of a channel in one line."""

    line: str
    sort_s: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A channel on the front page."""

    channel: ChannelView
    newest: Newest | None


@router.get("/")
async def front(visit: Here) -> Response:
    """The square: what is urgent, the channels with their newest words, the hotline."""
    return await visit.page(lambda reader: _front(visit, reader))


def _front(visit: Visit, reader: Reader) -> Page:
    channels = reader.channels()
    ours = [channel for channel in channels if not channel.heard]
    hotline = reader.hotline()
    return Page(
        "front.html",
        {
            "strip": fit(reader.strip(visit.site.desk.wall_s())[:STRIP_MAX], STRIP_LEAVES_BYTES),
            "channels": [Entry(channel, _newest(reader, channel)) for channel in ours[:CHANNELS_WITH_WORDS]]
            + [Entry(channel, None) for channel in ours[CHANNELS_WITH_WORDS:]],
            "heard": [channel for channel in channels if channel.heard],
            "hotline": None
            if hotline is None
            else {
                "at": hotline.at,
                "text": beginning(hotline.text, HOTLINE_BYTES),
                "cut": len(hotline.text.encode()) > HOTLINE_BYTES,
            },
            "held": reader.status().held if visit.session is not None else 0,
        },
    )


def _newest(reader: Reader, channel: ChannelView) -> Newest | None:
    found = reader.newest(channel.name, None, 1)
    if not found:
        return None
    view = found[0]
    gone = view.hidden or view.state is State.RETRACTED
    line = "…" if gone else beginning(" ".join(view.text.split()), LINE_BYTES)
    return Newest(line, min(view.created, view.received))


@router.get("/c/{channel}")
async def channel(visit: Here, channel: str, before: str = "") -> Response:
    """A channel, newest first, with the form to write in."""
    return await visit.page(lambda reader: _channel(visit, reader, channel, before))


def _channel(visit: Visit, reader: Reader, name: str, before: str) -> Page:
    found = channel_named(reader, name)
    before_seq = place(before) or None
    views = reader.newest(name, before_seq, PAGE_MESSAGES + 1)
    shown = fit(views)
    return Page(
        "channel.html",
        {
            "channel": found,
            "messages": shown,
            "first": before_seq is None,
            "older": shown[-1].view.seq if len(shown) < len(views) else None,
            "draft": Draft(found.name) if may_write(found) else None,
        },
    )


@router.get("/search")
async def search(visit: Here, q: str = "") -> Response:
    """Messages with these words."""
    return await visit.page(lambda reader: _search(reader, q[:QUERY_CHARACTERS_MAX].strip()))


def _search(reader: Reader, query: str) -> Page:
    found = reader.search(query, PAGE_MESSAGES + 1) if query else ()
    shown = fit(found)
    return Page("search.html", {"query": query, "messages": shown, "more": len(shown) < len(found)})


@router.get("/language/{code}")
async def language(visit: Here, code: str, back: str = "/") -> Response:
    """Read on in another language."""
    chosen: Language | None = visit.site.languages.named(code)
    if chosen is None:
        raise Sorry(404, NOT_HERE)
    # Only a path of this box: "//host" and "/\host" lead elsewhere, and so do control characters.
    safe = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    answer = visit.go(back if safe else "/")
    answer.set_cookie(
        LANGUAGE_COOKIE,
        chosen.code,
        max_age=LANGUAGE_KEPT_S,
        httponly=True,
        samesite="lax",
    )
    return answer


def channel_named(reader: Reader, name: str) -> ChannelView:
    """The channel of this name. Raises Sorry."""
    for found in reader.channels():
        if found.name == name:
            return found
    raise Sorry(404, NOT_HERE)


def may_write(channel: ChannelView) -> bool:
    """Whether there is a form: letters come from the mailing list only."""
    return channel.name != LETTERS


def place(typed: str) -> int:
    """Where to go on, as an address says it; 0, the beginning, for what is no number of ours."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 18 else 0


def message_id(id_hex: str) -> MessageId:
    """The id in an address. Raises Sorry."""
    try:
        id_ = bytes.fromhex(id_hex)
    except ValueError as error:
        raise Sorry(404, NOT_HERE) from error
    if len(id_) != MESSAGE_ID_BYTES or id_.hex() != id_hex:
        raise Sorry(404, NOT_HERE)
    return id_


def message_named(reader: Reader, id_hex: str) -> MessageView:
    """The message of this id. Raises Sorry."""
    view = reader.message(message_id(id_hex))
    if view is None:
        raise Sorry(404, NOT_HERE)
    return view
