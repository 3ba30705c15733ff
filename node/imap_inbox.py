"""The way in from a mailbox at an IMAP server: told of news by IDLE, or else asked for once a minute.

How far the folder was read is the UID of the last letter that was dealt with, beside the folder's
UIDVALIDITY (RFC 3501 §2.3.1.1), and is written in the transaction that takes the letters in: a line that
breaks at any byte loses nothing and doubles nothing. A folder that got a new UIDVALIDITY is read from the
beginning, and the letters that were taken are known by what names them.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from node import inbox
from node.imap import ImapSession
from node.inbox import Pieces, Taker
from node.mail_server import parse_imap
from node.password import read_password
from node.precedence import Level, Precedence
from node.pump import PumpStopped
from node.settings import MailingList
from node.trust import Terms
from node.walker import Trouble
from sync.letters.mbox import LETTER_BYTES_MAX

# RFC 2177 allows 29 minutes. Routers of mobile networks forget a silent line after five.
IDLE_S = 240.0
# Without IDLE. A letter has been under way for minutes.
POLL_S = 60.0
# On a line that costs.
POLL_METERED_S = 3_600.0
# Of a letter that is longer, its beginning: words stand at the head of it, pictures behind.
LONG_BYTES, METERED_BYTES = 65_536, 8_192
# A digest of a list with a cap of 40 kB a letter (Mailman's default) is fetched whole where bytes cost, too.
DIGEST_METERED_BYTES = 262_144
# What one command fetches. On a line that breaks every minute at 2 kB/s, some of it still arrives.
FETCH_BYTES = 65_536
# Before it is asked again, a moment for whoever waits for the end of a look.
AGAIN_S = 0.05

# A digest that is cut loses letters, so it is fetched whole: by its type, or as Mailman and others name it.
_DIGEST = re.compile(
    rb"^content-type:\s*multipart/digest|^subject:[^\n]*\bdigest\b", re.IGNORECASE | re.MULTILINE
)


class ImapInbox:
    """A folder of a mailbox. Used in its walker's thread; `wake` and `stop` may be called from any."""

    def __init__(
        self,
        mailing_list: MailingList,
        folder: Path,
        taker: Taker,
        terms: Terms,
        real_s: Callable[[], float],
    ) -> None:
        self._mailbox = parse_imap(mailing_list.inbox)
        self._password_file = folder / mailing_list.inbox_password
        self._taker = taker
        self._terms = terms
        self._metered = terms.metered
        self._precedence = terms.precedence or Precedence(real_s)
        self._way_in = f"{mailing_list.name}, in"
        self._mark = f"imap:{blake2b(mailing_list.inbox.encode(), digest_size=16).hexdigest()}"
        self._session: ImapSession | None = None
        self._rung, self._bell = socket.socketpair()
        self._rung.setblocking(False)
        self._is_told = False  # everything was dealt with; the server says when there is more
        self._looking = threading.Lock()
        self._ending = False
        self._glanced = (0, 0)  # the folder, and to where it was looked through for what is ours
        self.held_back = False
        self.warning = ""

    def look(self, now_s: float) -> float:
        """Wait for news where the server tells of them, then take in one batch.

        Raises StoreFull, PumpStopped, Trouble.
        """
        with self._looking:
            try:
                return self._look(now_s)
            except Trouble:
                self._drop()
                if self._ending:
                    raise PumpStopped from None
                raise
            finally:
                if self._ending:
                    self._rung.close()
                    self._drop()

    def _look(self, now_s: float) -> float:
        if self._ending:
            raise PumpStopped
        session = self._session or self._open()
        if self._is_told and session.can_idle:
            session.wait(self._rung, IDLE_S)
        self._hush()
        if self._ending:
            raise PumpStopped
        return self._take(session, now_s)

    def wake(self) -> None:
        """Look now; the line may not be what it was."""
        with suppress(OSError):
            self._bell.send(b"!")

    def stop(self) -> None:
        """End what waits."""
        self._ending = True
        self._bell.close()  # whoever waits for the bell is woken
        session = self._session
        if self._looking.acquire(blocking=False):  # nobody waits
            self._rung.close()
            self._drop()
        elif session is not None:
            session.break_off()

    def _open(self) -> ImapSession:
        session = ImapSession(self._mailbox, read_password(self._password_file), self._terms)
        self._session = session
        self._is_told = False
        self.warning = session.full()
        return session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.hang_up()

    def _hush(self) -> None:
        with suppress(BlockingIOError):
            while self._rung.recv(64):
                pass

    def _take(self, session: ImapSession, now_s: float) -> float:
        self._is_told = False
        uids = session.new_uids(self._begin(session))
        if len(uids) > inbox.LETTERS_MAX:
            too_many = len(uids) - inbox.LETTERS_MAX
            self._glance(session, session.with_our_mark(uids[:too_many]))
            self._taker.leave_out(
                too_many, self._taker.marker(self._mark, uids[too_many - 1], _check(session))
            )
            uids = uids[too_many:]
        room = self._taker.room(now_s)
        batch = uids[: max(0, room)]
        self.held_back = bool(uids) and not batch
        if self.held_back:
            self._glance_waiting(session, uids)
        if batch:
            self._precedence.wait(self._way_in, Level.INWARD)
            self._take_batch(session, batch)
        if len(uids) > len(batch) and not self.held_back:
            return 0.0
        return self._rest(session)

    def _rest(self, session: ImapSession) -> float:
        """Everything was looked at: how long to wait, where nobody tells of news."""
        if self._metered:
            session.close()
            self._session = None
            return POLL_METERED_S
        self._is_told = session.can_idle and not self.held_back
        return AGAIN_S if self._is_told else POLL_S

    def _begin(self, session: ImapSession) -> int:
        """The UID behind which letters are new: 0 when the folder is not the one it was."""
        position, check = self._taker.mark_of(self._mark)
        return position if check == _check(session) else 0

    def _glance_waiting(self, session: ImapSession, uids: Sequence[int]) -> None:
        """Look once through what waits for room, for what is ours; where bytes cost, by headers alone."""
        validity, last = self._glanced
        waiting = [uid for uid in uids if validity != session.validity or uid > last]
        self._glance(session, session.with_our_mark(waiting) if self._metered else waiting)
        self._glanced = session.validity, uids[-1]

    def _glance(self, session: ImapSession, uids: Sequence[int]) -> None:
        for at in range(0, len(uids), inbox.BATCH_LETTERS):
            for _, raws in self._fetch(session, uids[at : at + inbox.BATCH_LETTERS]):
                self._taker.glance(raws.values())

    def _take_batch(self, session: ImapSession, batch: Sequence[int]) -> None:
        """Take letters in, as many as come before the line breaks."""
        pieces: Pieces = []
        last = 0
        trouble: Trouble | None = None
        try:
            for uids, raws in self._fetch(session, batch):
                for uid in uids:
                    pieces += self._taker.read(raws[uid]) if uid in raws else []
                last = uids[-1]
        except Trouble as fault:
            trouble = fault
        if last:
            self._taker.take(pieces, self._taker.marker(self._mark, last, _check(session)))
        if trouble is not None:
            raise trouble

    def _fetch(
        self, session: ImapSession, batch: Sequence[int]
    ) -> Iterator[tuple[Sequence[int], dict[int, bytes]]]:
        """Letters in the order of their UIDs, some with each command."""
        sizes = session.sizes(batch)
        limits = self._limits(session, sizes)
        group: list[int] = []
        for uid in batch:
            alone = limits.get(uid, LETTER_BYTES_MAX) != LETTER_BYTES_MAX
            if group and (alone or sum(sizes.get(each, 0) for each in (*group, uid)) > FETCH_BYTES):
                yield group, session.letters(group, LETTER_BYTES_MAX)
                group = []
            if alone:
                yield [uid], session.letters([uid], limits[uid])
            else:
                group.append(uid)
        if group:
            yield group, session.letters(group, LETTER_BYTES_MAX)

    def _limits(self, session: ImapSession, sizes: dict[int, int]) -> dict[int, int]:
        """How much of each letter is fetched. A digest is wanted whole, as long as it is one of a list."""
        bound = METERED_BYTES if self._metered else LETTER_BYTES_MAX
        long = [uid for uid, size in sizes.items() if size > bound]
        heads = session.heads(long)
        some = METERED_BYTES if self._metered else LONG_BYTES
        most = DIGEST_METERED_BYTES if self._metered else LETTER_BYTES_MAX
        whole = {uid for uid in long if sizes[uid] <= most and _DIGEST.search(heads.get(uid, b""))}
        return {uid: some if uid in long and uid not in whole else LETTER_BYTES_MAX for uid in sizes}


def _check(session: ImapSession) -> bytes:
    return session.validity.to_bytes(8, "big")
