"""Camps that differ and are left alone until they are level: what it costs, to the frame.

Everything on the air counts from the moment the radios come up to the moment the last camp has the last
message: beacons and requests, keys, what is sent twice and what collides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from node.bench.gossip.stock import Stocked, give
from radio.ledger import Ledger
from radio.world import World
from sync.bundle import BundleClass
from sync.events import Event, MessageArrived
from sync.message import MessageId

# With half the law's tenth of an hour to speak in, 2,000 messages take a day from one holder. What is not
# level after three days has failed.
PATIENCE_S = 3 * 86_400.0
LOOK_EVERY_S = 60.0
# What was decided before the last camp had all, and left a radio after it.
TAIL_S = 600.0


@dataclass(frozen=True, slots=True)
class Levelled:
    """What it took. Airtimes in seconds, of all camps together."""

    airtime_s: float
    took_s: float
    by_kind_s: Mapping[str, float]
    frames: Mapping[str, int]
    tail_s: float  # airtime of the ten minutes after
    lacking: int  # messages that some camp still lacks; 0 unless patience ended
    early_share: float  # of the copies of other messages: those that arrived before the last alert


@dataclass(slots=True)
class _Arrivals:
    """Who still lacks which messages, and in which order the others came."""

    world: World
    missing: dict[str, set[MessageId]]
    alerts: frozenset[MessageId]
    order: list[bool] = field(default_factory=list)  # whether what arrived was an alert
    at_s: float = 0.0
    ledger: Ledger | None = None  # as it was when the last copy came

    def note(self, name: str, event: Event) -> None:
        if isinstance(event, MessageArrived) and event.message in self.missing.get(name, ()):
            self.missing[name].discard(event.message)
            self.order.append(event.message in self.alerts)
            if not self.lacking():
                self.at_s, self.ledger = self.world.now, deepcopy(self.world.ledger)

    def lacking(self) -> int:
        return sum(map(len, self.missing.values()))

    def early_share(self) -> float:
        """Share of what is no alert that came before the last alert."""
        others = self.order.count(False)
        if not others or True not in self.order:
            return 0.0
        last_alert = len(self.order) - self.order[::-1].index(True)
        return self.order[:last_alert].count(False) / others


def level(world: World, stocks: Mapping[str, Sequence[Stocked]], patience_s: float = PATIENCE_S) -> Levelled:
    """Give each camp its stock, and run the world until all camps hold all of it."""
    everything = {each.id: each for stock in stocks.values() for each in stock}
    missing = {}
    for name, stock in stocks.items():
        give(world, name, stock)
        held = {each.id for each in stock}
        lacking = [each for each in everything.values() if each.id not in held]
        missing[name] = {message for each in lacking for message in each.messages}
    alerts = {
        message
        for each in everything.values()
        if each.class_ == BundleClass.ALERT
        for message in each.messages
    }
    arrivals = _Arrivals(world, missing, frozenset(alerts))
    world.on_event.append(arrivals.note)
    begun_s = world.now
    while arrivals.lacking() and world.now - begun_s < patience_s:
        world.run(LOOK_EVERY_S)
    spent = arrivals.ledger or deepcopy(world.ledger)
    world.run(TAIL_S)
    return Levelled(
        spent.airtime_ms / 1_000,
        (arrivals.at_s or world.now) - begun_s,
        {kind: ms / 1_000 for kind, ms in spent.ms_of_kind.items()},
        dict(spent.frames_of_kind),
        (world.ledger.airtime_ms - spent.airtime_ms) / 1_000,
        arrivals.lacking(),
        arrivals.early_share(),
    )
