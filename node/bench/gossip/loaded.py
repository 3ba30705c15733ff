"""Fifty camps and what they say in a hundred minutes, with mic checks between or an attacker among them.

The square, the posts and their times are those of `miccheck simulate`, seed by seed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from node.bench.figures import quantile
from radio.attackers import ALL_ATTACKS, Attacker
from radio.experiment.camps import Camps
from radio.experiment.case import Case
from radio.experiment.topology import Topology, topology_of
from radio.experiment.workload import workload_of
from radio.world import START_S
from sync.message import Kind

MIC_CHECKS = 5
# An attacker's share of the air where it stands.
ATTACK_SHARE = 0.03
# It needs two frames to copy; and it does not know when people stop talking.
ATTACK_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Carried:
    """What arrived, and when. Latencies in seconds from a post to its arrival at each other camp, sorted."""

    delivered: float
    latencies_s: tuple[float, ...]
    airtime_s_per_message: float
    by_kind_s: dict[str, float]
    length_s: float  # of the run

    def p95_s(self) -> float:
        """In so many seconds it was at 95 of 100 camps; the length of the run where it never was."""
        return quantile(self.latencies_s, 0.95 / self.delivered) if self.delivered >= 0.95 else self.length_s


def under_attack(case: Case, attack: str | None) -> Carried:
    """The case's posts, with this attacker in the middle of them or with none."""
    return _carry(case, 0, attack)


def mic_checks(case: Case, how_many: int = MIC_CHECKS) -> Carried:
    """Mic checks among the case's posts. What is told is of the mic checks alone."""
    return _carry(case, how_many, None)


def _carry(case: Case, checks: int, attack: str | None) -> Carried:
    topology = topology_of(case)
    square = Camps(case, START_S)
    for way in topology.ways:
        square.air.set_path(topology.names[way.sender], topology.names[way.hearer], way.path)
    for name in topology.names:
        square.add_camp(name)
    posts = list(workload_of(case, START_S))
    watched = range(len(posts))
    if checks:
        more = workload_of(replace(case, messages=checks, burst=1, seed=case.seed + 1), START_S)
        watched = range(len(posts), len(posts) + checks)
        posts += [replace(post, message=replace(post.message, kind=Kind.MIC_CHECK)) for post in more]
    posted_s: dict[int, float] = {}
    arrived_s: defaultdict[int, dict[str, float]] = defaultdict(dict)

    def post(number: int) -> None:
        posted_s[number] = square.now
        square.post(topology.names[posts[number].camp], number, posts[number])

    def arrive(name: str, number: int) -> None:
        arrived_s[number].setdefault(name, square.now - posted_s[number])

    for number, each in enumerate(posts):
        square.at(START_S + each.at_s, partial(post, number))
    square.on_arrival.append(arrive)
    if attack is not None:
        _let_in(attack, square, topology, case)
    square.run(case.length_s)
    square.close()
    latencies = sorted(delay for number in watched for delay in arrived_s[number].values())
    copies = len(watched) * (len(topology.names) - 1)
    by_kind_s = {kind: ms / 1_000 for kind, ms in square.ledger.ms_of_kind.items()}
    return Carried(
        len(latencies) / copies,
        tuple(latencies),
        square.ledger.airtime_ms / 1_000 / len(posts),
        by_kind_s,
        case.length_s,
    )


def _let_in(attack: str, square: Camps, topology: Topology, case: Case) -> None:
    """An attacker beside the camp that hears most others: all of them hear it, and it hears them."""
    beside: defaultdict[int, set[int]] = defaultdict(set)
    for one, other in topology.edges:
        beside[one].add(other)
        beside[other].add(one)
    centre = max(beside, key=lambda camp: len(beside[camp]))
    hearers = [topology.names[camp] for camp in sorted({centre, *beside[centre]})]
    attacker = Attacker(square, hearers, Random(f"{case.seed} attack"))
    end_s = START_S + case.length_s
    attacker.fill(ATTACK_SHARE, START_S + ATTACK_AFTER_S, end_s, ALL_ATTACKS[attack].prepare(attacker))
