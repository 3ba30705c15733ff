"""The gate: what a bundle from outside must pass before anything of it is kept (PROTOCOL.md §7).

The order of the steps is part of the protocol: from cheap to dear, so that a flood costs its sender more
than us. `bundle.decode` has taken the first, the bytes themselves; storing, passing on and showing are the
engine's, behind the gate. What a message inside says is not looked at: carrying is not showing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync.accept import CandidateKeys, Held, HeldBundles, Proved, find_signer, ids_under
from sync.air_frames import JoinFrame
from sync.bundle import HOURS_AHEAD_MAX, MASK_RADIO, Bundle, BundleId, is_alive
from sync.events import CampWaiting, KeyUsedElsewhere
from sync.holdings import Holdings
from sync.links import Link
from sync.reject import Reason, Reject
from sync.signing import author_of, verify

# 2036. A box without a clock believes hours up to here; a lie from 2099 must not reach its pages.
HOUR_BLIND_MAX = 90_000


@dataclass(frozen=True, slots=True)
class Passed:
    """The bundle is new and may be taken in; `live`, or only as history."""

    id: BundleId
    key: bytes  # that signed it
    live: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The very same bytes are stored here."""

    id: BundleId


class Gate:
    """One camp's gate. `link` is the one a bundle came by; None: a file, or a link that is gone."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._held = HeldBundles()
        self._candidates = CandidateKeys()

    def judge(
        self, bundle: Bundle, link: Link | None, now: float, proved: Proved | None = None
    ) -> Passed | Known:
        """Let a decoded bundle through, or raise Reject. `proved`: its signature was checked already."""
        broadcast = link is not None and link.profile.broadcast
        alive = self._check_hour(bundle, broadcast, now)
        keys = self._keys_to_try(bundle.author) if proved is None else (proved.key,)
        ids = ids_under(bundle, keys, self._holdings.network) if proved is None else (proved.id,)
        for bundle_id in ids:
            if self._holdings.store.wire_of(bundle_id) == bundle.wire:
                return Known(bundle_id)
        key = self._find_signer(bundle, keys, link, now) if proved is None else proved.key
        bundle_id = ids[keys.index(key)]
        self._check_admission(bundle, key, bundle_id, now)
        live = alive and self._holdings.live.is_in_window(bundle.author, bundle.hour, bundle_id)
        if not live and broadcast:
            self._holdings.add_ghost(bundle_id)
            raise Reject(Reason.WINDOW)
        if self._holdings.store.is_dead(bundle_id):
            raise Reject(Reason.REPLAY)
        return Passed(bundle_id, key, live)

    # -- keys -------------------------------------------------------------------------------------

    def try_key(self, key: bytes) -> None:
        """Remember a key that came without proof; a signature that verifies under it is its proof."""
        self._candidates.offer(key)

    def release(self, key: bytes) -> list[Held]:
        """A key came: the bundles that waited for one of its author, to be judged again."""
        author = author_of(key)
        if not self._held.has_author(author) and key in self._holdings.store.keys_of(author):
            return []
        self._candidates.offer(key)
        return self._held.take(author)

    def lacks_key(self, author: bytes) -> bool:
        """Whether bundles of this author are held that no key was tried on.

        What no key at hand verifies is held on, because two keys may share an author id. But nobody is asked
        for a key again that is here: it was asked for without end, for one forged bundle.
        """
        return self._held.has_author(author) and not self._candidates.of(author)

    def may_be(self, bundle: Bundle, generation: bytes) -> bool:
        """Whether the id of a bundle begins with `generation` under some key; True where no key is known."""
        keys = self._keys_to_try(bundle.author)
        ids = ids_under(bundle, keys, self._holdings.network)
        return not keys or any(bundle_id.startswith(generation) for bundle_id in ids)

    def admits_join(self, frame: JoinFrame) -> bool:
        """Whether an admitted camp whose key we know signed this (PROTOCOL.md §14.7)."""
        for key in self._holdings.store.keys_of(frame.author):
            signed = self._holdings.network.join_input(key, frame.asked, frame.hour)
            if key in self._holdings.admission and verify(key, signed, frame.signature):
                return True
        return False

    def _keys_to_try(self, author: bytes) -> tuple[bytes, ...]:
        proved = self._holdings.keys_of(author)
        return (*proved, *(key for key in self._candidates.of(author) if key not in proved))

    # -- the steps --------------------------------------------------------------------------------

    def _check_hour(self, bundle: Bundle, broadcast: bool, now: float) -> bool:
        """Whether the bundle is inside its life."""
        if broadcast and not MASK_RADIO & 1 << bundle.class_:
            raise Reject(Reason.CLASS)
        hour = self._holdings.hours.hour(now) or 0
        if not self._holdings.hours.is_trusted:
            if bundle.hour > HOUR_BLIND_MAX:
                raise Reject(Reason.HOUR)
            # Whoever is ahead of a box without a clock is how it learns the hour.
            hour = max(hour, bundle.hour)
        if bundle.hour > hour + HOURS_AHEAD_MAX:
            raise Reject(Reason.HOUR)
        alive = is_alive(bundle.hour, bundle.class_, hour)
        if broadcast and not alive:
            raise Reject(Reason.HOUR)
        return alive

    def _find_signer(self, bundle: Bundle, keys: tuple[bytes, ...], link: Link | None, now: float) -> bytes:
        bucket = link.bucket if link is not None else None
        try:
            return find_signer(bundle, keys, self._holdings.network, bucket, now)
        except Reject as reject:
            if link is not None and reject.reason in (Reason.KEY, Reason.SIGNATURE):
                self._hold(bundle, link, now)
            raise

    def _hold(self, bundle: Bundle, link: Link, now: float) -> None:
        """Keep a bundle until a key for it comes. With proved keys at hand it is more likely a forgery."""
        if not self._holdings.store.keys_of(bundle.author):
            self._held.add(bundle, link.profile.name)
            if self.lacks_key(bundle.author):
                link.talk.lack_key(bundle.author, now)

    def _check_admission(self, bundle: Bundle, key: bytes, bundle_id: BundleId, now: float) -> None:
        if key == self._holdings.identity.key:
            # After a salvage, neighbours give back what the damaged file lost.
            salvaged = self._holdings.store.meta("salvaged_hour")
            if not isinstance(salvaged, int) or bundle.hour > salvaged:
                self._holdings.tell(KeyUsedElsewhere(bundle_id))
            return
        if key in self._holdings.admission and self._holdings.store.add_key(key, bundle.hour):
            self._holdings.hours.heard(key, bundle.hour)
            return
        self._holdings.store.refuse_key(key, self._holdings.hours.wall_s(now))
        self._holdings.tell(CampWaiting(key))
        self._holdings.add_ghost(bundle_id)
        raise Reject(Reason.ADMISSION)
