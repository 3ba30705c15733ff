"""Saving what is left of a damaged board: SD cards die slowly, and power goes while they write.

The file is set aside and a new one is filled: bundles and own messages from every readable page, each
signature checked again; the tables of people row by row, as far as the file still leads to them. Neighbours
bring the rest of the bundles, because what is missing here is missing in the live set.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sync import bundle as bundles
from sync import message as messages
from sync.message import identify
from sync.reject import Reject
from sync.signing import Identity, author_of, farewell_input, verify
from sync.store.database import StoreFull
from sync.store.pages import Cell, Record, records, transplant_schema
from sync.store.schema import RULES, Nature
from sync.store.store import Store
from sync.views import Via

# Tables whose rows carry their own proof, or have a shape that no other table of rowids has.
_FROM_PAGES = ("bundles", "own_messages", "role_cards", "moderation", "hotline")
# The rest, in an order in which what hangs on another row comes after it.
_FROM_ROWS = tuple(
    name
    for name, rule in RULES.items()
    if rule.nature != Nature.PROJECTION and name not in (*_FROM_PAGES, "ghosts")
)
_TYPES: dict[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "REAL": (int, float),
    "TEXT": (str,),
    "BLOB": (bytes,),
}
# A board that was set aside is called board.sqlite3.damaged-1, and so on.
ASIDE = ".damaged-"
# SQLite's complaint quotes the damaged page, and Python fails on reading the complaint.
_UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What came back, and where the damaged file lies now."""

    set_aside: Path
    bundles: int
    own_messages: int
    other_rows: int
    refused: int  # rows read whose signature or shape is wrong


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    types: tuple[type, ...]
    may_be_null: bool
    is_rowid: bool

    def takes(self, value: Cell) -> bool:
        return self.may_be_null if value is None else not self.types or isinstance(value, self.types)


@dataclass(slots=True)
class _Tally:
    kept: dict[str, int] = field(default_factory=dict)
    refused: int = 0

    def count(self, table: str, kept: bool) -> None:
        if kept:
            self.kept[table] = self.kept.get(table, 0) + 1
        else:
            self.refused += 1


def salvage(board: Path, identity: Identity) -> Salvaged:
    """Put a sound file with everything that can be saved where the damaged one was.

    Raises StoreFull when there is no room for the new file, and StoreDamaged when that fails too; the
    damaged file then lies where it was.
    """
    fresh, work = board.with_name(board.name + ".new"), board.with_name(board.name + ".work")
    for path in (fresh, work):
        _remove(path)
    try:
        tally = _fill(board, work, fresh, identity)
    finally:
        _remove(work)
    aside = _set_aside(board, fresh)
    kept = tally.kept
    other = sum(kept.values()) - kept.get("bundles", 0) - kept.get("own_messages", 0)
    return Salvaged(aside, kept.get("bundles", 0), kept.get("own_messages", 0), other, tally.refused)


def _fill(board: Path, work: Path, fresh: Path, identity: Identity) -> _Tally:
    tally = _Tally()
    store = Store.open(fresh, identity.key)
    try:
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # its schema lies in the file
        _copy(board, work)
        connection = _opened(work, fresh)
        with store.transaction():
            hidden = _from_pages(store, identity, work, tally)
            if connection is not None:
                with closing(connection):
                    _from_rows(store, connection, identity, tally)
        store.rebuild(lambda _done, _of: None)
        with store.transaction():
            for message_id in hidden:
                store.connection.execute("UPDATE messages SET hidden = 1 WHERE id = ?", (message_id,))
    finally:
        store.close()
    return tally


def _copy(board: Path, work: Path) -> None:
    try:
        shutil.copyfile(board, work)
        if _beside(board, "-wal").exists():
            shutil.copyfile(_beside(board, "-wal"), _beside(work, "-wal"))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise StoreFull("no room on the disk") from error


def _opened(work: Path, fresh: Path) -> sqlite3.Connection | None:
    """A connection to the copy with its log moved into it, on borrowed schema pages when its own are gone."""
    connection = _try_open(work)
    if connection is None:
        transplant_schema(fresh, work)
        connection = _try_open(work)
    return connection


def _try_open(work: Path) -> sqlite3.Connection | None:
    connection = sqlite3.connect(work, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute("SELECT name FROM sqlite_schema").fetchall()
    except _UNREADABLE:
        connection.close()
        return None
    return connection


# Rows from pages ---------------------------------------------------------------------------------


def _from_pages(store: Store, identity: Identity, work: Path, tally: _Tally) -> list[bytes]:
    """Take rows from every readable leaf; the ids of messages that were hidden."""
    shapes = {table: _columns(store, table) for table in (*_FROM_PAGES, "messages")}
    hidden: list[bytes] = []
    for record in records(work):
        for table, columns in shapes.items():
            row = _row(record, columns)
            if row is None:
                continue
            if table == "messages":
                hidden += [bytes(row["id"])] if row["hidden"] == 1 and isinstance(row["id"], bytes) else []
            else:
                tally.count(table, _is_true(table, row, identity) and _insert(store, table, row))
            break
    return hidden


def _row(record: Record, columns: list[_Column]) -> dict[str, Cell] | None:
    """The record as a row of a table of rowids whose first or only INTEGER PRIMARY KEY is the rowid."""
    if len(record.values) != len(columns):
        return None
    values = tuple(
        record.rowid if value is None and column.is_rowid else value
        for value, column in zip(record.values, columns, strict=True)
    )
    if not all(column.takes(value) for value, column in zip(values, columns, strict=True)):
        return None
    return {column.name: value for value, column in zip(values, columns, strict=True)}


def _is_true(table: str, row: dict[str, Cell], identity: Identity) -> bool:
    """Whether a row is what it says: signatures and ids are worked out again."""
    try:
        match table:
            case "bundles":
                return _is_true_bundle(row, identity)
            case "own_messages":
                raw = _bytes(row["bytes"])
                said = messages.decode(raw, 0, local=True)
                # Of what was taken back before it left, no more is kept than that it was (`forget_words`).
                is_husk = row["class"] is None and not (said.body or said.nickname)
                return is_husk or identify(identity.key, raw) == row["id"]
            case "farewells":
                key = _bytes(row["key"])
                return verify(key, farewell_input(key), _bytes(row["signature"]))
            case "keys":
                return author_of(_bytes(row["key"])) == row["author"]
            case "held":
                raw = _bytes(row["bytes"])
                messages.decode(raw, 0, local=True)
                return identify(identity.key, raw) == row["id"]
            case _:
                return True
    except (Reject, ValueError):
        return False


def _is_true_bundle(row: dict[str, Cell], identity: Identity) -> bool:
    bundle, key = bundles.decode(_bytes(row["wire"])), _bytes(row["key"])
    Via(str(row["via"]))
    return (
        bundle.author == author_of(key) == row["author"]
        and (bundle.hour, int(bundle.class_)) == (row["hour"], row["class"])
        and bundle.id(key, identity.network) == row["id"]
        and bundle.verifies(key, identity.network)
    )


def _bytes(cell: Cell) -> bytes:
    if not isinstance(cell, bytes):
        raise ValueError("not bytes")
    return cell


# Rows by the file's own trees --------------------------------------------------------------------


def _from_rows(store: Store, connection: sqlite3.Connection, identity: Identity, tally: _Tally) -> None:
    for table in _FROM_ROWS:
        columns = _columns(store, table)
        for values in _readable(connection, table, columns):
            row = {column.name: value for value, column in zip(values, columns, strict=True)}
            if table == "meta" and row["name"] == "key":
                continue
            sound = all(column.takes(value) for value, column in zip(values, columns, strict=True))
            tally.count(table, sound and _is_true(table, row, identity) and _insert(store, table, row))


def _readable(
    connection: sqlite3.Connection, table: str, columns: list[_Column]
) -> Iterator[tuple[Cell, ...]]:
    """Rows of a table in its key's order, from both ends of every stretch up to where a page is damaged."""
    names, key = ", ".join(column.name for column in columns), columns[0].name
    seen: set[tuple[Cell, ...]] = set()
    for where, bounds in _stretches(columns[0]):
        for order in ("ASC", "DESC"):
            sql = f"SELECT {names} FROM {table} WHERE {where} ORDER BY {key} {order}"
            whole = yield from _until_damage(connection, sql, bounds, seen)
            if whole:
                break


def _stretches(key: _Column) -> Iterator[tuple[str, dict[str, bytes]]]:
    """The key's range as conditions: keys of bytes are spread evenly, so they are read in 256 parts."""
    if key.types != (bytes,):
        yield "1", {}
        return
    for first in range(255):
        yield (
            f"{key.name} >= :low AND {key.name} < :high",
            {"low": bytes([first]), "high": bytes([first + 1])},
        )
    yield f"{key.name} >= :low", {"low": b"\xff"}


def _until_damage(
    connection: sqlite3.Connection,
    sql: str,
    bounds: dict[str, bytes],
    seen: set[tuple[Cell, ...]],
) -> Generator[tuple[Cell, ...], None, bool]:
    """Rows not seen yet; returns whether the stretch was read to its end."""
    try:
        for row in connection.execute(sql, bounds):
            if row not in seen:
                seen.add(row)
                yield row
    except _UNREADABLE:
        return False
    return True


# -------------------------------------------------------------------------------------------------


def _columns(store: Store, table: str) -> list[_Column]:
    rows = store.connection.execute(f"PRAGMA table_info({table})").fetchall()
    keys = [row for row in rows if row[5]]
    return [
        _Column(
            name,
            _TYPES.get(declared, ()),
            not not_null and not key,
            key == 1 and len(keys) == 1 and declared == "INTEGER",
        )
        for _, name, declared, not_null, _, key in rows
    ]


def _insert(store: Store, table: str, row: dict[str, Cell]) -> bool:
    """Whether the new file takes the row; one that clashes with a row already saved is left out."""
    verb = "INSERT OR REPLACE" if table in ("meta", "channels", "counters") else "INSERT OR IGNORE"
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    try:
        store.connection.execute(f"{verb} INTO {table} ({names}) VALUES ({marks})", row)
    except sqlite3.IntegrityError:
        return False
    return True


def _set_aside(board: Path, fresh: Path) -> Path:
    """Put the new file in the damaged one's place; where that lies from now on."""
    number = 1
    while (aside := board.with_name(f"{board.name}{ASIDE}{number}")).exists():
        number += 1
    os.link(board, aside)  # so that there is a board at every moment: no power cut makes the camp begin anew
    log = _beside(board, "-wal")
    if log.exists():
        log.replace(
            _beside(aside, "-wal")
        )  # before the new file comes: SQLite would read the old log into it
    _beside(board, "-shm").unlink(missing_ok=True)
    fresh.replace(board)
    folder = os.open(board.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return aside


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        _beside(path, suffix).unlink(missing_ok=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
