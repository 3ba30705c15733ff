"""What the store keeps about people of this camp: cards, sessions, held posts, mutes, the public log.

Plain SQL over the store's one writing connection; the rules are the board's (`sync.board`). Nothing
here names a person: a card has the label its maker gave it, a device is a hash of one day.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from sync.message import Kind, MessageId, Role
from sync.views import HeldWhy

# Rules of sync.store.schema.RULES that the board needs when it reads, too.
TOKEN_LIFE_S = 48 * 3_600
SESSION_UNUSED_S = 7 * 86_400
HOTLINE_KEPT = 20


class Act(StrEnum):
    """Words of the public log. `hide` and `unhide` (target: a message id in hex) outlive a rebuild."""

    RELEASE = "release"
    REPEAT = "repeat"  # a held mic check was released: a person of this camp stands for it
    REFUSE = "refuse"
    RETRACT = "retract"  # by a moderator
    HIDE = "hide"
    UNHIDE = "unhide"
    MUTE = "mute"
    HOLD_STRANGERS = "hold_strangers"
    FREE_STRANGERS = "free_strangers"
    QUIET = "quiet"
    OPEN = "open"
    SET_CHANNEL = "set_channel"
    MAKE_GROUP = "make_group"
    MAKE_CARD = "make_card"
    REVOKE_CARD = "revoke_card"
    ADMIT_INTRODUCED = "admit_introduced"
    ADMIT_EVERYBODY = "admit_everybody"
    PIN = "pin"
    UNPIN = "unpin"
    HOTLINE = "hotline"
    BURY = "bury"
    ADD_LINK = "add_link"
    STOP_LINK = "stop_link"
    START_LINK = "start_link"
    REMOVE_LINK = "remove_link"
    CARRY_IN = "carry_in"
    CARRY_ON_STICK = "carry_on_stick"
    CARRY_IN_FILE = "carry_in_file"
    REGISTER = "register"
    UNREGISTER = "unregister"
    APPROVE_LETTER = "approve_letter"
    APPROVE_CONTACTS = "approve_contacts"  # with the addresses and numbers in it
    REFUSE_LETTER = "refuse_letter"
    HOLD_LETTERS = "hold_letters"
    FREE_LETTERS = "free_letters"
    PAUSE_LIST = "pause_list"
    RESUME_LIST = "resume_list"


@dataclass(frozen=True, slots=True)
class HeldPost:
    """A post that waits, or was refused: `decided_s` is then not None."""

    id: MessageId
    encoded: bytes
    why: HeldWhy
    received_s: float
    device: bytes | None
    decided_s: int | None


@dataclass(frozen=True, slots=True)
class RoleCard:
    """A card as rules need it."""

    id: int
    role: Role
    group: str | None
    until_s: int | None
    revoked_s: int | None

    def is_usable(self, wall_s: float) -> bool:
        """Whether it opens sessions at this Unix time, and those it opened live."""
        return self.revoked_s is None and (self.until_s is None or wall_s < self.until_s)


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message on this camp's pages. `device` and `sealed` are of own messages only."""

    id: MessageId
    own: bool
    kind: int
    channel: str
    retracted: bool
    hidden: bool
    device: bytes | None
    sealed: bool
    local: bool  # own, and never sealed


class People:
    """Rows about people. Every method runs inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    # Messages ----------------------------------------------------------------------------------

    def message(self, message: MessageId) -> KnownMessage | None:
        """A message that pages show, by its whole id."""
        row = self._db.execute(
            "SELECT m.own, m.kind, m.channel, m.retracted, m.hidden, o.device, o.bundle IS NOT NULL,"
            " o.id IS NOT NULL AND o.class IS NULL"
            " FROM messages m LEFT JOIN own_messages o ON o.id = m.id WHERE m.id = ? AND m.shown = 1",
            (message,),
        ).fetchone()
        if row is None:
            return None
        own, kind, channel, retracted, hidden, device, sealed, local = row
        return KnownMessage(
            message,
            bool(own),
            kind,
            channel,
            bool(retracted),
            bool(hidden),
            device,
            bool(sealed),
            bool(local),
        )

    def is_taken(self, message: MessageId) -> bool:
        """Whether a message has this id already: shown, waiting for a seal, or held."""
        return (
            self._db.execute(
                "SELECT 1 FROM messages WHERE id = ?1 UNION ALL SELECT 1 FROM own_messages WHERE id = ?1"
                " UNION ALL SELECT 1 FROM held WHERE id = ?1",
                (message,),
            ).fetchone()
            is not None
        )

    def set_device(self, message: MessageId, device: bytes | None) -> None:
        """Remember for a day which device an own message came from."""
        self._db.execute("UPDATE own_messages SET device = ? WHERE id = ?", (device, message))

    def keep_here(self, message: MessageId) -> None:
        """An own message that waits for a seal shall never get one."""
        self._db.execute("UPDATE own_messages SET class = NULL WHERE id = ? AND bundle IS NULL", (message,))

    def set_hidden(self, message: MessageId, hidden: bool) -> None:
        """Show the reason instead of the text, or the text again."""
        self._db.execute("UPDATE messages SET hidden = ? WHERE id = ?", (int(hidden), message))

    def mic_checks_since(self, from_s: float, to_s: float) -> list[float]:
        """When own mic checks came in between two Unix times, oldest first."""
        rows = self._db.execute(
            "SELECT received_s FROM messages WHERE own = 1 AND kind = ? AND received_s > ?"
            " AND received_s <= ? ORDER BY received_s",
            (int(Kind.MIC_CHECK), from_s, to_s),
        )
        return [received_s for (received_s,) in rows]

    # Held posts --------------------------------------------------------------------------------

    def hold(self, post: HeldPost) -> None:
        """Keep a post for a person to decide."""
        self._db.execute(
            "INSERT INTO held (id, bytes, why, received_s, device) VALUES (?, ?, ?, ?, ?)",
            (post.id, post.encoded, post.why.value, post.received_s, post.device),
        )

    def held(self, message: MessageId) -> HeldPost | None:
        """A held or refused post."""
        row = self._db.execute(
            "SELECT id, bytes, why, received_s, device, decided_s FROM held WHERE id = ?", (message,)
        ).fetchone()
        if row is None:
            return None
        id_, raw, why, received_s, device, decided_s = row
        return HeldPost(id_, raw, HeldWhy(why), received_s, device, decided_s)

    def count_waiting(self, mic_checks: bool) -> int:
        """How many held posts nobody has decided: the mic checks, or all others."""
        (n,) = self._db.execute(
            "SELECT count(*) FROM held WHERE decided_s IS NULL AND (why = ?) = ?",
            (HeldWhy.MIC_CHECK.value, int(mic_checks)),
        ).fetchone()
        return int(n)

    def remove_held(self, message: MessageId) -> None:
        """It is out, or its author took it back."""
        self._db.execute("DELETE FROM held WHERE id = ?", (message,))

    def refuse_held(self, message: MessageId, at_s: int, card: int | None, why: str) -> None:
        """Keep a refused post for its author to read why."""
        self._db.execute(
            "UPDATE held SET decided_s = ?, decided_by = ?, refused_why = ? WHERE id = ?",
            (at_s, card, why, message),
        )

    # Mutes -------------------------------------------------------------------------------------

    def mute(self, device: bytes, until_s: int, why: str) -> None:
        """Hold what a device posts until then; the later end wins."""
        self._db.execute(
            "INSERT INTO mutes (device, until_s, why) VALUES (?, ?, ?) ON CONFLICT (device) DO UPDATE"
            " SET why = excluded.why, until_s = max(until_s, excluded.until_s)",
            (device, until_s, why),
        )

    def is_muted(self, device: bytes, wall_s: float) -> bool:
        """Whether a device is muted at this Unix time."""
        found = self._db.execute(
            "SELECT 1 FROM mutes WHERE device = ? AND until_s > ?", (device, wall_s)
        ).fetchone()
        return found is not None

    # The public log ----------------------------------------------------------------------------

    def log(self, at_s: int, actor: str, card: int | None, act: Act, target: str = "", why: str = "") -> None:
        """A line of the public log. `actor` is a role in words, never a name."""
        self._db.execute(
            "INSERT INTO moderation (at_s, actor, card, act, target, why) VALUES (?, ?, ?, ?, ?, ?)",
            (at_s, actor, card, act.value, target, why),
        )

    # Tokens ------------------------------------------------------------------------------------

    def token(self, hash_: bytes, wall_s: float) -> tuple[bytes, MessageId] | None:
        """The request hash and the message of a token used in the last 48 hours."""
        row = self._db.execute(
            "SELECT request_hash, message FROM tokens WHERE hash = ? AND at_s > ?",
            (hash_, wall_s - TOKEN_LIFE_S),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def use_token(self, hash_: bytes, request_hash: bytes, message: MessageId, at_s: int) -> None:
        """Remember what was answered to a token."""
        self._db.execute(
            "INSERT OR REPLACE INTO tokens (hash, request_hash, message, at_s) VALUES (?, ?, ?, ?)",
            (hash_, request_hash, message, at_s),
        )

    # Channels ----------------------------------------------------------------------------------

    def make_group(self, name: str, about: str, made_s: int) -> None:
        """A group's channel: liaisons speak, it crosses, goes to the list and is kept 30 days."""
        self._db.execute(
            "INSERT INTO channels (name, position, speaks, crosses, class, to_list, retention_days, is_group,"
            " about, made_s, heard) VALUES (?, (SELECT coalesce(max(position), 0) + 1 FROM channels),"
            " 'liaisons', 1, 1, 1, 30, 1, ?, ?, 0)"
            " ON CONFLICT (name) DO UPDATE SET speaks = 'liaisons', crosses = 1, class = 1, to_list = 1,"
            " retention_days = 30, is_group = 1, about = excluded.about, made_s = excluded.made_s, heard = 0",
            (name, about, made_s),
        )

    def set_about(self, name: str, about: str) -> None:
        """What a group says of itself."""
        self._db.execute("UPDATE channels SET about = ? WHERE name = ?", (about, name))

    def set_channel(self, name: str, speaks: str, retention_days: int | None, to_list: bool) -> None:
        """Who speaks, how long messages stay, whether they go to the list."""
        self._db.execute(
            "UPDATE channels SET speaks = ?, retention_days = ?, to_list = ? WHERE name = ?",
            (speaks, retention_days, int(to_list), name),
        )

    # Cards and sessions ------------------------------------------------------------------------

    def make_card(
        self, role: Role, group: str | None, name: str, secret_hash: bytes, made_s: int, made_by: int | None,
        until_s: int | None,
    ) -> int:  # fmt: skip
        """A new card; its number."""
        cursor = self._db.execute(
            "INSERT INTO role_cards (role, group_name, name, secret_hash, made_s, made_by, until_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (int(role), group, name, secret_hash, made_s, made_by, until_s),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def card(self, card: int) -> RoleCard | None:
        """A card by its number."""
        return self._card("id = ?", card)

    def card_of(self, secret_hash: bytes) -> RoleCard | None:
        """A card by the hash of its secret."""
        return self._card("secret_hash = ?", secret_hash)

    def usable_coordinators(self, wall_s: float) -> list[int]:
        """Numbers of the coordinator cards that open sessions at this Unix time."""
        rows = self._db.execute(
            "SELECT id FROM role_cards WHERE role = ? AND revoked_s IS NULL"
            " AND (until_s IS NULL OR until_s > ?)",
            (int(Role.COORDINATOR), wall_s),
        )
        return [card for (card,) in rows]

    def revoke_card(self, card: int, at_s: int, why: str) -> None:
        """End a card and all its sessions."""
        self._db.execute(
            "UPDATE role_cards SET revoked_s = ?, revoked_why = ? WHERE id = ?", (at_s, why, card)
        )
        self._db.execute("DELETE FROM sessions WHERE card = ?", (card,))

    def open_session(self, token_hash: bytes, card: int, at_s: int, label: str, session: int) -> None:
        """A session on a phone. `session` is the number by which it is listed and closed."""
        self._db.execute(
            "INSERT INTO sessions (token_hash, card, opened_s, used_s, label, id) VALUES (?, ?, ?, ?, ?, ?)",
            (token_hash, card, at_s, at_s, label, session),
        )

    def has_session(self, session: int) -> bool:
        """Whether a session has this number."""
        return self._db.execute("SELECT 1 FROM sessions WHERE id = ?", (session,)).fetchone() is not None

    def card_of_session(self, session: int) -> int | None:
        """The number of the card a session was opened with."""
        row = self._db.execute("SELECT card FROM sessions WHERE id = ?", (session,)).fetchone()
        return None if row is None else int(row[0])

    def close_session(self, session: int) -> None:
        """End one session."""
        self._db.execute("DELETE FROM sessions WHERE id = ?", (session,))

    def keep_newest_sessions(self, card: int, n: int, newest: int) -> None:
        """End all sessions of a card but the `n` used last, the one numbered `newest` among them."""
        self._db.execute(
            "DELETE FROM sessions WHERE card = ?1 AND id NOT IN (SELECT id FROM sessions WHERE card = ?1"
            " ORDER BY id = ?3 DESC, used_s DESC, opened_s DESC LIMIT ?2)",
            (card, n, newest),
        )

    def use_session(self, token_hash: bytes, at_s: int, at_least_s: int) -> None:
        """Note that a session is in use, when it was not noted in the last `at_least_s` seconds."""
        self._db.execute(
            "UPDATE sessions SET used_s = ?1 WHERE token_hash = ?2 AND abs(?1 - used_s) >= ?3",
            (at_s, token_hash, at_least_s),
        )

    def end_dead_sessions(self, wall_s: float) -> None:
        """End sessions unused for seven days, and those whose card has ended."""
        self._db.execute(
            "DELETE FROM sessions WHERE used_s <= ?1 OR card IN"
            " (SELECT id FROM role_cards WHERE revoked_s IS NOT NULL OR until_s <= ?2)",
            (wall_s - SESSION_UNUSED_S, wall_s),
        )

    def _card(self, where: str, value: int | bytes) -> RoleCard | None:
        row = self._db.execute(
            f"SELECT id, role, group_name, until_s, revoked_s FROM role_cards WHERE {where}", (value,)
        ).fetchone()
        if row is None:
            return None
        id_, role, group, until_s, revoked_s = row
        return RoleCard(id_, Role(role), group, until_s, revoked_s)

    # The hotline card, camps, and what we tell again and again ---------------------------------

    def hotline(self) -> str:
        """The text of the medic and legal card; empty when there is none."""
        row = self._db.execute("SELECT text FROM hotline ORDER BY seq DESC LIMIT 1").fetchone()
        return "" if row is None else str(row[0])

    def set_hotline(self, at_s: int, card: int | None, text: str) -> None:
        """A new text; the newest 20 are kept."""
        self._db.execute("INSERT INTO hotline (at_s, card, text) VALUES (?, ?, ?)", (at_s, card, text))
        self._db.execute(
            "DELETE FROM hotline WHERE seq NOT IN (SELECT seq FROM hotline ORDER BY seq DESC LIMIT ?)",
            (HOTLINE_KEPT,),
        )

    def camp_names(self) -> list[tuple[bytes, str]]:
        """Key and name of every camp whose card is known."""
        return [(key, name) for key, name in self._db.execute("SELECT key, name FROM camps")]

    def keys_of(self, author: bytes) -> list[bytes]:
        """Every key known for an author id, admitted or waiting."""
        return [
            key
            for (key,) in self._db.execute("SELECT key FROM keys WHERE author = ? ORDER BY key", (author,))
        ]

    def notes(self, prefix: str) -> list[tuple[str, float]]:
        """Names and numbers of `meta` that begin with `prefix`."""
        rows = self._db.execute(
            "SELECT name, value FROM meta WHERE substr(name, 1, ?) = ? ORDER BY name", (len(prefix), prefix)
        )
        return [(name, float(value)) for name, value in rows]

    def is_dead(self, key: bytes) -> bool:
        """Whether a dead-key letter of this key is known."""
        return self._db.execute("SELECT 1 FROM farewells WHERE key = ?", (key,)).fetchone() is not None

    def farewell_signature(self, key: bytes) -> bytes | None:
        """The signature of a dead-key letter that is known."""
        row = self._db.execute("SELECT signature FROM farewells WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])
