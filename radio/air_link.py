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
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from radio.link_sight import LinkSight, LinkState
from radio.polite_radio import PoliteRadio
from radio.road import Hub
from sync import cbor
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import Allowance, LinkProfile
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
REDIAL_FIRST_S = 0.5
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


class AirPort:
    """One connection to the air as the pump sees it, which calls `room`, `allowance` and `push`."""

    def __init__(
        self,
        profile: LinkProfile,
        radio: PoliteRadio,
        writer: asyncio.StreamWriter,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.profile = profile
        self.frames_in = 0
        self.frames_out = 0
        self.since_s = loop.time()
        self._radio = radio
        self._writer = writer
        self._loop = loop
        self._now = 0.0

    def room(self) -> bool:
        """Whether the radio has nothing to do."""
        return self._radio.is_idle(self)

    def allowance(self, now: float) -> Allowance:
        """Milliseconds of frames to hand over at engine time `now`."""
        self._now = now
        return self._radio.allowance(self, now)

    def push(self, frames: list[bytes]) -> None:
        """Take committed frames, at the time `allowance` was last asked for."""
        self._radio.take(self, frames, self._now)
        with contextlib.suppress(RuntimeError):  # the loop ended while the pump still spoke
            self._loop.call_soon_threadsafe(self.feed)

    def feed(self) -> None:
        """In the loop: give the radio its next frame."""
        frame = self._radio.next_frame(self)
        if frame is not None and not self._writer.is_closing():
            self._writer.write(encode(Send(frame)))

    def done(self) -> None:
        """In the loop: the frame left the air."""
        self.frames_out += 1
        self._radio.done(self)
        self.feed()


class AirLink:
    """Keeps one radio on the air, and dials again when the air is gone. Lives in one event loop."""

    def __init__(
        self,
        name: str,
        address: tuple[str, int],
        camp: str,
        radio: PoliteRadio,
        hub: Hub,
        jitter: Callable[[], float],
    ) -> None:
        """`jitter` is 0.5 to 1: nodes that lost the same air do not come back in step."""
        preset, duty = radio.rules.preset, radio.rules.duty
        self._address = address
        self._hello = Hello(camp, preset.name)
        self._radio = radio
        self._hub = hub
        self._jitter = jitter
        self._loop = asyncio.get_running_loop()
        self._profile = LinkProfile(
            name, RADIO_FRAME_BYTES_MAX, preset.airtime_ms, broadcast=True, duty_cycle=duty
        )
        self._port: AirPort | None = None
        self._state = LinkState.SEARCHING
        self._since_s = self._loop.time()
        self._why = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Switch the radio on, now or as soon as the air is there."""
        self._task = asyncio.create_task(self._keep_on())

    async def stop(self) -> None:
        """Switch it off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._radio.close()

    def sights(self) -> tuple[LinkSight]:
        """This link for the status page."""
        port = self._port
        frames_in, frames_out = (port.frames_in, port.frames_out) if port is not None else (0, 0)
        name, use = self._profile.name, self._radio.use()
        state, since_s, why = self._state, self._since_s, self._why
        return (LinkSight(name, state, None, since_s, frames_in, frames_out, why, "air", use),)

    async def _keep_on(self) -> None:
        wait_s = REDIAL_FIRST_S
        while True:
            try:
                await self._talk()
            except _NotWelcome as refused:
                self._set_state(LinkState.REFUSED, str(refused))
                wait_s = REFUSED_WAIT_S
            except (OSError, EOFError, TimeoutError, AirMessageError):
                was_on = self._state is LinkState.TALKING
                wait_s = REDIAL_FIRST_S if was_on else min(2 * wait_s, REDIAL_MAX_S)
                if self._state is not LinkState.SEARCHING:
                    self._set_state(LinkState.LOST)
            await asyncio.sleep(wait_s * self._jitter())

    def _set_state(self, state: LinkState, why: str = "") -> None:
        if self._state is not state:
            self._since_s = self._loop.time()
        self._state, self._why = state, why

    async def _talk(self) -> None:
        async with asyncio.timeout(HELLO_S):
            reader, writer = await asyncio.open_connection(*self._address)
        try:
            writer.write(encode(self._hello))
            async with asyncio.timeout(HELLO_S):
                answer = await read_message(reader)
            if isinstance(answer, Refusal):
                raise _NotWelcome(answer.why)
            port = AirPort(self._profile, self._radio, writer, self._loop)
            await self._listen(reader, port)
        finally:
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, port: AirPort) -> None:
        self._port = port
        self._radio.switch_on(port)
        self._set_state(LinkState.TALKING)
        self._hub.link_up(self._profile, port)
        try:
            while True:
                match await read_message(reader):
                    case Heard(snr_centi_db, frame):
                        port.frames_in += 1
                        self._radio.heard(len(frame))
                        if self._hub.has_room(self._profile.name):  # a radio does not wait for us
                            self._hub.frame(self._profile.name, frame, snr_centi_db / 100)
                    case Noise(airtime_ms):
                        self._radio.noise(airtime_ms)
                    case Done():
                        port.done()
                        self._hub.wake()
                    case _:
                        raise AirMessageError("not now")
        finally:
            self._port = None
            self._radio.switch_off(port)
            self._hub.link_down(port)


class _NotWelcome(Exception):
    """The air said no; the text is its reason."""
