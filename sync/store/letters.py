"""What the store keeps for the courier: which letters came from a list, and how many are where.

Plain SQL over the store's one writing connection, inside the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sync.message import Kind, MessageId
from sync.store.letter_turns import LetterTurns
from sync.store.letters_held import HeldLetter, LettersHeld, LetterState, Notice
from sync.store.letters_out import Ancestor, LetterRow, LettersOut

__all__ = [
    "Ancestor",
    "HeldLetter",
    "LetterCounts",
    "LetterRow",
    "LetterState",
    "LetterTables",
    "Notice",
    "left_out_counter",
    "not_relayed_counter",
]

_OUT = """
SELECT count(*) FILTER (WHERE state IN ('waiting', 'sending')),
    count(*) FILTER (WHERE state IN ('sent', 'on_list')),
    count(*) FILTER (WHERE state = 'refused' AND refused_by <> 'moderator'),
    count(*) FILTER (WHERE state = 'waiting' AND tries > 0),
    count(*) FILTER (WHERE state = 'held'), count(*) FILTER (WHERE state = 'on_list'),
    count(*) FILTER (WHERE state = 'sent' AND said = 'held'),
    count(*) FILTER (WHERE state = 'refused' AND refused_by = 'moderator'),
    count(*) FILTER (WHERE state IN ('waiting', 'sending') AND urgent = 1)
FROM letters_out WHERE list = :list
"""
_REFUSED_WHY = """
SELECT why FROM letters_out WHERE list = :list AND state = 'refused' AND refused_by <> 'moderator'
ORDER BY changed_s DESC LIMIT 1
"""
_PUT_OFF_WHY = """
SELECT why FROM letters_out WHERE list = :list AND state = 'waiting' AND tries > 0
ORDER BY changed_s DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class LetterCounts:
    """How many letters of a list are where. `sent` counts those on the list too."""

    waiting: int
    sent: int
    taken_in: int
    left_out: int
    refused: int = 0  # by the server or the list
    refused_why: str = ""
    put_off: int = 0  # of those waiting: a server asked to come again
    put_off_why: str = ""
    held: int = 0  # by the moderators of this camp
    on_list: int = 0  # of those sent
    list_held: int = 0  # of those sent: by the moderators of the list
    turned_down: int = 0  # by the moderators of this camp
    urgent: int = 0  # of those waiting
    not_relayed: int = 0  # of those that came: their writers asked that they stay on the list

    @property
    def done(self) -> int:
        """Those that need nothing more from here."""
        return self.sent + self.refused

    @property
    def total(self) -> int:
        """Those that are done, and those that will leave by themselves."""
        return self.done + self.waiting


class LetterTables(LettersOut, LetterTurns, LettersHeld):
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
        values = {"list": list_name}
        waiting, sent, refused, put_off, *rest = self._connection.execute(_OUT, values).fetchone()
        (taken,) = self._connection.execute(
            "SELECT count(*) FROM letters_in WHERE list = ? AND outcome = 'taken'", (list_name,)
        ).fetchone()
        left_out = self._counted(left_out_counter(list_name))
        counts = LetterCounts(
            *(waiting, sent, taken, left_out),
            *(refused, self._why(_REFUSED_WHY, values) if refused else ""),
            *(put_off, self._why(_PUT_OFF_WHY, values) if put_off else ""),
            *rest,
        )
        return replace(counts, not_relayed=self._counted(not_relayed_counter(list_name)))

    def _counted(self, name: str) -> int:
        (count,) = self._connection.execute(
            "SELECT coalesce(max(n), 0) FROM counters WHERE name = ?", (name,)
        ).fetchone()
        return int(count)

    def _why(self, question: str, values: dict[str, str]) -> str:
        row = self._connection.execute(question, values).fetchone()
        return str(row[0]) if row else ""


def left_out_counter(list_name: str) -> str:
    """The name of the counter of letters that were too many."""
    return f"letters left out: {list_name}"


def not_relayed_counter(list_name: str) -> str:
    """The name of the counter of letters whose writers asked that they stay on the list."""
    return f"letters not relayed: {list_name}"
