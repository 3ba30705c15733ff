"""SVG by hand: elements, words that cannot break a drawing, and round numbers for an axis.

No library: what we draw is rectangles, lines and words. A drawing is looked at in a camp without internet, so
it refers to nothing outside itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

# What XML 1.0 (section 2.2) does not allow. One such character, escaped or not, and no viewer opens the file.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A letter of a word is so wide on average, by its size: that of DejaVu Sans, the widest of the common fonts.
_LETTER_EM = 0.6


def words(text: str) -> str:
    """Text for between two tags: what XML does not allow becomes U+FFFD.

    A bare carriage return would be read as a line feed, one before a line feed not at all (XML 1.0 §2.11).
    """
    return escape(_NO_XML.sub("\ufffd", text), {"\r": "&#13;"})


def element(tag: str, inside: str = "", **attributes: str | float) -> str:
    """One element. `inside` is SVG already; `_` in the name of an attribute stands for `-`."""
    named = "".join(
        f" {name.rstrip('_').replace('_', '-')}={quoteattr(_NO_XML.sub('', number(value)))}"
        for name, value in attributes.items()
    )
    return f"<{tag}{named}>{inside}</{tag}>" if inside else f"<{tag}{named}/>"


def number(value: str | float) -> str:
    """A coordinate to a tenth, without zeros that say nothing; a word as it is."""
    if isinstance(value, str):
        return value
    short = f"{value:.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def line_through(points: Sequence[tuple[float, float]]) -> str:
    """The value of `points` of a polyline; points on a level run between two others are left out."""
    kept = [
        point
        for at, point in enumerate(points)
        if not (0 < at < len(points) - 1 and points[at - 1][1] == point[1] == points[at + 1][1])
    ]
    return " ".join(f"{number(x)},{number(y)}" for x, y in kept)


def width(text: str, size: float) -> float:
    """How wide these words may become at this size of the letters; East Asian letters are squares."""
    letters = sum(1.0 if unicodedata.east_asian_width(each) in "WF" else _LETTER_EM for each in text)
    return letters * size


def ticks(most: float, steps: Sequence[float], count: int) -> list[float]:
    """From 0 to `most` by the smallest of these steps (ascending) that makes `count` of them or fewer."""
    step = next((step for step in steps if most <= count * step), steps[-1])
    return [step * at for at in range(int(most / step + 1e-9) + 1)]


def decimal_steps(most: float) -> list[float]:
    """1, 2 and 5 times the powers of ten, round about what an axis up to `most` needs."""
    power = len(f"{max(most, 1):.0f}")
    return [digit * 10.0**exponent for exponent in range(-3, power) for digit in (1, 2, 5)]
