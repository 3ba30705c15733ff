"""Trickle: often at first, seldom when level, and never silenced for good."""

import itertools
from random import Random

import pytest

from sync.trickle import (
    INTERVAL_MAX_S,
    INTERVAL_MIN_S,
    NAMES_MAX,
    SILENT_INTERVALS_MAX,
    Trickle,
    interval_max_s,
)


def run(trickle, until, hear=lambda now: None, now=0.0):
    """The times at which it speaks."""
    spoken = []
    while trickle.next_due() <= until:
        now = trickle.next_due()
        hear(now)
        if trickle.fire(now):
            spoken.append(now)
    return spoken


@pytest.mark.parametrize("seed", range(5))
def test_alone_it_speaks_once_an_interval_that_doubles(seed):
    spoken = run(Trickle(Random(seed), 0.0), 4 * 3_600)
    assert INTERVAL_MIN_S / 2 <= spoken[0] <= INTERVAL_MIN_S
    gaps = [later - earlier for earlier, later in itertools.pairwise(spoken)]
    assert all(gap <= 1.5 * INTERVAL_MAX_S for gap in gaps)
    assert len([gap for gap in gaps if gap > INTERVAL_MAX_S / 2]) >= 2
    assert len(spoken) <= 10


@pytest.mark.parametrize(("beacon_s", "longest_s"), [(0.2, 3_600), (0.9, 3_600), (1.35, 5_400), (9.0, 7_200)])
def test_a_dearer_beacon_comes_as_much_more_rarely(beacon_s, longest_s):
    assert interval_max_s(beacon_s) == pytest.approx(longest_s)
    spoken = run(Trickle(Random(1), 0.0, interval_max_s(beacon_s)), 20 * 3_600)
    gaps = [later - earlier for earlier, later in itertools.pairwise(spoken)]
    assert longest_s / 2 <= gaps[-1] <= 1.5 * longest_s


def test_a_difference_begins_again_with_short_intervals():
    trickle = Trickle(Random(1), 0.0)
    run(trickle, 3_600)
    trickle.differ(3_600.0)
    assert INTERVAL_MIN_S / 2 <= trickle.next_due() - 3_600 <= INTERVAL_MIN_S


def test_who_hears_others_agree_keeps_silent_but_not_for_good():
    trickle = Trickle(Random(1), 0.0)
    fired = []
    for _ in range(40):
        now = trickle.next_due()
        trickle.agree(b"AA")
        fired.append(trickle.fire(now))
    spoken = [n for n, spoke in enumerate(fired[::2]) if spoke]  # every second call ends an interval
    assert spoken
    assert max(later - earlier for earlier, later in itertools.pairwise(spoken)) == (SILENT_INTERVALS_MAX + 1)


def test_a_camp_that_hears_nobody_else_is_spoken_to_until_it_agrees_itself():
    trickle = Trickle(Random(1), 0.0)
    trickle.agree(b"AA")
    assert trickle.fire(trickle.next_due(), {b"CC"})
    assert not trickle.fire(trickle.next_due(), {b"CC"})  # the next interval
    trickle.agree(b"AA")
    trickle.agree(b"CC")
    assert not trickle.fire(trickle.next_due(), {b"CC"})


def test_forged_names_fill_no_memory():
    trickle = Trickle(Random(1), 0.0)
    for n in range(10 * NAMES_MAX):
        trickle.agree(n.to_bytes(2))
    assert len(trickle._agreeing) == NAMES_MAX


def test_it_can_be_put_off():
    trickle = Trickle(Random(1), 0.0)
    trickle.defer(500.0)
    assert trickle.next_due() == 500.0
    assert not trickle.fire(499.0)
    assert trickle.fire(500.0)
