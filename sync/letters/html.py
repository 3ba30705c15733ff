"""The words in an HTML letter. No link, picture or style survives.

Read by a scanner that goes once from left to right: the standard library's parser took 35 s for 60 kB
of `<a <a <a`, and raises for a character reference of 5,000 digits.
"""

from __future__ import annotations

import re
from html import unescape

_TAG = re.compile(r"(/?)([a-z][a-z0-9]{0,15})")
_CLASS = re.compile(r"class\s*=\s*[\"']?([^\"'>]{1,200})", re.IGNORECASE)
# How far into a tag its class is looked for.
_TAG_CHARACTERS_MAX = 500

_BREAKS = frozenset(
    ("address", "article", "aside", "dd", "div", "dl", "dt", "fieldset", "form", "h1", "h2", "h3", "h4", "h5")
) | frozenset(("h6", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul", "br", "blockquote"))
_APART = frozenset(("br", "h1", "h2", "h3", "h4", "p"))  # also after an empty line
_SILENT = frozenset(("head", "script", "style", "title", "template", "noscript"))
_QUOTES = frozenset(("gmail_quote", "yahoo_quoted", "moz-cite-prefix"))
_SPACES = re.compile(r"[ \t\r\n\f]+")
_ENDLESS_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}")


def text_of_html(markup: str) -> str:
    """Plain text with line breaks where blocks end and `> ` before what is quoted."""
    words = _Words()
    lowered, at = markup.lower(), 0
    # `lower` may lengthen a text (İ); positions must be the same in both.
    if len(lowered) != len(markup):
        lowered = "".join(c.lower() if c.isascii() else c for c in markup)
    while at < len(markup):
        tag = lowered.find("<", at)
        if tag < 0:
            words.say(markup[at:])
            break
        words.say(markup[at:tag])
        at = _after_tag(lowered, markup, tag, words)
    return words.text()


def _after_tag(lowered: str, markup: str, tag: int, words: _Words) -> int:
    """Deal with what begins with `<` at `tag`; say where to go on. What does not end ends the text."""
    if lowered.startswith("<!--", tag):
        end = lowered.find("-->", tag + 4)
        return len(lowered) if end < 0 else end + 3
    name = _TAG.match(lowered, tag + 1)
    if name is None and lowered[tag + 1 : tag + 2] not in ("!", "?", "/"):
        words.say("<")
        return tag + 1
    end = lowered.find(">", tag)
    if end < 0:
        return len(lowered)
    if name is not None and name[2] in _SILENT and not name[1]:
        closing = lowered.find("</" + name[2], end)
        return len(lowered) if closing < 0 else closing
    if name is not None:
        words.tag(name[2], bool(name[1]), markup[tag : min(end, tag + _TAG_CHARACTERS_MAX)])
    return end + 1


class _Words:
    def __init__(self) -> None:
        self._lines: list[tuple[int, list[str]]] = [(0, [])]
        self._quotes = 0
        self._divs: list[bool] = []  # for each open div: whether it began a quote

    def tag(self, name: str, closing: bool, written: str) -> None:
        """An opening or closing tag."""
        if name == "blockquote":
            self._quote(-1 if closing else 1)
        elif name == "div" and closing:
            if self._divs and self._divs.pop():
                self._quote(-1)
        elif name == "div":
            classes = _CLASS.search(written)
            self._divs.append(classes is not None and not _QUOTES.isdisjoint(classes[1].split()))
            if self._divs[-1]:
                self._quote(1)
        if name in _BREAKS:
            self._break(name)
        if name == "li" and not closing:
            self._lines[-1][1].append("- ")

    def say(self, data: str) -> None:
        """Text between tags."""
        if data:
            self._lines[-1][1].append(_SPACES.sub(" ", unescape(_ENDLESS_REFERENCE.sub("", data))))

    def text(self) -> str:
        """What was read so far."""
        lines = [("> " if quoted else "") + "".join(words).strip() for quoted, words in self._lines]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def _break(self, tag: str) -> None:
        if tag in _APART or any(word.strip() for word in self._lines[-1][1]):
            self._lines.append((self._quotes, []))

    def _quote(self, step: int) -> None:
        self._quotes = max(0, self._quotes + step)
        self._lines.append((self._quotes, []))
