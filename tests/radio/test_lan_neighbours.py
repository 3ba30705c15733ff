"""Camps on one LAN find each other by real multicast DNS, on loopback and in network namespaces."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.server import serve
from zeroconf import ServiceStateChange
from zeroconf.asyncio import AsyncServiceInfo

from radio import lan_neighbours
from radio.ip_link import IpLinks
from radio.lan_neighbours import LanNeighbours
from radio.link_sight import LinkState
from sync.signing import Identity, Network
from tests.radio.test_ip_link import NORTH, SOUTH, Answering, Hub

LOOPBACK = ("127.0.0.1",)


class Box:
    """A node as far as the LAN sees it."""

    def __init__(self, identity):
        self.identity = identity
        self.hub = Hub()
        nonces = iter(range(1, 1_000_000))
        self.links = IpLinks(identity, self.hub, lambda: next(nonces).to_bytes(16, "big"), lambda: 0.1)
        self.addresses = LOOPBACK
        self.lan = None

    async def be_there(self, stack):
        server = await stack.enter_async_context(
            serve(lambda each: self.links.answer(Answering(each)), "127.0.0.1", 0, compression=None)
        )
        port = server.sockets[0].getsockname()[1]
        self.lan = LanNeighbours(self.identity, self.links, port, lambda: self.addresses)
        self.lan.start()
        stack.push_async_callback(self.links.stop)
        stack.push_async_callback(self.lan.stop)

    def peers(self):
        return {port.profile.peer for port in self.hub.up.values()}


def run(*identities, story):
    async def all_of_it():
        async with asyncio.timeout(40), contextlib.AsyncExitStack() as stack:
            boxes = [Box(identity) for identity in identities]
            for box in boxes:
                await box.be_there(stack)
            await story(*boxes)

    asyncio.run(all_of_it())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.05)


def test_two_camps_find_each_other_and_keep_one_connection():
    async def story(north, south):
        await until(lambda: north.peers() == {SOUTH.key} and south.peers() == {NORTH.key})
        sights = [sight for box in (north, south) for sight in box.lan.sights()]
        assert [sight.state for sight in sights] == [LinkState.TALKING]  # one of the two dialled
        assert len(north.hub.up) == len(south.hub.up) == 1

    run(NORTH, SOUTH, story=story)


@pytest.mark.full
def test_who_says_goodbye_is_forgotten_and_found_again(monkeypatch):
    monkeypatch.setattr(lan_neighbours, "LOOK_S", 0.2)

    async def story(north, south):
        await until(lambda: north.peers() and south.peers())
        south.addresses = ()  # its hotspot went down
        await until(lambda: not north.lan._found)
        await until(lambda: not north.peers())
        south.addresses = LOOPBACK
        await until(lambda: north.peers() and south.peers())

    run(NORTH, SOUTH, story=story)


def test_camps_of_another_network_are_not_dialled():
    other = Identity(b"q" * 32, Network("another word"))
    assert other.network.tag(1) != NORTH.network.tag(1)

    async def story(north, stranger):
        asked = []
        plain = north.lan._ask

        def ask(zeroconf, name):
            asked.append(name)
            return plain(zeroconf, name)

        north.lan._ask = ask
        await until(lambda: any(other.author.hex() in name for name in asked))
        await until(lambda: not north.lan._asking)
        assert not north.lan._found
        assert not north.lan.sights()

    run(NORTH, other, story=story)


def test_a_crowd_of_announcements_is_bounded():
    async def story(north):
        await until(lambda: north.lan._zeroconf is not None)
        for n in range(200):
            name = f"{n:016x}.{lan_neighbours.SERVICE}"
            north.lan._changed(
                north.lan._zeroconf.zeroconf, lan_neighbours.SERVICE, name, ServiceStateChange.Added
            )
        assert len(north.lan._asking) <= lan_neighbours.FOUND_MAX

    run(NORTH, story=story)


def test_without_a_lan_nothing_is_said():
    async def story():
        box = Box(NORTH)
        lan = LanNeighbours(NORTH, box.links, 1, tuple)
        lan.start()
        await asyncio.sleep(0.05)
        assert lan._zeroconf is None
        assert lan.sights() == ()
        await lan.stop()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("properties", "camp"),
    [
        ({b"v": b"1", b"camp": b"00112233aabbccdd"}, "00112233aabbccdd"),
        ({b"v": b"2", b"camp": b"00112233aabbccdd"}, None),
        ({b"camp": b"00112233aabbccdd"}, None),
        ({b"v": b"1"}, None),
        ({b"v": b"1", b"camp": None}, None),
        ({b"v": b"1", b"camp": b"00112233aabbccd"}, None),
        ({b"v": b"1", b"camp": b"00112233aabbccdg"}, None),
        ({b"v": b"1", b"camp": b"\xff" * 16}, None),
    ],
)
def test_what_an_announcement_must_say(properties, camp):
    info = AsyncServiceInfo(lan_neighbours.SERVICE, f"x.{lan_neighbours.SERVICE}", properties=properties)
    found = lan_neighbours._camp_of(info)
    assert (found.hex() if found else None) == camp


def namespaces_are_possible():
    """Why not, if they are not."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    tried = subprocess.run(["unshare", "--net", "ip", "link"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "unshare --net does not work here"


@pytest.mark.full
def test_two_camps_on_a_cable_find_each_other_and_say_nothing_on_the_way_to_the_internet():
    why_not = namespaces_are_possible()
    if why_not:
        pytest.skip(why_not)
    played = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.radio.lan_pair"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    happened = json.loads(played.stdout)
    assert happened["north"]["addresses"] == ["192.168.4.1"]
    assert happened["south"]["addresses"] == ["192.168.4.2"]
    assert happened["north"]["peers"] == [SOUTH.key.hex()]
    assert happened["south"]["peers"] == [NORTH.key.hex()]
    assert happened["north"]["dialled"] + happened["south"]["dialled"] == ["talking"]
    assert happened["cable"]
    assert not happened["uplink"]
