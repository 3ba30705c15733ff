"""Rows straight from the pages of a damaged SQLite file, without the tree that should lead to them.

One overwritten page high in a tree hides thousands of whole rows below it. So every page that looks like a
leaf of a table is read by itself (SQLite file format, sqlite.org/fileformat2.html §1.6 and §2.1); what a row
claims is for the caller to check. Freed pages hold zeros here (secure_delete), so nothing that was
deleted comes back.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PAGE_BYTES = 4_096  # what SQLite gives every new file
_HEADER_BYTES = 100
_LEAF, _INTERIOR = 0x0D, 0x05
# A bundle is at most 32 KiB and the longest row here; a length beyond is damage.
_PAYLOAD_BYTES_MAX = 65_536
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Cell = int | float | bytes | str | None


@dataclass(frozen=True, slots=True)
class Record:
    """A row as it lies in a leaf. An INTEGER PRIMARY KEY is the rowid, and None among the values."""

    rowid: int
    values: tuple[Cell, ...]


class _Damaged(Exception):
    """These bytes are no record."""


def records(path: Path) -> Iterator[Record]:
    """Every record of every table leaf in the file, in the order of its pages."""
    with path.open("rb") as file:
        count = file.seek(0, 2) // PAGE_BYTES
        pages = _Pages(file, count)
        for number in range(1, count + 1):
            yield from _leaf(pages, number)


def transplant_schema(template: Path, damaged: Path) -> None:
    """Write the pages that say which tables there are from a new file into a damaged one.

    A file's tables are made in one order by the same statements, so their roots lie on the same pages in
    every file of this version.
    """
    with template.open("rb") as source, damaged.open("r+b") as target:
        fresh = _Pages(source, source.seek(0, 2) // PAGE_BYTES)
        count = target.seek(0, 2) // PAGE_BYTES
        for number in _tree(fresh, 1):
            page = bytearray(fresh.read(number))
            if number == 1:
                page[28:40] = struct.pack(">III", count, 0, 0)  # pages, and an empty list of free ones
                page[92:96] = page[24:28]  # the count of pages holds for this state of the file
            target.seek((number - 1) * PAGE_BYTES)
            target.write(page)


class _Pages:
    """The pages of an open file, numbered from 1."""

    def __init__(self, file: BinaryIO, count: int) -> None:
        self._file = file
        self._count = count

    def read(self, number: int) -> bytes:
        if not 0 < number <= self._count:
            raise _Damaged
        self._file.seek((number - 1) * PAGE_BYTES)
        page = self._file.read(PAGE_BYTES)
        if len(page) < PAGE_BYTES:
            raise _Damaged
        return page


def _tree(pages: _Pages, root: int) -> Iterator[int]:
    """The page numbers of a whole table tree."""
    yield root
    page = pages.read(root)
    start = _HEADER_BYTES if root == 1 else 0
    if page[start] != _INTERIOR:
        return
    cells, right = struct.unpack_from(">H", page, start + 3)[0], struct.unpack_from(">I", page, start + 8)[0]
    for at in struct.unpack_from(f">{cells}H", page, start + 12):
        yield from _tree(pages, struct.unpack_from(">I", page, at)[0])
    yield from _tree(pages, right)


def _leaf(pages: _Pages, number: int) -> Iterator[Record]:
    page = pages.read(number)
    start = _HEADER_BYTES if number == 1 else 0
    (cells,) = struct.unpack_from(">H", page, start + 3)
    if page[start] != _LEAF or start + 8 + 2 * cells > PAGE_BYTES:
        return
    for at in struct.unpack_from(f">{cells}H", page, start + 8):
        try:
            yield _record(pages, page, at)
        except (_Damaged, IndexError, struct.error, UnicodeDecodeError):
            continue


def _record(pages: _Pages, page: bytes, at: int) -> Record:
    length, at = _varint(page, at)
    rowid, at = _varint(page, at)
    if length > _PAYLOAD_BYTES_MAX:
        raise _Damaged
    return Record(rowid, tuple(_values(_payload(pages, page, at, length))))


def _payload(pages: _Pages, page: bytes, at: int, length: int) -> bytes:
    """The payload of a cell, with what lies on overflow pages."""
    most, least = PAGE_BYTES - 35, (PAGE_BYTES - 12) * 32 // 255 - 23
    if length <= most:
        return page[at : at + length]
    local = least + (length - least) % (PAGE_BYTES - 4)
    local = local if local <= most else least
    parts = [page[at : at + local]]
    (follower,) = struct.unpack_from(">I", page, at + local)
    missing = length - local
    while missing > 0:
        overflow = pages.read(follower)
        parts.append(overflow[4 : 4 + missing])
        missing -= PAGE_BYTES - 4
        (follower,) = struct.unpack_from(">I", overflow)
    return b"".join(parts)


def _values(payload: bytes) -> Iterator[Cell]:
    header_end, at = _varint(payload, 0)
    body = header_end
    while at < header_end:
        kind, at = _varint(payload, at)
        value, size = _value(payload, body, kind)
        body += size
        yield value
    if body != len(payload):
        raise _Damaged


def _value(payload: bytes, at: int, kind: int) -> tuple[Cell, int]:
    if kind == 0:
        return None, 0
    if kind in (8, 9):
        return kind - 8, 0
    if kind == 7:
        return struct.unpack_from(">d", payload, at)[0], 8
    if kind in _INTEGER_BYTES:
        size = _INTEGER_BYTES[kind]
        return int.from_bytes(payload[at : at + size], "big", signed=True), size
    if kind < 12:
        raise _Damaged
    size = (kind - 12) // 2
    raw = payload[at : at + size]
    return (raw.decode() if kind % 2 else raw), size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length integer and where it ends."""
    value = 0
    for number in range(9):
        byte = data[at + number]
        if number == 8:
            return _signed(value << 8 | byte), at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + number + 1
    raise _Damaged


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
