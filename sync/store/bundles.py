"""Bundles: what is carried, what is live, and the ids of what is gone or was refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from sync.bundle import Bundle, BundleClass, BundleId, decode
from sync.live import LiveBundle
from sync.reject import Reject
from sync.store.database import Database, written
from sync.store.projection import Projection, Receipt, near_second
from sync.store.rows import ReadLater, ShownMessage
from sync.views import Via

# Verified and refused: 4,096 ids are 64 KiB, and more than any camp's neighbours carry of strangers.
GHOSTS_MAX = 4_096
# SQLite takes 32,766 values in a statement; 500 keep the statement itself small.
_IDS_AT_ONCE = 500

# Unpacking a text costs twice what verifying its signature does, and comes after storing (PROTOCOL.md §7). A
# busy hour brings a bundle or two at a time; more than 16 in one transaction is a camp that joins or a stick,
# and then carrying goes first: what is further is read in the transactions that follow, milliseconds later.
READ_AT_ONCE = 16
# Bytes of such bundles read in one transaction. A hostile text of 2 KB takes 30 ms to unpack (sync.codec),
# so a slice is a quarter of a second at the worst (one bulk bundle, eight texts). Honest bundles of 150 B
# are 54 to a slice, in a twentieth of that.
READ_BYTES_MAX = 8_192

_INSERT = """
INSERT INTO bundles (seq, id, author, key, hour, class, wire, received_s, via, live, read)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""


_UNREAD = """
SELECT seq, id, key, hour, class, wire, received_s, via, live FROM bundles WHERE read = 0 ORDER BY seq LIMIT ?
"""


class BundleTables(Database):
    """The tables `bundles`, `dead_ids`, `ghosts` and `neighbour_has`."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        super().__init__(connection)
        self.key = key
        self.projection = Projection(connection, key)
        self._next_receipt = _highest_receipt(connection) + 1
        self._taken = 0  # bundles in the open transaction
        self._unread: int | None = None  # None: to be counted
        # Ids that are neither here nor dead, looked up together; forgotten at the end of the transaction.
        self._absent: set[BundleId] = set()

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
        that is here already changes nothing. In a flood of bundles their messages are left to
        `read_waiting`; those of alerts and of this camp never are.
        """
        seq = self.next_receipt()
        class_ = bundle.class_
        own = key == self.key
        later = not own and class_ != BundleClass.ALERT and (self._taken >= READ_AT_ONCE or self.unread() > 0)
        signed = (seq, bundle_id, bundle.author, key, bundle.hour, int(class_), bundle.wire)
        if self.connection.execute(_INSERT, (*signed, received_s, via.value, live, not later)).rowcount == 0:
            return ()
        self._absent.discard(bundle_id)
        self._taken += 1
        if later:
            self._unread = self.unread() + 1
            return ()
        receipt = Receipt(seq, key, own, bundle_id, bundle.hour, class_, received_s, via)
        return self._shown(receipt, bundle.messages)

    def unread(self) -> int:
        """How many bundles are carried whose messages are not read yet."""
        if self._unread is None:
            self._unread = self.connection.execute("SELECT count(*) FROM bundles WHERE read = 0").fetchone()[
                0
            ]
        return self._unread

    def recount_unread(self) -> None:
        """Something else than `read_waiting` changed which bundles are read."""
        self._unread = None

    def read_waiting(self, bundles_max: int) -> tuple[ReadLater, ...]:
        """Read the messages of bundles stored in a flood, the oldest first; what pages show because of it.

        As many as READ_BYTES_MAX allows, and one at least; call again while `unread` says so. With none, no
        transaction is begun.
        """
        return self._read_oldest(bundles_max) if self.unread() else ()

    @written
    def _read_oldest(self, bundles_max: int) -> tuple[ReadLater, ...]:
        rows = self.connection.execute(_UNREAD, (bundles_max,)).fetchall()
        news: list[ReadLater] = []
        done: list[tuple[int]] = []
        left = READ_BYTES_MAX
        for seq, bundle_id, key, hour, class_, wire, received_s, via, live in rows:
            if left <= 0:
                break
            left -= len(wire)
            done.append((seq,))
            receipt = Receipt(seq, key, False, bundle_id, hour, BundleClass(class_), received_s, Via(via))
            shown = self._shown(receipt, decode(wire).messages)
            news += [ReadLater(each, key, receipt.via, bool(live)) for each in shown]
        self.connection.executemany("UPDATE bundles SET read = 1 WHERE seq = ?", done)
        self._unread = self.unread() - len(done)
        return tuple(news)

    def has_bundle(self, bundle_id: BundleId) -> bool:
        """Whether a bundle is stored, live or as history."""
        return (
            self.connection.execute("SELECT 1 FROM bundles WHERE id = ?", (bundle_id,)).fetchone() is not None
        )

    def look_up(self, ids: Iterable[BundleId]) -> None:
        """Many bundles come in this transaction: note at once which of them are not here and not dead."""
        asked = set(ids)
        self._absent = asked - self.ids_stored(asked) - self._ids_in("dead_ids", asked)

    def wire_of(self, bundle_id: BundleId) -> bytes | None:
        """The bytes of a bundle, as they were signed and are sent."""
        if bundle_id in self._absent:
            return None
        row = self.connection.execute("SELECT wire FROM bundles WHERE id = ?", (bundle_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def key_of(self, bundle_id: BundleId) -> bytes | None:
        """The key that verified a stored bundle."""
        row = self.connection.execute("SELECT key FROM bundles WHERE id = ?", (bundle_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def ids_stored(self, ids: Iterable[BundleId]) -> set[BundleId]:
        """Those of these ids whose bundles are stored."""
        return self._ids_in("bundles", ids)

    def _ids_in(self, table: str, ids: Iterable[BundleId]) -> set[BundleId]:
        found: set[BundleId] = set()
        rest = iter(ids)
        while part := list(islice(rest, _IDS_AT_ONCE)):
            marks = ",".join("?" * len(part))
            rows = self.connection.execute(f"SELECT id FROM {table} WHERE id IN ({marks})", part)
            found.update(bundle_id for (bundle_id,) in rows)
        return found

    def history_since(self, oldest: Mapping[BundleClass, int]) -> list[BundleId]:
        """Bundles that are not live, of these classes, each sealed in its hour or later."""
        if not oldest:
            return []
        which = " OR ".join("(class = ? AND hour >= ?)" for _ in oldest)
        values = [int(value) for each in oldest.items() for value in each]
        rows = self.connection.execute(f"SELECT id FROM bundles WHERE live = 0 AND ({which})", values)
        return [bundle_id for (bundle_id,) in rows]

    def carried(self, ids: Iterable[BundleId]) -> list[LiveBundle]:
        """Those of these ids whose bundles are stored, live or as history."""
        found: list[LiveBundle] = []
        rest = iter(ids)
        while part := list(islice(rest, _IDS_AT_ONCE)):
            marks = ",".join("?" * len(part))
            found += self._entries(f"id IN ({marks})", part)
        return found

    @written
    def set_live(self, ids: Iterable[BundleId], live: bool) -> None:
        """Take bundles into the live set, or keep them as history."""
        self.connection.executemany(
            "UPDATE bundles SET live = ? WHERE id = ?", ((live, bundle_id) for bundle_id in ids)
        )

    def unsent(self) -> list[BundleId]:
        """Own live bundles that no link took yet, the oldest first."""
        rows = self.connection.execute(
            "SELECT id FROM bundles WHERE live = 1 AND key = ? AND sent_s IS NULL ORDER BY seq", (self.key,)
        )
        return [bundle_id for (bundle_id,) in rows]

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
        self._absent.clear()
        self.connection.executemany(
            "INSERT INTO dead_ids VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET"
            " until_hour = max(until_hour, excluded.until_hour)",
            ((bundle_id, until_hour) for bundle_id in ids),
        )

    def dead_ids(self) -> list[BundleId]:
        """Bundles that were here and are gone, as long as that is remembered."""
        return [bundle_id for (bundle_id,) in self.connection.execute("SELECT id FROM dead_ids")]

    def is_dead(self, bundle_id: BundleId) -> bool:
        """Whether a bundle was here and is gone."""
        if bundle_id in self._absent:
            return False
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
        return self._entries("live = ?", [live])

    def _entries(self, which: str, values: Sequence[object]) -> list[LiveBundle]:
        rows = self.connection.execute(
            f"SELECT id, author, key, hour, class, length(wire) FROM bundles WHERE {which} ORDER BY seq",
            values,
        )
        return [
            LiveBundle(bundle_id, author, key, hour, BundleClass(class_), size)
            for bundle_id, author, key, hour, class_, size in rows
        ]

    def _shown(self, receipt: Receipt, messages: Iterable[bytes]) -> tuple[ShownMessage, ...]:
        """Project the messages of a bundle and count those that cannot be shown."""
        near_s = near_second(receipt.hour or 0)
        news: list[ShownMessage] = []
        for number, raw in enumerate(messages):
            try:
                shown = self.projection.receipt(receipt, number, raw, near_s)
            except Reject as reject:
                self.count(f"refused.{reject.reason}")
                continue
            if shown is not None:
                news.append(shown)
        return tuple(news)

    def _before_commit(self) -> None:
        self.projection.flush()
        self._taken = 0
        self._absent.clear()
        super()._before_commit()

    def _after_rollback(self) -> None:
        self.projection.forget()
        self._taken, self._unread = 0, None
        self._absent.clear()
        super()._after_rollback()

    def _mark(self) -> int:
        return self.projection.laid_aside()

    def _back_to(self, mark: int) -> None:
        self.projection.forget(mark)
        self._unread = None
        self._absent.clear()
        super()._back_to(mark)


def _highest_receipt(connection: sqlite3.Connection) -> int:
    """The highest receipt number in use. One that was deleted may be given again: nothing refers to it."""
    (highest,) = connection.execute(
        "SELECT max((SELECT coalesce(max(seq), 0) FROM bundles),"
        " (SELECT coalesce(max(seq), 0) FROM own_messages),"
        " (SELECT coalesce(max(seq), 0) FROM messages) / 8)"
    ).fetchone()
    return int(highest)
