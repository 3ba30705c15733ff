"""The simulated air: one LoRa channel in virtual time, as harsh as the real one.

What is modelled is what decides whether gossip works (FACTS of the field, "LoRa airtime"): a frame takes
as long as the firmware says; a radio that sends hears nothing; it listens before it sends and still
misses whoever began less than a slot ago; two frames that overlap at a hearer destroy each other there.
Who hears whom is a table, and need not be mutual. Nothing here is tuned: `tests/radio/test_simulated.py`
freezes it, so that a better figure is a better protocol and not a kinder air.

It owns no clock. Ask `next_due`, call `step` then, and read what happened.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from random import Random

from radio.airtime import Firmware, Preset, RollingAirtime
from sync.frames import RADIO_FRAME_BYTES_MAX

# Semtech's contention slot as Meshtastic firmware computes it: 2.5 symbols of sensing, and 7.6 ms to turn
# round, propagate and process.
SLOT_SYMBOLS = 2.5
SLOT_TURN_ROUND_MS = 7.6
# The contention window grows from 2^3 to 2^8 slots with the share of the last minute the channel was busy.
WINDOW_BITS_MIN = 3
WINDOW_BITS_MAX = 8
UTILISATION_S = 60.0
# A receiver keeps the stronger of two overlapping frames when it leads by this much (SX1276: 6 dB).
CAPTURE_DB = 6.0
# Signal to noise a packet needs at SF6, and what each further factor wins (SX1276 data sheet, table 13).
FLOOR_SF6_DB = -5.0
FLOOR_STEP_DB = -2.5


class Fate(StrEnum):
    """What became of a frame at one hearer."""

    HEARD = "heard"
    COLLIDED = "collision"  # something else was on the air there
    DEAF = "deaf"  # the hearer was sending itself
    LOST = "lost"  # chance: a bus, a body, a microwave oven
    PART = "part"  # one of the two came or went in the middle


@dataclass(frozen=True, slots=True)
class Path:
    """How one camp hears another: share of frames lost by chance, and signal to noise ratio."""

    loss: float = 0.0
    snr_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """One hearer's share in a frame."""

    hearer: str
    fate: Fate
    snr_db: float


@dataclass(frozen=True, slots=True)
class Began:
    """A radio began to send."""

    sender: str
    frame: bytes
    at_s: float
    airtime_ms: float


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame left the air: `airtime_ms` is what it took, less than planned where the radio was cut off."""

    sender: str
    frame: bytes
    at_s: float
    airtime_ms: float
    hearings: tuple[Hearing, ...]

    def heard_by(self) -> tuple[str, ...]:
        """Who has it now."""
        return tuple(each.hearer for each in self.hearings if each.fate is Fate.HEARD)


@dataclass(slots=True, eq=False)
class _Reception:
    hearer: _Radio
    of: _Transmission
    path: Path
    fate: Fate = Fate.HEARD

    def spoil(self, fate: Fate) -> None:
        """The first cause is the one that is told."""
        if self.fate is Fate.HEARD:
            self.fate = fate


@dataclass(slots=True, eq=False)
class _Transmission:
    sender: _Radio
    frame: bytes
    began_s: float
    airtime_ms: float
    receptions: list[_Reception] = field(default_factory=list)
    is_over: bool = False


@dataclass(slots=True, eq=False)
class _Radio:
    name: str
    waiting: bytes | None = None
    sending: _Transmission | None = None
    incoming: list[_Reception] = field(default_factory=list)
    busy: RollingAirtime = field(default_factory=lambda: RollingAirtime(UTILISATION_S))
    is_on: bool = True


# The end of a frame comes before whatever begins at the same instant: to touch is not to overlap.
_END, _SENSE = 0, 1


class Air:
    """One channel and the radios on it. `capture`: a frame 6 dB above its rivals survives them."""

    def __init__(
        self, preset: Preset, random: Random, capture: bool = False, firmware: Firmware = Firmware.V2_8
    ) -> None:
        self.preset = preset
        self.slot_s = (SLOT_SYMBOLS * preset.symbol_ms + SLOT_TURN_ROUND_MS) / 1_000
        self.floor_db = FLOOR_SF6_DB + FLOOR_STEP_DB * (preset.spreading - 6)
        self._random = random
        self._capture = capture
        self._firmware = firmware
        # Asked for some ten times a turn.
        self._airtimes_ms = [
            preset.airtime_ms(length, firmware) for length in range(RADIO_FRAME_BYTES_MAX + 1)
        ]
        self._radios: dict[str, _Radio] = {}
        self._paths: dict[str, dict[str, Path]] = {}
        self._on_air: list[_Transmission] = []
        self._due: list[tuple[float, int, int, _Transmission | _Radio]] = []
        self._count = itertools.count()

    # -- who is there ---------------------------------------------------------------------------------

    def switch_on(self, name: str) -> None:
        """A radio listens from now on, with the paths of its name. Raises ValueError when it is on."""
        if name in self._radios:
            raise ValueError(f"{name} is on already")
        radio = self._radios[name] = _Radio(name)
        for transmission in self._on_air:
            self._come_in_late(transmission, radio)

    def switch_off(self, name: str, now: float) -> list[Sent]:
        """A radio goes; the frame it was sending ends here and reaches nobody."""
        radio = self._radios.pop(name)
        radio.is_on = False
        radio.waiting = None
        for reception in radio.incoming:
            reception.spoil(Fate.PART)
        if radio.sending is None:
            return []
        for reception in radio.sending.receptions:
            reception.spoil(Fate.PART)
        return [self._end(radio.sending, now, (now - radio.sending.began_s) * 1_000)]

    def is_on(self, name: str) -> bool:
        """Whether this radio listens."""
        return name in self._radios

    def set_path(self, sender: str, hearer: str, path: Path | None) -> None:
        """`hearer` hears `sender` like this; None: not at all. One way only."""
        known = self._paths.setdefault(sender, {})
        if path is not None:
            known[hearer] = path
        elif known.pop(hearer, None) is None:
            return
        radio = self._radios.get(hearer)
        for transmission in self._on_air:
            if radio is None or transmission.sender.name != sender:
                continue
            under_way = [each for each in transmission.receptions if each.hearer is radio]
            for reception in under_way if path is None else ():
                reception.spoil(Fate.PART)
            if not under_way:
                self._come_in_late(transmission, radio)

    def paths_from(self, sender: str) -> dict[str, Path]:
        """Who hears this camp, and how."""
        return dict(self._paths.get(sender, {}))

    # -- sending --------------------------------------------------------------------------------------

    def is_free(self, name: str) -> bool:
        """Whether this radio takes a frame now: it holds one at a time."""
        radio = self._radios.get(name)
        return radio is not None and radio.waiting is None and radio.sending is None

    def offer(self, name: str, frame: bytes, now: float) -> None:
        """Give a radio a frame, sent when the channel is silent. Raises ValueError when it holds one."""
        if not self.is_free(name):
            raise ValueError(f"{name} cannot take a frame now")
        radio = self._radios[name]
        radio.waiting = frame
        self._back_off(radio, now, 0)

    def airtime_ms(self, frame_bytes: int) -> float:
        """What a frame of ours of this length costs here."""
        if frame_bytes < len(self._airtimes_ms):
            return self._airtimes_ms[frame_bytes]
        return self.preset.airtime_ms(frame_bytes, self._firmware)

    def utilisation(self, name: str, now: float) -> float:
        """Share of the last minute in which this radio sent or heard somebody send, 0 to 1."""
        return min(1.0, self._radios[name].busy.total_ms(now) / (UTILISATION_S * 1_000))

    # -- time -----------------------------------------------------------------------------------------

    def next_due(self) -> float:
        """When `step` has something to do; infinity when the air is silent and nobody waits."""
        return self._due[0][0] if self._due else float("inf")

    def step(self, now: float) -> list[Began | Sent]:
        """Let everything happen that is due by `now`, in its order and at its own time."""
        happened: list[Began | Sent] = []
        while self._due and self._due[0][0] <= now:
            at_s, _, _, what = heapq.heappop(self._due)
            if isinstance(what, _Radio):
                began = self._sense(what, at_s)
                if began is not None:
                    happened.append(began)
            elif not what.is_over:
                happened.append(self._end(what, at_s, what.airtime_ms))
        return happened

    def _put(self, at_s: float, order: int, what: _Transmission | _Radio) -> None:
        heapq.heappush(self._due, (at_s, order, next(self._count), what))

    def _back_off(self, radio: _Radio, now: float, slots_min: int) -> None:
        """Firmware's `getTxDelayMsec`: a random number of slots below the window."""
        utilisation = self.utilisation(radio.name, now)
        bits = WINDOW_BITS_MIN + int(utilisation * (WINDOW_BITS_MAX - WINDOW_BITS_MIN))
        self._put(now + self._random.randrange(slots_min, 2**bits) * self.slot_s, _SENSE, radio)

    def _sense(self, radio: _Radio, now: float) -> Began | None:
        """The back-off is over: send, or back off again when somebody is heard sending."""
        if radio.waiting is None:
            return None
        if any(now - reception.of.began_s >= self.slot_s for reception in radio.incoming):
            self._back_off(radio, now, 1)  # to look again in the same instant shows nothing new
            return None
        return self._begin(radio, radio.waiting, now)

    def _begin(self, radio: _Radio, frame: bytes, now: float) -> Began:
        transmission = _Transmission(radio, frame, now, self.airtime_ms(len(frame)))
        radio.waiting, radio.sending = None, transmission
        self._on_air.append(transmission)
        for reception in radio.incoming:
            reception.spoil(Fate.DEAF)
        for hearer, path in self._paths.get(radio.name, {}).items():
            if hearer in self._radios and path.snr_db >= self.floor_db:
                self._arrive(_Reception(self._radios[hearer], transmission, path))
        self._put(now + transmission.airtime_ms / 1_000, _END, transmission)
        return Began(radio.name, frame, now, transmission.airtime_ms)

    def _arrive(self, reception: _Reception) -> None:
        hearer = reception.hearer
        if hearer.sending is not None:
            reception.spoil(Fate.DEAF)
        for rival in hearer.incoming:
            lead_db = reception.path.snr_db - rival.path.snr_db if self._capture else 0.0
            if lead_db < CAPTURE_DB:
                reception.spoil(Fate.COLLIDED)
            if -lead_db < CAPTURE_DB:
                rival.spoil(Fate.COLLIDED)
        hearer.incoming.append(reception)
        reception.of.receptions.append(reception)

    def _come_in_late(self, transmission: _Transmission, radio: _Radio) -> None:
        """Without its beginning a frame is only noise, but noise it is."""
        path = self._paths.get(transmission.sender.name, {}).get(radio.name)
        if path is not None and path.snr_db >= self.floor_db:
            self._arrive(_Reception(radio, transmission, path, Fate.PART))

    def _end(self, transmission: _Transmission, now: float, spent_ms: float) -> Sent:
        sender = transmission.sender
        transmission.is_over = True
        self._on_air.remove(transmission)
        sender.sending = None
        sender.busy.add(spent_ms, now)
        hearings = []
        for reception in transmission.receptions:
            hearer = reception.hearer
            hearer.incoming.remove(reception)
            hearer.busy.add(spent_ms, now)
            if reception.fate is Fate.HEARD and self._random.random() < reception.path.loss:
                reception.spoil(Fate.LOST)
            hearings.append(Hearing(hearer.name, reception.fate, reception.path.snr_db))
        return Sent(sender.name, transmission.frame, now, spent_ms, tuple(hearings))


class Trace:
    """A hash over everything that was on the air: two runs are the same run when it is equal."""

    def __init__(self, start_s: float) -> None:
        self._start_s = start_s
        self._hash = blake2b(digest_size=16)

    def note(self, sent: Sent) -> None:
        """Add a frame: when it ended (to the microsecond), whose, what, and what each hearer got."""
        head = f"{round((sent.at_s - self._start_s) * 1e6)} {sent.sender} {sent.frame.hex()}"
        fates = "".join(f" {each.hearer}={each.fate}" for each in sent.hearings)
        self._hash.update(f"{head}{fates}\n".encode())

    def hex(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()
