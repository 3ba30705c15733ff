"""What a radio is given: one frame at a time, within its hour, and less where the air is crowded."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.airtime import HOUR_S
from radio.duty import DutyHour
from radio.turns import FIRST_WAIT_FRAMES, POLITE_UTILISATION, WAITS_MAX, BackOff, Turns
from sync import frames
from sync.bundle import BundleClass, seal
from sync.frames import BundleFrame
from sync.link import NO_AIRTIME, Allowance
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity

FULL = Allowance(2_000, 2_000, 2_000)
NOT_FOR_FEW = Allowance(2_000, 2_000, 0)
ALERTS_ONLY = Allowance(0, 2_000, 0)
QUIET, CROWDED = 0.0, 0.3
FIRST_S, LAST_S = (2 * frames for frames in FIRST_WAIT_FRAMES)  # a frame takes 2 s
ALL_WAITS = 2**WAITS_MAX - 1  # each twice as long as the one before


class Channel:
    """How busy it is, by hand."""

    def __init__(self, busy=QUIET):
        self.busy = busy

    def utilisation(self, now):
        return self.busy


def turns(duty_cycle=1.0, channel=None, seed=1):
    back_off = BackOff((channel or Channel()).utilisation, 2_000.0, Random(seed))
    return Turns(lambda frame_bytes: 10.0 * frame_bytes, 2_000.0, DutyHour(duty_cycle, 2_000.0), back_off)


def send(radio, now, frame_bytes=200):
    radio.take([bytes(frame_bytes)], now)
    radio.next_frame()
    radio.done(now)


def test_nothing_more_is_wanted_until_the_last_frame_left_the_air():
    radio = turns()
    assert radio.allowance(0) == FULL
    radio.take([b"one", b"two"], 0)
    assert radio.allowance(0) == NO_AIRTIME
    assert radio.next_frame() == b"one"
    assert radio.next_frame() is None
    assert radio.done(0) == 30
    assert radio.allowance(0) == NO_AIRTIME
    assert radio.next_frame() == b"two"
    assert radio.allowance(0) == NO_AIRTIME
    assert radio.done(0) == 30
    assert radio.done(0) == 0
    assert radio.allowance(0) == FULL
    assert radio.next_frame() is None


def test_a_radio_that_is_gone_held_nothing():
    radio = turns()
    radio.take([b"one", b"two"], 0)
    radio.next_frame()
    radio.forget(0)
    assert radio.is_idle()


def test_the_hour_is_used_up_and_its_last_tenth_by_alerts_and_what_is_before_by_what_many_lack():
    radio = turns(duty_cycle=0.05)
    for n in range(72):  # 72 frames of 2 s are four fifths of 180 s
        assert radio.allowance(n) == FULL
        send(radio, n)
    for n in range(72, 81):
        assert radio.allowance(n) == NOT_FOR_FEW
        send(radio, n)
    for n in range(81, 90):
        assert radio.allowance(n) == ALERTS_ONLY
        send(radio, n)
    assert radio.allowance(HOUR_S - 1) == NO_AIRTIME
    assert radio.allowance(HOUR_S) == ALERTS_ONLY  # the first one is an hour old now
    assert radio.allowance(HOUR_S + 9) == NOT_FOR_FEW
    assert radio.allowance(HOUR_S + 18) == FULL


def test_what_can_wait_waits_while_the_channel_is_crowded():
    channel = Channel(POLITE_UTILISATION)
    radio = turns(channel=channel)
    assert radio.allowance(0) == FULL
    assert radio.held_until <= 0
    channel.busy = CROWDED
    assert radio.allowance(0) == ALERTS_ONLY
    assert radio.allowance(FIRST_S - 1) == ALERTS_ONLY
    assert FIRST_S <= radio.held_until <= LAST_S
    channel.busy = POLITE_UTILISATION
    assert radio.allowance(LAST_S) == FULL


def test_a_crowd_that_never_ends_slows_down_and_silences_nobody():
    radio, now = turns(channel=Channel(CROWDED)), 0.0
    sent_at: list[float] = []
    while len(sent_at) < 200:
        now += 1.0
        if radio.allowance(now) == FULL:
            send(radio, now)
            sent_at.append(now)
            assert radio.allowance(now) == ALERTS_ONLY
    pauses = [later - earlier for earlier, later in pairwise(sent_at)]
    assert min(pauses) >= ALL_WAITS * FIRST_S
    assert max(pauses) <= ALL_WAITS * LAST_S + WAITS_MAX
    # Seven neighbours and we, all with something to say, and a frame takes its own 2 s besides.
    assert 8 * 200 * 2 / (sent_at[-1] + 200 * 2) == pytest.approx(POLITE_UTILISATION, abs=0.02)


def test_who_waited_does_not_speak_up_with_all_others_when_it_falls_quiet():
    channel = Channel(CROWDED)
    camps = [turns(channel=channel, seed=seed) for seed in range(8)]
    for now in range(20):  # into their third wait
        assert {camp.allowance(now) for camp in camps} == {ALERTS_ONLY}
    channel.busy = QUIET
    freed = [next(now for now in range(20, 100) if camp.allowance(now) == FULL) for camp in camps]
    assert len(set(freed)) >= 6
    assert max(freed) - min(freed) > 4 * FIRST_S


def test_a_wait_that_was_not_used_is_not_saved_up():
    channel = Channel(CROWDED)
    radio = turns(channel=channel)
    for now in range(2 * ALL_WAITS * int(LAST_S)):
        radio.allowance(now)
    assert radio.allowance(400) == FULL
    channel.busy = QUIET
    assert radio.allowance(401) == FULL
    channel.busy = CROWDED
    assert radio.allowance(402) == ALERTS_ONLY


def test_an_alert_in_a_crowd_frees_nothing_else():
    radio = turns(channel=Channel(CROWDED))
    assert radio.allowance(0) == ALERTS_ONLY
    send(radio, 1)
    assert radio.allowance(2) == ALERTS_ONLY


@given(
    st.lists(
        st.tuples(st.floats(0, 300), st.floats(0, 900), st.integers(1, 200), st.booleans(), st.floats(0, 1)),
        max_size=60,
    )
)
def test_no_hour_holds_more_than_its_limit(asked):
    """Whatever is wanted, however crowded it is, and however long a frame waits for silence."""
    channel, sent, now = Channel(), [], 0.0
    radio = turns(duty_cycle=0.002, channel=channel)
    for wait_s, in_radio_s, frame_bytes, is_alert, busy in asked:
        now += wait_s
        channel.busy = busy
        left = radio.allowance(now)
        assert 0 <= left.any_ms <= left.alerts_ms <= 2_000
        if 10.0 * frame_bytes <= (left.alerts_ms if is_alert else left.any_ms):
            radio.take([bytes(frame_bytes)], now)
            radio.next_frame()
            now += in_radio_s
            sent.append((now, radio.done(now)))
    for end_s, _ in sent:
        assert sum(ms for at_s, ms in sent if end_s - HOUR_S < at_s <= end_s) <= 7_200


def alert(text):
    camp = Identity(b"\x07" * 32)
    message = encode(compose(Message(Kind.MIC_CHECK, 0), text))
    return frames.encode(
        BundleFrame(seal(camp, 7_800, BundleClass.ALERT, [message]).wire), camp.network, camp.author
    )


def test_alerts_pass_what_a_sorting_radio_holds():
    quiet = BackOff(Channel().utilisation, 2_000.0, Random(1))
    radio = Turns(float, 2_000.0, DutyHour(1.0, 2_000.0), quiet, alerts_passing=2)
    first, second, third = (alert(text) for text in ("one", "two", "three"))
    radio.take([b"bulk 1", b"bulk 2"], 0)
    assert radio.next_frame() == b"bulk 1"
    assert radio.next_frame() is None
    assert radio.allowance(0) == ALERTS_ONLY
    radio.take([first], 0)
    assert radio.next_frame() == first
    assert radio.allowance(0) == ALERTS_ONLY
    radio.take([second, third], 0)
    assert radio.allowance(0) == NO_AIRTIME
    assert radio.next_frame() == second
    assert radio.next_frame() is None  # the radio holds three
    assert radio.in_radio_ms == len(b"bulk 1") + len(first) + len(second)
    assert radio.done(0, first) == len(first)
    assert radio.next_frame() == third
    assert [radio.done(0, frame) for frame in (second, third, b"bulk 1")] == [len(second), len(third), 6]
    assert radio.done(0, first) == 0
    assert radio.next_frame() == b"bulk 2"
