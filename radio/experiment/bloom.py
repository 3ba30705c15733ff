"""Push and Bloom filters: what one would build without sketches.

New messages are pushed and relayed: after 0.45 to 7.6 s, weaker signal first, unless a second copy was heard.
(Waiting for a third costs a fifth more airtime, and delivers no more in the end.) Besides, everybody says now
and then what it holds, as a Bloom filter in one frame; hearers send what it lacks, after a random wait in
which somebody else may do so. When to speak is Trickle's (RFC 6206, 120 s to an hour, one who agrees is
enough), and not within 20 s of a repair.

A filter has ten bits a message and seven hashes, so one in a hundred that is lacked seems held; its salt is
new each time, and the next filter tells. What fits no frame is told in parts, one a frame, in turn.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from random import Random

from radio.airtime import preset_named
from radio.experiment.baseline import Baseline, Holder
from radio.experiment.case import Case
from radio.simulated import Air, Sent

# What a relay waits, by how well it heard.
RELAY_DELAY_S = (0.45, 7.6)
SNR_WEAKEST_DB, SNR_LOUD_DB = -20.0, 10.0

INTERVAL_MIN_S, INTERVAL_MAX_S = 120.0, 3_600.0
# The time of so many full frames, over which the hearers of a filter spread their answers.
ANSWER_FRAMES = 20.0
LOCK_S = 20.0
DEFERRED_MAX = 4

BITS_EACH = 10
HASHES = 7
# A filter of this many bytes and its head fill the frame that firmware does not sign.
FILTER_BYTES_MAX = 190

_MESSAGE, _FILTER = 0xF0, 0xF2
_KINDS = {_MESSAGE: "message", _FILTER: "filter"}
_MESSAGE_HEAD = struct.Struct(">BI")
_FILTER_HEAD = struct.Struct(">BIHH")  # kind, salt, part, of so many parts


@dataclass(slots=True, eq=False)
class Member(Holder):
    """A camp: what it means to send and when, and its Trickle timer."""

    outgoing: dict[int, float] = field(default_factory=dict)
    relays: set[int] = field(default_factory=set)  # what of that is no answer
    interval_s: float = INTERVAL_MIN_S
    speaks_s: float = 0.0
    ends_s: float = 0.0
    agreeing: int = 0
    has_spoken: bool = False
    repair_s: float = float("-inf")
    deferred: int = 0
    filters: int = 0  # so many were said; parts take turns


class Bloom(Baseline[Member]):
    """Camps that push, and tell each other what they hold by Bloom filters."""

    def __init__(self, case: Case, start_s: float) -> None:
        preset = preset_named(case.preset)
        air = Air(preset, Random(f"{case.seed} air"), case.capture, case.firmware)
        super().__init__(air, start_s, kind_of)
        self._random = Random(f"{case.seed} bloom")
        self._size = case.size
        self._frame_s = preset.longest_ms(case.firmware) / 1_000

    def _station(self, name: str) -> Member:
        return Member(name)

    def _starts(self, station: Member) -> None:
        self._begin(station, INTERVAL_MIN_S)

    def _stops(self, station: Member) -> None:
        station.outgoing.clear()
        station.relays.clear()

    def _publish(self, station: Member, number: int) -> None:
        self._owe(station, number, self.now)
        self._differ(station)

    def _free(self, station: Member) -> None:
        self._feed(station)

    # -- what a camp hears ------------------------------------------------------------------------------

    def _hear(self, station: Member, sent: Sent, snr_db: float) -> None:
        if sent.frame[0] == _FILTER:
            self._hear_filter(station, sent.frame)
            return
        number = _MESSAGE_HEAD.unpack_from(sent.frame)[1]
        if self._take_in(station, number):
            station.relays.add(number)
            self._owe(station, number, self.now + self._relay_delay_s(snr_db))
            self._differ(station)
        else:
            self._hear_copy(station, number)

    def _hear_copy(self, station: Member, number: int) -> None:
        """Somebody else relayed it, or gave the answer."""
        if station.outgoing.pop(number, None) is None:
            return
        if number in station.relays:
            station.relays.discard(number)
        else:
            station.repair_s = self.now

    def _hear_filter(self, station: Member, frame: bytes) -> None:
        _, salt, part, parts = _FILTER_HEAD.unpack_from(frame)
        theirs = frame[_FILTER_HEAD.size :]
        mine = _of_part(station.held, part, parts)
        if filter_of(mine, salt, len(theirs)) == theirs:
            station.agreeing += 1
            return
        self._differ(station)
        for number in sorted(mine):
            if number not in station.outgoing and not is_in(number, theirs, salt):
                wait_s = self._random.uniform(0, ANSWER_FRAMES * self._frame_s)
                self._owe(station, number, self.now + wait_s)

    def _relay_delay_s(self, snr_db: float) -> float:
        first, last = RELAY_DELAY_S
        loudness = min(1.0, max(0.0, (snr_db - SNR_WEAKEST_DB) / (SNR_LOUD_DB - SNR_WEAKEST_DB)))
        return first + (self._random.random() + 2 * loudness) / 3 * (last - first)

    # -- what a camp says -------------------------------------------------------------------------------

    def _owe(self, station: Member, number: int, due_s: float) -> None:
        station.outgoing[number] = due_s
        self.at(due_s, partial(self._feed, station))

    def _feed(self, station: Member) -> None:
        """Give the radio what is due, messages first."""
        if not self.air.is_free(station.name):
            return
        due = [(due_s, number) for number, due_s in station.outgoing.items() if due_s <= self.now]
        if due:
            self._say(station, min(due)[1])
            return
        said = self._filter(station)
        if said is not None:
            self.air.offer(station.name, said, self.now)

    def _say(self, station: Member, number: int) -> None:
        del station.outgoing[number]
        if number in station.relays:
            station.relays.discard(number)
        else:
            station.repair_s = self.now
        frame = _MESSAGE_HEAD.pack(_MESSAGE, number).ljust(self._size, b"\0")
        self.air.offer(station.name, frame, self.now)

    def _filter(self, station: Member) -> bytes | None:
        """The filter of what is held here, when Trickle says so and nobody repairs."""
        if self.now >= station.ends_s:
            self._begin(station, min(2 * station.interval_s, INTERVAL_MAX_S))
        if station.has_spoken or self.now < station.speaks_s:
            return None
        if self.now - station.repair_s < LOCK_S and station.deferred < DEFERRED_MAX:
            station.deferred += 1
            station.speaks_s = station.repair_s + LOCK_S
            station.ends_s = max(station.ends_s, station.speaks_s)
            self._wake(station)
            return None
        station.deferred = 0
        station.has_spoken = True
        if station.agreeing:
            return None
        parts = max(1, -(-len(station.held) * BITS_EACH // (8 * FILTER_BYTES_MAX)))
        part = station.filters % parts
        station.filters += 1
        salt = self._random.getrandbits(32)
        told = _of_part(station.held, part, parts)
        length = max(1, -(-len(told) * BITS_EACH // 8))
        return _FILTER_HEAD.pack(_FILTER, salt, part, parts) + filter_of(told, salt, length)

    # -- Trickle ----------------------------------------------------------------------------------------

    def _differ(self, station: Member) -> None:
        if station.interval_s > INTERVAL_MIN_S:
            self._begin(station, INTERVAL_MIN_S)

    def _begin(self, station: Member, interval_s: float) -> None:
        station.interval_s = interval_s
        station.speaks_s = self.now + self._random.uniform(interval_s / 2, interval_s)
        station.ends_s = self.now + interval_s
        station.agreeing = 0
        station.has_spoken = False
        self._wake(station)

    def _wake(self, station: Member) -> None:
        for due_s in (station.speaks_s, station.ends_s):
            self.at(due_s, partial(self._feed, station))


def filter_of(numbers: set[int], salt: int, length: int) -> bytes:
    """The Bloom filter of some numbers, `length` bytes long."""
    bits = 0
    for number in numbers:
        for place in _places(number, salt, length):
            bits |= 1 << place
    return bits.to_bytes(length, "big")


def is_in(number: int, told: bytes, salt: int) -> bool:
    """Whether a filter seems to hold a number."""
    bits = int.from_bytes(told, "big")
    return all(bits >> place & 1 for place in _places(number, salt, len(told)))


def kind_of(frame: bytes) -> str:
    """`message` or `filter`."""
    return _KINDS[frame[0]]


def _places(number: int, salt: int, length: int) -> list[int]:
    drawn = blake2b(number.to_bytes(4, "big"), digest_size=4 * HASHES, key=salt.to_bytes(4, "big")).digest()
    return [word % (8 * length) for word in struct.unpack(f">{HASHES}I", drawn)]


def _of_part(numbers: set[int], part: int, parts: int) -> set[int]:
    return {number for number in numbers if number % parts == part}
