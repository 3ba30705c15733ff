"""Other mail that goes with a list's letters, over the same connection: after mic checks, before the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from node.pump import Workbench
from node.smtp import Answer


@dataclass(frozen=True, slots=True)
class SideLetter:
    """A letter that is no message's. `id` names it in the journal of what is being sent."""

    id: bytes
    recipient: str
    raw: bytes  # with CRLF


class SideMail(Protocol):
    """Where such letters come from. Its methods are called inside the pump's transaction."""

    def next_due_s(self, bench: Workbench) -> float | None:
        """In how many seconds there may be a letter; None when none waits."""

    def take(self, bench: Workbench, most: int) -> Sequence[SideLetter]:
        """What leaves next. It is being sent from the commit on."""

    def note(self, bench: Workbench, letter: SideLetter, answer: Answer) -> None:
        """What became of it."""
