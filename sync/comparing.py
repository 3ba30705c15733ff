"""Comparing: what is here, under another's salt, and what his sketch says that differs (PROTOCOL.md §15.3).

A comparison costs a hash of every live bundle, so there are only so many a second. Sketches of the parts of
one set are put together here, and the sets that our own beacons told are kept for who asks for more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from random import Random
from typing import Protocol

from sync.air_frames import SketchFrame
from sync.bundle import BundleId
from sync.live import LiveBundle
from sync.purse import Purse
from sync.sketch import (
    NONCE_BYTES,
    PART_MAX,
    SKETCH_SYNDROMES,
    WHOLE,
    Difference,
    Salt,
    SaltedSet,
    halves_of,
    xor,
)

# Comparisons a second: 3,000 bundles cost 5 ms each, so ten are a twentieth of a core.
COMPARISONS_PER_S = 10.0
# Salts and sketches remembered: those of the last minutes of a crowded channel.
SALTS_MAX = 4
SKETCHES_MAX = 32
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
        self._me = me
        self.mask = mask
        self._random = random
        self._budget = Purse(COMPARISONS_PER_S, COMPARISONS_PER_S, now)
        # What our own beacons said: the parts of one sketch must be of one set.
        self._own: OrderedDict[Salt, tuple[SaltedSet, set[int]]] = OrderedDict()
        self._told: OrderedDict[tuple[Salt, int], bytes] = OrderedDict()

    def is_comparable(self, salt: Salt, mask: int, hour: int | None, now: float) -> bool:
        """Whether it is another's, of our classes and our time, and there is time to compare it."""
        if salt.sender == self._me or not mask & self.mask or not self.is_near(salt, hour):
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

    def parts_told(self, frame: SketchFrame) -> list[tuple[int, bytes]]:
        """The part of this sketch, and its sister where what both are halves of was told before."""
        salt, part = frame.salt, frame.part
        told = [(part, frame.syndromes)]
        above = self._told.get((salt, part // 2))
        if part > WHOLE and above is not None:
            length = min(len(above), len(frame.syndromes))
            told.append((part ^ 1, xor(above[:length], frame.syndromes[:length])))
        for each, syndromes in told:
            self._told[salt, each] = syndromes
            self._told.move_to_end((salt, each))
            if len(self._told) > SKETCHES_MAX:
                self._told.popitem(last=False)
        return told

    # -- our own ----------------------------------------------------------------------------------

    def new_salt(self, hour: int) -> Salt:
        """A salt that nobody could guess."""
        return Salt(self._random.randbytes(NONCE_BYTES), hour, self._me)

    def remember(self, mine: SaltedSet) -> None:
        """A beacon told this set; somebody may ask for more of it."""
        self._own[mine.salt] = (mine, set())
        if len(self._own) > SALTS_MAX:
            self._own.popitem(last=False)

    def remembers(self, salt: Salt) -> bool:
        """Whether more can be told of a beacon of ours."""
        return salt in self._own

    def more(self, salt: Salt, part: int) -> SketchFrame | None:
        """The sketch of a part of what a beacon told; where that was said, of its left half. Each once."""
        if salt not in self._own:
            return None
        mine, said = self._own[salt]
        if part in said:
            if 2 * part + 1 > PART_MAX:
                return None
            part = halves_of(part)[0]
        if part in said:
            return None
        said.add(part)
        return SketchFrame(salt, self.mask, mine.count(part), part, mine.sketch(SKETCH_SYNDROMES, part))
