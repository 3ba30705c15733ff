"""The courier: takes letters to the mailing lists and back, in a thread of its own.

It sleeps until somebody says that something was posted or has arrived, and every few seconds asks the
inboxes whether their files changed. Trouble with a disk or a path is one sentence on the status page and
in the log, and is tried again, less and less often.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from node.inbox import LETTERS_MAX, Inbox, inbox_of
from node.outbox import RECEIPT_WAIT_S, Outbox, publish_receipt
from node.pump import Pump, PumpStopped, TimeSource, Workbench
from node.settings import MailingList
from sync.store import StoreFull
from sync.store.letters import LetterCounts, LetterTables

_LOG = logging.getLogger("miccheck")

# Posts that come together leave together.
GATHER_S = 0.2
RETRY_FIRST_S, RETRY_MAX_S = 5.0, 300.0
# The node promises to end within five seconds; a disk that hangs is left behind.
STOP_S = 2.0
NEVER = float("inf")
FAILED = "the courier failed; the log says why. Letters wait until the node is started again"


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
    ) -> None:
        """`real_s` counts real seconds and never jumps. Paths of the settings are relative to `home`."""
        self._pump = pump
        self._clock = clock
        self._real_s = real_s
        self._roads = tuple(_Road(each, home, pump, real_s()) for each in lists)
        self._receipt_due_s = real_s()
        self._changed = threading.Condition()
        self._woken = False
        self._started = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin; without lists there is nothing to do, and no thread."""
        if self._roads:
            self._thread.start()
            self._started = True

    def stop(self) -> None:
        """End; before the pump does."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def wake(self) -> None:
        """Something was posted or arrived."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def views(self) -> tuple[LetterListView, ...]:
        """The lists, in the order of the settings."""
        failed = self._started and not self._stopping and not self._thread.is_alive()
        views = (road.view() for road in self._roads)
        return tuple(replace(view, trouble=FAILED) if failed else view for view in views)

    def _run(self) -> None:
        try:
            while self._wait():
                for road in self._roads:
                    if road.due_s <= self._real_s() and road.walk(self._real_s()):
                        self._receipt_due_s = self._real_s()
                if self._receipt_due_s <= self._real_s():
                    self._tell()
        except PumpStopped:
            return

    def _wait(self) -> bool:
        """Sleep until a road is due or somebody wakes us; False at the end."""
        due_s = min(self._receipt_due_s, *(road.due_s for road in self._roads))
        with self._changed:
            if not (self._woken or self._stopping):
                self._changed.wait(min(max(0.0, due_s - self._real_s()), threading.TIMEOUT_MAX))
            if self._woken:
                self._changed.wait_for(lambda: self._stopping, GATHER_S)
                self._woken = False
                for road in self._roads:
                    road.news()
            return not self._stopping

    def _tell(self) -> None:
        """Publish the receipts that are due."""
        gather_s = self._clock.wait_s(RECEIPT_WAIT_S)
        try:
            wait_s = self._pump.submit(lambda bench: publish_receipt(bench, gather_s)).result()
        except StoreFull:
            wait_s = RETRY_MAX_S
        self._receipt_due_s = NEVER if wait_s is None else self._real_s() + wait_s


class _Road:
    """The way to one list and back."""

    def __init__(self, mailing_list: MailingList, home: Path, pump: Pump, now_s: float) -> None:
        self._list = mailing_list
        self._pump = pump
        self._outbox: Outbox | None = None
        self._inbox: Inbox | None = None
        if mailing_list.outbox and mailing_list.direction != "in":
            self._outbox = Outbox(mailing_list, home / mailing_list.outbox.partition(":")[2], pump)
        if mailing_list.inbox and mailing_list.direction != "out":
            self._inbox = inbox_of(mailing_list, home, pump, now_s)
        self._counts = LetterCounts(0, 0, 0, 0)
        self._trouble = ""
        self._retry_s = RETRY_FIRST_S
        self._news = True
        self.due_s = now_s

    def news(self) -> None:
        """There may be something to send. Trouble is not tried sooner for it."""
        self._news = True
        if not self._trouble:
            self.due_s = 0.0

    def walk(self, now_s: float) -> bool:
        """Carry what can be carried now, one round each way; whether letters were sent."""
        sent = 0
        try:
            if self._outbox is not None and self._news:
                sent, self._news = self._outbox.carry(now_s)
            pause_s = NEVER if self._inbox is None else self._inbox.look(now_s)
            self._counts = self._pump.submit(self._count).result()
        except (OSError, StoreFull) as fault:
            self._news = True
            self._say(_sentence(fault))
            self.due_s = now_s + self._retry_s
            self._retry_s = min(2 * self._retry_s, RETRY_MAX_S)
            return False
        self._say("")
        self._retry_s = RETRY_FIRST_S
        self.due_s = now_s + (0.0 if self._news else pause_s)
        return sent > 0

    def view(self) -> LetterListView:
        """What the status page says."""
        counts, trouble = self._counts, self._trouble
        if not trouble and self._inbox is not None and self._inbox.held_back:
            trouble = f"more than {LETTERS_MAX} letters in three days: the rest waits in the inbox"
        return LetterListView(
            self._list.name,
            self._list.direction,
            counts.waiting,
            counts.sent,
            counts.taken_in,
            counts.left_out,
            trouble,
        )

    def _count(self, bench: Workbench) -> LetterCounts:
        return LetterTables(bench.store.connection).counts(self._list.name)

    def _say(self, sentence: str) -> None:
        """Note trouble, or that it is over, and log the change once."""
        if sentence and sentence != self._trouble:
            _LOG.warning("list %s: %s; trying again", self._list.name, sentence)
        elif self._trouble and not sentence:
            _LOG.info("list %s: works again", self._list.name)
        self._trouble = sentence


def _sentence(fault: OSError | StoreFull) -> str:
    """What a person can do something about. Paths are of this box; nothing of a letter is in it."""
    if isinstance(fault, StoreFull):
        return "the disk of this camp is full"
    where = f" {fault.filename}" if fault.filename else ""
    match fault.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return f"the folder of{where or ' the letters'} is not there"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"this node may not use{where or ' the letters'}"
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk with the outbox is full"
        case _:
            return f"{fault.strerror or 'the disk failed'}{where and ':' + where}"
