"""What the command line asks of a camp, and how it is done: one function, whoever owns the board.

With a running node a request travels through its control socket; otherwise the command owns the board
itself. Either way it ends in `work_for`, inside the pump's transaction. On the wire requests and answers are
CBOR arrays, taken strictly like everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from node.pump import Workbench
from sync import cbor
from sync.actions import CONSOLE, CardMade, MakeCard, PinCamp, RevokeCard, WritePost, Written
from sync.engine import Imported
from sync.message import MessageId, Role
from sync.reject import Reason, Reject
from sync.store.rebuilding import rebuild

Progress = Callable[[int, int], None]


def no_progress(done: int, of: int) -> None:
    """For requests that take no time."""


# Import hands over records until one of these is reached: a transaction that keeps nobody waiting.
RECORDS_MAX = 100
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
    """What became of the records."""

    new: int
    known: int
    refused: int


@dataclass(frozen=True, slots=True)
class Said:
    """It is so now, or: here is the text."""

    text: str


Answer = Posted | NewCode | Taken | Said


def work_for(request: Request, progress: Progress) -> Callable[[Workbench], Answer]:
    """The work that answers a request, to be done by the pump. It raises what the board raises."""
    match request:
        case Post():
            return lambda bench: _post(bench, request)
        case NewCard(role, group, name):
            return lambda bench: _make_card(bench, MakeCard(role, group or None, name))
        case EndCard(card):
            return lambda bench: _do(bench, RevokeCard(card))
        case Pin(camp):
            return lambda bench: _do(bench, PinCamp(camp))
        case TakeIn(records):
            return lambda bench: _take_in(bench, records)
        case SealAll():
            return _seal_all
        case Rebuild():
            return lambda bench: _rebuild(bench, progress)
        case AskStatus():
            raise ValueError("the status is not the board's to give")


def _post(bench: Workbench, request: Post) -> Posted:
    order = WritePost(request.channel, request.text, request.nickname, request.urgent, request.reply_to)
    written = bench.board.do(order, CONSOLE, bench.now, bench.wall_s)
    assert isinstance(written, Written)
    return Posted(written.message, written.held)


def _make_card(bench: Workbench, order: MakeCard) -> NewCode:
    made = bench.board.do(order, CONSOLE, bench.now, bench.wall_s)
    assert isinstance(made, CardMade)
    return NewCode(made.card, made.secret)


def _do(bench: Workbench, order: RevokeCard | PinCamp) -> Said:
    bench.board.do(order, CONSOLE, bench.now, bench.wall_s)
    if isinstance(order, PinCamp):
        bench.engine.refresh_admission()
    return Said("")


def _take_in(bench: Workbench, records: tuple[tuple[bytes, bytes], ...]) -> Taken:
    became = [bench.engine.import_bundle(wire, key, bench.now) for key, wire in records]
    return Taken(*(became.count(word) for word in (Imported.NEW, Imported.KNOWN, Imported.REFUSED)))


def _seal_all(bench: Workbench) -> Said:
    bench.engine.seal_all(bench.now)
    return Said("")


def _rebuild(bench: Workbench, progress: Progress) -> Said:
    rebuild(bench.store, progress)
    return Said("")


# -- on the wire ------------------------------------------------------------------------------------


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
        case Taken(new, known, refused):
            return cbor.encode(["taken", new, known, refused])
        case Said(text):
            return cbor.encode(["said", text])


def decode_answer(data: bytes) -> Answer:
    """The answer in `data`. Raises Reject."""
    match cbor.decode(data):
        case ["posted", bytes() as message, bool() as held]:
            return Posted(message, held)
        case ["code", int() as card, str() as code]:
            return NewCode(card, code)
        case ["taken", int() as new, int() as known, int() as refused]:
            return Taken(new, known, refused)
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
