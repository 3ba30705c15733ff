"""Two camps over KISS modems on pseudo-terminals, pulled out again and again, with real processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.doors.process import RunningNode, make_camp, wait_until
from tests.radio.modem_ether import Ether, Modem

NAMES = ("north", "south")
# A post is sealed within minutes of engine time; the modems' air stays as slow as it is.
FAST = {"MICCHECK__CLOCK__SPEED": "20"}
LINK = """
[[link]]
kind = "modem"
device = "{device}"
preset = "SHORT_TURBO"
region = "US"
airtime_share = 1.0

[quota]
device_per_minute = 0
"""


class Bench:
    """The modems of the camps, in an event loop of their own."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.ether = self._do(lambda: Ether(folder))
        self.modems: dict[str, Modem] = {
            name: self._do(lambda name=name: self.ether.modem(name)) for name in NAMES
        }

    def _do(self, work: Callable):
        async def in_the_loop():
            return work()

        return asyncio.run_coroutine_threadsafe(in_the_loop(), self._loop).result(20)

    def pull_out(self, name: str) -> None:
        self._do(self.modems[name].pull_out)

    def plug_in(self, name: str) -> None:
        self._do(self.modems[name].plug_in)

    def close(self) -> None:
        self._do(self.ether.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def bench(tmp_path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def state(node: RunningNode) -> str:
    return str(node.ask("GET", "/api/v1/status")[1]["links"][0]["state"])


@pytest.mark.full
def test_posts_arrive_once_over_modems_that_are_pulled_out_twenty_times(bench, tmp_path):
    chance = Random(5)
    for name in NAMES:
        make_camp(tmp_path / f"camp-{name}")
        with (tmp_path / f"camp-{name}" / "miccheck.toml").open("a") as file:
            file.write(LINK.format(device=tmp_path / name))
    with (
        RunningNode(tmp_path / "camp-north", env=FAST) as north,
        RunningNode(tmp_path / "camp-south", env=FAST) as south,
    ):
        nodes = dict(zip(NAMES, (north, south), strict=True))
        wait_until(lambda: all(state(node) == "talking" for node in nodes.values()))
        posted = []
        for n in range(20):
            for name, node in nodes.items():
                posted.append(f"{name} {n}")
                status, _ = node.ask("POST", "/api/v1/messages", {"channel": "general", "text": posted[-1]})
                assert status == 201
            name = chance.choice(NAMES)
            bench.pull_out(name)
            wait_until(lambda name=name: state(nodes[name]) == "unplugged")
            threading.Event().wait(chance.uniform(0.0, 0.3))
            bench.plug_in(name)
            wait_until(lambda name=name: state(nodes[name]) == "talking")
        for node in nodes.values():
            wait_until(lambda node=node: sorted(node.texts()) == sorted(posted), 100)
        for node in nodes.values():  # not sooner: the other may still lack what this one has
            node.stop()
