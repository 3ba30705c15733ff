"""Flooding: every camp repeats every message once; and as Meshtastic's firmware manages it.

The rules of managed flooding are the firmware's (2.8: `FloodingRouter`, `NextHopRouter`, `ReliableRouter`,
`RadioInterface`):

* a relay waits 2 x 8 slots and a random number of slots below 2^CW, CW between 3 and 8 as the signal it was
  heard by goes from -20 to 10 dB, so that the farthest speak first (0.45 to 7.6 s on LONG_FAST);
* it waits in the firmware's own queue: when another copy comes in first it is taken out, even at the last
  moment; when the channel is busy as the wait ends, the wait is drawn anew;
* a packet goes over seven relays at most, the most its header can say; a copy with more hops left than any
  before takes the place of the relay that waits, instead of cancelling it;
* an author who hears nobody repeat it sends it again, up to twice, and who hears that relays it once more
  (`want_ack`, as the phone apps set it for a text in a channel).

A message is one packet of `size` bytes of payload: no bundles, no keys, no beacons, no repair. Nobody stops
at the legal duty cycle. That the firmware codes a repetition more heavily is left out, in its favour.

Measured on 50 camps, degree 7, 20 % loss, raw LONG_FAST, seeds 1 to 20: managed 37.35 s of airtime a message
and 0.724 delivered, without the authors' repetitions 35.07 s and 0.710; plain flooding 68.27 s and 0.883.
"""

from __future__ import annotations

import heapq
import struct
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from random import Random

from radio.airtime import Firmware, Preset, preset_named
from radio.experiment.baseline import Baseline, Holder
from radio.experiment.case import Case
from radio.simulated import _SENSE, WINDOW_BITS_MAX, WINDOW_BITS_MIN, Air, Sent, _Radio

# `RadioInterface`: a client leaves the first slots to routers; and the signals between which CW grows.
ROUTER_SLOTS = 2 * WINDOW_BITS_MAX
SNR_MIN_DB, SNR_MAX_DB = -20, 10
# The header has three bits for it; plain flooding has no end but that everybody did its part.
HOPS_MAX = 7
HOPS_FOREVER = 255
# `MAX_TX_QUEUE`: what comes when so many wait is dropped.
QUEUE_MAX = 16
# `NUM_RELIABLE_RETX` counts the first time too.
REPETITIONS_MAX = 2
# `PROCESSING_TIME_MSEC`, in which a hearer gets round to its relay.
PROCESSING_S = 4.5

_MESSAGE, _RELAY = 0xF0, 0xF1
_KINDS = {_MESSAGE: "message", _RELAY: "relay"}
_HEAD = struct.Struct(">BIB")


@dataclass(frozen=True, slots=True)
class Packet:
    """A message on its way: `snr_db` is how well it was heard, None where it is its author's own."""

    number: int
    hops_left: int
    snr_db: float | None = None

    def encode(self, size: int) -> bytes:
        """The packet as `size` bytes of payload."""
        kind = _MESSAGE if self.snr_db is None else _RELAY
        return _HEAD.pack(kind, self.number, self.hops_left).ljust(size, b"\0")


def decode(frame: bytes) -> Packet:
    """The packet in a frame of this model's own making."""
    _, number, hops_left = _HEAD.unpack_from(frame)
    return Packet(number, hops_left)


@dataclass(slots=True, eq=False)
class Station(Holder):
    """A camp whose radio has the firmware's queue."""

    hops: dict[int, int] = field(default_factory=dict)  # the most hops left of any copy of a message
    queue: deque[Packet] = field(default_factory=deque)
    in_radio: Packet | None = None
    # Own messages that nobody was heard to repeat: when to say them again, and how often that may still be.
    unheard: dict[int, tuple[float, int]] = field(default_factory=dict)

    def waits(self, number: int) -> bool:
        """Whether a message waits here to be sent."""
        in_radio = self.in_radio is not None and self.in_radio.number == number
        return in_radio or any(packet.number == number for packet in self.queue)

    def listened(self, seconds: float) -> None:
        """While a frame came in, nobody could be heard repeating ours: wait so much longer."""
        for number, (due_s, left) in self.unheard.items():
            self.unheard[number] = (due_s + seconds, left)


class FirmwareAir(Air):
    """The air, with what firmware does to a relay in its queue: weigh its wait, draw it anew, take it out."""

    def __init__(
        self, preset: Preset, random: Random, capture: bool, firmware: Firmware, weighted: bool
    ) -> None:
        super().__init__(preset, random, capture, firmware)
        self._weighted = weighted
        self._heard_at_db: dict[str, float | None] = {}

    def offer_packet(self, name: str, frame: bytes, snr_db: float | None, now: float) -> None:
        """Give a radio an own frame, or one heard at `snr_db`. Raises ValueError when it holds one."""
        self._heard_at_db[name] = snr_db
        self.offer(name, frame, now)

    def withdraw(self, name: str) -> bool:
        """Take the frame that waits out of a radio; False when there is none, or it is being sent."""
        radio = self._radios.get(name)
        if radio is None or radio.waiting is None:
            return False
        radio.waiting = None
        self._due = [entry for entry in self._due if entry[3] is not radio]
        heapq.heapify(self._due)
        return True

    def _back_off(self, radio: _Radio, now: float, slots_min: int) -> None:
        snr_db = self._heard_at_db.get(radio.name)
        if snr_db is None:
            super()._back_off(radio, now, slots_min)
            return
        bits = window_bits(snr_db) if self._weighted else WINDOW_BITS_MAX
        slots = ROUTER_SLOTS + self._random.randrange(2**bits)
        self._put(now + slots * self.slot_s, _SENSE, radio)


class Flooding(Baseline[Station]):
    """Camps that repeat what they hear. Not `managed`: each once, at a random time, whatever others do."""

    def __init__(self, case: Case, start_s: float, managed: bool) -> None:
        air = FirmwareAir(
            preset_named(case.preset), Random(f"{case.seed} air"), case.capture, case.firmware, managed
        )
        super().__init__(air, start_s, kind_of)
        self._air = air
        self._managed = managed
        self._hops_max = HOPS_MAX if managed else HOPS_FOREVER
        self._size = case.size

    def _station(self, name: str) -> Station:
        return Station(name)

    def _stops(self, station: Station) -> None:
        station.queue.clear()
        station.unheard.clear()

    def _publish(self, station: Station, number: int) -> None:
        station.hops[number] = self._hops_max
        self._enqueue(station, Packet(number, self._hops_max))
        if self._managed:
            self._expect_repeat(station, number, REPETITIONS_MAX)

    # -- what a station hears -----------------------------------------------------------------------------

    def _hear(self, station: Station, sent: Sent, snr_db: float) -> None:
        station.listened(sent.airtime_ms / 1_000)
        packet = decode(sent.frame)
        relay = Packet(packet.number, packet.hops_left - 1, snr_db)
        if self._take_in(station, packet.number):
            station.hops[packet.number] = packet.hops_left
            if packet.hops_left > 0:
                self._enqueue(station, relay)
        elif self._managed:
            self._hear_copy(station, packet, relay)

    def _hear_copy(self, station: Station, packet: Packet, relay: Packet) -> None:
        number = packet.number
        has_more_hops = packet.hops_left > station.hops[number]
        station.hops[number] = max(station.hops[number], packet.hops_left)
        if has_more_hops and self._cancel(station, number):
            self._enqueue(station, relay)
        elif station.unheard.pop(number, None) is not None or packet.hops_left < HOPS_MAX:
            self._cancel(station, number)
        elif not station.waits(number):  # its author says it again, and waits to hear us
            self._enqueue(station, relay)

    # -- what a station sends -----------------------------------------------------------------------------

    def _free(self, station: Station) -> None:
        station.in_radio = None
        self._feed(station)

    def _enqueue(self, station: Station, packet: Packet) -> None:
        if len(station.queue) < QUEUE_MAX:
            station.queue.append(packet)
            self._feed(station)

    def _feed(self, station: Station) -> None:
        if station.queue and station.in_radio is None and self.air.is_free(station.name):
            packet = station.in_radio = station.queue.popleft()
            self._air.offer_packet(station.name, packet.encode(self._size), packet.snr_db, self.now)

    def _cancel(self, station: Station, number: int) -> bool:
        """Take a packet out of the queue, or out of the radio before it is sent; whether there was one."""
        before = len(station.queue)
        station.queue = deque(packet for packet in station.queue if packet.number != number)
        in_radio = station.in_radio
        if in_radio is not None and in_radio.number == number and self._air.withdraw(station.name):
            station.in_radio = None
            self._feed(station)
            return True
        return len(station.queue) < before

    def _expect_repeat(self, station: Station, number: int, left: int) -> None:
        due_s = self.now + self._patience_s(station)
        station.unheard[number] = (due_s, left)
        self.at(due_s, partial(self._repeat, station, number))

    def _repeat(self, station: Station, number: int) -> None:
        """Nobody was heard to repeat an own message for so long: say it again."""
        due_s, left = station.unheard.get(number, (0.0, -1))
        if left >= 0 and due_s > self.now:
            self.at(due_s, partial(self._repeat, station, number))
        elif left > 0:
            if not station.waits(number):
                self._enqueue(station, Packet(number, HOPS_MAX))
            self._expect_repeat(station, number, left - 1)
        else:
            station.unheard.pop(number, None)

    def _patience_s(self, station: Station) -> float:
        """`getRetransmissionMsec`: twice the packet, the worst waits of both, and time to think."""
        busy = self.air.utilisation(station.name, self.now)
        bits = WINDOW_BITS_MIN + int(busy * (WINDOW_BITS_MAX - WINDOW_BITS_MIN))
        slots = (1 << bits) + ROUTER_SLOTS + (1 << (WINDOW_BITS_MIN + WINDOW_BITS_MAX) // 2)
        return 2 * self.air.airtime_ms(self._size) / 1_000 + slots * self.air.slot_s + PROCESSING_S


def window_bits(snr_db: float) -> int:
    """`getCWsize`: the wait grows with the signal, and the firmware reckons in whole numbers."""
    above = min(max(int(snr_db), SNR_MIN_DB), SNR_MAX_DB) - SNR_MIN_DB
    return WINDOW_BITS_MIN + above * (WINDOW_BITS_MAX - WINDOW_BITS_MIN) // (SNR_MAX_DB - SNR_MIN_DB)


def kind_of(frame: bytes) -> str:
    """`message` from its author, `relay` from others."""
    return _KINDS[frame[0]]
