"""Bundles: what is carried, what is live, and the ids of what is gone or was refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import islice

from sync.bundle import Bundle, BundleClass, BundleId
from sync.live import LiveBundle
from sync.reject import Reject
from sync.store.database import Database, written
from sync.store.projection import Projection, Receipt, near_second
from sync.store.rows import ShownMessage
from sync.views import Via

# Verified and refused: 4,096 ids are 64 KiB, and more than any camp's neighbours carry of strangers.
GHOSTS_MAX = 4_096
# SQLite takes 32,766 values in a statement; 500 keep the statement itself small.
_IDS_AT_ONCE = 500

_INSERT = """
INSERT INTO bundles (seq, id, author, key, hour, class, wire, received_s, via, live)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""


class BundleTables(Database):
    """The tables `bundles`, `dead_ids`, `ghosts` and `neighbour_has`."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        super().__init__(connection)
        self.key = key
        self.projection = Projection(connection, key)
        self._next_receipt = _highest_receipt(connection) + 1

    def live_bundles(self) -> list[LiveBundle]:
        """Every live bundle, the oldest here first."""
        return self._in_set(live=True)

    def dormant_bundles(self) -> list[LiveBundle]:
        """Every bundle kept as history, the oldest here first."""
        return self._in_set(live=False)

    @written
    def add_bundle(
        self, bundle: Bundle, key: bytes, bundle_id: BundleId, received_s: float, via: Via, live: bool
    ) -> tuple[ShownMessage, ...]:
        """Keep a verified bundle and project its messages; those that pages show now and did not before.

        New introductions and farewells are among them, though no page shows them: who is admitted may change.

        A message that cannot be shown is counted as `refused.REASON` and carried all the same. A bundle
        that is here already changes nothing.
        """
        seq = self.next_receipt()
        class_ = bundle.class_
        row = (
            seq,
            bundle_id,
            bundle.author,
            key,
            bundle.hour,
            int(class_),
            bundle.wire,
            received_s,
            via.value,
            live,
        )
        if self.connection.execute(_INSERT, row).rowcount == 0:
            return ()
        receipt = Receipt(seq, key, key == self.key, bundle_id, bundle.hour, class_, received_s, via)
        shown: list[ShownMessage] = []
        for reject_or_shown in self._projected(receipt, bundle.messages):
            if isinstance(reject_or_shown, Reject):
                self.count(f"refused.{reject_or_shown.reason}")
            else:
                shown.append(reject_or_shown)
        return tuple(shown)

    def has_bundle(self, bundle_id: BundleId) -> bool:
        """Whether a bundle is stored, live or as history."""
        return (
            self.connection.execute("SELECT 1 FROM bundles WHERE id = ?", (bundle_id,)).fetchone() is not None
        )

    def wire_of(self, bundle_id: BundleId) -> bytes | None:
        """The bytes of a bundle, as they were signed and are sent."""
        row = self.connection.execute("SELECT wire FROM bundles WHERE id = ?", (bundle_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def key_of(self, bundle_id: BundleId) -> bytes | None:
        """The key that verified a stored bundle."""
        row = self.connection.execute("SELECT key FROM bundles WHERE id = ?", (bundle_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def ids_stored(self, ids: Iterable[BundleId]) -> set[BundleId]:
        """Those of these ids whose bundles are stored."""
        found: set[BundleId] = set()
        rest = iter(ids)
        while part := list(islice(rest, _IDS_AT_ONCE)):
            marks = ",".join("?" * len(part))
            rows = self.connection.execute(f"SELECT id FROM bundles WHERE id IN ({marks})", part)
            found.update(bundle_id for (bundle_id,) in rows)
        return found

    @written
    def set_live(self, ids: Iterable[BundleId], live: bool) -> None:
        """Take bundles into the live set, or keep them as history."""
        self.connection.executemany(
            "UPDATE bundles SET live = ? WHERE id = ?", ((live, bundle_id) for bundle_id in ids)
        )

    def mark_sent(self, bundle_id: BundleId, at_s: float) -> bool:
        """Note that a link took an own bundle; True the first time."""
        cursor = self.connection.execute(
            "UPDATE bundles SET sent_s = ? WHERE id = ? AND key = ? AND sent_s IS NULL",
            (at_s, bundle_id, self.key),
        )
        return cursor.rowcount > 0

    def note_neighbour_has(self, bundle_id: BundleId, key: bytes) -> bool:
        """Note evidence that the camp of `key` holds a bundle of ours; True when it is new."""
        cursor = self.connection.execute(
            "INSERT OR IGNORE INTO neighbour_has SELECT id, ? FROM bundles WHERE id = ? AND key = ?",
            (key, bundle_id, self.key),
        )
        return cursor.rowcount > 0

    @written
    def add_dead_ids(self, ids: Iterable[BundleId], until_hour: int) -> None:
        """Remember bundles that are gone until the end of an hour, so that a replay is not news."""
        self.connection.executemany(
            "INSERT INTO dead_ids VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET"
            " until_hour = max(until_hour, excluded.until_hour)",
            ((bundle_id, until_hour) for bundle_id in ids),
        )

    def is_dead(self, bundle_id: BundleId) -> bool:
        """Whether a bundle was here and is gone."""
        return (
            self.connection.execute("SELECT 1 FROM dead_ids WHERE id = ?", (bundle_id,)).fetchone()
            is not None
        )

    @written
    def add_ghost(self, bundle_id: BundleId) -> None:
        """Remember a bundle that was verified and refused. When full, the oldest goes."""
        self.connection.execute("INSERT OR IGNORE INTO ghosts (id) VALUES (?)", (bundle_id,))
        self.connection.execute(
            "DELETE FROM ghosts WHERE seq <= (SELECT max(seq) FROM ghosts) - ?", (GHOSTS_MAX,)
        )

    def forget_ghosts(self) -> None:
        """Forget them all: who is admitted has changed."""
        self.connection.execute("DELETE FROM ghosts")

    def ghosts(self) -> tuple[BundleId, ...]:
        """Ids verified and refused, the oldest first."""
        return tuple(
            bundle_id for (bundle_id,) in self.connection.execute("SELECT id FROM ghosts ORDER BY seq")
        )

    def next_receipt(self) -> int:
        """The receipt number of what is stored next. Numbers of a transaction rolled back stay unused."""
        self._next_receipt += 1
        return self._next_receipt - 1

    def _in_set(self, live: bool) -> list[LiveBundle]:
        rows = self.connection.execute(
            "SELECT id, author, key, hour, class, length(wire) FROM bundles WHERE live = ? ORDER BY seq",
            (live,),
        )
        return [
            LiveBundle(bundle_id, author, key, hour, BundleClass(class_), size)
            for bundle_id, author, key, hour, class_, size in rows
        ]

    def _projected(self, receipt: Receipt, messages: Iterable[bytes]) -> Iterable[ShownMessage | Reject]:
        near_s = near_second(receipt.hour or 0)
        for number, raw in enumerate(messages):
            try:
                shown = self.projection.receipt(receipt, number, raw, near_s)
            except Reject as reject:
                yield reject
            else:
                if shown is not None:
                    yield shown

    def _before_commit(self) -> None:
        self.projection.flush()
        super()._before_commit()

    def _after_rollback(self) -> None:
        self.projection.forget()
        super()._after_rollback()

    def _mark(self) -> int:
        return self.projection.laid_aside()

    def _back_to(self, mark: int) -> None:
        self.projection.forget(mark)
        super()._back_to(mark)


def _highest_receipt(connection: sqlite3.Connection) -> int:
    """The highest receipt number in use. One that was deleted may be given again: nothing refers to it."""
    (highest,) = connection.execute(
        "SELECT max((SELECT coalesce(max(seq), 0) FROM bundles),"
        " (SELECT coalesce(max(seq), 0) FROM own_messages),"
        " (SELECT coalesce(max(seq), 0) FROM messages) / 8)"
    ).fetchone()
    return int(highest)
