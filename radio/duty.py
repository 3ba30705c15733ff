"""Duty: the sliding hour of one radio, and what of it may still be used.

The law of a band counts what a transmitter sends within any 3,600 s, whatever its preset, so an hour belongs
to a radio in a region and goes on when the preset changes. A frame counts from when it is handed to the
radio, and for an hour from when it left the air: however long it waited there for silence, no 3,600 s hold
more than the limit.

A node that is started again must not get a fresh hour. What was spent is kept by a `Memory`, but an SD card
is not written for every frame: a stretch of airtime is claimed in advance and written down as spent, and the
next write comes when it is used up. So the hour costs at most some ten writes, and a power failure at most
the stretch that was claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

from radio.airtime import HOUR_S, RollingAirtime
from sync.link import Allowance

# The last part of an hour is for alerts only. A tenth of the default on LONG_FAST in Europe (18 s) is eight
# full frames: a camp's own mic check said twice, and a relay of six others'; alerts may use the rest of the
# hour as well. A fifth was kept before; the camp on the only way to others needs 75 frames an hour where a
# message a minute passes, and ran out (50 camps, seeds 2 and 3).
RESERVE_SHARE = 0.1
# What comes before that is for what many lack: own bundles, and relays and answers that serve more than one
# or two camps. Otherwise what a camp on the edge lacks is paid with what the whole network waits for.
MANY_SHARE = 0.1
# But so many frames an hour are for everybody, or a slow preset would never serve a single camp.
FEW_FRAMES_LEAST = 4
# A tenth at a time: eight frames of LONG_FAST. More, and a power failure costs more; less, and the card is
# written more often.
CLAIM_SHARE = 0.1
# What is written down, by the minute: sixty pairs at most.
KEPT_STEP_S = 60.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Airtime in ms whose last frame left the air so many seconds ago."""

    age_s: float
    airtime_ms: float


class Memory(Protocol):
    """Keeps an hour over the end of a process."""

    def recall(self) -> Sequence[Spent]:
        """What was kept, as old as it is now at least; what was claimed is as young as it may be."""

    def keep(self, spent: Sequence[Spent], claimed_ms: float) -> None:
        """Write it down before the next frame leaves."""


class Forgetful:
    """No memory: a radio that lasts as long as its process, as in the simulator."""

    def recall(self) -> Sequence[Spent]:
        """Nothing."""
        return ()

    def keep(self, spent: Sequence[Spent], claimed_ms: float) -> None:
        """Nothing is kept."""


class DutyHour:
    """What one radio sent within the last hour. Times are engine time; not thread-safe."""

    def __init__(
        self, duty_cycle: float, frame_ms: float, memory: Memory | None = None, now: float = 0.0
    ) -> None:
        """`duty_cycle`: share of any hour, 1 for no limit. `frame_ms`: what the dearest frame costs."""
        self.limit_ms = duty_cycle * HOUR_S * 1_000 if duty_cycle < 1 else inf
        self.reserve_ms = _reserve_ms(self.limit_ms, frame_ms)
        self._many_ms = _many_ms(self.limit_ms - self.reserve_ms, self.limit_ms, frame_ms)
        self._memory = memory if memory is not None else Forgetful()
        self._ended = RollingAirtime(HOUR_S)
        self._in_radio_ms = 0.0
        self._claimed_ms = 0.0
        for spent in sorted(self._memory.recall(), key=lambda each: -each.age_s):
            self._ended.add(spent.airtime_ms, now - spent.age_s)

    def spent_ms(self, now: float) -> float:
        """Milliseconds that count now."""
        return self._ended.total_ms(now) + self._in_radio_ms

    def left(self, now: float) -> Allowance:
        """What may still be sent now; less than nothing where the limit was lowered."""
        left_ms = self.limit_ms - self.spent_ms(now)
        any_ms = left_ms - self.reserve_ms
        return Allowance(any_ms, left_ms, any_ms - self._many_ms)

    def take(self, airtime_ms: float, now: float) -> None:
        """A frame of this airtime is about to be handed to the radio."""
        if airtime_ms > self._claimed_ms:
            self._claimed_ms = max(airtime_ms, CLAIM_SHARE * self.limit_ms) if self.limit_ms < inf else inf
            self._keep(now)
        self._claimed_ms -= airtime_ms
        self._in_radio_ms += airtime_ms

    def end(self, airtime_ms: float, now: float) -> None:
        """It left the air."""
        self._in_radio_ms = max(0.0, self._in_radio_ms - airtime_ms)
        self._ended.add(airtime_ms, now)

    def lose(self, now: float) -> None:
        """The radio is gone; what it held may have been sent until now."""
        if self._in_radio_ms:
            self._ended.add(self._in_radio_ms, now)
            self._in_radio_ms = 0.0

    def close(self, now: float) -> None:
        """The node ends in order: what was claimed and not used is given back."""
        self.lose(now)
        self._claimed_ms = 0.0
        self._keep(now)

    def _keep(self, now: float) -> None:
        ended = ((now - at_s, airtime_ms) for at_s, airtime_ms in reversed(self._ended.within(now)))
        self._memory.keep(_by_step(ended), self._claimed_ms + self._in_radio_ms)


def _reserve_ms(limit_ms: float, frame_ms: float) -> float:
    """What is kept for alerts: a frame at least, or it is none; but one is left for everything else."""
    if limit_ms == inf:
        return 0.0
    return max(0.0, min(max(RESERVE_SHARE * limit_ms, frame_ms), limit_ms - frame_ms))


def _many_ms(any_ms: float, limit_ms: float, frame_ms: float) -> float:
    """What is kept for what many lack; a few frames are left for everything else."""
    if limit_ms == inf:
        return 0.0
    return max(0.0, min(MANY_SHARE * limit_ms, any_ms - FEW_FRAMES_LEAST * frame_ms))


def _by_step(ended: Iterable[tuple[float, float]]) -> list[Spent]:
    """Ages and airtimes, youngest first, joined where they are close; each counts as its youngest."""
    joined: list[Spent] = []
    for age_s, airtime_ms in ended:
        if joined and age_s - joined[-1].age_s < KEPT_STEP_S:
            joined[-1] = Spent(joined[-1].age_s, joined[-1].airtime_ms + airtime_ms)
        else:
            joined.append(Spent(age_s, airtime_ms))
    return joined
