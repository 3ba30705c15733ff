"""A radio with manners: its hour outlives connections, and what it hears counts."""

import threading
from random import Random

import pytest

from radio.airtime import preset_named
from radio.duty import Spent
from radio.link_sight import WaitsFor
from radio.polite_radio import AirRules, PoliteRadio
from radio.regions import region_named
from sync.link import NO_AIRTIME

LONG_FAST = preset_named("LONG_FAST")
FRAME = bytes(226)
FRAME_MS = LONG_FAST.airtime_ms(226)


class Paper:
    """A memory by hand."""

    def __init__(self, *spent):
        self.spent = spent
        self.written = []

    def recall(self):
        return self.spent

    def keep(self, spent, claimed_ms):
        self.written.append((spent, claimed_ms))


class Station:
    """A radio and the clock it is told."""

    def __init__(self, region="EU_868", memory=None, share=0.5):
        self.now = 1_000.0
        self.memory = memory or Paper()
        rules = AirRules(LONG_FAST, region_named(region), share)
        self.radio = PoliteRadio(rules, lambda: self.now, Random(1), self.memory)
        self.radio.switch_on(self)

    def send(self, frames=1):
        for _ in range(frames):
            self.radio.take(self, [FRAME], self.now)
            assert self.radio.next_frame(self) == FRAME
            self.radio.done(self)

    def left(self):
        return self.radio.allowance(self, self.now)


def test_what_was_sent_heard_or_only_noticed_makes_the_channel_busy():
    station = Station()
    station.send()
    station.radio.heard(226)
    station.radio.noise(3_000)
    assert station.radio.use().busy == pytest.approx((2 * FRAME_MS + 3_000) / 60_000)
    assert station.left().any_ms == LONG_FAST.longest_ms()
    station.radio.noise(10_000)
    assert station.left().any_ms == 0
    assert station.left().alerts_ms == LONG_FAST.longest_ms()
    station.now += 60
    assert station.radio.use().busy == 0
    station.radio.noise(100_000)
    assert station.radio.use().busy == 1


def test_only_the_connection_that_has_the_radio_is_served():
    station, old = Station(), object()
    station.radio.take(old, [FRAME], station.now)
    assert station.radio.is_idle(station)
    assert not station.radio.is_idle(old)
    assert station.radio.allowance(old, station.now) == NO_AIRTIME
    station.radio.take(station, [FRAME], station.now)
    assert station.radio.next_frame(old) is None
    station.radio.done(old)
    station.radio.switch_off(old)
    assert station.radio.next_frame(station) == FRAME


def test_a_connection_that_comes_back_has_no_fresh_hour():
    station = Station()
    station.send(10)
    station.radio.take(station, [FRAME, FRAME], station.now)
    station.radio.next_frame(station)
    station.radio.switch_off(station)
    again = object()
    station.radio.switch_on(again)
    assert station.radio.is_idle(again)
    assert station.radio.use().used == pytest.approx(12 * FRAME_MS / 3_600_000)


def test_nor_has_a_node_that_is_started_again():
    station = Station(memory=Paper(Spent(3_000.0, 100_000.0), Spent(60.0, 80_000.0)))
    assert station.left() == NO_AIRTIME
    station.now += 600
    assert station.left().any_ms > 0
    station.radio.close()
    (spent, claimed_ms) = station.memory.written[-1]
    assert list(spent) == [Spent(660.0, 80_000.0)]
    assert claimed_ms == 0


@pytest.mark.parametrize(
    ("region", "share", "limit", "reserve", "law"),
    [("EU_868", 0.5, 0.05, 0.005, 0.10), ("EU_868", 1.0, 0.10, 0.01, 0.10), ("US", 0.5, 0.10, 0.01, 1.0)],
)
def test_its_use_is_told_in_shares_of_an_hour(region, share, limit, reserve, law):
    station = Station(region, share=share)
    station.send(3)
    use = station.radio.use()
    assert (use.region, use.preset) == (region, "LONG_FAST")
    assert use.used == pytest.approx(3 * FRAME_MS / 3_600_000)
    assert (use.limit, use.reserve, use.law) == pytest.approx((limit, reserve, law))


def test_what_posts_wait_for_is_told():
    station = Station()
    assert station.radio.use().waits_for is None
    station.radio.noise(20_000)
    assert station.radio.use().waits_for is WaitsFor.CHANNEL
    station.send(76)  # 161 s of 180
    assert station.radio.use().waits_for is WaitsFor.HOUR
    station.now += 3_600
    assert station.radio.use().waits_for is None


def test_two_threads_lose_no_frame():
    """The engine's thread hands over, the loop's feeds the radio, as fast as both can."""
    station = Station("US", share=1.0)
    station.radio.noise(0.0)
    sent = threading.Semaphore(0)
    frames = 250

    def feed():
        fed = 0
        while fed < frames:
            if station.radio.next_frame(station) is not None:
                station.radio.done(station)
                fed += 1
                sent.release()

    loop = threading.Thread(target=feed)
    loop.start()
    for _ in range(frames):
        assert station.radio.is_idle(station)
        station.radio.take(station, [FRAME], station.now)
        assert sent.acquire(timeout=20)
    loop.join()
    assert station.radio.use().used == pytest.approx(frames * FRAME_MS / 3_600_000)
