"""The courier: takes letters to the mailing lists and back.

Each way of each list is walked by a walker of its own: out, when somebody says that something was posted
or has arrived; in, when the inbox changed. Another tells the other camps what is on a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.inbox import LETTERS_MAX, Inbox, inbox_of
from node.maildir_outbox import MaildirOutbox
from node.outbox import RECEIPT_WAIT_S, LetterQueue, Outbox, publish_receipt
from node.pump import Pump, TimeSource, Workbench
from node.settings import MailingList
from node.walker import NEVER, Walker
from sync.store.letters import LetterCounts, LetterTables

# The node promises to end within five seconds; a disk or a server that hangs is left behind.
STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class LetterListView:
    """A mailing list as the status page shows it. `trouble` is a sentence, or empty."""

    name: str
    direction: str
    waiting: int
    sent: int
    taken_in: int
    left_out: int
    trouble: str


class Courier:
    """Runs from `start` to `stop`; `wake` and `views` may be called from any thread."""

    def __init__(
        self,
        lists: tuple[MailingList, ...],
        home: Path,
        pump: Pump,
        clock: TimeSource,
        real_s: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        """`real_s` counts real seconds and never jumps; `jitter` is a factor about 1.

        Paths of the settings are relative to `home`.
        """
        self._pump = pump
        self._clock = clock
        self._real_s = real_s
        self._teller = Walker("receipts", self._tell, real_s, jitter)
        self._roads = tuple(_Road(each, home, pump, real_s, jitter, self._teller.wake) for each in lists)

    def start(self) -> None:
        """Begin; without lists there is nothing to do, and no thread."""
        for walker in self._walkers():
            walker.start()

    def stop(self) -> None:
        """End; before the pump does."""
        for road in self._roads:
            road.stop()
        self._teller.stop()
        until_s = self._real_s() + STOP_S
        for walker in self._walkers():
            walker.join(max(0.0, until_s - self._real_s()))

    def wake(self) -> None:
        """Something was posted or arrived."""
        for road in self._roads:
            road.wake()

    def views(self) -> tuple[LetterListView, ...]:
        """The lists, in the order of the settings."""
        return tuple(road.view() for road in self._roads)

    def _walkers(self) -> tuple[Walker, ...]:
        ways = [walker for road in self._roads for walker in road.walkers]
        return (*ways, self._teller) if ways else ()

    def _tell(self, now_s: float) -> float:
        """Publish the receipts that are due; how long to wait."""
        gather_s = self._clock.wait_s(RECEIPT_WAIT_S)
        wait_s = self._pump.submit(lambda bench: publish_receipt(bench, gather_s)).result()
        return NEVER if wait_s is None else wait_s


class _Road:
    """The way to one list and back."""

    def __init__(
        self,
        mailing_list: MailingList,
        home: Path,
        pump: Pump,
        real_s: Callable[[], float],
        jitter: Callable[[], float],
        sent: Callable[[], None],
    ) -> None:
        self._list = mailing_list
        self._pump = pump
        self._sent = sent
        self._counts = LetterCounts(0, 0, 0, 0)
        self._outbox: Outbox | None = None
        self._inbox: Inbox | None = None
        self._out: Walker | None = None
        self._in: Walker | None = None
        if mailing_list.outbox and mailing_list.direction != "in":
            self._outbox = _outbox_of(mailing_list, home, pump, jitter)
            self._out = Walker(f"list {mailing_list.name}, out", self._carry, real_s, jitter)
        if mailing_list.inbox and mailing_list.direction != "out":
            self._inbox = inbox_of(mailing_list, home, pump, real_s())
            self._in = Walker(f"list {mailing_list.name}, in", self._look, real_s, jitter)

    @property
    def walkers(self) -> tuple[Walker, ...]:
        """One for each way."""
        return tuple(walker for walker in (self._out, self._in) if walker is not None)

    def wake(self) -> None:
        """There may be something to send."""
        if self._out is not None:
            self._out.wake()

    def stop(self) -> None:
        """Begin nothing more."""
        for walker in self.walkers:
            walker.stop()
        if self._outbox is not None:
            self._outbox.stop()

    def view(self) -> LetterListView:
        """What the status page says."""
        counts = self._counts
        return LetterListView(
            self._list.name,
            self._list.direction,
            counts.waiting,
            counts.sent,
            counts.taken_in,
            counts.left_out,
            " · ".join(self._troubles(counts)),
        )

    def _troubles(self, counts: LetterCounts) -> list[str]:
        found = [trouble for walker in self.walkers if (trouble := walker.trouble())]
        if counts.refused:
            found.append(f"{_letters(counts.refused)} refused: {counts.refused_why}")
        if counts.put_off and not (self._out is not None and self._out.trouble()):
            found.append(f"{_letters(counts.put_off)} put off: {counts.put_off_why}; trying again")
        if self._inbox is not None and self._inbox.held_back:
            found.append(f"more than {LETTERS_MAX} letters in three days: the rest waits in the inbox")
        return found

    def _carry(self, now_s: float) -> float:
        """The errand of the way out."""
        assert self._outbox is not None
        try:
            return self._outbox.carry(now_s)
        finally:
            self._count()
            self._sent()  # or perhaps not; whoever tells looks for itself

    def _look(self, now_s: float) -> float:
        """The errand of the way in."""
        assert self._inbox is not None
        pause_s = self._inbox.look(now_s)
        self._count()
        return pause_s

    def _count(self) -> None:
        def count(bench: Workbench) -> LetterCounts:
            return LetterTables(bench.store.connection).counts(self._list.name)

        self._counts = self._pump.submit(count).result()


def _outbox_of(mailing_list: MailingList, home: Path, pump: Pump, jitter: Callable[[], float]) -> Outbox:
    """The outbox that the settings name."""
    kind, _, path = mailing_list.outbox.partition(":")
    if kind == "maildir":
        return MaildirOutbox(LetterQueue(mailing_list, mailing_list.sender, pump), home / path)
    from node.smtp_outbox import SmtpOutbox  # asyncio's mail client: not needed beside a maildir

    return SmtpOutbox(mailing_list, home, pump, jitter)


def _letters(count: int) -> str:
    return "1 letter was" if count == 1 else f"{count} letters were"
