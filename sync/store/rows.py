"""What the store hands out: frozen rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync.bundle import BundleClass
from sync.message import MessageId
from sync.views import Speaks, Via


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message that pages show from now on."""

    id: MessageId
    kind: int
    channel: str
    own: bool
    urgent: bool


@dataclass(frozen=True, slots=True)
class ReadLater:
    """A message shown now that came with a bundle stored earlier."""

    shown: ShownMessage
    key: bytes  # of the camp that said it
    via: Via
    live: bool


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """An own message that no bundle holds yet. `waiting_since` is engine time; 0 after a restart."""

    id: MessageId
    bytes: bytes
    class_: BundleClass
    waiting_since: float


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """What the board must know of a channel before it lets somebody speak in it."""

    name: str
    speaks: Speaks
    crosses: bool
    class_: BundleClass
    to_list: bool
    retention_days: int | None  # None: kept
    is_group: bool
    heard: bool  # known only from other camps' messages


class Wipe(StrEnum):
    """What a coordinator can make the box forget. The words stand in `schema.RULES`."""

    GOSSIP = "gossip"  # what was heard from other camps, and who they are
    MESSAGES = "messages"  # that, and everything people here wrote
    PEOPLE = "people"  # cards, sessions, the moderation log, the hotline
    CAMP = "whole camp"
