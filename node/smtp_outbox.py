"""The way out by SMTP: messages of the board become letters at a mail server, each at least once.

A message is noted as `sending` before its letter's first byte, and as what became of it right after the
server's answer: a crash leaves one letter in doubt at most. A list gives back what it distributes, so one
in doubt waits for that a while; then it is sent again, with the Message-ID it had.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from node.mail_server import parse_smtp
from node.outbox import LetterQueue
from node.pump import Pump, PumpStopped, Workbench
from node.settings import MailingList
from node.smtp import Answer, Conversation, Fate, conversation
from node.walker import NEVER, Trouble
from sync.letters import OutgoingLetter
from sync.letters.marks import DOMAIN
from sync.signing import author_of
from sync.store.letters_out import PUT_OFF_MAX_S

# Servers count letters of one connection (Postfix, Exim and the big providers allow 100 and more).
CONNECTION_LETTERS = 100
# When three letters in a row are put off it is not the letters.
PUT_OFF_IN_A_ROW = 3
# Mailman gave a letter back in 3 to 6 s, and the inbox is looked into every 5 s. Without an inbox nothing can
# come back.
DOUBT_S = 30.0
# Greylisting wants a quarter of an hour at most (RFC 6647 §5); a full mailbox of the list may take a day.
PUT_OFF_FIRST_S = 60.0


class SmtpOutbox:
    """The outbox of one list. Used in its walker's thread."""

    def __init__(
        self, mailing_list: MailingList, home: Path, pump: Pump, jitter: Callable[[], float]
    ) -> None:
        self._server = parse_smtp(mailing_list.outbox)
        self._sender = mailing_list.sender or self._server.sender()
        self._queue = LetterQueue(mailing_list, self._sender, pump)
        self._password_file = home / mailing_list.password_file if mailing_list.password_file else None
        self._doubt_s = DOUBT_S if mailing_list.inbox and mailing_list.direction != "out" else 0.0
        self._jitter = jitter
        self._way = _way_of(mailing_list)
        self._checked_way = False
        self._lock = threading.Lock()
        self._ending = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    def carry(self, now_s: float) -> float:
        """Send what is due over one connection; in how many seconds there may be more.

        Raises OSError, StoreFull, Trouble, PumpStopped.
        """
        if not self._checked_way:
            self._queue.ask(self._check_way)
            self._checked_way = True
        self._queue.fill(now_s)
        if (wait_s := self._queue.ask(self._next_due_s)) > 0:
            return wait_s
        try:
            asyncio.run(self._converse())
        except asyncio.CancelledError:
            raise PumpStopped from None
        return self._queue.ask(self._next_due_s)

    def stop(self) -> None:
        """Hang up. What was being sent is found in doubt at the next start."""
        with self._lock:
            self._ending = True
            if self._running is not None:
                loop, task = self._running
                loop.call_soon_threadsafe(task.cancel)

    async def _converse(self) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        with self._lock:
            if self._ending:
                raise PumpStopped
            self._running = asyncio.get_running_loop(), task
        try:
            sender = self._sender or self._queue.ask(_own_address)
            helo = sender.partition("@")[2]
            async with conversation(self._server, helo, self._password()) as talk:
                await self._send_all(talk, sender)
        finally:
            with self._lock:
                self._running = None

    async def _send_all(self, talk: Conversation, sender: str) -> None:
        put_off = 0
        for _ in range(CONNECTION_LETTERS):
            letter = self._queue.ask(self._take)
            if letter is None:
                break
            answer = await talk.send(self._queue.raw(letter), sender, self._queue.address)
            self._note(letter, answer)
            if answer.is_end:
                raise Trouble(answer.why)
            put_off = put_off + 1 if answer.fate is Fate.NOT_NOW else 0
            if put_off == PUT_OFF_IN_A_ROW:
                raise Trouble(f"{self._server.name} takes no letters now: {answer.why}")

    def _take(self, bench: Workbench) -> OutgoingLetter | None:
        row = self._queue.tables(bench).take_next(self._queue.list_name, bench.wall_s, self._doubt_s)
        return self._queue.letter(bench, row) if row is not None else None

    def _next_due_s(self, bench: Workbench) -> float:
        tables = self._queue.tables(bench)
        due_s = tables.next_due_s(self._queue.list_name, bench.wall_s, self._doubt_s)
        return NEVER if due_s is None else due_s

    def _note(self, letter: OutgoingLetter, answer: Answer) -> None:
        """Write down what became of a letter, before anything else is done."""
        name, message = self._queue.list_name, letter.message

        def note(bench: Workbench) -> None:
            tables, now_s = self._queue.tables(bench), bench.wall_s
            match answer.fate:
                case Fate.ACCEPTED:
                    tables.mark_sent(name, [message], now_s)
                case Fate.REFUSED:
                    tables.mark_refused(name, message, now_s, answer.why)
                case Fate.NOT_NOW:
                    tables.put_off(name, message, now_s, answer.why, self._put_off_s)
                case Fate.NOT_SENT:
                    tables.put_back(name, message, now_s)
                case Fate.UNSURE:
                    pass  # it stays `sending`

        self._queue.ask(note)

    def _put_off_s(self, tries: int) -> float:
        """How long a letter waits that was put off so often: 1, 2, 4 … 60 minutes, more or less."""
        longest_s: float = min(PUT_OFF_FIRST_S * 2 ** min(tries - 1, 10), PUT_OFF_MAX_S)
        return longest_s * self._jitter()

    def _check_way(self, bench: Workbench) -> None:
        """Whoever changed server, address or password wants to see what was refused tried again."""
        name = f"way to list {self._queue.list_name}"
        if bench.store.meta(name) != self._way:
            self._queue.tables(bench).try_refused_again(self._queue.list_name)
            bench.store.set_meta(name, self._way)

    def _password(self) -> str | None:
        if self._password_file is None or not self._server.user:
            return None
        try:
            return self._password_file.read_text().strip()
        except FileNotFoundError as error:
            raise Trouble(f"the password file {self._password_file} is not there") from error
        except UnicodeDecodeError as error:
            raise Trouble(f"the password file {self._password_file} is not text") from error


def _own_address(bench: Workbench) -> str:
    """Without an address of its own a camp writes from one that reaches nobody."""
    return f"camp-{author_of(bench.store.key).hex()}@{DOMAIN}"


def _way_of(mailing_list: MailingList) -> bytes:
    words = (mailing_list.outbox, mailing_list.address, mailing_list.sender, mailing_list.password_file)
    return blake2b("\0".join(words).encode(), digest_size=16).digest()
