"""A set of ids under one salt, cut into buckets: how two camps on a cable compare a hundred thousand
(PROTOCOL.md §12.6).

One sketch of a large difference is slow to decode (the time grows with its square). So both sets are cut
into parts by short id, and each part is compared by itself: small sketches, all in one answer. What does
not decode is cut again, or listed.

This module imports NumPy. `levelling` imports it when there is something to compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from sync import strata
from sync.bundle import BundleId
from sync.field import group_sums
from sync.sketch import SHORT_ID_BYTES, Difference, Salt, SaltedSet, part_span

_WIRE = np.dtype("<u4")
FIRST_SHORT = 0
LAST_SHORT = 0xFFFFFFFF

# Differences meant for one part. Fewer make more bytes of margin, more take longer to decode: at 32, 1,000
# differences are 7 kB of sketches and a twentieth of a second.
PART_DIFFERENCES = 32
# Where a part's sketch would be shorter than this it is not worth its head and its decoding.
SYNDROMES_MIN = 16
SYNDROMES_MAX = 64
# A fifth more than estimated, and of each part what chance adds in nine of ten.
_MARGIN = 1.2
_CHANCE = 1.3


@dataclass(frozen=True, slots=True)
class Cut:
    """How a set is cut for an answer: 2^depth parts, sketches of so many syndromes."""

    depth: int
    syndromes: int

    @property
    def parts(self) -> range:
        """The numbers of the parts, in the order of their short ids."""
        return range(1 << self.depth, 2 << self.depth)

    @property
    def size(self) -> int:
        """Bytes of all sketches."""
        return (SHORT_ID_BYTES * self.syndromes) << self.depth


def cut_for(differences: int, is_exact: bool) -> Cut:
    """The parts and sketches that two sets with so many differences want."""
    expected = differences if is_exact else ceil(differences * _MARGIN)
    if is_exact and expected < SYNDROMES_MAX:
        return Cut(0, max(SYNDROMES_MIN, expected + 1))
    depth = max(0, ceil(expected / PART_DIFFERENCES / 1.4) - 1).bit_length()
    each = expected / (1 << depth)
    wanted = ceil(each + _CHANCE * sqrt(each)) + 2
    return Cut(depth, min(SYNDROMES_MAX, max(SYNDROMES_MIN, wanted)))


class SaltedIds:
    """Ids in the order of their short ids under one salt. Made for one comparison and thrown away.

    100,000 ids take a fifth of a second, of which four fifths are BLAKE2b.
    """

    def __init__(self, bundle_ids: Sequence[BundleId], salt: Salt) -> None:
        self.salt = salt
        digests = b"".join(digest[: 2 * SHORT_ID_BYTES] for digest in salt.digests(bundle_ids))
        columns = np.frombuffer(digests, _WIRE).astype(np.uint32).reshape(-1, 2)
        numbers = np.where(columns[:, 0] == 0, np.uint32(1), columns[:, 0])
        order = np.argsort(numbers, kind="stable")
        self._numbers = numbers[order]
        self._draws = columns[:, 1][order]
        self._ids = [bundle_ids[place] for place in order.tolist()]

    def __len__(self) -> int:
        return len(self._ids)

    def strata(self) -> bytes:
        """What `strata.estimate` takes."""
        return strata.draw(self._numbers, strata.stratum_of(self._draws))

    def sketches(self, parts: Sequence[int], syndromes: int) -> list[bytes]:
        """The sketch of each of these parts."""
        return [self.part(part).sketch(syndromes, part) for part in parts]

    def sketch(self, syndromes: int) -> bytes:
        """The sketch of all of it."""
        ends = np.array([len(self._numbers)], np.intp)
        return group_sums(self._numbers, ends, syndromes)[0]

    def part(self, part: int) -> SaltedSet:
        """One part as a set of its own."""
        return self._between(*part_span(part))

    def short_ids(self, first: int, last: int) -> bytes:
        """The short ids from first to last, each as often as it occurs."""
        return self._numbers[self._span(first, last)].astype(_WIRE).tobytes()

    def last_of(self, first: int, most: int) -> int:
        """Up to which short id a list may go that begins at `first` and names `most` ids at most."""
        start = int(np.searchsorted(self._numbers, np.uint32(first)))
        if start + most >= len(self._numbers):
            return LAST_SHORT
        behind = int(self._numbers[start + most])
        # Equal short ids stay together. More than `most` equal ones are 2^32 work each; then all are named.
        return behind - 1 if behind > first else int(self._numbers[start + most])

    def ids_of(self, short_ids: bytes) -> list[BundleId]:
        """The ids that these stand for."""
        wanted = np.unique(np.frombuffer(short_ids, _WIRE).astype(np.uint32))
        return [self._ids[place] for place in np.flatnonzero(np.isin(self._numbers, wanted)).tolist()]

    def ids(self, first: int = FIRST_SHORT, last: int = LAST_SHORT) -> list[BundleId]:
        """The ids whose short ids lie between these."""
        return self._ids[self._span(first, last)]

    def against_list(self, first: int, last: int, theirs: bytes) -> Listed:
        """What differs from a list of the short ids that somebody holds from first to last."""
        span = self._span(first, last)
        mine = Counter(self._numbers[span].tolist())
        other = Counter(np.frombuffer(theirs, _WIRE).tolist())
        offered = mine - other
        held = zip(self._ids[span], self._numbers[span].tolist(), strict=True)
        lacking = (other - mine).keys()
        return Listed(
            tuple(bundle_id for bundle_id, short in held if short in offered),
            np.array(sorted(lacking), _WIRE).tobytes(),
        )

    def difference(self, theirs: bytes, part: int, ghosts: SaltedIds | None) -> Difference | None:
        """What differs between a part of this set and somebody's sketch of his; None when it is too much."""
        unwanted = ghosts.part(part) if ghosts is not None and len(ghosts) else None
        return self.part(part).difference(theirs, part, unwanted)

    def _span(self, first: int, last: int) -> slice:
        start = np.searchsorted(self._numbers, np.uint32(first), side="left")
        return slice(int(start), int(np.searchsorted(self._numbers, np.uint32(last), side="right")))

    def _between(self, first: int, last: int) -> SaltedSet:
        span = self._span(first, last)
        return SaltedSet(self._ids[span], self.salt, self._numbers[span].astype(_WIRE).tobytes())


@dataclass(frozen=True, slots=True)
class Listed:
    """What two sets do not share, where one was listed."""

    mine: tuple[BundleId, ...]
    lacking: bytes  # short ids that the other holds and I do not
