"""The hour of one radio: never more than its limit, whatever is asked, and whoever pulls the plug."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.airtime import HOUR_S, PRESETS
from radio.duty import CLAIM_SHARE, DutyHour, Spent
from radio.regions import REGIONS
from sync.link import Allowance

HOUR_MS = HOUR_S * 1_000


class Paper:
    """A memory by hand: what was written last, and when."""

    def __init__(self):
        self.written = []
        self.now = 0.0
        self.at_s = 0.0

    def recall(self):
        if not self.written:
            return ()
        spent, claimed_ms = self.written[-1]
        aged = [Spent(each.age_s + self.now - self.at_s, each.airtime_ms) for each in spent]
        return [Spent(0.0, claimed_ms), *aged]

    def keep(self, spent, claimed_ms):
        self.written.append((list(spent), claimed_ms))
        self.at_s = self.now


def send(hour, airtime_ms, now, in_radio_s=0.0):
    hour.take(airtime_ms, now)
    hour.end(airtime_ms, now + in_radio_s)


def busiest_hour_ms(sent):
    """The most that any 3,600 s hold of frames given as (when it ended, ms)."""
    return max(
        (sum(ms for at_s, ms in sent if end_s - HOUR_S < at_s <= end_s) for end_s, _ in sent), default=0.0
    )


def test_a_frame_counts_from_the_handing_over_until_an_hour_after_it_left_the_air():
    hour = DutyHour(0.05, 2_000)
    hour.take(2_000, 0)
    assert hour.spent_ms(600) == 2_000  # it still waits for silence, in a crowd
    hour.end(2_000, 600)
    assert hour.spent_ms(600 + HOUR_S - 1) == 2_000
    assert hour.spent_ms(600 + HOUR_S) == 0


def test_a_radio_that_is_gone_may_have_sent_what_it_held():
    hour = DutyHour(0.05, 2_000)
    hour.take(2_000, 0)
    hour.lose(100)
    hour.lose(200)
    assert hour.spent_ms(HOUR_S + 99) == 2_000
    assert hour.spent_ms(HOUR_S + 100) == 0


@pytest.mark.parametrize(
    ("duty_cycle", "frame_ms", "reserve_ms", "many_ms"),
    [
        (0.05, 2_157, 18_000, 18_000),  # a tenth of Europe's half, and another
        (0.005, 2_157, 2_157, 1_800),  # of Ukraine's: an alert needs a whole frame
        (0.005, 14_295, 3_705, 0),  # one frame of LONG_SLOW an hour for everything, and what is left
        (0.02, 14_295, 14_295, 525),  # four frames serve anybody
        (0.001, 14_295, 0, 0),
        (1.0, 2_157, 0, 0),
    ],
)
def test_the_last_parts_of_an_hour_are_for_alerts_and_for_what_many_lack(
    duty_cycle, frame_ms, reserve_ms, many_ms
):
    hour = DutyHour(duty_cycle, frame_ms)
    assert hour.reserve_ms == pytest.approx(reserve_ms)
    left = hour.left(0)
    assert (left.any_ms, left.alerts_ms) == (hour.limit_ms - hour.reserve_ms, hour.limit_ms)
    assert left.few_ms == pytest.approx(left.any_ms - many_ms)


def test_no_limit_is_no_limit():
    hour = DutyHour(1.0, 2_000)
    send(hour, HOUR_MS, 0)
    assert hour.left(1) == Allowance(float("inf"), float("inf"), float("inf"))


FRAMES = st.lists(
    st.tuples(st.floats(0, 900), st.floats(0, 1_200), st.integers(50, 15_000), st.booleans()), max_size=60
)


@given(st.sampled_from(REGIONS), st.sampled_from([0.05, 0.5, 1.0]), st.sampled_from(PRESETS), FRAMES)
def test_no_hour_holds_more_than_its_limit(region, share, preset, asked):
    """However long frames wait in the radio, one after the other; alerts take the reserve as well."""
    hour, sent, now = DutyHour(region.duty(share), preset.longest_ms()), [], 0.0
    for wait_s, in_radio_s, airtime_ms, is_alert in asked:
        now += wait_s
        left = hour.left(now)
        if airtime_ms <= (left.alerts_ms if is_alert else left.any_ms):
            hour.take(airtime_ms, now)
            now += in_radio_s
            hour.end(airtime_ms, now)
            sent.append((now, airtime_ms))
    assert busiest_hour_ms(sent) <= region.duty(share) * HOUR_MS + 1e-6
    assert busiest_hour_ms(sent) <= region.duty_cycle * HOUR_MS


RESTARTS = st.lists(
    st.tuples(st.floats(0, 900), st.integers(50, 3_000), st.sampled_from(["", "", "", "end", "crash"])),
    max_size=80,
)


@given(RESTARTS)
def test_no_restart_gives_a_fresh_hour(asked):
    paper, sent = Paper(), []
    hour, now = DutyHour(0.005, 3_000, paper), 0.0
    for wait_s, airtime_ms, what in asked:
        now += wait_s
        paper.now = now
        if what == "end":
            hour.close(now)
        if what:
            spent_ms = hour.spent_ms(now)
            hour = DutyHour(0.005, 3_000, paper, now)
            assert hour.spent_ms(now) >= spent_ms - 1e-6
        if airtime_ms <= hour.left(now).alerts_ms:
            send(hour, airtime_ms, now)
            sent.append((now, airtime_ms))
    assert busiest_hour_ms(sent) <= 0.005 * HOUR_MS + 1e-6


def test_an_hour_costs_ten_writes_and_a_power_failure_what_was_claimed():
    paper = Paper()
    hour, now = DutyHour(0.05, 2_000, paper), 0.0
    while hour.left(now).alerts_ms >= 2_000:
        paper.now = now = now + 10
        send(hour, 2_000, now)
    assert len(paper.written) == 10
    assert DutyHour(0.05, 2_000, paper, now).spent_ms(now) == pytest.approx(180_000)

    paper.written.clear()
    hour = DutyHour(0.05, 2_000, paper)
    send(hour, 2_000, now)
    assert DutyHour(0.05, 2_000, paper, now).spent_ms(now) == CLAIM_SHARE * 180_000
    hour.close(now)
    assert DutyHour(0.05, 2_000, paper, now).spent_ms(now) == 2_000


def test_a_frame_dearer_than_what_is_claimed_at_a_time_is_claimed_whole():
    paper = Paper()
    send(DutyHour(0.01, 14_000, paper), 14_000, 0)
    assert paper.written == [([], 14_000)]


def test_what_is_written_is_short():
    paper = Paper()
    hour = DutyHour(0.05, 100, paper)
    for n in range(1_000):
        paper.now = 3.0 * n
        send(hour, 100, paper.now)
    hour.close(paper.now)
    spent, claimed_ms = paper.written[-1]
    assert len(spent) <= 60
    assert claimed_ms == 0
    assert sum(each.airtime_ms for each in spent) == pytest.approx(hour.spent_ms(paper.now))
    assert spent[0].age_s == 0
