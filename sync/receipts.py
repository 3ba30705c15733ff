"""What camps tell each other about mailing lists: which they post to, and what became of a message there.

Several camps may have internet. So that one of them posts a message and not all, each says on its card which
lists it posts to, and by receipts what it posted, or holds back of its own (PROTOCOL.md §5.2).
"""

from __future__ import annotations

from enum import IntEnum

from sync.codec import pack
from sync.signing import digest

# Which list, on cards and receipts: a clash of two lists of one network (1 in 4 thousand million) would let
# one camp's receipt stand for the other list.
LIST_BYTES = 4
# A list for each group of a large camp. More would make the card a frame longer.
LISTS_MAX = 8
# The time zones of this planet reach from UTC-12 to UTC+14.
UTC_OFFSET_MAX = 14 * 60


class Word(IntEnum):
    """What a receipt says of the messages it names."""

    POSTED = 0
    HELD = 1  # by the camp that wrote it: its moderators have not decided
    REFUSED = 2  # by the camp that wrote it: it shall not be posted
    LET_GO = 3  # it was held, and may be posted


def list_digest(address: str) -> bytes:
    """How a list is named on cards and receipts: 4 bytes, made from its address. Empty for no address."""
    return digest(address.lower().encode(), LIST_BYTES) if address else b""


def receipt_body(list_digest_: bytes, word: Word = Word.POSTED) -> bytes:
    """The body of a receipt: packed; the list's digest, and one byte more when it was not posted."""
    return pack(list_digest_ + (bytes([word]) if word else b"")) if list_digest_ else b""


def read_receipt(content: bytes) -> tuple[bytes, Word] | None:
    """The list (empty: any) and the word of an unpacked body; None for a word of a later version."""
    if len(content) < LIST_BYTES:
        return b"", Word.POSTED
    word = content[LIST_BYTES] if len(content) > LIST_BYTES else Word.POSTED
    return (content[:LIST_BYTES], Word(word)) if word in _WORDS else None


_WORDS = frozenset(Word)
