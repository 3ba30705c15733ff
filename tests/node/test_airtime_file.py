"""The airtime file: no restart, no crash and no clock makes the law's hour begin anew."""

import json
import logging

import pytest

from node import airtime_file
from node.airtime_file import AirtimeFile
from node.clock import Clock
from radio.duty import DutyHour, Spent
from radio.regions import region_named

EUROPE, STATES, EUROPE_433 = (region_named(name) for name in ("EU_868", "US", "EU_433"))

HOUR = [Spent(0.0, 3_600_000.0)]


class BootClock:
    """The clock that runs from boot, by hand."""

    def __init__(self):
        self.boot, self.s = "first boot", 500.0

    def since_boot(self):
        return self.boot, self.s


@pytest.fixture
def clock():
    return BootClock()


@pytest.fixture
def opened(tmp_path, clock):
    """What a node that starts now finds."""
    return lambda: AirtimeFile(tmp_path / "airtime.json", clock)


def of_europe(file):
    return list(file.of("air-1", EUROPE).recall())


def test_nothing_was_sent_by_a_camp_that_never_sent(opened):
    assert of_europe(opened()) == []


def test_what_was_spent_grows_older_and_what_was_claimed_does_not(opened, clock):
    opened().of("air-1", EUROPE).keep([Spent(10.0, 2_000.0), Spent(3_000.0, 4_000.0)], 18_000.0)
    clock.s += 100
    assert of_europe(opened()) == [Spent(0.0, 18_000.0), Spent(110.0, 2_000.0), Spent(3_100.0, 4_000.0)]
    clock.s += 600
    assert of_europe(opened()) == [Spent(0.0, 18_000.0), Spent(710.0, 2_000.0)]


def test_after_a_reboot_nobody_knows_how_long_the_box_was_off(opened, clock):
    opened().of("air-1", EUROPE).keep([Spent(10.0, 2_000.0)], 0.0)
    clock.boot, clock.s = "second boot", 7.0
    assert of_europe(opened()) == [Spent(10.0, 2_000.0)]
    clock.s += 5_000
    assert of_europe(opened()) == [Spent(10.0, 2_000.0)]


def test_a_clock_that_seems_to_run_back_makes_nothing_older(opened, clock):
    opened().of("air-1", EUROPE).keep([Spent(10.0, 2_000.0)], 0.0)
    clock.s -= 400
    assert of_europe(opened()) == [Spent(10.0, 2_000.0)]


def test_a_region_has_its_own_hour_and_a_radio_that_moved_takes_its_own_along(opened):
    file = opened()
    file.of("air-1", EUROPE).keep([Spent(10.0, 2_000.0)], 0.0)
    file.of("air-2", EUROPE).keep([Spent(10.0, 7_000.0)], 1_000.0)
    file.of("air-3", STATES).keep([Spent(10.0, 99_000.0)], 0.0)
    # Which radio was which, the order of the settings no longer tells: both begin as the busier.
    for link in ("air-1", "air-2", "air-9"):
        assert list(opened().of(link, EUROPE).recall()) == [
            Spent(0.0, 1_000.0),
            Spent(10.0, 7_000.0),
        ]
    assert list(opened().of("air-3", EUROPE_433).recall()) == []


def test_hours_that_are_over_leave_the_file(opened, clock, tmp_path):
    opened().of("air-7", EUROPE).keep([Spent(10.0, 2_000.0)], 0.0)
    clock.s += 4_000
    opened().of("air-1", STATES).keep([Spent(10.0, 2_000.0)], 0.0)
    assert [row[1] for row in json.loads((tmp_path / "airtime.json").read_text())] == ["air-1"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        "[[]]",
        '[["EU_868", "air-1", "boot", 5.0, -1, []]]',
        '[["EU_868", "air-1", "boot", 5.0, true, []]]',
        '[["EU_868", "air-1", "boot", 5.0, 0.0, [[1.0]]]]',
        '[["EU_868", "air-1", "boot", 5.0, 0.0, [[1.0, Infinity]]]]',
        '[["EU_868", "air-1", "boot", 5.0, 0.0, [[NaN, 2.0]]]]',
        '[["EU_868", "air-1", "boot", 5.0, 0.0, ["12"]]]',
        '[["EU_868", "air-1", 4, 5.0, 0.0, []]]',
    ],
)
def test_a_file_that_cannot_be_read_is_an_hour_used_up(opened, tmp_path, caplog, text):
    (tmp_path / "airtime.json").write_text(text)
    with caplog.at_level(logging.WARNING):
        file = opened()
    assert of_europe(file) == HOUR
    assert "cannot be read" in caplog.text
    file.of("air-1", EUROPE).keep(HOUR, 0.0)
    assert of_europe(opened()) == HOUR


def test_where_nothing_can_be_written_the_node_goes_on_and_says_so(opened, monkeypatch, caplog):
    def full(file, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(airtime_file, "write_secret", full)
    with caplog.at_level(logging.WARNING):
        opened().of("air-1", EUROPE).keep([Spent(0.0, 5.0)], 0.0)
    assert "No space left on device" in caplog.text


def test_an_hour_goes_on_through_a_crash(opened, clock):
    """The two together: what one process sent is spent in the next."""
    hour = DutyHour(0.05, 2_000, opened().of("air-1", EUROPE), clock.s)
    for _ in range(82):
        clock.s += 20
        hour.take(2_000, clock.s)
        hour.end(2_000, clock.s)
    again = DutyHour(0.05, 2_000, opened().of("air-1", EUROPE), clock.s)
    assert 164_000 <= again.spent_ms(clock.s) <= 184_000
    assert again.left(clock.s).any_ms < 0


def test_a_person_who_sets_the_clock_frees_no_airtime(tmp_path):
    clock = Clock(told_file=tmp_path / "clock.json")
    AirtimeFile(tmp_path / "airtime.json", clock).of("air-1", EUROPE).keep([Spent(0.0, 9.0)], 0.0)
    clock.tell(clock.wall_s() + 7_200)
    (spent,) = AirtimeFile(tmp_path / "airtime.json", Clock()).of("air-1", EUROPE).recall()
    assert spent.airtime_ms == 9
    assert spent.age_s < 60


def test_a_drill_ages_its_hour_as_fast_as_its_engine_runs(tmp_path):
    clocks = [Clock(speed) for speed in (1.0, 30.0)]
    (boot, real_s), (same_boot, engine_s) = (clock.since_boot() for clock in clocks)
    assert boot == same_boot
    assert engine_s == pytest.approx(30 * real_s, rel=0.01)
