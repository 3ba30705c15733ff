"""The way out by SMTP: messages of the board become letters at a mail server, each at least once.

Letters go in batches: a batch is noted as `sending` before its first byte, and what became of it is noted
after its last, in the same commit as the next batch. What happened between is in the journal
(`node.sending_journal`). A crash leaves in doubt the letter whose answer was awaited, a power cut the batch;
a list gives back what it distributes, so they wait for that a while, and are sent again, with the
Message-ID they had, when it does not come.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence, Set
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from aiosmtplib import SMTPResponseException

from node.letter_writing import sender_of
from node.list_settings import MailingList
from node.mail_server import MailServer, parse_smtp
from node.outbox import LetterQueue, Parcel
from node.password import read_password
from node.precedence import Level, Precedence
from node.pump import Pump, PumpStopped, Workbench
from node.sending_journal import SendingJournal
from node.side_mail import SideLetter, SideMail
from node.smtp import Answer, Fate, conversation
from node.walker import NEVER, Trouble
from sync.board.mailing import is_paused
from sync.letters.turns import PUT_OFF_MAX_S
from sync.signing import author_of
from sync.store import StoreFull

# Servers count letters of one connection; Exim's own limit is 1,000. One that allows fewer says 421, and is
# called again.
CONNECTION_LETTERS = 1_000
# A batch is what a power cut leaves in doubt, and what is committed at once: about a second of sending, and
# at the speed of one machine 64 letters, 15 ms of commit in 100 ms.
BATCH_FIRST, BATCH_MAX = 4, 64
BATCH_SHORT_S, BATCH_LONG_S = 0.5, 1.5
# When three letters in a row are put off it is not the letters.
PUT_OFF_IN_A_ROW = 3
# Greylisting wants a quarter of an hour at most (RFC 6647 §5); a full mailbox of the list may take a day.
PUT_OFF_FIRST_S = 60.0


class PutsOff(Trouble):
    """The server is reached, and takes no letters now."""


Load = Sequence[Parcel | SideLetter]
Prepared = tuple[Load, Level | None]  # and what it has to wait for
Result = tuple[Parcel | SideLetter, Answer]


class Talk(Protocol):
    """An open conversation with a mail server."""

    async def send(self, letter: bytes, sender: str, recipient: str) -> Answer:
        """Hand over one letter."""


Converse = Callable[[MailServer, str, str | None], AbstractAsyncContextManager[Talk]]


class SmtpOutbox:
    """The outbox of one list. Used in its walker's thread."""

    def __init__(
        self,
        mailing_list: MailingList,
        home: Path,
        pump: Pump,
        queue: LetterQueue,
        real_s: Callable[[], float],
        jitter: Callable[[], float],
        *,
        want_look: Callable[[], None] = lambda: None,
        side: SideMail | None = None,
        converse: Converse = conversation,
        precedence: Precedence | None = None,
        moved: Callable[[], None] = lambda: None,
        boot: str | None = None,
    ) -> None:
        """`real_s` counts real seconds; `want_look`: letters wait until the inbox was looked into; `side` is
        other mail of this list; `precedence` is shared with the ways of other lists; `moved` is called after
        each batch; `boot` is for its journal."""
        self._server = parse_smtp(mailing_list.outbox)
        self._list = mailing_list
        self._pump = pump
        self._queue = queue
        self._password_file = home / mailing_list.password_file if mailing_list.password_file else None
        self._real_s = real_s
        self._jitter = jitter
        self._want_look = want_look
        self._side = side
        self._converse = converse
        self._precedence = precedence or Precedence(real_s)
        self._way_out = f"{mailing_list.name}, out"
        self._moved = moved
        name = blake2b(mailing_list.name.encode(), digest_size=8).hexdigest()
        self._journal = SendingJournal(home / "run" / f"sending-{name}", boot)
        self._way = _way_of(mailing_list)
        self._ready = False
        self._unsure: set[bytes] = set()  # letters that may have arrived
        self._unnoted: list[Result] = []  # what the store does not know yet
        self._batch = BATCH_FIRST
        self._put_off = 0
        self._took = 0  # letters of this connection
        self._lock = threading.Lock()
        self._ending = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    def carry(self, now_s: float) -> float:
        """Send what is due over one connection; in how many seconds there may be more.

        Raises OSError, StoreFull, Trouble, PumpStopped.
        """
        if not self._ready:
            self._unsure = self._queue.ask(self._begin)
            self._journal.clear(self._unsure)
            self._ready = True
        if self._queue.is_paused():
            return NEVER
        self._queue.fill(now_s)
        if (wait_s := self._wait_s()) > 0:
            return wait_s
        try:
            self._claim()
            asyncio.run(self._connect())
        except asyncio.CancelledError:
            raise PumpStopped from None
        except (OSError, Trouble) as fault:
            if isinstance(fault, PutsOff) or isinstance(fault.__cause__, SMTPResponseException):
                self._queue.came_online()  # it answers
            else:
                self._queue.went_offline()
            raise
        except StoreFull:
            self._ready, self._unnoted = False, []  # the journal knows what the store could not be told
            raise
        finally:
            self._precedence.release(self._way_out)
        return self._wait_s()

    def stop(self) -> None:
        """Hang up. What was being sent is found in doubt at the next start."""
        with self._lock:
            self._ending = True
            if self._running is not None:
                loop, task = self._running
                loop.call_soon_threadsafe(task.cancel)

    def _begin(self, bench: Workbench) -> set[bytes]:
        """Deal with what the last run left, and with a way that was changed; what may have arrived."""
        tables, name = self._queue.tables(bench), self._queue.list_name
        left = self._journal.read()
        for message, digest in tables.sending(name):
            id_ = digest or message
            if id_ in left.taken:
                tables.mark_sent(name, [message], bench.wall_s)
            elif left.is_whole and id_ not in left.begun:
                tables.put_back(name, [message])
        # Whoever changed server, address or password wants to see what was refused tried again.
        meta = f"way to list {name}"
        if bench.store.meta(meta) != self._way:
            tables.try_refused_again(name)
            bench.store.set_meta(meta, self._way)
        return {digest or message for message, digest in tables.sending(name)}

    def _wait_s(self) -> float:
        """In how many seconds there may be something to send. Has the inbox looked into where that is due."""
        wait_s, wants_look = self._queue.due()
        if wants_look:
            self._want_look()
        waits = [NEVER if wait_s is None else wait_s]
        if self._side is not None and (side_s := self._queue.ask(self._side.next_due_s)) is not None:
            waits.append(side_s)
        return min(waits)

    async def _connect(self) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        with self._lock:
            if self._ending:
                raise PumpStopped
            self._running = asyncio.get_running_loop(), task
        try:
            sender = self._queue.ask(lambda bench: sender_of(self._list, author_of(bench.store.key)))
            helo = sender.partition("@")[2]
            async with self._converse(self._server, helo, self._password()) as talk:
                self._queue.came_online()
                self._put_off = self._took = 0
                await self._send_all(talk, sender)
        finally:
            with self._lock:
                self._running = None

    async def _send_all(self, talk: Talk, sender: str) -> None:
        """Batch after batch, until none is due or the conversation ends. The next is prepared meanwhile."""
        sent, accepted = 0, 0
        load = self._next([], None)
        while load:
            sent += len(load)
            results: list[Result] = []
            ahead = self._prepare(load) if sent < CONNECTION_LETTERS else None
            try:
                await self._send(talk, sender, load, results)
            except (asyncio.CancelledError, OSError):
                with suppress(PumpStopped, StoreFull):  # the journal has it too
                    self._settle([*load[len(results) + 1 :], *_prepared(ahead)])
                raise
            accepted += sum(answer.fate is Fate.ACCEPTED for _, answer in results)
            last = results[-1][1]
            if last.is_end or self._put_off >= PUT_OFF_IN_A_ROW:
                self._settle([*load[len(results) :], *_prepared(ahead)])
                if accepted and last.says_closing:
                    return  # it takes so many of one connection; the next call makes another
                if last.is_end and not last.says_closing:
                    raise Trouble(last.why)
                raise PutsOff(
                    last.why if last.is_end else f"{self._server.name} takes no letters now: {last.why}"
                )
            load = self._next(results, ahead) if ahead else []
        self._settle([])

    async def _send(self, talk: Talk, sender: str, load: Load, results: list[Result]) -> None:
        """Hand over a batch, up to where the conversation ends. `results` grows with each answer."""
        began_s = self._real_s()
        for parcel in load:
            self._journal.begin(parcel.id)
            self._unsure.add(parcel.id)
            recipient = parcel.recipient if isinstance(parcel, SideLetter) else self._queue.address
            answer = await talk.send(parcel.raw, sender, recipient)
            if answer.fate is Fate.ACCEPTED:
                self._journal.taken(parcel.id, survive=len(_messages(parcel)) > 1)
            if answer.fate in (Fate.ACCEPTED, Fate.REFUSED) or not _may_be_there(parcel, answer):
                self._unsure.discard(parcel.id)
            results.append((parcel, answer))
            self._took += answer.fate is Fate.ACCEPTED
            if answer.says_closing and self._took:  # it takes so many of one connection
                answer = Answer(Fate.NOT_SENT, answer.why)
            self._unnoted.append((parcel, answer))
            self._put_off = self._put_off + 1 if answer.fate is Fate.NOT_NOW else 0
            if answer.is_end or self._put_off >= PUT_OFF_IN_A_ROW:
                break
        self._pace(self._real_s() - began_s)

    def _pace(self, took_s: float) -> None:
        """Larger batches while they are quick."""
        if took_s < BATCH_SHORT_S:
            self._batch = min(2 * self._batch, BATCH_MAX)
        elif took_s > BATCH_LONG_S:
            self._batch = max(self._batch // 2, 1)

    def _prepare(self, load: Load) -> Future[Prepared]:
        """Have the pump note what became of the last batch and take the next, while this one is sent."""
        results, flying = self._unnoted, frozenset(m for parcel in load for m in _messages(parcel))
        self._unnoted = []
        return self._pump.submit(lambda bench: self._take(bench, results, flying))

    def _next(self, results: Sequence[Result], ahead: Future[Prepared] | None) -> Load:
        """The next batch. Without one prepared, what became of the last is noted first."""
        load, waits_for = (ahead or self._prepare([])).result()
        taken = [parcel.id for parcel, answer in results if answer.fate is Fate.ACCEPTED]
        self._journal.clear(self._unsure, taken)
        self._moved()
        while waits_for is not None:
            self._precedence.claim(self._way_out, waits_for)
            self._precedence.wait(self._way_out, waits_for)
            load, waits_for = self._next_after_wait()
        if load and not any(isinstance(each, Parcel) and each.urgent for each in load):
            self._precedence.claim(self._way_out, Level.REST)  # the urgent ones are gone
        return load

    def _next_after_wait(self) -> Prepared:
        prepared = self._prepare([]).result()
        self._journal.clear(self._unsure)
        return prepared

    def _take(self, bench: Workbench, results: Sequence[Result], flying: Set[bytes]) -> Prepared:
        """Note a batch, take the next; or what has to wait until other lists' urgent letters are gone."""
        self._note(bench, results)
        if self._ending or is_paused(bench.store, self._queue.list_name):
            return [], None
        letters = self._queue.waiting(bench, flying)
        if urgent := self._queue.take(bench, letters, self._batch, only_urgent=True):
            return urgent, None
        if self._side is not None:
            if not self._precedence.may(self._way_out, Level.REGISTRATION):
                return [], Level.REGISTRATION
            if others := self._side.take(bench, self._batch):
                return others, None
        if not self._precedence.may(self._way_out, Level.REST):
            return [], Level.REST
        return self._queue.take(bench, letters, self._batch), None

    def _claim(self) -> None:
        """Say how urgent the most urgent of our letters is, before the others of this box connect."""
        list_name = self._queue.list_name
        urgent = self._queue.ask(lambda bench: self._queue.tables(bench).counts(list_name).urgent)
        self._precedence.claim(self._way_out, Level.URGENT if urgent else Level.REST)

    def _settle(self, untried: Load) -> None:
        """Note what became of the batches, and that the rest was not sent."""
        unsent = [(parcel, Answer(Fate.NOT_SENT)) for parcel in untried]
        known, self._unnoted = self._unnoted, []
        if not known and not unsent:
            return
        self._queue.ask(lambda bench: self._note(bench, [*known, *unsent]))
        self._journal.clear(self._unsure)

    def _note(self, bench: Workbench, results: Sequence[Result]) -> None:
        """Write down what became of letters."""
        for parcel, answer in results:
            if not isinstance(parcel, SideLetter):
                self._note_parcel(bench, parcel, answer)
            elif self._side is not None:
                self._side.note(bench, parcel, answer)

    def _note_parcel(self, bench: Workbench, parcel: Parcel, answer: Answer) -> None:
        tables, name, now_s = self._queue.tables(bench), self._queue.list_name, bench.wall_s
        match answer.fate:
            case Fate.ACCEPTED:
                tables.mark_sent(name, parcel.messages, now_s)
            case Fate.REFUSED if parcel.is_digest:
                tables.refuse_digests(name)
                tables.put_back(name, parcel.messages)
            case Fate.REFUSED:
                tables.mark_refused(name, parcel.id, now_s, answer.why)
            case Fate.NOT_NOW:
                self._put_off_parcel(bench, parcel, answer, lambda n: max(answer.again_s, self._put_off_s(n)))
            case Fate.UNSURE:
                self._put_off_parcel(bench, parcel, answer, self._hung_up_s)
            case Fate.NOT_SENT if answer.says_closing:  # it read the letter, perhaps
                self._put_off_parcel(bench, parcel, answer, self._hung_up_s)
            case Fate.NOT_SENT:
                if not parcel.in_doubt:
                    tables.put_back(name, parcel.messages)

    def _put_off_parcel(
        self, bench: Workbench, parcel: Parcel, answer: Answer, wait_s: Callable[[int], float]
    ) -> None:
        """Come again with it; the store counts how often, and when that was, also over a restart. What may
        have arrived stays `sending`."""
        tables, name = self._queue.tables(bench), self._queue.list_name
        if not _may_be_there(parcel, answer):
            tables.put_back(name, parcel.messages)
        for message in parcel.messages:
            tables.put_off(name, message, bench.wall_s, answer.why, wait_s)

    def _put_off_s(self, tries: int) -> float:
        """How long a letter waits that was put off so often: 1, 2, 4 … 60 minutes, more or less."""
        longest_s: float = min(PUT_OFF_FIRST_S * 2 ** min(tries - 1, 10), PUT_OFF_MAX_S)
        return longest_s * self._jitter()

    def _hung_up_s(self, times: int) -> float:
        """How long a letter waits over which the server hung up so often. Lines break; when it happens to
        the same letter again it is the letter, and the others go first."""
        return self._put_off_s(times - 1) if times > 1 else 0.0

    def _password(self) -> str | None:
        if self._password_file is None or not self._server.user:
            return None
        return read_password(self._password_file)


def _may_be_there(parcel: Parcel | SideLetter, answer: Answer) -> bool:
    return answer.fate is Fate.UNSURE or (isinstance(parcel, Parcel) and parcel.in_doubt)


def _messages(parcel: Parcel | SideLetter) -> tuple[bytes, ...]:
    return () if isinstance(parcel, SideLetter) else parcel.messages


def _prepared(ahead: Future[Prepared] | None) -> Load:
    """What was taken ahead, and is not sent after all."""
    return [] if ahead is None else ahead.result()[0]


def _way_of(mailing_list: MailingList) -> bytes:
    words = (mailing_list.outbox, mailing_list.address, mailing_list.sender, mailing_list.password_file)
    return blake2b("\0".join(words).encode(), digest_size=16).digest()
