"""Trickle (RFC 6206): say often what is new, and almost nothing once everybody agrees.

Two changes bound what one forged frame a minute can do (PROTOCOL.md §15.2): after two intervals of silence
in a row we speak whatever we heard, and who counts as agreeing is decided by the caller. A third is for camps
that hear nobody but us: another's beacon does not reach them, so it does not speak in our place.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random

# RFC 6206 §4.1. A beacon is a second of LongFast; two minutes keep seven camps in earshot under 1 %.
INTERVAL_MIN_S = 120.0
INTERVAL_MAX_S = 3_600.0
# That is for a beacon of 0.9 s, LongFast's, at most; a dearer one comes as much more rarely, so that silence
# costs the same. Firmware 2.8 signs them: 1.4 s, and seven level camps took 0.13 % of the air. Twice is the
# most: a camp that is not heard for hours seems gone.
BEACON_S = 0.9
DEARER_MOST = 2.0
# k: one camp that agrees is enough, everybody in earshot heard it.
AGREEING = 1
SILENT_INTERVALS_MAX = 2
# As many as one channel carries. Names are free to whoever forges them; beyond that we speak once too often.
NAMES_MAX = 64


def interval_max_s(beacon_s: float) -> float:
    """The longest interval where a beacon takes so long."""
    return INTERVAL_MAX_S * min(DEARER_MOST, max(1.0, beacon_s / BEACON_S))


class Trickle:
    """When to speak next, on the engine's clock."""

    def __init__(self, random: Random, now: float, longest_s: float = INTERVAL_MAX_S) -> None:
        self._random = random
        self._longest_s = longest_s
        self._silent = 0
        self._agreeing: set[bytes] = set()
        self._fired = False
        self._interval_s = self._speak_at = self._end = 0.0
        self._begin(INTERVAL_MIN_S, now)

    def agree(self, camp: bytes) -> None:
        """This camp said what we would have said."""
        if len(self._agreeing) < NAMES_MAX:
            self._agreeing.add(camp)

    def differ(self, now: float) -> None:
        """Something differs, or is new: begin again with short intervals."""
        if self._interval_s > INTERVAL_MIN_S:
            self._begin(INTERVAL_MIN_S, now)

    def next_due(self) -> float:
        """When `fire` should be called."""
        return self._end if self._fired else self._speak_at

    def fire(self, now: float, dependents: Collection[bytes] = ()) -> bool:
        """Whether to speak now. Call it when due; it moves on by itself.

        `dependents` hear nobody but us: only their own agreement makes us silent.
        """
        if now < self.next_due():
            return False
        if self._fired:
            self._begin(min(2 * self._interval_s, self._longest_s), now)
            return False
        self._fired = True
        was_said = len(self._agreeing) >= AGREEING and self._agreeing.issuperset(dependents)
        speak = not was_said or self._silent >= SILENT_INTERVALS_MAX
        self._silent = 0 if speak else self._silent + 1
        return speak

    def defer(self, until: float) -> None:
        """Not now: speak then instead, in this interval."""
        self._speak_at = max(self._speak_at, until)
        self._end = max(self._end, self._speak_at)

    def _begin(self, interval_s: float, now: float) -> None:
        self._interval_s = interval_s
        # RFC 6206 §4.2: in the second half, so that a short interval does not follow upon a short one.
        self._speak_at = now + self._random.uniform(interval_s / 2, interval_s)
        self._end = now + interval_s
        self._agreeing.clear()
        self._fired = False
