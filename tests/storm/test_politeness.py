"""Crowds: more is to be said than the law and the channel allow, and nobody breaks either."""

from functools import partial
from random import Random

import pytest

from radio.airtime import HOUR_S, PRESETS, preset_named
from radio.regions import region_named
from radio.simulated import Path
from radio.world import START_S, World
from sync.events import MessageArrived
from sync.message import Kind, Message, compose
from tests.storm.storm import WORDS, Storm

HALF_OF_EUROPE = region_named("EU_868").duty()


class Crowd:
    """Camps that all hear each other and all have something to say, every minute of an hour."""

    def __init__(self, seed, preset, duty_cycle, camps=8, posts=200, alerts=0):
        self.random = Random(seed)
        self.world = World(seed, preset_named(preset), duty_cycle=duty_cycle)
        self.names = [f"camp{n}" for n in range(camps)]
        for name in self.names:
            self.world.add_camp(name)
        self.world.square(*self.names, path=Path(0.1))
        self.said_at = {}
        self.delays = []
        self.busy = []
        self.world.on_event.append(self._note)
        for kind, count in ((Kind.POST, posts), (Kind.MIC_CHECK, alerts)):
            for _ in range(count):
                self.world.at(START_S + self.random.uniform(0, HOUR_S), partial(self._say, kind))
        for minute in range(10, 60):
            self.world.at(START_S + 60 * minute, self._look)

    def _say(self, kind):
        text = " ".join(self.random.choice(WORDS) for _ in range(14))
        said = self.world.publish(
            self.random.choice(self.names), compose(Message(kind, int(self.world.now)), text)
        )
        if kind == Kind.MIC_CHECK:
            self.said_at[said] = self.world.now

    def _note(self, name, event):
        if isinstance(event, MessageArrived) and event.message in self.said_at:
            self.delays.append(self.world.now - self.said_at[event.message])

    def _look(self):
        self.busy.append(self.world.air.utilisation(self.names[0], self.world.now))

    def busiest(self):
        """The most any camp sent within an hour, as a share of it."""
        return max(self.world.ledger.busiest_hour_ms(name) for name in self.names) / (HOUR_S * 1_000)


@pytest.mark.parametrize(
    ("preset", "duty_cycle"), [("SHORT_FAST", 0.001), ("LONG_FAST", 0.02), ("LONG_SLOW", 0.05)]
)
def test_what_is_no_alert_uses_nine_tenths_of_the_hour_and_no_more(preset, duty_cycle):
    crowd = Crowd(1, preset, duty_cycle, camps=5, posts=60)
    crowd.world.run(1.5 * HOUR_S)
    assert 0.75 * duty_cycle < crowd.busiest() <= 0.9 * duty_cycle


@pytest.mark.full
@pytest.mark.parametrize("preset", [preset.name for preset in PRESETS])
@pytest.mark.parametrize("duty_cycle", [0.005, 0.05, 0.10])
def test_no_crowd_of_eight_makes_a_camp_send_more_than_its_share_of_an_hour(preset, duty_cycle):
    crowd = Crowd(1, preset, duty_cycle, alerts=20)
    crowd.world.run(2 * HOUR_S)
    assert 0 < crowd.busiest() <= duty_cycle


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in (1, 2, 3))])
def test_no_minute_of_a_crowd_is_full_though_the_law_allows_it(seed):
    crowd = Crowd(seed, "LONG_FAST", 1.0, posts=80)
    crowd.world.run(HOUR_S)
    assert 0.25 < max(crowd.busy) <= 0.55  # 0.73 to 0.83 where nobody backs off


def test_alerts_pass_a_crowd():
    crowd = Crowd(3, "LONG_FAST", HALF_OF_EUROPE, camps=6, posts=100, alerts=6)
    crowd.world.run(1.5 * HOUR_S)
    assert len(crowd.delays) == 6 * 5
    assert sorted(crowd.delays)[len(crowd.delays) // 2] <= 20
    assert crowd.busiest() <= HALF_OF_EUROPE


@pytest.mark.parametrize("seed", [3, pytest.param(7, marks=pytest.mark.full)])
def test_a_storm_at_all_that_the_law_leaves_keeps_the_law(seed):
    storm = Storm(seed=seed, duty_cycle=0.10, posts=40, mic_checks=4)
    storm.run()
    storm.check()


@pytest.mark.parametrize(
    ("duty_cycle", "hours_max"),
    [
        (region_named("EU_868").duty(), 12),
        (0.01, 60),
        (region_named("UA_868").duty(), 70),  # one frame of 14 s an hour; posts live for 72 hours
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_the_slowest_preset_reaches_everybody(duty_cycle, hours_max, seed):
    world = World(seed, preset_named("LONG_SLOW"), duty_cycle=duty_cycle)
    for name in "abcde":
        world.add_camp(name)
    world.line(*"abcde", path=Path(0.2))
    arrived = set()
    world.on_event.append(
        lambda camp, event: arrived.add(camp) if isinstance(event, MessageArrived) else None
    )
    world.publish("a", compose(Message(Kind.POST, int(START_S)), "water at gate 4, blankets for the night"))
    while arrived < set("bcde") and world.now < START_S + hours_max * HOUR_S:
        world.run(HOUR_S)
    assert arrived == set("bcde")
    assert all(world.ledger.busiest_hour_ms(name) <= duty_cycle * HOUR_S * 1_000 for name in "abcde")
    world.close()
