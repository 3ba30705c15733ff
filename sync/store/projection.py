"""From signed bytes to the tables that pages read.

Every effect here is the same whether a message is projected when it arrives or in a rebuild a month later,
and whether a change (retract, supersede) comes before or after what it changes.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from itertools import groupby

from sync import cbor
from sync import message as messages
from sync.bundle import LIFE_HOURS, BundleClass, BundleId, seconds_of
from sync.message import PARENT_BYTES, Kind, Message, MessageId, identify
from sync.receipts import LIST_BYTES, LISTS_MAX, UTC_OFFSET_MAX, Word, read_receipt
from sync.registrations import WORDS_BYTES_MAX, read_registration, read_states
from sync.reject import Reason, Reject
from sync.signing import KEY_BYTES, SIGNATURE_BYTES, author_of, farewell_input, verify
from sync.store.registrations import RegistrationTables
from sync.store.rows import ShownMessage
from sync.text import NICKNAME_BYTES_MAX, is_tricky, tidy_name
from sync.views import Speaks, Via

# A bundle holds eight messages at most, so eight places belong to one receipt.
SEQS_PER_RECEIPT = 8
# Channel names heard from other camps. A front page of more is no front page, and every name is a stranger's
# to choose; what comes in further channels is kept and found by search.
HEARD_CHANNELS_MAX = 64
# A street and a square, three telephone numbers: what fits four lines of a phone.
CARD_FIELD_BYTES_MAX = 200
POSTS_DAYS, GROUP_DAYS = 7, 30
ECHO_PREFIX_BYTES = 4

_READ = frozenset({Kind.POST, Kind.MIC_CHECK, Kind.LETTER})
_CHANGES = frozenset({Kind.RETRACT, Kind.SUPERSEDE})
_ADMISSION = frozenset({Kind.INTRODUCTION, Kind.FAREWELL})
_WITH_TEXT = _READ | {Kind.SUPERSEDE}

_INSERT = """
INSERT INTO messages (seq, id, prefix, bundle, key, own, kind, channel, nickname, role, parent, reference,
    text, created_s, received_s, sort_s, via, live_hours, hour, shown)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""
_LETTER_IS_HERE = "SELECT 1 FROM messages WHERE reference = ? AND kind = 8 AND shown = 1"
# The same second, name and words: a list that writes Message-IDs anew gave each gateway another one.
_SAME_LETTER = """
SELECT reference FROM messages
WHERE channel = ? AND shown = 1 AND sort_s = ? AND kind = 8 AND nickname = ? AND text = ?
    AND reference IS NOT NULL
"""
# Asked of every post, unless nobody has ever changed anything.
_CHANGED = """
SELECT kind, text FROM messages WHERE parent = ? AND key = ? AND kind IN (2, 3) ORDER BY created_s, id
"""
_ANY_CHANGE = "SELECT EXISTS (SELECT 1 FROM messages WHERE kind IN (2, 3) AND parent IS NOT NULL)"
_CARD = """
INSERT INTO camps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
    name = excluded.name, place = excluded.place, languages = excluded.languages, contact = excluded.contact,
    has_list = excluded.has_list, card_second = excluded.card_second, heard_s = excluded.heard_s,
    utc_offset = excluded.utc_offset, lists = excluded.lists
WHERE excluded.card_second > camps.card_second
"""
# Of what a camp says of one message and one list: that it posted it stands; else its latest word.
_RECEIPT = f"""
INSERT INTO receipts (prefix, key, list, word, second) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (prefix, key, list) DO UPDATE SET word = excluded.word, second = excluded.second
WHERE word <> {int(Word.POSTED)}
    AND (excluded.word = {int(Word.POSTED)} OR (excluded.second, excluded.word) > (second, word))
"""
_GROUP = """
INSERT INTO channels VALUES (?, 1000, 'liaisons', 1, 1, 0, ?, 1, ?, ?, 1) ON CONFLICT (name) DO UPDATE SET
    speaks = excluded.speaks, is_group = 1, about = excluded.about, retention_days = excluded.retention_days
WHERE heard = 1
"""
_HEARD_CHANNEL = (
    "INSERT INTO channels VALUES (?, 1000, ?, 1, 1, 0, ?, 0, '', ?, 1) ON CONFLICT (name) DO NOTHING"
)
_SEARCH_INSERT = "INSERT INTO messages_search (rowid, text, nickname) VALUES (?, ?, ?)"
_SEARCH_DELETE = (
    "INSERT INTO messages_search (messages_search, rowid, text, nickname) VALUES ('delete', ?, ?, ?)"
)

PROJECTIONS = ("messages", "camps", "introductions", "echoes", "receipts")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where messages come from: one bundle, or one own message that no bundle holds."""

    seq: int  # receipt number
    key: bytes
    own: bool
    bundle: BundleId | None
    hour: int | None  # of sealing
    class_: BundleClass | None  # None: never leaves the camp
    received_s: float
    via: Via


# Whoever mints keys can mint their farewells. Those of keys nobody here met go first, the oldest of them.
FAREWELLS_MAX = 4_096
_FAREWELLS_OVER = """
DELETE FROM farewells WHERE key IN (
    SELECT key FROM farewells LEFT JOIN keys USING (key)
    ORDER BY keys.key IS NOT NULL DESC, received_s DESC LIMIT -1 OFFSET ?)
"""


class Projection:
    """Writes the projections of one camp's file, on the writer's connection."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        self._channels: set[str] = set()
        self._registrations = RegistrationTables(connection)
        self._has_changes: bool | None = None  # None: to be looked up
        # Search rows laid aside until the commit. FTS5 writes its segments at every savepoint, and one
        # segment of a hundred messages costs a fifth of a hundred segments of one.
        self._search: list[tuple[str, int, str, str]] = []

    def receipt(
        self, receipt: Receipt, number: int, raw: bytes, near_s: int, known_as: MessageId | None = None
    ) -> ShownMessage | None:
        """Project message `number` of a receipt; what pages show because of it and did not before.

        `known_as` is the id of an own message whose words may be forgotten since it was made.

        Raises Reject (SHAPE, KIND, CODEC, TEXT, CBOR, ENCODING) for a message that is carried and not shown.
        """
        message = messages.decode(raw, near_s, local=receipt.bundle is None)
        text = message.text if message.kind in _WITH_TEXT else ""
        message_id = identify(receipt.key, raw) if known_as is None else known_as
        seq = receipt.seq * SEQS_PER_RECEIPT + number
        second = self._is_second_letter(message)
        if not second and message.kind == Kind.LETTER and (twin := self._twin(receipt, message)):
            message, second = replace(message, reference=twin), True
        shown = message.kind in _READ and not second
        values = _values(receipt, seq, message_id, message, text, shown)
        if self._connection.execute(_INSERT, values).rowcount == 0:
            return None
        self._effect(receipt, message)
        news = ShownMessage(message_id, message.kind, message.channel, receipt.own, message.urgent)
        if not shown:
            return news if message.kind in _ADMISSION else None
        self._search.append((_SEARCH_INSERT, seq, text, message.nickname))
        self._hear_channel(message.channel, receipt)
        if self._settle(message_id[:PARENT_BYTES], receipt.key):
            return None
        return news

    def clear(self) -> None:
        """Empty every projection."""
        self._search.clear()
        self._channels.clear()
        self._has_changes = None
        for table in PROJECTIONS:
            self._connection.execute(f"DELETE FROM {table}")
        self._connection.execute("INSERT INTO messages_search (messages_search) VALUES ('delete-all')")

    def unsearch(self, seq: int, text: str, nickname: str) -> None:
        """Take a message out of the search index; its row must go or change in the same transaction."""
        self._search.append((_SEARCH_DELETE, seq, text, nickname))

    def forget_words(self, message_id: MessageId) -> None:
        """Leave nothing of a message's text and nickname where pages and search read."""
        found = self._connection.execute(
            "SELECT seq, text, nickname, shown FROM messages WHERE id = ?", (message_id,)
        ).fetchone()
        if found is None:
            return
        seq, text, nickname, shown = found
        self._connection.execute("UPDATE messages SET text = '', nickname = '' WHERE seq = ?", (seq,))
        if shown:
            self.unsearch(seq, text, nickname)
            self._search.append((_SEARCH_INSERT, seq, "", ""))

    def flush(self) -> None:
        """Write what was laid aside for the search index."""
        for statement, rows in groupby(self._search, key=lambda row: row[0]):
            self._connection.executemany(statement, (row[1:] for row in rows))
        self._search.clear()

    def laid_aside(self) -> int:
        """How many search rows wait for `flush`."""
        return len(self._search)

    def forget(self, mark: int = 0) -> None:
        """Drop what was laid aside since `mark`, because its rows are rolled back."""
        del self._search[mark:]
        self._channels.clear()
        self._has_changes = None

    def _is_second_letter(self, message: Message) -> bool:
        """Whether two gateways took the same letter from a list, and this is the second to arrive."""
        if message.kind != Kind.LETTER or not message.reference:
            return False
        return self._connection.execute(_LETTER_IS_HERE, (message.reference,)).fetchone() is not None

    def _twin(self, receipt: Receipt, message: Message) -> bytes | None:
        """The reference of a letter here that is the same under another Message-ID. From here on it is known
        by that: answers to either stand in one thread."""
        sort_s = min(message.second, receipt.received_s)
        values = (message.channel, sort_s, message.nickname, message.text)
        row = self._connection.execute(_SAME_LETTER, values).fetchone()
        return None if row is None else bytes(row[0])

    def _settle(self, prefix: bytes, key: bytes) -> bool:
        """Apply every change its author made to a message; whether it is retracted."""
        if not self._may_be_changed():
            return False
        changes = self._connection.execute(_CHANGED, (prefix, key)).fetchall()
        if not changes:
            return False
        retracted = any(kind == Kind.RETRACT for kind, _ in changes)
        text = "" if retracted else changes[-1][1]
        targets = self._connection.execute(
            "SELECT seq, text, nickname, shown FROM messages"
            " WHERE prefix = ? AND key = ? AND kind IN (0, 1, 8)",
            (prefix, key),
        ).fetchall()
        for seq, old, nickname, shown in targets:
            self._connection.execute(
                "UPDATE messages SET text = ?, retracted = ? WHERE seq = ?", (text, retracted, seq)
            )
            if shown:
                self.unsearch(seq, old, nickname)
                self._search.append((_SEARCH_INSERT, seq, text, nickname))
        return retracted

    def _may_be_changed(self) -> bool:
        """Whether any message changes another. Once it is so, it is taken to stay so."""
        if self._has_changes is None:
            self._has_changes = bool(self._connection.execute(_ANY_CHANGE).fetchone()[0])
        return self._has_changes

    def _hear_channel(self, name: str, receipt: Receipt) -> None:
        if name in self._channels:
            return
        if self._knows_channel(name):
            self._channels.add(name)
        elif self._may_hear_another():
            values = (name, Speaks.ANYONE, POSTS_DAYS, int(receipt.received_s))
            self._connection.execute(_HEARD_CHANNEL, values)
            self._channels.add(name)

    def _knows_channel(self, name: str) -> bool:
        row = self._connection.execute("SELECT 1 FROM channels WHERE name = ?", (name,)).fetchone()
        return row is not None

    def _may_hear_another(self) -> bool:
        heard = self._connection.execute("SELECT count(*) FROM channels WHERE heard = 1").fetchone()[0]
        return bool(heard < HEARD_CHANNELS_MAX)

    def _effect(self, receipt: Receipt, message: Message) -> None:
        """What a message does besides standing in a channel."""
        match message.kind:
            case Kind.RETRACT | Kind.SUPERSEDE:
                self._has_changes = True
                self._settle(message.parent, receipt.key)
            case Kind.CARD:
                self._card(receipt, message)
            case Kind.INTRODUCTION:
                self._introduction(receipt, message)
            case Kind.GROUP:
                self._group(receipt, message)
            case Kind.RECEIPT:
                self._receipts(receipt, message)
            case Kind.ECHO:
                self._prefixes("echoes", ECHO_PREFIX_BYTES, receipt.key, message.reference)
            case Kind.FAREWELL:
                self._farewell(receipt, message)
            case Kind.REGISTRATION:
                self._registration(receipt, message)
            case Kind.REGISTRATION_STATE:
                self._registration_states(receipt, message)
            case _:
                pass  # it stands in its channel, and that is all

    def _card(self, receipt: Receipt, message: Message) -> None:
        if message.reference != receipt.key:
            return  # a camp speaks for itself only
        fields = _strings(message, 4)
        has_list, utc_offset, lists = _mail_fields(_body(message))
        if len(fields[0].encode()) > NICKNAME_BYTES_MAX:
            raise Reject(Reason.TEXT)
        key = receipt.key
        name, *rest = fields
        # One line with single spaces, as our own: a blank more must not make another camp's name one's own.
        stamps = (message.second, receipt.received_s)
        values = (key, author_of(key), tidy_name(name), *rest, has_list, *stamps, utc_offset, lists)
        self._connection.execute(_CARD, values)

    def _introduction(self, receipt: Receipt, message: Message) -> None:
        # Own introductions follow from the pins; a pin taken back must not live on in them.
        if receipt.own or len(message.reference) != KEY_BYTES or message.reference == receipt.key:
            return
        hour = receipt.hour or 0
        values = (receipt.key, message.reference, hour)
        self._connection.execute("INSERT OR IGNORE INTO introductions VALUES (?, ?, ?)", values)

    def _group(self, receipt: Receipt, message: Message) -> None:
        (about,) = _strings(message, 1)
        if self._knows_channel(message.channel) or self._may_hear_another():
            values = (message.channel, GROUP_DAYS, about, int(receipt.received_s))
            self._connection.execute(_GROUP, values)

    def _receipts(self, receipt: Receipt, message: Message) -> None:
        said = read_receipt(message.content)
        if said is None:
            return  # a word of a later version
        list_digest, word = said
        reference, key = message.reference, receipt.key
        prefixes = prefixes_of(reference, PARENT_BYTES)
        rows = [(prefix, key, list_digest, int(word), message.second) for prefix in prefixes]
        self._connection.executemany(_RECEIPT, rows)

    def _prefixes(self, table: str, width: int, key: bytes, reference: bytes) -> None:
        rows = [(prefix, key) for prefix in prefixes_of(reference, width)]
        self._connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", rows)

    def _farewell(self, receipt: Receipt, message: Message) -> None:
        key, signature = message.reference[:KEY_BYTES], message.reference[KEY_BYTES:]
        if len(signature) != SIGNATURE_BYTES or not verify(key, farewell_input(key), signature):
            raise Reject(Reason.SIGNATURE)
        values = (key, signature, int(receipt.received_s))
        self._connection.execute("INSERT OR IGNORE INTO farewells VALUES (?, ?, ?)", values)
        self._connection.execute(_FAREWELLS_OVER, (FAREWELLS_MAX,))

    def _registration(self, receipt: Receipt, message: Message) -> None:
        said = read_registration(author_of(receipt.key), message.reference, message.content)
        self._registrations.hear(receipt.key, said, message.second, receipt.received_s)

    def _registration_states(self, receipt: Receipt, message: Message) -> None:
        states = read_states(message.reference)
        words = message.text
        if len(words.encode()) > WORDS_BYTES_MAX or "\n" in words:
            raise Reject(Reason.TEXT)
        self._registrations.hear_states(receipt.key, states, words, message.second, receipt.received_s)


def near_second(hour: int) -> int:
    """The Unix second near which the stamps of a bundle's messages are read."""
    return seconds_of(hour)


def _values(
    receipt: Receipt, seq: int, message_id: MessageId, message: Message, text: str, shown: bool
) -> tuple[object, ...]:
    return (
        seq,
        message_id,
        message_id[:PARENT_BYTES],
        receipt.bundle,
        receipt.key,
        receipt.own,
        message.kind,
        message.channel,
        message.nickname,
        int(message.role),
        message.parent or None,
        message.reference or None,
        text,
        message.second,
        receipt.received_s,
        min(message.second, receipt.received_s),
        receipt.via.value,
        0 if receipt.class_ is None else LIFE_HOURS[receipt.class_],
        receipt.hour,
        shown,
    )


def prefixes_of(reference: bytes, width: int) -> list[bytes]:
    """The prefixes that a reference holds; a part of one at the end is none."""
    return [reference[at : at + width] for at in range(0, len(reference) - width + 1, width)]


def _mail_fields(fields: list[cbor.Value]) -> tuple[bool, int, bytes | None]:
    """Of a card: whether the camp has a list, its minutes east of UTC, and which lists (None: not said).

    What is not as it should be counts as not said: a card tells a camp's name all the same.
    """
    utc_offset, lists = [*fields[5:7], None, None][:2]
    minutes = utc_offset if type(utc_offset) is int and abs(utc_offset) <= UTC_OFFSET_MAX else 0
    good = isinstance(lists, bytes) and len(lists) % LIST_BYTES == 0
    told = lists[: LISTS_MAX * LIST_BYTES] if isinstance(lists, bytes) and good else None
    return fields[4:5] == [1], minutes, told


def _body(message: Message) -> list[cbor.Value]:
    body = cbor.decode(message.content)
    if not isinstance(body, list):
        raise Reject(Reason.SHAPE)
    return body


def _strings(message: Message, count: int) -> list[str]:
    """The first `count` fields of a body that is an array of texts."""
    fields = _body(message)[:count]
    texts = [field for field in fields if isinstance(field, str)]
    if len(texts) < count:
        raise Reject(Reason.SHAPE)
    if any(is_tricky(text) or len(text.encode()) > CARD_FIELD_BYTES_MAX for text in texts):
        raise Reject(Reason.TEXT)
    return texts
