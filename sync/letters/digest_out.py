"""Many messages in one letter, when a camp comes online with a day's worth of them.

A list of 500 subscribers makes 500 letters of each letter, and its owner closes the door to whoever sends 300
in an hour. The digest is built as Mailman builds its own (RFC 2046 §5.1.5): a table of contents, then each
letter as it would have left alone, with its own Message-ID, so that programs which open digests thread and
merge them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from sync.letters.marks import DOMAIN
from sync.letters.outward import OutgoingLetter, letter_of, subject_of
from sync.letters.writing import checked_address, date_line, display_name, encode_header, head, text_part
from sync.message import MESSAGE_ID_BYTES, MessageId
from sync.signing import digest

# As many as an evening's reader opens; Mailman's own digests go at 30 kB or once a day.
DIGEST_LETTERS_MAX = 50
# Mailman 2 and 3 hold for their moderator what is longer than 40 kB unless they are told otherwise.
DIGEST_BYTES_MAX = 38_000
# Of the camps in a digest, as many are named in its subject.
CAMPS_NAMED = 2
PREFIX = "digest-"


def digest_id(messages: Sequence[MessageId]) -> bytes:
    """16 bytes that name a digest of these messages, in whatever order they were given."""
    return digest(b"digest" + b"".join(sorted(messages)), MESSAGE_ID_BYTES)


def digest_token(id_: bytes) -> str:
    """The line that stands near the top of a digest's table of contents."""
    return f"[miccheck digest {id_.hex()}]"


def how_many_fit(letters: Sequence[OutgoingLetter], list_address: str, sender: str | None = None) -> int:
    """How many of the first of these letters one digest holds; one at least. Raises ValueError."""
    used = 0
    for count, letter in enumerate(letters[:DIGEST_LETTERS_MAX]):
        used += len(letter_of(letter, list_address, sender))
        if count and used > DIGEST_BYTES_MAX:
            return count
    return min(len(letters), DIGEST_LETTERS_MAX)


def digest_of(
    letters: Sequence[OutgoingLetter], list_address: str, sender: str | None = None, id_: bytes | None = None
) -> bytes:
    """One letter with all of these in it: 7-bit clean, CRLF, no line above 998 characters.

    Its Date is that of the newest. Its Message-ID is made from `id_`: that of a digest that may have arrived
    and had these in it, or (None) from theirs. Raises ValueError when there are none, or an address is none.
    """
    if not letters:
        raise ValueError("a digest holds one letter at least")
    to = checked_address(list_address, "the list's")
    id_ = id_ or digest_id([letter.message for letter in letters])
    outer, inner = f"miccheck-{id_.hex()}", f"letters-{id_.hex()}"
    camps = _camps(letters)
    address = checked_address(sender, "the camp's") if sender else f"camp-{letters[0].camp.hex()}@{DOMAIN}"
    top = [
        f"From: {display_name(camps)} <{address}>",
        f"To: <{to}>",
        f"Subject: {encode_header(_subject(letters, camps))}",
        date_line(max(letter.created_s for letter in letters)),
        f"Message-ID: <{PREFIX}{id_.hex()}@{DOMAIN}>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{outer}"',
    ]
    contents_head, contents = text_part(_contents(letters, camps, id_))
    parts = b"".join(_part(inner, b"\r\n" + letter_of(letter, to, sender)) for letter in letters)
    digest_head = head([f'Content-Type: multipart/digest; boundary="{inner}"'])
    return (
        head(top)
        + _part(outer, head(contents_head) + contents)
        + _part(outer, digest_head + parts + f"--{inner}--\r\n".encode())
        + f"--{outer}--\r\n".encode()
    )


def _part(boundary: str, content: bytes) -> bytes:
    """One part. In multipart/digest a part without headers is message/rfc822 (RFC 2046 §5.1.5)."""
    return f"--{boundary}\r\n".encode() + content + b"\r\n"


def _subject(letters: Sequence[OutgoingLetter], camps: str) -> str:
    camps = camps.replace("[", "(").replace("]", ")")
    return f"[{camps}] [digest] {_messages(len(letters))}, {_from_to(letters)}"


def _contents(letters: Sequence[OutgoingLetter], camps: str, id_: bytes) -> str:
    lines = [f"{n}. {subject_of(letter)}" for n, letter in enumerate(letters, 1)]
    top = f"{camps}: {_messages(len(letters))}, {_from_to(letters)}\n{digest_token(id_)}\n"
    below = (
        "Each follows as a letter of its own: answer that one, and the answer stands below it in the camp."
    )
    return f"{top}\n" + "\n".join(lines) + f"\n\n{below}\n"


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _camps(letters: Sequence[OutgoingLetter]) -> str:
    """`North`, `North and South`, `North, South and 3 more camps`; who wrote most comes first."""
    names = [name for name, _ in Counter(letter.named for letter in letters).most_common()]
    more = len(names) - CAMPS_NAMED
    if more > 0:
        return f"{', '.join(names[:CAMPS_NAMED])} and {more} more camp{'s' if more > 1 else ''}"
    return " and ".join(names)


def _from_to(letters: Sequence[OutgoingLetter]) -> str:
    stamps = [letter.created_s for letter in letters]
    first, last = (datetime.fromtimestamp(s, UTC) for s in (min(stamps), max(stamps)))
    till = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    begun = f"{first:%Y-%m-%d %H:%M}"
    return f"{begun} UTC" if begun.endswith(till) else f"{begun} to {till} UTC"
