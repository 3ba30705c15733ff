"""A mailbox file, read letter by letter with flat memory, from any place on (RFC 4155 and its cousins).

mboxo, mboxrd and the archives of Pipermail differ in how they quote `From ` lines and hide addresses;
all three are read. The file may be longer than memory, torn at its end, cut or replaced by another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sync.signing import digest

# The words stand at the head of a letter; attachments are not passed on. Lists refuse longer ones (Mailman's
# default is 40 kB, the largest list seen allows 10 MB), and two such letters in memory do not hurt a Pi.
LETTER_BYTES_MAX = 1_048_576
# One read. A line longer than this is not one that separates letters.
_LINE_BYTES_MAX = 65_536
# How much before a remembered position is compared, to see that the file is still the same.
_CHECK_BYTES = 256

_SEPARATOR = re.compile(
    rb"From \S(?:.{0,250}\S)? +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +"
    rb"(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2},?) .{0,40}\d{4}"
)
_HEADER_LINE = re.compile(rb"[!-9;-~]{1,76}:")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MboxLetter:
    """One letter: where it begins and ends in the file, its bytes (at most LETTER_BYTES_MAX of them)."""

    start: int
    end: int
    raw: bytes
    last: bool  # nothing follows it: whoever writes the file may not be done


def read_mbox(file: BinaryIO, position: int = 0) -> Iterator[MboxLetter]:
    """The letters from the first that begins at or after `position`, in the order of the file."""
    start, parts, size = -1, [b""], 0
    for at, line, separates in _lines(file, position):
        if separates:
            if start >= 0:
                yield MboxLetter(start, at, _unquote(parts), last=False)
            start, parts, size = at, [], 0
        elif size < LETTER_BYTES_MAX:
            parts.append(line)
            size += len(line)
    if start >= 0:
        yield MboxLetter(start, file.tell(), _unquote(parts), last=True)


def letter_starts(file: BinaryIO, position: int = 0) -> Iterator[int]:
    """Where letters begin, from `position` on."""
    return (at for at, _, separates in _lines(file, position) if separates)


def check_of(file: BinaryIO, position: int) -> bytes:
    """16 bytes that tell whether a file still has before `position` what it had."""
    file.seek(max(0, position - _CHECK_BYTES))
    return digest(file.read(position - file.tell()), 16)


def _lines(file: BinaryIO, position: int) -> Iterator[tuple[int, bytes, bool]]:
    """Each line with its position and whether a letter begins with it."""
    file.seek(position)
    at, line = position, file.readline(_LINE_BYTES_MAX)
    blank, whole = True, True
    while line:
        following = file.readline(_LINE_BYTES_MAX)
        yield at, line, whole and line.startswith(b"From ") and _separates(line, following, blank)
        blank, whole = line in (b"\n", b"\r\n"), line.endswith(b"\n")
        at, line = at + len(line), following


def _separates(line: bytes, following: bytes, after_blank: bool) -> bool:
    """A dated `From ` line always; any other after an empty line and before a header line."""
    if _SEPARATOR.match(line):
        return True
    return after_blank and _HEADER_LINE.match(following) is not None


def _unquote(parts: list[bytes]) -> bytes:
    return _QUOTED_FROM.sub(rb"\1", b"".join(parts)[:LETTER_BYTES_MAX])
