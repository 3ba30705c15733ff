"""The scene: one simulated air, one clock that jumps from event to event, and what was on the air.

Whoever acts in it, real camps (`radio.world`) or the simple relays they are measured against
(`radio.experiment`), hears by the same table, waits in the same queue of time and is written into the same
ledger and trace, so that two runs differ by what was sent and by nothing else.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable

from radio.ledger import Ledger
from radio.simulated import Air, Path, Sent, Trace


class Scene:
    """An air in virtual time. A subclass says in `_sent` what a frame brings about."""

    def __init__(self, air: Air, start_s: float, ledger: Ledger | None = None) -> None:
        self.now = start_s
        self.air = air
        self.ledger = ledger if ledger is not None else Ledger()
        self.on_sent: list[Callable[[Sent], None]] = []
        self._trace = Trace(start_s)
        self._cut: dict[tuple[str, str], Path] = {}
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._count = itertools.count()

    # -- who hears whom ---------------------------------------------------------------------------------

    def hear(self, one: str, other: str, path: Path = Path()) -> None:  # noqa: B008 - frozen
        """Both hear each other alike."""
        self.air.set_path(one, other, path)
        self.air.set_path(other, one, path)

    def cut(self, one: str, other: str) -> None:
        """Something stands between them now."""
        for sender, hearer in ((one, other), (other, one)):
            path = self.air.paths_from(sender).get(hearer)
            if path is not None:
                self._cut[sender, hearer] = path
                self.air.set_path(sender, hearer, None)

    def heal(self, one: str, other: str) -> None:
        """They hear each other as before the cut."""
        for sender, hearer in ((one, other), (other, one)):
            path = self._cut.pop((sender, hearer), None)
            if path is not None:
                self.air.set_path(sender, hearer, path)

    # -- what happens -----------------------------------------------------------------------------------

    def at(self, when_s: float, action: Callable[[], object]) -> None:
        """Do this then (absolute, on this scene's clock)."""
        heapq.heappush(self._due, (when_s, next(self._count), action))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.now + seconds
        due, air = self._due, self.air
        while (at_s := min(due[0][0] if due else math.inf, air.next_due())) <= end_s:
            self.now = max(self.now, at_s)
            for happened in air.step(self.now):
                if isinstance(happened, Sent):
                    self._was_sent(happened)
            while due and due[0][0] <= self.now:
                heapq.heappop(due)[2]()
        self.now = end_s

    @property
    def trace(self) -> str:
        """The hash over everything that was on the air so far."""
        return self._trace.hex()

    def _was_sent(self, sent: Sent) -> None:
        self.ledger.note(sent)
        self._trace.note(sent)
        for watch in self.on_sent:
            watch(sent)
        self._sent(sent)

    def _sent(self, sent: Sent) -> None:
        """A frame left the air: let its hearers and its sender know."""
        raise NotImplementedError
