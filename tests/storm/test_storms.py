"""Thirty storms; `make soak` runs three hundred. A seed that fails stands in the test's name."""

from random import Random
from typing import Any

import pytest

from radio.attackers import ALL_ATTACKS
from tests.storm.storm import Storm


def weather(seed):
    """A storm whose every trouble is drawn from the seed."""
    chance = Random(f"weather {seed}")
    return Storm(
        seed=seed,
        camps=chance.randint(3, 9),
        degree=chance.uniform(2.4, 4),
        loss=chance.choice([0, 0.1, 0.2, 0.3, 0.45, 0.6]),
        posts=chance.randint(5, 40),
        cuts=chance.randint(0, 4),
        restarts=chance.randint(0, 4),
        doubled=chance.choice([0, 0, 0.2]),
        late_s=chance.choice([0, 0, 15]),
        wrong_clocks=chance.choice([0, 0, 1]),
        no_clocks=chance.choice([0, 0, 1]),
        later_versions=chance.choice([0, 2]),
        long_posts=chance.choice([0, 0, 3]),
        mic_checks=chance.randint(0, 3),
        attack=chance.choice([None, *ALL_ATTACKS]),
    )


def weather_the(storm):
    storm.run()
    storm.check()


@pytest.mark.parametrize("seed", range(30))
def test_camps_weather_a_storm(seed):
    weather_the(weather(seed))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(30, 330))
def test_camps_weather_three_hundred_storms(seed):
    weather_the(weather(seed))


@pytest.mark.parametrize("attack", ALL_ATTACKS)
def test_an_attacker_delays_and_forges_nothing(attack):
    weather_the(Storm(seed=12, attack=attack, long_posts=2))


# Storms that found something. What each found stands beside it.
FOUND: dict[str, dict[str, Any]] = {
    # A camp without a clock stood still at the last hour it heard of; nobody compared sets with it.
    "a clockless camp behind one neighbour": {
        "seed": 111, "camps": 7, "degree": 3.87, "loss": 0.6, "posts": 8, "cuts": 0, "doubled": 0.2,
        "no_clocks": 1, "long_posts": 3, "mic_checks": 2, "attack": "noise",
    },
    "a clockless camp between the others": {
        "seed": 88, "camps": 9, "degree": 2.27, "loss": 0.45, "posts": 27, "restarts": 0, "no_clocks": 1,
        "attack": "empty wants",
    },
    # A bundle sealed in 2099 reached the pages of a camp without a clock.
    "the year 2099 at a clockless camp": {
        "seed": 12, "camps": 4, "degree": 3.0, "loss": 0.1, "posts": 5, "cuts": 3, "restarts": 2,
        "doubled": 0.2, "late_s": 15, "no_clocks": 1, "later_versions": 2, "long_posts": 3,
        "mic_checks": 0, "attack": "year 2099",
    },
    # A sketch spoiled by noise made a locator longer than the table it was written into.
    "noise in a sketch": {"seed": 13, "camps": 5, "attack": "noise", "long_posts": 2},
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_a_storm_that_found_something(name):
    weather_the(Storm(**FOUND[name]))


def test_the_same_seed_gives_the_same_storm():
    traces = []
    for _ in range(2):
        storm = weather(3)
        storm.run()
        traces.append(storm.world.trace)
    assert traces[0] == traces[1]


def test_camps_that_are_level_are_silent():
    storm = Storm(seed=4, camps=7, degree=6, loss=0.1)
    storm.run()
    before_ms = storm.world.ledger.airtime_ms
    storm.world.run(24 * 3_600)
    share = (storm.world.ledger.airtime_ms - before_ms) / (24 * 3_600_000)
    # Beacons of Trickle's longest interval, and nothing else: about one an hour a neighbourhood.
    assert share <= 0.002


def test_an_alert_overtakes_everything():
    storm = Storm(seed=9, camps=6, degree=3, loss=0.1, posts=60, mic_checks=8, cuts=0, restarts=0)
    storm.run()
    storm.check()
    delays = storm.delays()
    alerts = sorted(delays[message] for message in storm.alerts)
    posts = sorted(delay for message, delay in delays.items() if message not in storm.alerts)
    assert alerts[len(alerts) // 2] < posts[len(posts) // 2] / 2
