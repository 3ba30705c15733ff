"""The parts of a letter: which of them are its words, and what is only named.

Strangers build the tree, so every walk has an end: depth, number of parts, bytes of text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import Message as Mail
from email.parser import BytesParser
from email.policy import compat32

from sync.letters.headers import decode_bytes
from sync.letters.html import text_of_html
from sync.text import tidy_name

# Real letters have four levels (signed, mixed, related, alternative). Eight leaves room for a digest of them.
DEPTH_MAX = 8
# A digest of a busy day of Occupy's lists had 60 letters of three parts each.
PARTS_MAX = 250
# Of a letter, 600 bytes go on the air; quotes of four earlier letters may stand above them.
TEXT_BYTES_MAX = 65_536
# The words stand at the head of a letter, and lists refuse longer ones (see mbox.py); more is never parsed.
MAIL_BYTES_MAX = 1_048_576
# Eight times the longest header block seen (a letter with 40 hops and four signatures). Each look for a
# header walks all of them.
HEADER_BYTES_MAX = 131_072
# The parser holds every line against every boundary it is inside of: 50 boundaries round a million empty
# lines took a minute. What is behind this many comparisons is cut off; 40 boundaries and 50,000 lines are
# a digest of 2 MB.
COMPARISONS_MAX = 2_000_000
# Enough to tell a leaflet from a photo; more names would push the words out.
ATTACHMENTS_NAMED = 3
FILENAME_CHARACTERS_MAX = 40


@dataclass(slots=True)
class Content:
    """What a letter holds: its words, the names of what is attached, the letters of a digest, and those that
    are attached on their own."""

    text: str = ""
    attached: list[str] = field(default_factory=list)
    letters: list[Mail] = field(default_factory=list)
    enclosed: list[Mail] = field(default_factory=list)


def parse(raw: bytes) -> Mail | None:
    """The letter in `raw`, or None when its parts are nested deeper than a parser can go.

    Of what would take long only the beginning is read: a hostile letter costs at most a second.
    """
    try:
        return BytesParser(policy=compat32).parsebytes(_bounded(raw))
    except (RecursionError, MessageError, ValueError):
        return None


def _bounded(raw: bytes) -> bytes:
    """The letter without what would take long: of endless headers the first, of endless lines the first."""
    raw = raw[:MAIL_BYTES_MAX]
    if len(raw) > HEADER_BYTES_MAX and not _HEADERS_END.search(raw, 0, HEADER_BYTES_MAX):
        end = _HEADERS_END.search(raw, HEADER_BYTES_MAX)
        head = raw[:HEADER_BYTES_MAX].rpartition(b"\n")[0]
        raw = head + (b"\n\n" + raw[end.end() :] if end else b"\n")
    boundaries = len(_BOUNDARY.findall(raw)) + 1
    lines_max = COMPARISONS_MAX // boundaries
    if raw.count(b"\n") + raw.count(b"\r") > lines_max:
        raw = b"\n".join(raw[: lines_max * 80].splitlines()[:lines_max])
    return raw


_HEADERS_END = re.compile(rb"\r?\n\r?\n|\r\r")
_BOUNDARY = re.compile(rb"\bboundary", re.IGNORECASE)


def content_of(mail: Mail) -> Content:
    """The words of a letter, plain text before HTML, and what else it carries."""
    content = Content()
    _Walk(content).part(mail, 0)
    content.text = content.text.strip("\n")
    return content


class _Walk:
    def __init__(self, content: Content) -> None:
        self._content = content
        self._parts = 0

    def part(self, part: Mail, depth: int, in_digest: bool = False) -> None:
        self._parts += 1
        if depth > DEPTH_MAX or self._parts > PARTS_MAX:
            return
        kind = part.get_content_type()
        children = _children(part)
        if in_digest and kind == "message/rfc822" and children:
            self._content.letters.append(children[0])
        elif kind == "message/rfc822" and children:
            self._content.enclosed.append(children[0])
            self._content.attached.append(_filename(part) or kind)
        elif kind == "multipart/alternative":
            self._alternative(children, depth)
        elif kind.startswith("multipart/"):
            for child in children[:1] if kind == "multipart/signed" else children:
                self.part(child, depth + 1, kind == "multipart/digest")
        elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            self._say(_words(part, kind))
        elif kind not in _UNNAMED:
            self._content.attached.append(_filename(part) or kind)

    def _alternative(self, children: list[Mail], depth: int) -> None:
        for wanted in ("text/plain", "text/html"):
            for child in children:
                if child.get_content_type() == wanted and (words := _words(child, wanted)).strip():
                    self._say(words)
                    return
        for child in children:
            before = self._content.text
            self.part(child, depth + 1)
            if self._content.text != before:
                return

    def _say(self, words: str) -> None:
        self._content.text = (self._content.text + "\n" + words)[:TEXT_BYTES_MAX]


def _children(part: Mail) -> list[Mail]:
    if not part.is_multipart():  # else get_payload decodes, and raises for a NUL in the charset
        return []
    return [child for child in part.get_payload() if isinstance(child, Mail)]


def _words(part: Mail, kind: str) -> str:
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() in _UUENCODE:
        return ""
    payload = part.get_payload(decode=True)
    raw = payload[:TEXT_BYTES_MAX] if isinstance(payload, bytes) else b""
    text = decode_bytes(raw, _charset(part)).replace("\r\n", "\n").replace("\r", "\n")
    if kind == "text/html":
        return text_of_html(text)
    if parameter(part, "format") == "flowed":
        return unflow(text, delete_space=parameter(part, "delsp") == "yes")
    return text


def unflow(text: str, delete_space: bool) -> str:
    """Undo format=flowed (RFC 3676 §4): lines that end with a space go on in the next."""
    out: list[str] = []
    going_on: int | None = None  # quote depth of a line that goes on
    for line in text.split("\n"):
        unquoted = line.lstrip(">")
        depth = len(line) - len(unquoted)
        words = unquoted.removeprefix(" ")
        flows = words.endswith(" ") and words.rstrip() != "--"
        if flows and delete_space:
            words = words[:-1]
        if going_on == depth and words.rstrip() != "--":
            out[-1] += words
        else:
            out.append("> " * depth + words)
        going_on = depth if flows else None
    return "\n".join(out)


def attachments_line(attached: list[str]) -> str:
    """`[+ flyer.pdf, photo.jpg]`: what lies beside the words and is not passed on."""
    if not attached:
        return ""
    more = len(attached) - ATTACHMENTS_NAMED
    named = ", ".join(attached[:ATTACHMENTS_NAMED])
    return f"[+ {named}, … +{more}]" if more > 0 else f"[+ {named}]"


def _charset(part: Mail) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, TypeError, ValueError):  # a charset parameter in RFC 2231 pieces that do not fit
        return None


def parameter(part: Mail, name: str) -> str:
    """A parameter of Content-Type in lower case; empty when there is none."""
    try:
        value = part.get_param(name)
    except (LookupError, TypeError, ValueError):
        return ""
    return value.lower() if isinstance(value, str) else ""


def _filename(part: Mail) -> str:
    try:
        name = part.get_filename() or ""
    except (LookupError, TypeError, ValueError):
        return ""
    name = tidy_name(name.encode("utf-8", "replace").decode()).replace("]", ")").replace("[", "(")
    if len(name) <= FILENAME_CHARACTERS_MAX:
        return name
    return name[: FILENAME_CHARACTERS_MAX - 8] + "…" + name[-7:]


_UUENCODE = frozenset(("x-uuencode", "uuencode", "uue", "x-uue"))
_UNNAMED = frozenset(("application/pgp-signature", "application/pkcs7-signature"))
