"""The table of roads: every kind needs few words, is built from its own file, and starts and ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

import pytest

from radio.duty import Forgetful
from radio.ip_link import IpLinks
from radio.link_sight import LinkState
from radio.road import Surroundings
from radio.road_words import RoadSettings, host_and_port, page_address, words_of
from radio.roads import KINDS, Meshtastic
from sync.signing import Identity

# What each kind needs and has no default for. None of it exists, so nobody is reached.
NEEDED: dict[str, dict[str, str]] = {
    "ip": {"url": "http://127.0.0.1:9"},
    "air": {"address": "127.0.0.1:9"},
    "meshtastic": {"device": "/nowhere/ttyACM0"},
    "modem": {"device": "/nowhere/ttyUSB0"},
    "udp": {"interface": "nowhere0"},
}


class Hub:
    """Nobody comes."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: there is nobody to reach")


def around() -> Surroundings:
    identity = Identity(b"n" * 32)
    return Surroundings(
        camp="Plaza",
        folder=Path(),
        identity=identity,
        hub=Hub(),
        now=asyncio.get_running_loop().time,
        random=lambda: Random(1),
        jitter=lambda: 1.0,
        nonce=lambda: bytes(16),
        airtime=lambda _name, _region: Forgetful(),
        cable=IpLinks(identity, Hub(), lambda: bytes(16), lambda: 1.0),
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_road_is_built_searches_and_ends(kind):
    async def story():
        async with asyncio.timeout(20):
            road = kind.build(f"{kind.name}-1", kind.settings(**NEEDED[kind.name]), around())
            road.start()
            await asyncio.sleep(0.05)
            (sight,) = road.sights()
            assert (sight.name, sight.kind, sight.state) == (f"{kind.name}-1", kind.name, LinkState.SEARCHING)
            await road.stop()

    asyncio.run(story())


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_an_entry_says_all_that_a_form_asks(kind):
    assert kind.name.isidentifier()
    assert kind.title.strip()
    assert kind.about.strip()
    assert issubclass(kind.settings, RoadSettings)
    needed = [word.name for word in words_of(kind.settings) if word.needed]
    assert set(needed) <= set(NEEDED[kind.name])
    assert kind.wrong(kind.settings(**NEEDED[kind.name])) is None
    for word in words_of(kind.settings):
        assert word.label.strip()
        assert word.type in ("str", "float", "int")
        assert not word.choices or word.default in word.choices
    for found in kind.found():
        assert {name for name, _ in found.words} <= {word.name for word in words_of(kind.settings)}


def test_settings_wait_for_no_library():
    """A command that reads settings imports no road: Meshtastic's package alone takes most of a second."""
    heavy = {"meshtastic", "serial", "zeroconf", "cryptography", "websockets"}
    program = "import sys, node.settings; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert heavy & set(said.split()) == set()


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("mesh.local", True),
        ("mesh.local.", True),
        ("10.0.0.7:4403", True),
        ("::1", True),
        ("[::1]", True),
        ("[::1]:4403", True),
        ("[::1]:99999", False),
        ("mesh.local:", False),
        ("mesh.local:0", False),
        ("mesh.local:" + "4" * 5_000, False),  # more digits than `int` takes
        ("two words", False),
        ("a..b", False),
        ("a" * 63, True),
        ("a" * 64, False),
        (".".join(["a"] * 127), True),
        (".".join(["a"] * 128), False),
        ("user@mesh.local", False),
    ],
)
def test_an_address_that_nobody_can_look_up_is_not_taken(address, right):
    check = {each.name: each for each in fields(Meshtastic)}["host"].metadata["check"]
    assert (check(address) is None) == right


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "two words", ":" + "4" * 5_000])
def test_so_it_is_with_pages_and_the_air(host):
    assert page_address(f"http://{host}:80")
    assert host_and_port("it")(f"{host}:80" if ":" not in host else f"a{host}")
