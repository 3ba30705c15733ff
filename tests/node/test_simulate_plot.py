"""The drawing of a simulation: it opens, says the figures, and nothing lies on anything else."""

import math
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node import simulate_plot, svg
from node.simulate_map import EDGES_MAX
from node.simulate_plot import draw
from radio.experiment.case import AFTER_MAX_S, MINUTES_MAX, Case, Scheme, Terrain
from radio.experiment.map_file import parse
from radio.experiment.outcome import FrameKind, Latency, Map, Point, Report, Rival
from radio.experiment.run import compare
from radio.experiment.topology import topology_of

SVG = "{http://www.w3.org/2000/svg}"
WIDTH = 400.0

CURVE = (Point(0, 0), Point(3_600, 0.5), Point(13_200, 1.0))
RIVAL = Rival(0.5, 10.0, (Point(0, 0), Point(6_600, 0.25), Point(13_200, 0.5)))
MAP = Map(("plaza", "park", "gate"), ((0.1, 0.1), (0.9, 0.1), (0.5, 0.9)), ((0, 1), (1, 2)))
REPORT = Report(
    case=Case(camps=3, degree=2, messages=10),
    degree=4 / 3,
    delivered=1.0,
    within_10_min=0.99996,
    airtime_s_per_message=20.0,
    kinds=(FrameKind("bundle", 90, 150.0), FrameKind("beacon", 60, 50.0)),
    uses=(FrameKind("own", 10, 15.0), FrameKind("superfluous", 4, 6.0)),
    fates=(("heard", 1), ("lost", 2)),
    oracle_s_per_message=5.0,
    converged_s=60.0,
    latency=Latency(61.0, 300.0, 1_234.0),
    latencies_s=(),
    curve=CURVE,
    map=MAP,
    duty_max=0.01,
    trace="00",
)


def on_map(report: Report, drawn: Map) -> Report:
    return replace(report, case=replace(report.case, camps=len(drawn.names)), map=drawn)


def mapped(case: Case) -> Report:
    return replace(REPORT, case=case, map=topology_of(case).map())


FULL = Case(camps=150, degree=149)
NOTHING = replace(
    REPORT, delivered=0.0, within_10_min=0.0, airtime_s_per_message=0.0, oracle_s_per_message=0.0,
    kinds=(), uses=(), converged_s=None, curve=(Point(0, 0), Point(60, 0)),
    case=Case(camps=3, degree=2, messages=1, minutes=1, after_s=0),
)  # fmt: skip
WORST = replace(
    REPORT,
    case=Case(
        Scheme.BLOOM, 30, 29, Terrain.CLUSTERS, "LONG_MODERATE", capture=True, loss=0.45, messages=10_000,
        minutes=MINUTES_MAX, after_s=AFTER_MAX_S, burst=64, cuts=9_999, churn=9_999, seed=2**62,
    ),
    airtime_s_per_message=12_345.0,
    within_10_min=0.12345,
    latency=Latency(100_000, 1_000_000, 1_234_567),
    kinds=(FrameKind("bundle with key", 9, 9e7), FrameKind("beacon", 9, 1.0)),
    managed=replace(RIVAL, delivered=0.99999, airtime_s_per_message=0.01),
    map=topology_of(Case(camps=30, degree=29)).map(),
)  # fmt: skip
REPORTS = {
    "plain": REPORT,
    "beside": replace(REPORT, managed=RIVAL),
    "nothing was sent": NOTHING,
    "the rival was silent": replace(REPORT, managed=replace(RIVAL, airtime_s_per_message=0.0)),
    "worst": WORST,
    "everybody hears everybody": mapped(FULL),
    "a row": mapped(Case(camps=12, terrain=Terrain.LINE)),
    "a long row": mapped(Case(camps=200, terrain=Terrain.LINE)),
    "squares": mapped(Case(camps=30, terrain=Terrain.CLUSTERS)),
    "all in one place": on_map(REPORT, Map(("a", "b"), ((0.3, 0.3), (0.3, 0.3)), ((0, 1),))),
    "one above the other": on_map(REPORT, Map(("a" * 32, "b" * 32), ((0.3, 0), (0.3, 1)), ((0, 1),))),
    "no map file has places": replace(
        REPORT, map=parse("a - b\nb - 広場のキャンプ場\nb - ساحة", Case())[1].map()
    ),
}
every_report = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())


def tree(report: Report) -> ElementTree.Element:
    return ElementTree.fromstring(draw(report))


def placed(element: ElementTree.Element, x: float = 0.0, y: float = 0.0):
    """Every element with where its groups have moved its origin."""
    moved = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", "translate(0 0)"))
    assert moved is not None
    x, y = x + float(moved[1]), y + float(moved[2])
    yield element, x, y
    for inner in element:
        yield from placed(inner, x, y)


def texts(root: ElementTree.Element):
    """Every word on the page as (text, left, top, right, bottom), as wide as the widest of common fonts."""
    for element, x, y in placed(root):
        if element.tag == f"{SVG}text":
            size = float(element.get("font-size", simulate_plot.LETTER))
            wide = svg.width(element.text or "", size)
            left = x + float(element.get("x", "0"))
            left -= {"start": 0.0, "middle": wide / 2, "end": wide}[element.get("text-anchor", "start")]
            base = y + float(element.get("y", "0"))
            yield element.text, left, base - 0.75 * size, left + wide, base + 0.2 * size


def group(root: ElementTree.Element, heading: str) -> ElementTree.Element:
    """The panel with this heading."""
    return next(g for g in root.iter(f"{SVG}g") if g.find(f"{SVG}text[.='{heading}']") is not None)


# -- any drawing --------------------------------------------------------------------------------------------


@every_report
def test_a_drawing_stands_alone_and_is_always_the_same(report):
    drawn = draw(report)
    assert drawn == draw(report)
    assert len(drawn.encode()) < 60_000
    root = ElementTree.fromstring(drawn)
    assert root.tag == f"{SVG}svg"
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "g", "rect", "text", "line", "polyline", "path", "circle"}
    assert drawn.count("http") == 1  # the name of SVG itself
    assert not re.search(r"\b(nan|inf)\b", drawn)
    _, _, wide, high = map(float, root.get("viewBox", "").split())
    assert float(root.get("height", "")) / float(root.get("width", "")) == pytest.approx(
        high / wide, abs=0.01
    )
    paper = root.find(f"{SVG}rect")
    assert paper is not None
    assert [paper.get("width"), paper.get("height")] == [f"{wide:g}", f"{high:g}"]


@every_report
def test_no_word_leaves_the_page_or_covers_another(report):
    root = tree(report)
    high = float(root.get("viewBox", "").split()[3])
    boxes = list(texts(root))
    for text, left, top, right, bottom in boxes:
        assert left >= 0, text
        assert right <= WIDTH, text
        assert top >= 0, text
        assert bottom <= high, text
    for at, (text, left, top, right, bottom) in enumerate(boxes):
        for other, left2, top2, right2, bottom2 in boxes[:at]:
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            assert apart, (text, other)


@every_report
def test_letters_can_be_read_on_a_phone(report):
    sizes = [float(e.get("font-size", "16")) for e in tree(report).iter() if e.get("font-size")]
    assert min(sizes) * 360 / WIDTH >= 11


@pytest.mark.parametrize(
    ("colour", "least"),
    [("INK", 7), ("FAINT_INK", 4.5), ("OURS", 3), ("THEIRS", 3), ("ORACLE", 3), ("USES", 3), ("EARSHOT", 3)],
)
def test_colours_stand_out_from_the_paper(colour, least):
    def light(name: str) -> float:
        """Relative luminance (WCAG 2.2)."""
        parts = [int(getattr(simulate_plot, name)[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert (light("PAPER") + 0.05) / (light(colour) + 0.05) >= least


# -- what it says -------------------------------------------------------------------------------------------


def test_it_says_the_case_and_the_figures():
    root = tree(REPORTS["beside"])
    title, desc = root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")
    assert title == "Mic Check: 3 camps, 10 messages"
    assert desc is not None
    said = " ".join(text for text, *_ in texts(root))
    for words in ("100% delivered, 99.99% within 10 min", "20.0 s of airtime a message",
                  "2.00 times the airtime of managed flooding", "latency p50 61 s, p95 300 s, max 1,234 s",
                  "LONG_FAST", "20% lost", "seed 1", "3 camps, 2 pairs in earshot"):  # fmt: skip
        assert words in said
        assert words in desc
    assert "bundle 15.0, beacon 5.00" in desc
    by_id = {element.get("id"): element.text for element in root.iter()}
    assert [by_id[label] for label in root.get("aria-labelledby", "").split()] == [title, desc]


def test_a_curve_begins_at_the_left_and_goes_up():
    lines = group(tree(REPORTS["beside"]), "Delivered over time").findall(f"{SVG}g/{SVG}polyline")
    ours, theirs = ([tuple(map(float, p.split(","))) for p in e.get("points", "").split()] for e in lines)
    wide, high = ours[-1][0], simulate_plot.CURVE_HEIGHT
    assert ours == [(0, high), pytest.approx((wide * 3_600 / 13_200, high / 2), abs=0.1), (wide, 0)]
    assert theirs == [(0, high), pytest.approx((wide / 2, high * 0.75), abs=0.1), (wide, high / 2)]
    assert [line.get("stroke-dasharray") for line in lines] == ["none", simulate_plot.DASHES]
    alone = group(tree(REPORT), "Delivered over time")
    assert len(alone.findall(f"{SVG}g/{SVG}polyline")) == 1


def test_bars_are_as_long_as_their_seconds():
    panel = group(tree(REPORTS["beside"]), "Airtime a message")
    bars = [(bar.get("fill"), float(bar.get("width", ""))) for bar in panel.findall(f"{SVG}rect")]
    whole = bars[0][1]
    seconds = [20.0, 10.0, 5.0, 15.0, 5.0, 1.5, 0.6]
    assert [wide for _, wide in bars] == pytest.approx([whole * each / 20 for each in seconds], abs=0.06)
    assert bars[-1][0] == simulate_plot.PAPER  # superfluous is part of the others
    said = [e.text for e in panel.iter(f"{SVG}text")]
    for words in ("Mic Check", "managed flooding", "all-knowing sender", "bundle", "own", "15.0", "0.60"):
        assert words in said


def test_an_axis_says_its_unit():
    def axis(minutes: float) -> list[str]:
        report = replace(REPORT, case=replace(REPORT.case, minutes=minutes))
        inside = group(tree(report), "Delivered over time").findall(f"{SVG}g/{SVG}text")
        return [e.text or "" for e in inside if e.get("text-anchor") == "middle"]

    assert axis(100) == ["0", "30", "60", "90", "120", "150", "180", "210", "minutes"]
    assert axis(1_320) == ["0", "3", "6", "9", "12", "15", "18", "21", "24", "hours"]
    assert axis(10_080) == ["0", "1", "2", "3", "4", "5", "6", "7", "days"]


# -- the map ------------------------------------------------------------------------------------------------


def ends(report: Report) -> list[tuple[float, ...]]:
    """Where each line of the map begins, and how far it goes."""
    (path,) = tree(report).iter(f"{SVG}path")
    number = r"(-?\d+(?:\.\d)?)"
    legs = re.findall(rf"M{number} {number}l{number} ?{number}", path.get("d", ""))
    assert len(legs) == path.get("d", "").count("M")
    return [tuple(map(float, leg)) for leg in legs]


def test_lines_join_the_dots_of_those_who_hear_each_other():
    root = tree(REPORT)
    dots = {
        e.findtext(f"{SVG}title"): (float(e.get("cx", "")), float(e.get("cy", "")))
        for e in root.iter(f"{SVG}circle")
    }
    assert dots.keys() == set(MAP.names)
    assert dots["plaza"][1] == dots["park"][1] < dots["gate"][1]
    assert dots["plaza"][0] < dots["gate"][0] < dots["park"][0]
    apart = [math.dist(dots[one], dots[other]) for one, other in (("plaza", "park"), ("plaza", "gate"))]
    assert apart[1] / apart[0] == pytest.approx(math.hypot(0.4, 0.8) / 0.8, abs=0.01)  # not stretched
    joined = {((x, y), (round(x + dx, 1), round(y + dy, 1))) for x, y, dx, dy in ends(REPORT)}
    for one, other in (("plaza", "park"), ("park", "gate")):
        assert any(math.dist(a, dots[one]) < 0.3 and math.dist(b, dots[other]) < 0.3 for a, b in joined)


def test_of_too_many_lines_the_longest_are_left_out():
    report = REPORTS["everybody hears everybody"]
    legs = ends(report)
    assert len(legs) == EDGES_MAX < len(report.map.edges)
    longest = max(math.hypot(dx, dy) for _, _, dx, dy in legs)
    spots = [(float(e.get("cx", "")), float(e.get("cy", ""))) for e in tree(report).iter(f"{SVG}circle")]
    shorter = sum(math.dist(spots[one], spots[other]) < longest - 0.3 for one, other in report.map.edges)
    assert shorter <= EDGES_MAX
    assert f"the {EDGES_MAX:,} closest are drawn" in [text for text, *_ in texts(tree(report))]


def test_a_name_that_finds_no_room_is_left_to_the_dot():
    crowd = Map(tuple(f"a camp of a long name {n}" for n in range(30)), ((0.5, 0.5),) * 30, ((0, 1),))
    root = tree(on_map(REPORT, crowd))
    said = [text for text, *_ in texts(root) if text in crowd.names]
    assert len(said) < 5
    assert [e.text for e in root.iter(f"{SVG}title")][1:] == list(crowd.names)


@given(st.lists(st.text(min_size=1, max_size=32), min_size=2, max_size=5, unique=True))
@example(["0", "\r\n"])
def test_any_name_can_be_drawn(names):
    spots = tuple((at / 10, at / 10) for at in range(len(names)))
    root = tree(on_map(REPORT, Map(tuple(names), spots, ((0, 1),))))
    titles = [element.text or "" for element in root.iter(f"{SVG}title")][1:]
    for name, drawn in zip(names, titles, strict=True):
        for letter, said in zip(name, drawn, strict=True):
            assert letter == said or said == "\ufffd"


# -- SVG by hand --------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(st.floats(1e-3, 1e6), st.integers(3, 10))
def test_an_axis_has_some_round_numbers(most, count):
    marks = svg.ticks(most, svg.decimal_steps(most), count)
    assert marks[0] == 0
    assert 2 <= len(marks) <= count + 1
    assert marks[-1] <= most * (1 + 1e-6)
    assert most < marks[-1] + marks[1] * (1 + 1e-6)
    assert re.fullmatch(r"[125]0*", f"{marks[1] * 1_000:.0f}")


def test_a_level_stretch_of_a_line_is_its_two_ends():
    flat = [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 0.25), (5.0, 0.25)]
    assert svg.line_through(flat) == "0,1 3,1 4,0.2 5,0.2"


@pytest.mark.parametrize(
    ("value", "written"), [(0.0, "0"), (-0.04, "0"), (1.0, "1"), (2.26, "2.3"), ("a", "a")]
)
def test_a_coordinate_is_as_short_as_it_can_be(value, written):
    assert svg.number(value) == written


def test_a_quote_does_not_end_an_attribute():
    root = ElementTree.fromstring(svg.element("g", "", id="\"<'&\x01"))
    assert root.get("id") == "\"<'&"


# -- a real run ---------------------------------------------------------------------------------------------


def test_a_run_beside_managed_flooding_is_drawn_with_both_curves():
    report = compare(Case(camps=4, degree=3, messages=3, minutes=5, after_s=900))
    assert report.managed is not None
    assert report.managed.curve[-1].delivered == pytest.approx(report.managed.delivered)
    root = tree(report)
    assert len(group(root, "Delivered over time").findall(f"{SVG}g/{SVG}polyline")) == 2
    said = {text for text, *_ in texts(root)}
    assert {kind.name for kind in report.kinds} | {use.name for use in report.uses} <= said
