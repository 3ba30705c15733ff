"""What we believe of whoever is at the other end of a link (PROTOCOL.md §8.4).

All of it is a hint from unsigned frames: it decides what is worth sending, never what is true.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from sync.bundle import BundleId
from sync.link import LinkProfile
from sync.live import FIRST_ID
from sync.schedule import Outgoing

# A list of ids goes both ways when a link comes up, then now and then: what was pushed may have been
# lost with a connection. Two minutes of two camps' full windows cost 34 B/s on a cable.
LIST_INTERVAL_S = 120.0
# What a broadcast hearer waits before it relays, in which two copies from others make it keep silent.
# FACTS of the field: a Meshtastic relay on LongFast waits as long, so we do not talk over one.
RELAY_DELAY_S = (0.45, 7.6)
RELAY_COPIES = 2
# Ids remembered of one neighbour: the windows of 150 camps, and then the oldest goes.
KNOWN_IDS_MAX = 150 * 64
# Authors whose keys one neighbour asked for and was not sent yet: four full requests, more than the camps in
# the proposal. What is asked beyond is forgotten; the neighbour asks again when it meets the author again.
KEYS_OWED_MAX = 256
# Requests of one frame; a second frame follows when the first was answered.
WANTED_MAX = 2_048


class _Recent:
    """The newest ids, each with the engine time at which it was noted."""

    def __init__(self) -> None:
        self._at: OrderedDict[BundleId, float] = OrderedDict()

    def note(self, bundle_id: BundleId, now: float) -> None:
        self._at[bundle_id] = now
        self._at.move_to_end(bundle_id)
        if len(self._at) > KNOWN_IDS_MAX:
            self._at.popitem(last=False)

    def when(self, bundle_id: BundleId) -> float | None:
        return self._at.get(bundle_id)


class Neighbour:
    """One link, what waits for it, and what its other end seems to hold."""

    def __init__(self, profile: LinkProfile, now: float) -> None:
        self.profile = profile
        self.outgoing = Outgoing()
        self.wanted: OrderedDict[BundleId, None] = OrderedDict()
        self.got: list[BundleId] = []
        self.authors_wanted: OrderedDict[bytes, None] = OrderedDict()
        self.keys_asked: OrderedDict[bytes, None] = OrderedDict()
        self.list_due = now if not profile.broadcast else float("inf")
        self.list_from = FIRST_ID  # where the next part of a long list begins
        self._has = _Recent()
        self._sent = _Recent()
        self._heard_copies: dict[BundleId, int] = {}

    def note_has(self, bundle_ids: Iterable[BundleId], now: float) -> None:
        """The other end holds these; nothing of them needs to be sent."""
        for bundle_id in bundle_ids:
            self._has.note(bundle_id, now)
            self.outgoing.drop(bundle_id)

    def has(self, bundle_id: BundleId) -> bool:
        """Whether the other end is believed to hold it. Of a broadcast link nobody can say so."""
        return not self.profile.broadcast and self._has.when(bundle_id) is not None

    def note_sent(self, bundle_id: BundleId, now: float) -> None:
        """It was handed to the link."""
        self._sent.note(bundle_id, now)

    def was_sent(self, bundle_id: BundleId) -> bool:
        """Whether it went to this end already. A cable loses nothing while it is up: what was sent and is
        not listed there was refused, and whoever wants it after all will ask."""
        return self._sent.when(bundle_id) is not None

    def note_copy(self, bundle_id: BundleId) -> None:
        """Somebody sent it in earshot; two such copies make our own relay superfluous."""
        if not self.profile.broadcast or self._sent.when(bundle_id) is not None:
            return
        copies = self._heard_copies.get(bundle_id, 0) + 1
        if copies >= RELAY_COPIES:
            self.outgoing.drop(bundle_id)
            self._heard_copies.pop(bundle_id, None)
            return
        if len(self._heard_copies) >= KNOWN_IDS_MAX:
            self._heard_copies.pop(next(iter(self._heard_copies)))
        self._heard_copies[bundle_id] = copies

    def has_control(self) -> bool:
        """Whether a request, an answer or a confirmation waits."""
        return bool(self.wanted or self.got or self.authors_wanted or self.keys_asked)
