"""A run: a case becomes a map, a workload and a square full of camps, and in the end a report.

Whatever the scheme, the map, the posts, the cuts and the power failures of a seed are the same.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Protocol

from radio.airtime import HOUR_S
from radio.experiment.bloom import Bloom
from radio.experiment.camps import Camps
from radio.experiment.case import Case, Scheme
from radio.experiment.flooding import Flooding
from radio.experiment.oracle import oracle_s_per_message
from radio.experiment.outcome import SOON_S, FrameKind, Latency, Point, Report, Rival
from radio.experiment.topology import Topology, topology_of
from radio.experiment.uses import Uses
from radio.experiment.workload import Post, workload_of
from radio.ledger import Ledger
from radio.simulated import Air, Sent
from radio.world import START_S

# Virtual seconds between two signs of life.
STEP_S = 60.0
# A curve of so many points is smooth on paper.
POINTS = 200
# Whoever finds the box without power tries again.
TRY_AGAIN_S = 60.0
# A cut or a power failure lasts from ten minutes to an hour and a half.
TROUBLE_S = (600.0, 5_400.0)

Progress = Callable[[float, float], None]


class Square(Protocol):
    """Camps of one scheme on one map."""

    now: float
    air: Air
    ledger: Ledger
    on_arrival: list[Callable[[str, int], None]]
    on_sent: list[Callable[[Sent], None]]

    def add_camp(self, name: str) -> object: ...
    def is_on(self, name: str) -> bool: ...
    def post(self, name: str, number: int, post: Post) -> None: ...
    def holds(self, name: str, number: int) -> bool: ...
    def stop(self, name: str) -> None: ...
    def restart(self, name: str) -> None: ...
    def cut(self, one: str, other: str) -> None: ...
    def heal(self, one: str, other: str) -> None: ...
    def at(self, when_s: float, action: Callable[[], object]) -> None: ...
    def run(self, seconds: float) -> None: ...
    def close(self) -> None: ...
    @property
    def trace(self) -> str: ...


def simulate(case: Case, topology: Topology | None = None, progress: Progress | None = None) -> Report:
    """Run a case; `progress` is told seconds done and in all. Raises ValueError without such a map."""
    topology = topology_of(case) if topology is None else topology
    posts = workload_of(case, START_S)
    run = _Run(case, topology, posts)
    try:
        run.through(progress)
        return run.report()
    finally:
        run.square.close()


def compare(case: Case, topology: Topology | None = None, progress: Progress | None = None) -> Report:
    """Run a case, and managed flooding beside it: the same map, posts, cuts and seed. Twice the progress."""
    topology = topology_of(case) if topology is None else topology
    ours, theirs = (
        simulate(each, topology, progress and partial(_part, progress, half))
        for half, each in enumerate((case, replace(case, scheme=Scheme.MANAGED)))
    )
    return replace(ours, managed=Rival(theirs.delivered, theirs.airtime_s_per_message, theirs.curve))


def _part(progress: Progress, half: int, done_s: float, of_s: float) -> None:
    progress(half * of_s + done_s, 2 * of_s)


class _Run:
    """One square from its first post to its last silence, and who had what when."""

    def __init__(self, case: Case, topology: Topology, posts: Sequence[Post]) -> None:
        self.square = square_of(case)
        self._case, self._topology, self._posts = case, topology, posts
        self._posted_s: dict[int, float] = {}
        self._arrived_s: dict[tuple[str, int], float] = {}
        self._complete_s: float | None = None
        self._uses = Uses()
        self._missing = len(posts) * (len(topology.names) - 1)
        self._raise_camps()
        self._plan_trouble()
        for number, post in enumerate(posts):
            self.square.at(START_S + post.at_s, partial(self._post, number, post))
        self.square.on_arrival.append(self._note)
        self.square.on_sent.append(self._uses.note)

    def through(self, progress: Progress | None) -> None:
        """Let the whole time pass."""
        done_s, length_s = 0.0, self._case.length_s
        while done_s < length_s:
            step_s = min(STEP_S, length_s - done_s)
            self.square.run(step_s)
            done_s += step_s
            if progress is not None:
                progress(done_s, length_s)

    # -- what is planned ----------------------------------------------------------------------------------

    def _raise_camps(self) -> None:
        names, air = self._topology.names, self.square.air
        for way in self._topology.ways:
            air.set_path(names[way.sender], names[way.hearer], way.path)
        for name in names:
            self.square.add_camp(name)

    def _plan_trouble(self) -> None:
        """Cuts and power failures while people talk, the same for every scheme."""
        chance = Random(f"{self._case.seed} trouble")
        names, square = self._topology.names, self.square
        for _ in range(self._case.cuts):
            one, other = (names[at] for at in chance.choice(self._topology.edges))
            begin_s, end_s = self._span(chance)
            square.at(begin_s, partial(square.cut, one, other))
            square.at(end_s, partial(square.heal, one, other))
        for _ in range(self._case.churn):
            name = chance.choice(names)
            begin_s, end_s = self._span(chance)
            square.at(begin_s, partial(square.stop, name))
            square.at(end_s, partial(square.restart, name))

    def _span(self, chance: Random) -> tuple[float, float]:
        begin_s = START_S + chance.uniform(0, self._case.talk_s)
        return begin_s, begin_s + chance.uniform(*TROUBLE_S)

    # -- what happens -------------------------------------------------------------------------------------

    def _post(self, number: int, post: Post) -> None:
        name = self._topology.names[post.camp]
        if not self.square.is_on(name):
            self.square.at(self.square.now + TRY_AGAIN_S, partial(self._post, number, post))
            return
        self._posted_s[number] = self.square.now
        self.square.post(name, number, post)

    def _note(self, name: str, number: int) -> None:
        if (name, number) not in self._arrived_s:
            self._arrived_s[name, number] = self.square.now
            self._missing -= 1
            if self._missing == 0:
                self._complete_s = self.square.now

    # -- what came of it ----------------------------------------------------------------------------------

    def report(self) -> Report:
        """The figures, after the end."""
        case, topology, ledger = self._case, self._topology, self.square.ledger
        copies = len(self._posts) * (len(topology.names) - 1)
        latencies = sorted(at_s - self._posted_s[number] for (_, number), at_s in self._arrived_s.items())
        return Report(
            case=case,
            degree=topology.degree,
            delivered=self._held() / copies,
            within_10_min=bisect_right(latencies, SOON_S) / copies,
            airtime_s_per_message=ledger.airtime_ms / 1_000 / len(self._posts),
            kinds=_kinds(ledger),
            uses=self._uses.all() if case.scheme is Scheme.MICCHECK else (),
            fates=tuple(sorted((fate.value, count) for fate, count in ledger.fates.items())),
            oracle_s_per_message=oracle_s_per_message(case, topology, self._posts),
            converged_s=self._converged_s(),
            latency=_latency(latencies),
            latencies_s=tuple(latencies),
            curve=self._curve(copies),
            map=topology.map(),
            duty_max=max(ledger.busiest_hour_ms(name) for name in topology.names) / (HOUR_S * 1_000),
            trace=self.square.trace,
        )

    def _held(self) -> int:
        """Copies held at the end by camps that did not write them."""
        return sum(
            self.square.holds(name, number)
            for number in self._posted_s
            for at, name in enumerate(self._topology.names)
            if at != self._posts[number].camp
        )

    def _converged_s(self) -> float | None:
        if self._complete_s is None:
            return None
        return max(0.0, self._complete_s - max(self._posted_s.values()))

    def _curve(self, copies: int) -> tuple[Point, ...]:
        arrivals = sorted(at_s - START_S for at_s in self._arrived_s.values())
        ticks = [self._case.length_s * n / POINTS for n in range(POINTS + 1)]
        return tuple(Point(tick, bisect_right(arrivals, tick) / copies) for tick in ticks)


def square_of(case: Case) -> Square:
    """A square without camps, of the case's scheme."""
    match case.scheme:
        case Scheme.MICCHECK:
            return Camps(case, START_S)
        case Scheme.MANAGED | Scheme.FLOOD:
            return Flooding(case, START_S, case.scheme is Scheme.MANAGED)
        case Scheme.BLOOM:
            return Bloom(case, START_S)


def _kinds(ledger: Ledger) -> tuple[FrameKind, ...]:
    kinds = [
        FrameKind(name, ledger.frames_of_kind[name], ms / 1_000) for name, ms in ledger.ms_of_kind.items()
    ]
    return tuple(sorted(kinds, key=lambda kind: (-kind.airtime_s, kind.name)))


def _latency(latencies: Sequence[float]) -> Latency:
    """Percentiles by the nearest rank; zeros when nothing arrived anywhere."""
    if not latencies:
        return Latency(0.0, 0.0, 0.0)
    return Latency(_rank(latencies, 0.5), _rank(latencies, 0.95), latencies[-1])


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
