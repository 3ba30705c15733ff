"""Header lines of strangers' mail, read without trusting them.

`email.policy.default` raises a dozen different errors on broken headers, so letters are parsed by the
old policy, which keeps the bytes, and decoded here: RFC 2047 words, raw 8-bit, wrong charsets.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator
from email.message import Message as Mail
from email.utils import getaddresses, mktime_tz, parsedate_tz
from itertools import islice
from quopri import decodestring

# RFC 5322 allows 998 characters a line and any number of folds. Names, subjects and threads fit 4 KiB.
HEADER_CHARACTERS_MAX = 4_096
# RFC 5322 §3.6 allows one From and one To; broken programs write two.
MAILBOX_HEADERS_MAX = 10

# Charsets of mail. `bytes.decode` knows more, of which some take quadratic time (punycode, idna).
_CHARSETS = re.compile(
    r"ascii|utf-(?:7|8|16|16-le|16-be)|iso8859-\d+|cp125\d|cp(?:437|850|852|866|874|932|949|950)|koi8-[rut]|gb(?:2312|k|18030)"
    r"|hz|big5(?:hkscs)?|euc_(?:jp|kr)|shift_jis|iso2022_(?:jp|kr)|johab|mac-(?:roman|cyrillic)|tis-620|kz1048"
)
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\s]*)\?=")
# A header of 4,096 characters holds 409 encoded words; the area has 6,400 characters.
_PRIVATE_USE = 0xE000
_PRIVATE_USE_AREA = re.compile("[\ue000-\uf8ff]")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(=\?[^?\s]{1,40}\?[bBqQ]\?)")
_FOLD = re.compile(r"[\r\n]+[ \t]*")


def header(mail: Mail, name: str) -> str:
    """The first header of this name, unfolded and decoded; empty when there is none."""
    return next(iter(headers(mail, name)), "")


def headers(mail: Mail, name: str) -> tuple[str, ...]:
    """Every header of this name, unfolded and decoded."""
    return tuple(_decode_words(value) for value in _values(mail, name))


def decode_bytes(raw: bytes, charset: str | None) -> str:
    """The text in `raw`. A charset that is missing, wrong or unknown never loses the letter.

    What is valid UTF-8 and says it is ASCII or Latin is UTF-8: that is the commonest fault of lists.
    """
    known = _known(charset)
    if known in (None, "ascii") or known.startswith(("iso8859-1", "cp1252")):
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            # What says Latin-1 is Windows-1252 (WHATWG Encoding §4.2), where printable characters are.
            known = known if known and known.startswith("iso8859-1") and known != "iso8859-1" else "cp1252"
    return raw.decode(known, "replace")


def mailboxes(mail: Mail, name: str) -> list[tuple[str, str]]:
    """(display name, address in lower case) of each mailbox in every header of this name.

    Names are decoded after the commas were found: an encoded word may hold one (RFC 2047 §5). While commas,
    colons and brackets are looked for, each word is one character of Unicode's private use area.
    """
    values = list(islice(_values(mail, name), MAILBOX_HEADERS_MAX))
    if not values:
        return []
    words: list[str] = []

    def hide(word: re.Match[str]) -> str:
        words.append(word[0])
        return chr(_PRIVATE_USE + len(words) - 1)

    try:
        found = getaddresses([_ENCODED_WORD.sub(hide, _PRIVATE_USE_AREA.sub("", value)) for value in values])
    except (IndexError, ValueError):  # the old parser on hostile quoting
        return []
    shown = {_PRIVATE_USE + at: word for at, word in enumerate(words)}
    return [
        (_decode_words(written.translate(shown)), address.translate(shown).lower())
        for written, address in found
    ]


def unix_seconds(date: str) -> int | None:
    """The Unix time of a Date header, or None when it is none."""
    try:
        parsed = parsedate_tz(date)
        return None if parsed is None else int(mktime_tz(parsed))
    except (IndexError, OverflowError, TypeError, ValueError):  # bpo-45001 and its kin
        return None


def _values(mail: Mail, name: str) -> Iterator[str]:
    name = name.lower()
    return (_raw(value) for key, value in mail.raw_items() if key.lower() == name)


def _raw(value: object) -> str:
    """A header as it came: bytes above 127 are surrogates in the old policy's strings."""
    text = _FOLD.sub(" ", str(value)[:HEADER_CHARACTERS_MAX]).strip()
    if text.isascii():
        return text
    return decode_bytes(text.encode("utf-8", "surrogateescape"), None)


def _decode_words(text: str) -> str:
    if "=?" not in text:
        return text
    text = _BETWEEN_WORDS.sub(r"\1\2", text)
    out, position = [], 0
    pending, charset = b"", ""
    for word in _ENCODED_WORD.finditer(text):
        # A character may be torn between two words of one charset (against RFC 2047 §5, and common).
        if word.start() > position or word[1].lower() != charset:
            out += [decode_bytes(pending, charset), text[position : word.start()]]
            pending, charset = b"", word[1].lower()
        pending += _word_bytes(word[2], word[3])
        position = word.end()
    return "".join([*out, decode_bytes(pending, charset), text[position:]])


def _word_bytes(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8")
    if encoding in "qQ":
        return decodestring(raw.replace(b"_", b" "), header=True)
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw


def _known(charset: str | None) -> str | None:
    """Python's name of a charset of mail, or None."""
    try:
        name = codecs.lookup(charset.partition("*")[0]).name if charset else ""
    except (LookupError, ValueError):
        return None
    return name if _CHARSETS.fullmatch(name) else None
