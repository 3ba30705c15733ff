"""`miccheck rebuild`: the projections made again from signed bytes, in the order in which they came."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sync import message
from sync.bundle import BundleClass
from sync.bundle import decode as decode_bundle
from sync.message import MessageId
from sync.reject import Reject
from sync.store.own import OwnTables, own_receipt
from sync.store.projection import Projection, Receipt, near_second
from sync.views import Via

_BUNDLES = "SELECT seq, id, key, hour, class, wire, received_s, via FROM bundles WHERE seq = ?"
_OWN = "SELECT seq, id, bytes, second, class, received_s FROM own_messages WHERE seq = ?"
_RECEIPTS = "SELECT seq, 0 FROM bundles UNION ALL SELECT seq, 1 FROM own_messages ORDER BY 1"
_SEALED = """
UPDATE messages SET bundle = o.bundle, hour = (SELECT b.hour FROM bundles b WHERE b.id = o.bundle)
FROM own_messages o WHERE o.id = messages.id AND o.bundle IS NOT NULL
"""
# Search rows are written in parts, so that a Pi's memory does not have to hold a whole board.
_FLUSH_EVERY = 1_000

_Item = tuple[Receipt, int, bytes, int, MessageId | None]  # what Projection.receipt takes


def rebuild(store: OwnTables, progress: Callable[[int, int], None]) -> None:
    """Empty the projections and fill them again, inside the caller's transaction."""
    hidden = [row_id for (row_id,) in store.connection.execute("SELECT id FROM messages WHERE hidden = 1")]
    projection = store.projection
    projection.clear()
    receipts = store.connection.execute(_RECEIPTS).fetchall()
    for done, (seq, is_own) in enumerate(receipts, start=1):
        _project_all(projection, _own(store, seq) if is_own else _bundle(store, seq))
        if done % _FLUSH_EVERY == 0:
            projection.flush()
        progress(done, len(receipts))
    projection.flush()
    store.connection.execute("UPDATE bundles SET read = 1 WHERE read = 0")
    store.recount_unread()
    store.connection.execute(_SEALED)
    _hide_again(store, hidden)


def _project_all(projection: Projection, items: Iterator[_Item]) -> None:
    for item in items:
        try:
            projection.receipt(*item)
        except Reject:
            continue  # counted when it came


def _bundle(store: OwnTables, wanted: int) -> Iterator[_Item]:
    row = store.connection.execute(_BUNDLES, (wanted,)).fetchone()
    seq, row_id, key, hour, class_, wire, received_s, via = row
    receipt = Receipt(seq, key, key == store.key, row_id, hour, BundleClass(class_), received_s, Via(via))
    for number, raw in enumerate(decode_bundle(wire).messages):
        yield receipt, number, raw, near_second(hour), None


def _own(store: OwnTables, wanted: int) -> Iterator[_Item]:
    seq, message_id, raw, second, class_, received_s = store.connection.execute(_OWN, (wanted,)).fetchone()
    kind = message.decode(raw, second, local=True).kind
    life = None if class_ is None else BundleClass(class_)
    yield own_receipt(seq, store.key, life, received_s, kind), 0, raw, second, message_id


def _hide_again(store: OwnTables, hidden: list[bytes]) -> None:
    """What moderators hid stays hidden: by the rows as they were, and by the log where they were lost."""
    for row_id in hidden:
        store.connection.execute("UPDATE messages SET hidden = 1 WHERE id = ?", (row_id,))
    log = store.connection.execute(
        "SELECT act = 'hide', target FROM moderation WHERE act IN ('hide', 'unhide') ORDER BY seq"
    )
    for hide, target in log.fetchall():
        store.connection.execute("UPDATE messages SET hidden = ? WHERE id = ?", (hide, bytes.fromhex(target)))
