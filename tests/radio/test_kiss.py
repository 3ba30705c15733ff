"""KISS: every frame survives the line; whatever else the line brings has one name and goes no further."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.kiss import Junk, KissReader, encode
from tests.radio.modem_ether import unwrap, wrap

FRAMES = st.lists(st.binary(min_size=1, max_size=226), max_size=5)


@pytest.mark.parametrize(
    ("frame", "wire"),
    [
        ("41", "c0 00 41 c0"),
        ("c0", "c0 00 db dc c0"),
        ("db", "c0 00 db dd c0"),
        ("dbdc", "c0 00 db dd dc c0"),
        ("c0dbc0", "c0 00 db dc db dd db dc c0"),
        ("00", "c0 00 00 c0"),
    ],
)
def test_a_frame_is_these_bytes(frame, wire):
    assert encode(bytes.fromhex(frame)) == bytes.fromhex(wire)
    assert KissReader(226).feed(bytes.fromhex(wire)) == [bytes.fromhex(frame)]


@given(st.binary(min_size=1, max_size=226))
def test_the_line_is_that_of_the_standard(frame):
    assert encode(frame) == wrap(frame)
    assert unwrap(encode(frame)) == [frame]


@given(FRAMES, st.integers(1, 40))
def test_frames_arrive_in_whatever_pieces(frames, piece):
    reader, wire = KissReader(226), b"".join(encode(frame) for frame in frames)
    came = [frame for at in range(0, len(wire), piece) for frame in reader.feed(wire[at : at + piece])]
    assert came == frames
    assert not reader.junk


@pytest.mark.parametrize(
    ("wire", "junk"),
    [
        (b"the end of a frame\xc0", Junk.OUTSIDE),
        (b"\xc0\x00ab\xdbcd\xc0", Junk.ESCAPE),
        (b"\xc0\x00ab\xdb\xc0", Junk.ESCAPE),
        (b"\xc0\xdb\xc0", Junk.ESCAPE),
        (b"\xc0\x10ab\xc0", Junk.PORT),
        (b"\xc0\x06ab\xc0", Junk.COMMAND),
        (b"\xc0\xffab\xc0", Junk.COMMAND),
        (b"\xc0\x00\xc0", Junk.EMPTY),
        (b"\xc0\x00" + bytes(227) + b"\xc0", Junk.LONG),
        (b"\xc0\x00" + b"\xdb\xdc" * 227 + b"\xc0", Junk.LONG),
    ],
)
def test_whatever_else_comes_has_one_name_and_the_next_frame_arrives(wire, junk):
    reader = KissReader(226)
    assert reader.feed(wire) == []
    assert reader.junk == {junk: 1}
    assert reader.feed(encode(b"next")) == [b"next"]
    assert reader.feed(wrap(bytes(226))) == [bytes(226)]
    assert reader.junk == {junk: 1}


def test_pauses_are_nothing():
    reader = KissReader(226)
    assert reader.feed(b"\xc0" * 100) == []
    assert not reader.junk


@given(st.binary(max_size=600), st.integers(1, 50))
def test_any_line_gives_frames_or_nothing_and_then_goes_on(noise, piece):
    reader = KissReader(50)
    came = [frame for at in range(0, len(noise), piece) for frame in reader.feed(noise[at : at + piece])]
    assert all(0 < len(frame) <= 50 for frame in came)
    assert len(reader._bytes) <= 51  # nobody fills our memory with a frame that never ends
    reader.feed(b"\xc0")
    assert reader.feed(encode(b"next")) == [b"next"]
