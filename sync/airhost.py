"""What a talk in the air may know of its camp and ask of it: the `airtalk.Host` of one broadcast link.

The talk deals with salts and syndromes and must not depend on stores and gates; this is the wall between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sync import bundle
from sync.air_frames import JoinFrame
from sync.bundle import BUNDLE_ID_BYTES, Bundle, BundleClass, BundleId, alive_hours
from sync.gate import Gate
from sync.holdings import Holdings
from sync.live import FIRST_ID, LAST_ID, LiveBundle
from sync.reject import Reason, Reject
from sync.signing import KEY_BYTES, author_of

# What a block of true symbols cannot be refused for.
_OF_WRONG_BYTES = frozenset({Reason.LENGTH, Reason.CBOR, Reason.SHAPE, Reason.ENCODING, Reason.SIGNATURE})


class AirHost:
    """The camp as one broadcast link's talk sees it."""

    def __init__(
        self,
        holdings: Holdings,
        gate: Gate,
        accept: Callable[[Bundle, float, bool], object],
        hear_key: Callable[[bytes, float], None],
        is_wired: Callable[[bytes], bool],
    ) -> None:
        """`accept(bundle, now, is_answer)` takes a bundle in as from this link, or raises Reject.

        `hear_key(key, now)` tries a key on what waits for it. `is_wired(camp)`: whether a camp whose author
        id begins so has a cable to us.
        """
        self._holdings = holdings
        self._gate = gate
        self._accept = accept
        self._hear_key = hear_key
        self._is_wired = is_wired

    def live_at(self, hour: int, mask: int) -> list[LiveBundle]:
        """Live bundles that are alive at this hour, of these classes, in order of id."""
        hours = {class_: alive_hours(class_, hour) for class_ in BundleClass if mask & 1 << class_}
        in_order = self._holdings.live.between(FIRST_ID, LAST_ID)
        return [b for b in in_order if b.class_ in hours and b.hour in hours[b.class_]]

    def ghost_ids(self) -> Iterable[BundleId]:
        """Bundles that were refused here."""
        return self._holdings.ghosts

    def wire_of(self, bundle_id: BundleId) -> bytes | None:
        """The bytes of a stored bundle."""
        return self._holdings.store.wire_of(bundle_id)

    def with_prefix(self, prefix: bytes) -> LiveBundle | None:
        """A live bundle whose id begins so."""
        first, last = (prefix.ljust(BUNDLE_ID_BYTES, end) for end in (b"\0", b"\xff"))
        return next(iter(self._holdings.live.between(first, last)), None)

    def take_wire(self, wire: bytes, generation: bytes, now: float) -> bool:
        """Take in what symbols gave. False when it is not the bundle they claim: then try others."""
        try:
            built, key = _open(wire)
            if key is not None and self._is_of(key, built, generation):
                self._hear_key(key, now)
            if not self._gate.may_be(built, generation):
                return False
            self._accept(built, now, False)
        except Reject as reject:
            self._holdings.count(reject.reason)
            return reject.reason not in _OF_WRONG_BYTES
        return True

    def _is_of(self, key: bytes, built: Bundle, generation: bytes) -> bool:
        """Whether a block's generation is that of this bundle under this key."""
        is_author = author_of(key) == built.author
        return is_author and built.id(key, self._holdings.network).startswith(generation)

    def take_answer(self, wire: bytes, now: float) -> bool:
        """Take in one bundle that somebody asked for. Whether it is new; a bad one is counted and no more."""
        try:
            return bool(self._accept(bundle.decode(wire), now, True))
        except Reject as reject:
            self._holdings.count(reject.reason)
            return False

    def take_key(self, key: bytes, now: float) -> None:
        """A key came along with bundles: try it on what waits for one."""
        self._hear_key(key, now)

    def admits_join(self, frame: JoinFrame) -> bool:
        """Whether an admitted camp with a key we know signed this."""
        return self._gate.admits_join(frame)

    def keys_of(self, author: bytes) -> tuple[bytes, ...]:
        """Known keys of an author."""
        return self._holdings.keys_of(author)

    def lacks_key(self, author: bytes) -> bool:
        """Whether bundles of this author still wait for a key."""
        return self._gate.lacks_key(author)

    def is_wired(self, camp: bytes) -> bool:
        """Whether a camp whose author id begins so has a cable to us that is up."""
        return self._is_wired(camp)

    def sign_join(self, asked: bytes, hour: int) -> bytes:
        """Our signature of a JOIN."""
        return self._holdings.identity.sign_join(asked, hour)


def _open(content: bytes) -> tuple[Bundle, bytes | None]:
    """The bundle in the content of a block, and the key behind it, if one is there (PROTOCOL.md §13).

    A bundle ends where its array and a signature do, so nothing can be read in both ways.
    """
    try:
        return bundle.decode(content), None
    except Reject:
        return bundle.decode(content[:-KEY_BYTES]), content[-KEY_BYTES:]
