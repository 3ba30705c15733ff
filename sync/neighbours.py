"""What we believe of whoever is at the other end of a link (PROTOCOL.md §8.4).

All of it is a hint from unsigned frames: it decides what is worth sending, never what is true.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from sync.bundle import BundleId
from sync.link import LinkProfile
from sync.schedule import Outgoing

# Ids remembered of one neighbour: the windows of 150 camps, and then the oldest goes.
KNOWN_IDS_MAX = 150 * 64


class _Recent:
    """The newest ids, each with the engine time at which it was noted."""

    def __init__(self) -> None:
        self._at: OrderedDict[BundleId, float] = OrderedDict()

    def note(self, bundle_id: BundleId, now: float) -> None:
        self._at[bundle_id] = now
        self._at.move_to_end(bundle_id)
        if len(self._at) > KNOWN_IDS_MAX:
            self._at.popitem(last=False)

    def forget(self, bundle_id: BundleId) -> None:
        self._at.pop(bundle_id, None)

    def when(self, bundle_id: BundleId) -> float | None:
        return self._at.get(bundle_id)


class Neighbour:
    """One link, what waits for it, and what its other end seems to hold."""

    def __init__(self, profile: LinkProfile) -> None:
        self.profile = profile
        self.outgoing = Outgoing()
        self.keys_owed: OrderedDict[bytes, None] = OrderedDict()  # by author
        self._has = _Recent()
        self._sent = _Recent()

    def note_has(self, bundle_ids: Iterable[BundleId], now: float) -> None:
        """The other end holds these; nothing of them needs to be sent."""
        for bundle_id in bundle_ids:
            self._has.note(bundle_id, now)
            self.outgoing.drop(bundle_id)

    def note_lacks(self, bundle_ids: Iterable[BundleId]) -> None:
        """It said that it lacks these after all."""
        for bundle_id in bundle_ids:
            self._has.forget(bundle_id)

    def has(self, bundle_id: BundleId) -> bool:
        """Whether the other end is believed to hold it. Of a broadcast link nobody can say so."""
        return not self.profile.broadcast and self._has.when(bundle_id) is not None

    def note_sent(self, bundle_id: BundleId, now: float) -> None:
        """It was handed to the link."""
        self._sent.note(bundle_id, now)

    def was_sent(self, bundle_id: BundleId, since: float = float("-inf")) -> bool:
        """Whether it went to this end since then. A cable loses nothing while it is up: what was sent and is
        not there was refused, and whoever wants it after all will ask."""
        at = self._sent.when(bundle_id)
        return at is not None and at >= since
