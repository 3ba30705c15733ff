"""What the store keeps for the courier of letters that leave.

Plain SQL over the store's one writing connection, inside the caller's transaction. A message's way out
is `waiting`, then `sending` (committed before the first byte is written), then `sent` or `refused`; a crash
between leaves `sending`, and the courier finds out whether the letter arrived, or sends it again. What
the list gives back is `on_list`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sync.message import Kind, MessageId, Role

# RFC 5322 sets no limit to References; a thread of ten says where a letter belongs.
ANCESTORS_MAX = 10
# No letter is put off for longer. A time further ahead was written under a clock that was wrong.
PUT_OFF_MAX_S = 3_600.0

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
_LETTER = f"""
SELECT m.id, m.key, coalesce(c.name, ''), coalesce(c.place, ''), m.channel, m.nickname, m.text,
    m.kind = {int(Kind.MIC_CHECK)}, m.created_s, m.parent, {_MAY_GO}
FROM letters_out o JOIN messages m ON m.id = o.message LEFT JOIN camps c ON c.key = m.key
"""
_LETTERS = f"""
{_LETTER} WHERE o.list = ? AND o.state = ?
ORDER BY m.kind = {int(Kind.MIC_CHECK)} DESC, m.seq LIMIT ?
"""
# When a letter may go to a server: at its next try; when nobody knows whether it arrived, after a while.
_DUE = """
CASE WHEN o.state = 'waiting' AND o.next_try_s <= :now + :longest THEN o.next_try_s
    WHEN o.state = 'sending' AND o.changed_s <= :now THEN o.changed_s + :unsure ELSE 0 END
"""
_NEXT = f"""
{_LETTER} WHERE o.list = :list AND o.state IN ('waiting', 'sending') AND {_DUE} <= :now
ORDER BY m.kind = {int(Kind.MIC_CHECK)} DESC, o.tries, m.seq LIMIT 1
"""
_FIRST_DUE = f"""
SELECT min({_DUE}) FROM letters_out o WHERE o.list = :list AND o.state IN ('waiting', 'sending')
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


class LettersOut:
    """The letters that leave, in one camp's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

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

    def take_next(self, list_name: str, now_s: float, unsure_s: float) -> LetterRow | None:
        """The letter a server gets next, urgent ones first; it is `sending` from the commit on.

        That is one that waits and whose time has come, or one that was being sent when something failed,
        `unsure_s` ago: by then the list would have given it back.
        """
        values = _due_values(list_name, now_s, unsure_s)
        while row := self._connection.execute(_NEXT, values).fetchone():
            letter, may_go = _letter(row), row[-1]
            if may_go:
                self._set(list_name, [letter.message], "sending", now_s)
                return letter
            self._connection.execute(
                "DELETE FROM letters_out WHERE list = ? AND message = ?", (list_name, letter.message)
            )
        return None

    def next_due_s(self, list_name: str, now_s: float, unsure_s: float) -> float | None:
        """In how many seconds `take_next` may have a letter; None when none waits."""
        values = _due_values(list_name, now_s, unsure_s)
        (due_s,) = self._connection.execute(_FIRST_DUE, values).fetchone()
        return None if due_s is None else max(0.0, due_s - now_s)

    def put_back(self, list_name: str, message: MessageId, now_s: float) -> None:
        """It was not sent after all: it waits as before."""
        self._set(list_name, [message], "waiting", now_s)

    def put_off(
        self, list_name: str, message: MessageId, now_s: float, why: str, wait_s: Callable[[int], float]
    ) -> None:
        """The server asked to come again with this letter: in `wait_s(times it did so)` seconds."""
        values = (list_name, message)
        row = self._connection.execute(
            "SELECT tries FROM letters_out WHERE list = ? AND message = ?", values
        ).fetchone()
        tries = row[0] + 1 if row else 1
        self._connection.execute(
            "UPDATE letters_out SET state = 'waiting', tries = ?, why = ?, changed_s = ?, next_try_s = ?"
            " WHERE list = ? AND message = ? AND state <> 'on_list'",
            (tries, why, now_s, now_s + wait_s(tries), *values),
        )

    def mark_sent(self, list_name: str, messages: Iterable[MessageId], now_s: float) -> None:
        """They are in the outbox, on the disk, or a mail server has taken them."""
        self._set(list_name, messages, "sent", now_s)

    def mark_refused(self, list_name: str, message: MessageId, now_s: float, why: str) -> None:
        """The server will never take it."""
        self._connection.execute(
            "UPDATE letters_out SET state = 'refused', why = ?, changed_s = ?"
            " WHERE list = ? AND message = ? AND state <> 'on_list'",
            (why, now_s, list_name, message),
        )

    def try_refused_again(self, list_name: str) -> None:
        """The way to the list was changed: what was refused and put off waits anew."""
        self._connection.execute(
            "UPDATE letters_out SET state = 'waiting', tries = 0, next_try_s = 0, why = ''"
            " WHERE list = ? AND (state = 'refused' OR (state = 'waiting' AND tries > 0))",
            (list_name,),
        )

    def mark_on_list(self, list_name: str, message: MessageId, now_s: float) -> None:
        """The list gave a message back: it is there, whoever brought it, and is not sent again.

        A receipt is the business of the camp that sent it.
        """
        self._connection.execute(
            "INSERT INTO letters_out (list, message, state, changed_s, receipt_told)"
            " VALUES (?, ?, 'on_list', ?, 1)"
            " ON CONFLICT (list, message) DO UPDATE SET state = 'on_list', changed_s = excluded.changed_s",
            (list_name, message, now_s),
        )

    def untold(self, limit: int) -> tuple[list[MessageId], float | None]:
        """Messages sent to a list of which no receipt was published, and since when the oldest waits.

        A list that works gives them back sooner than receipts are gathered.
        """
        rows = self._connection.execute(
            "SELECT message, min(changed_s) FROM letters_out"
            " WHERE state IN ('sent', 'on_list') AND receipt_told = 0"
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

    def _set(self, list_name: str, messages: Iterable[MessageId], state: str, now_s: float) -> None:
        self._connection.executemany(
            "UPDATE letters_out SET state = ?, changed_s = ?"
            " WHERE list = ? AND message = ? AND state <> 'on_list'",
            ((state, now_s, list_name, message) for message in messages),
        )


def _due_values(list_name: str, now_s: float, unsure_s: float) -> dict[str, object]:
    return {"list": list_name, "now": now_s, "unsure": unsure_s, "longest": PUT_OFF_MAX_S}


def _letter(row: sqlite3.Row | tuple[Any, ...]) -> LetterRow:
    message, key, camp_name, place, channel, nickname, text, urgent, created_s, parent, _ = row
    return LetterRow(message, key, camp_name, place, channel, nickname, text, bool(urgent), created_s, parent)
