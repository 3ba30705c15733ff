"""What the store keeps for the courier: which letters came from a list, and how many are where.

Plain SQL over the store's one writing connection, inside the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync.message import Kind, MessageId
from sync.store.letters_out import Ancestor, LetterRow, LettersOut

__all__ = ["Ancestor", "LetterCounts", "LetterRow", "LetterTables", "left_out_counter"]

_TROUBLED = """
SELECT count(*) FILTER (WHERE state = 'refused'), count(*) FILTER (WHERE state = 'waiting' AND tries > 0),
    coalesce((SELECT why FROM letters_out WHERE list = :list AND state = 'refused'
        ORDER BY changed_s DESC LIMIT 1), ''),
    coalesce((SELECT why FROM letters_out WHERE list = :list AND state = 'waiting' AND tries > 0
        ORDER BY changed_s DESC LIMIT 1), '')
FROM letters_out WHERE list = :list
"""


@dataclass(frozen=True, slots=True)
class LetterCounts:
    """How many letters of a list are where."""

    waiting: int
    sent: int
    taken_in: int
    left_out: int
    refused: int = 0
    refused_why: str = ""
    put_off: int = 0  # of those waiting: a server asked to come again
    put_off_why: str = ""


class LetterTables(LettersOut):
    """All letters of one camp's file."""

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
        refused, put_off, refused_why, put_off_why = self._connection.execute(
            _TROUBLED, {"list": list_name}
        ).fetchone()
        return LetterCounts(waiting, sent, taken, left_out, refused, refused_why, put_off, put_off_why)


def left_out_counter(list_name: str) -> str:
    """The name of the counter of letters that were too many."""
    return f"letters left out: {list_name}"
