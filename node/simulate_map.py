"""The map in the drawing of a simulation: camps as dots, earshot as lines, names where there is room."""

from __future__ import annotations

import math
from dataclasses import dataclass

from node.svg import element, number, width, words
from radio.experiment.outcome import Map

HEIGHT_MAX = 340.0
# 150 camps that all hear each other are 11,175 lines and look like a spot of ink; so many take 27 kB.
EDGES_MAX = 1_500
# More lines than these are drawn thinner.
THICK_MAX = 300
# More names than these cover the lines.
NAMES_MAX = 30
# A dot for up to so many camps is so large.
_DOTS = ((30, 5.0), (100, 3.5), (math.inf, 2.5))

_Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Look:
    """How wide the map may be, how large its letters are, and its colours."""

    wide: float
    letter: float
    dots: str
    lines: str
    paper: str


def map_of(drawn: Map, look: Look) -> tuple[str, float, int]:
    """The map, its height, and how many lines are left out: the longest of more than `EDGES_MAX`."""
    radius = next(size for most, size in _DOTS if len(drawn.names) <= most)
    named = len(drawn.names) <= NAMES_MAX
    border = radius + 1
    spots, height = _scaled(drawn.spots, look.wide, border, border + look.letter + 2 if named else border)
    edges = sorted(drawn.edges, key=lambda edge: math.dist(spots[edge[0]], spots[edge[1]]))[:EDGES_MAX]
    thick = 1.0 if len(edges) <= THICK_MAX else 0.5
    path = "".join(_leg(spots[one], spots[other]) for one, other in edges)
    parts = [element("path", d=path, stroke=look.lines, stroke_width=thick, fill="none")] if path else []
    dots = [
        element("circle", element("title", words(name)), cx=x, cy=y, r=radius)
        for name, (x, y) in zip(drawn.names, spots, strict=True)
    ]
    parts.append(element("g", "\n".join(dots), fill=look.dots))
    if named:
        parts.append(_names(drawn.names, spots, radius, look))
    return "\n".join(parts), height, len(drawn.edges) - len(edges)


def _scaled(spots: tuple[_Spot, ...], wide: float, beside: float, above: float) -> tuple[list[_Spot], float]:
    """The spots as large as the room inside this border allows, both ways alike; and the height of it all."""
    left, top = (min(spot[axis] for spot in spots) for axis in (0, 1))
    across, down = (max(spot[axis] for spot in spots) - low for axis, low in ((0, left), (1, top)))
    room = wide - 2 * beside
    scale = min(room / (across or 1.0), (HEIGHT_MAX - 2 * above) / (down or 1.0))
    inset = beside + (room - across * scale) / 2
    spread = [(inset + (x - left) * scale, above + (y - top) * scale) for x, y in spots]
    return spread, down * scale + 2 * above


def _leg(one: _Spot, other: _Spot) -> str:
    """A line of a path: where it begins, and how far it goes from there."""
    down = number(other[1] - one[1])
    return f"M{number(one[0])} {number(one[1])}l{number(other[0] - one[0])}" + (
        down if down.startswith("-") else f" {down}"
    )


def _names(names: tuple[str, ...], spots: list[_Spot], radius: float, look: Look) -> str:
    """Each name beside its dot, where it covers no dot and no other name; else it is left out."""
    taken = [_Box(x - radius, y - radius, x + radius, y + radius) for x, y in spots]
    parts = []
    for name, (x, y) in zip(names, spots, strict=True):
        for anchor, at, middle in _places(x, y, radius, look.letter):
            box = _box(anchor, at, middle, width(name, look.letter), look.letter)
            if box.left >= 0 and box.right <= look.wide and not any(box.meets(other) for other in taken):
                taken.append(box)
                parts.append(element("text", words(name), x=at, y=box.bottom - 2, text_anchor=anchor))
                break
    inside = "\n".join(parts)
    return element(
        "g", inside, stroke=look.paper, stroke_width=3, stroke_linejoin="round", paint_order="stroke"
    )


def _places(x: float, y: float, radius: float, letter: float) -> list[tuple[str, float, float]]:
    """Where a name may stand, best first: its anchor, where that is, and the middle of its height."""
    aside, off = radius + 2, radius + letter / 2 + 2
    return [("start", x + aside, y), ("end", x - aside, y), ("middle", x, y - off), ("middle", x, y + off)]


def _box(anchor: str, x: float, y: float, wide: float, letter: float) -> _Box:
    left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
    return _Box(left, y - letter / 2, left + wide, y + letter / 2)
