"""Mic Check itself in the experiment: real engines and real stores, empty at the start and strangers to each
other; no key is known before its camp has spoken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from radio.airtime import preset_named
from radio.experiment.case import Case
from radio.experiment.workload import Post
from radio.world import World
from sync.events import Event, MessageArrived
from sync.message import MessageId


class Camps(World):
    """A world whose messages have numbers, as those of the baselines."""

    def __init__(self, case: Case, start_s: float) -> None:
        super().__init__(
            case.seed,
            preset_named(case.preset),
            capture=case.capture,
            firmware=case.firmware,
            start_s=start_s,
        )
        self.on_arrival: list[Callable[[str, int], None]] = []
        self._numbers: dict[MessageId, int] = {}
        self._ids: dict[int, MessageId] = {}
        self.on_event.append(self._told)

    def is_on(self, name: str) -> bool:
        """Whether this camp has power."""
        return self.camps[name].engine is not None

    def post(self, name: str, number: int, post: Post) -> None:
        """A person at this camp posts, through the engine's own door and its own wait for a seal."""
        message_id = self.publish(name, replace(post.message, second=int(self.now)))
        self._numbers[message_id] = number
        self._ids[number] = message_id

    def holds(self, name: str, number: int) -> bool:
        """Whether a camp's store has a message, and shows it."""
        row = self.camps[name].store.connection.execute(
            "SELECT 1 FROM messages WHERE id = ? AND shown = 1", (self._ids[number],)
        )
        return row.fetchone() is not None

    def _told(self, name: str, event: Event) -> None:
        if isinstance(event, MessageArrived) and event.message in self._numbers:
            for told in self.on_arrival:
                told(name, self._numbers[event.message])
