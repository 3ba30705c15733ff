"""The courier: takes letters to the mailing lists and back.

Each way of each list is walked by a walker of its own: out, when somebody says that something was posted
or has arrived; in, when the inbox changed. Another tells the other camps what is on a list.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from node.inbox import LETTERS_MAX, Inbox, inbox_of
from node.list_settings import MailingList
from node.maildir_outbox import MaildirOutbox
from node.outbox import LetterQueue, Neighbourhood, Outbox, channels_of_others
from node.precedence import Precedence
from node.progress import Progress
from node.pump import Pump, TimeSource, Workbench
from node.receipt_teller import publish_receipts
from node.side_mail import SideMail
from node.trust import Terms, Trust
from node.walker import NEVER, Trouble, Walker
from sync.board.mailing import is_paused
from sync.letters.introducing import Say
from sync.store.letters import LetterCounts, LetterTables
from web_ui import mail_words as words
from web_ui.mail_words import in_english

_LOG = logging.getLogger("miccheck")

# The node promises to end within five seconds; a disk or a server that hangs is left behind.
STOP_S = 2.0
# Who looks at the page while letters go wants to see them go.
COUNT_EVERY_S = 1.0


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
    held: int = 0  # by the moderators of this camp
    on_list: int = 0  # of those sent: the list, or another camp, says that they are there
    list_held: int = 0  # of those sent: by the moderators of the list
    refused: int = 0
    done: int = 0
    total: int = 0
    paused: bool = False
    progress: str = ""
    seconds_left: float | None = None  # until what waits is gone, at the speed of now


SideMailOf = Callable[[MailingList], SideMail | None]


def _no_side_mail(_: MailingList) -> None:
    return None


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
        speak: Sequence[Say] = (str,),
        side: SideMailOf = _no_side_mail,
        terms: Terms | None = None,
        missed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`real_s` counts real seconds and never jumps; `jitter` is a factor about 1.

        Paths of the settings are relative to `home`. `speak` are the languages in which a list is told what
        its letters from here are; `side` is other mail that goes with a list's letters. `terms` are
        those of all servers; `missed` is told why one was not reached.
        """
        self._pump = pump
        self._clock = clock
        self._real_s = real_s
        served = tuple(each for each in lists if not each.stopped)
        self._posts_to = tuple(each for each in served if each.outbox and each.direction != "in")
        self._terms = replace(terms or Terms(), precedence=Precedence(real_s))
        self._teller = Walker("receipts", self._tell, real_s, jitter)
        gear = _Gear(home, pump, clock, real_s, jitter, self._teller.wake, self._terms, missed)
        self._roads = tuple(
            _Road(each, gear, channels_of_others(self._posts_to, each), speak, side(each)) for each in served
        )

    def start(self) -> None:
        """Begin; without lists there is nothing to do, and no thread."""
        for road in self._roads:
            road.say_what_lacks()
        for walker in self._walkers():
            walker.start()

    def stop(self) -> None:
        """End; before the pump does."""
        assert self._terms.precedence is not None
        self._terms.precedence.stop()
        for road in self._roads:
            road.stop()
        self._teller.stop()
        until_s = self._real_s() + STOP_S
        for walker in self._walkers():
            walker.join(max(0.0, until_s - self._real_s()))

    def wake(self) -> None:
        """Something was posted or arrived, or somebody decided something."""
        for road in self._roads:
            road.wake()
        self._teller.wake()

    def hurry(self) -> None:
        """There may be internet now, or another one: whoever waited for it tries at once."""
        self._terms.lines.drop_gone()
        for road in self._roads:
            road.hurry()

    def look(self, list_name: str) -> None:
        """Somebody wants a list's mail looked into and sent now."""
        for road in self._roads:
            if road.name == list_name:
                road.look()

    def views(self) -> tuple[LetterListView, ...]:
        """The lists, in the order of the settings."""
        # Who tells the other camps does so for all lists.
        trouble = self._teller.trouble()
        views = (road.view() for road in self._roads)
        return tuple(
            replace(view, trouble=words.BETWEEN.join(filter(None, (view.trouble, trouble)))) for view in views
        )

    def _walkers(self) -> tuple[Walker, ...]:
        ways = [walker for road in self._roads for walker in road.walkers]
        return (*ways, self._teller) if ways else ()

    def _tell(self, now_s: float) -> float:
        """Publish the receipts that are due; how long to wait.

        And without internet too, let what is new on the board wait, or be held for the moderators.
        """
        for road in self._roads:
            road.fill(now_s)
        speed = 1.0 / max(self._clock.wait_s(1.0), 1e-9)
        told = self._pump.submit(lambda bench: publish_receipts(bench, self._posts_to, speed))
        wait_s = told.result()
        return NEVER if wait_s is None else wait_s


@dataclass(frozen=True, slots=True)
class _Gear:
    """What every road needs. `sent`: there may be something to tell the other camps."""

    home: Path
    pump: Pump
    clock: TimeSource
    real_s: Callable[[], float]
    jitter: Callable[[], float]
    sent: Callable[[], None]
    terms: Terms
    missed: Callable[[str], None]


class _Road:
    """The way to one list and back."""

    def __init__(
        self,
        mailing_list: MailingList,
        gear: _Gear,
        minus: tuple[str, ...],
        speak: Sequence[Say],
        side: SideMail | None,
    ) -> None:
        self.name = mailing_list.name
        self._list = mailing_list
        self._gear = gear
        self._counts = LetterCounts(0, 0, 0, 0)
        self._paused = False
        self._outbox: Outbox | None = None
        self._queue: LetterQueue | None = None
        self._inbox: Inbox | None = None
        self._out: Walker | None = None
        self._in: Walker | None = None
        self._looked_s: float | None = None
        self._look_wanted = False
        ca_file = gear.home / mailing_list.ca_file if mailing_list.ca_file else None
        names_people = mailing_list.joining == "request"
        trust = Trust(ca_file, gear.clock.is_set)
        self._terms = replace(gear.terms, trust=trust, names_people=names_people)
        self._progress = Progress()
        self._counted_s = float("-inf")
        if mailing_list.inbox and mailing_list.direction != "out":
            self._looked_s = float("-inf")
            self._inbox = inbox_of(
                mailing_list, gear.home, gear.pump, gear.real_s(), self._terms, gear.real_s
            )
            self._in = Walker(f"list {mailing_list.name}, in", self._look, gear.real_s, gear.jitter)
        if mailing_list.outbox and mailing_list.direction != "in":
            around = Neighbourhood(
                minus, speak, gear.clock.is_set, lambda: self._looked_s, gear.terms.metered
            )
            self._queue = LetterQueue(mailing_list, gear.pump, around, has_caps=mailing_list.by_smtp)
            self._outbox = self._outbox_of(self._queue, side)
            self._out = Walker(f"list {mailing_list.name}, out", self._carry, gear.real_s, gear.jitter)

    def _outbox_of(self, queue: LetterQueue, side: SideMail | None) -> Outbox:
        """The outbox that the settings name."""
        mailing_list, gear = self._list, self._gear
        kind, _, path = mailing_list.outbox.partition(":")
        if kind == "maildir":
            return MaildirOutbox(queue, gear.home / path, self._want_look, side)
        from node.smtp import conversation  # asyncio's mail client: not needed beside a maildir
        from node.smtp_outbox import SmtpOutbox

        return SmtpOutbox(
            mailing_list,
            gear.home,
            gear.pump,
            queue,
            gear.real_s,
            gear.jitter,
            want_look=self._want_look,
            side=side,
            converse=partial(conversation, terms=self._terms),
            precedence=self._terms.precedence,
            moved=self._moved,
        )

    @property
    def walkers(self) -> tuple[Walker, ...]:
        """One for each way."""
        return tuple(walker for walker in (self._out, self._in) if walker is not None)

    def say_what_lacks(self) -> None:
        """What a person has to write into the settings, in the log."""
        if self._inbox is not None and not self._list.is_agreed:
            _LOG.warning("list %s: %s", self.name, in_english(words.NOT_AGREED))

    def wake(self) -> None:
        """There may be something to send; or, after a pause, to read."""
        if self._out is not None:
            self._out.wake()
        if self._in is not None and self._paused:
            self._in.wake()

    def fill(self, now_s: float) -> None:
        """Sort in what is new on the board, where the way out is not open to do so."""
        if self._queue is not None and self._out is not None and self._out.trouble():
            self._queue.fill(now_s)
            self._count()

    def hurry(self) -> None:
        """Both ways at once, also out of trouble."""
        for walker in self.walkers:
            walker.hurry()
        if self._inbox is not None:
            self._inbox.wake()

    def look(self) -> None:
        """Both ways, now."""
        for walker in self.walkers:
            walker.wake()
        if self._inbox is not None:
            self._inbox.wake()

    def stop(self) -> None:
        """Begin nothing more."""
        for walker in self.walkers:
            walker.stop()
        for way in (self._outbox, self._inbox):
            if way is not None:
                way.stop()

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
            words.BETWEEN.join(self._troubles(counts)),
            held=counts.held,
            on_list=counts.on_list,
            list_held=counts.list_held,
            refused=counts.refused,
            done=self._progress.done,
            total=self._progress.total,
            paused=self._paused,
            progress=self._progress.line() if self._progress.total else "",
            seconds_left=self._progress.seconds_left,
        )

    def _troubles(self, counts: LetterCounts) -> list[str]:
        found = [trouble for walker in self.walkers if (trouble := walker.trouble())]
        if counts.refused:
            template = words.REFUSED_ONE if counts.refused == 1 else words.REFUSED_MANY
            found.append(in_english(template, n=counts.refused, why=counts.refused_why))
        if counts.put_off and not (self._out is not None and self._out.trouble()):
            template = words.PUT_OFF_ONE if counts.put_off == 1 else words.PUT_OFF_MANY
            found.append(in_english(template, n=counts.put_off, why=counts.put_off_why))
        if self._inbox is not None:
            if not self._list.is_agreed:
                found.append(in_english(words.NOT_AGREED))
            if self._inbox.held_back:
                found.append(in_english(words.HELD_BACK, n=LETTERS_MAX))
            if self._inbox.warning:
                found.append(self._inbox.warning)
        return found

    def _carry(self, now_s: float) -> float:
        """The errand of the way out."""
        assert self._outbox is not None
        try:
            return self._outbox.carry(now_s)
        except Trouble as trouble:
            self._gear.missed(str(trouble))
            raise
        finally:
            self._count()
            self._gear.sent()  # or perhaps not; whoever tells looks for itself

    def _look(self, now_s: float) -> float:
        """The errand of the way in."""
        assert self._inbox is not None
        if self._gear.pump.submit(lambda bench: is_paused(bench.store, self.name)).result():
            self._count()
            return NEVER
        began_s = self._gear.clock.wall_s()
        try:
            pause_s = self._inbox.look(now_s)
        except Trouble as trouble:
            self._gear.missed(str(trouble))
            raise
        self._count()
        if pause_s > 0 and not self._inbox.held_back:  # all of it was looked through
            self._looked_s = began_s
            if self._look_wanted and self._out is not None:
                self._look_wanted = False
                self._out.wake()
        return pause_s

    def _want_look(self) -> None:
        """Letters wait until the inbox was looked into."""
        self._look_wanted = True
        if self._in is not None and self._inbox is not None:
            self._in.wake()
            self._inbox.wake()

    def _count(self) -> None:
        def count(bench: Workbench) -> tuple[LetterCounts, bool]:
            return LetterTables(bench.store.connection).counts(self.name), is_paused(bench.store, self.name)

        self._counts, self._paused = self._gear.pump.submit(count).result()
        self._counted_s = self._gear.real_s()
        line = self._progress.see(self._counts.done, self._counts.waiting, self._counted_s)
        if line:
            _LOG.info("list %s: %s", self.name, line)

    def _moved(self) -> None:
        """Some letters went: count again, not more often than people look."""
        if self._gear.real_s() - self._counted_s >= COUNT_EVERY_S:
            self._count()
