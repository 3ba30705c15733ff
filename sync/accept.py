"""Who signed this, and how often may a stranger make us find out (PROTOCOL.md §7).

A bundle names its author by eight bytes only. Which key that is may not be known yet, so keys are kept on
trial and bundles held until a key comes; both memories, and the checks a link may cause, are bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from sync.bundle import Bundle, BundleId, decode
from sync.reject import Reason, Reject
from sync.signing import Network, author_of

# A radio link brings ten bundles a second at the very best (SHORT_TURBO); 200 are a replayed stick or
# an attack, and cost a Pi 4 a tenth of one core.
VERIFIES_PER_S = 200.0
# Bundles whose author's key is not known yet. 64 are the window of one camp met for the first time.
HELD_MAX = 64
# Keys offered for an author id. More than one is a hash collision somebody paid 2^32 work for.
KEYS_PER_AUTHOR_MAX = 4
# Keys offered before anything verified under them; the oldest goes.
CANDIDATE_AUTHORS_MAX = 64


@dataclass(frozen=True, slots=True)
class Proved:
    """A bundle whose signature was checked already, and the key that made it."""

    bundle: Bundle
    key: bytes


class VerifyBucket:
    """Signature checks a link may cause: a bucket that refills, so that a flood cannot take the CPU."""

    def __init__(self, now: float, per_s: float = VERIFIES_PER_S) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at = now

    def take(self, now: float) -> None:
        """Take one check, or `Reject(RATE)`."""
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            raise Reject(Reason.RATE)
        self._left -= 1


@dataclass(frozen=True, slots=True)
class Held:
    """A bundle that waits for its author's key, and the link that brought it."""

    bundle: Bundle
    link: str


class HeldBundles:
    """Bundles of unknown authors: not stored, not passed on. When full, the oldest goes."""

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, Held] = OrderedDict()

    def add(self, bundle: Bundle, link: str) -> None:
        """Hold a bundle until a key for its author is offered."""
        self._held[bundle.signature] = Held(bundle, link)
        if len(self._held) > HELD_MAX:
            self._held.popitem(last=False)

    def take(self, author: bytes) -> list[Held]:
        """Every held bundle of this author; they are no longer held."""
        found = [held for held in self._held.values() if held.bundle.author == author]
        for held in found:
            del self._held[held.bundle.signature]
        return found

    def has_author(self, author: bytes) -> bool:
        """Whether a key of this author would help."""
        return any(held.bundle.author == author for held in self._held.values())

    def __len__(self) -> int:
        return len(self._held)


class CandidateKeys:
    """Keys that came without proof. A signature that verifies under one is its proof."""

    def __init__(self) -> None:
        self._keys: OrderedDict[bytes, list[bytes]] = OrderedDict()

    def offer(self, key: bytes) -> bytes:
        """Remember a key to try; its author id."""
        author = author_of(key)
        keys = self._keys.setdefault(author, [])
        self._keys.move_to_end(author)
        if key not in keys:
            keys.append(key)
            del keys[:-KEYS_PER_AUTHOR_MAX]
        if len(self._keys) > CANDIDATE_AUTHORS_MAX:
            self._keys.popitem(last=False)
        return author

    def of(self, author: bytes) -> tuple[bytes, ...]:
        """Unproved keys for this author."""
        return tuple(self._keys.get(author, ()))


def prove(wire: bytes, key: bytes, network: Network) -> Proved:
    """Decode a bundle and check its signature. Raises Reject.

    It looks at nothing but its arguments, so a file of bundles is checked in a thread of its own, beside the
    one that owns the engine: a signature is a third of what taking a bundle in costs.
    """
    bundle = decode(wire)
    if author_of(key) != bundle.author:
        raise Reject(Reason.KEY)
    if not bundle.verifies(key, network):
        raise Reject(Reason.SIGNATURE)
    return Proved(bundle, key)


def find_signer(
    bundle: Bundle, keys: tuple[bytes, ...], network: Network, bucket: VerifyBucket | None, now: float
) -> bytes:
    """The key that signed the bundle. Raises Reject: KEY (none to try), RATE, SIGNATURE."""
    if not keys:
        raise Reject(Reason.KEY)
    for key in keys:
        if bucket is not None:
            bucket.take(now)
        if bundle.verifies(key, network):
            return key
    raise Reject(Reason.SIGNATURE)


def ids_under(bundle: Bundle, keys: tuple[bytes, ...], network: Network) -> tuple[BundleId, ...]:
    """The id the bundle has under each key: enough to see, before any signature, that we hold it."""
    return tuple(bundle.id(key, network) for key in keys)
