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
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from radio.detached import Abandoned, Failed, detached
from radio.link_sight import LinkSight, LinkState
from radio.mesh_channel import MeshChannel
from radio.mesh_packet import MeshPacket, channel_hash, crypt, node_number
from radio.paced_port import PacedPort
from radio.polite_radio import AirRules
from radio.road import Surroundings
from radio.road_words import for_people
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile
from sync.urgency import Urgency, urgency_of

_LOG = logging.getLogger("miccheck")

KIND = "udp"
# UdpMulticastHandler.h of the firmware.
PORT = 4403
# A packet has 237 bytes of data and some forty around it; what is longer is no packet.
DATAGRAM_BYTES_MAX = 512
# The LAN and not one router further, whatever its routers are set to.
TTL = 1
# An interface that went is back when a cable is in again, or the Wi-Fi; who looks spends a call.
LOOK_S = 1.0
RETRY_S = 5.0
# The library is imported once, in a thread: several seconds on a Pi.
IMPORT_S = 60.0
# Packets that were heard lately, told again by other boards: two minutes of the fastest preset.
HEARD_MAX = 1_024

NO_INTERFACE = for_people("This network interface is not there.")
NOT_JOINED = for_people("The network interface has no address, or does not do multicast.")
NO_LIBRARY = for_people("The library that speaks to boards cannot be used.")

# linux/in.h; Python has no name for it.
_IP_MULTICAST_ALL = 49
_PRIORITIES = {
    Urgency.ALERT: 110,
    Urgency.CONTROL: 64,
    Urgency.CONTENT: 10,
}  # mesh.proto, MeshPacket.Priority


@dataclass(frozen=True, slots=True)
class Lan:
    """Where the boards are: the group they listen to, and the interface behind which they are."""

    group: str
    interface: str


class Packets(Protocol):
    """The protobuf of packets: `radio.meshtastic_link`, as far as it is needed."""

    def write_packet(self, packet: MeshPacket) -> bytes:
        """The datagram of a packet."""

    def read_packet(self, data: bytes) -> MeshPacket | None:
        """The encrypted packet in a datagram; None when there is none."""

    def write_data(self, frame: bytes) -> bytes:
        """What is encrypted: the frame with our port number."""

    def read_data(self, data: bytes) -> bytes | None:
        """The frame in what was decrypted; None when it is not of our port number, or garbled."""


class MeshCipher:
    """Frames to datagrams and back, for one camp in one channel."""

    def __init__(self, channel: MeshChannel, key: bytes, hops: int, packets: Packets, random: Random) -> None:
        """`key` is the camp's."""
        self._channel = channel
        self._hash = channel_hash(channel)
        self._sender = node_number(key)
        self._hops = hops
        self._packets = packets
        self._id = random.getrandbits(32)  # ids count on from here: none comes twice within 2^32
        self._heard: OrderedDict[tuple[int, int], None] = OrderedDict()

    def seal(self, frame: bytes) -> bytes:
        """The datagram of a frame."""
        self._id = (self._id + 1) % 2**32 or 1
        data = crypt(self._channel, self._sender, self._id, self._packets.write_data(frame))
        priority = _PRIORITIES[urgency_of(frame)]
        packet = MeshPacket(self._sender, self._id, self._hash, self._hops, priority, data)
        return self._packets.write_packet(packet)

    def open(self, datagram: bytes) -> bytes | None:
        """The frame of somebody else in a datagram that was not heard before; None for anything else."""
        if len(datagram) > DATAGRAM_BYTES_MAX:
            return None
        packet = self._packets.read_packet(datagram)
        if packet is None or packet.channel != self._hash or packet.sender == self._sender:
            return None
        if not self._is_new(packet):
            return None
        frame = self._packets.read_data(crypt(self._channel, packet.sender, packet.id, packet.encrypted))
        return frame if frame is not None and 0 < len(frame) <= RADIO_FRAME_BYTES_MAX else None

    def _is_new(self, packet: MeshPacket) -> bool:
        name = packet.sender, packet.id
        if name in self._heard:
            return False
        self._heard[name] = None
        if len(self._heard) > HEARD_MAX:
            self._heard.popitem(last=False)
        return True


class Lost(Exception):
    """The LAN cannot be spoken to; the text is a sentence of the catalogues."""


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


class UdpRoad:
    """One [[link]] of kind "udp". Lives in one event loop."""

    def __init__(
        self, name: str, lan: Lan, channel: MeshChannel, hops: int, rules: AirRules, around: Surroundings
    ) -> None:
        """`hops`: how often boards pass a packet on. Call it in the loop."""
        self._lan = lan
        self._channel = channel
        self._hops = hops
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._radio = around.radio(name, rules)
        self._profile = LinkProfile(
            name, RADIO_FRAME_BYTES_MAX, rules.airtime_ms, broadcast=True, duty_cycle=rules.duty
        )
        self._port: PacedPort | None = None
        self._frames = (0, 0)
        self._state = LinkState.SEARCHING
        self._why = ""
        self._since_s = self._loop.time()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Join the group, now or when the interface is there."""
        self._task = asyncio.create_task(self._keep_on())

    async def stop(self) -> None:
        """Leave it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._radio.close()

    def sights(self) -> tuple[LinkSight]:
        """The group for the status page."""
        port = self._port
        came, went = (port.frames_in, port.frames_out) if port is not None else self._frames
        use, name = self._radio.use(), self._profile.name
        return (LinkSight(name, self._state, None, self._since_s, came, went, self._why, KIND, use),)

    async def _keep_on(self) -> None:
        while True:
            try:
                cipher = MeshCipher(
                    self._channel,
                    self._around.identity.key,
                    self._hops,
                    await _packets(),
                    self._around.random(),
                )
                await self._talk(cipher)
            except Lost as lost:
                was_there = self._state not in (LinkState.SEARCHING, LinkState.REFUSED)
                self._set_state(LinkState.LOST if was_there else LinkState.SEARCHING, str(lost))
            await asyncio.sleep(RETRY_S * self._around.jitter())

    async def _talk(self, cipher: MeshCipher) -> None:
        """Speak to the group until it is lost. Raises Lost."""
        index = _index_of(self._lan.interface)
        if index is None:
            raise Lost(NO_INTERFACE)

        def take(datagram: bytes) -> None:
            frame = cipher.open(datagram)
            if frame is not None:
                port.came(frame)

        def write(frame: bytes) -> float:
            transport.sendto(cipher.seal(frame), (self._lan.group, PORT))
            return 0.0

        port = PacedPort(self._profile, self._radio, self._around.hub, write)
        try:
            joined = _joined(self._lan.group, index)
        except OSError as error:
            raise Lost(NOT_JOINED) from error
        transport, datagrams = await self._loop.create_datagram_endpoint(
            lambda: _Datagrams(take), sock=joined
        )
        self._port = port
        self._set_state(LinkState.TALKING)
        port.open()
        try:
            await self._until_lost(datagrams.fault, index)
        finally:
            self._port, self._frames = None, (port.frames_in, port.frames_out)
            port.close()
            transport.close()

    async def _until_lost(self, fault: asyncio.Event, index: int) -> None:
        while not fault.is_set():
            if _index_of(self._lan.interface) != index:
                raise Lost(NO_INTERFACE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await fault.wait()
        raise Lost(NOT_JOINED)

    def _set_state(self, state: LinkState, why: str = "") -> None:
        if self._state is not state:
            self._since_s = self._loop.time()
            _LOG.info("mesh by UDP %s: %s", self._profile.name, state.value)
        self._state, self._why = state, why


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
