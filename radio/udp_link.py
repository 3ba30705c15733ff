"""The link over Meshtastic's UDP multicast: boards with Wi-Fi, or their daemon, in the same LAN and no cable.

A board with "UDP broadcast" on takes a packet from the LAN as if it had heard it on the air, and sends it on
by LoRa while its hops last; what it sends itself it tells the LAN as well. What it merely hears it does not
tell: to hear all that a board hears, use a link of kind "meshtastic" with its address. So this road reaches
camps in the same LAN, and through the boards there all in their earshot (PROTOCOL.md §19).

Nobody acknowledges anything, and several boards may tell the same packet. The preset and region in the
settings say what the boards' air costs; that air is spared as if the board were ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from radio.detached import Abandoned, Failed, detached
from radio.kept_road import KeptRoad, Lost, NotThere
from radio.mesh_channel import MeshChannel
from radio.mesh_packet import MeshCipher, Packets
from radio.polite_radio import AirRules
from radio.radio_port import PacedPort
from radio.road import Surroundings
from radio.road_words import for_people
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile

_LOG = logging.getLogger("miccheck")

# UdpMulticastHandler.h of the firmware.
PORT = 4403
# The LAN and not one router further, whatever its routers are set to.
TTL = 1
# An interface that went is back when a cable is in again, or the Wi-Fi; who looks spends a call.
LOOK_S = 1.0
# What an interface lacks, an address or a cable, comes without a sign.
RETRY_MAX_S = 5.0
# The library is imported once, in a thread: several seconds on a Pi.
IMPORT_S = 60.0

NO_INTERFACE = for_people("This network interface is not there.")
NOT_JOINED = for_people("The network interface has no address, or does not do multicast.")
NO_LIBRARY = for_people("The library that speaks to boards cannot be used.")

# linux/in.h; Python has no name for it.
_IP_MULTICAST_ALL = 49
# linux/if.h: flags of an interface. A point-to-point tunnel has NOARP.
_UP, _LOOPBACK, _NOARP, _MULTICAST = 0x1, 0x8, 0x80, 0x1000


@dataclass(frozen=True, slots=True)
class Lan:
    """Where the boards are: the group they listen to, and the interface behind which they are."""

    group: str
    interface: str


class _Datagrams(asyncio.DatagramProtocol):
    """What comes from the group."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self.fault = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data)

    def error_received(self, exc: Exception) -> None:
        """Sending failed: the interface lost its address, or is gone."""
        self.fault.set()


class UdpRoad(KeptRoad[int]):
    """One [[link]] of kind "udp". Its place is the number of a network interface."""

    kind = "udp"
    retry_max_s = RETRY_MAX_S

    def __init__(
        self, name: str, lan: Lan, channel: MeshChannel, hops: int, rules: AirRules, around: Surroundings
    ) -> None:
        """`hops`: how often boards pass a packet on. Call it in the loop."""
        super().__init__(name, around.hub, around.jitter)
        self._lan = lan
        self._channel = channel
        self._hops = hops
        self._around = around
        self._polite = self.radio = around.radio(name, rules)
        self._profile = LinkProfile(
            name, RADIO_FRAME_BYTES_MAX, rules.airtime_ms, broadcast=True, duty_cycle=rules.duty
        )

    def find(self) -> int:
        """The interface."""
        index = _index_of(self._lan.interface)
        if index is None:
            raise NotThere(NO_INTERFACE)
        return index

    def marks(self, place: int) -> object:
        """An interface that was made anew has another number."""
        return place

    async def serve(self, place: int) -> None:
        """Join the group and speak to it until it is lost. Raises Lost."""
        packets = await _packets()
        key, random = self._around.identity.key, self._around.random()
        cipher = MeshCipher(self._channel, key, self._hops, packets, random)

        def take(datagram: bytes) -> None:
            frame = cipher.open(datagram)
            if frame is not None:
                port.came(frame)

        def write(frame: bytes) -> float:
            transport.sendto(cipher.seal(frame), (self._lan.group, PORT))
            return 0.0

        port = PacedPort(self._profile, self._polite, self.hub, write)
        try:
            joined = _joined(self._lan.group, place)
        except OSError as error:
            raise Lost(NOT_JOINED) from error
        transport, datagrams = await self.loop.create_datagram_endpoint(lambda: _Datagrams(take), sock=joined)
        try:
            with self.up(port, self._polite):
                await self._until_lost(datagrams.fault, place)
        finally:
            transport.close()

    async def _until_lost(self, fault: asyncio.Event, index: int) -> None:
        while not fault.is_set():
            if _index_of(self._lan.interface) != index:
                raise Lost(NO_INTERFACE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await fault.wait()
        raise Lost(NOT_JOINED)


async def _packets() -> Packets:
    """The library, imported in a thread the first time. Raises Lost."""

    def imported() -> Packets:
        from radio import meshtastic_link

        return meshtastic_link

    try:
        return await detached(imported, IMPORT_S, "meshtastic importer")
    except (Abandoned, Failed) as failed:
        _LOG.error("mesh by UDP: the library cannot be imported: %s", failed.__cause__)
        raise Lost(NO_LIBRARY) from failed


def can_multicast(interface: str, net: Path = Path("/sys/class/net")) -> bool:
    """Whether an interface is up, and leads to others that may hear a multicast."""
    try:
        flags = int((net / interface / "flags").read_text(), 16)
    except (OSError, ValueError):
        return False  # it went in the moment, or a system without /sys
    return flags & (_UP | _LOOPBACK | _NOARP | _MULTICAST) == _UP | _MULTICAST


def _index_of(interface: str) -> int | None:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        return None


def _joined(group: str, index: int) -> socket.socket:
    """A socket that hears the group behind one interface, and speaks to it there. Raises OSError."""
    joined = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        # A daemon that drives a board has the same port.
        joined.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        joined.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Other programs on this box hear us; what of it comes back to us is known by its sender.
        joined.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        # Not what others on this box joined behind other interfaces.
        joined.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        joined.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, TTL)
        there = struct.pack("=4s4si", socket.inet_aton(group), bytes(4), index)  # struct ip_mreqn, ip(7)
        joined.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, there)
        joined.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, there)
        joined.bind((group, PORT))
    except OSError:
        joined.close()
        raise
    return joined
