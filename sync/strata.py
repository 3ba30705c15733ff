"""How much two large sets differ, from a kilobyte (PROTOCOL.md §12.6).

The strata estimator of Eppstein, Goodrich, Uyeda and Varghese (2011), with a PinSketch for each stratum.
Half of a set is in stratum 0, a quarter in 1, and so on by chance, so the same is true of what two sets do
not share. From the sparsest on, strata are decoded until one holds too much; what was found until then,
doubled for each stratum that was not, is how much there is in all. A small difference fits all strata and
is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sync.field import group_sums, locator
from sync.sketch import SYNDROME_BYTES, xor

# 14 strata of 24 syndromes are 1.3 kB. The sparsest overflows beyond 180,000 differences, where a list of
# short ids is cheaper than any sketch; 23 found at a time make an estimate that is a fifth off.
STRATA = 14
STRATUM_SYNDROMES = 24
STRATA_BYTES = STRATA * STRATUM_SYNDROMES * SYNDROME_BYTES
_STRATUM_BYTES = STRATUM_SYNDROMES * SYNDROME_BYTES


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many bundles only one of two sets holds."""

    differences: int
    is_exact: bool


def stratum_of(draws: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The stratum of each id, from 32 bits of chance: how many of the lowest bits are zero, at most the
    last.
    """
    lowest = draws & (~draws + np.uint32(1))
    strata = np.full(len(draws), STRATA - 1, np.intp)
    for stratum in range(STRATA - 1):
        strata[lowest == np.uint32(1 << stratum)] = stratum
    return strata


def draw(numbers: NDArray[np.uint32], strata: NDArray[np.intp]) -> bytes:
    """The sketches of all strata of a set, 0 first. `numbers` are short ids, `strata` where each belongs."""
    order = np.argsort(strata, kind="stable")
    ends = np.cumsum(np.bincount(strata, minlength=STRATA))
    return b"".join(group_sums(numbers[order], ends, STRATUM_SYNDROMES))


def estimate(mine: bytes, theirs: bytes) -> Estimate:
    """How much two sets differ. Both were drawn under the same salt, each of STRATA_BYTES bytes."""
    apart = xor(mine, theirs)
    found = 0
    for stratum in reversed(range(STRATA)):
        sums = apart[stratum * _STRATUM_BYTES : (stratum + 1) * _STRATUM_BYTES]
        polynomial = locator(sums) if any(sums) else b""
        if polynomial is None:
            # At least as many as decode are here, and as many again are expected in each denser stratum.
            return Estimate(max(found, STRATUM_SYNDROMES) << stratum + 1, False)
        found += len(polynomial) // SYNDROME_BYTES
    return Estimate(found, True)
