"""What the command line asks of a camp, and what it is answered: on the wire CBOR arrays, taken strictly.

Kept apart from the work itself, so that a command that finds a running node starts at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sync import cbor
from sync.message import MessageId, Role
from sync.reject import Reason, Reject

Progress = Callable[[int, int], None]


def no_progress(done: int, of: int) -> None:
    """For requests that take no time."""


# Import hands over records until one of these is reached. Their signatures are checked before the pump gets
# them; 500 are then stored in 40 ms here and a sixth of a second on a Pi 4, and a post waits no longer.
RECORDS_MAX = 500
RECORDS_BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Post:
    """Write a message at the console."""

    channel: str
    text: str
    nickname: str
    urgent: bool
    reply_to: MessageId | None


@dataclass(frozen=True, slots=True)
class NewCard:
    """Make a card for a role."""

    role: Role
    group: str
    name: str


@dataclass(frozen=True, slots=True)
class EndCard:
    """Revoke a card."""

    card: int


@dataclass(frozen=True, slots=True)
class Pin:
    """Vouch for a camp."""

    camp: str


@dataclass(frozen=True, slots=True)
class TakeIn:
    """Take bundles from a file: pairs of key and wire bytes."""

    records: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class SealAll:
    """Seal what waits, because a file leaves now."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Make the projections again from signed bytes."""


@dataclass(frozen=True, slots=True)
class AskStatus:
    """The status object as JSON text; only a running node knows all of it."""


Request = Post | NewCard | EndCard | Pin | TakeIn | SealAll | Rebuild | AskStatus


@dataclass(frozen=True, slots=True)
class Posted:
    """The message is stored; `held` says it waits for a person."""

    message: MessageId
    held: bool


@dataclass(frozen=True, slots=True)
class NewCode:
    """A card and its secret."""

    card: int
    code: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the records. `unread`: bundles stored whose messages no page shows yet."""

    new: int
    known: int
    refused: int
    unread: int


@dataclass(frozen=True, slots=True)
class Said:
    """It is so now, or: here is the text."""

    text: str


Answer = Posted | NewCode | Taken | Said


def encode_request(request: Request) -> bytes:
    """The bytes of a request."""
    match request:
        case Post(channel, text, nickname, urgent, reply_to):
            return cbor.encode(["post", channel, text, nickname, urgent, reply_to])
        case NewCard(role, group, name):
            return cbor.encode(["card", int(role), group, name])
        case EndCard(card):
            return cbor.encode(["revoke", card])
        case Pin(camp):
            return cbor.encode(["pin", camp])
        case TakeIn(records):
            pairs: list[cbor.Value] = [[key, wire] for key, wire in records]
            return cbor.encode(["take in", *pairs])
        case SealAll():
            return cbor.encode(["seal"])
        case Rebuild():
            return cbor.encode(["rebuild"])
        case AskStatus():
            return cbor.encode(["status"])


def decode_request(data: bytes) -> Request:
    """The request in `data`. Raises Reject."""
    match cbor.decode(data):
        case ["post", str() as channel, str() as text, str() as nickname, bool() as urgent, reply_to] if (
            reply_to is None or isinstance(reply_to, bytes)
        ):
            return Post(channel, text, nickname, urgent, reply_to)
        case ["card", int() as role, str() as group, str() as name] if role in _ROLES:
            return NewCard(Role(role), group, name)
        case ["revoke", int() as card]:
            return EndCard(card)
        case ["pin", str() as camp]:
            return Pin(camp)
        case ["take in", *records]:
            return TakeIn(tuple(_record(record) for record in records))
        case ["seal"]:
            return SealAll()
        case ["rebuild"]:
            return Rebuild()
        case ["status"]:
            return AskStatus()
        case _:
            raise Reject(Reason.SHAPE)


def encode_answer(answer: Answer) -> bytes:
    """The bytes of an answer."""
    match answer:
        case Posted(message, held):
            return cbor.encode(["posted", message, held])
        case NewCode(card, code):
            return cbor.encode(["code", card, code])
        case Taken(new, known, refused, unread):
            return cbor.encode(["taken", new, known, refused, unread])
        case Said(text):
            return cbor.encode(["said", text])


def decode_answer(data: bytes) -> Answer:
    """The answer in `data`. Raises Reject."""
    match cbor.decode(data):
        case ["posted", bytes() as message, bool() as held]:
            return Posted(message, held)
        case ["code", int() as card, str() as code]:
            return NewCode(card, code)
        case ["taken", int() as new, int() as known, int() as refused, int() as unread]:
            return Taken(new, known, refused, unread)
        case ["said", str() as text]:
            return Said(text)
        case _:
            raise Reject(Reason.SHAPE)


def _record(value: cbor.Value) -> tuple[bytes, bytes]:
    match value:
        case [bytes() as key, bytes() as wire]:
            return key, wire
        case _:
            raise Reject(Reason.SHAPE)


_ROLES = frozenset(Role)
