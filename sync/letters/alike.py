"""Whether a letter says what a message of ours says, whatever a list did to it.

Who listens on the air can work out the mark of a post before it is on the list. A letter with that mark and
other words would keep every gateway from posting it: the message would be lost. A letter that is ours and is
not believed costs a second copy with the same Message-ID, which mail programs merge. So where it is not sure
it is not believed.

Lists wrap lines, and write `?` for what their charset has not. So what counts is letters and digits, and of
long texts one piece of several is enough. Of short ones, a mic check or a word, every line must stand there
as a line of its own, for a few letters in a row are found in any text.
"""

from __future__ import annotations

import unicodedata

from sync.letters.privacy import without_contacts

# So many letters and digits in a row are the same by intent.
WORDS_ALIKE = 16
# A text has so many chances: lists cut letters at their end, not at their beginning.
PIECES = 8


def says(said: str, words: str) -> bool:
    """Whether a letter's text has the words of a message, as they are or without addresses and numbers."""
    return any(_says(said, each) for each in (words, without_contacts(words)))


def _says(said: str, words: str) -> bool:
    expected = _letters(words)
    if len(expected) < WORDS_ALIKE:
        lines = {_line(line) for line in said.splitlines()}
        needed = {_line(line) for line in words.splitlines()} - {""}
        return bool(needed) and needed <= lines
    return _has_piece(_letters(said), expected) or _has_piece(_ascii(said), _ascii(words))


def _has_piece(said: str, expected: str) -> bool:
    pieces = [expected[at : at + WORDS_ALIKE] for at in range(0, len(expected), WORDS_ALIKE)]
    return any(piece in said for piece in pieces[:PIECES] if len(piece) == WORDS_ALIKE)


def _letters(text: str) -> str:
    """Letters and digits of every script, without accents and case."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum())


def _ascii(text: str) -> str:
    """Those that every charset has."""
    return "".join(c for c in text.lower() if c.isascii() and c.isalnum())


def _line(line: str) -> str:
    """A short line to compare: by its letters; by its signs, where it has none."""
    return _letters(line) or "".join(line.split())
