"""The way out: what of the board goes to a list, as letters; how they travel is the outboxes' business."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from node.letter_writing import NO_ADDRESS, LetterWriter
from node.list_settings import MailingList
from node.metered import seldom
from node.pump import Pump, Workbench
from sync.board.mailing import is_paused
from sync.letters import batches, turns
from sync.letters.batches import Batch
from sync.letters.digest_out import DIGEST_LETTERS_MAX, digest_id, how_many_fit
from sync.letters.introducing import Say, introduction_id
from sync.letters.taking_in import read_again
from sync.letters.turns import FRESH_S, GAP_S, PUT_OFF_MAX_S, TURN_S, CatchingUp, Line, Takeovers
from sync.message import MessageId
from sync.receipts import list_digest
from sync.signing import author_of
from sync.store.letter_turns import Caps, DueLetter
from sync.store.letters import LetterRow, LetterTables

T = TypeVar("T")

# Everything that is stored is looked through again this often (real time): what was unhidden meanwhile, what
# a changed setting lets out. Otherwise only what is new.
LOOK_AGAIN_S = 600.0
# A camp's own folder takes what there is.
NO_CAPS = Caps(1_000_000, 1_000_000, 0)


class Outbox(Protocol):
    """Where a list's letters go."""

    def carry(self, now_s: float) -> float:
        """Send one round; in how many seconds there may be more.

        `now_s` are seconds of a clock that does not jump.
        Raises OSError, StoreFull, Trouble, PumpStopped.
        """

    def stop(self) -> None:
        """The node ends: give up what takes long. Called from another thread."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One letter as it leaves: a message's, an introduction, or a digest of many."""

    id: bytes  # of the message, or of the digest
    messages: tuple[MessageId, ...]
    raw: bytes  # with CRLF
    created_s: int
    urgent: bool = False
    in_doubt: bool = False  # it was sent before, and may have arrived

    @property
    def is_digest(self) -> bool:
        """Whether there are many in it."""
        return self.messages != (self.id,)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What a list's letters need to know of the rest of the camp."""

    minus: tuple[str, ...] = ()  # channels that another list names
    speak: Sequence[Say] = ()  # the languages of an introduction
    is_clock_set: Callable[[], bool] = lambda: True
    looked_s: Callable[[], float | None] = lambda: None  # see `Line`
    metered: bool = False  # bytes cost


class LetterQueue:
    """The letters of one list that wait in the store. What it remembers it touches in the pump's thread."""

    def __init__(
        self, mailing_list: MailingList, pump: Pump, around: Neighbourhood, *, has_caps: bool = True
    ) -> None:
        """With `has_caps` the list's caps, digests and introduction are for this outbox."""
        self.list_name = mailing_list.name
        self.digest = list_digest(mailing_list.address)
        self.address = mailing_list.address or NO_ADDRESS
        self._list = mailing_list
        self._pump = pump
        self._around = around
        self._has_caps = has_caps
        self._after_seq = 0
        self._looked_s = float("-inf")
        self._gateways: frozenset[bytes] | None = None
        self._others = 0
        self._online_s: float | None = None
        self._takeovers = Takeovers()

    # -- the way ------------------------------------------------------------------------------------

    def came_online(self) -> None:
        """The way to the list is open, and was not before."""
        if self._online_s is None:
            self._online_s = self.ask(lambda bench: bench.wall_s)

    def went_offline(self) -> None:
        """It is not."""
        self._online_s = None

    def is_paused(self) -> bool:
        """Whether a coordinator stopped this list for a while."""
        return self.ask(lambda bench: is_paused(bench.store, self.list_name))

    # -- what waits ---------------------------------------------------------------------------------

    def fill(self, now_s: float) -> None:
        """Let what is new on the board wait, and now and then look through all of it."""
        if now_s - self._looked_s >= LOOK_AGAIN_S:
            self._after_seq, self._looked_s = 0, now_s
        self.ask(self._fill)

    def due(self) -> tuple[float | None, bool]:
        """In how many seconds a letter may leave (None: none waits), and whether one waits for a look into
        the inbox."""
        return self.ask(self._due)

    def waiting(self, bench: Workbench, flying: Set[bytes] = frozenset()) -> list[DueLetter]:
        """What waits or is in doubt, without the messages that are being sent now."""
        letters = self.tables(bench).due_letters(self.list_name)
        return [each for each in letters if each.message not in flying] if flying else letters

    def take(
        self, bench: Workbench, letters: Sequence[DueLetter], most: int, *, only_urgent: bool = False
    ) -> list[Parcel]:
        """What leaves next of those that wait: `sending` from the commit on."""
        tables, now_s, caps = self.tables(bench), bench.wall_s, self._caps(bench)
        if only_urgent:
            caps = replace(caps, ordinary=0)
        line = self._line(tables, now_s)
        while True:
            batch = batches.pick(letters, line, caps, now_s, most)
            limit = DIGEST_LETTERS_MAX if batch.as_digest else len(batch.messages)
            rows = tables.letters_to_go(self.list_name, batch.messages[:limit])
            if rows or not batch.messages:
                break
            gone = frozenset(batch.messages[:limit])
            letters = [each for each in letters if each.message not in gone]
        doubted = {each.message for each in letters if each.in_doubt}
        parcels = [
            replace(parcel, in_doubt=not doubted.isdisjoint(parcel.messages))
            for parcel in self._parcels(bench, rows, batch)
        ]
        leaving = {message for parcel in parcels for message in parcel.messages}
        over = sum(each.place > 0 and not each.urgent for each in letters if each.message in leaving)
        self._takeovers = self._takeovers.after(over if self._others else 0, now_s)
        return parcels

    def single(self, bench: Workbench, row: LetterRow) -> Parcel:
        """A letter of its own."""
        raw = self._writer(bench).raw(self.tables(bench), row)
        urgent = row.urgent or row.introduction
        return Parcel(row.message, (row.message,), raw, row.created_s, urgent)

    def ask(self, job: Callable[[Workbench], T]) -> T:
        """Have the pump do a job in a transaction of its own."""
        return self._pump.submit(job).result()

    def tables(self, bench: Workbench) -> LetterTables:
        """The letters' tables."""
        return LetterTables(bench.store.connection)

    # -- in the pump's thread -----------------------------------------------------------------------

    def _fill(self, bench: Workbench) -> None:
        tables, now_s = self.tables(bench), bench.wall_s
        hold, before = self._holds_all(tables, now_s), self._after_seq
        read_again(tables, self.list_name)
        self._after_seq = tables.queue(
            self.list_name,
            self._list.channels,
            self._after_seq,
            now_s,
            minus=self._around.minus,
            hold_all=hold,
        )
        if self._after_seq != before:
            tables.hold_changed(self.list_name)
        me = author_of(bench.store.key)
        if self._has_caps and self._list.address:
            letter = introduction_id(me, self._list.address)
            tables.introduce(self.list_name, letter, now_s, hold=hold)
        gateways = tables.gateways(self.digest, now_s) | {me}
        again, self._gateways = gateways != self._gateways, gateways
        self._others = len(gateways) - 1
        tables.give_places(
            self.list_name,
            lambda message, writer, late_s: turns.place_in_line(message, me, gateways, writer, late_s),
            again=again,
        )
        sees_list = self._around.looked_s() is not None
        tables.settle(self.list_name, self.digest, now_s, sees_list=sees_list)

    def _holds_all(self, tables: LetterTables, now_s: float) -> bool:
        """Whether the list is new: seen for less than its first hours under a clock that was set."""
        hold_s = self._list.hold_s
        if not self._around.is_clock_set():
            return hold_s > 0
        return now_s < tables.see_list(self.list_name, now_s) + hold_s

    def _due(self, bench: Workbench) -> tuple[float | None, bool]:
        tables, now_s, caps = self.tables(bench), bench.wall_s, self._caps(bench)
        letters, line = tables.due_letters(self.list_name), self._line(tables, now_s)
        if self._online_s is None:  # what would be worth a connection
            open_line = Line(float("-inf"), None if line.looked_s is None else float("inf"), line.others)
            due_s = batches.next_due_s(letters, open_line, caps, now_s)
            return (None if due_s is None else max(0.0, due_s - now_s)), False
        due_s = batches.next_due_s(letters, line, caps, now_s)
        if due_s is None or line.looked_s is None:
            return (None if due_s is None else max(0.0, due_s - now_s)), False
        # What would leave if the inbox were looked through now.
        look_s = batches.next_due_s(letters, replace(line, looked_s=float("inf")), caps, now_s)
        if look_s is None or look_s <= now_s:
            return max(0.0, due_s - now_s), due_s > now_s
        return max(0.0, min(due_s, look_s) - now_s), False

    def _line(self, tables: LetterTables, now_s: float) -> Line:
        line = Line(
            online_s=now_s if self._online_s is None else self._online_s,
            looked_s=self._around.looked_s(),
            others=self._others,
        )
        if not self._others:
            return line
        name = self.list_name
        heard_s = tables.others_heard_s(name)
        self._takeovers = self._takeovers.then(heard_s, now_s)
        ours, theirs = tables.late_s(name, FRESH_S, now_s - 2 * PUT_OFF_MAX_S)
        return replace(
            line,
            heard_s=heard_s,
            takeovers=self._takeovers,
            ours=CatchingUp.at(ours, GAP_S),
            theirs=CatchingUp.at(theirs, TURN_S),
            shows_ours=tables.gives_back(name),
        )

    def _caps(self, bench: Workbench) -> Caps:
        if not self._has_caps:
            return NO_CAPS
        each = self._list
        caps = self.tables(bench).caps(self.list_name, each.per_hour, each.digest_above, bench.wall_s)
        return seldom(caps, each.per_hour, bench.wall_s) if self._around.metered else caps

    def _parcels(self, bench: Workbench, rows: Sequence[LetterRow], batch: Batch) -> list[Parcel]:
        tables, writer, kept = self.tables(bench), self._writer(bench), batch.kept
        if batch.as_digest:
            letters = [writer.letter(tables, row) for row in rows]
            fit = rows[: how_many_fit(letters, writer.address, writer.sender)]
            # The id of before is for the last of what was in it: who has that digest has these.
            kept, rows = (kept if len(fit) == len(rows) else None), fit
        messages = tuple(row.message for row in rows)
        if batch.as_digest and (len(rows) > 1 or (kept and rows)):
            digest = kept or digest_id(messages)
            tables.begin(self.list_name, messages, bench.wall_s, digest)
            newest_s = max(row.created_s for row in rows)
            return [Parcel(digest, messages, writer.digest(tables, rows, digest), newest_s)]
        tables.begin(self.list_name, messages, bench.wall_s)
        return [self.single(bench, row) for row in rows]

    def _writer(self, bench: Workbench) -> LetterWriter:
        return LetterWriter(self._list, author_of(bench.store.key), self._around.speak)


def channels_of_others(lists: Iterable[MailingList], each: MailingList) -> tuple[str, ...]:
    """The channels that another list names: they do not go to this one unless it names them too."""
    return tuple(sorted({name for other in lists if other is not each for name in other.channels}))
