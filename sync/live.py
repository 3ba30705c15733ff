"""The live set: the bundles that camps level with each other (PROTOCOL.md §6).

Whether a bundle is live follows from its signed bytes, the hour, and its author's carried bundles
alone, never from when or by which road it came. Two camps that carry the same bundles at the same
hour therefore have the same set, whatever they show, hide, or have room for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sync.bundle import BUNDLE_ID_BYTES, WINDOW_BUNDLES, BundleClass, BundleId, is_alive

FIRST_ID = bytes(BUNDLE_ID_BYTES)
LAST_ID = b"\xff" * BUNDLE_ID_BYTES


@dataclass(frozen=True, slots=True)
class LiveBundle:
    """What the set knows of a bundle; its bytes stay in the store."""

    id: BundleId
    author: bytes
    key: bytes
    hour: int
    class_: BundleClass
    size: int  # wire bytes


class LiveSet:
    """Live bundles by id, in order of id, and by author in order of sealing."""

    def __init__(self, bundles: Iterable[LiveBundle] = ()) -> None:
        self._by_id = {bundle.id: bundle for bundle in bundles}
        self._ids = sorted(self._by_id)
        self._of_author: dict[bytes, list[tuple[int, BundleId]]] = {}
        for bundle in self._by_id.values():
            self._of_author.setdefault(bundle.author, []).append((bundle.hour, bundle.id))
        for window in self._of_author.values():
            window.sort()

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def authors(self) -> int:
        """How many camps have something in the set."""
        return len(self._of_author)

    def __contains__(self, bundle_id: object) -> bool:
        return bundle_id in self._by_id

    def __iter__(self) -> Iterator[LiveBundle]:
        return iter(self._by_id.values())

    def get(self, bundle_id: BundleId) -> LiveBundle | None:
        """The live bundle of this id."""
        return self._by_id.get(bundle_id)

    def of_author(self, author: bytes) -> list[BundleId]:
        """An author's live bundles, the oldest first."""
        return [bundle_id for _, bundle_id in self._of_author.get(author, [])]

    def between(self, first: BundleId, last: BundleId) -> list[LiveBundle]:
        """Live bundles with first <= id <= last, in order of id."""
        start, end = bisect_left(self._ids, first), bisect_right(self._ids, last)
        return [self._by_id[bundle_id] for bundle_id in self._ids[start:end]]

    def is_in_window(self, author: bytes, hour: int, bundle_id: BundleId) -> bool:
        """Whether a bundle of this hour and id would be among its author's newest."""
        window = self._of_author.get(author, [])
        return len(window) < WINDOW_BUNDLES or (hour, bundle_id) > window[0]

    def add(self, bundle: LiveBundle) -> LiveBundle | None:
        """Take a bundle in; the author's oldest that leaves the window for it, if any."""
        self._by_id[bundle.id] = bundle
        insort(self._ids, bundle.id)
        window = self._of_author.setdefault(bundle.author, [])
        insort(window, (bundle.hour, bundle.id))
        if len(window) <= WINDOW_BUNDLES:
            return None
        oldest = self._by_id[window[0][1]]
        self.discard(oldest.id)
        return oldest

    def discard(self, bundle_id: BundleId) -> None:
        """Take a bundle out if it is in."""
        bundle = self._by_id.pop(bundle_id, None)
        if bundle is None:
            return
        del self._ids[bisect_left(self._ids, bundle_id)]
        window = self._of_author[bundle.author]
        window.remove((bundle.hour, bundle_id))
        if not window:
            del self._of_author[bundle.author]

    def expired(self, now_hour: int, ahead_too: bool) -> list[BundleId]:
        """Bundles whose life is over at `now_hour`; `ahead_too`: or has not begun."""
        return [
            b.id
            for b in self._by_id.values()
            if not is_alive(b.hour if ahead_too else min(b.hour, now_hour), b.class_, now_hour)
        ]
