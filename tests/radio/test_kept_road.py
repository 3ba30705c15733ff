"""A road that is kept up: what it says of itself and when it tries again, whatever it runs on."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from radio import kept_road
from radio.airtime import preset_named
from radio.duty import Forgetful
from radio.kept_road import KeptRoad, Lost, NotThere, Unusable
from radio.link_sight import LinkState
from radio.polite_radio import AirRules, PoliteRadio
from radio.radio_port import RadioPort
from radio.regions import region_named
from sync.link import LinkProfile
from tests.radio.roadside import Hub, until

RULES = AirRules(preset_named("SHORT_TURBO"), region_named("US"))


class Pigeon(KeptRoad[str]):
    """A road in two methods. `fates`: how it goes each time it is opened; then it talks until `end`."""

    kind = "pigeon"

    def __init__(self, *fates):
        super().__init__("pigeon-1", Hub(), lambda: 1.0)
        self.hub: Any
        self.fates = list(fates)
        self.turns = asyncio.Semaphore(1_000)  # to be opened so many times
        self.missing = ""
        self.served_at: list[float] = []
        self.end = asyncio.Event()
        self.feather = 0

    def find(self):
        if self.missing:
            raise NotThere(self.missing)
        return "loft"

    def marks(self, place):
        return self.feather

    async def serve(self, place):
        await self.turns.acquire()
        self.served_at.append(self.loop.time())
        fate = self.fates.pop(0) if self.fates else ""
        if isinstance(fate, Exception):
            raise fate
        radio = PoliteRadio(RULES, self.loop.time, Random(1), Forgetful())
        profile = LinkProfile(self.name, 226, RULES.airtime_ms, broadcast=True, duty_cycle=RULES.duty)
        with self.up(RadioPort(profile, radio, self.hub, lambda _: None), radio, fate):
            await self.end.wait()
            self.end.clear()
            raise Lost("the hawk")

    def says(self):
        (sight,) = self.sights()
        return sight.state.value, sight.why


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(kept_road, "LOOK_S", 0.01)
    monkeypatch.setattr(kept_road, "RETRY_FIRST_S", 0.05)


def told(story):
    async def whole():
        async with asyncio.timeout(20):
            await story()

    asyncio.run(whole())


async def said(pigeon, state, why=""):
    await until(lambda: pigeon.says() == (state, why))


def test_it_is_searched_for_lost_unplugged_and_talks_again():
    async def story():
        pigeon = Pigeon(Lost("asleep"))
        pigeon.turns = asyncio.Semaphore(0)
        pigeon.missing = "no loft"
        pigeon.start()
        await said(pigeon, "searching", "no loft")
        pigeon.missing = ""
        pigeon.turns.release()
        await said(pigeon, "searching", "asleep")
        pigeon.turns.release()
        await said(pigeon, "talking")
        assert pigeon.hub.port is not None
        pigeon.fates = [Lost("still asleep"), Lost("gone")]
        pigeon.end.set()
        await said(pigeon, "lost", "the hawk")
        assert pigeon.hub.port is None
        pigeon.turns.release()
        await said(pigeon, "lost", "still asleep")
        pigeon.missing = "it flew"
        pigeon.turns.release()
        await said(pigeon, "unplugged", "it flew")
        pigeon.missing = ""
        pigeon.turns.release()
        await said(pigeon, "talking")
        await pigeon.stop()
        assert (pigeon.hub.port, pigeon.hub.ups) == (None, 2)

    told(story)


def test_what_a_person_has_to_see_to_is_looked_at_less_often(monkeypatch):
    monkeypatch.setattr(Pigeon, "refused_wait_s", 0.3)

    async def story():
        pigeon = Pigeon(Unusable("no ring"), "ring too tight")
        pigeon.start()
        await said(pigeon, "refused", "no ring")
        await said(pigeon, "talking", "ring too tight")
        first, second = pigeon.served_at
        assert second - first >= 0.3
        await pigeon.stop()

    told(story)


def test_it_waits_twice_as_long_each_time_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(Pigeon, "retry_max_s", 0.2)

    async def story():
        pigeon = Pigeon(*[Lost("asleep")] * 5)
        pigeon.start()
        await said(pigeon, "talking")
        waits = [b - a for a, b in zip(pigeon.served_at, pigeon.served_at[1:], strict=False)]
        for waited_s, least_s in zip(waits, (0.05, 0.1, 0.2, 0.2, 0.2), strict=True):
            assert waited_s >= least_s
        await pigeon.stop()

    told(story)


def test_another_device_is_opened_at_once(monkeypatch):
    monkeypatch.setattr(kept_road, "RETRY_FIRST_S", 1_000.0)

    async def story():
        pigeon = Pigeon(Lost("asleep"))
        pigeon.start()
        await said(pigeon, "searching", "asleep")
        pigeon.feather += 1
        await said(pigeon, "talking")
        await pigeon.stop()

    told(story)


def test_what_it_carried_is_shown_after_it_was_lost_and_its_hour_goes_on():
    async def story():
        pigeon = Pigeon()
        pigeon.start()
        await said(pigeon, "talking")
        pigeon.hub.port.came(b"coo")
        pigeon.missing = "it flew"
        pigeon.end.set()
        await said(pigeon, "unplugged", "it flew")
        (sight,) = pigeon.sights()
        assert (sight.frames_in, sight.kind, sight.state) == (1, "pigeon", LinkState.UNPLUGGED)
        assert sight.airtime is not None
        assert sight.airtime.busy > 0
        await pigeon.stop()

    told(story)
