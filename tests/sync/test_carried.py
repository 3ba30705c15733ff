"""Bundles in a file: a torn stick gives what is good."""

import io

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.bundle import BundleClass, seal
from sync.carried import HEAD, CarriedFile, NotBundles, encode_record
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity

IDENTITY = Identity(bytes(32))


def record(number: int, size: int = 20) -> bytes:
    text = f"{number} " + "".join(chr(0x100 + (number * 31 + i * 7) % 500) for i in range(size))
    message = compose(Message(Kind.POST, 1_795_000_000 + number), text)
    return encode_record(IDENTITY.key, seal(IDENTITY, 7000, BundleClass.POST, [encode(message)]).wire)


RECORDS = tuple(record(number, size) for number, size in enumerate([1, 20, 60, 200, 5, 900, 90, 12]))
FILE = HEAD + b"".join(RECORDS)


def read(data: bytes) -> tuple[list[bytes], bool]:
    file = CarriedFile(io.BytesIO(data))
    return [encode_record(each.key, each.wire) for each in file], file.torn


def test_a_file_is_a_cbor_sequence():
    stream, items = io.BytesIO(FILE), []
    while stream.tell() < len(FILE):
        items.append(cbor2.load(stream))
    assert items[0] == ["miccheck bundles", 1]
    assert [cbor2.dumps(item) for item in items[1:]] == list(RECORDS)


def test_a_whole_file_is_read_whole():
    assert read(FILE) == (list(RECORDS), False)
    assert read(HEAD) == ([], False)


def test_offsets_tell_how_far_it_is():
    ends = [each.end for each in CarriedFile(io.BytesIO(FILE))]
    assert ends == sorted(ends)
    assert ends[-1] == len(FILE)


@given(st.integers(0, len(FILE) - 1))
def test_a_torn_file_gives_every_whole_record(length):
    whole = [r for i, r in enumerate(RECORDS) if len(HEAD) + sum(map(len, RECORDS[: i + 1])) <= length]
    if length < len(HEAD):
        with pytest.raises(NotBundles):
            read(FILE[:length])
        return
    found, torn = read(FILE[:length])
    assert found == whole
    assert torn == (len(HEAD) + sum(map(len, whole)) != length)


@given(st.integers(0, len(RECORDS) - 1), st.data())
def test_damage_costs_no_other_record(hit, data):
    start = len(HEAD) + sum(map(len, RECORDS[:hit]))
    at = start + data.draw(st.integers(0, len(RECORDS[hit]) - 1))
    damaged = FILE[:at] + bytes([FILE[at] ^ data.draw(st.integers(1, 255))]) + FILE[at + 1 :]
    found, _ = read(damaged)
    assert [r for r in found if r in RECORDS] == [r for i, r in enumerate(RECORDS) if i != hit]


@given(st.binary(max_size=300), st.integers(0, len(RECORDS)))
def test_foreign_bytes_between_are_skipped(junk, where):
    data = HEAD + b"".join(RECORDS[:where]) + junk + b"".join(RECORDS[where:])
    found, torn = read(data)
    assert set(RECORDS) <= set(found)
    assert torn == bool(junk)


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(data):
    try:
        found, _ = read(data)
    except NotBundles:
        found = []
    assert len(found) <= len(data) // 70


def test_a_long_file_needs_flat_memory():
    stream = b"".join(RECORDS)

    class Long(io.RawIOBase):
        left = 400 * len(stream)

        def readable(self):
            return True

        def readinto(self, buffer):
            at = -self.left % len(stream)
            chunk = stream[at : at + min(len(buffer), self.left)]
            self.left -= len(chunk)
            buffer[: len(chunk)] = chunk
            return len(chunk)

    file = CarriedFile(io.BufferedReader(Long()))
    count = 0
    for _ in file:
        count += 1
        assert len(file._buffer) <= 600_000
    assert count == 400 * len(RECORDS)


class _Hole(io.BytesIO):
    """A file that begins as told and is then a hole, counted and never kept."""

    def __init__(self, begin: bytes, hole_bytes: int) -> None:
        super().__init__()
        self._begin, self._left, self.given = begin, hole_bytes, 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        data, self._begin = self._begin[:size], self._begin[size:]
        if not data:
            data = bytes(min(size, self._left))
            self._left -= len(data)
        self.given += len(data)
        return data


def test_a_hole_of_ten_gigabytes_is_given_up():
    file = _Hole(FILE, 10_000_000_000)
    carried = CarriedFile(file)
    assert len(list(carried)) == len(RECORDS)
    assert carried.torn
    assert file.given < 20_000_000
    with pytest.raises(NotBundles):
        list(CarriedFile(_Hole(b"", 10_000_000_000)))


def test_a_lost_erase_block_is_passed_over():
    found, torn = read(HEAD + RECORDS[0] + bytes(4_194_304) + RECORDS[1])
    assert (found, torn) == ([RECORDS[0], RECORDS[1]], True)
