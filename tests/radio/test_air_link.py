"""The air as a process and the nodes' end of it: what is said, who is stalled (nobody), who comes back."""

import asyncio
import socket
from random import Random
from typing import Any

import pytest

from radio import air_server
from radio.air_link import (
    AirLink,
    Hello,
    Refusal,
    Send,
    Welcome,
    decode,
    encode,
    read_message,
)
from radio.air_server import AirServer, Came, Missed, News, Went
from radio.airtime import preset_named
from radio.duty import Forgetful
from radio.link_sight import LinkState
from radio.polite_radio import AirRules, PoliteRadio
from radio.regions import region_named
from radio.simulated import Air, Sent
from sync.link import NO_AIRTIME, Allowance

LONG_FAST = preset_named("LONG_FAST")
# A frame of 100 bytes takes 1.67 s by radio and 8 ms here.
SPEED = 200.0
FRAME = bytes(100)
WAIT_S = 20


class Hub:
    """The pump, as far as a link knows it."""

    def __init__(self, now):
        self.now = now
        self.port: Any = None
        self.heard = []
        self.downs = 0
        self.wakes = 0
        self.full = False

    def link_up(self, profile, port):
        self.port = port

    def link_down(self, port):
        assert self.port is port
        self.port = None
        self.downs += 1

    def frame(self, link, data, snr_db=None):
        self.heard.append((link, data, snr_db))

    def has_room(self, link):
        return not self.full

    def wake(self):
        self.wakes += 1

    def send(self, *frames):
        self.port.allowance(self.now())
        self.port.push(list(frames))


class Field:
    """An air and the nodes on it, in one loop."""

    def __init__(self, hears=None, loss=0.0, speed=SPEED):
        self.news: list[News] = []
        self.air = Air(LONG_FAST, Random(1))
        self.server = AirServer(self.air, hears, loss, speed, self.news.append)
        self.links = {}
        self.hubs = {}
        self.port = 0
        self.speed = speed

    async def open(self):
        self.port = await self.server.start("127.0.0.1", self.port)

    async def join(self, name, preset=LONG_FAST):
        """The hub of a node whose radio is on."""
        hub = self.hubs[name] = Hub(self.now)
        link = self.links[name] = self.link(name, hub, preset)
        link.start()
        await until(lambda: hub.port is not None or link.sights()[0].state is LinkState.REFUSED)
        return hub

    def link(self, name, hub, preset=LONG_FAST):
        """A node's link with its radio, whose clock runs with the air's."""
        rules = AirRules(preset, region_named("EU_868"))
        radio = PoliteRadio(rules, self.now, Random(1), Forgetful())
        return AirLink("air-1", ("127.0.0.1", self.port), name, radio, hub, lambda: 0.1)

    def now(self):
        """Engine time, as the radios' clocks tell it."""
        return asyncio.get_running_loop().time() * self.speed

    async def speak(self, name="raw"):
        """A node by hand: its two streams."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(encode(Hello(name, "LONG_FAST")))
        assert await read_message(reader) == Welcome()
        return reader, writer

    def of(self, kind):
        return [each for each in self.news if isinstance(each, kind)]

    async def close(self):
        for link in self.links.values():
            await link.stop()
        await self.server.stop()


async def until(holds):
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.005)


def on_the_field(story, **settings):
    async def told():
        field = Field(**settings)
        await field.open()
        try:
            await story(field)
        finally:
            await field.close()

    asyncio.run(told())


def test_a_frame_goes_to_everybody_in_earshot():
    async def story(field):
        a, b, c = [await field.join(name) for name in "ABC"]
        a.send(FRAME)
        await until(lambda: a.wakes == 1)
        await until(lambda: b.heard and c.heard)
        assert a.heard == []
        assert b.heard == c.heard == [("air-1", FRAME, 0.0)]
        (sent,) = field.of(Sent)
        assert (sent.sender, sent.frame, sent.heard_by()) == ("A", FRAME, ("B", "C"))
        assert sent.airtime_ms == pytest.approx(1_665.024)
        assert [came.camp for came in field.of(Came)] == ["A", "B", "C"]
        sight = field.links["A"].sights()[0]
        assert (sight.name, sight.kind, sight.state) == ("air-1", "air", LinkState.TALKING)
        assert (sight.frames_out, field.links["B"].sights()[0].frames_in) == (1, 1)

    on_the_field(story)


def test_who_hears_whom_is_a_table_of_names():
    async def story(field):
        a, b, c, d = [await field.join(name) for name in "ABCD"]
        a.send(FRAME)
        await until(lambda: a.wakes == 1)
        d.send(FRAME)
        await until(lambda: d.wakes == 1)
        await until(lambda: b.heard)
        assert c.heard == d.heard == []
        assert [came.is_heard for came in field.of(Came)] == [True, True, True, False]

    on_the_field(story, hears=frozenset({frozenset("AB"), frozenset("BC")}))


def test_frames_leave_one_by_one_and_nothing_more_is_wanted_meanwhile():
    async def story(field):
        a, b = [await field.join(name) for name in "AB"]
        port = a.port
        assert port.room()
        a.send(b"one", b"two", b"three")
        assert not port.room()
        assert port.allowance(field.now()) == NO_AIRTIME
        await until(lambda: len(b.heard) == 3)
        assert [data for _, data, _ in b.heard] == [b"one", b"two", b"three"]
        await until(port.room)
        assert port.allowance(field.now()) == Allowance(*[LONG_FAST.longest_ms()] * 3)
        begins = [sent.at_s - sent.airtime_ms / 1_000 for sent in field.of(Sent)]
        ends = [sent.at_s for sent in field.of(Sent)]
        assert begins[1] >= ends[0]
        assert begins[2] >= ends[1]

    on_the_field(story)


def test_loss_is_loss():
    async def story(field):
        a, b = [await field.join(name) for name in "AB"]
        a.send(FRAME)
        await until(lambda: a.wakes == 1)
        assert b.heard == []
        assert field.of(Sent)[0].heard_by() == ()

    on_the_field(story, loss=1.0)


def test_an_air_that_restarts_is_found_again():
    async def story(field):
        a, b = [await field.join(name) for name in "AB"]
        await field.server.stop()
        await until(lambda: a.port is None and b.port is None)
        await until(lambda: field.links["A"].sights()[0].state is LinkState.LOST)
        field.server = AirServer(Air(LONG_FAST, Random(1)), None, 0.0, SPEED, field.news.append)
        await field.open()
        await until(lambda: a.port is not None and b.port is not None)
        a.send(FRAME)
        await until(lambda: b.heard)

    on_the_field(story)


def test_a_link_waits_for_an_air_that_is_not_there_yet():
    async def story(field):
        await field.server.stop()
        hub = Hub(field.now)
        link = field.links["A"] = field.link("A", hub)
        link.start()
        await asyncio.sleep(0.05)
        assert link.sights()[0].state is LinkState.SEARCHING
        field.server = AirServer(Air(LONG_FAST, Random(1)), None, 0.0, SPEED, field.news.append)
        await field.open()
        await until(lambda: hub.port is not None)

    on_the_field(story)


@pytest.mark.parametrize(
    ("name", "preset", "why"), [("A", "LONG_FAST", "this name"), ("B", "SHORT_FAST", "another preset")]
)
def test_who_cannot_be_heard_is_told_why(name, preset, why):
    async def story(field):
        await field.join("A")
        first = field.links["A"]
        assert (await field.join(name, preset_named(preset))).port is None
        assert why in field.links[name].sights()[0].why
        assert first.sights()[0].state is LinkState.TALKING
        await first.stop()

    on_the_field(story)


def test_a_node_that_reads_nothing_stalls_nobody(monkeypatch):
    monkeypatch.setattr(air_server, "UNREAD_BYTES_MAX", 2_000)

    async def story(field):
        a, b = [await field.join(name) for name in "AB"]
        deaf = socket.socket()  # never read, with buffers as small as the system lets them be
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        deaf.connect(("127.0.0.1", field.port))
        deaf.sendall(encode(Hello("deaf", "LONG_FAST")))
        await until(lambda: len(field.of(Came)) == 3)
        served = field.server._writers["deaf"].get_extra_info("socket")
        served.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        for n in range(100):
            a.send(b"%03d" % n + bytes(200))
            await until(lambda n=n: a.wakes == n + 1)
        await until(lambda: len(b.heard) == 100)
        assert {missed.camp for missed in field.of(Missed)} == {"deaf"}
        deaf.close()
        await until(lambda: [went.camp for went in field.of(Went)] == ["deaf"])

    on_the_field(story, speed=10_000.0)


@pytest.mark.parametrize(
    "said",
    [
        encode(Welcome()),
        encode(Send(FRAME)),
        b"\xff\xff",
        b"\x00\x01\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        encode(Hello("x", "LONG_FAST"))[:-1] + b"\xff",
    ],
)
def test_no_node_is_shown_the_door(said):
    async def story(field):
        a, b = [await field.join(name) for name in "AB"]
        reader, writer = await asyncio.open_connection("127.0.0.1", field.port)
        writer.write(said)
        async with asyncio.timeout(WAIT_S):
            answer = await reader.read()
        assert answer == b"" or isinstance(decode(answer[2:]), Refusal)
        writer.close()
        a.send(FRAME)
        await until(lambda: b.heard)
        assert len(field.of(Came)) == 2

    on_the_field(story)


def test_who_does_not_wait_for_his_turn_is_off():
    async def story(field):
        b = await field.join("B")
        reader, writer = await field.speak()
        writer.write(encode(Send(FRAME)) + encode(Send(FRAME)))
        async with asyncio.timeout(WAIT_S):
            assert await reader.read() == b""
        writer.close()
        await until(lambda: field.of(Went))
        assert b.heard == []

    on_the_field(story)


def test_a_node_killed_while_it_sends_breaks_off():
    async def story(field):
        b = await field.join("B")
        _, writer = await field.speak("A")
        writer.write(encode(Send(bytes(226))))
        await until(lambda: len(field.news) >= 3)
        writer.transport.abort()
        await until(lambda: field.of(Sent))
        assert field.of(Sent)[0].airtime_ms < LONG_FAST.airtime_ms(226)
        assert b.heard == []

    on_the_field(story, speed=1.0)


def test_a_node_is_told_of_noise():
    """Two at once are understood by nobody, and the third one knows that the channel was busy."""

    async def story(field):
        c = await field.join("C")
        (_, one), (_, other) = [await field.speak(name) for name in "AB"]
        one.write(encode(Send(bytes(226))))
        other.write(encode(Send(bytes(226))))
        await until(lambda: len(field.of(Sent)) == 2)
        busy_ms = sum(sent.airtime_ms for sent in field.of(Sent))
        await until(
            lambda: field.links["C"].sights()[0].airtime.busy == pytest.approx(busy_ms / 60_000, abs=1e-4)
        )
        assert c.heard == []
        for writer in (one, other):
            writer.close()

    hears = frozenset({frozenset("AC"), frozenset("BC")})
    on_the_field(story, hears=hears, speed=10.0)


def test_in_a_crowd_what_can_wait_waits():
    async def story(field):
        a, b = [await field.join(name) for name in "AB"]
        for n in range(10):
            a.send(bytes(220))
            await until(lambda n=n: a.wakes == n + 1)
        await until(lambda: len(b.heard) == 10)
        for hub in (a, b):
            left = hub.port.allowance(field.now())
            assert left == Allowance(0.0, LONG_FAST.longest_ms(), 0.0)

    on_the_field(story, speed=20.0)


def test_an_air_that_comes_back_brings_no_fresh_hour():
    async def story(field):
        a = await field.join("A")
        a.send(bytes(226))
        await until(lambda: a.wakes == 1)
        used = field.links["A"].sights()[0].airtime.used
        assert used == pytest.approx(LONG_FAST.airtime_ms(226) / 3_600_000)
        await field.server.stop()
        await until(lambda: a.port is None)
        field.server = AirServer(Air(LONG_FAST, Random(1)), None, 0.0, SPEED, field.news.append)
        await field.open()
        await until(lambda: a.port is not None)
        assert field.links["A"].sights()[0].airtime.used >= used

    on_the_field(story)


def test_a_pump_without_room_misses_what_is_said():
    async def story(field):
        a, b = [await field.join(name) for name in "AB"]
        b.full = True
        a.send(FRAME)
        await until(lambda: a.wakes == 1)
        await until(lambda: field.links["B"].sights()[0].frames_in == 1)
        assert b.heard == []

    on_the_field(story)
