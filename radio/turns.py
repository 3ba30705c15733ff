"""What a broadcast radio is given: one frame at a time, and never more than the law leaves.

The choice of what to send is worth most when it is made last, so the radio holds one frame, and no
further is asked for before that one has left the air.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from radio.airtime import DUTY_CYCLE, Budget


class Turns:
    """Between an engine and its radio. `wanted_ms` and `take` belong to the engine's thread."""

    def __init__(
        self, airtime_ms: Callable[[int], float], longest_ms: float, duty_cycle: float = DUTY_CYCLE
    ) -> None:
        """`longest_ms` is what the dearest frame costs: so much is asked for at a time."""
        self._airtime_ms = airtime_ms
        self._longest_ms = longest_ms
        self._budget = Budget(duty_cycle)
        self._waiting: deque[bytes] = deque()
        self._is_sending = False

    def is_idle(self) -> bool:
        """Whether the radio has nothing left to do."""
        return not (self._waiting or self._is_sending)

    def wanted_ms(self, now: float) -> float:
        """How many milliseconds of frames to hand over now: 0 while the last are not sent."""
        return max(0.0, min(self._budget.left_ms(now), self._longest_ms)) if self.is_idle() else 0.0

    def take(self, frames: list[bytes], now: float) -> None:
        """Frames for the radio; from here on they count as sent."""
        self._budget.spend(sum(self._airtime_ms(len(frame)) for frame in frames), now)
        self._waiting.extend(frames)

    def next_frame(self) -> bytes | None:
        """The frame the radio gets now; None while it sends, or when nothing waits."""
        if self._is_sending or not self._waiting:
            return None
        self._is_sending = True  # before it leaves the queue: there is no instant in which we seem idle
        return self._waiting.popleft()

    def done(self) -> None:
        """The frame left the air."""
        self._is_sending = False

    def forget(self) -> None:
        """The radio is gone, and what it held with it."""
        self._waiting.clear()
        self._is_sending = False
