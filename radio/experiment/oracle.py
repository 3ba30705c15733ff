"""The oracle: what an all-knowing sender needs, whose frames never meet another.

It knows who lacks what, waits for nobody and asks nobody; chance alone takes frames away. Of the camps that
hold a message the one with most neighbours that lack it sends next (greedy set cover), until all have it.
Each message goes alone, in a frame of its size: a scheme that puts several into one bundle may do better.
Cuts and power failures do not touch it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from radio.airtime import preset_named
from radio.experiment.case import Case
from radio.experiment.topology import Topology
from radio.experiment.workload import Post


def oracle_s_per_message(case: Case, topology: Topology, posts: Sequence[Post]) -> float:
    """Seconds of airtime a message, over the whole workload."""
    chance = Random(f"{case.seed} oracle")
    sent = sum(_sends(topology, post.camp, chance) for post in posts)
    return sent * preset_named(case.preset).airtime_ms(case.size, case.firmware) / 1_000 / len(posts)


def _sends(topology: Topology, author: int, chance: Random) -> int:
    """How often a message is sent until everybody has it."""
    ways: list[dict[int, float]] = [{} for _ in topology.names]
    for way in topology.ways:
        ways[way.sender][way.hearer] = way.path.loss
    lacking = set(range(len(topology.names))) - {author}
    holders = [author]
    count = 0
    while lacking:
        sender = max(holders, key=lambda holder: sum(other in lacking for other in ways[holder]))
        count += 1
        for hearer, loss in ways[sender].items():
            if hearer in lacking and chance.random() >= loss:
                lacking.discard(hearer)
                holders.append(hearer)
    return count
