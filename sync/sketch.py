"""Sketches: a set of bundles in a few bytes, whose size is that of the difference (PROTOCOL.md §12).

PinSketch (Dodis, Ostrovsky, Reyzin and Smith 2008): the odd power sums of short ids over GF(2^32).
Two camps XOR theirs, and what both hold is gone. What is left gives a polynomial whose zeros are the
ids that one of them lacks. We try our own ids on it: those that fit are what the other lacks, and the
polynomial of the others *is* our request, which any holder tries on its own ids. Nobody factors it.

Short ids are salted anew in every beacon. Under a lasting salt somebody would make bundles whose
short ids are equal, and they would vanish from every sketch.

NumPy comes in with the first set, not with this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from sync.bundle import BundleId

SYNDROME_BYTES = 4
SHORT_ID_BYTES = 4
NONCE_BYTES = 4
SALT_SENDER_BYTES = 4

# 8 syndromes are 32 bytes of a beacon of 50, and tell up to 7 differences from more.
BEACON_SYNDROMES = 8
# 43 differences are more than an hour of a camp's posts; 176 bytes fill a frame that firmware does not sign.
SKETCH_SYNDROMES = 44
# Parts are numbered like a heap: 1 is all, n halves into 2n and 2n + 1.
WHOLE = 1
# 15 halvings leave 43 of more than a million bundles.
PART_MAX = 0xFFFF

_ZERO = bytes(SHORT_ID_BYTES)
_ONE = b"\x01\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Salt:
    """What makes the short ids of one comparison differ from those of the next."""

    nonce: bytes  # 4 bytes, random
    hour: int  # of whoever draws the sketch; bundles live at that hour are in it
    sender: bytes  # the first 4 bytes of its author id

    def short_ids(self, bundle_ids: Iterable[BundleId]) -> list[bytes]:
        """The 4 bytes that stand for each bundle. Zero is in no sketch, so one takes its place."""
        return [_ONE if draw == _ZERO else draw for draw in self.draws(bundle_ids, SHORT_ID_BYTES)]

    def draws(self, bundle_ids: Iterable[BundleId], width: int) -> list[bytes]:
        """So many bytes of chance for each under this salt, of which short ids are the beginning."""
        key = self.nonce + self.hour.to_bytes(4, "big") + self.sender
        return [blake2b(bundle_id, key=key).digest()[:width] for bundle_id in bundle_ids]


@dataclass(frozen=True, slots=True)
class Difference:
    """What two sets do not share."""

    mine: tuple[BundleId, ...]  # I hold them and the other does not
    want: bytes  # coefficients of the polynomial of what the other holds and I do not; for a WANT

    @property
    def lacking(self) -> int:
        """How many the other holds and I do not."""
        return len(self.want) // SYNDROME_BYTES


class SaltedSet:
    """The bundles a camp holds, under one salt. Made for one comparison and thrown away.

    3,000 bundles take 5 ms and 0.5 MB at the most.
    """

    def __init__(self, bundle_ids: Iterable[BundleId], salt: Salt, short_ids: bytes | None = None) -> None:
        """`short_ids`: those of the ids under this salt, joined, where somebody has them already."""
        from sync.field import Elements

        self.salt = salt
        self._ids = tuple(bundle_ids)
        self._elements = Elements(b"".join(salt.short_ids(self._ids)) if short_ids is None else short_ids)

    @staticmethod
    def shared(bundle_ids: tuple[BundleId, ...], salt: Salt) -> SaltedSet:
        """The same set; equal for equal bundles and salts, so the last few are kept."""
        return _shared(bundle_ids, salt)

    def __len__(self) -> int:
        return len(self._ids)

    def count(self, part: int = WHOLE) -> int:
        """How many of the set are in a part."""
        return self._elements.count(*part_span(part))

    def ids_in(self, part: int = WHOLE) -> tuple[BundleId, ...]:
        """The bundles of a part."""
        first, last = part_span(part)
        numbers = (int.from_bytes(short, "little") for short in self.salt.short_ids(self._ids))
        return tuple(
            bundle_id for bundle_id, number in zip(self._ids, numbers, strict=True) if first <= number <= last
        )

    def sketch(self, syndromes: int, part: int = WHOLE) -> bytes:
        """The sketch of a part: so many syndromes of 4 bytes."""
        return self._elements.power_sums(syndromes, *part_span(part))

    def matching(self, want: bytes, part: int = WHOLE) -> tuple[BundleId, ...]:
        """Which of the set somebody wants: the zeros of his polynomial (`Difference.want`)."""
        return tuple(self._ids[place] for place in self._zeros(want, part))

    def difference(
        self, theirs: bytes, part: int = WHOLE, ghosts: SaltedSet | None = None
    ) -> Difference | None:
        """What differs between a sketch of this salt and part and this set; None when it is too much.

        With t syndromes up to t - 1 differences are found. `ghosts` are bundles that were refused here:
        the other may hold them or not, they are neither asked for nor offered.
        """
        apart = xor(theirs, self.sketch(len(theirs) // SYNDROME_BYTES, part))
        if not any(apart):
            return Difference((), b"")
        found = self._explain(apart, part, ghosts)
        if found is None and ghosts is not None and len(ghosts) > 0:
            apart = xor(apart, ghosts.sketch(len(theirs) // SYNDROME_BYTES, part))
            found = self._explain(apart, part, ghosts)
        return found

    def difference_from_few(self, theirs: bytes, part: int = WHOLE) -> Difference | None:
        """What differs from a set so small that its sketch tells all of it: t - 1 elements at most.

        However much this set holds beside it. None when the other set is larger.
        """
        held = self._explain(theirs, part, None)
        if held is None:
            return None
        common = frozenset(held.mine)
        return Difference(tuple(each for each in self.ids_in(part) if each not in common), held.want)

    def _explain(self, apart: bytes, part: int, ghosts: SaltedSet | None) -> Difference | None:
        from sync.field import locator

        polynomial = locator(apart)
        if polynomial is None:
            return None
        syndromes = len(apart) // SYNDROME_BYTES
        known = 0
        places: list[int] = []
        for holder in (self, ghosts):
            if holder is None or not polynomial:
                continue
            zeros = holder._zeros(polynomial, part)
            known += len(zeros)
            if zeros:
                apart = xor(apart, holder._elements.power_sums_at(zeros, syndromes))
            if holder is self:
                places = zeros
        want = locator(apart) if known else polynomial
        # Two bundles with one short id, or a polynomial that is no product of linear factors: rare or forged.
        if want is None or len(want) + known * SYNDROME_BYTES != len(polynomial):
            return None
        return Difference(tuple(self._ids[place] for place in places), want)

    def _zeros(self, coefficients: bytes, part: int) -> list[int]:
        return self._elements.zeros_of(coefficients, *part_span(part))


def xor(sketch: bytes, other: bytes) -> bytes:
    """The sketch of what only one of two sets holds; of a part's other half, if one set is half of the other.

    Raises ValueError when they have not the same length.
    """
    if len(sketch) != len(other):
        raise ValueError(f"sketches of {len(sketch)} and {len(other)} bytes")
    return (int.from_bytes(sketch) ^ int.from_bytes(other)).to_bytes(len(sketch))


def halves_of(part: int) -> tuple[int, int]:
    """The two parts a part is split into. Raises ValueError when it is too small to split."""
    if 2 * part + 1 > PART_MAX:
        raise ValueError(f"part {part} is not split")
    return 2 * part, 2 * part + 1


def part_span(part: int) -> tuple[int, int]:
    """The first and the last short id of a part, read as numbers."""
    depth = part.bit_length() - 1
    width = 32 - depth
    first = part - (1 << depth) << width
    return first, first + (1 << width) - 1


# A beacon, the request for more of it and what others want under its salt are mostly compared with one set.
# Where many camps live in one process, those who hold the same reckon it once: each brings its own ids.
@lru_cache(maxsize=8)
def _shared(bundle_ids: tuple[BundleId, ...], salt: Salt) -> SaltedSet:
    return SaltedSet(bundle_ids, salt)
