"""Intentions: what a camp means to say on the air, and when (PROTOCOL.md §15).

Between meaning and saying lies a random wait, in which somebody else may say the same; then it is put off,
made smaller, or forgotten.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sync.air_frames import WantFrame
from sync.sketch import Salt

# What waits to be said in a crowded channel's worst minutes. Nothing is added beyond that.
INTENTIONS_MAX = 256


@dataclass(frozen=True, slots=True)
class SayWant:
    """A request for what a comparison showed to be lacking, reckoned anew when it is said."""

    salt: Salt
    part: int
    mask: int
    told: bytes  # the syndromes of the other; empty: ask for more of them
    tries: int

    def asks_like(self, frame: WantFrame) -> bool:
        """Whether an answer to this frame answers us too."""
        return (self.salt, self.part, bool(self.told)) == (frame.salt, frame.part, bool(frame.want))


@dataclass(frozen=True, slots=True)
class SaySymbols:
    """More symbols of a block or a parcel, no matter which."""

    generation: bytes
    missing: int


@dataclass(frozen=True, slots=True)
class AskKey:
    """Who knows this author's key?"""

    author: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class SayKey:
    """This author's key."""

    author: bytes


Intention = SayWant | SaySymbols | AskKey | SayKey

_I = TypeVar("_I", bound=Intention)


class Intentions:
    """What is meant to be said, by when it is due. Times are engine time."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Intention]] = []
        self._count = itertools.count()

    def add(self, intention: Intention, due: float) -> None:
        """Mean to say this, once."""
        if len(self._heap) < INTENTIONS_MAX and not self.any(lambda each: each == intention):
            heapq.heappush(self._heap, (due, next(self._count), intention))

    def any(self, is_meant: Callable[[Intention], bool]) -> bool:
        """Whether something of this kind is meant to be said."""
        return any(is_meant(each) for _, _, each in self._heap)

    def of(self, kind: type[_I]) -> list[_I]:
        """What of this kind is meant to be said, what is due first first."""
        return [each for _, _, each in sorted(self._heap) if isinstance(each, kind)]

    def take(self, kind: type[_I], until: float) -> _I | None:
        """The first of this kind, if it is due until then; it is meant no longer."""
        for entry in sorted(self._heap):
            if entry[0] <= until and isinstance(entry[2], kind):
                self._heap.remove(entry)
                heapq.heapify(self._heap)
                return entry[2]
        return None

    def forget(self, is_void: Callable[[Intention], bool]) -> None:
        """Somebody else said it, or it serves nobody any more."""
        self._heap = [entry for entry in self._heap if not is_void(entry[2])]
        heapq.heapify(self._heap)

    def change(self, change: Callable[[float, Intention], tuple[float, Intention]]) -> None:
        """Put off or replace what is meant to be said: `change(due, intention)` gives both anew."""
        changed = ((change(due, each), count) for due, count, each in self._heap)
        self._heap = [(due, count, each) for (due, each), count in changed]
        heapq.heapify(self._heap)

    def next_due(self) -> float:
        """When the first one is due."""
        return self._heap[0][0] if self._heap else float("inf")

    def pop_due(self, now: float) -> tuple[float, Intention] | None:
        """The first that is due, and since when."""
        if not self._heap or self._heap[0][0] > now:
            return None
        due, _, intention = heapq.heappop(self._heap)
        return due, intention
