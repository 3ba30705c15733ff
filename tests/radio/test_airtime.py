"""Airtime against figures taken from the firmware's own accounting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.airtime import PRESETS, Firmware, RollingAirtime, preset_named
from sync.frames import RADIO_FRAME_BYTES_MAX

BY_NAME = {preset.name: preset for preset in PRESETS}


@pytest.mark.parametrize(
    ("name", "milliseconds", "bytes_per_s"),
    [
        ("SHORT_TURBO", 102, 2266),
        ("SHORT_FAST", 204, 1133),
        ("SHORT_SLOW", 362, 639),
        ("MEDIUM_FAST", 642, 360),
        ("MEDIUM_SLOW", 1181, 196),
        ("LONG_TURBO", 1656, 140),
        ("LONG_FAST", 2157, 107),
        ("LONG_MODERATE", 7934, 29),
        ("LONG_SLOW", 14295, 16),
    ],
)
def test_a_full_frame_takes_this_long(name, milliseconds, bytes_per_s):
    airtime_ms = BY_NAME[name].airtime_ms(231)
    assert round(airtime_ms) == milliseconds
    assert round(231 / airtime_ms * 1000) == bytes_per_s


@pytest.mark.parametrize(
    ("frame_bytes", "raw_ms", "signed_ms"),
    [(47, 764, 1255), (110, 1214, 1747), (165, 1624, 2157), (166, 1624, 1665)],
)
def test_small_is_not_cheap_on_signing_firmware(frame_bytes, raw_ms, signed_ms):
    long_fast = BY_NAME["LONG_FAST"]
    assert round(long_fast.airtime_ms(frame_bytes, Firmware.RAW)) == raw_ms
    assert round(long_fast.airtime_ms(frame_bytes, Firmware.V2_8)) == signed_ms


@given(st.sampled_from(PRESETS), st.integers(1, 225))
def test_a_longer_frame_is_never_cheaper_raw(preset, frame_bytes):
    assert preset.airtime_ms(frame_bytes, Firmware.RAW) <= preset.airtime_ms(frame_bytes + 1, Firmware.RAW)


def test_what_a_window_holds():
    window = RollingAirtime(60)
    window.add(5.0, 10)
    window.add(7.0, 50)
    assert window.within(50) == ((10, 5.0), (50, 7.0))
    assert [window.total_ms(now) for now in (50, 69, 70, 109, 110)] == [12, 12, 7, 7, 0]
    assert window.within(110) == ()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_dearest_frame_is_dearer_than_all_others(preset):
    dearest_ms = max(preset.airtime_ms(n) for n in range(1, RADIO_FRAME_BYTES_MAX + 1))
    assert preset.longest_ms() == dearest_ms


def test_a_preset_is_found_by_its_name():
    assert preset_named("SHORT_FAST").spreading == 7
    with pytest.raises(KeyError):
        preset_named("FAST")
