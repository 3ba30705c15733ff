"""What every scheme is given alike: the map and the messages."""

import math
import re
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path as FilePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import radio
from radio.airtime import PRESETS
from radio.experiment import map_file
from radio.experiment.case import SIZE_MAX, SIZE_MIN, Case, Scheme, Terrain
from radio.experiment.map_file import parse
from radio.experiment.topology import floor_db, topology_of
from radio.experiment.workload import bundle_bytes, workload_of
from radio.simulated import Path
from radio.world import START_S
from sync.frames import HEAD_BYTES, RADIO_FRAME_BYTES_MAX
from sync.message import Kind
from sync.signing import Identity

ROOT = FilePath(radio.__file__).parent.parent
SOMEBODY = Identity(b"somebody".ljust(32))

# -- messages -----------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(size=st.integers(SIZE_MIN, SIZE_MAX), seed=st.integers(0, 2**32))
def test_a_message_alone_fills_the_bytes_it_is_said_to(size, seed):
    for post in workload_of(Case(size=size, seed=seed, messages=3), START_S):
        length = bundle_bytes(post.message, SOMEBODY)
        assert abs(length - size) <= 4
        assert length + HEAD_BYTES <= RADIO_FRAME_BYTES_MAX


def test_messages_are_texts_of_people_at_uniform_times():
    case = Case(messages=200, minutes=30, camps=20)
    posts = workload_of(case, START_S)
    assert len(posts) == 200
    assert all(post.message.kind == Kind.POST and len(post.message.text.split()) > 5 for post in posts)
    assert [post.at_s for post in posts] == sorted(post.at_s for post in posts)
    assert 0 <= posts[0].at_s < 120
    assert 28 * 60 < posts[-1].at_s <= 30 * 60
    assert {post.camp for post in posts} == set(range(20))
    assert 80 < sum(post.at_s < 15 * 60 for post in posts) < 120
    assert all(post.message.second == int(START_S + post.at_s) for post in posts)


def test_a_burst_is_one_author_within_two_minutes():
    posts = workload_of(Case(messages=42, burst=4, camps=50, minutes=1_000), START_S)
    assert len(posts) == 42
    of = defaultdict(list)
    for post in posts:
        of[post.camp].append(post.at_s)
    sizes: Counter[int] = Counter()
    for times in of.values():
        while times:
            burst = [at_s for at_s in times if at_s <= times[0] + 120]
            sizes[len(burst)] += 1
            del times[: len(burst)]
    assert set(sizes) <= {2, 4, 8}  # 42 leaves two over; two bursts of one camp may meet
    assert sum(size * count for size, count in sizes.items()) == 42


def test_the_same_seed_says_the_same_whatever_the_scheme():
    case = Case(messages=10)
    assert workload_of(case, START_S) == workload_of(replace(case, scheme=Scheme.FLOOD), START_S)
    assert workload_of(case, START_S) != workload_of(replace(case, seed=2), START_S)


# -- maps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terrain", [each for each in Terrain if each is not Terrain.FILE])
@pytest.mark.parametrize("camps", [2, 3, 10, 50])
def test_camps_hang_together_and_hear_each_other_differently(terrain, camps):
    case = Case(terrain=terrain, camps=camps, degree=min(7, camps - 1))
    topology = topology_of(case)
    assert topology.hangs_together()
    assert len(topology.names) == len(topology.spots) == camps
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in topology.spots)
    snr_db = {(way.sender, way.hearer): way.path.snr_db for way in topology.ways}
    assert len(snr_db) == len(topology.ways)
    assert all((hearer, sender) in snr_db for sender, hearer in snr_db)
    assert all(db >= floor_db(case) for db in snr_db.values())
    if camps >= 10:
        apart = [abs(db - snr_db[hearer, sender]) for (sender, hearer), db in snr_db.items()]
        assert 1 < sum(apart) / len(apart) < 2 * 3.0  # two draws with a sigma of 3 dB, some of them clipped
    assert topology == topology_of(replace(case, scheme=Scheme.MANAGED, messages=7, loss=case.loss))
    if terrain is Terrain.GEOMETRIC or terrain is Terrain.CLUSTERS:
        assert camps == 2 or topology.spots != topology_of(replace(case, seed=2)).spots


@pytest.mark.parametrize(("camps", "degree"), [(50, 7), (10, 4.5), (150, 7), (4, 3)])
def test_a_field_has_the_degree_it_is_asked_for(camps, degree):
    topology = topology_of(Case(camps=camps, degree=degree))
    assert topology.degree == pytest.approx(degree, abs=1 / camps)
    assert len(topology.edges) == len(topology.ways) / 2
    near = max(math.dist(topology.spots[one], topology.spots[other]) for one, other in topology.edges)
    closer = [
        (one, other)
        for one in range(camps)
        for other in range(one)
        if math.dist(topology.spots[one], topology.spots[other]) < near
    ]
    assert len(closer) == len(topology.edges) - 1  # nobody who is closer than the farthest pair is left out


def test_near_is_loud():
    topology = topology_of(Case(camps=100, degree=7))
    by_distance = sorted(
        (math.dist(topology.spots[way.sender], topology.spots[way.hearer]), way.path.snr_db)
        for way in topology.ways
    )
    third = len(by_distance) // 3
    near, far = (sum(db for _, db in part) / third for part in (by_distance[:third], by_distance[-third:]))
    assert near > far + 5


def test_the_shapes_of_a_line_a_grid_and_clusters():
    line = topology_of(Case(terrain=Terrain.LINE, camps=5))
    assert line.edges == ((0, 1), (1, 2), (2, 3), (3, 4))
    grid = topology_of(Case(terrain=Terrain.GRID, camps=6))
    assert grid.edges == ((0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5))
    clusters = topology_of(Case(terrain=Terrain.CLUSTERS, camps=12, degree=3))
    inside = [edge for edge in clusters.edges if edge[0] // 4 == edge[1] // 4]
    between = [edge for edge in clusters.edges if edge not in inside]
    assert len(inside) == 3 * 6
    assert [(one // 4, other // 4) for one, other in between] == [(0, 1), (1, 2)]
    loss = {(way.sender, way.hearer): way.path.loss for way in clusters.ways}
    assert {loss[edge] for edge in inside} == {0.2}
    assert {round(loss[edge], 6) for edge in between} == {0.36}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"camps": 1}, "camps: 1 is not between 2 and 500"),
        ({"camps": 501}, "not between"),
        ({"loss": 1.0}, "loss: 1 is not between 0 and 0.9"),
        ({"loss": math.nan}, "loss"),
        ({"degree": math.inf}, "degree"),
        ({"size": SIZE_MAX + 1}, "bytes of a message"),
        ({"size": SIZE_MIN - 1}, "bytes of a message"),
        ({"messages": 0}, "messages"),
        ({"minutes": 1e9}, "minutes"),
        ({"burst": 0}, "burst"),
        ({"cuts": -1}, "cuts"),
        ({"churn": -1}, "switched off"),
        ({"after_s": -1}, "seconds after"),
        ({"camps": 10, "degree": 9.5}, "10 camps cannot hear 9.5 others each"),
        ({"camps": 10, "degree": 1}, "never hang together"),
        ({"terrain": Terrain.CLUSTERS, "degree": 0.2}, "squares of 1 camps"),
    ],
)
def test_what_cannot_be_is_said(wrong, says):
    with pytest.raises(ValueError, match=says):
        topology_of(Case(**wrong))


def test_camps_that_never_hang_together_are_given_up(monkeypatch):
    monkeypatch.setattr("radio.experiment.topology.PAIRS_MAX", 10_000)
    with pytest.raises(ValueError, match="with a degree of 2, 30 camps never hang together"):
        topology_of(Case(camps=30, degree=2))


# -- maps that somebody wrote ---------------------------------------------------------------------------

MAP = """
# three camps
north 0.25 0.1
north - south           # both ways
north - east -12 0.4
east > south -15
north > east 3          # louder this way
"""


def test_a_map_is_read_as_it_is_written():
    case, topology = parse(MAP, Case(loss=0.1))
    assert (case.camps, case.degree, case.terrain) == (3, 5 / 3, Terrain.FILE)
    assert topology.names == ("north", "south", "east")
    assert topology.spots[0] == (0.25, 0.1)
    paths = {(topology.names[way.sender], topology.names[way.hearer]): way.path for way in topology.ways}
    assert paths == {
        ("north", "south"): Path(0.1, 0.0),
        ("south", "north"): Path(0.1, 0.0),
        ("north", "east"): Path(0.1, 3.0),
        ("east", "north"): Path(0.4, -12.0),
        ("east", "south"): Path(0.1, -15.0),
    }


@pytest.mark.parametrize("place", [map_file.__doc__, (ROOT / "node/OPERATING.md").read_text()])
def test_the_map_in_the_manual_is_one(place):
    example = re.search(r"```(?:text)?\n(# a name and its place.*?)```", place, re.DOTALL)
    assert example is not None
    topology = parse(example[1], Case())[1]
    assert topology.names == ("north", "south", "east")
    assert topology.spots[0] == (0.2, 0.1)
    assert len(topology.ways) == 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not two camps"),
        ("a 0.1 0.1", "not two camps"),
        ("a - b\nc - d", "not everybody can reach everybody"),
        ("a - b\nb > c", "not everybody can reach everybody"),
        ("a - b\na b", "line 2: neither"),
        ("a 2 0.1", "line 1: a place is two numbers from 0 to 1"),
        ("a x y", "'x' is not a number"),
        ("a - b nan", "'nan' is not a number"),
        ("a - a", "a does not hear itself"),
        ("a - b -18", "-18 dB: LONG_FAST decodes from -17.5 dB"),
        ("a - b 13", "12 at most"),
        ("a - b 0 0.95", "a loss of 0.95"),
        (f"a - {'b' * 33}", "32 letters"),
        ("\n".join(f"c{n} - c{n + 1}" for n in range(501)), "line 500: more than 500 camps"),
    ],
)
def test_a_map_that_is_none_says_where(text, says):
    with pytest.raises(ValueError, match=says):
        parse(text, Case())


@given(st.text())
def test_any_text_is_a_map_or_is_refused(text):
    try:
        case, topology = parse(text, Case())
    except ValueError:
        return
    assert topology.hangs_together()
    assert case.camps == len(topology.names)


def test_a_signal_below_one_preset_is_enough_for_another():
    assert {preset.name for preset in PRESETS if floor_db(Case(preset=preset.name)) <= -16} == {
        "LONG_TURBO",
        "LONG_FAST",
        "LONG_MODERATE",
        "LONG_SLOW",
    }
