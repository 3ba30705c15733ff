"""What a board says of itself is believed where it has counted more, and obeyed when it refuses."""

from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.airtime import preset_named
from radio.board_says import BUSY_IS_TRUE_S, REFUSED_UNTOLD_S, BoardSays, refused_s
from radio.duty import Forgetful
from radio.link_sight import WaitsFor
from radio.polite_radio import AirRules
from radio.regions import region_named
from tests.radio.test_polite_radio import FRAME, FRAME_MS, Station

LAW_MS = 360_000.0
LONG_FAST = preset_named("LONG_FAST")


@pytest.mark.parametrize(
    ("notice", "seconds"),
    [
        ("Duty cycle limit exceeded. You can send again in 52 mins", 52 * 60),
        ("Duty cycle limit exceeded. You can send again in 1 mins", 60),
        ("Duty cycle limit exceeded. You can send again in 999 mins", 3_600),
        ("Duty cycle limit exceeded. You can send again in 0 mins", REFUSED_UNTOLD_S),
        ("", REFUSED_UNTOLD_S),
    ],
)
def test_the_firmware_says_for_how_long(notice, seconds):
    assert refused_s(notice) == seconds


def test_its_count_of_the_hour_goes_on_with_what_it_is_given():
    says = BoardSays(0.1)
    assert says.left_ms(0) == inf
    says.tell(0.1, 0.06, 1_000, 0)
    assert says.left_ms(0) == pytest.approx(LAW_MS - 216_000 - 1_000)
    says.take(2_000)
    assert says.left_ms(10) == pytest.approx(LAW_MS - 216_000 - 3_000)
    says.tell(0.1, 0.07, 0, 60)
    assert says.left_ms(60) == pytest.approx(LAW_MS - 252_000)
    assert says.left_ms(3_661) == inf


def test_where_the_law_has_no_limit_there_is_none():
    says = BoardSays(1.0)
    says.tell(0.5, 0.5, 0, 0)
    assert says.left_ms(0) == inf


def test_a_busy_channel_is_believed_for_two_minutes():
    says = BoardSays(0.1)
    says.tell(0.4, 0.0, 0, 0)
    assert says.busy(BUSY_IS_TRUE_S) == 0.4
    assert says.busy(BUSY_IS_TRUE_S + 1) == 0


@given(st.floats(), st.floats())
def test_whatever_it_tells_shares_are_shares(busy, sent):
    says = BoardSays(0.1)
    says.tell(busy, sent, 0, 0)
    assert 0 <= says.busy(0) <= 1
    assert 0 <= says.sent_ms(0) <= 3_600_000


def test_no_number_is_no_share():
    says = BoardSays(0.1)
    says.tell(nan, nan, 0, 0)
    assert (says.busy(0), says.sent_ms(0)) == (0, 0)


def test_a_channel_that_the_board_calls_crowded_makes_posts_wait_and_not_alerts():
    station = Station()
    station.radio.told(busy=0.3, sent=0.0)
    left = station.left()
    assert (left.any_ms, left.alerts_ms) == (0, LONG_FAST.longest_ms())
    assert station.radio.use().waits_for is WaitsFor.CHANNEL
    assert station.radio.use().busy == 0.3


def test_what_a_board_sends_of_its_own_accord_counts_against_the_law():
    station = Station()
    station.radio.told(busy=0.0, sent=0.0999)
    assert station.left().alerts_ms < FRAME_MS
    assert station.radio.use().waits_for is WaitsFor.HOUR
    assert station.radio.use().used == pytest.approx(0.0999)
    station.now += 3_700
    assert station.left().alerts_ms == LONG_FAST.longest_ms()


def test_a_board_that_refuses_is_given_nothing_until_the_time_it_said():
    station = Station()
    station.radio.take(station, [FRAME], station.now)
    assert station.radio.next_frame(station) == FRAME
    station.radio.refused(52 * 60)
    station.radio.done(station, FRAME)
    assert station.left().alerts_ms == 0
    assert station.radio.use().waits_for is WaitsFor.FIRMWARE
    assert station.radio.use().refused_s == 52 * 60
    station.now += 52 * 60
    assert station.left().alerts_ms == LONG_FAST.longest_ms()
    assert station.radio.use().waits_for is None


def test_alerts_are_taken_beside_a_frame_only_where_the_radio_sorts():
    station = Station()
    station.radio.take(station, [FRAME], station.now)
    assert not station.radio.takes_alerts(station)
    rules = AirRules(LONG_FAST, region_named("EU_868"))
    sorting = type(station.radio)(rules, lambda: station.now, Random(1), Forgetful(), alerts_passing=2)
    sorting.switch_on(station)
    sorting.take(station, [FRAME], station.now)
    assert sorting.takes_alerts(station)
    assert not sorting.takes_alerts(object())
    allowed = sorting.allowance(station, station.now)
    assert (allowed.any_ms, allowed.alerts_ms) == (0, LONG_FAST.longest_ms())
