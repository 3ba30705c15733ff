"""Comparing: what is here, under another's salt, and what his sketch says that differs (PROTOCOL.md §15.3).

A comparison costs a hash of every live bundle, so there are only so many a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Protocol

from sync.bundle import BundleId
from sync.live import LiveBundle
from sync.purse import Purse
from sync.sketch import (
    NONCE_BYTES,
    Difference,
    Salt,
    SaltedSet,
)

# Comparisons a second: 3,000 bundles cost 5 ms each, so ten are a twentieth of a core.
COMPARISONS_PER_S = 10.0
# A camp without a clock stands still at the last hour it heard of (PROTOCOL.md §6.2), and needs repair most.
# Farther apart nothing is alive for both.
HOURS_APART_MAX = 72


class Sets(Protocol):
    """What is here."""

    def live_at(self, hour: int, mask: int) -> list[LiveBundle]:
        """Live bundles that are alive at this hour, of these classes, in order of id."""

    def ghost_ids(self) -> Iterable[BundleId]:
        """Bundles that were refused here."""


class Comparing:
    """One camp's comparisons on one link. `me`: the four bytes of its salts; `mask`: the link's classes."""

    def __init__(self, sets: Sets, me: bytes, mask: int, random: Random, now: float) -> None:
        self._sets = sets
        self.me = me
        self.mask = mask
        self._random = random
        self._budget = Purse(COMPARISONS_PER_S, COMPARISONS_PER_S, now)

    def is_comparable(self, salt: Salt, mask: int, hour: int | None, now: float) -> bool:
        """Whether it is another's, of our classes and our time, and there is time to compare it."""
        if salt.sender == self.me or not mask & self.mask or not self.is_near(salt, hour):
            return False
        return self.may_compare(now)

    def is_near(self, salt: Salt, hour: int | None) -> bool:
        """Whether something may be alive at the salt's hour and at ours."""
        return hour is None or abs(salt.hour - hour) <= HOURS_APART_MAX

    def may_compare(self, now: float) -> bool:
        """Take the time of one comparison, if there is some left."""
        return self._budget.take(1.0, now)

    def set_of(self, salt: Salt, mask: int) -> SaltedSet:
        """What is here of these classes, under a salt and at its hour."""
        ids = tuple(live.id for live in self._sets.live_at(salt.hour, mask & self.mask))
        return SaltedSet.shared(ids, salt)

    def difference(self, mine: SaltedSet, syndromes: bytes, part: int) -> Difference | None:
        """What differs, refused bundles left out; None when it is too much."""
        ghosts = list(self._sets.ghost_ids())
        return mine.difference(syndromes, part, SaltedSet(ghosts, mine.salt) if ghosts else None)

    def new_salt(self, hour: int) -> Salt:
        """A salt that nobody could guess."""
        return Salt(self._random.randbytes(NONCE_BYTES), hour, self.me)
