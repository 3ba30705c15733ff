"""Bundles in a file: what a courier with a stick carries between camps (PROTOCOL.md §11).

A CBOR sequence (RFC 8742) of arrays: first ["miccheck bundles", 1], then [key, bundle] for each bundle, in
the order in which the writing camp received them. Every bundle proves itself by its signature, so a file
from anywhere may be read; and sticks are pulled out and wear out, so a damaged one gives what is good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sync import cbor
from sync.bundle import BULK_BUNDLE_BYTES_MAX, BUNDLE_BYTES_MIN, Bundle, decode
from sync.reject import Reject
from sync.signing import KEY_BYTES

HEAD = cbor.encode(["miccheck bundles", 1])

# An array of two strings of which the first is a key: how every record begins.
_RECORD_START = b"\x82" + cbor.encode(bytes(KEY_BYTES))[:2]
_WIRE_AT = len(_RECORD_START) + KEY_BYTES
# One byte says "string, length in one (two) bytes"; bundles are too long for a shorter form.
_LENGTH_1, _LENGTH_2 = 0x58, 0x59
_RECORD_BYTES_MAX = _WIRE_AT + 3 + BULK_BUNDLE_BYTES_MAX
# Read this much at a time: flat memory for any file, and few calls on a slow stick.
_CHUNK_BYTES = 256 * 1024
# A stick loses an erase block at a time, 4 MiB at most. After four of them without one record the rest is
# not ours: a hole of ten gigabytes, or a film, is not read to its end.
_NOTHING_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Carried:
    """A record that can be taken for a bundle. Whether it is one, its signature says."""

    key: bytes
    wire: bytes
    end: int  # offset behind it, for a progress display


class NotBundles(ValueError):
    """The file does not begin as a file of bundles does, and holds none either."""


def encode_record(key: bytes, wire: bytes) -> bytes:
    """The record of a bundle and its author's key."""
    return cbor.encode([key, wire])


class CarriedFile:
    """Reads a file of bundles from front to back; `torn` says whether bytes had to be skipped.

    Raises NotBundles at the end of the iteration when nothing in it was ours. After 16 MiB without a record
    the rest is left unread.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.torn = False
        self._file = file
        self._buffer = bytearray()
        self.offset = 0  # of the buffer's first byte: how far the file is read and understood
        self._ended = False

    def __iter__(self) -> Iterator[Carried]:
        self._fill()
        had_head = self._buffer.startswith(HEAD)
        if had_head:
            self._drop(len(HEAD))
        else:
            self.torn = True
        found = False
        last = self.offset
        while self._fill() and self.offset - last < _NOTHING_BYTES_MAX:
            record = self._take()
            if record is None:
                self._skip()
                continue
            found, last = True, record.end
            yield record
        if not (found or had_head):
            raise NotBundles

    def _fill(self) -> bool:
        """Have one whole record in the buffer, unless the file ends before; whether anything is left."""
        while not self._ended and len(self._buffer) < _RECORD_BYTES_MAX:
            chunk = self._file.read(_CHUNK_BYTES)
            self._ended = not chunk
            self._buffer += chunk
        return bool(self._buffer)

    def _take(self) -> Carried | None:
        """The record at the start of the buffer, if it is one."""
        length = _record_length(self._buffer)
        if length is None or length > len(self._buffer):
            return None
        key = bytes(self._buffer[len(_RECORD_START) : _WIRE_AT])
        wire = bytes(self._buffer[_wire_at(self._buffer) : length])
        followed = len(self._buffer) == length or self._buffer.startswith(_RECORD_START, length)
        # A damaged length swallows what follows. Believe it where the bundle, or the next record, agrees.
        if not followed and not _is_bundle(wire):
            return None
        self._drop(length)
        return Carried(key, wire, self.offset)

    def _skip(self) -> None:
        """Leave out bytes up to where the next record may begin."""
        self.torn = True
        at = self._buffer.find(_RECORD_START, 1)
        if at < 0:
            # The last bytes may be the first ones of a record whose rest is not read yet.
            at = len(self._buffer) if self._ended else len(self._buffer) - len(_RECORD_START) + 1
        self._drop(at)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self.offset += count


def _record_length(buffer: bytearray) -> int | None:
    if not buffer.startswith(_RECORD_START) or len(buffer) < _WIRE_AT + 3:
        return None
    wire_bytes = buffer[_WIRE_AT + 1]
    if buffer[_WIRE_AT] == _LENGTH_2:
        wire_bytes = wire_bytes << 8 | buffer[_WIRE_AT + 2]
    elif buffer[_WIRE_AT] != _LENGTH_1:
        return None
    if not BUNDLE_BYTES_MIN <= wire_bytes <= BULK_BUNDLE_BYTES_MAX:
        return None
    return _wire_at(buffer) + wire_bytes


def _wire_at(buffer: bytearray) -> int:
    return _WIRE_AT + (3 if buffer[_WIRE_AT] == _LENGTH_2 else 2)


def _is_bundle(wire: bytes) -> bool:
    try:
        return isinstance(decode(wire), Bundle)
    except Reject:
        return False
