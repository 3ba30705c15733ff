"""What leaves next on a link: one frame at a time, chosen at the moment of sending (PROTOCOL.md §8.2, §8.4).

Alerts go first, then small control frames that unblock others, then bundles by class and age, then lists.
What was decided a minute ago may be superfluous now, so nothing is encoded before the link is ready for it.
"""

from __future__ import annotations

from random import Random

from sync import air_frames
from sync.air_frames import AirFrame
from sync.airtalk import AirTalk
from sync.blockpost import symbol_bytes_max
from sync.bundle import BundleClass, BundleId
from sync.cabletalk import CableTalk, next_keys
from sync.coding import SYMBOLS_MAX
from sync.events import BundleSent
from sync.frames import BundleFrame, Frame, FrameType
from sync.holdings import Holdings
from sync.link import Allowance
from sync.links import Link
from sync.live import LiveBundle
from sync.signing import KEY_BYTES
from sync.youngkeys import YoungKeys

# A mic check is said twice whatever beacons say, the second time when the first one's relays are over.
SAY_AGAIN_S = (15.0, 40.0)
SAID_AGAIN_MAX = 64  # a day of one camp's mic checks


class Dispatch:
    """Chooses and encodes the frames of one camp."""

    def __init__(self, holdings: Holdings, random: Random) -> None:
        self._holdings = holdings
        self._random = random
        self._said_again: dict[BundleId, None] = {}
        self._keys = YoungKeys()

    def met_key(self, author: bytes, now: float) -> None:
        """An author's key came by air: whoever hears our relays may lack it as well."""
        self._keys.met(author, now)

    def next_frame(self, link: Link, now: float, left: Allowance) -> bytes | None:
        """The frame that leaves next; None when nothing is due for which there is airtime left."""
        if isinstance(link.talk, AirTalk):  # an alert that was asked for is an alert
            self._queue(link.talk.replies.next_bundle(now, alerts_only=True), link.talk, now)
        if self._is_alert_next(link, now):
            return self._next_bundle(link, now, left)
        if now < link.hushed_until:
            return None
        if link.profile.airtime_ms(link.profile.mtu) > left.any_ms:
            return self._next_bundle(link, now, left)  # while a full frame does not fit, a small one may
        match link.talk:
            case AirTalk() as talk:
                keys = next_keys(link.neighbour, self._holdings)
                return self._encode(keys) if keys is not None else self._next_on_air(talk, link, now, left)
            case CableTalk() as talk:
                return self._next_by_cable(talk, link, now, left)

    def _is_alert_next(self, link: Link, now: float) -> bool:
        first = link.neighbour.outgoing.peek(now)
        live = self._holdings.live.get(first) if first is not None else None
        return live is not None and live.class_ == BundleClass.ALERT

    def _next_by_cable(self, talk: CableTalk, link: Link, now: float, left: Allowance) -> bytes | None:
        control = talk.next_control(now)
        if control is not None:
            return self._encode(control)
        encoded = self._next_bundle(link, now, left)
        if encoded is not None:
            return encoded
        step = talk.next_step(now)
        if step is not None:
            return self._encode(step)
        return self._next_bundle(link, now, left)  # what a comparison found

    def _next_on_air(self, talk: AirTalk, link: Link, now: float, left: Allowance) -> bytes | None:
        hour = self._holdings.hours.hour(now)
        is_short = self._is_short(link, left)
        frame = talk.next_frame(hour, now, is_short)
        if frame is None:
            self._queue_answer(talk, link, now, is_short)
            encoded = self._next_bundle(link, now, left)
            if encoded is not None:
                return encoded
            frame = talk.next_frame(hour, now, is_short)  # the first piece of a long bundle
            if frame is None:
                frame = talk.replies.next_parcel(now, is_short)
        return self._encode(frame) if frame is not None else None

    def _is_short(self, link: Link, left: Allowance) -> bool:
        """Whether what is left of the hour is kept for what many lack."""
        return left.few_ms < link.profile.airtime_ms(link.profile.mtu)

    def _queue_answer(self, talk: AirTalk, link: Link, now: float, is_short: bool) -> None:
        """What others asked for leaves when nothing of our own does."""
        outgoing = link.neighbour.outgoing
        if outgoing.peek(now) is None or (is_short and outgoing.serves_few(now)):
            self._queue(talk.replies.next_bundle(now, is_short=is_short), talk, now)

    def _queue(self, owed: BundleId | None, talk: AirTalk, now: float) -> None:
        live = self._holdings.live.get(owed) if owed is not None else None
        if live is not None:
            talk.relays.answer(live.id, live.class_, now)

    def _next_bundle(self, link: Link, now: float, left: Allowance) -> bytes | None:
        outgoing, profile = link.neighbour.outgoing, link.profile
        while (bundle_id := outgoing.peek(now)) is not None:
            live = self._holdings.carried(bundle_id, history=not profile.broadcast)
            wire = self._holdings.store.wire_of(bundle_id) if live is not None else None
            if live is None or wire is None or link.neighbour.has(bundle_id):
                outgoing.drop(bundle_id)
                continue
            left_ms = _left_ms(left, live, outgoing.serves_few(now))
            encoded, is_key_apart = self._encode_bundle(live, wire, link, now)
            if profile.airtime_ms(min(len(encoded), profile.mtu)) > left_ms:
                return None
            if len(encoded) > profile.mtu:
                outgoing.drop(bundle_id)
                piece = self._piece(live, wire, link)
                self._note_sent(live, link, now)
                return piece
            if is_key_apart:  # not before: a key that goes ahead takes the airtime its bundle waits for
                link.neighbour.keys_owed[live.author] = None
            outgoing.drop(bundle_id)
            self._note_sent(live, link, now)
            if isinstance(link.talk, AirTalk) and encoded[0] & 0x0F == FrameType.BUNDLE_WITH_KEY:
                link.talk.hear_key(live.author)  # whoever asked for it has it
            return encoded
        return None

    def _encode_bundle(self, live: LiveBundle, wire: bytes, link: Link, now: float) -> tuple[bytes, bool]:
        """The frame of a bundle, and whether a key that belongs to it has to go in a frame of its own."""
        if not self._needs_key(live, link, now):
            return self._encode(BundleFrame(wire)), False
        encoded = self._encode(BundleFrame(wire, live.key))
        if len(encoded) <= link.profile.mtu or not link.profile.broadcast:
            return encoded, False
        return self._encode(BundleFrame(wire)), True

    def _needs_key(self, live: LiveBundle, link: Link, now: float) -> bool:
        """By cable a key is cheap; by radio it goes with an author's bundles while it is new there."""
        if not link.profile.broadcast:
            return True
        if live.key == self._holdings.identity.key:
            self._keys.met(live.author, now)
        # An alert that waits for its key is none.
        if live.class_ == BundleClass.ALERT or self._keys.is_young(live.author, now):
            return True
        return isinstance(link.talk, AirTalk) and link.talk.owes_key(live.author)

    def _piece(self, live: LiveBundle, wire: bytes, link: Link) -> bytes | None:
        """A bundle longer than a frame goes symbol by symbol; one longer than a block, by cable only."""
        width = symbol_bytes_max(link.profile.mtu)
        if not isinstance(link.talk, AirTalk) or len(wire) + KEY_BYTES > SYMBOLS_MAX * width:
            return None
        is_own = live.key == self._holdings.identity.key
        return self._encode(link.talk.piece(live.id, wire, live.key, is_own))

    def _note_sent(self, live: LiveBundle, link: Link, now: float) -> None:
        link.neighbour.note_sent(live.id, now)
        if isinstance(link.talk, AirTalk):
            link.talk.sent(live.id, now)
        if live.key != self._holdings.identity.key:
            return
        if live.class_ == BundleClass.ALERT and isinstance(link.talk, AirTalk):
            self._say_again(live, link.talk, now)
        if self._holdings.store.mark_sent(live.id, self._holdings.hours.wall_s(now)):
            self._holdings.tell(BundleSent(live.id, link.profile.name))

    def _say_again(self, live: LiveBundle, talk: AirTalk, now: float) -> None:
        if live.id in self._said_again:
            return
        self._said_again[live.id] = None
        if len(self._said_again) > SAID_AGAIN_MAX:
            del self._said_again[next(iter(self._said_again))]
        talk.repeat(live.id, now + self._random.uniform(*SAY_AGAIN_S))

    def _encode(self, frame: Frame | AirFrame) -> bytes:
        return air_frames.encode(frame, self._holdings.network, self._holdings.identity.author)


def _left_ms(left: Allowance, live: LiveBundle, serves_few: bool) -> float:
    """What this bundle may cost now."""
    if live.class_ == BundleClass.ALERT:
        return left.alerts_ms
    return min(left.few_ms, left.any_ms) if serves_few else left.any_ms
