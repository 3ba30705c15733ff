"""Mail of a list as messages: what is a person's letter, who wrote it, and what it says.

A list protects nobody: it lets our own letters come back, vacation notices through and digests in. And what a
person writes to the camp alone lies in the same mailbox. So every letter is told apart here, and what is
none of ours is dropped with a reason that is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import Message as Mail
from enum import StrEnum

from sync.letters import marks
from sync.letters.archived import continues_at
from sync.letters.digest import is_digest, letters_in_digest
from sync.letters.headers import header, unix_seconds
from sync.letters.join_letters import is_about_joining
from sync.letters.marks import Mark
from sync.letters.mime import Content, attachments_line, content_of, parse
from sync.letters.names import author_of_mail, is_answer, names_in_footer, names_of_list, subject_of
from sync.letters.notices import Notice, is_machines, notice_of
from sync.letters.origin import Mailbox, Way, way_of, wrapped_letter
from sync.letters.privacy import without_addresses
from sync.letters.trim import own_words, quoted_lines
from sync.letters.wishes import wants_no_relay
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

# A digest of ours may lie in a digest of the list; nobody's lies deeper.
DIGESTS_IN_DIGESTS_MAX = 2
# On a moderator's dry run (outward), beside its Message-ID.
TRIAL_HEADER = "X-Miccheck-Trial"

# A stamp on the air is read as the nearest of every 194 days (PROTOCOL.md §5). A letter from further away
# than this says its date in words.
STAMPED_DAYS = 90
_DAY_S = 86_400


class Why(StrEnum):
    """Why a piece of mail is no letter for the camps. The words are counted, never the content."""

    AUTOMATIC = "automatic"  # a machine's letter inside a digest
    DIGEST = "digest"  # of a form nobody here can take apart
    EMPTY = "empty"
    ELSEWHERE = "elsewhere"  # of another list that comes to the same mailbox
    PRIVATE = "private"  # to the camp alone, not to the list
    TRIAL = "trial"  # a moderator's dry run
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class NotForUs:
    """Mail that nobody on the square needs to read."""

    why: Why


@dataclass(frozen=True, slots=True)
class DigestBack:
    """A digest that a gateway sent came back from the list: all letters in it are there."""

    digest: bytes  # letters_out.digest
    way: Way = field(default=Way.PRESUMED, compare=False)


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
    attached: str = ""  # one line that names what lay beside the words
    continues: str = ""  # the address of its page in the list's archive
    no_relay: bool = False  # its writer asks that it stays on the list
    way: Way = field(default=Way.PRESUMED, compare=False)  # on which it came, alone or in a digest


Piece = IncomingLetter | Notice | DigestBack | NotForUs


def read_letters(
    raw: bytes, list_names: tuple[str, ...] = (), own: tuple[str, ...] = (), *, archive: bool = False
) -> Iterator[Piece]:
    """What one piece of mail holds: one letter, those of a digest, a notice, or nothing for us.

    `list_names` are the names and addresses under which the list is known here: its subject prefix, and
    what tells its letters from those to the camp alone. `own` are the camp's addresses. `archive`: it lay in
    a file of the list's mail, where what names no list is the list's all the same.
    """
    mail = parse(raw)
    if mail is None or not mail.keys():
        yield NotForUs(Why.UNREADABLE)
        return
    mailbox = Mailbox(_lower(list_names), _lower(own), archive)
    yield from _that_came(way_of(mail, mailbox), _pieces_of(mail, mailbox, 0))


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
    return compose(message, _on_air(text, letter))


def cut(text: str, bytes_max: int, continues: str = "") -> str:
    """The text in at most `bytes_max` bytes. An ending says how much was left out, and where it goes on."""
    if len(text.encode()) <= bytes_max:
        return text
    where = f" continues at {continues}" if continues else ""
    if len(where.encode()) > bytes_max // 2:  # an address instead of the words is no letter
        where = ""
    ending = f" […] (+{len(text)}){where}"  # at least as long as the final one
    kept = text.encode()[: bytes_max - len(ending.encode())].decode("utf-8", "ignore")
    at = max(kept.rfind(" "), kept.rfind("\n"))
    if at > len(kept) * 3 // 4:  # not in the middle of a word, where there are words
        kept = kept[:at]
    kept = kept.rstrip()
    return f"{kept} […] (+{len(text) - len(kept)}){where}"


def _on_air(text: str, letter: IncomingLetter) -> str:
    """The words, the line that names what is attached, and where the rest is, in what the air allows."""
    if not letter.text and not letter.attached and letter.continues:
        # Of a letter that was too long to fetch there is nothing but its headers.
        return cut(f"{text} […] continues at {letter.continues}".strip(), TEXT_BYTES_ON_AIR)
    if not letter.attached:
        return cut(text, TEXT_BYTES_ON_AIR, letter.continues)
    line = f"{letter.attached} {letter.continues}" if letter.continues else letter.attached
    if len(line.encode()) > TEXT_BYTES_ON_AIR // 2:
        line = letter.attached
    words = cut(text, TEXT_BYTES_ON_AIR - len(line.encode()) - 2)
    return f"{words}\n\n{line}" if words else line


def _lower(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names if name)


def _that_came(way: Way, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """What may be heard of mail that came on this way. A digest came as a whole: what is in it, too."""
    dropped: Why | None = None
    for piece in pieces:
        if not isinstance(piece, IncomingLetter | DigestBack):
            yield piece
        elif way in (Way.PRIVATE, Way.ELSEWHERE):
            dropped = Why(way.value)
        elif way is Way.UNSAID and isinstance(piece, IncomingLetter) and piece.mark is None:
            dropped = Why.PRIVATE
        else:
            yield replace(piece, way=way)
    if dropped is not None:
        yield NotForUs(dropped)


def _pieces_of(mail: Mail, mailbox: Mailbox, depth: int) -> Iterator[Piece]:
    """What a piece of mail holds; `depth` counts the digests round it."""
    message_id = next(iter(marks.message_ids(header(mail, "Message-ID"))), "")
    if marks.is_trial(message_id) or header(mail, TRIAL_HEADER):
        yield NotForUs(Why.TRIAL)
        return
    if is_about_joining(mail):  # what a list's owner answers to a camp (joiner.py) is for nobody else
        yield NotForUs(Why.PRIVATE)
        return
    content = content_of(mail)
    names = _names(mail, content, mailbox.list_names)
    ours = _own_digest(mail, message_id, content)
    letters = content.letters if ours else letters_in_digest(mail, content, names)
    if ours is not None:
        yield DigestBack(ours)
    if letters and depth < DIGESTS_IN_DIGESTS_MAX:
        for letter in letters:
            yield from _pieces_of(letter, replace(mailbox, list_names=frozenset(names)), depth + 1)
    elif ours is None:
        yield _one(mail, content, mailbox, names, message_id, depth)


def _one(
    mail: Mail, content: Content, mailbox: Mailbox, names: set[str], message_id: str, depth: int
) -> Piece:
    """What a piece of mail is that is not taken apart."""
    if is_digest(mail, names):
        return NotForUs(Why.DIGEST)
    if is_machines(mail, names):
        if depth:
            return NotForUs(Why.AUTOMATIC)
        settled = {name for name in mailbox.list_names if "@" in name}
        return notice_of(mail, content, _reference(mail, message_id, content.text), settled or names)
    inner = wrapped_letter(mail, content)
    if inner is None:
        return _letter(mail, content, names, message_id)
    inner_id = next(iter(marks.message_ids(header(inner, "Message-ID"))), message_id)
    return _letter(inner, content_of(inner), names | _names(inner, content, mailbox.list_names), inner_id)


def _letter(mail: Mail, content: Content, names: set[str], message_id: str) -> IncomingLetter | NotForUs:
    parents = _parents(mail, content.text)
    # Who reads it on the air needs no token: its bytes are words.
    text = tidy(without_addresses(own_words(marks.without_tokens(content.text))))
    attached = tidy(without_addresses(attachments_line(content.attached)))
    subject = subject_of(header(mail, "Subject"), names)
    if not text and not subject and not attached:
        return NotForUs(Why.EMPTY)
    return IncomingLetter(
        message_id=message_id,
        reference=_reference(mail, message_id, text),
        mark=_mark(mail, message_id, content.text, parents),
        name=author_of_mail(mail, names),
        subject=subject,
        text=text,
        date_s=unix_seconds(header(mail, "Date")),
        parents=parents,
        attached=attached,
        continues=continues_at(mail, {name for name in names if "@" in name}),
        no_relay=wants_no_relay(mail, content.text),
    )


def _names(mail: Mail, content: Content, list_names: frozenset[str]) -> set[str]:
    """Every name and address of the list that is known here or that the letter tells, in lower case."""
    told = (*names_of_list(mail), *names_in_footer(content.text))
    return {name.lower() for name in (*list_names, *told) if name}


def _own_digest(mail: Mail, message_id: str, content: Content) -> bytes | None:
    """The id of the digest of ours that this is, also when the list threw its parts away."""
    digest = marks.digest_of_message_id(message_id)
    if digest is not None or is_answer(header(mail, "Subject")):
        return digest
    lines = [line for line in content.text.split("\n") if line.strip()][:TOKEN_LINES]
    return next(filter(None, map(marks.digest_of_line, lines)), None)


def _parents(mail: Mail, text: str) -> tuple[str, ...]:
    """What the letter answers, nearest first: In-Reply-To, References backwards, a quoted token of ours."""
    found = [*marks.message_ids(header(mail, "In-Reply-To"))]
    found += reversed(marks.message_ids(header(mail, "References")))
    for line in quoted_lines(text):
        found += map(marks.message_id_of, marks.messages_in_text(line))
    return tuple(dict.fromkeys(found))[:PARENTS_MAX]


def _mark(mail: Mail, message_id: str, text: str, parents: tuple[str, ...]) -> Mark | None:
    """The message of a camp that this letter is. A letter that answers or quotes one is another letter."""
    if mark := marks.mark_of_header(header(mail, marks.HEADER)):
        return mark
    lines = [line for line in text.split("\n") if line.strip()][:TOKEN_LINES]
    mark = next(filter(None, map(marks.mark_of_line, lines)), None)
    if mark and marks.message_id_of(mark.message) not in parents:
        return mark
    return marks.mark_of_message_id(message_id)


def _is_reply(subject: str) -> bool:
    return subject.startswith("Re: ")


def _reference(mail: Mail, message_id: str, text: str) -> bytes:
    """What names a letter on the air. Where it has no Message-ID, two gateways must still find the same."""
    if message_id:
        return marks.reference_of(message_id)
    written = "\0".join((header(mail, "Date"), header(mail, "Subject"), text))
    return marks.reference_of(digest(written.encode("utf-8", "replace"), 16).hex())
