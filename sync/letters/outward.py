"""A message as a letter: plain text that any mail program opens and no list takes for something else.

The same message makes the same Message-ID at every gateway; the same bytes too, where no moderator changed
the subject and the gateways write from the same address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sync.letters.marks import DOMAIN, HEADER, mark_text, message_id_of, token
from sync.letters.privacy import without_contacts
from sync.letters.writing import (
    LINE_CHARACTERS_MAX,
    checked_address,
    date_line,
    display_name,
    encode_header,
    head,
    is_address,
    one_line,
    text_part,
    thread_lines,
    without_unseen,
)
from sync.message import MessageId
from sync.signing import digest
from sync.text import tidy, tidy_name

__all__ = ["OutgoingLetter", "is_address", "letter_of", "subject_words", "trial_of"]

# What mail programs show of a subject on a phone, beside the prefixes.
SUBJECT_WORDS_MAX = 60
# What a moderator wrote is not cut at the 61st character, but a subject is one line.
SUBJECT_EDIT_BYTES_MAX = 200
# The time zones there are reach from UTC-12 to UTC+14.
OFFSET_MIN, OFFSET_MAX = -12 * 60, 14 * 60
TRIAL_HEADER = "X-Miccheck-Trial"
TRIAL_PREFIX = "trial-"
TRIAL_SUBJECT = "[dry run] "
TRIAL_TOKEN = "[miccheck dry run: this went to you only]"

assert SUBJECT_EDIT_BYTES_MAX < LINE_CHARACTERS_MAX


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
    subject: str = ""  # a moderator's, without the camp and the group; empty: made from the text
    let_contacts: bool = False  # a moderator read the addresses and numbers in the text and lets them pass
    utc_offset: int | None = None  # of the camp's clocks, in minutes; None: it does not say

    @property
    def named(self) -> str:
        """The camp as its letters call it."""
        return one_line(self.camp_name) or self.camp.hex()

    @property
    def words(self) -> str:
        """The text that leaves."""
        return _words(self.text, self.let_contacts)


def letter_of(letter: OutgoingLetter, list_address: str, sender: str | None = None) -> bytes:
    """The letter with CRLF line ends, 7-bit clean, no line above 998 characters (RFC 5322, 2045, 3676).

    From is the author's nickname at the camp's own address: `sender`, or one below .invalid that
    reaches nobody. Addresses and phone numbers in the text are left out unless a moderator let them pass.
    Raises ValueError when `list_address` or `sender` is no address.
    """
    marks = [
        f"Message-ID: <{message_id_of(letter.message)}>",
        *thread_lines(letter.references),
        f"{HEADER}: {mark_text(letter.camp, letter.message)}",
    ]
    return _written(letter, list_address, sender, "", marks, token(letter.camp, letter.message))


def trial_of(letter: OutgoingLetter, address: str, sender: str | None = None) -> bytes:
    """The same letter to a person who wants to see how it arrives.

    It carries no mark of ours: a mail program that merges equal Message-IDs would hide the list's copy behind
    it, and a gateway that reads that mailbox would believe the message to be on the list. Raises ValueError.
    """
    return _written(letter, address, sender, TRIAL_SUBJECT, trial_lines(letter.message, address), TRIAL_TOKEN)


def trial_lines(message: MessageId, address: str) -> list[str]:
    """The header lines by which a letter to one person is told from one to a list."""
    name = digest(message + address.encode("utf-8", "replace"), 16).hex()
    return [f"Message-ID: <{TRIAL_PREFIX}{name}@{DOMAIN}>", f"{TRIAL_HEADER}: 1"]


def subject_words(letter: OutgoingLetter) -> str:
    """What stands in the subject behind the camp, the group and the urgency."""
    if letter.subject:
        words = one_line(letter.subject, SUBJECT_EDIT_BYTES_MAX)
        return words if letter.let_contacts else without_contacts(words)
    words = tidy_name(letter.words)
    if len(words) > SUBJECT_WORDS_MAX:
        words = words[:SUBJECT_WORDS_MAX].rpartition(" ")[0] or words[:SUBJECT_WORDS_MAX]
        words += "…"
    return words


def subject_of(letter: OutgoingLetter) -> str:
    """`[North] [kitchen] URGENT: words`, as people read it."""
    urgent = "URGENT: " if letter.urgent else ""
    return f"[{_unbracketed(letter.named)}] [{_channel(letter)}] {urgent}{subject_words(letter)}"


def when_of(created_s: int, utc_offset: int | None) -> str:
    """`2026-11-19 11:00 UTC (12:00 local)`; the date too, where it is another one there.

    Where the offset is 0 nothing is said twice: it is also that of a camp nobody told its time zone.
    """
    utc = datetime.fromtimestamp(created_s, UTC)
    said = f"{utc:%Y-%m-%d %H:%M} UTC"
    if not utc_offset or not OFFSET_MIN <= utc_offset <= OFFSET_MAX:
        return said
    local = utc + timedelta(minutes=utc_offset)
    return (
        f"{said} ({local:%H:%M} local)"
        if local.date() == utc.date()
        else f"{said} ({local:%Y-%m-%d %H:%M} local)"
    )


def _written(
    letter: OutgoingLetter, to: str, sender: str | None, before: str, marks: list[str], token_line: str
) -> bytes:
    to = checked_address(to, "the list's")
    address = checked_address(sender, "the camp's") if sender else f"camp-{letter.camp.hex()}@{DOMAIN}"
    kind, body = text_part(_body(letter, token_line))
    return (
        head(
            [
                f"From: {display_name(_author(letter))} <{address}>",
                f"To: <{to}>",
                f"Subject: {encode_header(before + subject_of(letter))}",
                date_line(letter.created_s),
                *marks,
                "MIME-Version: 1.0",
                *kind,
            ]
        )
        + body
    )


def _body(letter: OutgoingLetter, token_line: str) -> str:
    """Camp, place, time and id come first: some lists take the first 200 characters as the key for
    duplicates (ListProcessor), and none of them looks like a header line (LISTSERV refuses those)."""
    place = one_line(letter.place)
    camp = f"{letter.named} ({place})" if place else letter.named
    urgent = "MIC CHECK!\n\n" if letter.urgent else ""
    return (
        f"{camp}, {when_of(letter.created_s, letter.utc_offset)}\n{token_line}\n\n"
        f"{urgent}{letter.words}\n\n-- \n{camp} | {_channel(letter)} | Mic Check\n"
    )


@lru_cache(maxsize=128)  # wanted for the subject and the body, and in a digest for its contents too
def _words(text: str, let_contacts: bool) -> str:
    text = without_unseen(tidy(text))
    return text if let_contacts else without_contacts(text)


def _author(letter: OutgoingLetter) -> str:
    """`Ana (North)`."""
    author = one_line(letter.author)
    if not letter.let_contacts:
        author = without_contacts(author)
    return f"{author} ({letter.named})" if author else letter.named


def _channel(letter: OutgoingLetter) -> str:
    return _unbracketed(one_line(letter.channel))


def _unbracketed(name: str) -> str:
    """So that lists and people see where a prefix ends."""
    return name.replace("[", "(").replace("]", ")")
