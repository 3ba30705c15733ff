"""The link over KISS modems, on pseudo-terminals: pulled out at random, with rubbish on the line."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from random import Random
from typing import Any

import pytest

from radio import board_search, kept_road, radio_port, serial_line
from radio.airtime import Firmware, preset_named
from radio.duty import Forgetful
from radio.link_sight import LinkState
from radio.modem_link import JUNK_TOLD, NOT_KISS, ModemRoad
from radio.polite_radio import AirRules
from radio.regions import region_named
from radio.road import Surroundings
from radio.serial_line import SerialPlace, open_device
from sync.link import NO_AIRTIME
from sync.signing import Identity
from tests.radio.modem_ether import Ether, wrap

RULES = AirRules(preset_named("SHORT_TURBO"), region_named("US"), 1.0, Firmware.RAW)
WAIT_S = 20


class Hub:
    """Remembers what came, and has at most one modem up."""

    def __init__(self) -> None:
        self.port: Any = None
        self.heard: list[bytes] = []
        self.ups = 0
        self.wakes = 0
        self.room = True

    def link_up(self, profile, port):
        assert self.port is None
        self.port = port
        self.ups += 1

    def link_down(self, port):
        assert self.port is port
        self.port = None

    def frame(self, link, data, snr_db=None):
        assert snr_db is None
        self.heard.append(data)

    def has_room(self, link):
        return self.room

    def wake(self):
        self.wakes += 1


class Bench:
    """Two camps with a modem each."""

    def __init__(self, folder: Path) -> None:
        self.ether = Ether(folder)
        self.loop = asyncio.get_running_loop()
        self.folder = folder
        self.hubs = {name: Hub() for name in ("north", "south")}
        self.modems = {name: self.ether.modem(name) for name in self.hubs}
        self.roads = {name: self.road(name) for name in self.hubs}

    def road(self, name: str, opener=open_device) -> ModemRoad:
        around = Surroundings(
            camp=name,
            folder=self.folder,
            identity=Identity(b"n" * 32),
            hub=self.hubs[name],
            now=self.loop.time,
            random=lambda: Random(1),
            jitter=lambda: 1.0,
            nonce=lambda: bytes(16),
            airtime=lambda _name, _region: Forgetful(),
            cable=None,  # type: ignore[arg-type]  # nobody is dialled here
        )
        return ModemRoad("modem-1", SerialPlace(self.folder / name, 115_200), RULES, around, opener)

    async def open(self) -> None:
        for name, road in self.roads.items():
            road.start()
            await until(lambda name=name: self.hubs[name].port)

    def send(self, name: str, frame: bytes) -> bool:
        """Hand a frame over as the pump does; whether the radio took it."""
        port = self.hubs[name].port
        if port is None or not port.room() or port.allowance(self.loop.time()).any_ms <= 0:
            return False
        port.push([frame])
        return True

    async def close(self) -> None:
        for road in self.roads.values():
            await road.stop()
        self.ether.close()


async def until(condition, wait_s: float = WAIT_S):
    async with asyncio.timeout(wait_s):
        while not condition():
            await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    for room in (kept_road, serial_line):
        monkeypatch.setattr(room, "LOOK_S", 0.01)
    monkeypatch.setattr(radio_port, "TURN_S", 0.001)


@pytest.fixture
def on_the_bench(tmp_path):
    def run(story):
        async def whole():
            bench = Bench(tmp_path)
            try:
                await bench.open()
                await story(bench)
            finally:
                await bench.close()

        asyncio.run(whole())

    return run


def state_of(bench: Bench, name: str) -> LinkState:
    return bench.roads[name].sights()[0].state


def test_two_camps_talk_and_each_frame_arrives_once(on_the_bench):
    async def story(bench):
        frames = [bytes([0xC0, 0xDB, n]) + bytes(40) for n in range(10)]
        for frame in frames:
            await until(lambda frame=frame: bench.send("north", frame))
        await until(lambda: len(bench.hubs["south"].heard) == len(frames))
        assert bench.hubs["south"].heard == frames
        assert bench.hubs["north"].heard == []
        await until(lambda: bench.hubs["north"].wakes == len(frames))
        (north,), (south,) = bench.roads["north"].sights(), bench.roads["south"].sights()
        assert (north.frames_out, south.frames_in) == (10, 10)
        assert (north.kind, north.state) == ("modem", LinkState.TALKING)
        spent_s = sum(RULES.airtime_ms(len(frame)) for frame in frames) / 1_000
        assert north.airtime.used * 3_600 == pytest.approx(spent_s)
        assert south.airtime.busy * 60 == pytest.approx(spent_s)

    on_the_bench(story)


def test_the_next_frame_waits_for_the_airtime_of_the_last(on_the_bench):
    """A KISS modem does not say when it is done."""

    async def story(bench):
        port = bench.hubs["north"].port
        began_s = bench.loop.time()
        assert bench.send("north", bytes(226))
        assert not port.room()
        assert port.allowance(bench.loop.time()) == NO_AIRTIME
        await until(lambda: bench.hubs["north"].wakes == 1)
        assert bench.loop.time() - began_s >= RULES.airtime_ms(226) / 1_000
        assert port.room()

    on_the_bench(story)


RUBBISH = [
    b"\x00\xff" * 50,  # before any frame
    b"\xc0\x06\x01\x02\xc0",  # an answer to a setting
    b"\xc0\x10other port\xc0",
    b"\xc0\x00\xdbx\xc0",  # an escape that is none
    b"\xc0\x00" + bytes(2_000) + b"\xc0",  # longer than a frame may be
    b"\xc0\x00\xc0\xc0\xc0",
    wrap(b"half a frame")[:7],  # torn; what follows begins with its own FEND
]


def test_rubbish_on_the_line_is_counted_and_frames_between_it_arrive(on_the_bench):
    async def story(bench):
        modem, hub = bench.modems["south"], bench.hubs["south"]
        for n, rubbish in enumerate(RUBBISH):
            modem.write(rubbish)
            await asyncio.sleep(0.005)
            modem.write(wrap(b"frame %d" % n))
            await until(lambda n=n: b"frame %d" % n in hub.heard)
        assert [frame for frame in hub.heard if frame.startswith(b"frame")] == [
            b"frame %d" % n for n in range(len(RUBBISH))
        ]
        # The torn one looks whole to a line; the engine refuses it like whatever else is no frame of ours.
        assert [frame for frame in hub.heard if not frame.startswith(b"frame")] == [b"half "]
        assert state_of(bench, "south") is LinkState.TALKING

    on_the_bench(story)


def test_a_line_of_rubbish_says_that_the_speed_may_be_wrong(on_the_bench):
    async def story(bench):
        modem = bench.modems["south"]
        modem.write(b"\xc0\x77x" * JUNK_TOLD + b"\xc0")
        await until(lambda: bench.roads["south"].sights()[0].why == NOT_KISS)
        modem.write(wrap(b"a frame"))
        await until(lambda: bench.roads["south"].sights()[0].why == "")

    on_the_bench(story)


def test_a_modem_that_sends_back_what_it_was_given_is_not_a_neighbour(on_the_bench):
    async def story(bench):
        assert bench.send("north", b"mine")
        await until(lambda: bench.modems["north"].sent == [b"mine"])
        bench.modems["north"].write(wrap(b"mine") + wrap(b"theirs"))
        await until(lambda: bench.hubs["north"].heard)
        assert bench.hubs["north"].heard == [b"theirs"]

    on_the_bench(story)


def test_a_full_pump_is_no_reason_to_wait(on_the_bench):
    async def story(bench):
        bench.hubs["south"].room = False
        bench.modems["south"].write(wrap(b"lost"))
        await until(lambda: bench.roads["south"].sights()[0].frames_in == 1)
        bench.hubs["south"].room = True
        bench.modems["south"].write(wrap(b"heard"))
        await until(lambda: bench.hubs["south"].heard == [b"heard"])

    on_the_bench(story)


def test_modems_pulled_out_twenty_times_at_random_talk_again(on_the_bench):
    chance = Random(20)

    async def unplugging(bench, name):
        for n in range(20):
            await asyncio.sleep(chance.uniform(0.0, 0.08))
            bench.modems[name].pull_out()
            await until(lambda: bench.hubs[name].port is None)
            await until(lambda: state_of(bench, name) is LinkState.UNPLUGGED)
            await asyncio.sleep(chance.uniform(0.0, 0.02))
            bench.modems[name].plug_in()
            await until(lambda n=n: bench.hubs[name].ups == n + 2)

    async def sending(bench, name, sent):
        for n in range(1_000):
            frame = b"%s %03d" % (name.encode(), n) + bytes(chance.randrange(60))
            await until(lambda frame=frame: bench.send(name, frame))
            sent.append(frame)

    async def story(bench):
        sent: dict[str, list[bytes]] = {"north": [], "south": []}
        senders = [asyncio.create_task(sending(bench, name, sent[name])) for name in sent]
        await asyncio.gather(*(unplugging(bench, name) for name in sent))
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        for name, other in (("north", "south"), ("south", "north")):
            await until(lambda name=name: bench.send(name, b"the last of " + name.encode()))
            await until(
                lambda name=name, other=other: b"the last of " + name.encode() in bench.hubs[other].heard
            )
            whole = [frame for frame in bench.hubs[other].heard if frame in sent[name]]
            assert len(whole) == len(set(whole))  # nothing twice
            assert whole == sorted(whole)
            # Besides, at most one torn piece for each time that a plug was pulled.
            assert len(bench.hubs[other].heard) - len(whole) - 1 <= 40
            assert state_of(bench, name) is LinkState.TALKING

    on_the_bench(story)


def test_a_device_that_cannot_be_opened_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_road, "RETRY_FIRST_S", 0.01)

    async def story():
        bench = Bench(tmp_path)
        tries = []

        def opener(place):
            tries.append(place)
            if len(tries) < 4:
                raise [OSError("busy"), ValueError("odd"), SystemExit(1)][len(tries) - 1]
            return open_device(place)

        road = bench.road("north", opener)
        road.start()
        await until(lambda: road.sights()[0].why == serial_line.CANNOT_OPEN)
        assert road.sights()[0].state is LinkState.SEARCHING  # it never talked
        await until(lambda: bench.hubs["north"].port)
        assert len(tries) == 4
        await road.stop()
        assert bench.hubs["north"].port is None
        bench.ether.close()

    asyncio.run(story())


def test_a_modem_that_is_not_there_yet_is_waited_for(tmp_path):
    async def story():
        bench = Bench(tmp_path)
        bench.modems["north"].pull_out()
        road = bench.road("north")
        road.start()
        await until(lambda: road.sights()[0].why == board_search.NOT_THERE)
        assert road.sights()[0].state is LinkState.SEARCHING
        bench.modems["north"].plug_in()
        await until(lambda: bench.hubs["north"].port)
        await road.stop()
        bench.ether.close()

    asyncio.run(story())


def test_a_modem_that_takes_nothing_is_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(serial_line, "TAKES_NOTHING_S", 0.05)
    monkeypatch.setattr(kept_road, "RETRY_FIRST_S", 0.01)

    async def story():
        bench = Bench(tmp_path)
        bench.modems["north"].hang()
        road = bench.roads["north"]
        road.start()
        await until(lambda: bench.hubs["north"].port)
        assert road._modem is not None
        road._modem.line.write(bytes(100_000))
        await until(lambda: bench.hubs["north"].ups >= 2)
        await road.stop()
        bench.ether.close()

    asyncio.run(story())


def test_only_one_program_has_the_modem(tmp_path):
    async def story():
        bench = Bench(tmp_path)
        device = open_device(SerialPlace(tmp_path / "north", 9_600))
        with pytest.raises(OSError, match="lock"):
            open_device(SerialPlace(tmp_path / "north", 9_600))
        device.close()
        with contextlib.closing(open_device(SerialPlace(tmp_path / "north", 9_600))):
            pass
        bench.ether.close()

    asyncio.run(story())
