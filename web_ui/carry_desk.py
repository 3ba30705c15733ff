"""What the page for sticks and files needs of the node behind it (see `web_ui.desk`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol

# 150 camps, the most a node has links to, with full windows of 64 bundles of 4.5 kB are 43 MB. What is longer
# is years of history, and goes by stick or by `miccheck import`, which ask for no second copy on the card.
UPLOAD_BYTES_MAX = 64 * 1024 * 1024


class CarryTrouble(Exception):
    """It was not done; `word` is a key of `web_ui.words.CARRY_TROUBLES`."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True)
class StickView:
    """A stick that is plugged in. `state`: closed, open, or elsewhere (somebody else mounted it)."""

    device: str
    label: str
    size_bytes: int
    file_system: str  # empty where nobody knows
    state: str


@dataclass(frozen=True, slots=True)
class StickFileView:
    """A file of bundles on the open stick. `key` names it in a form."""

    key: str
    shown: str
    size_bytes: int
    changed_s: float


@dataclass(frozen=True, slots=True)
class OpenStick:
    """What lies on the stick that is open. `odd`: things under such a name that are no files."""

    device: str
    files: tuple[StickFileView, ...]
    more: int
    odd: int
    cut: bool  # it has more names than are looked at
    trouble: str = ""  # why it cannot be read


@dataclass(frozen=True, slots=True)
class IntakeView:
    """A file on its way in, or the last one. `state`: running, done, stopped, failed."""

    name: str
    state: str
    bytes_read: int
    bytes_total: int
    new: int
    known: int
    refused: int
    torn: bool
    trouble: str = ""  # when it failed


@dataclass(frozen=True, slots=True)
class WrittenView:
    """What was written onto a stick last."""

    file: str
    bundles: int


class CarryDesk(Protocol):
    """Bundles in and out by file and stick. What is not `async` may be called in any thread, and may take
    milliseconds; everything may raise CarryTrouble."""

    def sticks(self) -> tuple[StickView, ...]:
        """What is plugged in."""

    def can_open(self) -> bool:
        """Whether this node may open sticks at all."""

    def opened(self) -> OpenStick | None:
        """What lies on the stick that is open."""

    def intake(self) -> IntakeView | None:
        """The file that is being taken in, or the last one."""

    def written(self) -> WrittenView | None:
        """What was written onto a stick, until something else is done."""

    async def open(self, device: str) -> None:
        """Open a stick to be read, and close the one that is open."""

    async def close(self) -> None:
        """Close the open stick, so that it can be pulled out."""

    async def take(self, key: str) -> None:
        """Begin to take in a file of the open stick."""

    async def write(self, device: str, since_s: float | None, channel: str | None) -> None:
        """Write bundles onto a stick; it is closed when they are on it."""

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Take a file from a phone, at most UPLOAD_BYTES_MAX, then begin to take it in."""

    def stop(self) -> None:
        """Take in no more of the file; what is in stays in."""

    async def seal(self) -> None:
        """Sign what waits, because a file leaves now."""

    def bundles(self, since_s: float | None, channel: str | None) -> Iterator[bytes]:
        """A file of bundles, piece by piece."""
