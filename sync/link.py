"""What the engine needs to know of a link, whatever the road."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from sync.views import Via


@dataclass(frozen=True, slots=True)
class LinkProfile:
    """One road to neighbours. `airtime_ms(n)` is what a frame of n payload bytes costs on it."""

    name: str
    mtu: int  # longest frame, bytes
    airtime_ms: Callable[[int], float]
    broadcast: bool  # everybody in earshot hears every frame
    duty_cycle: float = 1.0  # share of time we may send
    via: Via = Via.RADIO
    peer: bytes | None = None  # the proved public key at the other end of a point-to-point link


@dataclass(frozen=True, slots=True)
class Allowance:
    """Milliseconds of airtime that a link may be given now (PROTOCOL.md §15.8).

    A part of a radio's hour is kept for class 0, so alerts may have some left when nothing else has; and a
    part of the rest for what many lack, so that it does not wait for what serves hardly anybody.
    """

    any_ms: float
    alerts_ms: float  # never less than `any_ms`
    few_ms: float = inf  # for what serves hardly anybody, where that is less than `any_ms`

    def less(self, airtime_ms: float) -> Allowance:
        """What is left after a frame of this airtime."""
        return Allowance(self.any_ms - airtime_ms, self.alerts_ms - airtime_ms, self.few_ms - airtime_ms)

    def at_most(self, left_ms: float) -> Allowance:
        """The same where there is only so much."""
        return Allowance(min(self.any_ms, left_ms), min(self.alerts_ms, left_ms), min(self.few_ms, left_ms))


NO_AIRTIME = Allowance(0.0, 0.0, 0.0)
