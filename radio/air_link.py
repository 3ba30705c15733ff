"""The link to a simulated air: for drills and the demo, a node speaks to `miccheck air` as to a radio.

What passes between the two is as small as a radio's serial port. A message is two bytes of length, big
endian, and a CBOR array (PROTOCOL.md §2) whose first element is its word:

    ["hello", 1, camp, preset]    node to air, first and once
    ["welcome"]                   air to node: the radio is on
    ["refused", why]              air to node, which then closes
    ["send", frame]               node to air; the next one only after "sent"
    ["sent", airtime in ms]       air to node: the frame left the air
    ["heard", snr in 0.01 dB, frame]   air to node
    ["noise", airtime in ms]  air to node: somebody was on the air so long, and nothing was understood

The connection is the radio: when it ends the radio is off. Nothing is kept for who is not there. But the
hour in which the radio may send so much goes on, whoever answers at the other end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from radio.kept_road import KeptRoad, Lost, Unusable
from radio.polite_radio import PoliteRadio
from radio.radio_port import RadioPort
from radio.road import Hub
from sync import cbor
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile
from sync.reject import Reject
from sync.text import NICKNAME_BYTES_MAX

AIR_VERSION = 1
LENGTH_BYTES = 2
# A frame of 226 bytes, or a hello with the longest camp name, and room for what a later version adds.
MESSAGE_BYTES_MAX = 512
PRESET_BYTES_MAX = 32
# Radios tell -20 to +20 dB; ten times that is a mistake.
SNR_CENTI_DB_MAX = 20_000
# The slowest frame takes 15 s; four times that is a mistake.
NOISE_MS_MAX = 60_000
WHY_BYTES_MAX = 200
# The air answers a hello in a millisecond; a process that does not is no air.
HELLO_S = 5.0
REDIAL_MAX_S = 30.0
# A wrong preset is put right by a person; a name that is taken may be our own of a moment ago.
REFUSED_WAIT_S = 4.0


class AirMessageError(ValueError):
    """These bytes are no message of the air."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A camp's radio is switched on."""

    camp: str
    preset: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """It is."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """It is not, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Send:
    """Please send this frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """The frame left the air."""

    airtime_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A frame was received."""

    snr_centi_db: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Noise:
    """The channel was busy, and nothing came of it here."""

    airtime_ms: int


AirMessage = Hello | Welcome | Refusal | Send | Done | Heard | Noise


def encode(message: AirMessage) -> bytes:
    """The bytes of a message, its length in front. Raises ValueError when it is too long."""
    match message:
        case Hello(camp, preset):
            fields: list[cbor.Value] = ["hello", AIR_VERSION, camp, preset]
        case Welcome():
            fields = ["welcome"]
        case Refusal(why):
            fields = ["refused", why]
        case Send(frame):
            fields = ["send", frame]
        case Done(airtime_ms):
            fields = ["sent", airtime_ms]
        case Heard(snr_centi_db, frame):
            fields = ["heard", snr_centi_db, frame]
        case Noise(airtime_ms):
            fields = ["noise", airtime_ms]
    body = cbor.encode(fields)
    if len(body) > MESSAGE_BYTES_MAX:
        raise ValueError(f"{len(body)} bytes are too many for one message")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def decode(body: bytes) -> AirMessage:
    """The message in these bytes, without its length. Raises AirMessageError."""
    try:
        fields = cbor.decode(body)
    except Reject as reject:
        raise AirMessageError("not CBOR") from reject
    match fields:
        case ["hello", int(version), str(camp), str(preset)] if type(version) is int:
            return _hello(version, camp, preset)
        case ["welcome"]:
            return Welcome()
        case ["refused", str(why)] if len(why.encode()) <= WHY_BYTES_MAX:
            return Refusal(why)
        case ["send", bytes(frame)] if 0 < len(frame) <= RADIO_FRAME_BYTES_MAX:
            return Send(frame)
        case ["sent", int(airtime_ms)] if type(airtime_ms) is int and airtime_ms >= 0:
            return Done(airtime_ms)
        case ["heard", int(snr), bytes(frame)] if 0 < len(frame) <= RADIO_FRAME_BYTES_MAX:
            if type(snr) is int and abs(snr) <= SNR_CENTI_DB_MAX:
                return Heard(snr, frame)
            raise AirMessageError("no signal to noise ratio")
        case ["noise", int(airtime_ms)] if type(airtime_ms) is int and 0 <= airtime_ms <= NOISE_MS_MAX:
            return Noise(airtime_ms)
        case _:
            raise AirMessageError("not a message of the air")


def _hello(version: int, camp: str, preset: str) -> Hello:
    if version != AIR_VERSION:
        raise AirMessageError("another version")
    if not 0 < len(camp.encode()) <= NICKNAME_BYTES_MAX or not camp.isprintable():
        raise AirMessageError("no name of a camp")
    if not 0 < len(preset) <= PRESET_BYTES_MAX or not preset.isascii():
        raise AirMessageError("no name of a preset")
    return Hello(camp, preset)


async def read_message(reader: asyncio.StreamReader) -> AirMessage:
    """The next message. Raises AirMessageError, and EOFError or OSError when the connection is gone."""
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
    if length > MESSAGE_BYTES_MAX:
        raise AirMessageError("too long")
    return decode(await reader.readexactly(length))


class AirLink(KeptRoad[tuple[str, int]]):
    """One [[link]] of kind "air"."""

    kind = "air"
    retry_max_s = REDIAL_MAX_S
    refused_wait_s = REFUSED_WAIT_S

    def __init__(
        self,
        name: str,
        address: tuple[str, int],
        camp: str,
        radio: PoliteRadio,
        hub: Hub,
        jitter: Callable[[], float],
    ) -> None:
        """Call it in the loop."""
        super().__init__(name, hub, jitter)
        preset, duty = radio.rules.preset, radio.rules.duty
        self._address = address
        self._hello = Hello(camp, preset.name)
        self._polite = self.radio = radio
        self._profile = LinkProfile(
            name, RADIO_FRAME_BYTES_MAX, preset.airtime_ms, broadcast=True, duty_cycle=duty
        )

    def find(self) -> tuple[str, int]:
        """Where the air listens, if it does."""
        return self._address

    async def serve(self, place: tuple[str, int]) -> None:
        """Switch the radio on until the air is gone. Raises Lost, Unusable."""
        try:
            await self._talk(place)
        except (OSError, EOFError, TimeoutError, AirMessageError) as gone:
            raise Lost("") from gone

    async def _talk(self, place: tuple[str, int]) -> None:
        async with asyncio.timeout(HELLO_S):
            reader, writer = await asyncio.open_connection(*place)
        try:
            writer.write(encode(self._hello))
            async with asyncio.timeout(HELLO_S):
                answer = await read_message(reader)
            if isinstance(answer, Refusal):
                raise Unusable(answer.why)
            port = RadioPort(self._profile, self._polite, self.hub, lambda frame: _send(frame, writer))
            with self.up(port, self._polite):
                await self._listen(reader, port)
        finally:
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, port: RadioPort) -> None:
        while True:
            match await read_message(reader):
                case Heard(snr_centi_db, frame):
                    port.came(frame, snr_centi_db / 100)
                case Noise(airtime_ms):
                    self._polite.noise(airtime_ms)
                case Done():
                    port.done()
                case _:
                    raise AirMessageError("not now")


def _send(frame: bytes, writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        writer.write(encode(Send(frame)))
