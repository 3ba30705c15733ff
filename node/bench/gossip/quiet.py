"""Seven camps in earshot of each other, level all day: what silence costs."""

from __future__ import annotations

from random import Random

from node.bench.gossip.earshot import in_earshot
from node.bench.gossip.stock import give, short_bundles
from node.bench.samples import camps
from radio.airtime import Firmware

DAY_S = 86_400.0
CAMPS = 7
BUNDLES = 50
AUTHORS = 10


def share_of_air(seed: int, firmware: Firmware, seconds: float = DAY_S) -> tuple[float, dict[str, float]]:
    """Share of the time in which somebody speaks, 0 to 1, and airtime in seconds by kind of frame.

    All hold the same fifty live bundles of ten camps from the first second on, and the day begins with
    their radios: its first beacons, which find out that nothing differs, count as all others.
    """
    world = in_earshot(CAMPS, seed, firmware)
    stock = short_bundles(camps(AUTHORS, Random(seed)), BUNDLES, world.now)
    for name in world.camps:
        give(world, name, stock)
    world.run(seconds)
    by_kind_s = {kind: ms / 1_000 for kind, ms in world.ledger.ms_of_kind.items()}
    world.close()
    return world.ledger.airtime_ms / 1_000 / seconds, by_kind_s
