"""The way out into a maildir: messages of the board become files, each once.

Before a letter is written its message is noted as `sending`, and after it is on the disk as `sent`. A
node that dies in between finds `sending` when it starts again and looks into the outbox; the name of the
file is the id of the message, so even a second writing makes no second letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from node import maildir
from node.outbox import LetterQueue
from node.pump import Workbench
from node.walker import NEVER
from sync.letters import OutgoingLetter

# Letters of one round: half a second at 10 ms a synced file, and all that a crash leaves to look for.
ROUND_LETTERS = 50


class MaildirOutbox:
    """The outbox of one list. Used in its walker's thread."""

    def __init__(self, queue: LetterQueue, folder: Path) -> None:
        self._queue = queue
        self._folder = folder
        self._unsure = True  # letters may be `sending` that nobody is sending

    def carry(self, now_s: float) -> float:
        """Write one round of letters; in how many seconds there may be more.

        Raises OSError, StoreFull, PumpStopped.
        """
        maildir.make(self._folder)
        if self._unsure:
            self._recover()
        self._queue.fill(now_s)
        letters = self._queue.ask(self._take)
        self._write(letters)
        return 0.0 if len(letters) == ROUND_LETTERS else NEVER

    def stop(self) -> None:
        """Nothing here takes long."""

    def _take(self, bench: Workbench) -> list[OutgoingLetter]:
        rows = self._queue.tables(bench).take(self._queue.list_name, bench.wall_s, ROUND_LETTERS)
        return [self._queue.letter(bench, row) for row in rows]

    def _recover(self) -> None:
        """Deal with what was being written when something failed: what is there is sent."""
        there = maildir.names(self._folder)
        while letters := self._queue.ask(self._sending):
            self._mark([letter for letter in letters if name_of(letter) in there])
            self._write([letter for letter in letters if name_of(letter) not in there])
        self._unsure = False

    def _sending(self, bench: Workbench) -> list[OutgoingLetter]:
        rows = self._queue.tables(bench).sending(self._queue.list_name, ROUND_LETTERS)
        return [self._queue.letter(bench, row) for row in rows]

    def _write(self, letters: Sequence[OutgoingLetter]) -> None:
        if not letters:
            return
        self._unsure = True
        for letter in letters:
            raw = self._queue.raw(letter).replace(b"\r\n", b"\n")
            maildir.deliver(self._folder, name_of(letter), raw)
        maildir.sync_delivered(self._folder)
        self._mark(letters)
        self._unsure = False

    def _mark(self, letters: Sequence[OutgoingLetter]) -> None:
        messages = [letter.message for letter in letters]

        def mark(bench: Workbench) -> None:
            self._queue.tables(bench).mark_sent(self._queue.list_name, messages, bench.wall_s)

        if messages:
            self._queue.ask(mark)


def name_of(letter: OutgoingLetter) -> str:
    """The name of a letter's file: the same every time, and mail programs sort by it."""
    return f"{letter.created_s}.{letter.message.hex()}.miccheck"
