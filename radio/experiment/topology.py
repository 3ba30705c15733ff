"""Topologies: how the camps lie, who hears whom, and how well.

How well follows from how far: a log-distance law with an exponent between open ground and a town, and
shadowing that is drawn for each direction, since two ends of one path have different antennas, bodies and
noise. Whoever is in the table is heard above the preset's floor; who is not is not there at all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from radio.airtime import preset_named
from radio.experiment.case import Case, Terrain
from radio.experiment.outcome import Map
from radio.simulated import FLOOR_SF6_DB, FLOOR_STEP_DB, Path

Spot = tuple[float, float]
Pair = tuple[int, int]

# A pair at the edge of earshot is heard this much above the floor, and 10 dB are half the distance.
EDGE_MARGIN_DB = 3.0
PATH_EXPONENT = 3.3
SHADOWING_DB = 3.0
# What LoRa chips report of a station next to them.
SNR_MOST_DB = 12.0
MARGIN_LEAST_DB = 0.5
# Camps that do not hang together are strewn again, until so many pairs were looked at: some seconds, 2,000
# tries of 50 camps. With 50 and a mean degree of 7 the first try seldom fails.
PAIRS_MAX = 5_000_000


@dataclass(frozen=True, slots=True)
class Way:
    """`hearer` hears `sender` (their places in the list of names) by this path."""

    sender: int
    hearer: int
    path: Path


@dataclass(frozen=True, slots=True)
class Topology:
    """Camps by name and place, and all ways between them."""

    names: tuple[str, ...]
    spots: tuple[Spot, ...]
    ways: tuple[Way, ...]

    @property
    def degree(self) -> float:
        """Other camps that one hears, on average."""
        return len(self.ways) / len(self.names)

    @property
    def edges(self) -> tuple[Pair, ...]:
        """Pairs of which at least one hears the other."""
        return tuple(sorted({(min(w.sender, w.hearer), max(w.sender, w.hearer)) for w in self.ways}))

    def map(self) -> Map:
        """What a drawing of it needs."""
        return Map(self.names, self.spots, self.edges)

    def hangs_together(self) -> bool:
        """Whether what any camp says can reach every other."""
        return all(
            len(_reached(len(self.names), ((getattr(w, a), getattr(w, b)) for w in self.ways)))
            == len(self.names)
            for a, b in (("sender", "hearer"), ("hearer", "sender"))
        )


def topology_of(case: Case) -> Topology:
    """The map of a case, the same for every scheme. Raises ValueError when there is none, with the reason."""
    chance = Random(f"{case.seed} map")
    lay = {
        Terrain.GEOMETRIC: _geometric,
        Terrain.LINE: _line,
        Terrain.GRID: _grid,
        Terrain.CLUSTERS: _clusters,
    }[case.terrain]
    return lay(case, chance)


def names_of(camps: int) -> tuple[str, ...]:
    """What camps are called that nobody named."""
    return tuple(f"camp{n}" for n in range(camps))


def floor_db(case: Case) -> float:
    """The weakest signal the preset decodes."""
    return FLOOR_SF6_DB + FLOOR_STEP_DB * (preset_named(case.preset).spreading - 6)


def _geometric(case: Case, chance: Random) -> Topology:
    """Camps strewn over a square; the closest pairs hear each other, as many as the degree asks for."""
    if not 0 < case.degree <= case.camps - 1:
        raise ValueError(f"{case.camps} camps cannot hear {case.degree:g} others each")
    wanted = round(case.camps * case.degree / 2)
    if wanted < case.camps - 1:
        raise ValueError(f"with a degree of {case.degree:g}, {case.camps} camps never hang together")
    for _ in range(max(1, PAIRS_MAX // case.camps**2)):
        spots = [(chance.random(), chance.random()) for _ in range(case.camps)]
        pairs = _closest(spots, wanted)
        if len(_reached(case.camps, _both_ways(pairs))) == case.camps:
            return _with_signals(case, spots, pairs, chance)
    raise ValueError(f"with a degree of {case.degree:g}, {case.camps} camps never hang together")


def _closest(spots: Sequence[Spot], wanted: int) -> list[Pair]:
    apart = sorted(
        ((spots[one][0] - x) ** 2 + (spots[one][1] - y) ** 2, one, other)
        for other, (x, y) in enumerate(spots)
        for one in range(other)
    )
    return [(one, other) for _, one, other in apart[:wanted]]


def _line(case: Case, chance: Random) -> Topology:
    """Each hears its neighbours in the row."""
    spots = [(n / (case.camps - 1), 0.5) for n in range(case.camps)]
    return _with_signals(case, spots, list(itertools.pairwise(range(case.camps))), chance)


def _grid(case: Case, chance: Random) -> Topology:
    """Rows and columns; each hears the four beside it."""
    side = math.ceil(math.sqrt(case.camps))
    cells = [divmod(n, side) for n in range(case.camps)]
    spots = [(column / max(1, side - 1), row / max(1, side - 1)) for row, column in cells]
    pairs = [
        (one, other)
        for one, other in itertools.combinations(range(case.camps), 2)
        if abs(cells[one][0] - cells[other][0]) + abs(cells[one][1] - cells[other][1]) == 1
    ]
    return _with_signals(case, spots, pairs, chance)


def _clusters(case: Case, chance: Random) -> Topology:
    """Squares in which everybody hears everybody, joined in a row by one thin link each.

    A square has `degree` + 1 camps. A thin link is at the edge of earshot and loses a frame as often as two
    ordinary ones in a row.
    """
    size = round(case.degree) + 1
    if size < 2:
        raise ValueError(f"squares of {size} camps are no clusters: the degree is too small")
    squares = [range(first, min(first + size, case.camps)) for first in range(0, case.camps, size)]
    columns = math.ceil(math.sqrt(len(squares)))
    reach = 0.3 / columns
    spots: list[Spot] = []
    for at, square in enumerate(squares):
        row, column = divmod(at, columns)
        middle = ((column + 0.5) / columns, (row + 0.5) / columns)
        spots += [
            (middle[0] + reach * math.cos(turn), middle[1] + reach * math.sin(turn))
            for turn in (chance.random() * math.tau for _ in square)
        ]
    dense = [pair for square in squares for pair in itertools.combinations(square, 2)]
    thin = [(chance.choice(one), chance.choice(other)) for one, other in itertools.pairwise(squares)]
    inside = _with_signals(case, spots, dense, chance)
    path = Path(1 - (1 - case.loss) ** 2, floor_db(case) + MARGIN_LEAST_DB)
    joints = tuple(Way(one, other, path) for one, other in _both_ways(thin))
    return Topology(inside.names, inside.spots, inside.ways + joints)


def _with_signals(case: Case, spots: Sequence[Spot], pairs: Sequence[Pair], chance: Random) -> Topology:
    """Ways both ways between these pairs, as loud as their distance makes them."""
    edge = max((_apart(spots, pair) for pair in pairs), default=1.0)
    floor = floor_db(case)
    ways = []
    for one, other in _both_ways(pairs):
        nearer_db = 10 * PATH_EXPONENT * math.log10(edge / max(_apart(spots, (one, other)), 1e-6))
        snr_db = floor + EDGE_MARGIN_DB + nearer_db + chance.gauss(0.0, SHADOWING_DB)
        snr_db = min(max(snr_db, floor + MARGIN_LEAST_DB), SNR_MOST_DB)
        ways.append(Way(one, other, Path(case.loss, snr_db)))
    return Topology(names_of(len(spots)), tuple(spots), tuple(ways))


def _apart(spots: Sequence[Spot], pair: Pair) -> float:
    return math.dist(spots[pair[0]], spots[pair[1]])


def _both_ways(pairs: Iterable[Pair]) -> list[Pair]:
    return [way for one, other in pairs for way in ((one, other), (other, one))]


def _reached(camps: int, ways: Iterable[Pair]) -> set[int]:
    """The camps that the first one reaches over any number of ways."""
    beside: list[list[int]] = [[] for _ in range(camps)]
    for sender, hearer in ways:
        beside[sender].append(hearer)
    reached = {0}
    edge = [0]
    while edge:
        for other in beside[edge.pop()]:
            if other not in reached:
                reached.add(other)
                edge.append(other)
    return reached
