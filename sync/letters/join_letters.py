"""Letters to the owner of a list: who asks to join it, sealed; who wants to leave; what the owner answers.

The owner needs no Mic Check, only the command `miccheck owner-key` and the file with the secret key. Every
letter has a token nobody can guess; whoever answers with it has read the letter. Nothing in the letter tells
who the people are.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode, b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message as Mail
from textwrap import wrap

from sync.letters.headers import header
from sync.letters.marks import DOMAIN, message_ids
from sync.letters.mime import content_of, parse
from sync.letters.privacy import without_contacts
from sync.letters.writing import (
    checked_address,
    date_line,
    display_name,
    encode_header,
    head,
    one_line,
    text_part,
)
from sync.registrations import (
    REGISTRATION_ID_BYTES,
    SEALED_BYTES,
    WORDS_BYTES_MAX,
    JoinState,
    registration_id,
)
from sync.signing import AUTHOR_BYTES, digest
from sync.text import tidy_name

# 80 bits: sixteen letters on a line that a person copies.
TOKEN_BYTES = 10
# A letter of fifty boxes is 50 kB, which every list's owner address takes; more go with the next.
LINES_MAX = 50
# RFC 2045 §6.8 allows 76; shorter ones survive being quoted twice. Without the padding they also survive
# quoted-printable, which an mbox leaves as it is.
_ARMOUR_CHARACTERS = 64
_PADDING = "=" * (-SEALED_BYTES % 3)
_BOX = "REGISTRATION"
# What stands first in each letter. In an answer it is where the owner's own words end.
_MARKER = "[miccheck joining]"
# Letters that came back with answers were forwarded, digested and quoted; ten deep is a family of them.
_MAILS_MAX = 200

_ID = rf"[0-9a-f]{{{2 * REGISTRATION_ID_BYTES}}}"
_CAMP = rf"[0-9a-f]{{{2 * AUTHOR_BYTES}}}"
_ARMOUR = re.compile(
    rf"-----BEGIN {_BOX} (?P<id>{_ID}) (?P<camp>{_CAMP})-----\n"
    rf"(?P<body>(?:[A-Za-z0-9+/=]{{1,{_ARMOUR_CHARACTERS}}}\n){{1,20}})"
    rf"-----END {_BOX} (?P=id)-----"
)
_QUOTES = re.compile(r"^(?:[ \t]*>)*[ \t]*", re.MULTILINE)
_ANSWER = re.compile(
    r"[ \t]*(?P<verb>joined|refused|removed)[ \t:]+(?P<which>all|\d{1,2}(?:[ \t,]+\d{1,2}){0,49})"
    r"[ \t,]+(?P<token>[a-z2-7]{16})\b[ \t:,.-]*(?P<words>.*)",
    re.IGNORECASE,
)
_JOIN_MESSAGE_ID = re.compile(rf"join-[0-9a-f]{{16}}@{re.escape(DOMAIN)}")
_VERBS = {"joined": JoinState.CONFIRMED, "refused": JoinState.REFUSED, "removed": JoinState.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Line:
    """One registration in a letter. `number` is what the owner calls it in the answer."""

    number: int
    id: bytes
    camp: bytes  # author id of the camp that sealed it
    camp_name: str
    second: int
    sealed: bytes | None  # of a withdrawal it may be gone


@dataclass(frozen=True, slots=True)
class OwnerLetter:
    """What a letter to a list's owner is made of."""

    token: bytes
    list_address: str
    camp_name: str  # of the camp that sends it
    made_s: int
    leaving: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class OwnerAnswer:
    """What the owner says became of registrations. No numbers: of all in the letter."""

    token: bytes
    state: JoinState
    numbers: frozenset[int]
    words: str  # why it was refused; without addresses


def owner_letter(letter: OwnerLetter, owner: str, sender: str) -> bytes:
    """The letter, with CRLF and 7-bit clean; the same bytes every time. Raises ValueError for no address."""
    lines, body = text_part(_text(letter))
    name = one_line(letter.camp_name)
    count = len(letter.lines)
    people = "1 person" if count == 1 else f"{count} people"
    what = f"{people} to take off" if letter.leaving else f"{people} to add to"
    headers = [
        f"From: {display_name(name)} <{checked_address(sender, 'the sender')}>",
        f"To: <{checked_address(owner, 'the owner')}>",
        f"Subject: {encode_header(f'[{_bare(name)}] {what} {letter.list_address}')}",
        date_line(letter.made_s),
        f"Message-ID: <{message_id_of_token(letter.token)}>",
        "MIME-Version: 1.0",
    ]
    return head([*headers, *lines]) + body


def request_letter(address: str, token: bytes, made_s: int, request: str, sender: str) -> bytes:
    """A command for Mailman to ask `address` whether it wants to join, sent to LIST-request (`list_joining`).

    The subject is a command too, and `echo` the one that does nothing (Mailman 2 and 3).
    """
    headers = [
        f"From: <{checked_address(sender, 'the sender')}>",
        f"To: <{checked_address(request, 'the request')}>",
        "Subject: echo Mic Check",
        date_line(made_s),
        f"Message-ID: <{message_id_of_token(token)}>",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="us-ascii"',
        "Content-Transfer-Encoding: 7bit",
    ]
    return head(headers) + f"subscribe address={address}\r\nend\r\n".encode("ascii")


def message_id_of_token(token: bytes) -> str:
    """The Message-ID of the letter with this token, which it does not tell."""
    return f"join-{digest(token, 8).hex()}@{DOMAIN}"


def token_text(token: bytes) -> str:
    """A token as people copy it: sixteen letters and digits."""
    return b32encode(token).decode("ascii").lower()


# Reading ------------------------------------------------------------------------------------------------


def sealed_in(raw: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """(id, camp, sealed box) of every registration in a letter, forwarded, quoted or not a letter at all."""
    found: dict[bytes, tuple[bytes, bytes, bytes]] = {}
    for text in _texts(raw):
        for box in _ARMOUR.finditer(_QUOTES.sub("", text.replace("\r\n", "\n"))):
            id_, camp = bytes.fromhex(box["id"]), bytes.fromhex(box["camp"])
            try:
                sealed = b64decode(box["body"].replace("\n", "").rstrip("=") + _PADDING, validate=True)
            except (NotBase64, ValueError):
                continue
            if len(sealed) == SEALED_BYTES and registration_id(camp, sealed) == id_:
                found.setdefault(id_, (id_, camp, sealed))
    return list(found.values())


def is_about_joining(mail: Mail) -> bool:
    """Whether a piece of mail is a letter to a list's owner, or answers one: no letter of the list."""
    ids = [i for name in ("Message-ID", "In-Reply-To", "References") for i in message_ids(header(mail, name))]
    return any(_JOIN_MESSAGE_ID.fullmatch(i) for i in ids)


def answers_in(mail: Mail) -> tuple[OwnerAnswer, ...]:
    """What the owner wrote above the letter that is answered. A machine's answer says nothing (RFC 3834)."""
    if header(mail, "Auto-Submitted").lower() not in ("", "no") or header(mail, "X-Autoreply"):
        return ()
    answers = []
    for line in content_of(mail).text.replace("\r\n", "\n").split("\n"):
        if _MARKER in line and not line.lstrip().startswith(">"):
            break
        if answer := _ANSWER.fullmatch(line.rstrip()):
            answers.append(_answer(answer))
    return tuple(answers)


def _answer(found: re.Match[str]) -> OwnerAnswer:
    which = found["which"].lower()
    numbers = frozenset() if which == "all" else frozenset(int(n) for n in re.findall(r"\d+", which))
    words = tidy_name(without_contacts(found["words"])).encode()[:WORDS_BYTES_MAX].decode("utf-8", "ignore")
    token = b32decode(found["token"].upper())
    return OwnerAnswer(token, _VERBS[found["verb"].lower()], numbers, words.strip())


def _texts(raw: bytes) -> Iterator[str]:
    """The text as it stands, and that of every part, however it was encoded on the way."""
    yield raw.decode("latin-1")
    mail = parse(raw)
    queue = [mail] if mail is not None else []
    for _ in range(_MAILS_MAX):
        if not queue:
            return
        part = queue.pop()
        if part.is_multipart():  # else get_payload decodes, and raises for some charsets
            queue += [child for child in part.get_payload() if isinstance(child, Mail)]
        elif part.get_content_maintype() == "text":
            yield content_of(part).text


# Writing ------------------------------------------------------------------------------------------------


def _text(letter: OwnerLetter) -> str:
    words = _leaving(letter) if letter.leaving else _joining(letter)
    return "\n\n".join([_MARKER, *words, *(_line(line) for line in letter.lines)]) + "\n"


def _joining(letter: OwnerLetter) -> list[str]:
    return [
        f"Camps that pass messages on by radio ask you to add {_people(letter.lines)} to "
        f"{letter.list_address}. Each of them agreed. Address, place and group are sealed to your key: "
        "nobody on the way could read them, and this camp cannot either.",
        "To read them, save this letter as letter.eml and run, with the file of your secret key,",
        "    miccheck owner-key open owner.key letter.eml > people.csv",
        "To let the people know, answer this letter. Write on a line of its own, above everything else,",
        "    joined all CODE",
        "or, for some of them, joined 1 3 CODE. Of those you do not add: refused 2 CODE and why. CODE is "
        "what only this letter has:",
        f"    {token_text(letter.token)}",
        "You can answer more than once. Who did not ask to be on your list had the e-mail address typed in "
        "by somebody else: please let everybody confirm.",
    ]


def _leaving(letter: OwnerLetter) -> list[str]:
    return [
        f"Camps that pass messages on by radio asked you to add {_people(letter.lines)} to "
        f"{letter.list_address}, and they have changed their minds. Please take them off the list, or do not "
        "add them.",
        "Who they are is in the table you made before, in the column registration; or save this letter as "
        "letter.eml and run, with the file of your secret key,",
        "    miccheck owner-key open owner.key letter.eml > people.csv",
        "To let them know, answer this letter. Write on a line of its own, above everything else,",
        "    removed all CODE",
        "or, for some of them, removed 1 3 CODE. CODE is what only this letter has:",
        f"    {token_text(letter.token)}",
    ]


def _line(line: Line) -> str:
    when = datetime.fromtimestamp(line.second, UTC)
    camp = one_line(line.camp_name) or line.camp.hex()
    said = f"{line.number}. {camp}, {when:%Y-%m-%d %H:%M} UTC, registration {line.id.hex()}"
    if line.sealed is None:
        return said
    body = "\n".join(wrap(b64encode(line.sealed).decode("ascii").rstrip("="), _ARMOUR_CHARACTERS))
    return (
        f"{said}\n-----BEGIN {_BOX} {line.id.hex()} {line.camp.hex()}-----\n{body}\n"
        f"-----END {_BOX} {line.id.hex()}-----"
    )


def _people(lines: Sequence[Line]) -> str:
    return "1 person" if len(lines) == 1 else f"{len(lines)} people"


def _bare(name: str) -> str:
    return name.replace("[", "(").replace("]", ")")
