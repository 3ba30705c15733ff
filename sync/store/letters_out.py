"""What the store keeps for the courier of letters that leave.

Plain SQL over the store's one writing connection, inside the caller's transaction. A message's way out
is `held` where moderators want to see it, `waiting`, then `sending` (committed before the first byte is
written), then `sent` or `refused`; a crash between leaves `sending`, and the courier finds out whether the
letter arrived, or sends it again. What the list gives back, or another camp posted, is `on_list`.

Which of those that wait leaves next is decided in `sync.letters.turns`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sync import cbor
from sync.message import Kind, MessageId, Role
from sync.signing import digest

# RFC 5322 sets no limit to References; a thread of ten says where a letter belongs.
ANCESTORS_MAX = 10
# Not worked out yet.
NO_PLACE = -1
# Changing a message into another of the same hash takes 2^128 tries; see `LetterRow.words_hash`.
WORDS_HASH_BYTES = 16

# What never goes to a list: what came from one, what was taken back or hidden, what stays in the camp.
_MAY_GO = f"""
m.shown = 1 AND m.kind IN ({int(Kind.POST)}, {int(Kind.MIC_CHECK)}) AND m.role <> {int(Role.LIST)}
    AND m.retracted = 0 AND m.hidden = 0 AND m.channel IN (SELECT name FROM channels WHERE crosses = 1)
"""
_HELD_CHANNELS = "SELECT channel FROM list_channels WHERE list = :list AND holds = 1"
_QUEUE = f"""
INSERT OR IGNORE INTO letters_out (list, message, state, changed_s, urgent, seq, since_s, written_s, place)
SELECT :list, m.id,
    CASE WHEN :hold_all OR m.channel IN ({_HELD_CHANNELS}) THEN 'held' ELSE 'waiting' END,
    :now, m.kind = {int(Kind.MIC_CHECK)}, m.seq, :now, min(m.created_s, :now), {NO_PLACE}
FROM messages m WHERE m.seq > :after AND {_MAY_GO}
    AND m.id NOT IN (SELECT message FROM letters_in WHERE list = :list AND outcome = 'own') AND m.channel
"""
_CHOSEN = "IN (SELECT name FROM channels WHERE to_list = 1 OR (is_group = 1 AND heard = 1))"
LETTER = f"""
SELECT o.message, coalesce(m.key, k.value),
    coalesce(c.name, ''), coalesce(c.place, ''), coalesce(c.contact, ''),
    coalesce(m.channel, ''), coalesce(m.nickname, ''), coalesce(m.text, ''), o.urgent,
    coalesce(m.created_s, CAST(o.since_s AS INTEGER)), m.parent,
    CASE WHEN c.lists IS NOT NULL THEN c.utc_offset END, o.subject, o.let_contacts, o.introduction,
    coalesce(m.own, 1), o.approved_hash, o.introduction = 1 OR ({_MAY_GO})
FROM letters_out o LEFT JOIN meta k ON k.name = 'key' LEFT JOIN messages m ON m.id = o.message
    LEFT JOIN camps c ON c.key = coalesce(m.key, k.value)
"""


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A message on its way out, with what its camp says of itself."""

    message: MessageId
    key: bytes
    camp_name: str
    place: str
    contact: str
    channel: str
    nickname: str
    text: str
    urgent: bool
    created_s: int
    parent: bytes | None  # 8 bytes of the id of what it answers
    utc_offset: int | None = None  # minutes; None: its camp has not said
    subject: str = ""  # a moderator's; empty: made from the text
    let_contacts: bool = False  # a moderator lets addresses and numbers pass
    introduction: bool = False  # not a message: the letter that explains this camp
    own: bool = True
    approved_hash: bytes | None = None  # `words_hash` when a moderator let it go; None: nobody did

    @property
    def words_hash(self) -> bytes:
        """16 bytes that stand for all that people chose of a letter, and a moderator decides about.

        A camp may change what it wrote, its name and its place, at any time.
        """
        contact = self.contact if self.introduction else ""
        words: list[cbor.Value] = [
            self.camp_name,
            self.place,
            contact,
            self.channel,
            self.nickname,
            self.text,
        ]
        return digest(cbor.encode(words), WORDS_HASH_BYTES)

    @property
    def is_changed(self) -> bool:
        """Whether it says something else than what a moderator let go."""
        return self.approved_hash is not None and self.approved_hash != self.words_hash


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A message above another: itself, or, when it came from a list, the Message-ID it had there."""

    message: MessageId
    message_id: str  # empty: not a letter


class LettersOut:
    """The letters that leave, in one camp's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # -- what waits -----------------------------------------------------------------------------------

    def see_list(self, list_name: str, now_s: float) -> float:
        """Note a list of the settings when it is new; since when it is known (Unix time)."""
        self._connection.execute(
            "INSERT INTO lists (name, since_s) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
            " SET since_s = excluded.since_s WHERE since_s > excluded.since_s",  # a clock was ahead
            (list_name, now_s),
        )
        (since_s,) = self._connection.execute(
            "SELECT since_s FROM lists WHERE name = ?", (list_name,)
        ).fetchone()
        return float(since_s)

    def queue(
        self,
        list_name: str,
        channels: Sequence[str],
        after_seq: int,
        now_s: float,
        *,
        minus: Sequence[str] = (),
        hold_all: bool = False,
    ) -> int:
        """Let every message behind `after_seq` that may go to the list wait; the newest `seq` there is.

        No `channels`: those marked "to the list" and other camps' groups, but for those of `minus`. A `*`:
        all that cross. Held for the moderators when its channel is, or with `hold_all`.
        """
        values: dict[str, object] = {
            "list": list_name,
            "after": after_seq,
            "now": now_s,
            "hold_all": hold_all,
        }
        if "*" in channels:
            chosen = "IN (SELECT name FROM channels)"
        elif channels:
            chosen = f"IN ({_named('c', channels, values)})"
        else:
            chosen = f"{_CHOSEN} AND m.channel NOT IN ({_named('n', minus, values)})"
        self._connection.execute(_QUEUE + chosen, values)
        (newest,) = self._connection.execute("SELECT coalesce(max(seq), 0) FROM messages").fetchone()
        return int(newest)

    def introduce(self, list_name: str, introduction: MessageId, now_s: float, *, hold: bool) -> None:
        """Once there is another letter, let the one that explains this camp wait, unless it went before."""
        values = (list_name, introduction, "held" if hold else "waiting", now_s, now_s, list_name, list_name)
        self._connection.execute(
            "INSERT OR IGNORE INTO letters_out (list, message, state, changed_s, introduction, since_s)"
            " SELECT ?, ?, ?, ?, 1, ? WHERE EXISTS"
            " (SELECT 1 FROM letters_out WHERE list = ? AND introduction = 0"
            " AND state IN ('waiting', 'held'))"
            " AND NOT EXISTS (SELECT 1 FROM lists WHERE name = ? AND introduced_s IS NOT NULL)",
            values,
        )

    # -- on the way -----------------------------------------------------------------------------------

    def letter(self, list_name: str, message: MessageId) -> LetterRow | None:
        """What a letter is made of, in whatever state it is; None where there is none."""
        row = self._letter(list_name, message)
        return letter_row(row) if row else None

    def letters_to_go(self, list_name: str, messages: Sequence[MessageId]) -> list[LetterRow]:
        """The letters of these messages. What was taken back or hidden since is forgotten here.

        What says something else than a moderator let go waits for a moderator again.
        """
        found = []
        for message in messages:
            row = self._letter(list_name, message)
            if row is not None and row[-1]:
                letter = letter_row(row)
                if letter.is_changed:
                    self._hold_again(list_name, message)
                else:
                    found.append(letter)
            else:  # it is queued again should it be shown again
                values = (list_name, message)
                self._connection.execute("DELETE FROM letters_out WHERE list = ? AND message = ?", values)
        return found

    def hold_changed(self, list_name: str) -> None:
        """What a moderator let go, and its camp changed then, waits for a moderator again."""
        rows = self._connection.execute(
            f"{LETTER} WHERE o.list = ? AND o.state = 'waiting' AND o.approved_hash IS NOT NULL", (list_name,)
        ).fetchall()
        for letter in map(letter_row, rows):
            if letter.is_changed:
                self._hold_again(list_name, letter.message)

    def begin(
        self, list_name: str, messages: Iterable[MessageId], now_s: float, digest: bytes | None = None
    ) -> None:
        """They are being sent from the commit on; with `digest`, together."""
        self._connection.executemany(
            "UPDATE letters_out SET state = 'sending', changed_s = ?, digest = ?, said_words = '',"
            " said = CASE said WHEN 'claimed' THEN said ELSE '' END"
            " WHERE list = ? AND message = ? AND state <> 'on_list'",
            ((now_s, digest, list_name, message) for message in messages),
        )

    def sending(self, list_name: str) -> list[tuple[MessageId, bytes | None]]:
        """What was being sent when something failed, and the digest it was in. Some of it may be there."""
        return self._connection.execute(
            "SELECT message, digest FROM letters_out WHERE list = ? AND state = 'sending' ORDER BY seq",
            (list_name,),
        ).fetchall()

    def put_back(self, list_name: str, messages: Iterable[MessageId]) -> None:
        """They were not sent after all: they wait as before."""
        self._connection.executemany(
            "UPDATE letters_out SET state = 'waiting', digest = NULL"
            " WHERE list = ? AND message = ? AND state = 'sending'",
            ((list_name, message) for message in messages),
        )

    def put_off(
        self, list_name: str, message: MessageId, now_s: float, why: str, wait_s: Callable[[int], float]
    ) -> None:
        """Come again with this letter in `wait_s(times that was so)` seconds: the server asked for it, or
        hung up over it. In which state it is, is not touched."""
        values = (list_name, message)
        row = self._connection.execute(
            "SELECT tries FROM letters_out WHERE list = ? AND message = ?", values
        ).fetchone()
        tries = row[0] + 1 if row else 1
        self._connection.execute(
            "UPDATE letters_out SET tries = ?, why = ?, changed_s = ?, next_try_s = ?"
            " WHERE list = ? AND message = ? AND state <> 'on_list'",
            (tries, why, now_s, now_s + wait_s(tries), *values),
        )

    def mark_sent(self, list_name: str, messages: Iterable[MessageId], now_s: float) -> None:
        """They are in the outbox, on the disk, or a mail server has taken them."""
        messages = list(messages)
        values = [(now_s, list_name, message) for message in messages]
        where = "WHERE list = ? AND message = ?"
        self._connection.executemany(f"UPDATE letters_out SET sent_s = ? {where}", values)
        self._connection.executemany(
            f"UPDATE letters_out SET state = 'sent', changed_s = ? {where} AND state <> 'on_list'", values
        )
        self._connection.executemany(  # the list's answer was faster than the commit
            "UPDATE letters_out SET state = 'refused', refused_by = 'list', why = said_words"
            f" {where} AND state = 'sent' AND said = 'refused'",
            ((list_name, message) for message in messages),
        )
        self._introduced(list_name, messages, now_s)

    def mark_refused(self, list_name: str, message: MessageId, now_s: float, why: str) -> None:
        """The server will never take it."""
        self._connection.execute(
            "UPDATE letters_out SET state = 'refused', refused_by = 'server', why = ?, changed_s = ?"
            " WHERE list = ? AND message = ? AND state <> 'on_list'",
            (why, now_s, list_name, message),
        )

    def refuse_digests(self, list_name: str) -> None:
        """The server will never take a digest: what was in one leaves letter by letter."""
        self._connection.execute("UPDATE lists SET one_by_one = 1 WHERE name = ?", (list_name,))

    def try_refused_again(self, list_name: str) -> None:
        """The way to the list was changed: what the server refused and put off waits anew."""
        self._connection.execute(
            "UPDATE letters_out SET state = 'waiting', tries = 0, next_try_s = 0, why = '', refused_by = ''"
            " WHERE list = ? AND ((state = 'refused' AND refused_by = 'server')"
            " OR (state = 'waiting' AND tries > 0))",
            (list_name,),
        )
        self._connection.execute(
            "UPDATE letters_out SET tries = 0, next_try_s = 0 WHERE list = ? AND state = 'sending'",
            (list_name,),
        )
        self._connection.execute("UPDATE lists SET one_by_one = 0 WHERE name = ?", (list_name,))

    def mark_on_list(self, list_name: str, message: MessageId, now_s: float, unread: str = "") -> None:
        """The list gave a message back: it is there, whoever brought it, and is not sent again.

        A receipt is the business of the camp that sent it. `unread` is what the letter said, where the
        message itself has not come here: see `unread`.
        """
        self._connection.execute(
            "INSERT INTO letters_out (list, message, state, changed_s, receipt_told, said, said_words)"
            " VALUES (?, ?, 'on_list', ?, 1, iif(length(?4), 'unread', ''), ?4)"
            " ON CONFLICT (list, message) DO UPDATE SET state = 'on_list', changed_s = excluded.changed_s,"
            " said = '', said_words = '' WHERE said <> 'unread'",
            (list_name, message, now_s, unread),
        )
        self._introduced(list_name, [message], now_s)

    def unread(self, list_name: str) -> list[tuple[MessageId, str, str]]:
        """Messages that came here after their letters: what the letter said, and what the message says."""
        return self._connection.execute(
            "SELECT o.message, o.said_words, m.text FROM letters_out o JOIN messages m ON m.id = o.message"
            " WHERE o.list = ? AND o.said = 'unread'",
            (list_name,),
        ).fetchall()

    def was_read(self, list_name: str, message: MessageId, *, is_it: bool) -> None:
        """A letter that came before its message was that message; or a false one, and is forgotten."""
        where = "WHERE list = ? AND message = ?"
        if is_it:
            self._connection.execute(
                f"UPDATE letters_out SET said = '', said_words = '' {where}", (list_name, message)
            )
            return
        self._connection.execute(f"DELETE FROM letters_out {where}", (list_name, message))
        self._connection.execute(f"DELETE FROM letters_in {where} AND outcome = 'own'", (list_name, message))

    def digest_on_list(self, list_name: str, digest: bytes, now_s: float) -> None:
        """The list gave back a digest of ours: what left in it is there."""
        rows = self._connection.execute(
            "SELECT message FROM letters_out WHERE list = ? AND digest = ?", (list_name, digest)
        ).fetchall()
        for (message,) in rows:
            self.mark_on_list(list_name, message, now_s)

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

    def _hold_again(self, list_name: str, message: MessageId) -> None:
        # The subject was for other words. `changed_s` stays: it waits as long as it did.
        self._connection.execute(
            "UPDATE letters_out SET state = 'held', subject = '', let_contacts = 0, digest = NULL"
            " WHERE list = ? AND message = ? AND state IN ('waiting', 'sending')",
            (list_name, message),
        )

    def _letter(self, list_name: str, message: MessageId) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._connection.execute(
            f"{LETTER} WHERE o.list = ? AND o.message = ?", (list_name, message)
        ).fetchone()
        return found

    def _introduced(self, list_name: str, messages: Iterable[MessageId], now_s: float) -> None:
        self._connection.executemany(
            "UPDATE lists SET introduced_s = ? WHERE name = ? AND introduced_s IS NULL AND EXISTS"
            " (SELECT 1 FROM letters_out WHERE list = ? AND message = ? AND introduction = 1)",
            ((now_s, list_name, list_name, message) for message in messages),
        )


def letter_row(row: Sequence[Any]) -> LetterRow:
    """A row of LETTER, without its last column."""
    message, key, name, place, contact, channel, nickname, text, urgent, created_s, parent, *rest = row
    utc_offset, subject, contacts, introduction, own, approved_hash, _ = rest
    return LetterRow(
        *(message, key, name, place, contact, channel, nickname, text),
        *(bool(urgent), created_s, parent, utc_offset, subject),
        *(bool(contacts), bool(introduction), bool(own), approved_hash),
    )


def _named(letter: str, names: Sequence[str], values: dict[str, object]) -> str:
    """Names as parameters of a statement."""
    keys = {f"{letter}{number}": name for number, name in enumerate(names)}
    values.update(keys)
    return ", ".join(f":{key}" for key in keys)
