"""Two camps on a cable between network namespaces, one of them with a way to the internet beside it.

`unshare --net python -m tests.radio.lan_pair` plays the story and prints what happened, as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path

from websockets.asyncio.server import serve

from hardware.addresses import lan_addresses
from radio.ip_link import IpLinks
from radio.lan_neighbours import LanNeighbours
from sync.signing import Identity
from tests.radio.test_ip_link import Answering, Hub

WAIT_S = 30
NAMES = {"north": Identity(b"n" * 32), "south": Identity(b"s" * 32)}
SO_BINDTODEVICE = 25
MDNS = ("224.0.0.251", 5353)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def lay_cables(pid: int, there: list[str]) -> None:
    """`lan0` to the other camp, `up0` to a router: both with private addresses."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", str(pid))
    run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "router")
    for name, address in (("lan0", "192.168.4.1/24"), ("up0", "10.0.0.2/24")):
        run("ip", "address", "add", address, "dev", name)
        run("ip", "link", "set", name, "up")
    run("ip", "link", "set", "router", "up")
    run("ip", "route", "add", "default", "via", "10.0.0.1", "dev", "up0")
    run(*there, "ip", "link", "set", "lo", "up")
    run(*there, "ip", "address", "add", "192.168.4.2/24", "dev", "lan0")
    run(*there, "ip", "link", "set", "lan0", "up")


def ear(interface: str) -> socket.socket:
    """Hears multicast DNS that comes in by an interface."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, interface.encode())
    made.bind(MDNS)
    index = socket.inet_aton("0.0.0.0") + socket.if_nametoindex(interface).to_bytes(4, sys.byteorder)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(MDNS[0]) + index)
    made.setblocking(False)
    return made


async def camp(name: str) -> dict[str, object]:
    """Be a camp until the other was found and there was time to hear what is said on the uplink."""
    hub = Hub()
    nonces = iter(range(1, 1_000_000))
    links = IpLinks(NAMES[name], hub, lambda: next(nonces).to_bytes(16, "big"), lambda: 0.1)
    async with serve(lambda each: links.answer(Answering(each)), "0.0.0.0", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        lan = LanNeighbours(NAMES[name], links, port, lan_addresses)
        lan.start()
        async with asyncio.timeout(WAIT_S):
            while not hub.up:
                await asyncio.sleep(0.05)
        peers = sorted(each.profile.peer.hex() for each in hub.up.values())
        dialled = [each.state.value for each in lan.sights()]
        await asyncio.sleep(1.0)
        await lan.stop()
        await links.stop()
    return {"addresses": list(lan_addresses()), "peers": peers, "dialled": dialled}


def main() -> None:
    """The parent is North, and the child, in the other namespace, South."""
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(camp("south"))))
        return
    holder = subprocess.Popen(["unshare", "--net", "sleep", "100"])
    try:
        ours = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{holder.pid}/ns/net").readlink() == ours:
            pass
        there = ["nsenter", "--target", str(holder.pid), "--net"]
        lay_cables(holder.pid, there)
        with contextlib.closing(ear("router")) as uplink, contextlib.closing(ear("lan0")) as cable:
            words = [*there, sys.executable, "-m", "tests.radio.lan_pair", "south"]
            south = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
            north = asyncio.run(camp("north"))
            said, _ = south.communicate(timeout=WAIT_S)
            heard = {name: _heard(ear_) for name, ear_ in (("uplink", uplink), ("cable", cable))}
        print(json.dumps({"north": north, "south": json.loads(said), **heard}))
    finally:
        holder.kill()
        holder.wait()


def _heard(ear_: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        while data := ear_.recv(9_000):
            if b"miccheck" in data:
                return True
    return False


if __name__ == "__main__":
    main()
