"""How far a list's letters are since they began to go, and how long the rest takes at this speed."""

from __future__ import annotations

import math

# The speed is that of the last half minute: a batch takes seconds, and people look at the page for one.
SPEED_OVER_S = 30.0
# Slower than a letter in ten minutes nothing is going; letters wait for an hour or for the internet.
SPEED_MIN = 1 / 600
SAY_EVERY_S = 60.0
# Nobody waits in front of the terminal for a letter or two, as they come all day.
SAY_ABOVE = 5


class Progress:
    """Fed with counts when they may have changed; times are real seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._done_before: int | None = None  # when it began
        self._last: tuple[float, int] | None = None
        self._speed: float | None = None
        self._said_s: float | None = None
        self.done = 0
        self.total = 0

    def see(self, done: int, waiting: int, now_s: float) -> str | None:
        """`done` letters ever, `waiting` to go now. A line for the terminal where one is due."""
        if self._done_before is None:
            if not waiting:
                return None
            self._done_before, self._last, self._speed = done, (now_s, done), None
        self._measure(done, now_s)
        self.done = max(0, done - self._done_before)
        self.total = self.done + waiting
        if waiting == 0:
            self._done_before = None
            line = self.line() if self._said_s is not None else None
            self.total, self._said_s = 0, None
            return line
        if self.total <= SAY_ABOVE:
            return None
        if self._said_s is None or now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            return self.line()
        return None

    @property
    def seconds_left(self) -> float | None:
        """Until what waits is gone, at the speed of now; None where nothing waits or goes."""
        if not self.total or self._speed is None or self._speed < SPEED_MIN:
            return None
        return (self.total - self.done) / self._speed

    def line(self) -> str:
        """`12 of 340 letters, 4 min at this speed`."""
        left_s = self.seconds_left
        ending = f", {how_long(left_s)} at this speed" if left_s else ""
        return f"{self.done} of {self.total} letters{ending}"

    def _measure(self, done: int, now_s: float) -> None:
        assert self._last is not None
        last_s, last_done = self._last
        if now_s <= last_s:
            return
        speed = max(0, done - last_done) / (now_s - last_s)
        weight = 1 - math.exp((last_s - now_s) / SPEED_OVER_S)
        self._speed = speed if self._speed is None else self._speed + weight * (speed - self._speed)
        self._last = now_s, done


def how_long(seconds: float) -> str:
    """A time as the terminal says it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h"
