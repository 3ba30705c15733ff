"""Frames that are made longer because a longer one costs less of the air (PROTOCOL.md §8.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.airtime import PRESETS, Firmware, preset_named
from radio.ledger import kind_of
from sync import air_frames
from sync.air_frames import AnswerFrame
from sync.frames import RADIO_FRAME_BYTES_MAX, BundleFrame
from sync.link import LinkProfile
from sync.padding import PADDED, Padding, unpad
from sync.reject import Reason, Reject
from sync.signing import Network

LONG_FAST = preset_named("LONG_FAST")
AUTHOR = bytes.fromhex("a1a2a3a4a5a6a7a8")


def padding(preset=LONG_FAST, firmware=Firmware.V2_8):
    return Padding(
        LinkProfile("air", RADIO_FRAME_BYTES_MAX, lambda n: preset.airtime_ms(n, firmware), broadcast=True)
    )


def test_a_padded_frame_is_these_bytes():
    frame = bytes.fromhex("1077a1a2") + bytes(range(1, 151))
    assert padding().pad(frame).hex(" ") == f"1f 77 a1 a2 00 96 {frame[4:].hex(' ')} " + " ".join(["00"] * 10)


@pytest.mark.parametrize(
    ("length", "leaves"),
    [(5, 5), (103, 103), (104, 166), (154, 166), (164, 166), (165, 167), (166, 166), (226, 226)],
)
def test_what_firmware_would_sign_leaves_longer(length, leaves):
    frame = bytes([0x10]) * length
    made = padding()
    assert len(made.pad(frame)) == leaves
    assert made.priced.airtime_ms(length) == LONG_FAST.airtime_ms(leaves)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
@pytest.mark.parametrize("firmware", Firmware)
@given(rest=st.binary(min_size=1, max_size=RADIO_FRAME_BYTES_MAX - 4), kind=st.integers(0, 14))
def test_what_is_padded_comes_out_as_it_was_and_never_costs_more(preset, firmware, rest, kind):
    frame = bytes([0x10 | kind, 0x77, 0xA1, 0xA2]) + rest
    sent = padding(preset, firmware).pad(frame)
    assert unpad(sent) == frame
    assert len(sent) <= RADIO_FRAME_BYTES_MAX
    assert kind_of(sent) == kind_of(frame)
    if sent != frame:
        assert preset.airtime_ms(len(sent), firmware) < preset.airtime_ms(len(frame), firmware)
    if firmware is Firmware.RAW:
        assert sent == frame


@pytest.mark.parametrize("frame", [BundleFrame(bytes(150)), AnswerFrame(bytes(150))])
def test_whoever_hears_it_reads_what_is_inside_and_nothing_behind(frame):
    encoded = air_frames.encode(frame, Network(), AUTHOR)
    sent = padding().pad(encoded)
    assert len(sent) > len(encoded)
    assert air_frames.decode(sent, Network()) == (AUTHOR[:2], frame)
    assert air_frames.decode(sent[:-1] + b"\x01", Network()) == (AUTHOR[:2], frame)


@pytest.mark.parametrize(
    "inside", ["", "00", "00 01", "00 00 01", "00 03 01 02", "0f 01 01", "10 01 01", "ff 01 01"]
)
def test_what_is_not_as_it_says_is_refused(inside):
    wire = bytes.fromhex(f"1f 77 a1 a2 {inside}")
    with pytest.raises(Reject) as refused:
        unpad(wire)
    assert refused.value.reason is Reason.FRAME
    assert kind_of(wire) == "unknown"


@given(st.binary(max_size=RADIO_FRAME_BYTES_MAX))
def test_any_bytes_are_read_or_refused(data):
    try:
        inside = unpad(data)
    except Reject:
        assert data[0] & 0x0F == PADDED
    else:
        assert inside == data or len(inside) < len(data)
