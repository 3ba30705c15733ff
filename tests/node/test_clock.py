"""The clock: who is believed, and that a told time holds until the box is switched off."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.clock_trust import AHEAD_MAX_S, RELEASE_S, ClockTrust, Machine, judge, look
from node.clock import Clock

SET, UNSET = RELEASE_S + 86_400, 1_000_000
PLAIN = Machine(is_pi=False, has_battery=False, synchronised=False)
PI = Machine(is_pi=True, has_battery=False, synchronised=False)
PI_WITH_BATTERY = Machine(is_pi=True, has_battery=True, synchronised=False)
ONLINE_PI = Machine(is_pi=True, has_battery=False, synchronised=True)


@pytest.mark.parametrize(
    ("wall_s", "newest_s", "machine", "source"),
    [
        (SET, 0, PLAIN, "system"),
        (SET, 0, PI, "nobody"),
        (SET, 0, PI_WITH_BATTERY, "battery"),
        (SET, 0, ONLINE_PI, "network"),
        (UNSET, 0, PLAIN, "nobody"),
        (UNSET, 0, ONLINE_PI, "nobody"),
        (RELEASE_S + AHEAD_MAX_S + 1, 0, PLAIN, "nobody"),
        (SET, SET + 60, PLAIN, "system"),
        (SET, SET + 86_400, PLAIN, "nobody"),
        (SET, SET + 86_400, ONLINE_PI, "network"),
    ],
)
def test_who_vouches_for_the_clock(wall_s, newest_s, machine, source):
    assert judge(wall_s, newest_s, machine) == ClockTrust(source != "nobody", source)


def test_a_pi_is_known_by_its_name(tmp_path):
    assert not look(tmp_path).is_pi
    model = tmp_path / "proc/device-tree/model"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")
    (tmp_path / "sys/class/rtc/rtc0").mkdir(parents=True)
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    (tmp_path / "run/systemd/timesync/synchronized").touch()
    assert look(tmp_path) == Machine(is_pi=True, has_battery=True, synchronised=True)


def test_a_clock_in_the_past_is_not_set_until_somebody_tells_it(tmp_path):
    told_file = tmp_path / "clock.json"
    clock = Clock(offset_s=-1e9, told_file=told_file)
    assert clock.trust() == ClockTrust(False, "nobody")
    clock.tell(SET)
    assert clock.trust() == ClockTrust(True, "person")
    assert abs(clock.wall_s() - SET) < 5

    again = Clock(offset_s=-1e9, told_file=told_file)
    assert again.trust() == ClockTrust(True, "person")
    assert abs(again.wall_s() - SET) < 5


@pytest.mark.parametrize("told", ["", "[]", '["another boot", 1.0]', "{", '[1, "a"]'])
def test_what_was_told_before_a_power_cut_counts_no_more(tmp_path, told):
    (tmp_path / "clock.json").write_text(told)
    assert not Clock(offset_s=-1e9, told_file=tmp_path / "clock.json").trust().is_set


def test_what_was_told_is_kept_with_its_boot(tmp_path):
    Clock(told_file=tmp_path / "clock.json").tell(SET)
    boot, unix_at_boot_s = json.loads((tmp_path / "clock.json").read_text())
    assert isinstance(boot, str)
    assert unix_at_boot_s <= SET


def test_a_stamp_on_disk_ahead_of_the_clock_says_it_is_wrong():
    clock = Clock(offset_s=1.0)  # a drill: the network does not vouch
    clock.seen_on_disk(clock.wall_s() + 86_400)
    assert not clock.trust().is_set


@given(st.floats(0.01, 1000))
def test_speed_scales_engine_time_only(speed):
    fast, plain = Clock(speed=speed), Clock()
    before_s, after_s = plain.now(), plain.now()
    assert before_s * speed <= fast.now()
    assert fast.wait_s(speed) == pytest.approx(1.0)
    assert after_s >= before_s
    assert abs(fast.wall_s() - plain.wall_s()) < 5
