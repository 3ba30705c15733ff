"""Digests: many letters in one piece of mail, as MIME parts or as one text with rulers between them.

Mailman, LISTSERV and Sympa write RFC 1153 (70 hyphens after the preamble, 30 between letters), Google Groups
and Yahoo forms of their own: `list_forms.py` has them. Only what a list's software sends is taken apart: a
person who passes letters on, or answers a digest and quotes it, has written one letter.
"""

from __future__ import annotations

import re
from email.message import Message as Mail

from sync.letters.headers import header, mailboxes
from sync.letters.list_forms import ANY_PROGRAM, DIGEST_SUBJECTS
from sync.letters.mime import PARTS_MAX, Content, parse
from sync.letters.names import is_answer, is_helper, is_nobodys

# `Message: 3` or `Topic: …` may stand before the headers of a letter.
_OWN_FIELD = re.compile(r"(?:Message|Topic|Url|Posted by): ?(.*)", re.IGNORECASE)
_FIELD = re.compile(r"([!-9;-~]{1,76}): ?(.*)")
# What may follow a ruler: the headers of a letter, the digest's own footer, its last words.
_HEAD = re.compile(
    r"(?:Message|Date|From|To|Subject|Message-ID|Posted by|Reply-To|Sender|Url) ?:|(?:End of|Fin de) "
    r"|\*{10,}",
    re.IGNORECASE,
)
_TOPIC = re.compile(r"Topic: (.{1,300})")
_LINE = re.compile(r"={10,}")
_HEADER_LINES_MAX = 40


def is_digest(mail: Mail, list_names: set[str]) -> bool:
    """Whether a list's software sends this as a digest."""
    return _ruler_of(mail, list_names) is not None


def letters_in_digest(mail: Mail, content: Content, list_names: set[str]) -> list[Mail]:
    """The letters of a digest, in order; none when it is no digest, or of a form nobody here knows."""
    ruler = _ruler_of(mail, list_names)
    if ruler is None:
        return []
    return content.letters or _split(content.text, ruler) or _split(content.text, _ANY_RULER)


def _ruler_of(mail: Mail, list_names: set[str]) -> re.Pattern[str] | None:
    subject = header(mail, "Subject")
    if is_answer(subject):
        return None
    senders = [address for _, address in mailboxes(mail, "From")]
    if not any(is_helper(each, list_names) or each in list_names or is_nobodys(each) for each in senders):
        return None
    return next((ruler for pattern, ruler in DIGEST_SUBJECTS if pattern.search(subject)), None)


def _split(text: str, ruler: re.Pattern[str]) -> list[Mail]:
    """The letters behind the rulers of a text: each begins with its headers."""
    letters: list[Mail] = []
    topic = ""
    for piece in _pieces(text.split("\n"), ruler):
        lines, next_topic = _before_topic(piece)
        mail = _letter(lines, topic)
        if mail is not None and len(letters) < PARTS_MAX:
            letters.append(mail)
        topic = next_topic or topic
    return letters


def _pieces(lines: list[str], ruler: re.Pattern[str]) -> list[list[str]]:
    """What stands before the first ruler, and behind each. A ruler that no headers follow is somebody's."""
    pieces: list[list[str]] = [[]]
    for at, line in enumerate(lines):
        if not ruler.fullmatch(line.strip()):
            pieces[-1].append(line)
        elif len(pieces) == 1 or _HEAD.match(_next_words(lines, at + 1)):
            pieces.append([])
        else:
            pieces[-1].append(line)
    for piece in pieces:  # Yahoo writes its ruler twice
        while piece and (not piece[-1].strip() or ruler.fullmatch(piece[-1].strip())):
            piece.pop()
    return pieces


def _next_words(lines: list[str], at: int) -> str:
    """The first line from `at` on that is not empty, near enough to be a header."""
    return next((line.strip() for line in lines[at : at + 4] if line.strip()), "")


def _before_topic(lines: list[str]) -> tuple[list[str], str]:
    """A letter without the heading of the next topic (Google), and that topic."""
    for at in range(len(lines) - 1, 0, -1):
        found = _TOPIC.fullmatch(lines[at].strip())
        if found and _LINE.fullmatch(lines[at - 1].strip()):
            return lines[: at - 1], found[1]
    return lines, ""


def _letter(lines: list[str], topic: str) -> Mail | None:
    """The letter in the lines behind a ruler, or None when no headers stand there."""
    fields: list[str] = []
    at = 0
    while at < len(lines) and not lines[at].strip():
        at += 1
    names = set()
    while at < len(lines) and lines[at].strip() and len(fields) < _HEADER_LINES_MAX:
        line = lines[at]
        found = _FIELD.fullmatch(line.strip())
        if found is None or (line[0] in " \t" and fields and found[1].lower() not in _HEADERS):
            if not fields or line[0] not in " \t":
                break
            fields.append(" " + line.strip())
        elif not _OWN_FIELD.fullmatch(line.strip()):
            fields.append(f"{found[1]}: {found[2]}")
            names.add(found[1].lower())
        at += 1
    if "from" not in names or not names & {"date", "subject", "message-id"}:
        return None
    if "subject" not in names and topic:
        fields.append(f"Subject: {topic}")
    # The text was decoded with the digest; what the letter's own headers say of its coding is over.
    fields = _without_coding(fields)
    head = "\n".join(('Content-Type: text/plain; charset="utf-8"', *fields))
    return parse((head + "\n\n" + "\n".join(lines[at:]).strip("\n") + "\n").encode("utf-8", "replace"))


def _without_coding(fields: list[str]) -> list[str]:
    kept: list[str] = []
    dropping = False
    for line in fields:
        if not line.startswith(" "):
            dropping = line.lower().startswith(("content-", "mime-version:"))
        if not dropping:
            kept.append(line)
    return kept


_ANY_RULER = re.compile(ANY_PROGRAM.digest_ruler)
_HEADERS = frozenset(
    ("from", "to", "cc", "date", "subject", "message-id", "reply-to", "in-reply-to", "references")
)
