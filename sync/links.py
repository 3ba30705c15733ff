"""The links that are up, and what is spread over all of them (PROTOCOL.md §8.3).

What is new leaves at once: our own on every link, before anybody asks for it; another's is named on every
cable but the one it came by, and sent to whoever lacks it. Where everybody hears everything a relay waits
and listens first, so that the one who reaches most is heard and the others keep silent.
"""

from __future__ import annotations

from collections.abc import Iterator

from sync.accept import VerifyBucket
from sync.airtalk import AirTalk
from sync.bundle import BundleClass, BundleId
from sync.cabletalk import CableTalk
from sync.neighbours import Neighbour


class Link:
    """One link: what waits for it, how the camps on it become level, and what it may cost us."""

    def __init__(self, neighbour: Neighbour, talk: AirTalk | CableTalk, now: float) -> None:
        self.profile = neighbour.profile
        self.neighbour = neighbour
        self.talk = talk
        # Who is at the other end of a cable proved its key; in the air anybody may send anything.
        self.bucket = VerifyBucket(now) if self.profile.broadcast else None

    def hear_copy(self, bundle_id: BundleId, sender: bytes | None, now: float) -> None:
        """A bundle that is stored here came once more, from the camp whose frames begin so."""
        match self.talk:
            case AirTalk() as talk:
                talk.relays.heard(bundle_id, sender, now)
                talk.heard_bundle(bundle_id, now)
            case CableTalk() as talk:
                talk.hear_bundle(bundle_id, now)

    def took_in(self, bundle_id: BundleId, key: bytes, now: float) -> None:
        """A bundle that came by this link is stored here now; `key` signed it."""
        match self.talk:
            case AirTalk() as talk:
                talk.heard_bundle(bundle_id, now)
            case CableTalk() as talk:
                talk.took_in(bundle_id, key, now)

    def next_due(self) -> float:
        """The engine time by which this link has something to send; may be in the past."""
        always = float("-inf")
        if self.neighbour.keys_owed:
            return always
        talk_due = self.talk.next_due(always) if isinstance(self.talk, AirTalk) else self.talk.next_due()
        return min(talk_due, self.neighbour.outgoing.next_due(always))


class Links:
    """Every link that is up, by name."""

    def __init__(self) -> None:
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
            if isinstance(link.talk, AirTalk):
                link.talk.relays.own(bundle_id, class_, now)
            else:
                link.neighbour.outgoing.push(bundle_id, class_)
        self._tell_news(now)

    def relay(
        self,
        bundle_id: BundleId,
        class_: BundleClass,
        source: Link | None,
        sender: bytes | None,
        now: float,
        is_answer: bool = False,
    ) -> None:
        """Pass on what is new and live: name it on cables, and where everybody hears it send it when it is
        worth it.

        `source` is the link it came by, `sender` the camp that was heard to send it there. Who asked for an
        answer is in earshot of it; whoever else lacks it shows that by a beacon.
        """
        for link in self:
            if isinstance(link.talk, AirTalk) and link is source and is_answer:
                continue
            if isinstance(link.talk, AirTalk):
                link.talk.relays.took_in(bundle_id, class_, sender if link is source else None, now)
        self.announce(bundle_id, class_, source, now)
        self._tell_news(now, source if is_answer else None)

    def announce(self, bundle_id: BundleId, class_: BundleClass, source: Link | None, now: float) -> None:
        """Name what is new, live or history, on every cable but the one it came by."""
        for link in self:
            if isinstance(link.talk, CableTalk) and link is not source:
                link.talk.announce(bundle_id, class_, now)

    def _tell_news(self, now: float, but: Link | None = None) -> None:
        for link in self:
            if isinstance(link.talk, AirTalk) and link is not but:
                link.talk.news(now)
