"""A message as a letter: plain text that any mail program opens and no list takes for something else.

The headers are written by hand and not by `email.message`: every gateway, whatever its Python, must
make the same bytes of the same message, and nothing a person typed may become a header.
"""

from __future__ import annotations

import quopri
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime

from sync.letters.marks import DOMAIN, HEADER, mark_text, message_id_of, token
from sync.letters.privacy import without_contacts
from sync.message import MessageId
from sync.text import tidy, tidy_name

# What mail programs show of a subject on a phone, beside the prefixes.
SUBJECT_WORDS_MAX = 60
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


@dataclass(frozen=True, slots=True)
class OutgoingLetter:
    """What a letter is made of. `references` are Message-IDs without brackets, the parent's last."""

    message: MessageId
    camp: bytes  # 8-byte author id
    camp_name: str
    place: str
    channel: str
    author: str
    text: str
    urgent: bool
    created_s: int
    references: tuple[str, ...] = ()


def is_address(typed: str) -> bool:
    """Whether a letter can be sent to this address: local@domain in ASCII, without comments or names."""
    return len(typed) <= 254 and _ADDRESS.fullmatch(typed) is not None


def letter_of(letter: OutgoingLetter, list_address: str, sender: str | None = None) -> bytes:
    """The letter with CRLF line ends, 7-bit clean, no line above 998 characters (RFC 5322, 2045, 3676).

    From is the author's nickname at the camp's own address: `sender`, or one below .invalid that
    reaches nobody. Addresses and phone numbers in the text are left out. Raises ValueError when
    `list_address` is none.
    """
    if not is_address(list_address):
        raise ValueError("the list's address must be of the form name@host")
    text = without_contacts(tidy(letter.text))
    body, encoding = _encode_body(_body(letter, text))
    address = sender or f"camp-{letter.camp.hex()}@{DOMAIN}"
    camp = tidy_name(letter.camp_name) or letter.camp.hex()
    headers = [
        f"From: {_display_name(letter.author, camp)} <{address}>",
        f"To: <{list_address}>",
        f"Subject: {_subject(letter, camp, text)}",
        f"Date: {format_datetime(datetime.fromtimestamp(letter.created_s, UTC))}",
        f"Message-ID: <{message_id_of(letter.message)}>",
        *_thread(letter.references),
        f"{HEADER}: {mark_text(letter.camp, letter.message)}",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"; format=flowed',
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return "\r\n".join([*headers, "", ""]).encode("ascii") + body


def _body(letter: OutgoingLetter, text: str) -> str:
    """Camp, place, time and id come first: some lists take the first 200 characters as the key for
    duplicates (ListProcessor), and none of them looks like a header line (LISTSERV refuses those)."""
    camp = tidy_name(letter.camp_name) or letter.camp.hex()
    place = tidy_name(letter.place)
    when = datetime.fromtimestamp(letter.created_s, UTC)
    head = f"{camp} ({place})" if place else camp
    urgent = "MIC CHECK!\n\n" if letter.urgent else ""
    return (
        f"{head}, {when:%Y-%m-%d %H:%M} UTC\n{token(letter.camp, letter.message)}\n\n"
        f"{urgent}{text}\n\n-- \n{head} | {letter.channel} | Mic Check\n"
    )


def _subject(letter: OutgoingLetter, camp: str, text: str) -> str:
    words = tidy_name(text)
    if len(words) > SUBJECT_WORDS_MAX:
        words = words[:SUBJECT_WORDS_MAX].rpartition(" ")[0] or words[:SUBJECT_WORDS_MAX]
        words += "…"
    urgent = "URGENT: " if letter.urgent else ""
    camp = camp.replace("[", "(").replace("]", ")")
    return _encode_header(f"[{camp}] [{letter.channel}] {urgent}{words}")


def _display_name(author: str, camp: str) -> str:
    """`Ana (North)`, quoted or encoded as RFC 5322 §3.2.4 and RFC 2047 want it."""
    author = tidy_name(without_contacts(author))
    name = f"{author} ({camp})" if author else camp
    if name.isascii():
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _encode_header(name)


def _encode_header(text: str) -> str:
    if text.isascii():
        return text
    return Header(text, "utf-8", maxlinelen=LINE_CHARACTERS, header_name="X" * 10).encode(linesep="\r\n")


def _thread(references: tuple[str, ...]) -> list[str]:
    """In-Reply-To and References (RFC 5322 §3.6.4), of ids that can stand in a header."""
    ids = [i for i in references[-REFERENCES_MAX:] if _MESSAGE_ID.fullmatch(i)]
    if not ids:
        return []
    return [f"In-Reply-To: <{ids[-1]}>", "References: " + "\r\n ".join(f"<{i}>" for i in ids)]


def _encode_body(text: str) -> tuple[bytes, str]:
    lines = [flowed for line in text.split("\n") for flowed in _flow(line)]
    raw = "\n".join(lines).encode()
    if raw.isascii() and max(map(len, lines)) < LINE_CHARACTERS_MAX:
        return raw.replace(b"\n", b"\r\n"), "7bit"
    return quopri.encodestring(raw).replace(b"\n", b"\r\n"), "quoted-printable"


def _flow(line: str) -> list[str]:
    """One line as the lines of format=flowed (RFC 3676 §4): a space at the end says it goes on."""
    if line == "-- ":
        return [line]
    flowed = [""]
    for word in _WORDS.findall(line.rstrip(" ")):
        if flowed[-1] and len(flowed[-1]) + len(word.rstrip(" ")) > LINE_CHARACTERS:
            flowed.append("")
        flowed[-1] += word
    # §4.4: what could be taken for a quote, an mbox separator or stuffing itself gets one space before it.
    return [" " + part if part.startswith((" ", ">", "From ")) else part for part in flowed]
