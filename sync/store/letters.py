"""What the store keeps for the courier: which messages go to a list, and which letters came from one.

Plain SQL over the store's one writing connection, inside the caller's transaction. A message's way out
is `waiting`, then `sending` (committed before the first byte is written), then `sent`; a crash between
leaves `sending`, and the courier looks whether the letter is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sync.message import Kind, MessageId, Role

# RFC 5322 sets no limit to References; a thread of ten says where a letter belongs.
ANCESTORS_MAX = 10

# What never goes to a list: what came from one, what was taken back or hidden, what stays in the camp.
_MAY_GO = f"""
m.shown = 1 AND m.kind IN ({int(Kind.POST)}, {int(Kind.MIC_CHECK)}) AND m.role <> {int(Role.LIST)}
    AND m.retracted = 0 AND m.hidden = 0 AND m.channel IN (SELECT name FROM channels WHERE crosses = 1)
"""
_QUEUE = f"""
INSERT OR IGNORE INTO letters_out (list, message, state, changed_s)
SELECT :list, m.id, 'waiting', :now FROM messages m WHERE m.seq > :after AND {_MAY_GO}
    AND m.id NOT IN (SELECT message FROM letters_in WHERE list = :list AND outcome = 'own') AND m.channel IN
"""
_LETTERS = f"""
SELECT m.id, m.key, coalesce(c.name, ''), coalesce(c.place, ''), m.channel, m.nickname, m.text,
    m.kind = {int(Kind.MIC_CHECK)}, m.created_s, m.parent, {_MAY_GO}
FROM letters_out o JOIN messages m ON m.id = o.message LEFT JOIN camps c ON c.key = m.key
WHERE o.list = ? AND o.state = ?
ORDER BY m.kind = {int(Kind.MIC_CHECK)} DESC, m.seq LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A message on its way out, with what its camp says of itself."""

    message: MessageId
    key: bytes
    camp_name: str
    place: str
    channel: str
    nickname: str
    text: str
    urgent: bool
    created_s: int
    parent: bytes | None  # 8 bytes of the id of what it answers


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A message above another: itself, or, when it came from a list, the Message-ID it had there."""

    message: MessageId
    message_id: str  # empty: not a letter


@dataclass(frozen=True, slots=True)
class LetterCounts:
    """How many letters of a list are where."""

    waiting: int
    sent: int
    taken_in: int
    left_out: int


class LetterTables:
    """The letters of one camp's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # -- out ------------------------------------------------------------------------------------------

    def queue(self, list_name: str, channels: Sequence[str], after_seq: int, now_s: float) -> int:
        """Let every message behind `after_seq` that may go to the list wait; the newest `seq` there is.

        No `channels`: those marked "to the list", and other camps' groups. A `*`: all that cross.
        """
        values: dict[str, object] = {"list": list_name, "after": after_seq, "now": now_s}
        if "*" in channels:
            chosen = "(SELECT name FROM channels)"
        elif channels:
            values |= {f"c{i}": name for i, name in enumerate(channels)}
            chosen = "(" + ", ".join(f":c{i}" for i in range(len(channels))) + ")"
        else:
            chosen = "(SELECT name FROM channels WHERE to_list = 1 OR (is_group = 1 AND heard = 1))"
        self._connection.execute(_QUEUE + chosen, values)
        (newest,) = self._connection.execute("SELECT coalesce(max(seq), 0) FROM messages").fetchone()
        return int(newest)

    def take(self, list_name: str, now_s: float, limit: int) -> list[LetterRow]:
        """The next letters, urgent ones first; they are `sending` from the commit on."""
        rows = self._connection.execute(_LETTERS, (list_name, "waiting", limit)).fetchall()
        # Taken back or hidden since: forgotten here, and queued again should it be shown again.
        self._connection.executemany(
            "DELETE FROM letters_out WHERE list = ? AND message = ?",
            ((list_name, row[0]) for row in rows if not row[-1]),
        )
        letters = [_letter(row) for row in rows if row[-1]]
        self._set(list_name, (letter.message for letter in letters), "sending", now_s)
        return letters

    def sending(self, list_name: str, limit: int) -> list[LetterRow]:
        """Letters that were being written when the power, the node or the disk failed. Some may be there."""
        rows = self._connection.execute(_LETTERS, (list_name, "sending", limit)).fetchall()
        return [_letter(row) for row in rows]

    def mark_sent(self, list_name: str, messages: Iterable[MessageId], now_s: float) -> None:
        """They are in the outbox, on the disk."""
        self._set(list_name, messages, "sent", now_s)

    def mark_on_list(self, list_name: str, message: MessageId, now_s: float) -> None:
        """The list gave a message back: it is there, whoever brought it, and is not sent again."""
        self._connection.execute(
            "INSERT INTO letters_out (list, message, state, changed_s) VALUES (?, ?, 'on_list', ?)"
            " ON CONFLICT (list, message) DO UPDATE SET state = 'on_list', changed_s = excluded.changed_s",
            (list_name, message, now_s),
        )

    def untold(self, limit: int) -> tuple[list[MessageId], float | None]:
        """Messages sent to a list of which no receipt was published, and since when the oldest waits."""
        rows = self._connection.execute(
            "SELECT message, min(changed_s) FROM letters_out WHERE state = 'sent' AND receipt_told = 0"
            " GROUP BY message ORDER BY 2 LIMIT ?",
            (limit,),
        ).fetchall()
        return [row[0] for row in rows], rows[0][1] if rows else None

    def mark_told(self, messages: Iterable[MessageId]) -> None:
        """A receipt names them."""
        self._connection.executemany(
            "UPDATE letters_out SET receipt_told = 1 WHERE message = ?", ((m,) for m in messages)
        )

    def ancestors(self, parent: bytes | None) -> tuple[Ancestor, ...]:
        """What a message answers, and what that answers: the root first, the parent last."""
        found: list[Ancestor] = []
        while parent and len(found) < ANCESTORS_MAX:
            row = self._connection.execute(
                "SELECT m.id, m.parent, coalesce(l.message_id, '') FROM messages m LEFT JOIN letters_in l"
                f" ON m.kind = {int(Kind.LETTER)} AND l.hash = m.reference"
                " WHERE m.prefix = ? ORDER BY m.seq LIMIT 1",
                (parent,),
            ).fetchone()
            if row is None or any(row[0] == ancestor.message for ancestor in found):
                break
            found.append(Ancestor(row[0], row[2]))
            parent = row[1]
        return tuple(reversed(found))

    # -- in -------------------------------------------------------------------------------------------

    def has_taken(self, reference: bytes) -> bool:
        """Whether a letter was dealt with here before."""
        row = self._connection.execute("SELECT 1 FROM letters_in WHERE hash = ?", (reference,)).fetchone()
        return row is not None

    def note_taken(
        self,
        reference: bytes,
        list_name: str,
        outcome: str,
        message: MessageId | None,
        message_id: str,
        now_s: float,
    ) -> None:
        """A letter is dealt with: `outcome` is taken, own, or known (another gateway was faster)."""
        self._connection.execute(
            "INSERT OR IGNORE INTO letters_in (hash, list, outcome, message, at_s, message_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (reference, list_name, outcome, message, now_s, message_id),
        )

    def letter_message(self, reference: bytes) -> MessageId | None:
        """The message that a letter became, here or at another gateway."""
        row = self._connection.execute(
            f"SELECT id FROM messages WHERE reference = ? AND kind = {int(Kind.LETTER)}"
            " ORDER BY shown DESC, seq",
            (reference,),
        ).fetchone()
        return row[0] if row else None

    def knows_message(self, message: MessageId) -> bool:
        """Whether a message is stored here."""
        row = self._connection.execute("SELECT 1 FROM messages WHERE id = ?", (message,)).fetchone()
        return row is not None

    def knows_author(self, author: bytes) -> bool:
        """Whether bundles of a camp with this author id come here: its messages need no letter."""
        row = self._connection.execute("SELECT 1 FROM keys WHERE author = ?", (author,)).fetchone()
        return row is not None

    def mark_of(self, inbox: str) -> tuple[int, bytes]:
        """How far an mbox was read, and what tells that it is still the same."""
        row = self._connection.execute(
            "SELECT position, check_hash FROM inbox_marks WHERE inbox = ?", (inbox,)
        ).fetchone()
        return (row[0], row[1]) if row else (0, b"")

    def set_mark(self, inbox: str, position: int, check: bytes) -> None:
        """Remember how far an mbox was read."""
        self._connection.execute(
            "INSERT OR REPLACE INTO inbox_marks VALUES (?, ?, ?)", (inbox, position, check)
        )

    def counts(self, list_name: str) -> LetterCounts:
        """What the status page says of a list."""
        (waiting, sent) = self._connection.execute(
            "SELECT count(*) FILTER (WHERE state IN ('waiting', 'sending')),"
            " count(*) FILTER (WHERE state IN ('sent', 'on_list')) FROM letters_out WHERE list = ?",
            (list_name,),
        ).fetchone()
        (taken,) = self._connection.execute(
            "SELECT count(*) FROM letters_in WHERE list = ? AND outcome = 'taken'", (list_name,)
        ).fetchone()
        (left_out,) = self._connection.execute(
            "SELECT coalesce(max(n), 0) FROM counters WHERE name = ?", (left_out_counter(list_name),)
        ).fetchone()
        return LetterCounts(waiting, sent, taken, left_out)

    def _set(self, list_name: str, messages: Iterable[MessageId], state: str, now_s: float) -> None:
        self._connection.executemany(
            "UPDATE letters_out SET state = ?, changed_s = ?"
            " WHERE list = ? AND message = ? AND state <> 'on_list'",
            ((state, now_s, list_name, message) for message in messages),
        )


def left_out_counter(list_name: str) -> str:
    """The name of the counter of letters that were too many."""
    return f"letters left out: {list_name}"


def _letter(row: sqlite3.Row | tuple[Any, ...]) -> LetterRow:
    message, key, camp_name, place, channel, nickname, text, urgent, created_s, parent, _ = row
    return LetterRow(message, key, camp_name, place, channel, nickname, text, bool(urgent), created_s, parent)
