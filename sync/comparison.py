"""One comparison of what two ends of a cable hold, and where it stands (PROTOCOL.md §8.4).

What is said to the other end, what it may still say, and what of it was heard: each part is told, answered
and decoded once, so that whoever asks without end, or answers with noise, gets and costs a bounded amount.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync.bundle import BundleId
from sync.level_frames import (
    PARTS_A_FRAME,
    SHORT_IDS_MAX,
    LevelFrame,
    ShortIdsFrame,
    SketchesFrame,
    Terms,
    WantsFrame,
)
from sync.sketch import SHORT_ID_BYTES, Salt

if TYPE_CHECKING:  # NumPy comes in with the first comparison, not with this module
    from sync.bucketing import SaltedIds

LAST_SHORT = 0xFFFFFFFF
# What somebody who answers with noise can make us decode is twice this many parts, 2 ms each. Where more
# would be needed, a list costs the same bytes and no time.
PARTS_MAX = 512


@dataclass(slots=True)
class Comparison:
    """One comparison and where it stands. `held` is what we hold, as it was described or is compared."""

    salt: Salt
    terms: Terms
    held: SaltedIds
    changes: int  # of our holdings, when `held` was made
    own: frozenset[BundleId]  # live bundles of ours in it
    heard_at: float
    first_open: int = 0  # up to here the short ids were answered for
    undecided: int = 1 << 32  # how many short ids are in no part that was decoded
    asked: set[int] = field(default_factory=set)  # parts that were to be split or listed
    lacking: set[BundleId] = field(default_factory=set)  # the other end does
    told: set[int] = field(default_factory=set)  # parts that were sketched for the other end
    listed: set[int] = field(default_factory=set)  # parts that were listed for it
    answered: set[int] = field(default_factory=set)  # parts of which it said what it wants
    sketched: int = 0  # parts that it sketched for us
    ghosts: SaltedIds | None = None

    def describe(self, opening: bytes) -> list[LevelFrame] | None:
        """What is here, for who said the strata of his set; None when it is the same.

        Sketches of parts, or a list where that is shorter.
        """
        from sync import bucketing, strata

        estimate = strata.estimate(self.held.strata(), opening)
        if estimate.is_exact and estimate.differences == 0:
            self.undecided = 0
            return None
        cut = bucketing.cut_for(estimate.differences, estimate.is_exact)
        if len(cut.parts) > PARTS_MAX or SHORT_ID_BYTES * len(self.held) <= cut.size:
            return self.listing(0, LAST_SHORT)
        return self.sketches(list(cut.parts), cut.syndromes)

    def sketches(self, parts: list[int], syndromes: int) -> list[LevelFrame]:
        """Sketches of these parts, each once, and as many as one comparison is worth."""
        parts = [part for part in parts if part not in self.told]
        parts = parts[: max(0, 2 * PARTS_MAX - len(self.told))]
        self.told.update(parts)
        frames: list[LevelFrame] = []
        for start in range(0, len(parts), PARTS_A_FRAME):
            some = parts[start : start + PARTS_A_FRAME]
            frames.append(SketchesFrame(self.salt, tuple(some), tuple(self.held.sketches(some, syndromes))))
        return frames

    def listing(self, first: int, last: int) -> list[LevelFrame]:
        """All short ids of a span, in as many frames as it takes."""
        frames: list[LevelFrame] = []
        while True:
            end = min(last, self.held.last_of(first, SHORT_IDS_MAX))
            short_ids = self.held.short_ids(first, end)[: SHORT_IDS_MAX * SHORT_ID_BYTES]
            frames.append(ShortIdsFrame(self.salt, first, end, short_ids))
            if end == last:
                return frames
            first = end + 1

    def wanted(self, frame: WantsFrame) -> list[BundleId]:
        """What the other end lacks of this and did not say before. Of each part it is heard once: that
        costs a look at every bundle in it.
        """
        wanted = self.held.ids_of(frame.short_ids) if frame.short_ids else []
        for request in frame.requests:
            if request.part not in self.answered:
                self.answered.add(request.part)
                wanted += self.held.part(request.part).matching(request.want, request.part)
        new = [bundle_id for bundle_id in wanted if bundle_id not in self.lacking]
        self.lacking.update(new)
        return new

    def is_due(self, first: int, last: int, part: int) -> bool:
        """Whether an answer is the next in order, or to a part that was not decoded. Each is taken once."""
        if part in self.asked:
            self.asked.discard(part)
            return True
        if first != self.first_open:
            return False
        self.first_open = last + 1
        return True

    def decided(self, first: int, last: int) -> None:
        """What differs between these short ids is known."""
        self.undecided -= last - first + 1


def split_short_ids(short_ids: bytes) -> list[bytes]:
    """Each by itself."""
    return [short_ids[at : at + SHORT_ID_BYTES] for at in range(0, len(short_ids), SHORT_ID_BYTES)]
