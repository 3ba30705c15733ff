"""How requests of the command line are done: one function, whoever owns the board.

With a running node a request travels through its control socket; otherwise the command owns the board
itself. Either way it ends in `work_for`, inside the pump's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from node.looking import demand_channel
from node.pump import Workbench
from node.requests import (
    Answer,
    AskStatus,
    EndCard,
    NewCard,
    NewCode,
    Pin,
    Post,
    Posted,
    Progress,
    Rebuild,
    Request,
    Said,
    SealAll,
    TakeIn,
    Taken,
)
from sync.accept import Proved, prove
from sync.actions import (
    CONSOLE,
    CardMade,
    MakeCard,
    PinCamp,
    Refusal,
    Refused,
    RevokeCard,
    WritePost,
    Written,
)
from sync.engine import Imported
from sync.reading import Reader
from sync.reject import Reject
from sync.signing import Network
from sync.store.rebuilding import rebuild


def work_for(request: Request, progress: Progress, network: Network) -> Callable[[Workbench], Answer]:
    """The work that answers a request, to be done by the pump. It raises what the board raises.

    The signatures of bundles to be taken in are checked here and now, in the caller's thread.
    """
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
            checked = [_checked(key, wire, network) for key, wire in records]
            return lambda bench: _take_in(bench, checked)
        case SealAll():
            return _seal_all
        case Rebuild():
            return lambda bench: _rebuild(bench, progress)
        case AskStatus():
            raise ValueError("the status is not the board's to give")


def _post(bench: Workbench, request: Post) -> Posted:
    order = WritePost(request.channel, request.text, request.nickname, request.urgent, request.reply_to)
    try:
        written = bench.board.do(order, CONSOLE, bench.now, bench.wall_s)
    except Refused as refused:
        if refused.refusal is Refusal.NO_CHANNEL:
            demand_channel(Reader.over(bench.store), request.channel)
        raise
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


@dataclass(frozen=True, slots=True)
class _Doubtful:
    """A record whose key did not sign it: a damaged key, a known one may fit; or no good at all."""

    key: bytes
    wire: bytes


def _checked(key: bytes, wire: bytes, network: Network) -> Proved | _Doubtful:
    try:
        return prove(wire, key, network)
    except Reject:
        return _Doubtful(key, wire)


def _take_in(bench: Workbench, records: Sequence[Proved | _Doubtful]) -> Taken:
    became = [
        bench.engine.import_proved(record, bench.now)
        if isinstance(record, Proved)
        else bench.engine.import_bundle(record.wire, record.key, bench.now)
        for record in records
    ]
    new, known, refused = (became.count(word) for word in (Imported.NEW, Imported.KNOWN, Imported.REFUSED))
    return Taken(new, known, refused, bench.store.unread())


def _seal_all(bench: Workbench) -> Said:
    bench.board.tick(bench.now, bench.wall_s)  # the camp's own card travels too
    bench.engine.seal_all(bench.now)
    return Said("")


def _rebuild(bench: Workbench, progress: Progress) -> Said:
    rebuild(bench.store, progress)
    return Said("")
