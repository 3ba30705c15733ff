"""The file itself: how it is opened, migrated, written in whole transactions, and what goes wrong with it.

Only this file knows sqlite-utils; the rest of the room speaks SQL on its connection. One process writes
(node holds the lock), pages read by connections of their own. See DESIGN §5; figures in FACTS, "SQLite".
"""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

from sync.store.schema import MIGRATIONS

# sqlite-utils takes NumPy in wherever it is installed, for column types nobody uses here: 16 MB that a box
# without a radio has better uses for. `None` says "not installed" for as long as its import lasts.
sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]
import sqlite_utils  # noqa: E402

if not sys.modules["numpy"]:
    del sys.modules["numpy"]

Synchronous = Literal["FULL", "NORMAL"]
Scalar = str | int | float | bytes | None

# Only a wipe or a second process (`miccheck` while the node starts) makes the writer wait, and then briefly.
BUSY_TIMEOUT_MS = 5_000
# 2 MiB of pages serve the writer's indexes; a Pi has to spare memory for pages and phones too.
WRITER_CACHE_KIB = 2_048
# After a long reader the log shrinks back to this; it is what 1,000 pages (SQLite's checkpoint) take.
WAL_BYTES_MAX = 4_194_304
# A Pi 4 checks 100 MB in about a second, and a node shall be ready in three. In a larger file damage is found
# when the page is read.
CHECKED_BYTES_MAX = 134_217_728


class StoreFull(Exception):
    """The disk takes no more. Nothing of the transaction was kept; reads go on."""


class StoreDamaged(Exception):
    """The file is not a whole database any more; `sync.store.salvage` saves what is left."""


class StoreTooNew(Exception):
    """The file was written by a later version of miccheck. Its text is one sentence for the person."""


class WrongCamp(Exception):
    """The file belongs to another camp's key."""


# What SQLite says when a write finds no room: ENOSPC, a quota or file size limit, and the same when the
# shared memory of the log grows or a file system reports it only at fsync.
_FULL = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMOPEN,
    }
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ})
_PRIMARY = 0xFF  # extended codes keep the primary one in their low byte


@contextmanager
def faults_named() -> Iterator[None]:
    """Raise StoreFull or StoreDamaged for SQLite's faults of the disk; others pass as they are."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code in _FULL:
            raise StoreFull("no room on the disk") from error
        if code in _DAMAGED or code & _PRIMARY in _DAMAGED:
            raise StoreDamaged("the board file is damaged") from error
        raise


def connect(path: Path | None, synchronous: Synchronous) -> sqlite3.Connection:
    """A writing connection, migrated to this version. Raises StoreTooNew, StoreDamaged, StoreFull."""
    # Opened by whoever starts the node, then owned by one thread: the pump's.
    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        with faults_named():
            _check(connection, path)
            _prepare(connection, synchronous)
            _migrate(connection)
    except UnicodeDecodeError as error:  # from SQLite's own complaint, which quotes a damaged page
        connection.close()
        raise StoreDamaged("the board file is damaged") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path | None) -> None:
    """Look at every page before anything is built on it; better now than in the middle of a night."""
    if path is None or path.stat().st_size > CHECKED_BYTES_MAX:
        return
    if connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
        raise StoreDamaged("the board file is damaged")


def _prepare(connection: sqlite3.Connection, synchronous: Synchronous) -> None:
    # Plug-ins installed beside us have no business in a camp's file.
    sqlite_utils.Database(connection, execute_plugins=False).enable_wal()
    for pragma in (
        f"synchronous = {synchronous}",
        "foreign_keys = ON",
        "secure_delete = ON",
        f"cache_size = -{WRITER_CACHE_KIB}",
        f"journal_size_limit = {WAL_BYTES_MAX}",
        "temp_store = MEMORY",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            f"the board was written by a later miccheck (file version {version}, this one knows"
            f" {len(MIGRATIONS)}): install that version again"
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


class Database:
    """One writer's connection: transactions, jobs inside them, counters, and small facts."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._counts: Counter[str] = Counter()
        self._erase = False

    def is_open(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.in_transaction

    def rows_changed(self) -> int:
        """How many rows this connection ever wrote; the same before and after: nothing was written."""
        return self.connection.total_changes

    def erase_after_commit(self) -> None:
        """Something was deleted that must leave the file: empty the log behind this transaction."""
        self._erase = True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on the disk when it ends. Raises StoreFull; then nothing of it was kept."""
        if self.is_open():
            raise RuntimeError("a transaction is open already")
        counts = self._counts.copy()
        with faults_named():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._before_commit()
                self.connection.execute("COMMIT")
            except BaseException:
                self._counts = counts
                self._after_rollback()
                if self.is_open():
                    self.connection.execute("ROLLBACK")
                raise
        self._after_commit()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """One job of a group: what it did goes when it raises, and the others' work stays.

        Raises StoreFull like `transaction`; the whole group is lost then, and must be given up.
        """
        mark = self._mark()
        with faults_named():
            self.connection.execute("SAVEPOINT job")
            try:
                yield
            except BaseException:
                self._back_to(mark)
                if self.is_open():
                    self.connection.execute("ROLLBACK TO job")
                    self.connection.execute("RELEASE job")
                raise
            self.connection.execute("RELEASE job")

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter of the status page. Written with the next transaction."""
        self._counts[name] += n

    def meta(self, name: str) -> Scalar:
        """A small fact kept under a name; None when it is not there."""
        row = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_meta(self, name: str, value: Scalar) -> None:
        """Keep a small fact; None forgets it."""
        if value is None:
            self.connection.execute("DELETE FROM meta WHERE name = ?", (name,))
        else:
            self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def _before_commit(self) -> None:
        if self._counts:
            self.connection.executemany(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n",
                list(self._counts.items()),
            )

    def _after_commit(self) -> None:
        self._counts.clear()
        if self._erase:
            self._erase = not self._truncate_log()

    def _truncate_log(self) -> bool:
        """Move the log into the file and empty it; False when a reader or a full disk forbids it now."""
        try:
            (busy, _, _) = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            return False  # the transaction itself is kept; the next one tries again
        return not busy

    def _after_rollback(self) -> None:
        """What subclasses laid aside for the commit goes too."""

    def _mark(self) -> int:
        """How much subclasses have laid aside."""
        return 0

    def _back_to(self, mark: int) -> None:
        """Forget what subclasses laid aside since `mark`."""


_S = TypeVar("_S", bound=Database)
_P = ParamSpec("_P")
_T = TypeVar("_T")


def written(method: Callable[Concatenate[_S, _P], _T]) -> Callable[Concatenate[_S, _P], _T]:
    """A method that writes more than one row: in the open transaction, or in one of its own."""

    @wraps(method)
    def in_transaction(self: _S, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self.is_open():
            return method(self, *args, **kwargs)
        with self.transaction():
            return method(self, *args, **kwargs)

    return in_transaction
