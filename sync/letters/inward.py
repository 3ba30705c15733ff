"""Mail of a list as messages: what is a person's letter, who wrote it, and what it says.

A list protects nobody: it lets our own letters come back, vacation notices through and digests in. So
every letter is told apart here, and what is none of ours is dropped with a reason that is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message as Mail
from enum import StrEnum

from sync.letters import marks
from sync.letters.digest import letters_in_plain_digest
from sync.letters.headers import header, mailboxes, unix_seconds
from sync.letters.marks import Mark
from sync.letters.mime import Content, attachments_line, content_of, parse
from sync.letters.names import author_of_mail, names_in_footer, names_of_list, subject_of
from sync.letters.privacy import without_addresses
from sync.letters.trim import own_words, quoted_lines
from sync.message import LETTERS, PARENT_BYTES, Kind, Message, Role, compose
from sync.signing import digest
from sync.text import tidy

# What a letter may have on the air: DESIGN of the channel `letters`. At LongFast it is three full frames,
# 6.5 s of everybody's silence; the whole text stays in the list's archive.
TEXT_BYTES_ON_AIR = 600
# Threads of lists are longer, but the nearest known letter above is the one that counts.
PARENTS_MAX = 20
# Our token stands in the second line of a letter. A list may put a header of its own before it.
TOKEN_LINES = 6

# A stamp on the air is read as the nearest of every 194 days (PROTOCOL.md §5). A letter from further away
# than this says its date in words.
STAMPED_DAYS = 90
_DAY_S = 86_400


class Why(StrEnum):
    """Why a piece of mail is no letter for the camps. The words are counted, never the content."""

    BOUNCE = "bounce"
    AUTOMATIC = "automatic"  # a vacation notice or another machine
    NOTICE = "notice"  # of the list itself: held, subscribed, a reminder
    EMPTY = "empty"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class NotForUs:
    """Mail that nobody on the square needs to read."""

    why: Why


@dataclass(frozen=True, slots=True)
class IncomingLetter:
    """A letter of a person, or, when it has a `mark`, a message of a camp that the list gives back."""

    message_id: str  # normalised, without brackets; empty when it has none
    reference: bytes  # 8 bytes that name it on the air
    mark: Mark | None
    name: str  # of its author, never an address; empty when not known
    subject: str  # without the list's prefix
    text: str
    date_s: int | None
    parents: tuple[str, ...]  # normalised Message-IDs of what it answers, nearest first


def read_letters(raw: bytes, list_names: tuple[str, ...] = ()) -> Iterator[IncomingLetter | NotForUs]:
    """What one piece of mail holds: one letter, those of a digest, or none.

    `list_names` are the names and addresses under which the list is known here: its subject prefix.
    """
    mail = parse(raw)
    if mail is None or not mail.keys():
        yield NotForUs(Why.UNREADABLE)
        return
    yield from _letters_of(mail, list_names, inside=False)


def message_of(letter: IncomingLetter, parent: bytes, now_s: int) -> Message:
    """The letter as the camps pass it on. `parent`: 8 bytes of the id of the message it answers, or empty."""
    date = letter.date_s
    near = date is not None and now_s - STAMPED_DAYS * _DAY_S < date <= now_s
    second = date if near and date is not None else now_s
    lines = []
    if date is not None and not near and 0 < date < now_s:
        lines.append(f"{datetime.fromtimestamp(date, UTC):%Y-%m-%d}")
    if not (parent and _is_reply(letter.subject)) and letter.subject:
        lines.append(letter.subject)
    text = "\n\n".join(part for part in (" · ".join(lines), letter.text) if part)
    message = Message(
        kind=Kind.LETTER,
        second=second,
        channel=LETTERS,
        nickname=letter.name,
        role=Role.LIST,
        parent=parent[:PARENT_BYTES],
        reference=letter.reference,
    )
    return compose(message, cut(text, TEXT_BYTES_ON_AIR))


def cut(text: str, bytes_max: int) -> str:
    """The text in at most `bytes_max` bytes, with an ending that says how much was left out."""
    if len(text.encode()) <= bytes_max:
        return text
    ending = f" […] (+{len(text)})"  # at least as long as the final one
    kept = text.encode()[: bytes_max - len(ending.encode())].decode("utf-8", "ignore")
    at = max(kept.rfind(" "), kept.rfind("\n"))
    if at > len(kept) * 3 // 4:  # not in the middle of a word, where there are words
        kept = kept[:at]
    kept = kept.rstrip()
    return f"{kept} […] (+{len(text) - len(kept)})"


def _letters_of(mail: Mail, list_names: tuple[str, ...], inside: bool) -> Iterator[IncomingLetter | NotForUs]:
    content = content_of(mail)
    digested = content.letters or letters_in_plain_digest(header(mail, "Subject"), content.text)
    if digested and not inside:  # digests come from the -request address, as notices do
        for letter in digested:
            yield from _letters_of(letter, (*list_names, *names_of_list(mail)), inside=True)
    elif why := _machine(mail):
        yield NotForUs(why)
    else:
        yield _letter(mail, content, list_names)


def _letter(mail: Mail, content: Content, list_names: tuple[str, ...]) -> IncomingLetter | NotForUs:
    known_names = (*list_names, *names_of_list(mail), *names_in_footer(content.text))
    names = {name.lower() for name in known_names if name}
    message_id = next(iter(marks.message_ids(header(mail, "Message-ID"))), "")
    parents = _parents(mail, content.text)
    words = without_addresses(own_words(content.text))
    text = tidy("\n\n".join(part for part in (words, attachments_line(content.attached)) if part))
    subject = subject_of(header(mail, "Subject"), names)
    if not text and not subject:
        return NotForUs(Why.EMPTY)
    date = header(mail, "Date")
    return IncomingLetter(
        message_id=message_id,
        reference=marks.reference_of(message_id or _fingerprint(date, subject, text)),
        mark=_mark(mail, message_id, content.text, parents),
        name=author_of_mail(mail, names),
        subject=subject,
        text=text,
        date_s=unix_seconds(date),
        parents=parents,
    )


def _machine(mail: Mail) -> Why | None:
    """Whether a machine wrote this, and which kind."""
    address = next((a for _, a in mailboxes(mail, "From")), "")
    local = address.partition("@")[0]
    if header(mail, "Return-Path") == "<>" or local in _MACHINES or local.endswith(_MACHINE_ENDINGS):
        return Why.BOUNCE
    if mail.get_content_type() == "multipart/report":
        return Why.BOUNCE
    if header(mail, "Auto-Submitted").lower() not in ("", "no") or header(mail, "X-Autoreply"):
        return Why.AUTOMATIC
    if header(mail, "Precedence").lower() in ("auto_reply", "junk"):
        return Why.AUTOMATIC
    if header(mail, "X-List-Administrivia").lower() == "yes":
        return Why.NOTICE
    # A list's own notices have a List-Id and no List-Post. So has everybody's letter on a list that was told
    # to add none. Notices come from the list's helpers, as camps-admin@.
    if header(mail, "List-Id") and not header(mail, "List-Post") and _is_helper(mail, address):
        return Why.NOTICE
    return None


def _is_helper(mail: Mail, address: str) -> bool:
    """Whether an address is the list software's: `camps-…@` at the host of `<camps.lists.example.org>`."""
    name, _, host = header(mail, "List-Id").rpartition("<")[2].rstrip("> ").lower().partition(".")
    local, _, domain = address.partition("@")
    return bool(name) and local.startswith(f"{name}-") and domain == host


_MACHINES = frozenset(("mailer-daemon", "postmaster", "mailman", "listserv", "sympa", "majordomo"))
_MACHINE_ENDINGS = ("-bounces", "-bounce", "-request", "-owner", "-confirm")


def _parents(mail: Mail, text: str) -> tuple[str, ...]:
    """What the letter answers, nearest first: In-Reply-To, References backwards, a quoted token of ours."""
    found = [*marks.message_ids(header(mail, "In-Reply-To"))]
    found += reversed(marks.message_ids(header(mail, "References")))
    for line in quoted_lines(text):
        if mark := marks.mark_of_line(line):
            found.append(marks.message_id_of(mark.message))
    return tuple(dict.fromkeys(found))[:PARENTS_MAX]


def _mark(mail: Mail, message_id: str, text: str, parents: tuple[str, ...]) -> Mark | None:
    """The message of a camp that this letter is. A letter that answers or quotes one is another letter."""
    if mark := marks.mark_of_header(header(mail, marks.HEADER)):
        return mark
    lines = [line for line in text.split("\n") if line.strip()][:TOKEN_LINES]
    found = (marks.mark_of_line(line) for line in lines if not line.startswith(">"))
    mark = next(filter(None, found), None)
    if mark and marks.message_id_of(mark.message) not in parents:
        return mark
    return marks.mark_of_message_id(message_id)


def _is_reply(subject: str) -> bool:
    return subject.startswith("Re: ")


def _fingerprint(date: str, subject: str, text: str) -> str:
    """What stands for a Message-ID where a letter has none: two gateways must still find the same."""
    return digest("\0".join((date, subject, text)).encode("utf-8", "replace"), 16).hex()
