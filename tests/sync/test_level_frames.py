"""LEVEL frames: what is written is read, and any bytes are a frame or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import cbor, level_frames, levelling
from sync.level_frames import (
    LevelFrame,
    Request,
    ShortIdsFrame,
    SketchesFrame,
    StrataFrame,
    Terms,
    TermsFrame,
    WantsFrame,
)
from sync.reject import Reason, Reject
from sync.sketch import Salt

hours = st.integers(0, 650_000)
salts = st.builds(Salt, st.binary(min_size=4, max_size=4), hours, st.binary(min_size=4, max_size=4))
terms = st.builds(Terms, hours, hours, st.integers(0, 255))
numbers = st.integers(0, 0xFFFFFFFF)
parts = st.lists(st.integers(1, 0xFFFF), max_size=64).map(tuple)
short_ids = st.integers(0, 40).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))
wants = st.integers(1, 63).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))
spans = st.tuples(numbers, numbers).map(sorted)


@st.composite
def sketches(draw):
    named = draw(st.lists(st.integers(1, 0xFFFF), min_size=1, max_size=5))
    width = 4 * draw(st.integers(16, 64))
    drawn = [draw(st.binary(min_size=width, max_size=width)) for _ in named]
    return SketchesFrame(draw(salts), tuple(named), tuple(drawn), draw(st.none() | terms))


frames = st.one_of(
    st.builds(StrataFrame, salts, terms, numbers, st.binary(min_size=1_344, max_size=1_344)),
    sketches(),
    st.builds(
        lambda salt, span, named, agreed: ShortIdsFrame(salt, span[0], span[1], named, agreed),
        salts,
        spans,
        short_ids,
        st.none() | terms,
    ),
    st.builds(
        WantsFrame,
        salts,
        numbers,
        st.booleans(),
        st.lists(st.builds(Request, st.integers(1, 0xFFFF), wants), max_size=4).map(tuple),
        short_ids,
        parts,
        parts,
        short_ids,
    ),
    st.builds(TermsFrame, salts, terms),
)


REASONS = (Reason.FRAME, Reason.CBOR, Reason.ENCODING)


def read(data):
    """The frame, or one of the reasons for which it may be refused."""
    try:
        return level_frames.decode(data)
    except Reject as reject:
        return next(reason for reason in REASONS if reason == reject.reason)


@given(frames)
def test_a_frame_is_read_as_it_was_written(frame):
    assert level_frames.decode(level_frames.encode(frame)) == frame


@given(frames)
def test_what_a_later_version_adds_behind_a_step_with_terms_is_ignored(frame):
    fields = cbor.decode(level_frames.encode(frame))
    assert isinstance(fields, list)
    has_terms = not isinstance(frame, SketchesFrame | ShortIdsFrame) or frame.terms is not None
    if has_terms:
        assert level_frames.decode(cbor.encode([*fields, 7, b"later"])) == frame


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_refused(data):
    frame = read(data)
    assert frame in REASONS or level_frames.decode(level_frames.encode(frame)) == frame


@given(frames, st.data())
def test_damaged_frames_are_frames_or_refused(frame, data):
    whole = bytearray(level_frames.encode(frame))
    for _ in range(3):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert read(bytes(whole)) is not None


def test_a_frame_of_the_longest_parts_fits_a_message_of_the_link():
    salt = Salt(bytes(4), 650_000, bytes(4))
    full: list[LevelFrame] = [
        SketchesFrame(salt, (0xFFFF,) * 64, (b"\xff" * 256,) * 64),
        ShortIdsFrame(salt, 0, 0xFFFFFFFF, bytes(4 * level_frames.SHORT_IDS_MAX), Terms(9, 9, 255)),
        WantsFrame(
            salt,
            0xFFFFFFFF,
            False,
            (Request(0xFFFF, b"\xff" * 252),) * 64,
            b"",
            (0xFFFF,) * 64,
            (0xFFFF,) * 64,
            b"",
        ),
        WantsFrame(
            salt,
            0xFFFFFFFF,
            False,
            short_ids=bytes(4 * level_frames.SHORT_IDS_MAX),
            offered=bytes(4 * levelling.OFFERED_MAX),
        ),
    ]
    for frame in full:
        assert len(level_frames.encode(frame)) + 4 <= 40_960


@pytest.mark.parametrize(("hour", "since", "mask"), [(9, 3, 6), (8, 4, 15)])
def test_terms_meet_in_what_both_want(hour, since, mask):
    assert Terms(9, 2, 7).meet(Terms(hour, since, mask)) == Terms(9, max(2, since), 7 & mask)
