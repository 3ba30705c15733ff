"""What every rule of the board has at hand: the store, the engine, this camp, limits and the moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sync.actions import Actor, Refusal, Refused
from sync.board.quotas import Quotas
from sync.message import Message, MessageId, Role
from sync.signing import Identity
from sync.store import Store
from sync.store.people import Act, People
from sync.text import NICKNAME_BYTES_MAX, tidy_name

# A reason is read by the author and everybody in the log: one line of a phone, said three times.
WHY_BYTES_MAX = 200


def utc(_: float) -> int:
    """The offset of a camp that lives by UTC."""
    return 0


class Publisher(Protocol):
    """The face of the engine that the board needs."""

    def publish(self, message: Message, now: float, device: bytes | None = None) -> MessageId:
        """Store an own message in the open transaction, to be sealed if its channel crosses."""
        ...

    def withdraw(self, message: MessageId) -> bool:
        """Never seal an own message that still waits for it; False when it is sealed already."""
        ...

    def refresh_admission(self) -> None:
        """Pins, farewells or the admission switch changed in the store."""
        ...


@dataclass(frozen=True, slots=True)
class CampSettings:
    """What this camp says of itself on its card, and its quota. Place and contact only if it wants."""

    name: str
    place: str = ""
    languages: tuple[str, ...] = ()
    contact: str = ""
    has_list: bool = False
    device_per_minute: int = 6  # 0: no quota
    lists: tuple[bytes, ...] = ()  # digests of the lists it posts to (`sync.receipts`)
    utc_offset: Callable[[float], int] = utc  # minutes east of UTC at a Unix time


@dataclass(frozen=True, slots=True)
class BoardLimits:
    """Limits on what people send. Each has its reason beside it."""

    # EU868 lets a node send 10 % of an hour, 360 s; half of that is polite, 180 s; a camp's mic checks get
    # 20 % of it, 36 s. A frame of 140 B, which holds a phrase of 140 characters, takes 1,420 ms on LongFast,
    # and a mic check is sent at least twice: 12 of them.
    mic_checks_per_hour: int = 12
    # Two evenings of a busy quiet channel. Fresh cookies are free, so a flooder can fill this; then posts
    # that would wait are refused, and nobody else's.
    held_posts_max: int = 200
    # Mic checks have their own room: a flood of posts must not silence "medic to gate 4".
    held_mic_checks_max: int = 50
    # The phones of one person, some of them lost. When a ninth opens, the one unused longest is closed.
    sessions_per_card: int = 8


@dataclass(frozen=True, slots=True)
class Moment:
    """When an order is carried out: `now` of the engine's clock, `wall_s` Unix time."""

    now: float
    wall_s: float

    @property
    def second(self) -> int:
        """The Unix second, for stamps."""
        return int(self.wall_s)


@dataclass(frozen=True, slots=True)
class Room:
    """What a rule works with."""

    store: Store
    people: People
    engine: Publisher
    identity: Identity
    secret: Callable[[int], bytes]
    limits: BoardLimits
    settings: CampSettings
    quotas: Quotas

    @property
    def is_buried(self) -> bool:
        """Whether a dead-key letter of this camp's own key is known: no camp listens to it any more."""
        return self.people.is_dead(self.identity.key)

    def log(self, actor: Actor, at: Moment, act: Act, target: str = "", why: str = "") -> None:
        """Write a line of the public log."""
        self.people.log(at.second, role_words(actor), actor.card, act, target, why)


def role_words(actor: Actor) -> str:
    """Who did it, as the public log says: a role, never a name."""
    if actor.role == Role.LIAISON and actor.group:
        return f"liaison of {actor.group}"
    return actor.role.word


def reason(why: str, *, needed: bool = True) -> str:
    """A reason as one line. Refused with WHY_MISSING when there is none, TOO_LONG over 200 bytes."""
    line = tidy_name(why[: 4 * WHY_BYTES_MAX])
    if needed and not line:
        raise Refused(Refusal.WHY_MISSING)
    if len(line.encode()) > WHY_BYTES_MAX:
        raise Refused(Refusal.TOO_LONG)
    return line


def short_name(typed: str) -> str:
    """A nickname or label as one line of at most 48 bytes; may be empty. Refused with TOO_LONG."""
    name = tidy_name(typed[: 4 * NICKNAME_BYTES_MAX])
    if len(name.encode()) > NICKNAME_BYTES_MAX:
        raise Refused(Refusal.TOO_LONG)
    return name
