"""Keys and signatures: who a camp is, and how its word is bound to it.

Ed25519 (RFC 8032) by libsodium, which refuses keys of small order. A camp *is* its key: there is no
rotation, and a new key is a new camp. What is signed begins with a domain and the network word, so
a signature made for one purpose or one network is worthless in another. See PROTOCOL.md §3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

KEY_BYTES = 32
SEED_BYTES = 32
SIGNATURE_BYTES = 64
AUTHOR_BYTES = 8
# A word is spoken on a square and typed on a phone. 64 bytes hold any sentence a group would agree on,
# and the length fits the one byte that precedes it in the signed input.
NETWORK_WORD_BYTES_MAX = 64

DEFAULT_NETWORK_WORD = "miccheck"

_BUNDLE_DOMAIN = b"miccheck bundle 1"
_LINK_DOMAIN = b"miccheck link 1"
_FAREWELL_DOMAIN = b"miccheck farewell 1"
_JOIN_DOMAIN = b"miccheck join 1"
_MESSAGE_DOMAIN = b"miccheck message 1"
_TAG_DOMAIN = b"miccheck tag 1"


def digest(data: bytes, length: int) -> bytes:
    """The first `length` bytes of BLAKE2b-512 (RFC 7693) of `data`."""
    return blake2b(data).digest()[:length]


# A thousand keys are more camps than are heard at once; the answers take 100 kB.
@lru_cache(maxsize=1_024)
def author_of(key: bytes) -> bytes:
    """The 8-byte author id of a public key. Two camps may share one; every key of it is then tried."""
    return digest(key, AUTHOR_BYTES)


def message_id_of(key: bytes, message: bytes) -> bytes:
    """The 16-byte id of an encoded message stated under `key`."""
    return digest(_MESSAGE_DOMAIN + key + message, 16)


@dataclass(frozen=True, slots=True)
class Network:
    """The camps that share a word. The word is in everything signed and never on the air."""

    word: str = DEFAULT_NETWORK_WORD
    _prefix: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        raw = self.word.encode()
        if not 0 < len(raw) <= NETWORK_WORD_BYTES_MAX:
            raise ValueError(f"a network word has 1 to {NETWORK_WORD_BYTES_MAX} bytes, this one {len(raw)}")
        object.__setattr__(self, "_prefix", bytes([len(raw)]) + raw)

    def tag(self, frame_version: int) -> int:
        """One byte that tells this network's frames from another's before anything is decoded."""
        return _tag(frame_version, self._prefix)

    def bundle_input(self, key: bytes, signed: bytes) -> bytes:
        """What an author signs, and whose hash is the bundle id."""
        return _BUNDLE_DOMAIN + self._prefix + key + signed

    def link_input(self, key: bytes, transcript: bytes) -> bytes:
        """What one end of a link signs to prove its key and the network word to the other."""
        return _LINK_DOMAIN + self._prefix + key + transcript

    def join_input(self, key: bytes, asked: bytes, hour: int) -> bytes:
        """What a camp signs that asks another for more than a repair (PROTOCOL.md §14.7)."""
        return _JOIN_DOMAIN + self._prefix + key + asked + hour.to_bytes(4, "big")


# Asked of every frame that is heard, always the same.
@lru_cache(maxsize=16)
def _tag(frame_version: int, prefix: bytes) -> int:
    return digest(_TAG_DOMAIN + bytes([frame_version]) + prefix, 1)[0]


def farewell_input(key: bytes) -> bytes:
    """What a dead-key letter signs. No network word: the key is dead everywhere."""
    return _FAREWELL_DOMAIN + key


def verify(key: bytes, signed_input: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) was made over `signed_input` by the holder of `key`."""
    try:
        VerifyKey(key).verify(signed_input, signature)
    except (CryptoError, ValueError):
        return False
    return True


class Identity:
    """A camp's own key and the network it speaks in."""

    def __init__(self, seed: bytes, network: Network | None = None) -> None:
        self._signing_key = SigningKey(seed)
        self.network = network if network is not None else Network()
        self.key = bytes(self._signing_key.verify_key)
        self.author = author_of(self.key)

    def __repr__(self) -> str:
        return f"Identity({self.author.hex()})"

    def sign_bundle(self, signed: bytes) -> bytes:
        """The 64-byte signature of a bundle's signed bytes."""
        return self._sign(self.network.bundle_input(self.key, signed))

    def sign_link(self, transcript: bytes) -> bytes:
        """The 64-byte proof of key and network word for one handshake (PROTOCOL.md §9)."""
        return self._sign(self.network.link_input(self.key, transcript))

    def sign_join(self, asked: bytes, hour: int) -> bytes:
        """The 64-byte signature of a JOIN that asks the camp whose author id begins with these 4 bytes."""
        return self._sign(self.network.join_input(self.key, asked, hour))

    def sign_farewell(self) -> bytes:
        """The 64-byte signature of this camp's dead-key letter."""
        return self._sign(farewell_input(self.key))

    def _sign(self, signed_input: bytes) -> bytes:
        return self._signing_key.sign(signed_input).signature
