"""A purse: something that refills with time, and what may be spent of it (PROTOCOL.md §15.7).

Most of what a camp says on the air is said because an unsigned frame asked for it. The purse is what keeps
that within its share, whoever asks and however often.
"""

from __future__ import annotations

# Engine times are seconds of ten digits, and a float rounds them to part of a microsecond. What is ready
# at a time may be short by what refills within that: a KEYS that was put off until then was put off for ever.
ROUNDING_S = 1e-6


class Purse:
    """So much a second, and at most so much at a time. Times are engine time."""

    def __init__(self, per_s: float, most: float, now: float) -> None:
        self._per_s, self._most, self._left, self._at = per_s, most, most, now

    @property
    def most(self) -> float:
        """What a full purse holds."""
        return self._most

    @property
    def fill_s(self) -> float:
        """How long an empty one takes to be full."""
        return self._most / self._per_s

    def take(self, amount: float, now: float, overdraft: float = 0.0) -> bool:
        """Spend, if there is enough of it; say whether. With an overdraft it may owe that much afterwards."""
        self._refill(now)
        if self._left + overdraft + self._per_s * ROUNDING_S < amount:
            return False
        self._left -= amount
        return True

    def left(self, now: float) -> float:
        """What there is."""
        self._refill(now)
        return self._left

    def ready_at(self, amount: float) -> float:
        """When there is so much, if nothing is spent until then: `take` has it at this very time."""
        return self._at + max(0.0, amount - self._left) / self._per_s

    def _refill(self, now: float) -> None:
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._per_s)
        self._at = max(self._at, now)
