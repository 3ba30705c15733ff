"""What the reader of a list's mail asks the store: which of our posts a letter or a notice speaks of.

Plain SQL over the store's one writing connection, inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3

from sync.message import LETTERS, Kind, MessageId
from sync.store.letters import LetterTables
from sync.store.letters_out import LetterRow

# A list answers in hours; moderators who take longer than what two hundred posts take are rare.
LATELY_MAX = 200


class LetterLookups:
    """Questions about letters in one camp's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tables = LetterTables(connection)

    def taken_as(self, reference: bytes) -> MessageId | None:
        """The message here that a letter of this reference is: ours that came back, or one taken in."""
        row = self._connection.execute(
            "SELECT message FROM letters_in WHERE hash = ? AND message IS NOT NULL", (reference,)
        ).fetchone()
        return row[0] if row else None

    def in_digest(self, list_name: str, digest: bytes) -> list[MessageId]:
        """The messages that left in a digest of this gateway."""
        rows = self._connection.execute(
            "SELECT message FROM letters_out WHERE list = ? AND digest = ?", (list_name, digest)
        )
        return [row[0] for row in rows]

    def sent_lately(self, list_name: str) -> list[LetterRow]:
        """The letters that a notice may speak of, newest first: sent and not seen on the list."""
        rows = self._connection.execute(
            "SELECT message FROM letters_out WHERE list = ? AND state IN ('sent', 'sending')"
            " ORDER BY changed_s DESC LIMIT ?",
            (list_name, LATELY_MAX),
        ).fetchall()
        found = (self._tables.letter(list_name, row[0]) for row in rows)
        return [letter for letter in found if letter is not None]

    def is_ours(self, list_name: str, message: MessageId) -> bool:
        """Whether a letter of this message left here or waits to: the introduction is in no other table."""
        row = self._connection.execute(
            "SELECT 1 FROM letters_out WHERE list = ? AND message = ?", (list_name, message)
        ).fetchone()
        return row is not None

    def unsent_words(self, list_name: str, message: MessageId) -> str:
        """The words of a message that this gateway did not send to the list; empty when it did."""
        row = self._connection.execute(
            "SELECT text FROM messages WHERE id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM letters_out WHERE list = ?2 AND message = ?1"
            " AND state IN ('sending', 'sent', 'on_list'))",
            (message, list_name),
        ).fetchone()
        return row[0] if row else ""

    def same_letter(self, created_s: int, nickname: str, text: str) -> MessageId | None:
        """A letter of the same second, name and words: a list that writes Message-IDs anew gave it two."""
        row = self._connection.execute(
            "SELECT id FROM messages WHERE channel = ? AND shown = 1 AND sort_s = ? AND kind = ?"
            " AND nickname = ? AND text = ?",
            (LETTERS, created_s, int(Kind.LETTER), nickname, text),
        ).fetchone()
        return row[0] if row else None
