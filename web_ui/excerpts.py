"""How much of each message a page shows, so that any page stays within 10 kB on its way to a phone.

A page's style and frame take 3 kB packed. Texts pack to a half or less, but somebody may post noise, or
a script of three bytes a letter; so what is counted is the bytes of the texts as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sync.views import MessageView

# Of a message in a list; longer ones are read on their own page. About what a phone shows without scrolling.
EXCERPT_BYTES = 700
# All texts of a page together; 4,000 of them may be the one message whose page it is.
PAGE_TEXT_BYTES = 5_000
# So many in any case: twenty short ones are two minutes of reading.
PAGE_MESSAGES = 20
# Markup of one message besides its text, packed, is about 150 bytes that do not repeat; counted twice over.
MESSAGE_OVERHEAD_BYTES = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shown:
    """A message with as much of its text as this page has room for."""

    view: MessageView
    text: str
    cut: bool


def whole(view: MessageView) -> Shown:
    """A message with all of its text."""
    return Shown(view, view.text, cut=False)


def excerpt(view: MessageView) -> Shown:
    """A message with the beginning of its text."""
    text = beginning(view.text, EXCERPT_BYTES)
    return Shown(view, text, cut=len(text) < len(view.text))


def fit(views: Sequence[MessageView], used_bytes: int = 0) -> tuple[Shown, ...]:
    """The first of these messages, as many as fit a page on which `used_bytes` are taken; one at least."""
    shown: list[Shown] = []
    left = PAGE_TEXT_BYTES - used_bytes
    for view in views[:PAGE_MESSAGES]:
        entry = excerpt(view)
        left -= len(entry.text.encode()) + len(view.author.encode()) + MESSAGE_OVERHEAD_BYTES
        if shown and left < 0:
            break
        shown.append(entry)
    return tuple(shown)


def rows_that_fit(rows: Sequence[T], words: Callable[[T], str], each_bytes: int) -> list[T]:
    """The first of these rows, as many as fit a page; one at least. `words` is what people wrote in a row,
    `each_bytes` what a row costs besides."""
    shown: list[T] = []
    left = PAGE_TEXT_BYTES
    for row in rows:
        left -= len(words(row).encode()) + each_bytes
        if shown and left < 0:
            break
        shown.append(row)
    return shown


def beginning(text: str, bytes_max: int) -> str:
    """The text up to `bytes_max` bytes, cut between words where there is one near."""
    raw = text.encode()
    if len(raw) <= bytes_max:
        return text
    cut = raw[:bytes_max].decode("utf-8", "ignore")
    space = cut.rfind(" ", len(cut) * 3 // 4)
    return cut[:space] if space > 0 else cut
