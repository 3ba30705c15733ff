"""The links that are up, and what is spread over all of them (PROTOCOL.md §8.3).

What is new leaves at once, before anybody asks for it: our own on every link, another's on every link but the
one it came by. Where everybody hears everything a relay waits and listens first, so that the one who reaches
most is heard and the others keep silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from sync.accept import VerifyBucket
from sync.airtalk import AirTalk
from sync.bundle import BundleClass, BundleId
from sync.cabletalk import CableTalk
from sync.neighbours import Neighbour

# What a broadcast hearer waits before it relays, in which two copies from others make it keep silent.
# FACTS of the field: a Meshtastic relay on LongFast waits as long, so we do not talk over one.
RELAY_DELAY_S = (0.45, 7.6)
# What LoRa's slowest presets still decode, and what a radio in the same square hears (SX1276 data sheet).
SNR_WEAKEST_DB = -20.0
SNR_LOUD_DB = 10.0


class Link:
    """One link: what waits for it, how the camps on it become level, and what it may cost us."""

    def __init__(self, neighbour: Neighbour, talk: AirTalk | CableTalk, now: float) -> None:
        self.profile = neighbour.profile
        self.neighbour = neighbour
        self.talk = talk
        # Who is at the other end of a cable proved its key; in the air anybody may send anything.
        self.bucket = VerifyBucket(now) if self.profile.broadcast else None

    def hear_copy(self, bundle_id: BundleId, now: float) -> None:
        """A bundle that is stored here came once more."""
        self.neighbour.note_copy(bundle_id)
        match self.talk:
            case AirTalk() as talk:
                talk.heard_bundle(bundle_id, now)
            case CableTalk() as talk:
                talk.hear_got((bundle_id,), now)

    def took_in(self, bundle_id: BundleId, now: float) -> None:
        """A bundle that came by this link is stored here now."""
        match self.talk:
            case AirTalk() as talk:
                talk.heard_bundle(bundle_id, now)
            case CableTalk() as talk:
                talk.took_in(bundle_id, now)

    def next_due(self) -> float:
        """The engine time by which this link has something to send; may be in the past."""
        always = float("-inf")
        if self.neighbour.keys_owed:
            return always
        talk_due = self.talk.next_due(always) if isinstance(self.talk, AirTalk) else self.talk.next_due()
        return min(talk_due, self.neighbour.outgoing.next_due(always))


class Links:
    """Every link that is up, by name."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._links: dict[str, Link] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._links

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links.values())

    def add(self, link: Link) -> None:
        """A link is up. One of the same name is replaced."""
        self._links[link.profile.name] = link

    def drop(self, name: str) -> None:
        """A link is gone, and with it what waited for it."""
        self._links.pop(name, None)

    def get(self, name: str) -> Link | None:
        """The link of this name, while it is up."""
        return self._links.get(name)

    def push(self, bundle_id: BundleId, class_: BundleClass, now: float) -> None:
        """Send a bundle of our own on every link."""
        for link in self:
            link.neighbour.outgoing.push(bundle_id, class_)
        self._tell_news(now)

    def relay(
        self, bundle_id: BundleId, class_: BundleClass, source: Link | None, now: float, snr_db: float | None
    ) -> None:
        """Pass on what is new: at once by cable, after a random wait where everybody hears it.

        `source` is the link it came by, `snr_db` how well it was heard there.
        """
        for link in self:
            outgoing, broadcast = link.neighbour.outgoing, link.profile.broadcast
            if link.neighbour.has(bundle_id) or (link is source and not broadcast):
                continue
            if not broadcast:
                outgoing.push(bundle_id, class_)
            elif class_ <= BundleClass.POST:
                outgoing.push(bundle_id, class_, now + self._relay_delay_s(snr_db))
        self._tell_news(now)

    def _tell_news(self, now: float) -> None:
        for link in self:
            if isinstance(link.talk, AirTalk):
                link.talk.news(now)

    def _relay_delay_s(self, snr_db: float | None) -> float:
        """Whoever heard it weakest is farthest away and reaches the most who did not."""
        first, last = RELAY_DELAY_S
        chance = self._random.random()
        if snr_db is not None:
            loudness = min(1.0, max(0.0, (snr_db - SNR_WEAKEST_DB) / (SNR_LOUD_DB - SNR_WEAKEST_DB)))
            chance = (chance + 2 * loudness) / 3
        return first + chance * (last - first)
