"""The IP link over real WebSockets on loopback: who is who is proved first, then frames pass."""

import asyncio
import contextlib

import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from radio import ip_link
from radio.ip_dialling import gossip_url
from radio.ip_handshake import shake_hands
from radio.ip_link import IpLinks
from radio.link_sight import LinkState
from sync.signing import Identity
from tests.radio.test_ip_handshake import NONCE, NORTH, OUTSIDER, SOUTH, pipe, run


class Hub:
    """Remembers what came and who is up."""

    def __init__(self):
        self.up = {}
        self.frames = []
        self.changed = asyncio.Event()
        self.room = True

    def link_up(self, profile, port):
        self.up[profile.name] = port
        self.changed.set()

    def link_down(self, port):
        self.up.pop(port.profile.name, None)
        self.changed.set()

    def frame(self, link, data, snr_db=None):
        self.frames.append(data)
        self.changed.set()

    def has_room(self, link):
        return self.room

    def wake(self):
        pass

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class Answering:
    """A connection of the websockets server, as a Socket."""

    def __init__(self, connection):
        self.connection = connection

    async def send(self, data):
        try:
            await self.connection.send(data)
        except ConnectionClosed as closed:
            raise ConnectionError from closed

    async def receive(self):
        try:
            return await self.connection.recv()
        except ConnectionClosed as closed:
            raise ConnectionError from closed

    async def close(self, code):
        await self.connection.close(code)


def links(identity, hub):
    nonces = iter(range(1, 1_000_000))
    return IpLinks(identity, hub, lambda: next(nonces).to_bytes(16, "big"), lambda: 0.1)


def dialling(identity, hub, url):
    road = links(identity, hub).dial("ip-1", url)
    road.start()
    return road


@contextlib.asynccontextmanager
async def listening(identity, hub, port=0):
    own = links(identity, hub)
    server = await serve(
        lambda connection: own.answer(Answering(connection)), "127.0.0.1", port, compression=None
    )
    try:
        yield own, server.sockets[0].getsockname()[1]
    finally:
        await own.stop()
        server.close()
        await server.wait_closed()


def test_frames_pass_both_ways_and_a_cut_is_mended():
    async def story():
        north_hub, south_hub = Hub(), Hub()
        async with listening(SOUTH, south_hub) as (_, port):
            north = dialling(NORTH, north_hub, f"http://127.0.0.1:{port}")
            await north_hub.until(lambda: north_hub.up)
            await south_hub.until(lambda: south_hub.up)
            (to_south,), (to_north,) = north_hub.up.values(), south_hub.up.values()
            assert (to_south.profile.peer, to_north.profile.peer) == (SOUTH.key, NORTH.key)
            to_south.push([b"one", b"two"])
            to_north.push([b"three"])
            await south_hub.until(lambda: south_hub.frames == [b"one", b"two"])
            await north_hub.until(lambda: north_hub.frames == [b"three"])
            assert [sight.state for sight in north.sights()] == [LinkState.TALKING]
        await north_hub.until(lambda: not north_hub.up)
        async with listening(SOUTH, south_hub, port):
            await north_hub.until(lambda: north_hub.up)
        await north.stop()

    run(story())


def test_two_camps_that_dial_each_other_keep_one_connection():
    async def story():
        hubs = {NORTH.key: Hub(), SOUTH.key: Hub()}
        async with (
            listening(NORTH, hubs[NORTH.key]) as (north, north_port),
            listening(SOUTH, hubs[SOUTH.key]) as (south, south_port),
        ):
            pairs = (north, south_port), (south, north_port)
            roads = [own.dial("ip-1", f"http://127.0.0.1:{port}") for own, port in pairs]
            for road in roads:
                road.start()
            for hub in hubs.values():
                await hub.until(lambda hub=hub: len(hub.up) == 1)
            await asyncio.sleep(0.5)
            assert [len(hub.up) for hub in hubs.values()] == [1, 1]
            for own, road in zip((north, south), roads, strict=True):
                assert [sight.state for sight in road.sights()] == [LinkState.TALKING]
                assert own.sights() == ()  # who is dialled is shown once

    run(story())


def test_a_road_that_is_stopped_is_down_and_can_be_started_again():
    async def story():
        north_hub, south_hub = Hub(), Hub()
        async with listening(SOUTH, south_hub) as (south, port):
            north = dialling(NORTH, north_hub, f"http://127.0.0.1:{port}")
            for _ in range(2):
                await north_hub.until(lambda: north_hub.up)
                await south_hub.until(lambda: [sight.peer for sight in south.sights()] == [NORTH.key])
                await north.stop()
                assert north_hub.up == {}
                await south_hub.until(lambda: not south_hub.up)
                north.start()
            await north_hub.until(lambda: north_hub.up)
            await north.stop()

    run(story())


def test_an_outsider_is_shown_as_refused():
    async def story():
        south_hub = Hub()
        async with listening(SOUTH, south_hub) as (_, port):
            outsider = dialling(OUTSIDER, Hub(), f"http://127.0.0.1:{port}")
            async with asyncio.timeout(10):
                while outsider.sights()[0].state == LinkState.SEARCHING:
                    await asyncio.sleep(0.02)
            assert not south_hub.up
            await outsider.stop()

    run(story())


async def why_of(road):
    """The first reason the status page shows, and the state beside it."""
    async with asyncio.timeout(20):
        while not road.sights()[0].why:
            await asyncio.sleep(0.02)
    sight = road.sights()[0]
    await road.stop()
    return sight.state, sight.why


def test_who_dials_its_own_camp_is_told_so():
    async def story():
        async with listening(SOUTH, Hub()) as (_, port):
            state, why = await why_of(dialling(SOUTH, Hub(), f"http://127.0.0.1:{port}"))
            assert state == LinkState.REFUSED
            assert "this camp itself" in why

    run(story())


def test_a_neighbour_that_is_not_reached_has_a_reason_without_its_address():
    async def noise(_reader, writer):
        writer.write(b"220 mail\r\n")
        writer.close()

    async def story():
        server = await asyncio.start_server(noise, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        state, why = await why_of(dialling(NORTH, Hub(), f"http://127.0.0.1:{port}"))
        assert (state, why) == (LinkState.SEARCHING, "What answers there is no camp.")
        server.close()
        await server.wait_closed()
        for host, says in ((f"127.0.0.1:{port}", "Nobody takes connections"), ("a.invalid", "looked up")):
            state, why = await why_of(dialling(NORTH, Hub(), f"http://{host}"))
            assert (state, says in why, host in why) == (LinkState.SEARCHING, True, False)

    run(story())


def test_a_dialler_that_refuses_says_so():
    codes = []

    async def story():
        async def stranger(connection):
            await connection.recv()
            await connection.send(b"no handshake at all")
            await connection.wait_closed()
            codes.append(connection.close_code)

        server = await serve(stranger, "127.0.0.1", 0, compression=None)
        own = dialling(SOUTH, Hub(), f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with asyncio.timeout(10):
            while not codes:
                await asyncio.sleep(0.02)
        await own.stop()
        server.close()
        await server.wait_closed()

    run(story())
    assert codes[0] == 1008


def test_a_stranger_who_says_nothing_is_let_go(monkeypatch):
    monkeypatch.setattr(ip_link, "HANDSHAKE_S", 0.1)

    async def story():
        hub = Hub()
        own = links(SOUTH, hub)
        _, other = pipe()
        await own.answer(other)
        assert not hub.up

    run(story())


def test_a_full_pump_makes_the_neighbour_wait():
    async def story():
        north_hub, south_hub = Hub(), Hub()
        south_hub.room = False
        async with listening(SOUTH, south_hub) as (_, port):
            north = dialling(NORTH, north_hub, f"http://127.0.0.1:{port}")
            await north_hub.until(lambda: north_hub.up)
            (to_south,) = north_hub.up.values()
            to_south.push([b"one"])
            await asyncio.sleep(0.2)
            assert south_hub.frames == []
            south_hub.room = True
            await south_hub.until(lambda: south_hub.frames == [b"one"])
            await north.stop()

    run(story())


@pytest.mark.parametrize(
    ("page", "gossip"),
    [
        ("http://192.0.2.7:8080", "ws://192.0.2.7:8080/gossip"),
        ("http://camp.example/", "ws://camp.example/gossip"),
        ("https://camp.example:8443/c/general?x=1", "wss://camp.example:8443/gossip"),
    ],
)
def test_the_page_address_is_enough(page, gossip):
    assert gossip_url(page) == gossip


class Caller:
    """A camp that dials `own` over pipes and keeps the link as long as it may."""

    def __init__(self, own, seed):
        self.identity = Identity(bytes([seed]) * 32)
        self.near, far = pipe()
        self.answered = asyncio.create_task(own.answer(Closing(far, self.near)))

    async def shake_hands(self):
        return await shake_hands(self.near, self.identity, NONCE, dialler=True)


class Closing:
    """A pipe whose end is noticed by its reader."""

    def __init__(self, far, near):
        self.far, self.near = far, near
        self.send = far.send

    async def receive(self):
        data = await self.far.receive()
        if data is None:
            raise ConnectionError
        return data

    async def close(self, code):
        self.near.closed = code
        await self.far.incoming.put(None)


def test_handshakes_that_are_never_finished_keep_no_neighbour_out(monkeypatch):
    monkeypatch.setattr(ip_link, "HANDSHAKES_MAX", 3)

    async def story():
        hub = Hub()
        own = links(SOUTH, hub)
        silent = [Caller(own, n) for n in range(1, 10)]
        await asyncio.sleep(0)
        neighbour = Caller(own, 99)
        await neighbour.shake_hands()
        await hub.until(lambda: hub.up)
        assert [caller.near.closed for caller in silent] == [1013] * 7 + [None] * 2
        await own.stop()
        for caller in (*silent, neighbour):
            caller.answered.cancel()

    run(story())


def test_a_camp_that_is_vouched_for_takes_the_place_of_one_that_is_not(monkeypatch):
    monkeypatch.setattr(ip_link, "INBOUND_MAX", 2)

    async def story():
        hub = Hub()
        friend = Identity(bytes([7]) * 32)

        async def pinned():
            return frozenset({friend.key})

        own = IpLinks(SOUTH, hub, lambda: NONCE, lambda: 0.1, pinned)
        callers = [Caller(own, n) for n in (1, 2, 3, 7, 4)]
        for caller in callers:
            await caller.shake_hands()
            await asyncio.sleep(0.02)
        await hub.until(lambda: len(hub.up) == 2)
        up = {port.profile.peer for port in hub.up.values()}
        assert up == {friend.key, Identity(bytes([2]) * 32).key}
        assert [caller.near.closed for caller in callers] == [1013, None, 1013, None, 1013]
        assert len(own._tasks) == 0
        await own.stop()
        for caller in callers:
            caller.answered.cancel()

    run(story())
