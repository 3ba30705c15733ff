"""The way in: mail that lies in an mbox or a maildir becomes messages of this camp, each once.

Read from where it was left off, a few letters a transaction, so that a list of ten thousand letters
keeps no phone waiting. How much of it reaches the air is bounded here, and what was left out is counted.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import BinaryIO, Protocol

from node import maildir
from node.join_ears import JoinEars
from node.pump import Pump, Workbench
from node.settings import MailingList
from node.trust import Terms
from sync.letters import Piece, read_letters, read_mbox
from sync.letters.mbox import LETTER_BYTES_MAX, check_of, letter_starts
from sync.letters.taking_in import only_ours, take_in
from sync.message import Message, MessageId
from sync.store.letters import LetterTables, left_out_counter

# A camp's newest 64 bundles are live, for three days, with eight messages each. 300 letters are 38 of them,
# and the rest is for what people of this camp say. Of a longer backlog the newest are taken.
LETTERS_MAX = 300
LETTERS_LIFE_S = 72 * 3_600.0
# Letters of one transaction: three full bundles, and 24 x 1 ms in which nobody else is served.
BATCH_LETTERS = 24
# A stat every five seconds is a 100,000th of a core; a letter has been under way for minutes.
LOOK_EVERY_S = 5.0
# What was written just now may still be written on. After this long without a change a letter is whole.
SETTLE_S = 1.0

Pieces = list[Piece]

# In every letter of ours: in its Message-ID, its header, its token.
_MARK = b"miccheck"


class Allowance:
    """How many letters may still be published: 300 at once, and as many again in three days."""

    def __init__(self, now_s: float) -> None:
        self._left = float(LETTERS_MAX)
        self._at_s = now_s

    def left(self, now_s: float) -> int:
        """How many now (real seconds of a clock that does not jump)."""
        earned = (now_s - self._at_s) * LETTERS_MAX / LETTERS_LIFE_S
        self._left, self._at_s = min(self._left + earned, LETTERS_MAX), now_s
        return int(self._left)

    def spend(self, letters: int) -> None:
        """They are published."""
        self._left = max(0.0, self._left - letters)

    @property
    def rest(self) -> int:
        """How many were left when that was asked last, without those that were published since."""
        return int(self._left)


class Inbox(Protocol):
    """Where a list's mail lies."""

    @property
    def held_back(self) -> bool:
        """Whether letters wait because there were too many."""

    @property
    def warning(self) -> str:
        """What will keep letters from coming in before long: a sentence, or empty."""

    def look(self, now_s: float) -> float:
        """Take in one batch of what is new; in how many seconds to look again.

        It may wait for news itself. `now_s` are seconds of a clock that does not jump.
        Raises OSError, StoreFull, PumpStopped, Trouble.
        """

    def wake(self) -> None:
        """Do not wait for news. Called from another thread."""

    def stop(self) -> None:
        """The node ends: give up what takes long. Called from another thread."""


def inbox_of(
    mailing_list: MailingList,
    folder: Path,
    pump: Pump,
    now_s: float,
    terms: Terms | None = None,
    real_s: Callable[[], float] = lambda: 0.0,
) -> Inbox:
    """The inbox that the settings name. Relative paths begin at `folder`."""
    kind, _, path = mailing_list.inbox.partition(":")
    taker = Taker(mailing_list, pump, now_s, JoinEars(mailing_list, folder, pump).hear)
    if mailing_list.by_imap:
        from node.imap_inbox import ImapInbox  # a mail client: not needed beside a file

        return ImapInbox(mailing_list, folder, taker, terms or Terms(), real_s)
    return MboxInbox(folder / path, taker) if kind == "mbox" else MaildirInbox(folder / path, taker)


class Taker:
    """Hands letters to the pump. While nobody of the list agreed, only what concerns our own is kept."""

    def __init__(
        self,
        mailing_list: MailingList,
        pump: Pump,
        now_s: float,
        hears: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        """`hears` is told of each piece of mail, and says whether it was meant for it alone."""
        self._hears = hears
        self._is_agreed = mailing_list.is_agreed
        address = mailing_list.address
        self._name = mailing_list.name
        self._names = (mailing_list.name, address, address.partition("@")[0])
        self._own = (mailing_list.sender,)
        self._is_archive = mailing_list.inbox.startswith("mbox:")
        self._pump = pump
        self._allowance = Allowance(now_s)

    def room(self, now_s: float) -> int:
        """How many letters a batch may hold."""
        return min(BATCH_LETTERS, self._allowance.left(now_s))

    def read(self, raw: bytes) -> Pieces:
        """What a piece of mail holds."""
        if not raw or self._hears(raw):
            return []
        return list(read_letters(raw, self._names, self._own, archive=self._is_archive))

    def take(self, pieces: Pieces, also: Callable[[LetterTables], None] | None = None) -> None:
        """Publish letters, as many as there is room for; the rest of a long digest is left out and counted.

        A batch a transaction, and what `also` writes is in the last: after a power cut between two, letters
        are read again and known.
        """
        batches = [pieces[at : at + BATCH_LETTERS] for at in range(0, len(pieces), BATCH_LETTERS)] or [[]]
        for batch in batches[:-1]:
            self._take(batch, None)
        self._take(batches[-1], also)

    def _take(self, pieces: Pieces, also: Callable[[LetterTables], None] | None) -> None:
        def job(bench: Workbench) -> int:
            def publish(message: Message) -> MessageId:
                return bench.engine.publish(message, bench.now)

            agreed = publish if self._is_agreed else None
            taken = take_in(bench.store, agreed, self._name, pieces, bench.wall_s, self._allowance.rest)
            if also is not None:
                also(LetterTables(bench.store.connection))
            return taken.taken

        self._allowance.spend(self._pump.submit(job).result())

    def glance(self, letters: Iterable[bytes]) -> None:
        """Look for our own letters, and for what the list says of them, in mail that is not taken in yet.

        What waits for room on the air would otherwise keep the gateway from knowing that a post arrived, and
        it would send it again. Taken in later, all of it is known.
        """
        pieces = iter(piece for raw in letters for piece in only_ours(self.read(raw)))
        while batch := list(islice(pieces, BATCH_LETTERS)):
            self._pump.submit(partial(self._note, batch)).result()

    def _note(self, pieces: Pieces, bench: Workbench) -> None:
        take_in(bench.store, None, self._name, pieces, bench.wall_s)

    def leave_out(self, count: int, also: Callable[[LetterTables], None] | None = None) -> None:
        """Count letters that are too many."""

        def job(bench: Workbench) -> None:
            bench.store.count(left_out_counter(self._name), count)
            if also is not None:
                also(LetterTables(bench.store.connection))

        self._pump.submit(job).result()

    def mark_of(self, inbox: str) -> tuple[int, bytes]:
        """How far an inbox was read, and what tells that it is still the same."""
        return self._pump.submit(lambda bench: LetterTables(bench.store.connection).mark_of(inbox)).result()

    def marker(self, inbox: str, position: int, check: bytes) -> Callable[[LetterTables], None]:
        """Writes down how far an inbox was read, for `take` and `leave_out`."""
        return lambda tables: tables.set_mark(inbox, position, check)


class _File:
    """An inbox that is a file or a folder of this box: nobody is waited for."""

    warning = ""

    def wake(self) -> None:
        """Nothing here waits."""

    def stop(self) -> None:
        """Nothing here takes long."""


class MboxInbox(_File):
    """An mbox that somebody else writes. It is only read."""

    def __init__(self, path: Path, taker: Taker) -> None:
        self._path = path
        self._taker = taker
        self._seen: tuple[int, int, int] | None = None  # how the file looked at the last look
        self._done: tuple[int, int, int] | None = None  # and when all of it was read
        self._glanced = 0  # to where it was looked through for what is ours
        self.held_back = False

    def look(self, now_s: float) -> float:
        """Take in one batch of what was appended. A file that is not there yet is empty."""
        looks = self._looks()
        if looks is None or looks == self._done:
            self.held_back = False
            return LOOK_EVERY_S
        room = self._taker.room(now_s)
        self.held_back = room <= 0
        settled, self._seen = looks == self._seen, looks
        if self.held_back:
            return self._glance(looks[1]) if settled else SETTLE_S
        with self._path.open("rb") as file:
            more = self._take_batch(file, self._begin(file, looks[1]), room, settled)
            grew = os.fstat(file.fileno()).st_size != looks[1]
        if more:
            return 0.0
        if not settled or grew:
            return SETTLE_S
        self._done = looks
        return LOOK_EVERY_S

    def _looks(self) -> tuple[int, int, int] | None:
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            self._path.parent.stat()  # a stick that is out is trouble; a list without mail is none
            return None
        return seen.st_ino, seen.st_size, seen.st_mtime_ns

    def _begin(self, file: BinaryIO, size: int) -> int:
        """Where to read on: where it was left off; at the beginning when the file was cut or replaced."""
        position, check = self._taker.mark_of(str(self._path))
        if position > size or (position and check_of(file, position) != check):
            position = 0
        count, newest = 0, deque[int](maxlen=LETTERS_MAX)
        for start in letter_starts(file, position):
            count += 1
            newest.append(start)
        if count > LETTERS_MAX:
            # Of what is left out, only what has our mark in clear is read: there may be years of it.
            older = takewhile(lambda letter: letter.start < newest[0], read_mbox(file, position))
            self._taker.glance(letter.raw for letter in older if _MARK in letter.raw.lower())
            position = newest[0]
            self._taker.leave_out(count - LETTERS_MAX, self._marker(file, position))
        return position

    def _glance(self, size: int) -> float:
        """Look through what is new for what is ours; the rest waits until there is room for it."""
        position, _ = self._taker.mark_of(str(self._path))
        begin = max(position, self._glanced if self._glanced <= size else 0)
        if begin < size:
            with self._path.open("rb") as file:
                self._taker.glance(letter.raw for letter in read_mbox(file, begin))
            self._glanced = size
        return LOOK_EVERY_S

    def _take_batch(self, file: BinaryIO, position: int, room: int, settled: bool) -> bool:
        pieces: Pieces = []
        end, more = position, False
        for letter in read_mbox(file, position):
            if letter.last and not settled:
                break  # whoever writes it may not be done
            if len(pieces) >= room:
                more = True
                break
            pieces += self._taker.read(letter.raw)
            end = letter.end
        if end > position:
            self._taker.take(pieces, self._marker(file, end))
        return more

    def _marker(self, file: BinaryIO, position: int) -> Callable[[LetterTables], None]:
        return self._taker.marker(str(self._path), position, check_of(file, position))


class MaildirInbox(_File):
    """A maildir into which somebody else delivers. What was read goes from `new/` to `cur/`."""

    def __init__(self, folder: Path, taker: Taker) -> None:
        self._folder = folder
        self._taker = taker
        self._stuck: set[Path] = set()  # read, and could not be moved
        self._glanced: set[Path] = set()  # waiting, and looked through for what is ours
        self.held_back = False

    def look(self, now_s: float) -> float:
        """Take in one batch of what is new."""
        maildir.make(self._folder)
        letters = [path for path in maildir.unread(self._folder) if path not in self._stuck]
        too_many = letters[:-LETTERS_MAX]
        if too_many:
            self._taker.glance(raw for raw in map(self._bytes, too_many) if _MARK in raw.lower())
            self._taker.leave_out(len(too_many))
            self._file_away(too_many)
        letters = letters[-LETTERS_MAX:]
        batch = letters[: max(0, self._taker.room(now_s))]
        self.held_back = bool(letters) and not batch
        if self.held_back:
            self._taker.glance(self._bytes(path) for path in letters if path not in self._glanced)
        self._glanced = set(letters) if self.held_back else set()
        pieces: Pieces = []
        for path in batch:
            pieces += self._taker.read(self._bytes(path))
        if batch:
            self._taker.take(pieces)
            self._file_away(batch)
        return 0.0 if batch and len(letters) > len(batch) else LOOK_EVERY_S

    def _bytes(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(LETTER_BYTES_MAX)
        except FileNotFoundError:
            return b""  # another mail program was faster

    def _file_away(self, letters: Sequence[Path]) -> None:
        for path in letters:
            try:
                maildir.file_away(path)
            except OSError:
                self._stuck.add(path)
