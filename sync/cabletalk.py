"""What a camp says on a link with two ends beside its bundles: lists of ids, requests, confirmations.

A cable is cheap, so levelling is blunt: each end names all it holds, the other sends what is missing and asks
for what it lacks (PROTOCOL.md §8.4). Nothing of it is signed; it decides what is worth sending, never what is
true. The counterpart where everybody hears everything is `airtalk`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable

from sync.accept import HELD_MAX
from sync.bundle import BUNDLE_ID_BYTES, BundleId, is_alive
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
    ListFrame,
)
from sync.holdings import Holdings
from sync.live import FIRST_ID, LAST_ID
from sync.neighbours import KNOWN_IDS_MAX, Neighbour

# A list of ids goes both ways when a link comes up, then now and then: what was pushed may have been
# lost with a connection. Two minutes of two camps' full windows cost 34 B/s on a cable.
LIST_INTERVAL_S = 120.0
# Requests of one neighbour; a second frame follows when the first was answered.
WANTED_MAX = 2_048
# Authors whose keys the other end asked for and was not sent yet: four full requests, more than the camps in
# the proposal. What is asked beyond is forgotten; it asks again when it meets the author again.
KEYS_OWED_MAX = 256
# A second neighbour is not asked for what the first was asked for this long ago.
ASK_AGAIN_S = 10.0
ASKED_MAX = 10_000
# A control array beside its ids: head, array, strings, hour, mask, first and last.
CONTROL_OVERHEAD_BYTES = 64


class Requests:
    """Which neighbour was asked for which bundle, so that two do not send the same. The oldest goes."""

    def __init__(self, links: Container[str]) -> None:
        """`links`: names of the links that are up. Who went away with a request will not answer it."""
        self._links = links
        self._asked: dict[BundleId, tuple[str, float]] = {}

    def is_asked(self, bundle_id: BundleId, now: float) -> bool:
        """Whether some neighbour that is still there was asked for it a moment ago."""
        link, at = self._asked.get(bundle_id, ("", float("-inf")))
        return link in self._links and now - at < ASK_AGAIN_S

    def ask(self, bundle_id: BundleId, link: str, now: float) -> None:
        """This link is asked for it now."""
        if len(self._asked) >= ASKED_MAX:
            del self._asked[next(iter(self._asked))]
        self._asked[bundle_id] = (link, now)

    def answered(self, bundle_id: BundleId) -> None:
        """It came, by whatever road."""
        self._asked.pop(bundle_id, None)


class CableTalk:
    """One camp on one link with two ends. Times are engine time; `hour` is E, None while it is unknown."""

    def __init__(
        self, holdings: Holdings, neighbour: Neighbour, requests: Requests, mask: int, now: float
    ) -> None:
        self._holdings = holdings
        self._neighbour = neighbour
        self._requests = requests
        self._mask = mask
        self._wanted: OrderedDict[BundleId, None] = OrderedDict()
        self._authors_wanted: OrderedDict[bytes, None] = OrderedDict()
        self._got: list[BundleId] = []
        self._list_due = now
        self._list_from = FIRST_ID  # where the next part of a long list begins

    # -- what we hear -----------------------------------------------------------------------------

    def hear_list(self, frame: ListFrame, now: float) -> None:
        """The other end named what it holds in a range: send what is missing, ask for what we lack."""
        listed = frozenset(frame.ids)
        for live in self._holdings.live.between(frame.first, frame.last):
            if live.id in listed or not frame.mask & 1 << live.class_:
                continue
            if is_alive(live.hour, live.class_, frame.hour) and not self._neighbour.was_sent(live.id):
                self._neighbour.outgoing.push(live.id, live.class_)
        self.hear_got(frame.ids, now)
        self._want(frame.ids, now)

    def hear_ask(self, ids: Iterable[BundleId]) -> None:
        """The other end lacks these."""
        for bundle_id in ids:
            live = self._holdings.live.get(bundle_id)
            if live is not None:
                self._neighbour.outgoing.push(bundle_id, live.class_)

    def hear_got(self, ids: tuple[BundleId, ...], now: float) -> None:
        """The other end holds these. Of our own bundles that is worth telling."""
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

    def took_in(self, bundle_id: BundleId, now: float) -> None:
        """A bundle from the other end is stored here; it wants to know."""
        self._neighbour.note_has((bundle_id,), now)
        if len(self._got) < KNOWN_IDS_MAX:  # who never reads is told by the next list, if ever
            self._got.append(bundle_id)

    def _want(self, ids: Iterable[BundleId], now: float) -> None:
        live, ghosts, store = self._holdings.live, self._holdings.ghosts, self._holdings.store
        unknown = [bundle_id for bundle_id in ids if bundle_id not in live and bundle_id not in ghosts]
        stored = store.ids_stored(unknown) if unknown else frozenset()
        for bundle_id in unknown:
            if bundle_id in stored or self._requests.is_asked(bundle_id, now):
                continue
            if len(self._wanted) < WANTED_MAX and not store.is_dead(bundle_id):
                self._requests.ask(bundle_id, self._neighbour.profile.name, now)
                self._wanted[bundle_id] = None

    # -- what we say ------------------------------------------------------------------------------

    def next_due(self) -> float:
        """When `next_control` or `next_list` has something; in the past when a request waits."""
        waits = self._wanted or self._got or self._authors_wanted
        return float("-inf") if waits else self._list_due

    def next_control(self) -> Frame | None:
        """The request, answer or confirmation that goes before bundles."""
        most = _ids_max(self._neighbour.profile.mtu)
        if self._authors_wanted:
            return AskKeysFrame(_take(self._authors_wanted, min(most, AUTHORS_MAX)))
        keys = next_keys(self._neighbour, self._holdings)
        if keys is not None:
            return keys
        if self._wanted:
            return AskFrame(_take(self._wanted, most))
        if self._got:
            ids, self._got = self._got[:most], self._got[most:]
            return GotFrame(tuple(ids))
        return None

    def next_list(self, hour: int | None, now: float) -> ListFrame | None:
        """The next part of the list of live ids: one frame a call until the whole range was said."""
        if self._list_due > now:
            return None
        if hour is None:
            self._list_due = now + LIST_INTERVAL_S
            return None
        most = _ids_max(self._neighbour.profile.mtu)
        ids = [live.id for live in self._holdings.live.between(self._list_from, LAST_ID)]
        part, rest = ids[:most], ids[most:]
        last = part[-1] if rest else LAST_ID
        frame = ListFrame(hour, self._mask, self._list_from, last, tuple(part))
        if rest:
            self._list_from = _after(last)
        else:
            self._list_from, self._list_due = FIRST_ID, now + LIST_INTERVAL_S
        return frame


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


def _after(bundle_id: BundleId) -> BundleId:
    """The next id in order. `bundle_id` is not the last one there is."""
    return (int.from_bytes(bundle_id, "big") + 1).to_bytes(len(bundle_id), "big")
