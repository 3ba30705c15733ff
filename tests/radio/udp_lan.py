"""A LAN of two network namespaces: here a camp with its UDP road, there `mudp`; run under `unshare --net`.

`unshare --net python -m tests.radio.udp_lan GROUP` plays the whole story and prints what happened, as JSON.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from radio import kept_road, udp_link
from radio.airtime import Firmware, preset_named
from radio.duty import Forgetful
from radio.link_sight import LinkState
from radio.mesh_channel import channel_of
from radio.polite_radio import AirRules
from radio.regions import region_named
from radio.road import Surroundings
from radio.udp_link import Lan, UdpRoad
from sync.signing import Identity, Network

WAIT_S = 30
NETWORK = Network("the square")
FRAME = bytes.fromhex("1017abcd") + b"from the camp"


class Hub:
    """Remembers what came."""

    def __init__(self) -> None:
        self.port: Any = None
        self.heard: list[bytes] = []

    def link_up(self, profile: object, port: object) -> None:
        self.port = port

    def link_down(self, port: object) -> None:
        self.port = None

    def frame(self, link: str, data: bytes, snr_db: float | None = None) -> None:
        self.heard.append(data)

    def has_room(self, link: str) -> bool:
        return True

    def wake(self) -> None:
        pass


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextlib.contextmanager
def neighbouring_net() -> Iterator[list[str]]:
    """Another namespace with the other end of our cable; the words to run a command there."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "100"])
    try:
        ours = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{holder.pid}/ns/net").readlink() == ours:
            pass
        there = ["nsenter", "--target", str(holder.pid), "--net"]
        lay_cable(holder.pid, there)
        yield there
    finally:
        holder.kill()
        holder.wait()


def lay_cable(pid: int, there: list[str]) -> None:
    run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan1", "netns", str(pid))
    run("ip", "address", "add", "192.0.2.1/24", "dev", "lan0")
    run("ip", "link", "set", "lan0", "up")
    run(*there, "ip", "address", "add", "192.0.2.2/24", "dev", "lan1")
    run(*there, "ip", "link", "set", "lan1", "up")
    run(*there, "ip", "link", "set", "lo", "up")
    run(*there, "ip", "route", "add", "224.0.0.0/3", "dev", "lan1")


def road(name: str, group: str, hub: Hub, interface: str = "lan0") -> UdpRoad:
    around = Surroundings(
        camp=name,
        folder=Path(),
        identity=Identity(name.encode() * 32, NETWORK),
        hub=hub,
        now=asyncio.get_running_loop().time,
        random=lambda: Random(name),
        jitter=lambda: 0.01,
        nonce=lambda: bytes(16),
        airtime=lambda _name, _region: Forgetful(),
        cable=None,  # type: ignore[arg-type]  # nobody is dialled here
    )
    rules = AirRules(preset_named("SHORT_TURBO"), region_named("US"), 1.0, Firmware.RAW)
    return UdpRoad("udp-1", Lan(group, interface), channel_of(NETWORK), 1, rules, around)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.01)


def state_of(camp: UdpRoad) -> str:
    return camp.sights()[0].state.value


async def story(group: str, there: list[str], peer: asyncio.subprocess.Process) -> dict[str, object]:
    happened: dict[str, object] = {}
    assert peer.stdout is not None
    assert json.loads(await peer.stdout.readline()) == "ready"
    hubs = {name: Hub() for name in "ab"}
    camps = {name: road(name, group, hub) for name, hub in hubs.items()}
    missing = road("c", group, Hub(), "lan9")
    for camp in (*camps.values(), missing):
        camp.start()
    await until(lambda: all(hub.port for hub in hubs.values()))
    await until(lambda: missing.sights()[0].why == udp_link.NO_INTERFACE)
    happened["of no interface"] = state_of(missing)

    hubs["a"].port.push([FRAME])
    happened["peer heard"] = json.loads(await peer.stdout.readline())
    await until(lambda: b"heard " + FRAME in hubs["a"].heard and len(hubs["b"].heard) == 2)
    happened["a heard"] = [frame.hex() for frame in hubs["a"].heard]
    happened["b heard"] = [frame.hex() for frame in hubs["b"].heard]

    run("ip", "link", "delete", "lan0")
    await until(lambda: state_of(camps["a"]) == LinkState.UNPLUGGED)
    happened["unplugged"] = camps["a"].sights()[0].why
    lay_cable(int(there[2]), there)
    await until(lambda: all(hub.port for hub in hubs.values()))
    hubs["b"].port.push([b"again"])
    await until(lambda: b"again" in hubs["a"].heard)
    for camp in (*camps.values(), missing):
        await camp.stop()
    happened["after the end"] = [hub.port is None for hub in hubs.values()]
    return happened


async def main(group: str) -> None:
    udp_link.LOOK_S = kept_road.LOOK_S = 0.05
    channel = channel_of(NETWORK)
    key = base64.b64encode(channel.key).decode()
    with neighbouring_net() as there:
        peer = await asyncio.create_subprocess_exec(
            *there,
            sys.executable,
            "-m",
            "tests.radio.udp_peer",
            group,
            channel.name,
            key,
            stdout=subprocess.PIPE,
            env=os.environ,
        )
        try:
            async with asyncio.timeout(2 * WAIT_S):
                print(json.dumps(await story(group, there, peer)))
        finally:
            peer.kill()
            await peer.communicate()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
