"""What pages, programs and the command line read: one read-only connection for one thread.

SQLite's log lets a reader see the file as it stood at the last commit while the writer writes, and neither
waits for the other. A page asked for after a post was acknowledged therefore shows it. Nothing here can
write: the file is opened read-only, and `query_only` says so once more.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sync.bundle import LIFE_HOURS, BundleClass, hour_of
from sync.message import PARENT_BYTES, MessageId, Role
from sync.signing import author_of
from sync.store import Store
from sync.store.letters import LetterTables
from sync.store.message_rows import SELECT_HELD, SELECT_MESSAGES, held_as_message, held_view, message_view
from sync.store.projection import SEQS_PER_RECEIPT
from sync.store.read_only import open_to_read
from sync.store.registrations import RegistrationTables
from sync.views import (
    CampName,
    CampView,
    CardView,
    ChannelView,
    Count,
    HeldView,
    HeldWhy,
    HotlineView,
    LogEntry,
    MessagePage,
    MessageView,
    SessionView,
    Speaks,
    StoreStatus,
)

# Replies shown under one post. A longer thread is a channel, and is read as one.
THREAD_MAX = 500
# A camp in distress repeats itself; more than this an hour is a flood, and hides the others (DESIGN §6).
STRIP_PER_HOUR_MAX = 12
_HOUR_S = 3_600
# Words typed into the search box. A sentence is a dozen.
SEARCH_WORDS_MAX = 16
SESSION_UNUSED_S = 7 * 86_400

_Values = dict[str, object]
_Row = tuple[Any, ...]

_THREAD = """
WITH RECURSIVE up (prefix, parent, depth) AS (
    SELECT prefix, parent, 0 FROM messages WHERE id = :id
    UNION SELECT p.prefix, p.parent, up.depth + 1 FROM messages p JOIN up ON p.prefix = up.parent
    WHERE up.depth < :most
), root (prefix) AS (SELECT prefix FROM up ORDER BY depth DESC LIMIT 1),
twins (prefix) AS (
    SELECT prefix FROM root
    UNION SELECT t.prefix FROM root JOIN messages r ON r.prefix = root.prefix
        JOIN messages t ON t.reference = r.reference WHERE r.kind = 8 AND t.kind = 8
), down (prefix) AS (
    SELECT prefix FROM twins UNION SELECT m.prefix FROM messages m JOIN down ON m.parent = down.prefix
    LIMIT :most
)
SELECT prefix FROM down
"""
_SESSION = """
SELECT s.id, s.card, c.role, c.group_name, c.name, s.opened_s, s.used_s, s.label
FROM sessions s JOIN role_cards c ON c.id = s.card
"""


class Reader:
    """Everything there is to read. Used in one thread: the one that reads first."""

    def __init__(self, path: Path) -> None:
        self._open: Callable[[], sqlite3.Connection] = lambda: open_to_read(path)
        self._connection: sqlite3.Connection | None = None
        self._key = b""

    @classmethod
    def over(cls, store: Store) -> Reader:
        """A reader of a store in memory, in the store's own thread: for tests and simulations."""
        reader = cls(Path())
        reader._open = lambda: store.connection
        return reader

    def close(self) -> None:
        """Let the file go; the next question opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # Messages ------------------------------------------------------------------------------------

    def messages(self, channel: str | None, after: MessageId | None, limit: int) -> MessagePage:
        """Messages of a channel (None: all) after one seen, oldest first by receipt here.

        Raises LookupError when `after` is not known here (any more).
        """
        seq = -1
        if after is not None:
            row = self._one("SELECT seq FROM messages WHERE id = :id", {"id": after})
            if row is None:
                raise LookupError("no such message")
            seq = row[0]
        # Who reads on by receipt must not step over bundles that are carried and not read yet.
        unread = "(SELECT min(seq) FROM bundles WHERE read = 0)"
        read = f"AND m.seq < {SEQS_PER_RECEIPT} * coalesce({unread}, m.seq + 1)"
        # +channel: walk on from `seq` instead of sorting the whole channel at every look.
        here = "" if channel is None else "AND +m.channel = :channel"
        views = self._views(
            f"m.shown = 1 AND m.seq > :seq {here} {read} ORDER BY m.seq LIMIT :limit",
            {"channel": channel, "seq": seq, "limit": limit + 1},
        )
        page = views[:limit]
        return MessagePage(page, page[-1].id if len(views) > limit else None)

    def newest(self, channel: str | None, before_seq: int | None, limit: int) -> tuple[MessageView, ...]:
        """Messages of a channel (None: all), newest first; older ones than the one numbered `before_seq`."""
        here = "" if channel is None else "AND m.channel = :channel"
        older = (
            "AND (m.sort_s, m.seq) < (SELECT sort_s, seq FROM messages WHERE seq = :seq)"
            if before_seq is not None
            else ""
        )
        return self._views(
            f"m.shown = 1 {here} {older} ORDER BY m.sort_s DESC, m.seq DESC LIMIT :limit",
            {"channel": channel, "seq": before_seq, "limit": limit},
        )

    def message(self, message_id: MessageId) -> MessageView | None:
        """One message, also a held or refused one (`hidden_why` then says why it was refused)."""
        found = self._views("m.id = :id AND m.shown = 1", {"id": message_id})
        if found:
            return found[0]
        row = self._one(f"{SELECT_HELD} id = :id", {"id": message_id})
        return None if row is None else held_as_message(row, self.camp())

    def thread(self, message_id: MessageId) -> tuple[MessageView, ...]:
        """The whole conversation a message stands in: its root, then the replies, oldest first."""
        prefixes = self._all(_THREAD, {"id": message_id, "most": THREAD_MAX})
        if not prefixes:
            return ()
        marks = ", ".join(f":p{number}" for number in range(len(prefixes)))
        values: _Values = {f"p{number}": prefix for number, (prefix,) in enumerate(prefixes)}
        views = self._views(f"m.shown = 1 AND m.prefix IN ({marks}) ORDER BY m.sort_s, m.seq", values)
        root = prefixes[0][0]
        # A clock that was wrong may have put a reply before what it answers.
        return tuple(sorted(views, key=lambda view: view.id[:PARENT_BYTES] != root))

    def search(self, query: str, limit: int) -> tuple[MessageView, ...]:
        """Messages with all these words (the last one may be a beginning), newest first.

        Accents and capitals do not matter. Nothing in `query` is search syntax.
        """
        words = [word for word in query.replace("\0", " ").split() if any(c.isalnum() for c in word)]
        if not words:
            return ()
        quoted = ['"' + word.replace('"', '""') + '"' for word in words[:SEARCH_WORDS_MAX]]
        return self._views(
            "m.shown = 1 AND m.retracted = 0 AND m.hidden = 0 AND m.seq IN"
            " (SELECT rowid FROM messages_search WHERE messages_search MATCH :query)"
            " ORDER BY m.sort_s DESC, m.seq DESC LIMIT :limit",
            {"query": " ".join(quoted) + "*", "limit": limit},
        )

    def strip(self, now_s: float) -> tuple[MessageView, ...]:
        """Mic checks that are alive at this Unix time: of this camp, then of camps pinned here; newest first.

        A dead key loses its place at once: who took the box may have spoken with it before it was known.
        Of a camp that sends more than STRIP_PER_HOUR_MAX an hour, the newest of that hour.
        """
        life = LIFE_HOURS[BundleClass.ALERT]
        views = self._views(
            "m.kind = 1 AND +m.shown = 1 AND m.retracted = 0 AND m.hidden = 0 AND m.sort_s > :oldest"
            " AND (m.hour IS NULL OR m.hour + m.live_hours > :hour)"
            " AND (m.own = 1 OR m.key IN (SELECT key FROM keys WHERE pinned_s IS NOT NULL"
            " AND key NOT IN (SELECT key FROM farewells)))"
            " ORDER BY m.own DESC, m.sort_s DESC, m.seq DESC",
            {"oldest": now_s - (life + 1) * _HOUR_S, "hour": hour_of(now_s)},
        )
        heard: defaultdict[tuple[str, int], int] = defaultdict(int)
        strip: list[MessageView] = []
        for view in views:
            hour = view.camp.id, int(view.received) // _HOUR_S
            heard[hour] += 1
            if heard[hour] <= STRIP_PER_HOUR_MAX:
                strip.append(view)
        return tuple(strip)

    def held(self, for_group: str | None) -> tuple[HeldView, ...]:
        """Posts that wait for a person, oldest first: all, or those a liaison of a group may release."""
        views = (
            held_view(row)
            for row in self._all(f"{SELECT_HELD} decided_s IS NULL ORDER BY received_s, id", {})
        )
        return tuple(
            view
            for view in views
            if for_group is None or view.channel == for_group or view.why == HeldWhy.MIC_CHECK
        )

    def posted_by(self, message_id: MessageId, device: bytes) -> bool:
        """Whether a message was posted or is held from the device with this hash of today."""
        row = self._one(
            "SELECT 1 FROM own_messages WHERE id = :id AND device = :device"
            " UNION ALL SELECT 1 FROM held WHERE id = :id AND device = :device",
            {"id": message_id, "device": device},
        )
        return row is not None

    def mute_of(self, message_id: MessageId, now_s: float) -> tuple[bool, float | None]:
        """Whether it is still known which phone of this camp posted a message, and until when it is muted."""
        row = self._one(
            "WITH poster (device) AS (SELECT device FROM own_messages WHERE id = :id"
            " UNION ALL SELECT device FROM held WHERE id = :id)"
            " SELECT p.device, m.until_s FROM poster p"
            " LEFT JOIN mutes m ON m.device = p.device AND m.until_s > :now",
            {"id": message_id, "now": now_s},
        )
        device, until_s = row if row is not None else (None, None)
        return device is not None, until_s

    # Channels and camps --------------------------------------------------------------------------

    def channels(self) -> tuple[ChannelView, ...]:
        """Channels in the order of the front page; those known only from other camps come last."""
        rows = self._all(
            "SELECT name, speaks, crosses, class, to_list, retention_days, is_group, heard, about,"
            " (SELECT count(*) FROM messages WHERE channel = name AND shown = 1),"
            " (SELECT sort_s FROM messages WHERE channel = name AND shown = 1 ORDER BY sort_s DESC LIMIT 1)"
            " FROM channels ORDER BY heard, position, name",
            {},
        )
        return tuple(_channel(row) for row in rows)

    def camp(self) -> CampName:
        """This camp."""
        return self._named(self._own_key())

    def is_silenced(self) -> bool:
        """Whether this camp's own key is dead, so that no other camp believes what it sends."""
        return self._one("SELECT 1 FROM farewells WHERE key = :own", {"own": self._own_key()}) is not None

    def own_card(self) -> CampView:
        """What this camp says of itself."""
        return next(camp for camp in self.camps() if camp.own)

    def camps(self) -> tuple[CampView, ...]:
        """Every camp known here, this one first, then by name."""
        bundles = {
            key: tuple(rest)
            for key, *rest in self._all("SELECT key, count(*), max(received_s) FROM bundles GROUP BY key", {})
        }
        introducers: defaultdict[bytes, list[str]] = defaultdict(list)
        for introducer, introduced in self._all("SELECT introducer, introduced FROM introductions", {}):
            introducers[introduced].append(self._named(introducer).name)
        rows = self._all(
            "WITH known (key) AS (SELECT key FROM keys UNION SELECT key FROM camps UNION SELECT :own)"
            " SELECT known.key, c.name, c.place, c.languages, c.contact, c.has_list,"
            " k.pinned_s IS NOT NULL, k.refused_s IS NOT NULL, f.key IS NOT NULL"
            " FROM known LEFT JOIN camps c ON c.key = known.key LEFT JOIN keys k ON k.key = known.key"
            " LEFT JOIN farewells f ON f.key = known.key",
            {"own": self._own_key()},
        )
        camps = [
            self._camp_view(row, bundles.get(row[0], (0, None)), tuple(sorted(introducers[row[0]])))
            for row in rows
        ]
        return tuple(sorted(camps, key=lambda camp: (not camp.own, camp.name.casefold(), camp.key)))

    # People --------------------------------------------------------------------------------------

    def cards(self) -> tuple[CardView, ...]:
        """Role cards, newest first."""
        rows = self._all(
            "SELECT id, role, group_name, name, made_s, until_s, revoked_s, revoked_why,"
            " (SELECT count(*) FROM sessions WHERE card = role_cards.id) FROM role_cards ORDER BY id DESC",
            {},
        )
        return tuple(
            CardView(number, Role(role), group, name, made, until, revoked, why or "", sessions)
            for number, role, group, name, made, until, revoked, why, sessions in rows
        )

    def sessions(self) -> tuple[SessionView, ...]:
        """Phones on which a card is in use, the latest used first."""
        return tuple(_session(row) for row in self._all(f"{_SESSION} ORDER BY s.used_s DESC, s.id", {}))

    def session(self, token_hash: bytes, now_s: float | None = None) -> SessionView | None:
        """The session of a token, None when it or its card has ended; the time, when given, counts too."""
        row = self._one(
            f"{_SESSION} WHERE s.token_hash = :hash AND c.revoked_s IS NULL"
            " AND (:now IS NULL OR ((c.until_s IS NULL OR c.until_s > :now) AND s.used_s > :now - :unused))",
            {"hash": token_hash, "now": now_s, "unused": SESSION_UNUSED_S},
        )
        return None if row is None else _session(row)

    def log(self, limit: int) -> tuple[LogEntry, ...]:
        """The public log, newest first."""
        rows = self._all(
            "SELECT seq, at_s, actor, act, target, why FROM moderation ORDER BY seq DESC LIMIT :limit",
            {"limit": limit},
        )
        return tuple(LogEntry(*row) for row in rows)

    def hotline(self) -> HotlineView | None:
        """The medic and legal card as it stands; None when there is none yet."""
        return next(iter(self.hotline_history()), None)

    def hotline_history(self) -> tuple[HotlineView, ...]:
        """It and what stood there before, newest first."""
        return tuple(
            HotlineView(*row) for row in self._all("SELECT at_s, text FROM hotline ORDER BY seq DESC", {})
        )

    # The file ------------------------------------------------------------------------------------

    def status(self) -> StoreStatus:
        """What the file knows of itself."""
        own = self._named(self._own_key())
        (place,) = self._one("SELECT place FROM camps WHERE key = :own", {"own": self._own_key()}) or ("",)
        ((messages, live, history, waiting, held, camps, unsent, sent),) = self._all(
            _COUNTS, {"own": self._own_key()}
        )
        ((pages,),), ((page_bytes,),) = self._all("PRAGMA page_count", {}), self._all("PRAGMA page_size", {})
        return StoreStatus(
            camp=own,
            place=place,
            messages=messages,
            bundles_live=live,
            bundles_history=history,
            own_waiting=waiting,
            held=held,
            camps=camps,
            letters_waiting=unsent,
            letters_sent=sent,
            file_bytes=pages * page_bytes,
            counters=tuple(
                Count(*row) for row in self._all("SELECT name, n FROM counters ORDER BY name", {})
            ),
        )

    def letters(self) -> LetterTables:
        """What the store keeps of letters: its questions work here, and nothing else does."""
        return LetterTables(self._connected())

    def registrations(self) -> RegistrationTables:
        """What the store keeps of registrations for lists, for questions as well."""
        return RegistrationTables(self._connected())

    def meta(self, name: str) -> str | int | float | bytes | None:
        """A small fact kept under a name; None when it is not there."""
        row = self._one("SELECT value FROM meta WHERE name = :name", {"name": name})
        return None if row is None else row[0]

    # ---------------------------------------------------------------------------------------------

    def _views(self, where: str, values: _Values) -> tuple[MessageView, ...]:
        rows = self._all(f"{SELECT_MESSAGES} {where}", {**values, "own": self._own_key()})
        return tuple(message_view(row) for row in rows)

    def _camp_view(self, row: _Row, bundles: _Row, introducers: tuple[str, ...]) -> CampView:
        key, name, place, languages, contact, has_list, pinned, refused, dead = row
        author = author_of(key).hex()
        own = key == self._own_key()
        return CampView(
            key=key,
            id=author,
            name=name or (self.camp().name if own else author),
            place=place or "",
            languages=tuple((languages or "").split()),
            contact=contact or "",
            has_list=bool(has_list),
            own=own,
            pinned=bool(pinned),
            admitted=not refused and not dead,
            waiting=bool(refused and not pinned),
            dead=bool(dead),
            introduced_by=introducers,
            heard=bundles[1],
            bundles=bundles[0],
        )

    def _named(self, key: bytes) -> CampName:
        author = author_of(key).hex()
        row = self._one("SELECT name FROM camps WHERE key = :key", {"key": key})
        if row is not None and row[0]:
            return CampName(author, row[0])
        name = self.meta("name") if key == self._own_key() else None
        return CampName(author, name if isinstance(name, str) and name else author)

    def _own_key(self) -> bytes:
        if not self._key:
            key = self.meta("key")
            if not isinstance(key, bytes):
                raise LookupError("the board has no camp yet")
            self._key = key
        return self._key

    def _one(self, sql: str, values: _Values) -> _Row | None:
        return next(iter(self._all(sql, values)), None)

    def _all(self, sql: str, values: _Values) -> list[_Row]:
        # Read to the end at once: a cursor left open would pin the log.
        return self._connected().execute(sql, values).fetchall()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection


_COUNTS = """
SELECT (SELECT count(*) FROM messages WHERE shown = 1),
    (SELECT count(*) FROM bundles WHERE live = 1),
    (SELECT count(*) FROM bundles WHERE live = 0),
    (SELECT count(*) FROM own_messages WHERE class IS NOT NULL AND bundle IS NULL),
    (SELECT count(*) FROM held WHERE decided_s IS NULL),
    (SELECT count(*) FROM (SELECT key FROM keys WHERE refused_s IS NULL UNION SELECT key FROM camps
        UNION SELECT :own)),
    (SELECT count(*) FROM letters_out WHERE state IN ('waiting', 'sending')),
    (SELECT count(*) FROM letters_out WHERE state IN ('sent', 'on_list'))
"""


def _channel(row: _Row) -> ChannelView:
    name, speaks, crosses, class_, to_list, days, is_group, heard, about, messages, newest = row
    return ChannelView(
        name=name,
        speaks=Speaks(speaks),
        crosses=bool(crosses),
        class_=class_,
        to_list=bool(to_list),
        retention_days=days,
        is_group=bool(is_group),
        heard=bool(heard),
        about=about,
        messages=messages,
        newest=newest,
    )


def _session(row: _Row) -> SessionView:
    number, card, role, *rest = row
    return SessionView(number, card, Role(role), *rest)
