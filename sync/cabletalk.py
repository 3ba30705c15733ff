"""What a camp says on a link with two ends beside its bundles: what is new here, requests, and steps of
levelling.

What is new is named, and sent to whoever asks: a camp with three cables gets it once (PROTOCOL.md §8.3).
What was missed is found by comparing (`levelling`). Nothing of it is signed; it decides what is worth
sending, never what is true. The counterpart where everybody hears everything is `airtalk`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from random import Random

from sync.accept import HELD_MAX
from sync.bundle import BUNDLE_ID_BYTES, BundleClass, BundleId
from sync.events import NeighbourHas
from sync.frames import (
    AUTHORS_MAX,
    IDS_MAX,
    KEYS_MAX,
    AskFrame,
    AskKeysFrame,
    Frame,
    GotFrame,
    KeysFrame,
)
from sync.holdings import Holdings
from sync.intake import ASK_AGAIN_S, SILENT_S, Intake
from sync.level_frames import LevelFrame
from sync.levelling import Levelling, Wish
from sync.neighbours import KNOWN_IDS_MAX, Neighbour

# Requests to one neighbour; a second frame follows when the first was answered. What is named beyond is
# found by comparing.
WANTED_MAX = 2_048
# Ids that it named and that are looked at in their turn: as many as it is remembered to hold.
NAMED_MAX = KNOWN_IDS_MAX
# Authors whose keys the other end asked for and was not sent yet: four full requests, more than the camps in
# the proposal. What is asked beyond is forgotten; it asks again when it meets the author again.
KEYS_OWED_MAX = 256
# A control array beside its ids: head, array, string.
CONTROL_OVERHEAD_BYTES = 16


class CableTalk:
    """One camp on one link with two ends. Times are engine time."""

    def __init__(
        self,
        holdings: Holdings,
        neighbour: Neighbour,
        intake: Intake,
        wish: Wish,
        random: Random,
        now: float,
    ) -> None:
        self._holdings = holdings
        self._neighbour = neighbour
        self._link = neighbour.profile.name
        self._intake = intake
        self._levelling = Levelling(holdings, neighbour, intake, wish, random, self._hear_has, now)
        self._named: OrderedDict[BundleId, float] = OrderedDict()  # by the other end; when to look at it
        self._named_due = float("inf")
        self._wanted: OrderedDict[BundleId, None] = OrderedDict()
        self._authors_wanted: OrderedDict[bytes, None] = OrderedDict()
        self._got: OrderedDict[BundleId, None] = OrderedDict()

    # -- what we hear -----------------------------------------------------------------------------

    def hear_level(self, frame: LevelFrame, now: float) -> None:
        """The other end compares. Raises Reject(FRAME)."""
        self._levelling.hear(frame, now)

    def hear_ask(self, ids: Iterable[BundleId], now: float) -> None:
        """The other end lacks these. What left a moment ago is on its way to it."""
        wanted = self._holdings.store.carried(
            bundle_id for bundle_id in ids if not self._neighbour.was_sent(bundle_id, now - SILENT_S)
        )
        self._neighbour.note_lacks(bundle.id for bundle in wanted)
        for bundle in wanted:
            self._neighbour.outgoing.push(bundle.id, bundle.class_)

    def hear_got(self, ids: tuple[BundleId, ...], now: float) -> None:
        """The other end holds these: ask for what we lack."""
        self._hear_has(ids, now)
        # While another neighbour has the turn to send, much of what is named comes from there.
        look_at = now if self._intake.is_free(self._link, now) else now + ASK_AGAIN_S
        for bundle_id in ids:
            self._named[bundle_id] = look_at
            self._named_due = min(self._named_due, look_at)
            if len(self._named) > NAMED_MAX:
                self._named.popitem(last=False)
                self._levelling.soon(now)

    def hear_bundle(self, bundle_id: BundleId, now: float) -> None:
        """The other end sent this; it was here already."""
        self._intake.came(self._link, now)
        self._hear_has((bundle_id,), now)

    def heard_on_air(self, bundle_id: BundleId, now: float) -> None:
        """The other end was heard to send this on the air: it is neither sent nor named to it here.

        A beacon that agrees is not enough (PROTOCOL.md §15.1). Of its own bundles it is told all the same.
        """
        self._neighbour.note_has((bundle_id,), now)
        live = self._holdings.live.get(bundle_id)
        if live is None or live.key != self._neighbour.profile.peer:
            self._got.pop(bundle_id, None)

    def hear_asked_keys(self, authors: Iterable[bytes], now: float) -> None:
        """The other end lacks keys."""
        # Of other authors nothing is kept: names are free to make up.
        for author in authors:
            if len(self._neighbour.keys_owed) >= KEYS_OWED_MAX:
                return
            if self._holdings.keys_of(author):
                self._neighbour.keys_owed[author] = None

    def lack_key(self, author: bytes, now: float) -> None:
        """A bundle of an author whose key we do not know came from the other end."""
        self._authors_wanted[author] = None
        if len(self._authors_wanted) > HELD_MAX:  # the bundle of the oldest is held no longer
            self._authors_wanted.popitem(last=False)

    def took_in(self, bundle_id: BundleId, key: bytes, now: float) -> None:
        """A bundle from the other end is stored here; if it is its own, it wants to know."""
        self._intake.came(self._link, now)
        self._neighbour.note_has((bundle_id,), now)
        if key == self._neighbour.profile.peer:
            self._name(bundle_id, now)

    def announce(self, bundle_id: BundleId, class_: BundleClass, now: float) -> None:
        """Another's bundle came here by another road. An alert is not talked about, it is sent."""
        if self._neighbour.has(bundle_id):
            return
        if class_ == BundleClass.ALERT:
            self._neighbour.outgoing.push(bundle_id, class_)
        else:
            self._name(bundle_id, now)

    def _name(self, bundle_id: BundleId, now: float) -> None:
        self._got[bundle_id] = None
        if len(self._got) > KNOWN_IDS_MAX:  # who never reads is told by the next comparison
            self._got.popitem(last=False)
            self._levelling.soon(now)

    def _hear_has(self, ids: Iterable[BundleId], now: float) -> None:
        """The other end holds these. Of our own bundles that is worth telling."""
        ids = tuple(ids)
        self._neighbour.note_has(ids, now)
        peer = self._neighbour.profile.peer
        if peer is None:
            return
        own = self._holdings.identity.key
        for bundle_id in ids:
            live = self._holdings.live.get(bundle_id)
            if (
                live is not None
                and live.key == own
                and self._holdings.store.note_neighbour_has(bundle_id, peer)
            ):
                self._holdings.tell(NeighbourHas(bundle_id, peer))

    def _want_named(self, now: float) -> None:
        """Of what the other end named, want what is not here, was not refused, and is not on its way."""
        if self._named_due > now:
            return
        due = [bundle_id for bundle_id, at in self._named.items() if at <= now]
        store = self._holdings.store
        known = {bundle_id for bundle_id in due if bundle_id in self._holdings.ghosts} | store.ids_stored(due)
        for bundle_id in due:
            if bundle_id in known or store.is_dead(bundle_id):
                del self._named[bundle_id]
            elif self._intake.is_asked(bundle_id, now):
                self._named[bundle_id] = now + ASK_AGAIN_S
            elif len(self._wanted) < WANTED_MAX:
                del self._named[bundle_id]
                self._intake.ask(bundle_id, self._link, now)
                self._wanted[bundle_id] = None
        self._named_due = min(self._named.values(), default=float("inf"))

    # -- what we say ------------------------------------------------------------------------------

    def next_due(self) -> float:
        """When there is something to say; in the past when it waits."""
        if self._wanted or self._got or self._authors_wanted:
            return float("-inf")
        return min(self._named_due, self._levelling.next_due())

    def next_control(self, now: float) -> Frame | None:
        """The request or announcement that goes before bundles."""
        most = _ids_max(self._neighbour.profile.mtu)
        if self._authors_wanted:
            return AskKeysFrame(_take(self._authors_wanted, min(most, AUTHORS_MAX)))
        keys = next_keys(self._neighbour, self._holdings)
        if keys is not None:
            return keys
        self._want_named(now)
        if self._wanted:
            return AskFrame(_take(self._wanted, most))
        if self._got:
            return GotFrame(_take(self._got, most))
        return None

    def next_step(self, now: float) -> LevelFrame | None:
        """The next step of levelling, to be said when no bundle waits."""
        return self._levelling.next_frame(now)


def next_keys(neighbour: Neighbour, holdings: Holdings) -> KeysFrame | None:
    """Keys owed on a link of any kind, as many as fit a frame. Authors unknown here are passed over."""
    most = min(_ids_max(neighbour.profile.mtu) // 2 or 1, KEYS_MAX)
    while neighbour.keys_owed:
        keys = [key for author in _take(neighbour.keys_owed, most) for key in holdings.keys_of(author)]
        if keys:
            return KeysFrame(tuple(keys[:KEYS_MAX]))
    return None


def _ids_max(mtu: int) -> int:
    """How many ids a control frame names on a link."""
    return min(IDS_MAX, max(1, (mtu - CONTROL_OVERHEAD_BYTES) // BUNDLE_ID_BYTES))


def _take(queue: OrderedDict[bytes, None], most: int) -> tuple[bytes, ...]:
    """The first `most` keys of an ordered set; they leave it."""
    taken = tuple(queue)[:most]
    for item in taken:
        del queue[item]
    return taken
