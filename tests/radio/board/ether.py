"""The air between fake boards: one at a time, as long as the preset takes, heard by all set alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from meshtastic.protobuf import mesh_pb2

from radio.airtime import preset_named

HEADER_BYTES = 16
# Contention of the firmware: slots of 2.5 symbols and 7.6 ms, 2^3 of them on a quiet channel.
SLOT_SYMBOLS = 2.5
SLOT_MS = 7.6
SLOTS = 8


@dataclass(frozen=True)
class Aired:
    """A packet that was on the air: whose, on which channel, and when it began (ms of the ether)."""

    sender: str
    packet: mesh_pb2.MeshPacket
    channel: tuple[str, bytes]
    began_ms: float
    airtime_ms: float


class Station(Protocol):
    """A radio in the ether."""

    name: str

    @property
    def preset(self) -> str: ...

    @property
    def region(self) -> str: ...

    def hear(self, aired: Aired, snr_db: float) -> None:
        """A packet came."""


class Ether:
    """`speed`: how much faster than real time. Carrier sense is perfect: boards are in one tent."""

    def __init__(self, speed: float = 1.0, seed: int = 1) -> None:
        self.speed = speed
        self.log: list[Aired] = []
        self.jammed = False
        self._random = Random(seed)
        self._stations: list[Station] = []
        self._busy = asyncio.Lock()

    def join(self, station: Station) -> None:
        self._stations.append(station)

    def now_ms(self) -> float:
        return asyncio.get_running_loop().time() * 1_000 * self.speed

    async def wait_ms(self, milliseconds: float) -> None:
        await asyncio.sleep(milliseconds / 1_000 / self.speed)

    async def send(
        self, station: Station, pick: Callable[[], tuple[mesh_pb2.MeshPacket, tuple[str, bytes]]]
    ) -> Aired:
        """Wait for the channel, take what is to be sent, and be on the air with it."""
        preset = preset_named(station.preset)
        await self._contend(SLOT_SYMBOLS * preset.symbol_ms + SLOT_MS)
        async with self._busy:
            packet, channel = pick()
            airtime_ms = preset.packet_ms(HEADER_BYTES + packet.decoded.ByteSize())
            aired = Aired(station.name, packet, channel, self.now_ms(), airtime_ms)
            self.log.append(aired)
            await self.wait_ms(airtime_ms)
        for other in self._stations:
            if other is not station and (other.preset, other.region) == (station.preset, station.region):
                other.hear(aired, self._random.choice([-2.5, 4.25, 6.0]))
        return aired

    async def _contend(self, slot_ms: float) -> None:
        while True:
            await self.wait_ms(slot_ms * self._random.randrange(1, SLOTS))
            if not self.jammed and not self._busy.locked():
                return
