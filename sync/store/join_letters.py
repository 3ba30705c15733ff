"""A gateway's letters to the owners of lists: which registrations are due, and which letter has them.

A letter is noted as `sending`, with what is in it, before its first byte leaves. What is found so after a
crash is sent once more with the same Message-ID; its owner opens each registration once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sync.registrations import JoinState
from sync.signing import author_of
from sync.store.list_camps import OWN_KEY, posts_to


def _said(*states: JoinState, unless: str = "0") -> str:
    """The SQL condition that a camp whose word counts said one of these of `r`."""
    numbers = ", ".join(str(int(state)) for state in states)
    return (
        f"EXISTS (SELECT 1 FROM registration_states s WHERE s.id = r.id AND s.state IN ({numbers})"
        f" AND {posts_to('s.key', 'r.list_digest')} AND NOT ({unless}))"
    )


# For its own people a camp that posts to the list asks itself, whoever says that he asked: its own letter is
# the only one it knows of, and the owner opens each registration once.
_PASSED_ON = _said(
    JoinState.ASKED,
    JoinState.CONFIRMED,
    JoinState.REFUSED,
    unless=f"s.state = {int(JoinState.ASKED)} AND r.key = {OWN_KEY} AND s.key <> r.key",
)
_OPEN = f"""
SELECT r.id, r.key, r.list_digest, r.sealed, r.second, r.received_s, coalesce(c.name, '') FROM registrations r
LEFT JOIN camps c ON c.key = r.key
WHERE r.list_digest = :list AND r.withdrawn = 0 AND r.sealed IS NOT NULL
    AND NOT {_PASSED_ON}
    AND NOT EXISTS (SELECT 1 FROM join_letter_lines l JOIN join_letters j USING (token)
        WHERE l.id = r.id AND l.key = r.key AND j.act = 'join' AND j.list = :name)
ORDER BY r.received_s, r.id
"""
_ASKED_HERE = """
EXISTS (SELECT 1 FROM join_letter_lines l JOIN join_letters j USING (token)
    WHERE l.id = r.id AND l.key = r.key AND j.act = 'join' AND j.list = :name AND j.tries > 0)
"""
# Somebody was asked to add it, and nobody has yet been told to take it off. What was put into a letter that
# may have arrived counts as asked, and who asked tells the owner, whoever says that he did.
_LEAVING = f"""
SELECT r.id, r.key, r.list_digest, r.sealed, r.second, r.received_s, coalesce(c.name, '') FROM registrations r
LEFT JOIN camps c ON c.key = r.key
WHERE r.list_digest = :list AND r.withdrawn > 0
    AND (r.withdrawn = 2 OR {_said(JoinState.ASKED, JoinState.CONFIRMED)} OR {_ASKED_HERE})
    AND ({_ASKED_HERE} OR NOT {_said(JoinState.TOLD)})
    AND NOT EXISTS (SELECT 1 FROM join_letter_lines l JOIN join_letters j USING (token)
        WHERE l.id = r.id AND l.key = r.key AND j.act = 'leave' AND j.list = :name)
ORDER BY r.received_s, r.id
"""
_ASKED = f"""
SELECT DISTINCT r.id, r.key, r.list_digest, r.sealed, r.second, r.received_s, '' FROM join_letter_lines l
JOIN join_letters j USING (token) JOIN registrations r ON r.id = l.id AND r.key = l.key
WHERE j.list = :name AND j.act = 'join' AND j.tries > 0 AND r.sealed IS NOT NULL
    AND NOT {_said(JoinState.WITHDRAWN)}
"""
_LINES = f"""
SELECT l.number,
    r.withdrawn > 0 OR {_PASSED_ON},
    r.id, r.key, r.list_digest, r.sealed, r.second, r.received_s, coalesce(c.name, '')
FROM join_letter_lines l JOIN registrations r ON r.id = l.id AND r.key = l.key
LEFT JOIN camps c ON c.key = r.key WHERE l.token = ? ORDER BY l.number
"""


@dataclass(frozen=True, slots=True)
class DueRegistration:
    """A registration that nobody is known to have passed on."""

    id: bytes
    key: bytes
    list_digest: bytes
    sealed: bytes | None
    second: int
    received_s: float
    camp_name: str

    @property
    def camp(self) -> bytes:
        """The author id of the camp that sealed it."""
        return author_of(self.key)


@dataclass(frozen=True, slots=True)
class JoinLetter:
    """A letter to a list's owner that is being sent, or was."""

    token: bytes
    list: str
    leaving: bool
    sending: bool
    tries: int  # how often it may have arrived
    next_try_s: float
    made_s: float
    why: str


class JoinLetterTables:
    """The tables `join_letters` and `join_letter_lines`, in the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def joining(self, list_name: str, list_digest: bytes) -> list[DueRegistration]:
        """Registrations for a list that nobody has passed on, as far as this camp knows."""
        return self._due(_OPEN, list_name, list_digest)

    def leaving(self, list_name: str, list_digest: bytes) -> list[DueRegistration]:
        """Withdrawn ones whose owner was asked to add them, and not yet to take them off."""
        return self._due(_LEAVING, list_name, list_digest)

    def make(
        self, token: bytes, list_name: str, leaving: bool, of: Iterable[DueRegistration], now_s: float
    ) -> None:
        """Put registrations into a letter; they are numbered from 1."""
        self._db.execute(
            "INSERT INTO join_letters (token, list, act, state, made_s) VALUES (?, ?, ?, 'sending', ?)",
            (token, list_name, "leave" if leaving else "join", now_s),
        )
        self._db.executemany(
            "INSERT INTO join_letter_lines VALUES (?, ?, ?, ?)",
            ((token, number, each.id, each.key) for number, each in enumerate(of, start=1)),
        )

    def letter(self, token: bytes) -> JoinLetter | None:
        """The letter with this token."""
        row = self._db.execute(f"{_LETTERS} WHERE token = ?", (token,)).fetchone()
        return None if row is None else _letter(row)

    def sending(self, list_name: str) -> list[JoinLetter]:
        """Letters of a list that no server has taken yet, the oldest first."""
        rows = self._db.execute(
            f"{_LETTERS} WHERE list = ? AND state = 'sending' ORDER BY made_s, token", (list_name,)
        )
        return [_letter(row) for row in rows]

    def lines(self, token: bytes) -> list[tuple[int, DueRegistration]]:
        """What is in a letter, by number: all of it when it may have arrived.

        Of one that surely has not, what was withdrawn or passed on by others meanwhile leaves it here.
        """
        letter = self.letter(token)
        whole = letter is not None and (letter.leaving or letter.tries > 0 or not letter.sending)
        rows = self._db.execute(_LINES, (token,)).fetchall()
        for number, over, *_ in rows:
            if over and not whole:
                values = (token, number)
                self._db.execute("DELETE FROM join_letter_lines WHERE token = ? AND number = ?", values)
        return [(number, DueRegistration(*rest)) for number, over, *rest in rows if whole or not over]

    def ids(self, token: bytes) -> dict[int, bytes]:
        """The ids of the registrations in a letter, by number."""
        rows = self._db.execute("SELECT number, id FROM join_letter_lines WHERE token = ?", (token,))
        return dict(rows.fetchall())

    def begin(self, token: bytes, next_try_s: float) -> None:
        """Its first byte is about to leave. If nobody says what became of it, it is tried again then."""
        self._db.execute(
            "UPDATE join_letters SET tries = tries + 1, next_try_s = ? WHERE token = ?", (next_try_s, token)
        )

    def took(self, token: bytes) -> None:
        """A server has it."""
        self._db.execute(
            "UPDATE join_letters SET state = 'sent', why = '' WHERE token = ?",
            (token,),
        )

    def took_not(self, token: bytes, why: str, next_try_s: float) -> None:
        """A server surely has it not; it is tried again then."""
        self._db.execute(
            "UPDATE join_letters SET tries = max(tries - 1, 0), why = ?, next_try_s = ? WHERE token = ?",
            (why, next_try_s, token),
        )

    def put_off(self, token: bytes, why: str, next_try_s: float) -> None:
        """It cannot be made, or nobody knows whether a server has it; it is tried again then."""
        values = (why, next_try_s, token)
        self._db.execute("UPDATE join_letters SET why = ?, next_try_s = ? WHERE token = ?", values)

    def drop(self, token: bytes) -> None:
        """Nothing that stands is in it any more."""
        self._db.execute("DELETE FROM join_letter_lines WHERE token = ?", (token,))
        self._db.execute("DELETE FROM join_letters WHERE token = ?", (token,))

    def made_between(self, list_name: str, leaving: bool, since_s: float, now_s: float) -> list[float]:
        """When letters of a list that ask for one or the other were made, oldest first."""
        rows = self._db.execute(
            "SELECT made_s FROM join_letters WHERE list = ? AND act = ? AND made_s > ? AND made_s <= ?"
            " ORDER BY made_s",
            (list_name, "leave" if leaving else "join", since_s, now_s),
        )
        return [made_s for (made_s,) in rows]

    def asked_here(self, list_name: str, id_: bytes) -> bool:
        """Whether this camp put a registration into a letter that may have arrived."""
        row = self._db.execute(
            "SELECT 1 FROM join_letter_lines l JOIN join_letters j USING (token)"
            " WHERE l.id = ? AND j.list = ? AND j.act = 'join' AND j.tries > 0",
            (id_, list_name),
        ).fetchone()
        return row is not None

    def asked(self, list_name: str) -> list[DueRegistration]:
        """Registrations that this camp passed on and that are not known to be off the list."""
        rows = self._db.execute(_ASKED, {"name": list_name})
        return [DueRegistration(*row) for row in rows]

    def name_of(self, key: bytes) -> str:
        """The name on a camp's card; empty when there is none."""
        row = self._db.execute("SELECT name FROM camps WHERE key = ?", (key,)).fetchone()
        return "" if row is None else str(row[0])

    def _due(self, sql: str, list_name: str, list_digest: bytes) -> list[DueRegistration]:
        rows = self._db.execute(sql, {"name": list_name, "list": list_digest})
        return [DueRegistration(*row) for row in rows]


_LETTERS = (
    "SELECT token, list, act = 'leave', state = 'sending', tries, next_try_s, made_s, why FROM join_letters"
)


def _letter(row: tuple[Any, ...]) -> JoinLetter:
    token, list_name, leaving, sending, tries, next_try_s, made_s, why = row
    return JoinLetter(token, list_name, bool(leaving), bool(sending), tries, next_try_s, made_s, why)
