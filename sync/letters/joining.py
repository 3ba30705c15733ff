"""Joining the list: an address, a place and a group, sealed to the list's owner the moment they are typed.

"Send us your location and e-mail addresses and we can add you." What a liaison types travels over radio,
sticks and other people's boxes, so nobody but the list's owner may read it, and nobody may learn from its
length whether the address is long (PROTOCOL.md §5.5).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from nacl.bindings import crypto_box_SEALBYTES
from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey, SealedBox

from sync import cbor
from sync.letters.addresses import read_address
from sync.registrations import SEALED_BYTES
from sync.reject import Reject
from sync.text import NICKNAME_BYTES_MAX, tidy_name

Random = Callable[[int], bytes]

KEY_BYTES = 32  # X25519 (RFC 7748 §5)
PLAIN_BYTES = SEALED_BYTES - crypto_box_SEALBYTES
# A street corner, a square and a town; and what stands on a badge. With the longest address that is 442 of
# 464 bytes, and later versions may say a little more.
PLACE_BYTES_MAX = 120
GROUP_BYTES_MAX = NICKNAME_BYTES_MAX

_LENGTH_BYTES = 2
_VERSION = 1


class NotOpened(ValueError):
    """What was sealed cannot be opened, in one sentence."""


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """What the list's owner reads, made by `entry_of` or `open_sealed`. Printed, it says nothing."""

    address: str
    place: str
    group: str

    def __repr__(self) -> str:
        return "Entry(…)"


def entry_of(address: str, place: str, group: str) -> Entry | None:
    """The entry that somebody typed, each in one line; None when the address is none.

    Place and group are cut to what fits: 120 and 48 bytes.
    """
    read = read_address(address)
    return None if read is None else Entry(read, _cut(place, PLACE_BYTES_MAX), _cut(group, GROUP_BYTES_MAX))


def seal(entry: Entry, camp: bytes, owner_key: bytes, random: Random) -> bytes:
    """The entry in a box that only the holder of `owner_key`'s secret opens: SEALED_BYTES bytes, always.

    `camp` is the author id of the camp that registers it. It stands in the box, so that no other camp can
    state a copy as its own and keep somebody on a list who wants to leave it.

    It is libsodium's sealed box (X25519, XSalsa20-Poly1305), with the one-time key and the padding drawn from
    `random(n)`: n bytes nobody can guess. Raises ValueError for a key that is none.
    """
    packed = cbor.encode([_VERSION, camp, entry.address, entry.place, entry.group])
    padding = random(PLAIN_BYTES - _LENGTH_BYTES - len(packed))
    plain = len(packed).to_bytes(_LENGTH_BYTES, "big") + packed + padding
    once = PrivateKey(random(KEY_BYTES))
    shown = bytes(once.public_key)
    nonce = blake2b(shown + owner_key, digest_size=Box.NONCE_SIZE).digest()
    return shown + _box(once, owner_key).encrypt(plain, nonce).ciphertext


def open_sealed(sealed: bytes, camp: bytes, secret_key: bytes) -> Entry:
    """What the camp with this author id sealed. Raises NotOpened."""
    try:
        plain = SealedBox(PrivateKey(secret_key)).decrypt(sealed)
    except (CryptoError, ValueError, TypeError) as error:
        raise NotOpened("it is sealed to another key, or was damaged on the way") from error
    length = int.from_bytes(plain[:_LENGTH_BYTES], "big")
    try:
        fields = cbor.decode(plain[_LENGTH_BYTES : _LENGTH_BYTES + length])
    except Reject as error:
        raise NotOpened("what is in it cannot be read") from error
    if not isinstance(fields, list) or fields[1:2] != [camp]:
        raise NotOpened("it is a copy: another camp sealed it")
    texts = [field for field in fields[2:5] if isinstance(field, str)]
    # Whoever sealed it may be hostile: what is opened is made as clean as what is typed.
    entry = entry_of(*texts) if len(texts) == 3 else None
    if entry is None:
        raise NotOpened("there is no e-mail address in it")
    return entry


def public_key_of(secret_key: bytes) -> bytes:
    """The key that stands in the settings of camps, of the owner's secret one (32 bytes each)."""
    return bytes(PrivateKey(secret_key).public_key)


def write_key(key: bytes) -> str:
    """A key as people copy it: 44 characters of base64."""
    return b64encode(key).decode("ascii")


def read_key(text: str) -> bytes:
    """The 32 bytes of a key in `text`. Raises ValueError with one sentence, which does not quote it."""
    try:
        key = b64decode(text.strip(), validate=True)
    except (NotBase64, ValueError) as error:
        raise ValueError("a key is a line of 44 letters, digits, + / and =") from error
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key is {KEY_BYTES} bytes in base64, this one has {len(key)}")
    return key


def read_owner_key(text: str) -> bytes:
    """The owner's public key in `text`. Raises ValueError with one sentence."""
    key = read_key(text)
    _box(PrivateKey(bytes(range(KEY_BYTES))), key)
    return key


def _box(secret: PrivateKey, key: bytes) -> Box:
    try:
        return Box(secret, PublicKey(key))
    except CryptoError as error:
        # Of small order (RFC 7748 §6.1): everybody could open what is sealed to it.
        raise ValueError("to this key nothing can be sealed; the list's owner has to make another") from error


def _cut(typed: str, bytes_max: int) -> str:
    return tidy_name(typed[: 4 * bytes_max]).encode()[:bytes_max].decode("utf-8", "ignore").strip()
