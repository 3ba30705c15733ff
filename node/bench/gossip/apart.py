"""Camps that were apart: who lacks what, and what it costs to make them level, to the least it could cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from node.bench.gossip.bounds import coded_bound_ms, erasure_bound_ms
from node.bench.gossip.earshot import LOSS, in_earshot
from node.bench.gossip.levelling import Levelled, level
from node.bench.gossip.stock import Stocked, long_bundles, short_bundles
from node.bench.samples import camps
from radio.airtime import Firmware

AUTHORS = 8
# Every camp holds some bundles of each author, and so its key.
COMMON = 4 * AUTHORS
CROWD = 7
# A camp that joins meets strangers: twelve authors, 2,000 messages, a few of them mic checks.
FRESH_AUTHORS = 12
FRESH_MESSAGES = 2_000
FRESH_ALERTS = 30

Stocks = Mapping[str, Sequence[Stocked]]


class Lack(StrEnum):
    """Who lacks what."""

    PAIR = "pair"  # one of two lacks all of it
    HALVES = "halves"  # each of two lacks half of it
    ONE_HAS = "one_has"  # one of seven has it
    ONE_LACKS = "one_lacks"  # one of seven lacks it
    JOINS_ONE = "joins_one"  # an empty camp hears one other
    JOINS_SIX = "joins_six"  # an empty camp hears six others


@dataclass(frozen=True, slots=True)
class Cost:
    """What levelling took, and the least it could have taken, in seconds of airtime."""

    levelled: Levelled
    bound_s: float

    @property
    def ratio(self) -> float:
        """How much dearer than the bound; infinite when some camp lacks something for ever."""
        return float("inf") if self.levelled.lacking else self.levelled.airtime_s / self.bound_s


def cost_of(lack: Lack, differences: int, seed: int, firmware: Firmware) -> Cost:
    """Level camps that differ by so many bundles, or, where a camp joins, messages."""
    joins = lack in (Lack.JOINS_ONE, Lack.JOINS_SIX)
    world = in_earshot(2 if lack in (Lack.PAIR, Lack.HALVES, Lack.JOINS_ONE) else CROWD, seed, firmware)
    random = Random(f"{seed} stock")
    if joins:
        alerts = FRESH_ALERTS * differences // FRESH_MESSAGES
        apart = long_bundles(camps(FRESH_AUTHORS, random), differences, alerts, world.now, random)
        common: list[Stocked] = []
    else:
        stock = short_bundles(camps(AUTHORS, random), COMMON + differences, world.now)
        common, apart = stock[:COMMON], stock[COMMON:]
    first, *others = world.camps
    stocks = {first: common + _HAS[lack](apart)[0]}
    stocks |= {name: common + _HAS[lack](apart)[1] for name in others}
    bound_ms = coded_bound_ms if lack is Lack.ONE_HAS else erasure_bound_ms
    bound_s = bound_ms(apart, LOSS, world.air.airtime_ms) / 1_000
    try:
        return Cost(level(world, stocks), bound_s)
    finally:
        world.close()


# What of the differing bundles the first camp has, and what each of the others.
_Split = Callable[[list[Stocked]], tuple[list[Stocked], list[Stocked]]]
_HAS: Mapping[Lack, _Split] = {
    Lack.PAIR: lambda apart: ([], apart),
    Lack.HALVES: lambda apart: (apart[::2], apart[1::2]),
    Lack.ONE_HAS: lambda apart: (apart, []),
    Lack.ONE_LACKS: lambda apart: ([], apart),
    Lack.JOINS_ONE: lambda apart: ([], apart),
    Lack.JOINS_SIX: lambda apart: ([], apart),
}
