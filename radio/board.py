"""A Meshtastic board as the node sees it: what it is given, and what it tells.

Between the library's threads and the loop nothing passes but these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from radio.board_setup import BoardFacts
from sync.urgency import Urgency

# What the firmware answers when its region's hour is used up, and when a payload is longer than it takes.
DUTY_CYCLE_LIMIT = "DUTY_CYCLE_LIMIT"
TOO_LARGE = "TOO_LARGE"


@dataclass(frozen=True, slots=True)
class Came:
    """A frame of another camp, and its signal to noise ratio in dB."""

    frame: bytes
    snr_db: float


@dataclass(frozen=True, slots=True)
class Queue:
    """How many packets wait in the board. `is_answer`: it was asked; otherwise it comes with a packet."""

    waiting: int
    is_answer: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame will not be sent; the firmware's word for why. Empty when it is none of the last few."""

    error: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence of the firmware for people."""

    text: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Its telemetry: the share of the last minute that was busy, of the last hour in which it sent."""

    busy: float
    sent: float


@dataclass(frozen=True, slots=True)
class Alive:
    """Something else came; it is there."""


@dataclass(frozen=True, slots=True)
class Gone:
    """It is not there any more, and why."""

    why: str


BoardEvent = Came | Queue | Refused | Notice | Counts | Alive | Gone
Tell = Callable[[BoardEvent], None]


class Board(Protocol):
    """An open board. `send` and `ask` return at once; what comes of them is told."""

    @property
    def facts(self) -> BoardFacts:
        """What it said of itself when it was opened."""

    def send(self, frame: bytes, urgency: Urgency) -> None:
        """Put a frame on the air, what is more urgent first."""

    def ask(self) -> None:
        """Have it tell its queue."""

    def close(self) -> None:
        """Let go of it. May take seconds, or for ever: for a thread of its own."""


class BoardError(Exception):
    """The board cannot be opened; the text is the reason for people."""
