"""Codes that people type: cards, and the dead-key letter.

Crockford's base 32: digits and capitals without I, L, O and U, so nothing in a code can be mistaken
for another symbol of it, and what is mistaken all the same is folded back when read.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from urllib.parse import unquote

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# 20 symbols of five bits: 100 bits, which a million guesses a second do not find in the sun's life.
CARD_SYMBOLS = 20
# Raw chance a card is made from: 13 bytes, of which the first 100 bits are used.
CARD_BYTES = 13
# Longest thing read as a card: a link of a long host name, pasted with words round it.
CARD_CHARACTERS_MAX = 400

# 256 bits from the same source; nobody types them.
SESSION_BYTES = 32

_PREFIX = "MC"
_NO_SYMBOL = re.compile(f"[^{ALPHABET}]")
# A code anywhere in a link or sentence. No slash or colon inside, or a host called "mc" would begin one.
_CODE = re.compile(rf"\b{_PREFIX}((?:[^0-9A-Z/:]*[{ALPHABET}]){{{CARD_SYMBOLS}}})(?![0-9A-Z])")
_LOOK_ALIKES = str.maketrans("OILU", "011V")
_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}


def fold(typed: str) -> str:
    """Capitals with look-alikes folded (O is 0; I and L are 1; U is V) and wide forms made plain."""
    return unicodedata.normalize("NFKC", typed).upper().translate(_LOOK_ALIKES)


def write_bits(raw: bytes) -> str:
    """`raw` as symbols of five bits, first bit first; zero bits fill the last symbol."""
    symbols = -(-len(raw) * 8 // 5)
    number = int.from_bytes(raw, "big") << (symbols * 5 - len(raw) * 8)
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(symbols)))


def read_bits(symbols: str) -> bytes:
    """The whole bytes in folded symbols. Raises KeyError for a character that is no symbol."""
    number = 0
    for symbol in symbols:
        number = number << 5 | _VALUES[symbol]
    return (number >> len(symbols) * 5 % 8).to_bytes(len(symbols) * 5 // 8, "big")


def group(symbols: str, size: int, between: str) -> str:
    """`symbols` in groups of `size`, as people read them out."""
    return between.join(symbols[i : i + size] for i in range(0, len(symbols), size))


def write_card(raw: bytes) -> str:
    """The code of a card from CARD_BYTES of chance: `MC-XXXXX-XXXXX-XXXXX-XXXXX`."""
    if len(raw) != CARD_BYTES:
        raise ValueError(f"a card is made from {CARD_BYTES} bytes, not {len(raw)}")
    return f"{_PREFIX}-{group(write_bits(raw)[:CARD_SYMBOLS], 5, '-')}"


def read_card(typed: str) -> str | None:
    """The 20 symbols of a card typed, pasted or scanned as a link; None when it is no card."""
    folded = fold(unquote(typed[:CARD_CHARACTERS_MAX]))
    codes = _CODE.findall(folded)
    symbols = _NO_SYMBOL.sub("", codes[-1] if codes else folded)
    return symbols if len(symbols) == CARD_SYMBOLS else None


def card_hash(symbols: str) -> bytes:
    """What is stored of a card. Plain BLAKE2b: 100 random bits need no slow hash."""
    return blake2b(symbols.encode(), digest_size=32, person=b"miccheck card").digest()


def session_hash(token: str) -> bytes:
    """What is stored of a session token, 32 bytes: the key by which `Reader.session` finds it."""
    return blake2b(token.encode(), digest_size=32, person=b"miccheck session").digest()


def token_hash(token: bytes) -> bytes:
    """What is stored of a form token or Idempotency-Key, 16 bytes."""
    return blake2b(token, digest_size=16, person=b"miccheck token").digest()
