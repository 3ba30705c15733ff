"""Which camps this one knows: keys, pins, introductions, farewells. The engine says who is admitted."""

from __future__ import annotations

import sqlite3

from sync.signing import author_of
from sync.store.database import Database, written

# A second key under one author id is a hash collision somebody paid 2^32 work for. Four admitted are tried,
# and as many that are not, so that a forger cannot crowd out a camp that waits.
KEYS_PER_AUTHOR_MAX = 4
# Camps that wait for a coordinator to look. A flood of fresh keys pushes out the oldest of its own kind.
REFUSED_KEYS_MAX = 64
# Authors whose keys are remembered within a transaction: a group of 500 frames, each of another author.
KEYS_READ_MAX = 512


class KeyTables(Database):
    """The tables `keys`, `introductions` and `farewells`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        # What the open transaction read and wrote of `keys`, forgotten at its end: a group of bundles is of a
        # few camps and asks the same four questions of each.
        self._keys_of: dict[bytes, tuple[bytes, ...]] = {}
        self._kept: set[bytes] = set()

    def keys_of(self, author: bytes) -> tuple[bytes, ...]:
        """The keys (32 bytes) to try for an 8-byte author id, admitted ones first."""
        keys = self._keys_of.get(author)
        if keys is None:
            rows = self.connection.execute(
                "SELECT key FROM keys WHERE author = ? ORDER BY refused_s IS NOT NULL, first_hour, key",
                (author,),
            )
            keys = tuple(key for (key,) in rows)
            if self.is_open() and len(self._keys_of) < KEYS_READ_MAX:
                self._keys_of[author] = keys
        return keys

    @written
    def add_key(self, key: bytes, hour: int) -> bool:
        """Keep the key of a camp that is admitted; False when four of its author id are there already."""
        if key in self._kept:
            return True
        author = author_of(key)
        others = self.connection.execute(
            "SELECT count(*) FROM keys WHERE author = ? AND refused_s IS NULL AND key <> ?", (author, key)
        ).fetchone()[0]
        if others >= KEYS_PER_AUTHOR_MAX:
            return False
        self.connection.execute(
            "INSERT INTO keys (key, author, first_hour) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET refused_s = NULL",
            (key, author, hour),
        )
        self._keys_of.pop(author, None)
        self._kept.add(key)
        return True

    @written
    def refuse_key(self, key: bytes, at_s: float) -> None:
        """Note that a camp spoke and is not admitted: a camp is waiting."""
        self._forget_keys()
        self.connection.execute(
            "INSERT INTO keys (key, author, first_hour, refused_s) VALUES (?, ?, 0, ?)"
            " ON CONFLICT (key) DO UPDATE SET refused_s = excluded.refused_s WHERE pinned_s IS NULL",
            (key, author_of(key), int(at_s)),
        )
        self._drop_oldest_refused("author = ?", (author_of(key),), KEYS_PER_AUTHOR_MAX)
        self._drop_oldest_refused("1", (), REFUSED_KEYS_MAX)

    def waiting_camps(self) -> tuple[bytes, ...]:
        """Keys of camps that spoke and are not admitted, the latest first."""
        rows = self.connection.execute(
            "SELECT key FROM keys WHERE refused_s IS NOT NULL ORDER BY refused_s DESC, key"
        )
        return tuple(key for (key,) in rows)

    def pin(self, key: bytes, at_s: float, introduce: bool) -> None:
        """Vouch for a camp, whether or not it was heard; `introduce` says whether others are told."""
        self._forget_keys()
        self.connection.execute(
            "INSERT INTO keys (key, author, first_hour, pinned_s, introduce) VALUES (?, ?, 0, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET pinned_s = excluded.pinned_s, introduce = excluded.introduce,"
            " refused_s = NULL",
            (key, author_of(key), int(at_s), introduce),
        )

    def unpin(self, key: bytes) -> None:
        """Stop vouching for a camp."""
        self.connection.execute("UPDATE keys SET pinned_s = NULL WHERE key = ?", (key,))

    def pins(self) -> dict[bytes, bool]:
        """Keys pinned here, and whether others are told."""
        rows = self.connection.execute(
            "SELECT key, introduce FROM keys WHERE pinned_s IS NOT NULL ORDER BY pinned_s, key"
        )
        return {key: bool(introduce) for key, introduce in rows}

    def introductions(self) -> tuple[tuple[bytes, bytes], ...]:
        """(introducer, introduced) of other camps, by keys, the oldest first. Our own are the pins."""
        rows = self.connection.execute(
            "SELECT introducer, introduced FROM introductions ORDER BY hour, introducer, introduced"
        )
        return tuple(rows)

    def add_farewell(self, key: bytes, signature: bytes, at_s: float) -> None:
        """Keep a dead-key letter whose signature was verified."""
        self.connection.execute(
            "INSERT OR IGNORE INTO farewells VALUES (?, ?, ?)", (key, signature, int(at_s))
        )

    def farewells(self) -> frozenset[bytes]:
        """Keys that are dead for good."""
        return frozenset(key for (key,) in self.connection.execute("SELECT key FROM farewells"))

    def _forget_keys(self) -> None:
        self._keys_of.clear()
        self._kept.clear()

    def _before_commit(self) -> None:
        self._forget_keys()
        super()._before_commit()

    def _after_rollback(self) -> None:
        self._forget_keys()
        super()._after_rollback()

    def _back_to(self, mark: int) -> None:
        self._forget_keys()
        super()._back_to(mark)

    def _drop_oldest_refused(self, where: str, values: tuple[object, ...], kept: int) -> None:
        self.connection.execute(
            f"DELETE FROM keys WHERE key IN (SELECT key FROM keys WHERE {where} AND refused_s IS NOT NULL"
            f" ORDER BY refused_s DESC, key LIMIT -1 OFFSET {kept})",
            values,
        )
