"""What a road to neighbours gives and is given, whatever it runs on (PROTOCOL.md §17).

A road is a radio board, a modem, a cable, a simulated air: something that brings one link or several up and
down by itself, for as long as the node runs, and never tells anybody to restart it. A new one is a file
with a class of this shape, most easily a `radio.kept_road.KeptRoad` of two methods, and an entry in the
table of `radio/roads.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from radio.duty import Memory
from radio.link_sight import LinkSight
from radio.polite_radio import AirRules, PoliteRadio
from radio.regions import Region
from sync.link import Allowance, LinkProfile
from sync.signing import Identity


class Port(Protocol):
    """One link that is up, as the pump sees it. The pump calls these from its own thread."""

    @property
    def profile(self) -> LinkProfile:
        """What the engine needs to know of it."""

    def room(self) -> bool:
        """Whether it takes more now."""

    def allowance(self, now: float) -> Allowance:
        """How much airtime it takes at engine time `now`; infinity where none is rationed."""

    def push(self, frames: list[bytes]) -> None:
        """Take committed frames; returns at once."""


class Hub(Protocol):
    """Who wants the frames: the pump. Its methods may be called from any thread."""

    def link_up(self, profile: LinkProfile, port: Port) -> None:
        """Somebody can be spoken to."""

    def link_down(self, port: Port) -> None:
        """Nobody can any more."""

    def frame(self, link: str, data: bytes, snr_db: float | None = None) -> None:
        """A frame came, by radio with this signal to noise ratio."""

    def has_room(self, link: str) -> bool:
        """Whether it can take another frame of this link now. A cable waits, a radio drops."""

    def wake(self) -> None:
        """A link has room again."""


class Road(Protocol):
    """One entry of the settings, at work. Lives in one event loop."""

    def start(self) -> None:
        """Begin; returns at once, and whatever fails from here on is tried again."""

    async def stop(self) -> None:
        """End: every link of it is down and nothing of it runs when this returns."""

    def sights(self) -> tuple[LinkSight, ...]:
        """Its links for the status page; at least one, also while nobody is there."""


class Cable(Protocol):
    """What dials camps at a page address: one for the node, because camps that dial each other meet in it."""

    def dial(self, name: str, url: str, certificate: Path | None = None) -> Road:
        """A road to this address, which must show this certificate or one signed by it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a road finds in the node that it works for."""

    camp: str  # this camp's name
    folder: Path  # paths in the settings are relative to it
    identity: Identity
    hub: Hub
    now: Callable[[], float]  # engine time, from any thread
    random: Callable[[], Random]  # a new source of chance, seeded by the system
    jitter: Callable[[], float]  # 0.5 to 1: who lost each other does not come back in step
    nonce: Callable[[], bytes]
    airtime: Callable[[str, Region], Memory]  # what the radio of this name sent in the last hour
    cable: Cable

    def radio(self, name: str, rules: AirRules) -> PoliteRadio:
        """The manners of the radio of this name, which knows its hour from before the node was started."""
        return PoliteRadio(rules, self.now, self.random(), self.airtime(name, rules.region))
