"""What may stand in a text that people read: UTF-8 without tricks (PROTOCOL.md §5.4)."""

from __future__ import annotations

import re
import unicodedata

from sync.reject import Reason, Reject

# A post is a short phrase that a square repeats. 4,000 bytes is two screens of Spanish, one of Amharic,
# and with the envelope still fits the 4,500 bytes a bundle may have on a radio link.
TEXT_BYTES_MAX = 4_000
# What fits one line of a phone beside the time.
NICKNAME_BYTES_MAX = 48
CHANNEL_BYTES_MAX = 32

# Control characters, separators that break lines where none is seen, direction overrides and isolates
# (Trojan Source, CVE-2021-42574), tag characters, surrogates and noncharacters. Left-to-right and
# right-to-left *marks* and joiners stay: Arabic, Hebrew, Persian and emoji need them.
_TRICKS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufdd0-\ufdef"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_ASTRAL_NONCHARACTERS = frozenset(
    chr(plane * 0x10000 + low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)
)
_SPACES = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def clean(raw: bytes) -> str:
    """The text in `raw`, or `Reject(TEXT)`: not UTF-8, or with characters that deceive a reader."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Reject(Reason.TEXT) from error
    if is_tricky(text):
        raise Reject(Reason.TEXT)
    return text


def is_tricky(text: str) -> bool:
    """Whether the text holds a character that a page may not show."""
    if text.isascii():
        return _TRICKS.search(text) is not None
    return _TRICKS.search(text) is not None or not _ASTRAL_NONCHARACTERS.isdisjoint(text)


def tidy(typed: str) -> str:
    """What somebody typed or pasted, made fit to be stored: NFC, plain line ends, tricks left out."""
    text = typed.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = _TRICKS.sub("", text if text.isascii() else unicodedata.normalize("NFC", text))
    if not (text.isascii() or _ASTRAL_NONCHARACTERS.isdisjoint(text)):
        text = "".join(c for c in text if c not in _ASTRAL_NONCHARACTERS)
    lines = [line.rstrip() for line in text.split("\n")]
    return "\n".join(lines).strip("\n ")


def tidy_name(typed: str) -> str:
    """A nickname, camp name or place as one line with single spaces."""
    return _SPACES.sub(" ", tidy(typed).replace("\n", " ")).strip()


def is_channel_name(name: str) -> bool:
    """Lower-case letters, marks and digits of any script, joined by single hyphens; 32 bytes at most."""
    if name != name.lower() or len(name.encode("utf-8", "replace")) > CHANNEL_BYTES_MAX:
        return False
    return all(part and part[0].isalnum() and all(map(_is_in_words, part)) for part in name.split("-"))


def _is_in_words(character: str) -> bool:
    # Devanagari and Thai write vowels as marks (category M); without them a name is another word.
    return character.isalnum() or unicodedata.category(character).startswith("M")
