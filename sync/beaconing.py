"""Beaconing: when a camp tells what it holds (PROTOCOL.md §15.2).

The Trickle timer says when. Another camp's beacon that agrees speaks in our place; and while something is
asked for and mended, a beacon would only be one frame more.
"""

from __future__ import annotations

from random import Random

from sync.air_frames import BeaconFrame
from sync.comparing import Comparing
from sync.earshot import Earshot
from sync.sketch import BEACON_SYNDROMES
from sync.trickle import Trickle

# What a repair is said to cost silence: no beacon so soon after one (seven camps level 200 differences with
# 514 frames so, with 2,336 otherwise: prototype of the design). Who is owed something, or owes, has no more
# to learn from a beacon until a purse is a third full again.
BEACON_LOCK_S = 20.0
LOCK_OF_FILLING = 1 / 3
DEFERRED_MAX = 4


class Beaconing:
    """One camp's beacons on one link. Times are engine time; a camp is two bytes of its author id."""

    def __init__(
        self,
        earshot: Earshot,
        comparing: Comparing,
        random: Random,
        now: float,
        longest_s: float,
        fill_s: float,
    ) -> None:
        """`longest_s`: the longest Trickle interval; `fill_s`: until an empty purse is full."""
        self._earshot = earshot
        self._comparing = comparing
        self._trickle = Trickle(random, now, longest_s)
        self._fill_s = fill_s
        self._repair_at = float("-inf")
        self._deferred = 0

    # -- what is heard ----------------------------------------------------------------------------

    def agree(self, camp: bytes) -> None:
        """This camp said what we would have said."""
        self._trickle.agree(camp)

    def differ(self, now: float) -> None:
        """Something differs, or is new: soon we shall want to know who lacks it."""
        self._trickle.differ(now)

    def repair(self, now: float) -> None:
        """Something is asked for, or mended, by us or another."""
        self._repair_at = now

    def repaired_by(self, camp: bytes, now: float) -> None:
        """This camp's answer brought something new: a beacon of ours shows it to who did not hear that."""
        if self._earshot.hides_from_some(camp, now):
            self._trickle.differ(now)

    # -- what is said -----------------------------------------------------------------------------

    def next_due(self) -> float:
        """When `next_beacon` should be called."""
        return self._trickle.next_due()

    def next_beacon(self, hour: int, now: float, has_repaired: bool) -> BeaconFrame | None:
        """The beacon that is due, if it is worth its airtime.

        `has_repaired`: we ask for much, or others asked us.
        """
        lock_s = BEACON_LOCK_S
        if self._earshot.is_square(now) and has_repaired:
            lock_s = max(lock_s, LOCK_OF_FILLING * self._fill_s)
        if now - self._repair_at < lock_s and self._deferred < DEFERRED_MAX:
            self._deferred += 1
            self._trickle.defer(self._repair_at + lock_s)
            return None
        self._deferred = 0
        if not self._trickle.fire(now, self._earshot.dependents(now)):
            return None
        salt, mask = self._comparing.new_salt(hour), self._comparing.mask
        mine = self._comparing.set_of(salt, mask)
        sketch = mine.sketch(BEACON_SYNDROMES)
        return BeaconFrame(salt, mask, min(len(mine), 0xFFFF), sketch, self._earshot.named(now))
