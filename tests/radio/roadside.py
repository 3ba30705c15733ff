"""What stands at a road in a test: a hub that remembers, roads to boards of the bench, frames to send."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from random import Random
from types import SimpleNamespace
from typing import Any

from radio import board_search
from radio.board_search import Where
from radio.board_setup import BoardWish
from radio.duty import Forgetful
from radio.meshtastic_road import MeshtasticRoad
from sync import frames
from sync.bundle import BundleClass, seal
from sync.frames import BundleFrame
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity
from tests.radio.board.bench import OURS

CAMP = Identity(b"\x07" * 32)
LONG_AGO = 0  # hours; dead everywhere
# Real boards may be on a slow preset.
WAIT_S = 120 if os.environ.get("MESHTASTIC_TEST_TCP") else 20


class Hub:
    """The pump, as far as a road knows it."""

    def __init__(self):
        self.port: Any = None
        self.heard: list[tuple[bytes, float]] = []
        self.ups = 0
        self.full = False

    def link_up(self, profile, port):
        assert self.port is None
        assert profile is port.profile
        self.port = port
        self.ups += 1

    def link_down(self, port):
        assert self.port is port
        self.port = None

    def frame(self, link, data, snr_db=None):
        assert self.port is not None
        self.heard.append((data, snr_db))

    def has_room(self, link):
        return not self.full

    def wake(self):
        pass

    @property
    def frames(self):
        return [frame for frame, _ in self.heard]


class Roadside:
    """A road to one board, and its hub."""

    def __init__(self, bench, where=None, wish=None, name="radio 1", **changes):
        self.hub = Hub()
        self.where = where or Where()
        self.memories: list[tuple[str, str]] = []
        around: Any = SimpleNamespace(
            hub=self.hub,
            now=time.monotonic,
            random=lambda: Random(1),
            jitter=lambda: 1.0,
            airtime=self._memory,
        )
        changes.setdefault("find", lambda where: board_search.find(where, bench.dev, bench.sys))
        self.road = MeshtasticRoad(name, self.where, wish or BoardWish(OURS), 0.5, around, **changes)

    def _memory(self, name, region):
        self.memories.append((name, region.name))
        return Forgetful()

    @property
    def sight(self):
        (sight,) = self.road.sights()
        return sight

    @property
    def says(self):
        """State and reason, as the status page has them."""
        return self.sight.state.value, self.sight.why

    async def up(self):
        self.road.start()
        await until(lambda: self.hub.port is not None, self)
        return self

    async def send(self, *frames):
        """One after the other, as the pump does: each when there is room for it."""
        for frame in frames:
            await until(lambda: self.left > 0, self)
            self.hub.port.push([frame])

    @property
    def left(self):
        port = self.hub.port
        return port.allowance(time.monotonic()).any_ms if port is not None and port.room() else 0.0


async def until(true, *shown):
    """Wait for it. Raises AssertionError with what `shown` says by then."""
    try:
        async with asyncio.timeout(WAIT_S):
            while not true():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never true; {[side.sight for side in shown]}") from None


@asynccontextmanager
async def at_work(*sides):
    """Roads that talk, and that stop afterwards."""
    try:
        for side in sides:
            side.road.start()
        for side in sides:
            await until(lambda side=side: side.hub.port is not None, side)
        yield sides
    finally:
        for side in sides:
            await side.road.stop()


def sides_of(bench, *boards):
    """A road to each of these boards."""
    return [
        Roadside(bench, Where(host=board.host) if hasattr(board, "host") else Where(str(board.by_id)))
        for board in boards
    ]


def frame_of(class_, text):
    kind = Kind.MIC_CHECK if class_ is BundleClass.ALERT else Kind.POST
    wire = seal(CAMP, LONG_AGO, class_, [encode(compose(Message(kind, 0), text))]).wire
    return frames.encode(BundleFrame(wire, CAMP.key), CAMP.network, CAMP.author)


def post(text):
    return frame_of(BundleClass.POST, text)


def sent(bench):
    return [each.packet.decoded.payload for each in bench.aired()]
