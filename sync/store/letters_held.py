"""What moderators decide about letters that leave, and what lists and other camps are told and say.

Plain SQL over the store's one writing connection, inside the caller's transaction; the questions work over
a page's reading connection too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from sync.message import MessageId
from sync.receipts import Word
from sync.store.letters_out import LETTER, LetterRow, letter_row

_HELD = f"""
{LETTER} WHERE o.list = ? AND o.state = 'held'
ORDER BY o.introduction DESC, o.urgent DESC, o.seq LIMIT ?
"""
_REFUSE = """
UPDATE letters_out SET state = 'refused', refused_by = 'moderator', why = ?, changed_s = ?
WHERE list = ? AND message = ? AND state IN ('held', 'waiting')
"""
# Of this camp's own messages: what the other gateways must hear beside that they are on the list.
_WORDS = f"""
SELECT o.message, CASE WHEN o.state = 'held' THEN {int(Word.HELD)}
        WHEN o.state = 'refused' THEN {int(Word.REFUSED)} ELSE {int(Word.LET_GO)} END AS word,
    o.changed_s, o.urgent
FROM letters_out o JOIN messages m ON m.id = o.message
WHERE o.list = ? AND m.own = 1 AND (o.state = 'held' OR (o.state = 'refused' AND o.refused_by = 'moderator')
    OR (o.state IN ('waiting', 'sending') AND o.held_told = {int(Word.HELD)})) AND o.held_told <> word
ORDER BY o.changed_s
"""


@dataclass(frozen=True, slots=True)
class UntoldWord:
    """An own message that this camp's moderators hold, refused or let go, as other camps do not know yet."""

    message: MessageId
    word: Word
    since_s: float
    urgent: bool


@dataclass(frozen=True, slots=True)
class HeldLetter:
    """A letter that waits for a moderator, and since when (Unix seconds)."""

    letter: LetterRow
    since_s: float


@dataclass(frozen=True, slots=True)
class LetterState:
    """Where a letter is. `said` is what the list answered: empty, held, refused."""

    state: str
    why: str
    refused_by: str  # moderator, server, list; empty: not refused
    said: str
    said_words: str
    changed_s: float
    tries: int
    next_try_s: float
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a list or a mail server wrote to this camp."""

    id: int
    list: str
    kind: str
    at_s: float
    message: MessageId | None
    words: str
    seen_s: float | None


class LettersHeld:
    """Decisions, answers and notices, in one camp's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # -- moderators -----------------------------------------------------------------------------------

    def held(self, list_name: str, limit: int) -> list[HeldLetter]:
        """What waits for a moderator: the introduction first, mic checks next, then the oldest.

        What was hidden or taken back meanwhile is not among them.
        """
        rows = self._connection.execute(_HELD, (list_name, limit)).fetchall()
        # What was taken back or hidden since waits for nobody's word.
        shown = [row for row in rows if row[-1]]
        return [HeldLetter(letter_row(row), self._changed_s(list_name, row[0])) for row in shown]

    def approve(
        self, list_name: str, message: MessageId, subject: str, let_contacts: bool, now_s: float
    ) -> bool:
        """Let a held letter go, as it reads now, under a subject of the moderator's (empty: its own).

        False when it is not held any more.
        """
        row = self._connection.execute(
            f"{LETTER} WHERE o.list = ? AND o.message = ? AND o.state = 'held'", (list_name, message)
        ).fetchone()
        if row is None:
            return False
        self._connection.execute(
            "UPDATE letters_out SET state = 'waiting', approved = 1, approved_hash = ?, subject = ?,"
            " let_contacts = ?, changed_s = ? WHERE list = ? AND message = ?",
            (letter_row(row).words_hash, subject, let_contacts, now_s, list_name, message),
        )
        return True

    def refuse(self, list_name: str, message: MessageId, why: str, now_s: float) -> bool:
        """Do not let a letter go that is held or waits. False when it is neither any more."""
        return self._connection.execute(_REFUSE, (why, now_s, list_name, message)).rowcount > 0

    def holds(self, list_name: str) -> frozenset[str]:
        """The channels whose letters wait for a moderator."""
        rows = self._connection.execute(
            "SELECT channel FROM list_channels WHERE list = ? AND holds = 1", (list_name,)
        )
        return frozenset(channel for (channel,) in rows)

    def set_holds(self, list_name: str, channel: str, on: bool, now_s: float) -> None:
        """Hold a channel's letters from now on, those too that wait and nobody approved; or no longer.

        What is held stays so until somebody decides.
        """
        self._connection.execute(
            "INSERT OR REPLACE INTO list_channels (list, channel, holds) VALUES (?, ?, ?)",
            (list_name, channel, on),
        )
        if on:
            self._connection.execute(
                "UPDATE letters_out SET state = 'held', changed_s = ? WHERE list = ? AND state = 'waiting'"
                " AND approved = 0 AND message IN (SELECT id FROM messages WHERE channel = ?)",
                (now_s, list_name, channel),
            )

    def hold_until_s(self, list_name: str, hold_s: float) -> float | None:
        """When a new list's first time, in which everything is held, is over; None: not seen yet."""
        row = self._connection.execute("SELECT since_s FROM lists WHERE name = ?", (list_name,)).fetchone()
        return None if row is None else row[0] + hold_s

    def state_of(self, list_name: str, message: MessageId) -> LetterState | None:
        """Where a message is on its way to a list; None when it is not on it."""
        row = self._connection.execute(
            "SELECT state, why, refused_by, said, said_words, changed_s, tries, next_try_s, digest"
            " FROM letters_out WHERE list = ? AND message = ?",
            (list_name, message),
        ).fetchone()
        return None if row is None else LetterState(*row)

    # -- what lists answer ----------------------------------------------------------------------------

    def list_said(self, list_name: str, message: MessageId, said: str, words: str, now_s: float) -> None:
        """The list holds a letter that it was sent, or will not have it; its `words`, without addresses.

        `message` may be the id of a digest: then it is so with all that left in it. What the list
        distributed meanwhile stays on it. What is being sent goes on being sent, and is told when it is
        (mark_sent): anybody can write such a notice, and a letter whose sending broke off must leave.
        """
        state, by, why = ("refused", "list", words) if said == "refused" else ("sent", "", "")
        self._connection.execute(
            "UPDATE letters_out SET said = ?, said_words = ?"
            " WHERE list = ? AND (message = ? OR digest = ?) AND state IN ('sending', 'sent')",
            (said, words, list_name, message, message),
        )
        self._connection.execute(
            "UPDATE letters_out SET state = ?, refused_by = ?, why = ?, changed_s = ?"
            " WHERE list = ? AND (message = ? OR digest = ?) AND state = 'sent'",
            (state, by, why, now_s, list_name, message, message),
        )

    def note_notice(
        self,
        list_name: str,
        kind: str,
        at_s: float,
        words: str,
        reference: bytes,
        message: MessageId | None = None,
    ) -> bool:
        """Keep what a list wrote, once: False when it is known. `reference`: hash of its Message-ID."""
        done = self._connection.execute(
            "INSERT OR IGNORE INTO mail_notices (list, kind, at_s, message, words, reference)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (list_name, kind, at_s, message, words, reference),
        )
        return done.rowcount > 0

    def notices(self, list_name: str | None, limit: int) -> list[Notice]:
        """What a list (None: any) wrote, newest first."""
        rows = self._connection.execute(
            "SELECT id, list, kind, at_s, message, words, seen_s FROM mail_notices"
            " WHERE ?1 IS NULL OR list = ?1 ORDER BY id DESC LIMIT ?2",
            (list_name, limit),
        )
        return [Notice(*row) for row in rows]

    def see_notices(self, upto: int, now_s: float) -> None:
        """Somebody put away the notices up to this id."""
        self._connection.execute(
            "UPDATE mail_notices SET seen_s = ? WHERE id <= ? AND seen_s IS NULL", (now_s, upto)
        )

    # -- what other camps are told --------------------------------------------------------------------

    def untold(self, list_name: str, limit: int) -> tuple[list[MessageId], float | None, bool]:
        """Messages sent to a list of which no receipt was published; since when the oldest waits; any urgent.

        A list that works gives them back sooner than receipts are gathered.
        """
        rows = self._connection.execute(
            "SELECT message, coalesce(sent_s, changed_s), urgent FROM letters_out"
            " WHERE list = ? AND state IN ('sent', 'on_list') AND receipt_told = 0 AND introduction = 0"
            " ORDER BY 2 LIMIT ?",
            (list_name, limit),
        ).fetchall()
        return [row[0] for row in rows], rows[0][1] if rows else None, any(row[2] for row in rows)

    def mark_told(self, list_name: str, messages: Iterable[MessageId]) -> None:
        """A receipt names them."""
        self._connection.executemany(
            "UPDATE letters_out SET receipt_told = 1 WHERE list = ? AND message = ?",
            ((list_name, m) for m in messages),
        )

    def untold_words(self, list_name: str) -> list[UntoldWord]:
        """What other gateways must hear of own messages beside that they are on the list; oldest first."""
        rows = self._connection.execute(_WORDS, (list_name,)).fetchall()
        return [UntoldWord(row[0], Word(row[1]), row[2], bool(row[3])) for row in rows]

    def mark_word_told(self, list_name: str, messages: Iterable[MessageId], word: Word) -> None:
        """A receipt says so of them."""
        self._connection.executemany(
            "UPDATE letters_out SET held_told = ? WHERE list = ? AND message = ?",
            ((int(word), list_name, m) for m in messages),
        )

    def _changed_s(self, list_name: str, message: MessageId) -> float:
        (changed_s,) = self._connection.execute(
            "SELECT changed_s FROM letters_out WHERE list = ? AND message = ?", (list_name, message)
        ).fetchone()
        return float(changed_s)
