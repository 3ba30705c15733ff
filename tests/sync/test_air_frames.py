"""Frames of the air: read back as written, small enough, and refused when anything is wrong."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync import air_frames, frames
from sync.air_frames import (
    PARCEL_BYTES_MAX,
    SYMBOL_BYTES_MAX,
    AirFrameType,
    AnswerFrame,
    BeaconFrame,
    JoinFrame,
    NeedFrame,
    ParcelFrame,
    SketchFrame,
    SymbolFrame,
    WantFrame,
)
from sync.bundle import BUNDLE_BYTES_MIN, HOUR_MAX, RADIO_BUNDLE_BYTES_MAX
from sync.coding import SYMBOLS_MAX, Shape
from sync.frames import RADIO_FRAME_BYTES_MAX, AskFrame
from sync.reject import Reason, Reject
from sync.signing import Network, verify
from sync.sketch import PART_MAX, Salt
from tests.vectors.air import air_frames_made
from tests.vectors.camps import HOUR, NORTH, SOUTH

HEAD = 4
AUTHOR = NORTH.author


def exactly(count):
    return st.binary(min_size=count, max_size=count)


def syndromes(least, most):
    return st.integers(least, most).flatmap(lambda count: exactly(4 * count))


hours = st.integers(0, HOUR_MAX)
masks = st.integers(0, 15)
counts = st.integers(0, 0xFFFF)
own_salts = st.builds(Salt, exactly(4), hours, st.just(AUTHOR[:4]))
shapes = st.builds(Shape, st.integers(2, SYMBOLS_MAX), st.integers(BUNDLE_BYTES_MIN, RADIO_BUNDLE_BYTES_MAX))
parcel_shapes = st.builds(Shape, st.integers(1, SYMBOLS_MAX), st.integers(BUNDLE_BYTES_MIN, PARCEL_BYTES_MAX))
all_frames = st.one_of(
    st.builds(
        BeaconFrame, own_salts, masks, counts, exactly(32), st.lists(exactly(2), max_size=64).map(tuple)
    ),
    st.builds(
        SketchFrame,
        own_salts,
        masks,
        counts,
        st.integers(1, PART_MAX),
        syndromes(2, 44),
        st.one_of(st.just(b""), exactly(4)),
    ),
    st.builds(
        WantFrame, st.builds(Salt, exactly(4), hours, exactly(4)), syndromes(0, 44), st.integers(1, PART_MAX)
    ),
    st.builds(NeedFrame, st.one_of(exactly(8), exactly(4)), st.integers(1, SYMBOLS_MAX)),
    shapes.flatmap(
        lambda shape: st.builds(
            SymbolFrame, exactly(8), st.just(shape), st.integers(0, 255), exactly(shape.symbol_bytes)
        )
    ),
    parcel_shapes.flatmap(
        lambda shape: st.builds(
            ParcelFrame, exactly(4), st.just(shape), st.integers(0, 255), exactly(shape.symbol_bytes)
        )
    ),
    st.builds(AnswerFrame, st.binary(min_size=1, max_size=222)),
    st.builds(JoinFrame, st.just(AUTHOR), exactly(4), hours, exactly(64)),
)


def encoded(frame):
    return air_frames.encode(frame, NORTH.network, AUTHOR)


def decoded(data):
    return air_frames.decode(data, NORTH.network)


def reason_of(data):
    with pytest.raises(Reject) as caught:
        decoded(data)
    return caught.value.reason


@given(all_frames)
def test_what_was_written_is_read(frame):
    assert decoded(encoded(frame)) == (AUTHOR[:2], frame)


REASONS = {Reason.FRAME, Reason.VERSION, Reason.NETWORK, Reason.CBOR, Reason.ENCODING}


@given(st.binary(max_size=260))
@example(b"")
def test_any_bytes_are_a_frame_or_refused(data):
    heads = [bytes([1 << 4 | kind, NORTH.network.tag(1)]) for kind in AirFrameType]
    for framed in (data, *(head + data for head in heads)):
        try:
            _, frame = decoded(framed)
        except Reject as reject:
            refused = reject.reason
            assert refused in REASONS
        else:
            again = air_frames.encode(frame, NORTH.network, framed[2:4])
            assert decoded(again) == (framed[2:4], frame)


@pytest.mark.parametrize("name", air_frames_made())
def test_a_frame_that_lost_or_changed_a_byte_is_another_frame_or_refused(name):
    data = encoded(air_frames_made()[name])
    original = decoded(data)
    for place in range(len(data)):
        for broken in (data[:place], data[:place] + data[place + 1 :], flipped(data, place)):
            try:
                assert decoded(broken) != original
            except Reject:
                continue


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("BEACON", 50),
        ("SKETCH", 197),
        ("SKETCH that asks", 202),
        ("SKETCH of nothing that asks", 34),
        ("WANT of two", 25),
        ("NEED", 15),
        ("NEED of a parcel", 12),
        ("PARCEL, the longest", 226),
        ("SYMBOL, the longest", 226),
        ("JOIN", 86),
    ],
)
def test_a_frame_costs_no_more(name, most):
    assert len(encoded(air_frames_made()[name])) <= most


@given(all_frames.filter(lambda frame: not isinstance(frame, SymbolFrame | ParcelFrame)))
def test_every_frame_fits_the_radio(frame):
    assert len(encoded(frame)) <= RADIO_FRAME_BYTES_MAX


def test_the_longest_symbol_fills_a_frame():
    shape = Shape(2, 2 * SYMBOL_BYTES_MAX)
    frame = SymbolFrame(bytes(8), shape, 1, bytes(SYMBOL_BYTES_MAX))
    assert len(encoded(frame)) == RADIO_FRAME_BYTES_MAX


def with_payload(kind, *fields):
    from sync import cbor

    start = 6 if kind in (AirFrameType.BEACON, AirFrameType.SKETCH) else HEAD
    head = (bytes([1 << 4 | kind, NORTH.network.tag(1)]) + AUTHOR)[:start]
    return head + cbor.encode(list(fields))


def raw(kind, payload):
    return (bytes([1 << 4 | kind, NORTH.network.tag(1)]) + AUTHOR)[:HEAD] + payload


GENERATION = bytes(8)
WHEN = (HOUR << 4 | 7).to_bytes(3)
LATE = (HOUR_MAX + 1).to_bytes(3)


@pytest.mark.parametrize(
    ("fault", "data"),
    [
        ("a beacon of 7 syndromes", with_payload(2, WHEN + bytes(6 + 28))),
        ("a beacon of 9 syndromes", with_payload(2, WHEN + bytes(6 + 36))),
        ("a beacon from 2101", with_payload(2, ((HOUR_MAX + 1) << 4).to_bytes(3) + bytes(6 + 32))),
        ("a beacon in an integer", with_payload(2, 7)),
        ("an empty beacon", with_payload(2)),
        ("a sketch of part 0", with_payload(3, WHEN + bytes(6) + b"\0\0" + bytes(32))),
        ("a sketch of one syndrome", with_payload(3, WHEN + bytes(6) + b"\0\1" + bytes(4))),
        ("a sketch of 45 syndromes", with_payload(3, WHEN + bytes(6) + b"\0\1" + bytes(180))),
        ("a sketch with a piece of a syndrome", with_payload(3, WHEN + bytes(6) + b"\0\1" + bytes(33))),
        ("a sketch that ends in its part", with_payload(3, WHEN + bytes(6) + b"\1")),
        ("a want of degree 45", with_payload(4, bytes(11 + 180))),
        ("a want with a piece of a coefficient", with_payload(4, bytes(11 + 3))),
        ("a want from 2101", with_payload(4, bytes(8) + LATE)),
        ("a want of part 0", with_payload(4, bytes(11), 0)),
        ("a want of part 65,536", with_payload(4, bytes(11), PART_MAX + 1)),
        ("a want of part true", with_payload(4, bytes(11), True)),
        ("a need of nothing", with_payload(5, GENERATION, 0)),
        ("a need of 25", with_payload(5, GENERATION, 25)),
        ("a need without a number", with_payload(5, GENERATION)),
        ("a need of a short generation", with_payload(5, bytes(7), 1)),
        ("a symbol of one", with_payload(6, GENERATION + bytes([1, 0]) + (80).to_bytes(2) + bytes(80))),
        ("a symbol of 25", with_payload(6, GENERATION + bytes([25, 0]) + (100).to_bytes(2) + bytes(4))),
        (
            "a symbol of a bundle too long",
            with_payload(6, GENERATION + bytes([24, 0]) + (4_533).to_bytes(2) + bytes(189)),
        ),
        (
            "a symbol of a bundle too short",
            with_payload(6, GENERATION + bytes([2, 0]) + (78).to_bytes(2) + bytes(39)),
        ),
        (
            "a symbol that is too short",
            with_payload(6, GENERATION + bytes([2, 0]) + (200).to_bytes(2) + bytes(99)),
        ),
        (
            "a symbol that is too long",
            with_payload(6, GENERATION + bytes([2, 0]) + (200).to_bytes(2) + bytes(101)),
        ),
        ("a symbol without data", with_payload(6, GENERATION + bytes([2, 0]) + (200).to_bytes(2))),
        ("a sketch that asks two bytes", with_payload(3, WHEN + bytes(6) + b"\0\1" + bytes(8), b"AB")),
        ("a sketch that asks a number", with_payload(3, WHEN + bytes(6) + b"\0\1" + bytes(8), 7)),
        ("a need of six bytes of generation", with_payload(5, bytes(6), 1)),
        ("a parcel of no symbols", raw(8, bytes(4) + bytes([0, 0]) + (100).to_bytes(2) + bytes(100))),
        ("a parcel of 25", raw(8, bytes(4) + bytes([25, 0]) + (100).to_bytes(2) + bytes(4))),
        ("a parcel without data", raw(8, bytes(4) + bytes([1, 0]) + (100).to_bytes(2))),
        ("a parcel in half a head", raw(8, bytes(5))),
        ("a parcel that is too short", raw(8, bytes(4) + bytes([2, 0]) + (200).to_bytes(2) + bytes(99))),
        ("a parcel of nothing", raw(8, bytes(4) + bytes([1, 0]) + (20).to_bytes(2) + bytes(20))),
        (
            "a parcel of more than 24 frames",
            raw(8, bytes(4) + bytes([24, 0]) + (PARCEL_BYTES_MAX + 1).to_bytes(2) + bytes(215)),
        ),
        ("a join by another than its sender", with_payload(7, SOUTH.author + bytes(4 + 3 + 64))),
        ("a join with half a signature", with_payload(7, NORTH.author + bytes(4 + 3 + 32))),
        ("a join from 2101", with_payload(7, NORTH.author + bytes(4) + LATE + bytes(64))),
    ],
)
def test_a_broken_frame_is_refused(fault, data):
    assert reason_of(data) == Reason.FRAME


def test_head_and_encoding_are_checked_as_of_every_frame():
    beacon = encoded(air_frames_made()["BEACON"])
    assert reason_of(bytes([0x22]) + beacon[1:]) == Reason.VERSION
    assert reason_of(flipped(beacon, 1)) == Reason.NETWORK
    assert reason_of(beacon[:6]) == Reason.FRAME
    assert reason_of(beacon[:6] + b"\x81\x59\x00" + beacon[8:]) == Reason.ENCODING
    assert reason_of(beacon + b"\0") in (Reason.ENCODING, Reason.CBOR)


def test_what_a_later_version_puts_behind_is_not_read():
    for kind, fields, expected in (
        (2, (WHEN + bytes(38), b"ABCD", "later"), BeaconFrame),
        (3, (WHEN + bytes(6) + b"\0\1" + bytes(8), b"ABCD", "later"), SketchFrame),
        (4, (bytes(11), 3, "later"), WantFrame),
        (5, (GENERATION, 3, "later"), NeedFrame),
    ):
        assert isinstance(decoded(with_payload(kind, *fields))[1], expected)


@pytest.mark.parametrize("hears", [b"A", "AB", 7, bytes(2 * 65)], ids=["odd", "text", "number", "too many"])
def test_whom_a_beacon_hears_is_camps_of_two_bytes(hears):
    with pytest.raises(Reject) as refused:
        decoded(with_payload(2, WHEN + bytes(38), hears))
    assert refused.value.reason == Reason.FRAME


def test_other_frames_pass_through():
    ask = AskFrame((bytes(16),))
    assert encoded(ask) == frames.encode(ask, NORTH.network, AUTHOR)
    assert decoded(encoded(ask)) == (AUTHOR[:2], ask)


def test_a_count_beyond_two_bytes_says_many():
    beacon = BeaconFrame(Salt(bytes(4), HOUR, AUTHOR[:4]), 7, 100_000, bytes(32))
    assert decoded(encoded(beacon))[1].count == 0xFFFF


def test_a_join_is_signed_for_one_camp_one_hour_and_one_network():
    asked = SOUTH.author[:4]
    signature = NORTH.sign_join(asked, HOUR)
    assert verify(NORTH.key, NORTH.network.join_input(NORTH.key, asked, HOUR), signature)
    for network, whom, hour in (
        (Network("x"), asked, HOUR),
        (NORTH.network, AUTHOR[:4], HOUR),
        (NORTH.network, asked, HOUR + 1),
    ):
        assert not verify(NORTH.key, network.join_input(NORTH.key, whom, hour), signature)
