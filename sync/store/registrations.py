"""What the store keeps of people who asked to join a mailing list: sealed boxes, and what became of them.

Nothing here can be opened without the secret of the list's owner. What camps say of registrations outlives
the messages that said it: somebody may want to leave a list months after joining it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sync.registrations import JoinState, Said
from sync.store.list_camps import posts_to

# A gateway keeps so many of one camp; the oldest go first. A camp of a thousand has forty liaisons, and keys
# to flood with are free where the network is open: 256 are 150 kB.
OF_A_CAMP_MAX = 256
# What is said of registrations nobody here has heard of: kept for when they come.
UNKNOWN_STATES_MAX = 4_096

_HEAR = """
INSERT INTO registrations (id, key, list_digest, sealed, second, received_s, withdrawn)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id, key) DO UPDATE SET
    sealed = coalesce(sealed, excluded.sealed), second = max(second, excluded.second),
    withdrawn = max(withdrawn, excluded.withdrawn)
"""
_TOO_MANY = """
DELETE FROM registrations WHERE (id, key) IN (
    SELECT id, key FROM registrations WHERE key = ? ORDER BY received_s DESC, id LIMIT -1 OFFSET ?)
"""
_UNKNOWN_TOO_MANY = """
DELETE FROM registration_states WHERE (id, key, state) IN (
    SELECT id, key, state FROM registration_states
    WHERE id NOT IN (SELECT id FROM registrations) AND id NOT IN (SELECT id FROM registrations_own)
    ORDER BY received_s DESC, id LIMIT -1 OFFSET ?)
"""
# A second ahead of its arrival would stay the newest word for as long as its camp likes.
_STATES = f"""
SELECT state, min(second, CAST(received_s AS INTEGER)), words, key, received_s
FROM registration_states s WHERE id = ? AND {posts_to("s.key", "?")}
"""
_LEFT = frozenset({JoinState.TOLD, JoinState.WITHDRAWN})
_OWN = (
    "SELECT id, number, list_digest, list, alias, card, sealed, made_s, told_s, withdrawn_s"
    " FROM registrations_own"
)


@dataclass(frozen=True, slots=True)
class StateSaid:
    """What one camp said of a registration."""

    state: JoinState
    second: int
    words: str
    key: bytes
    received_s: float


@dataclass(frozen=True, slots=True)
class OwnRegistration:
    """What a liaison of this camp registered, without what is sealed in it being known."""

    id: bytes
    number: int
    list_digest: bytes
    list: str
    alias: str
    card: int | None
    sealed: bytes
    made_s: int
    told_s: int
    withdrawn_s: int | None
    said: tuple[StateSaid, ...]

    @property
    def left(self) -> frozenset[JoinState]:
        """Of what was said since it was taken back: that the owner was told, or that it is off the list.

        What was said before is no answer to that, whoever said it.
        """
        since_s = float("inf") if self.withdrawn_s is None else self.withdrawn_s
        return frozenset(each.state for each in self.said if each.received_s >= since_s) & _LEFT


class RegistrationTables:
    """The tables `registrations_own`, `registrations`, `registration_states`, in the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    # What camps say --------------------------------------------------------------------------------

    def hear(self, key: bytes, said: Said, second: int, received_s: float) -> None:
        """Note a registration or its withdrawal, of the camp with this key, in whatever order they come."""
        # A withdrawal has the box with it when its camp knows that somebody was asked.
        withdrawn = 2 if said.withdrawn and said.sealed is not None else int(said.withdrawn)
        values = (said.id, key, said.list_digest, said.sealed, second, received_s, withdrawn)
        self._db.execute(_HEAR, values)
        self._db.execute(_TOO_MANY, (key, OF_A_CAMP_MAX))

    def hear_states(
        self,
        key: bytes,
        states: Sequence[tuple[bytes, JoinState]],
        words: str,
        second: int,
        received_s: float,
    ) -> None:
        """Note what a camp says became of registrations. Only a refusal has words."""
        self._db.executemany(
            "INSERT OR IGNORE INTO registration_states VALUES (?, ?, ?, ?, ?, ?)",
            (
                (id_, key, int(state), words if state is JoinState.REFUSED else "", second, received_s)
                for id_, state in states
            ),
        )
        self._db.execute(_UNKNOWN_TOO_MANY, (UNKNOWN_STATES_MAX,))

    def said_of(self, id_: bytes, list_digest: bytes) -> tuple[StateSaid, ...]:
        """All that became of a registration for a list, as camps say whose word counts (`list_camps`)."""
        rows = self._db.execute(_STATES, (id_, list_digest))
        return tuple(StateSaid(JoinState(state), *rest) for state, *rest in rows)

    def letters_that_wait(self) -> list[tuple[str, int, str]]:
        """Lists to whose owners letters of this camp wait, how many, and what keeps one of them; where
        something does."""
        rows = self._db.execute(
            "SELECT list, count(*), max(why) FROM join_letters WHERE state = 'sending' AND why <> ''"
            " GROUP BY list ORDER BY list"
        )
        return rows.fetchall()

    # Of this camp ----------------------------------------------------------------------------------

    def add_own(
        self,
        id_: bytes,
        list_: tuple[bytes, str],
        alias: str,
        card: int | None,
        sealed: bytes,
        message: bytes,
        now_s: int,
    ) -> int:
        """Note a registration of this camp's; its number. `list_` is the list's digest and name."""
        (number,) = self._db.execute(
            "SELECT 1 + max(coalesce((SELECT max(number) FROM registrations_own), 0),"
            " coalesce((SELECT value FROM meta WHERE name = 'registrations made'), 0))"
        ).fetchone()
        self._db.execute(
            "INSERT INTO registrations_own VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (id_, number, *list_, alias, card, sealed, message, now_s, now_s),
        )
        # A number is never given twice: somebody has it in a notebook.
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('registrations made', ?)", (number,))
        return int(number)

    def own(self, number: int) -> OwnRegistration | None:
        """One of this camp's, by its number."""
        row = self._db.execute(f"{_OWN} WHERE number = ?", (number,)).fetchone()
        return None if row is None else self._own(row)

    def own_by_id(self, id_: bytes) -> OwnRegistration | None:
        """One of this camp's, by its id."""
        row = self._db.execute(f"{_OWN} WHERE id = ?", (id_,)).fetchone()
        return None if row is None else self._own(row)

    def all_own(self) -> list[OwnRegistration]:
        """All of this camp's, newest first."""
        return [self._own(row) for row in self._db.execute(f"{_OWN} ORDER BY number DESC").fetchall()]

    def message_of(self, id_: bytes) -> bytes:
        """The id of the newest message that speaks of one of this camp's registrations."""
        row = self._db.execute("SELECT message FROM registrations_own WHERE id = ?", (id_,)).fetchone()
        return bytes(row[0])

    def note_told(self, id_: bytes, message: bytes, now_s: int) -> None:
        """It was said again."""
        values = (message, now_s, id_)
        self._db.execute("UPDATE registrations_own SET message = ?, told_s = ? WHERE id = ?", values)

    def withdraw_own(self, id_: bytes, now_s: int) -> None:
        """Whoever registered it takes it back."""
        self._db.execute("UPDATE registrations_own SET withdrawn_s = ? WHERE id = ?", (now_s, id_))

    def forget_own(self, id_: bytes, key: bytes) -> None:
        """What never left this camp was never said, and its box is nobody's any more."""
        self._db.execute("DELETE FROM registrations WHERE id = ? AND key = ?", (id_, key))
        self._db.execute("UPDATE registrations_own SET sealed = x'' WHERE id = ?", (id_,))

    def _own(self, row: tuple[Any, ...]) -> OwnRegistration:
        id_, number, list_digest, list_, alias, card, sealed, made_s, told_s, withdrawn_s = row
        said = self.said_of(id_, list_digest)
        return OwnRegistration(
            id_, number, list_digest, list_, alias, card, sealed, made_s, told_s, withdrawn_s, said
        )
