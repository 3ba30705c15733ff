"""What a radio is given: one frame at a time, within the law of the rolling hour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.airtime import HOUR_S, PRESETS, Budget, RollingAirtime, preset_named
from radio.turns import Turns
from sync.frames import RADIO_FRAME_BYTES_MAX


def turns(duty_cycle=0.1):
    return Turns(lambda frame_bytes: 10.0 * frame_bytes, 2_000.0, duty_cycle)


def test_nothing_more_is_wanted_until_the_last_frame_left_the_air():
    radio = turns()
    assert radio.wanted_ms(0) == 2_000
    radio.take([b"one", b"two"], 0)
    assert radio.wanted_ms(0) == 0
    assert radio.next_frame() == b"one"
    assert radio.next_frame() is None
    radio.done()
    assert radio.wanted_ms(0) == 0
    assert radio.next_frame() == b"two"
    assert radio.wanted_ms(0) == 0
    radio.done()
    assert radio.wanted_ms(0) == 2_000
    assert radio.next_frame() is None


def test_a_radio_that_is_gone_held_nothing():
    radio = turns()
    radio.take([b"one", b"two"], 0)
    radio.next_frame()
    radio.forget()
    assert radio.is_idle()


def test_the_law_leaves_a_tenth_of_the_hour():
    radio = turns()
    for n in range(180):  # 180 frames of 2 s are 360 s
        assert radio.wanted_ms(n) == 2_000
        radio.take([bytes(200)], n)
        radio.next_frame()
        radio.done()
    assert radio.wanted_ms(180) == 0
    assert radio.wanted_ms(HOUR_S) == 0  # it may have waited in the radio for a minute
    assert radio.wanted_ms(HOUR_S + 60) == 2_000
    assert turns(duty_cycle=1.0).wanted_ms(0) == 2_000


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 60), st.integers(100, 14_000)), max_size=60))
def test_no_rolling_hour_holds_more_than_the_law_allows(asked):
    """Frames go out up to a minute after they were handed over; still the hour is kept."""
    budget, sent, now = Budget(0.01), [], 0.0
    for wait_s, in_radio_s, airtime_ms in asked:
        now += wait_s
        if airtime_ms <= budget.left_ms(now):
            budget.spend(airtime_ms, now)
            sent.append((now + in_radio_s, airtime_ms))
    for start_s, _ in sent:
        within = sum(ms for at_s, ms in sent if start_s <= at_s < start_s + HOUR_S)
        assert within <= 0.01 * HOUR_S * 1_000


def test_what_a_window_holds():
    window = RollingAirtime(60)
    window.add(5.0, 10)
    window.add(7.0, 50)
    assert [window.total_ms(now) for now in (50, 69, 70, 109, 110)] == [12, 12, 7, 7, 0]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_dearest_frame_is_dearer_than_all_others(preset):
    dearest_ms = max(preset.airtime_ms(n) for n in range(1, RADIO_FRAME_BYTES_MAX + 1))
    assert preset.longest_ms() == dearest_ms


def test_a_preset_is_found_by_its_name():
    assert preset_named("SHORT_FAST").spreading == 7
    with pytest.raises(KeyError):
        preset_named("FAST")
