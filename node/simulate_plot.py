"""The drawing of `miccheck simulate --plot`: delivery over time, where the airtime went, and the map.

One column as wide as a phone, so that a person in a camp can read it there: at 360 pixels the letters are
11.7. It brings its own background, since viewers are dark or light and do not say so. The colours are after
Okabe and Ito's, which stay apart for the colour-blind, and none stands alone: the rival's line is dashed, and
bars have names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from textwrap import wrap

from node.simulate_map import Look, map_of
from node.simulate_table import circumstances, messages_of, posts
from node.svg import decimal_steps, element, line_through, ticks, width, words
from radio.experiment.case import Scheme
from radio.experiment.outcome import FrameKind, Point, Report

WIDTH, MARGIN = 400.0, 16.0
TITLE, LETTER, LINE = 16.0, 13.0, 18.0
INK, FAINT_INK, GRID, PAPER, TALK = "#1b1b1b", "#595959", "#d0d0d0", "#fdfdfb", "#f0ead6"
EARSHOT = "#8c8c8c"
OURS, THEIRS, ORACLE, USES = "#0072b2", "#c14e00", "#767676", "#00795a"
# On a screen that has room the drawing is larger, and never wider than the screen.
SHOWN_PX = 600
INSIDE = WIDTH - 2 * MARGIN
DASHES = "6 3"

NAMES = {
    Scheme.MICCHECK: "Mic Check",
    Scheme.MANAGED: "managed flooding",
    Scheme.FLOOD: "plain flooding",
    Scheme.BLOOM: "Bloom filters",
}
RIVAL = NAMES[Scheme.MANAGED]

# Of the left edge of the bars and of the room for their figures at the right.
BARS_LEFT, FIGURE = 150.0, 46.0
BAR = 11.0
CURVE_LEFT, CURVE_HEIGHT = 42.0, 150.0
# Of each unit of time the longest run it is good for, and distances of its ticks.
_UNITS = (
    ("minutes", 60.0, 300.0, (1, 2, 5, 10, 20, 30, 60)),
    ("hours", 3_600.0, 96.0, (1, 2, 3, 6, 12, 24)),
    ("days", 86_400.0, float("inf"), (1, 2, 5, 10)),
)
TICKS = 8


@dataclass(frozen=True, slots=True)
class _Bar:
    name: str
    seconds: float
    colour: str
    hollow: bool = False  # part of what other bars show already


def draw(report: Report) -> str:
    """The report as an SVG document of its own: the same report, the same bytes."""
    parts, y = [], MARGIN
    for panel in (_headline, _delivery, _airtime, _map):
        drawn, height = panel(report)
        parts.append(element("g", drawn, transform=f"translate({MARGIN:g} {y:g})"))
        y += height + LINE
    height = round(y + MARGIN - LINE)
    title = element("title", words(_title(report)), id="plot-title")
    desc = element("desc", words(_description(report)), id="plot-desc")
    paper = element("rect", width=WIDTH, height=height, fill=PAPER)
    letters = element("g", "\n".join(parts), font_family="system-ui, sans-serif", font_size=LETTER, fill=INK)
    return (
        element(
            "svg",
            f"\n{title}\n{desc}\n{paper}\n{letters}\n",
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH:g} {height}",
            width=SHOWN_PX,
            height=round(height * SHOWN_PX / WIDTH),
            style="max-width:100%;height:auto",
            role="img",
            aria_labelledby="plot-title plot-desc",
            lang="en",
        )
        + "\n"
    )


# -- in words -----------------------------------------------------------------------------------------------


def _title(report: Report) -> str:
    case = report.case
    name = NAMES[case.scheme]
    return f"{name[0].upper()}{name[1:]}: {case.camps} camps, {messages_of(case)}"


def _figures(report: Report) -> list[str]:
    latency = report.latency
    ratio = report.ratio_to_managed
    return [
        f"{_share(report.delivered)} delivered, {_share(report.within_10_min)} within 10 min",
        f"{_seconds(report.airtime_s_per_message)} s of airtime a message",
        *([] if ratio is None else [f"{ratio:.2f} times the airtime of {RIVAL}"]),
        f"latency p50 {latency.p50:,.0f} s, p95 {latency.p95:,.0f} s, max {latency.max:,.0f} s",
    ]


def _share(share: float) -> str:
    """To the hundredth of a percent, so that 100% is all there is."""
    return "100%" if share == 1 else f"{math.floor(share * 10_000) / 100:.2f}%"


def _description(report: Report) -> str:
    """What the drawing shows, for who does not see it."""
    kinds = ", ".join(f"{kind.name} {_seconds(_each(report, kind))}" for kind in report.kinds)
    chart = f"Seconds of airtime a message by kind of frame: {kinds or 'nothing was sent'}"
    return ". ".join([_case(report), *_figures(report), chart, _map_caption(report)]) + "."


def _case(report: Report) -> str:
    return f"{', '.join(circumstances(report))}; {posts(report)}"


def _map_caption(report: Report) -> str:
    pairs = len(report.map.edges)
    return f"{len(report.map.names)} camps, {pairs:,} pairs in earshot"


def _headline(report: Report) -> tuple[str, float]:
    parts, y = [], -5.0
    for line in _wrapped(_title(report), TITLE):
        y += TITLE + 4
        parts.append(element("text", words(line), y=y, font_size=TITLE, font_weight="bold"))
    y += 3
    for sentences, colour in (([_case(report)], FAINT_INK), (_figures(report), INK)):
        for line in [line for sentence in sentences for line in _wrapped(sentence)]:
            y += LINE
            parts.append(element("text", words(line), y=y, fill=colour))
        y += 4
    return "".join(parts), y


def _wrapped(line: str, size: float = LETTER) -> list[str]:
    return wrap(line, int(INSIDE / width("n", size)))


def _heading(text: str, y: float = 13.0) -> str:
    return element("text", words(text), y=y, font_size=14, font_weight="bold")


# -- delivery over time -------------------------------------------------------------------------------------


def _delivery(report: Report) -> tuple[str, float]:
    """Copies that have arrived, as a share of all, over the time of the run."""
    length_s = report.case.length_s
    across = (INSIDE - CURVE_LEFT) / length_s
    curves = [(NAMES[report.case.scheme], report.delivered, report.curve, OURS, "none")]
    if report.managed is not None:
        curves.append((RIVAL, report.managed.delivered, report.managed.curve, THEIRS, DASHES))
    parts, y = [_heading("Delivered over time")], 13 + LINE
    for name, delivered, _, colour, dashes in curves:
        parts.append(_stroke([(0, y - 4), (28, y - 4)], colour, dashes))
        parts.append(element("text", words(f"{name}, {_share(delivered)} at the end"), x=CURVE_LEFT, y=y))
        y += LINE
    parts.append(element("rect", y=y - 10, width=28, height=11, fill=TALK, stroke=GRID))
    parts.append(element("text", "while people post", x=CURVE_LEFT, y=y))
    top = y + 12
    talk = element("rect", width=across * report.case.talk_s, height=CURVE_HEIGHT, fill=TALK)
    inside = [talk, *_levels(), *_times(length_s, across)]
    for _, _, curve, colour, dashes in curves:
        inside.append(_stroke([_placed(point, across) for point in curve], colour, dashes))
    parts.append(element("g", "".join(inside), transform=f"translate({CURVE_LEFT:g} {top:g})"))
    return "".join(parts), top + CURVE_HEIGHT + 2 * LINE


def _placed(point: Point, across: float) -> tuple[float, float]:
    return point.at_s * across, CURVE_HEIGHT * (1 - point.delivered)


def _stroke(points: list[tuple[float, float]], colour: str, dashes: str) -> str:
    return element(
        "polyline",
        points=line_through(points),
        fill="none",
        stroke=colour,
        stroke_width=2,
        stroke_dasharray=dashes,
    )


def _levels() -> list[str]:
    """The axis of shares, from 0 to 100 %."""
    parts = []
    for quarter in range(5):
        y = CURVE_HEIGHT * (1 - quarter / 4)
        parts.append(_rule(0, y, INSIDE - CURVE_LEFT, y))
        parts.append(element("text", f"{quarter * 25}%", x=-6, y=y + 4.5, text_anchor="end"))
    return parts


def _times(length_s: float, across: float) -> list[str]:
    """The axis of time, in the unit that fits its length."""
    name, unit_s, _, steps = next(unit for unit in _UNITS if length_s <= unit[1] * unit[2])
    parts = []
    for at in ticks(length_s / unit_s, steps, TICKS):
        x = at * unit_s * across
        parts.append(_rule(x, 0, x, CURVE_HEIGHT))
        parts.append(element("text", f"{at:g}", x=x, y=CURVE_HEIGHT + 15, text_anchor="middle"))
    middle = (INSIDE - CURVE_LEFT) / 2
    parts.append(element("text", name, x=middle, y=CURVE_HEIGHT + 15 + LINE, text_anchor="middle"))
    return parts


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=GRID)


# -- where the airtime went ---------------------------------------------------------------------------------


def _airtime(report: Report) -> tuple[str, float]:
    """Seconds of airtime a message: all together beside the rivals, by kind of frame, by use of bundles."""
    groups = [(title, bars) for title, bars in _groups(report) if bars]
    most = max(bar.seconds for _, bars in groups for bar in bars)
    across = (INSIDE - BARS_LEFT - FIGURE) / (most or 1.0)
    labels, rows, y = [], [], 13.0
    for title, bars in groups:
        y += LINE + 3
        labels.append(element("text", words(title), y=y, fill=FAINT_INK))
        for bar in bars:
            y += LINE
            long = max(bar.seconds * across, 0.5)
            rows.append(_bar(bar, y, long))
            labels.append(element("text", words(bar.name), x=BARS_LEFT - 8, y=y, text_anchor="end"))
            labels.append(element("text", _seconds(bar.seconds), x=BARS_LEFT + long + 5, y=y))
    axis, bottom = [], y + 6
    for at in ticks(most, decimal_steps(most), 5):
        x = BARS_LEFT + at * across
        axis.append(_rule(x, 20, x, bottom))
        axis.append(element("text", f"{at:g}", x=x, y=bottom + 13, text_anchor="middle"))
    axis.append(element("text", "seconds", y=bottom + 13, fill=FAINT_INK))
    labelled = element("g", "".join(labels), stroke=PAPER, stroke_width=3, paint_order="stroke")
    return _heading("Airtime a message") + "".join([*axis, *rows, labelled]), bottom + 13


def _groups(report: Report) -> list[tuple[str, list[_Bar]]]:
    totals = [_Bar(NAMES[report.case.scheme], report.airtime_s_per_message, OURS)]
    if report.managed is not None:
        totals.append(_Bar(RIVAL, report.managed.airtime_s_per_message, THEIRS))
    totals.append(_Bar("all-knowing sender", report.oracle_s_per_message, ORACLE))
    kinds = [_Bar(kind.name, _each(report, kind), OURS) for kind in report.kinds]
    uses = [_Bar(use.name, _each(report, use), USES, use.name == "superfluous") for use in report.uses]
    return [
        ("all camps together", totals),
        ("by kind of frame", kinds),
        ("bundles by use (hollow: part of the others)", uses),
    ]


def _each(report: Report, kind: FrameKind) -> float:
    return kind.airtime_s / report.case.messages


def _bar(bar: _Bar, y: float, long: float) -> str:
    fill = PAPER if bar.hollow else bar.colour
    return element("rect", x=BARS_LEFT, y=y - 10, width=long, height=BAR, fill=fill, stroke=bar.colour)


def _seconds(seconds: float) -> str:
    """Three digits that say something, two behind the point at most."""
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.1f}" if seconds >= 10 else f"{seconds:.2f}"


# -- the map ------------------------------------------------------------------------------------------------


def _map(report: Report) -> tuple[str, float]:
    drawn, height, left_out = map_of(report.map, Look(INSIDE, LETTER, OURS, EARSHOT, PAPER))
    lines = [_map_caption(report)]
    if left_out:
        lines.append(f"the {len(report.map.edges) - left_out:,} closest are drawn")
    parts, y = [_heading("The camps, and who hears whom")], 13.0
    for line in lines:
        y += LINE
        parts.append(element("text", words(line), y=y, fill=FAINT_INK))
    top = y + 14
    parts.append(element("g", drawn, transform=f"translate(0 {top:g})"))
    return "".join(parts), top + height
