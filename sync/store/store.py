"""The store as engine, board and letters see it: one camp's file, one writer, whole transactions.

Signed bytes are kept as they came; what pages read is projected from them in the same transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Self

from sync.bundle import BundleClass
from sync.signing import author_of
from sync.store import rebuilding
from sync.store.database import Synchronous, WrongCamp, connect, faults_named, written
from sync.store.keys import KeyTables
from sync.store.own import OwnTables
from sync.store.rows import ChannelRule, Wipe
from sync.store.wiping import wipe
from sync.views import Speaks

# name, position, speaks, crosses, class, to the list, days kept. Chat is talk; announcements are read for a
# week; letters go back to the list they came from only by a person.
_CHANNELS = (
    ("general", 1, Speaks.ANYONE, True, BundleClass.POST, False, 7),
    ("announcements", 2, Speaks.LIAISONS, True, BundleClass.POST, True, 7),
    ("here", 3, Speaks.ANYONE, False, BundleClass.CHAT, False, 2),
    ("letters", 4, Speaks.ANYONE, True, BundleClass.POST, False, 7),
)


class Store(OwnTables, KeyTables):
    """One camp's memory. Synchronous, one writer, used inside one thread."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        super().__init__(connection, key)
        self.author = author_of(key)

    @classmethod
    def open(cls, path: Path | None, key: bytes, *, synchronous: Synchronous = "FULL") -> Self:
        """The store in `path` (None: in memory) of the camp with this public key, made when it is not there.

        Raises StoreDamaged, StoreTooNew, StoreFull, WrongCamp. `synchronous` is FULL but for the test that
        shows why: with NORMAL a power cut takes posts that were acknowledged.
        """
        connection = connect(path, synchronous)
        try:
            with faults_named():
                store = cls(connection, key)
                store._begin()
        except BaseException:
            connection.close()
            raise
        return store

    def close(self) -> None:
        """Write what is counted and close the file."""
        if self._counts and not self.connection.in_transaction:
            with self.transaction():
                pass
        self.connection.close()

    def channel(self, name: str) -> ChannelRule | None:
        """The rule of a channel known here."""
        row = self.connection.execute(
            "SELECT name, speaks, crosses, class, to_list, retention_days, is_group, heard FROM channels"
            " WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            return None
        name, speaks, crosses, class_, to_list, days, is_group, heard = row
        return ChannelRule(
            name,
            Speaks(speaks),
            bool(crosses),
            BundleClass(class_),
            bool(to_list),
            days,
            bool(is_group),
            bool(heard),
        )

    def rebuild(self, progress: Callable[[int, int], None]) -> None:
        """Make every projection again from the truth: same rows, same places. `progress(done, of)`."""
        with self.transaction():
            rebuilding.rebuild(self, progress)

    def wipe(self, what: Wipe) -> bool:
        """Forget, so that the words are gone from the file too.

        False when a page was being read at that moment, so that the log could not be emptied yet; the next
        transaction does it.
        """
        with self.transaction():
            wipe(self, what)
            if what == Wipe.CAMP:
                self._first_open()
            self.erase_after_commit()
        return not self._erase

    @written
    def _begin(self) -> None:
        owner = self.meta("key")
        if owner is None:
            self._first_open()
        elif owner != self.key:
            raise WrongCamp("the board was made under another key than this camp's camp.key")
        # The engine's clock begins anew with every run; what waited before it has waited longest.
        self.connection.execute(
            "UPDATE own_messages SET waiting_since = 0"
            " WHERE class IS NOT NULL AND bundle IS NULL AND waiting_since <> 0"
        )

    def _first_open(self) -> None:
        self.set_meta("key", self.key)
        self.connection.executemany(
            "INSERT OR IGNORE INTO channels VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', 0, 0)",
            [(n, p, s.value, x, int(c), t, d) for n, p, s, x, c, t, d in _CHANNELS],
        )
