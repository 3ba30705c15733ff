"""Letters written by hand, line by line: headers, display names, text as format=flowed.

Not by `email.message`: every gateway, whatever its Python, must make the same bytes of the same message, and
nothing that a person typed may become a header, a second address or a line too long.
"""

from __future__ import annotations

import quopri
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from sync.text import NICKNAME_BYTES_MAX, tidy_name

# RFC 5322 §2.1.1: lines should have at most 78 characters, and must have at most 998.
LINE_CHARACTERS = 76
LINE_CHARACTERS_MAX = 998
# RFC 5322 sets no limit; some servers stop at 1,000 bytes of References, and the last ones matter.
REFERENCES_MAX = 10

# What may stand in a list's address: dot-atoms of ASCII. Anything else is a mistake in the settings.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
# Whatever a list wrote into a Message-ID comes back into a header of ours.
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,250}")
_WORDS = re.compile(r"[^ ]+ *| +")
# RFC 2047 §5.3: what may stand as it is in an encoded word wherever that stands, and the space, which is _.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/ ")
# A line with an encoded word has 76 characters at most: less `Subject: ` and `=?utf-8?q?` and `?=`.
_ENCODED_CHARACTERS = 76 - len("Subject: ") - len("=?utf-8?q??=")
# Seen by nobody, and fit for making two names that look the same: zero-width spaces, soft hyphens, fillers.
# Joiners and direction marks are no such (see `sync.text`).
_UNSEEN = re.compile("[\u00ad\u034f\u115f\u1160\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\uffa0]")
# LISTSERV takes a text that quotes header lines for a bounce and stops it, and the list with it after some.
_HEADER_LINE = re.compile(
    r"(?:from|to|cc|bcc|date|subject|sender|reply-to|message-id|in-reply-to|references|received|return-path"
    r"|errors-to|delivered-to|precedence|mime-version|content-[a-z-]+|resent-[a-z-]+|list-[a-z-]+|x-[a-z0-9-]+)"
    r"[ \t]*:",
    re.IGNORECASE,
)


def is_address(typed: str) -> bool:
    """Whether a letter can be sent to this address: local@domain in ASCII, without comments or names."""
    return len(typed) <= 254 and _ADDRESS.fullmatch(typed) is not None


def checked_address(typed: str, whose: str) -> str:
    """The address as it may stand in a header. Raises ValueError."""
    if not is_address(typed):
        raise ValueError(f"{whose} address must be of the form name@host")
    return typed


@lru_cache(maxsize=256)  # a few names of camps and people stand in all letters, several times in each
def one_line(typed: str, bytes_max: int = NICKNAME_BYTES_MAX) -> str:
    """A name as it may stand in a header: one line, nothing unseen, at most so many bytes of UTF-8."""
    line = tidy_name(without_unseen(typed))
    return line.encode()[:bytes_max].decode("utf-8", "ignore").strip()


def without_unseen(text: str) -> str:
    """The text without characters that nobody sees."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def head(lines: Iterable[str]) -> bytes:
    """Header lines and the empty line behind them."""
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def date_line(second: int) -> str:
    """`Date: Thu, 19 Nov 2026 11:00:00 +0000` (RFC 5322 §3.3)."""
    return f"Date: {format_datetime(datetime.fromtimestamp(second, UTC))}"


def thread_lines(references: Sequence[str]) -> list[str]:
    """In-Reply-To and References (RFC 5322 §3.6.4), of ids that can stand in a header."""
    ids = [i for i in references[-REFERENCES_MAX:] if _MESSAGE_ID.fullmatch(i)]
    if not ids:
        return []
    return [f"In-Reply-To: <{ids[-1]}>", "References: " + "\r\n ".join(f"<{i}>" for i in ids)]


def encode_header(text: str) -> str:
    """The value of a header that people read: folded, and RFC 2047 where it is not plain ASCII."""
    # What looks like an encoded word was typed by somebody, and is shown as it was typed.
    if text.isascii() and "=?" not in text:
        return _folded(text)
    return "\r\n ".join(_encoded_words(text))


def display_name(name: str) -> str:
    """A name before an address, quoted or encoded as RFC 5322 §3.2.4 and RFC 2047 want it."""
    if name.isascii() and "=?" not in name:
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return encode_header(name)


def encode_body(text: str) -> tuple[bytes, str]:
    """The text with CRLF and its Content-Transfer-Encoding: 7bit, or quoted-printable (RFC 2045 §6.7)."""
    lines = [flowed for line in text.split("\n") for flowed in flow(line)]
    raw = "\n".join(lines).encode()
    if raw.isascii() and max(map(len, lines)) < LINE_CHARACTERS_MAX:
        return raw.replace(b"\n", b"\r\n"), "7bit"
    return quopri.encodestring(raw).replace(b"\n", b"\r\n"), "quoted-printable"


def text_part(text: str) -> tuple[list[str], bytes]:
    """The header lines and the bytes of a plain text in UTF-8, format=flowed."""
    body, encoding = encode_body(text)
    lines = [
        'Content-Type: text/plain; charset="utf-8"; format=flowed',
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return lines, body


def flow(line: str) -> list[str]:
    """One line as the lines of format=flowed (RFC 3676 §4): a space at the end says it goes on."""
    if line == "-- ":
        return [line]
    flowed = [""]
    for word in _WORDS.findall(line.rstrip(" ")):
        if flowed[-1] and len(flowed[-1]) + len(word.rstrip(" ")) > LINE_CHARACTERS:
            flowed.append("")
        flowed[-1] += word
    return [" " + part if _is_stuffed(part) else part for part in flowed]


def _is_stuffed(part: str) -> bool:
    """Whether a line gets one space before it, which programs that know format=flowed take away again.

    §4.4 wants it for what could be taken for a quote, an mbox separator or stuffing itself, and allows it
    for any line.
    """
    return part.startswith((" ", ">", "From ")) or _HEADER_LINE.match(part) is not None


def _encoded_words(text: str) -> list[str]:
    """The text as encoded words of whole characters, one a line (RFC 2047 §2, §4, §5.3).

    `email.header` makes the same in ten times the time, a third of all that a letter took.
    """
    plain = sum(map(_PLAIN.__contains__, text))
    if 2 * plain < len(text):  # =D0=BF for every letter of a script of its own
        parts = _cut([character.encode() for character in text], _ENCODED_CHARACTERS // 4 * 3)
        return [f"=?utf-8?b?{b64encode(part).decode()}?=" for part in parts]
    quoted = [
        character if character in _PLAIN else "".join(f"={byte:02X}" for byte in character.encode())
        for character in text
    ]
    parts = _cut([each.replace(" ", "_").encode() for each in quoted], _ENCODED_CHARACTERS)
    return [f"=?utf-8?q?{part.decode()}?=" for part in parts]


def _cut(pieces: Sequence[bytes], bytes_max: int) -> list[bytes]:
    """The pieces joined to as few parts as possible, none of them cut."""
    parts, part, size = [], [b""], 0
    for piece in pieces:
        size += len(piece)
        if size > bytes_max:
            parts.append(b"".join(part))
            part, size = [], len(piece)
        part.append(piece)
    return [*parts, b"".join(part)]


def _folded(text: str) -> str:
    """ASCII in lines of a header: broken before a word, as RFC 5322 §2.2.3 allows."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > LINE_CHARACTERS - len("Subject: "):
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n ".join(lines)
