"""The way out into a maildir: messages of the board become files, each once.

Before a letter is written its message is noted as `sending`, and after it is on the disk as `sent`. A
node that dies in between finds `sending` when it starts again and looks into the outbox; the name of the
file is the id of the message, so even a second writing makes no second letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from node import maildir
from node.outbox import LetterQueue, Parcel
from node.pump import Workbench
from node.side_mail import SideMail
from node.smtp import Answer, Fate
from node.walker import NEVER

# Letters of one round: half a second at 10 ms a synced file, and all that a crash leaves to look for.
ROUND_LETTERS = 50


class MaildirOutbox:
    """The outbox of one list. Used in its walker's thread."""

    def __init__(
        self,
        queue: LetterQueue,
        folder: Path,
        want_look: Callable[[], None] = lambda: None,
        side: SideMail | None = None,
    ) -> None:
        """`want_look`: letters wait until the inbox was looked into. `side` is other mail of this list."""
        self._side = side
        self._queue = queue
        self._folder = folder
        self._want_look = want_look
        self._unsure = True  # letters may be `sending` that nobody is sending

    def carry(self, now_s: float) -> float:
        """Write one round of letters; in how many seconds there may be more.

        Raises OSError, StoreFull, PumpStopped.
        """
        if self._queue.is_paused():
            return NEVER
        maildir.make(self._folder)
        self._queue.came_online()
        if self._unsure:
            self._recover()
        self._queue.fill(now_s)
        letters = self._queue.ask(self._take)
        self._write(letters)
        side_s = self._write_others(self._side) if self._side is not None else NEVER
        wait_s, wants_look = self._queue.due()
        if wants_look:
            self._want_look()
        return min(side_s, NEVER if wait_s is None else wait_s)

    def stop(self) -> None:
        """Nothing here takes long."""

    def _take(self, bench: Workbench) -> list[Parcel]:
        return self._queue.take(bench, self._queue.waiting(bench), ROUND_LETTERS)

    def _recover(self) -> None:
        """Deal with what was being written when something failed: what is there is sent."""
        there = maildir.names(self._folder)
        letters = self._queue.ask(self._sending)
        self._mark([letter for letter in letters if name_of(letter) in there])
        self._write([letter for letter in letters if name_of(letter) not in there])
        self._unsure = False

    def _sending(self, bench: Workbench) -> list[Parcel]:
        tables, name = self._queue.tables(bench), self._queue.list_name
        messages = [message for message, _ in tables.sending(name)]
        return [self._queue.single(bench, row) for row in tables.letters_to_go(name, messages)]

    def _write(self, letters: Sequence[Parcel]) -> None:
        if not letters:
            return
        self._unsure = True
        for letter in letters:
            maildir.deliver(self._folder, name_of(letter), letter.raw.replace(b"\r\n", b"\n"))
        maildir.sync_delivered(self._folder)
        self._mark(letters)
        self._unsure = False

    def _write_others(self, side: SideMail) -> float:
        """Write other mail of this list; in how many seconds there may be more. A second writing of one is
        the same file."""
        letters = self._queue.ask(lambda bench: side.take(bench, ROUND_LETTERS))
        for letter in letters:
            name = f"{letter.id.hex()}.miccheck"
            maildir.deliver(self._folder, name, letter.raw.replace(b"\r\n", b"\n"))
        if letters:
            maildir.sync_delivered(self._folder)

        def note(bench: Workbench) -> float | None:
            for letter in letters:
                side.note(bench, letter, Answer(Fate.ACCEPTED))
            return side.next_due_s(bench)

        wait_s = self._queue.ask(note)
        return NEVER if wait_s is None else wait_s

    def _mark(self, letters: Sequence[Parcel]) -> None:
        messages = [letter.id for letter in letters]

        def mark(bench: Workbench) -> None:
            self._queue.tables(bench).mark_sent(self._queue.list_name, messages, bench.wall_s)

        if messages:
            self._queue.ask(mark)


def name_of(letter: Parcel) -> str:
    """The name of a letter's file: the same every time, and mail programs sort by it."""
    return f"{letter.created_s}.{letter.id.hex()}.miccheck"
