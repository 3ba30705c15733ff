"""Which letters go first when several lists have some and the internet may last a minute.

Mic checks of all lists, then people who want to join one, then the rest, then what comes in. Each way says
what it has next; who has less urgent things waits for the others, but not for ever: a server that answers
slowly keeps nobody else from theirs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import IntEnum

# A mic check takes two seconds on a phone's tether. Who is not done after this is in trouble.
PATIENCE_S = 15.0


class Level(IntEnum):
    """How urgent; the lowest goes first."""

    URGENT = 0
    REGISTRATION = 1
    REST = 2
    INWARD = 3


class Precedence:
    """Shared by the ways of all lists; may be used from any thread."""

    def __init__(self, real_s: Callable[[], float]) -> None:
        """`real_s` counts real seconds and never jumps."""
        self._real_s = real_s
        self._changed = threading.Condition()
        self._claims: dict[str, Level] = {}
        self._impatient: dict[str, Level] = {}  # who waited long enough, and for what
        self._ending = False

    def claim(self, way: str, level: Level) -> None:
        """This is what `way` sends next."""
        with self._changed:
            self._claims[way] = level
            self._changed.notify_all()

    def release(self, way: str) -> None:
        """`way` has nothing more to send, or cannot."""
        with self._changed:
            self._claims.pop(way, None)
            self._impatient.pop(way, None)
            self._changed.notify_all()

    def may(self, way: str, level: Level) -> bool:
        """Whether nobody else has something more urgent, or `way` has waited for them long enough."""
        with self._changed:
            return self._may(way, level)

    def wait(self, way: str, level: Level) -> None:
        """Until `way` may, at most PATIENCE_S; after that it may until it is released."""
        until_s = self._real_s() + PATIENCE_S
        with self._changed:
            while not self._may(way, level):
                left_s = until_s - self._real_s()
                if left_s <= 0:
                    self._impatient[way] = level
                    return
                self._changed.wait(left_s)

    def stop(self) -> None:
        """Nobody waits any more."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def _may(self, way: str, level: Level) -> bool:
        if self._ending or self._impatient.get(way) == level:
            return True
        return all(other == way or claimed >= level for other, claimed in self._claims.items())
