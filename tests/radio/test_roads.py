"""The table of roads: every kind needs few words, is built from its own file, and starts and ends."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from radio.duty import Forgetful
from radio.ip_link import IpLinks
from radio.link_sight import LinkState
from radio.road import Surroundings
from radio.road_words import words_of
from radio.roads import KINDS
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
    assert dataclasses.is_dataclass(kind.settings)
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
