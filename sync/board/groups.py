"""Working groups: a group makes one channel of its name, in which its liaisons speak."""

from __future__ import annotations

import re
import unicodedata

from sync import cbor
from sync.actions import Actor, Done, MakeGroup, Refusal, Refused
from sync.board.posting import publish
from sync.board.room import Moment, Room
from sync.codec import pack
from sync.message import CHANNEL_CODES, HERE, Kind, Message
from sync.store.people import Act
from sync.store.projection import CARD_FIELD_BYTES_MAX
from sync.text import CHANNEL_BYTES_MAX, is_channel_name, tidy, tidy_name

# What a group says of itself stands above its channel, and every camp shows as much of it as of a card.
ABOUT_BYTES_MAX = CARD_FIELD_BYTES_MAX
NAME_CHARACTERS_MAX = 200

_BETWEEN = re.compile(r"[\W_]+")


def make_group(room: Room, order: MakeGroup, actor: Actor, at: Moment) -> Done:
    """Make a group and tell the other camps, or change what it says of itself. `target` is its channel."""
    about = tidy(order.about[: 4 * ABOUT_BYTES_MAX])
    if len(about.encode()) > ABOUT_BYTES_MAX:
        raise Refused(Refusal.TOO_LONG)
    name = channel_name(order.name)
    rule = room.store.channel(name)
    if rule is not None and rule.is_group and not rule.heard:
        if about:
            room.people.set_about(name, about)
            _tell(room, name, about, at)
        return Done(name)
    room.people.make_group(name, about, at.second)
    room.log(actor, at, Act.MAKE_GROUP, name)
    _tell(room, name, about, at)
    return Done(name)


def ensure_group(room: Room, typed: str, actor: Actor, at: Moment) -> str:
    """The channel name of a group, made when it does not exist."""
    return make_group(room, MakeGroup(typed), actor, at).target


def channel_name(typed: str) -> str:
    """A group's name as a channel's: lower case, hyphens between words, cut to 32 bytes. BAD_NAME."""
    letters = tidy_name(typed[:NAME_CHARACTERS_MAX]).lower()
    # A sign that stands over a letter is none itself in a channel's name, and no gap between words either.
    letters = "".join(c for c in letters if not unicodedata.category(c).startswith("M"))
    words = _BETWEEN.split(letters)
    name = "-".join(word for word in words if word)
    name = name.encode()[:CHANNEL_BYTES_MAX].decode(errors="ignore").rstrip("-")
    if not is_channel_name(name) or name in CHANNEL_CODES or name == HERE:
        raise Refused(Refusal.BAD_NAME)
    return name


def _tell(room: Room, name: str, about: str, at: Moment) -> None:
    # A camp that nobody listens to any more can still have groups of its own.
    if not room.is_buried:
        publish(room, Message(Kind.GROUP, at.second, body=pack(cbor.encode([about])), channel=name), None, at)
