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
from sync.frames import SENDER_BYTES
from sync.neighbours import Neighbour
from sync.padding import Padding
from sync.signing import author_of
from sync.sketch import SALT_SENDER_BYTES


class Link:
    """One link: what waits for it, how the camps on it become level, and what it may cost us."""

    def __init__(
        self, neighbour: Neighbour, talk: AirTalk | CableTalk, now: float, padding: Padding | None = None
    ) -> None:
        """`padding`: of a link where a longer frame may cost less than a short one."""
        self._padding = padding
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

    def pad(self, frame: bytes) -> bytes:
        """A frame as it leaves on this link."""
        return frame if self._padding is None else self._padding.pad(frame)

    def next_due(self) -> float:
        """The engine time by which this link has something to send; may be in the past."""
        always = float("-inf")
        if self.neighbour.keys_owed:
            return always
        talk_due = self.talk.next_due(always) if isinstance(self.talk, AirTalk) else self.talk.next_due()
        due = min(talk_due, self.neighbour.outgoing.next_due(always))
        return due if due >= self.hushed_until else min(self.hushed_until, self.next_alert_due())

    @property
    def hushed_until(self) -> float:
        """Until then nothing leaves but alerts, and the key of one where it does not fit its frame."""
        if not isinstance(self.talk, AirTalk) or self.neighbour.keys_owed:
            return float("-inf")
        return self.talk.relays.hushed_until

    def next_alert_due(self) -> float:
        """The engine time by which this link has an alert to send: it waits for no quiet channel."""
        asked = self.talk.replies.next_alert_due() if isinstance(self.talk, AirTalk) else float("inf")
        return min(self.neighbour.outgoing.next_alert_due(), asked)


class Links:
    """Every link that is up, by name."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._wired: frozenset[bytes] = frozenset()  # how author ids begin that are at the end of a cable

    def __contains__(self, name: object) -> bool:
        return name in self._links

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links.values())

    def add(self, link: Link) -> None:
        """A link is up. One of the same name is replaced."""
        self._links[link.profile.name] = link
        self._note_wired()

    def drop(self, name: str) -> None:
        """A link is gone, and with it what waited for it."""
        self._links.pop(name, None)
        self._note_wired()

    def is_wired(self, camp: bytes) -> bool:
        """Whether a camp has a cable to us that is up; by the 2 or 4 first bytes of its author id.

        Two bytes are easily made to be another's: then a camp gets by repair what it would have got at once.
        """
        return camp in self._wired

    def _note_wired(self) -> None:
        keys = (link.profile.peer for link in self if not link.profile.broadcast)
        authors = [author_of(key) for key in keys if key is not None]
        self._wired = frozenset(author[:n] for author in authors for n in (SENDER_BYTES, SALT_SENDER_BYTES))

    def get(self, name: str) -> Link | None:
        """The link of this name, while it is up."""
        return self._links.get(name)

    def push(self, bundle_id: BundleId, class_: BundleClass, now: float) -> None:
        """Send a bundle of our own on every link; not on an air where everybody has a cable to us."""
        for link in self:
            if isinstance(link.talk, CableTalk):
                link.neighbour.outgoing.push(bundle_id, class_)
            elif _has_hearers(link.talk, class_, now):
                link.talk.relays.own(bundle_id, class_, now)
                for camp in link.talk.earshot.wired(now):  # has it, and passes it on where that is worth it
                    link.talk.relays.heard(bundle_id, camp, now)
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
        self.heard(bundle_id, source, sender, now)
        for link in self:
            if not isinstance(link.talk, AirTalk) or (link is source and is_answer):
                continue
            if _has_hearers(link.talk, class_, now):
                camp = sender if link is source else _giver(source, link.talk, now)
                link.talk.relays.took_in(bundle_id, class_, camp, now)
        self.announce(bundle_id, class_, source, now)
        self._tell_news(now, source if is_answer else None)

    def announce(self, bundle_id: BundleId, class_: BundleClass, source: Link | None, now: float) -> None:
        """Name what is new, live or history, on every cable but the one it came by."""
        for link in self:
            if isinstance(link.talk, CableTalk) and link is not source:
                link.talk.announce(bundle_id, class_, now)

    def heard(self, bundle_id: BundleId, source: Link | None, sender: bytes | None, now: float) -> None:
        """A camp was heard on the air to send this; if it has a cable too, it needs nothing of it there."""
        if source is None or not source.profile.broadcast or sender is None or sender not in self._wired:
            return
        for link in self:
            peer = link.profile.peer
            if isinstance(link.talk, CableTalk) and peer is not None and author_of(peer).startswith(sender):
                link.talk.heard_on_air(bundle_id, now)

    def _tell_news(self, now: float, but: Link | None = None) -> None:
        for link in self:
            if isinstance(link.talk, AirTalk) and link is not but and not link.talk.earshot.is_all_wired(now):
                link.talk.news(now)


def _has_hearers(talk: AirTalk, class_: BundleClass, now: float) -> bool:
    """Whether somebody may be in earshot who has not got a cable to us too. An alert takes every road."""
    return class_ == BundleClass.ALERT or not talk.earshot.is_all_wired(now)


def _giver(source: Link | None, talk: AirTalk, now: float) -> bytes | None:
    """The camp that gave us a bundle by cable, where this air's radio hears it: as if it had been heard to
    send it.

    Who hears that camp gets it from there too, on the air or by a cable of its own.
    """
    peer = source.profile.peer if source is not None else None
    camp = author_of(peer)[:SENDER_BYTES] if peer is not None else None
    return camp if camp is not None and talk.earshot.is_heard(camp, now) else None
