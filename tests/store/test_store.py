"""Transactions, bundles, keys, own messages: what is told to be stored is stored, and nothing by halves."""

import sqlite3
from contextlib import suppress
from dataclasses import replace

import pytest

from sync import message
from sync.bundle import BundleClass
from sync.message import HERE, Kind, Message
from sync.reading import Reader
from sync.store import Store, StoreDamaged, StoreTooNew, WrongCamp
from sync.store.bundles import GHOSTS_MAX, READ_AT_ONCE, READ_BYTES_MAX
from sync.store.keys import KEYS_PER_AUTHOR_MAX, REFUSED_KEYS_MAX
from sync.store.schema import MIGRATIONS, RULES
from sync.views import Via
from tests.store.neighbour import (
    HOUR,
    NORTH,
    NOW_S,
    OWN,
    SOUTH,
    card,
    hear,
    id_of,
    post,
    read,
    say,
    seal_waiting,
    sealed,
)


@pytest.fixture
def store():
    opened = Store.open(None, OWN.key)
    yield opened
    opened.close()


@pytest.fixture
def board(tmp_path):
    return tmp_path / "board.sqlite3"


def texts(store):
    return [view.text for view in Reader.over(store).messages(None, None, 500).messages]


# -- the file ---------------------------------------------------------------------------------------


def test_the_file_is_opened_to_lose_nothing(board):
    store = Store.open(board, OWN.key)
    pragmas = {
        name: store.connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "recursive_triggers")
    }
    store.close()
    assert pragmas["journal_mode"] == "wal"
    assert pragmas["synchronous"] == 2
    assert pragmas["foreign_keys"] == 1
    assert pragmas["secure_delete"] == 1


def test_what_is_committed_is_there_after_reopening(board):
    store = Store.open(board, OWN.key)
    said = say(store, post("soup at six"))
    store.count("refused.cbor")
    store.close()
    again = Store.open(board, OWN.key)
    assert texts(again) == ["soup at six"]
    # The engine's clock begins anew, so what waits has waited from its beginning.
    assert [(each.id, each.waiting_since) for each in again.waiting()] == [(said, 0.0)]
    assert [(count.name, count.n) for count in Reader.over(again).status().counters] == [("refused.cbor", 1)]
    again.close()


def test_another_camps_key_does_not_open_the_board(board):
    Store.open(board, OWN.key).close()
    with pytest.raises(WrongCamp):
        Store.open(board, NORTH.key)


def test_a_board_of_a_later_version_is_refused_with_one_sentence(board):
    Store.open(board, OWN.key).close()
    with sqlite3.connect(board) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreTooNew, match=r"later miccheck .*install"):
        Store.open(board, OWN.key)


def test_an_older_board_is_brought_up_to_date(board, monkeypatch):
    store = Store.open(board, OWN.key)
    say(store, post("written by the older version"))
    store.close()
    newer = (*MIGRATIONS, "ALTER TABLE hotline ADD COLUMN language TEXT NOT NULL DEFAULT ''")
    monkeypatch.setattr("sync.store.database.MIGRATIONS", newer)
    migrated = Store.open(board, OWN.key)
    columns = [row[1] for row in migrated.connection.execute("PRAGMA table_info(hotline)")]
    assert columns[-1] == "language"
    assert migrated.connection.execute("PRAGMA user_version").fetchone() == (len(newer),)
    assert texts(migrated) == ["written by the older version"]
    migrated.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(board, monkeypatch):
    Store.open(board, OWN.key).close()
    broken = (*MIGRATIONS, "CREATE TABLE half (a); CREATE TABLE half (a)")
    monkeypatch.setattr("sync.store.database.MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        Store.open(board, OWN.key)
    monkeypatch.undo()
    store = Store.open(board, OWN.key)
    assert store.connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchone() is None
    store.close()


def test_every_table_says_how_long_it_keeps_and_what_wipes_it(store):
    tables = {
        name
        for (name,) in store.connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
            " AND name NOT LIKE 'messages!_search!_%' ESCAPE '!'"
        )
    }
    assert tables == set(RULES)
    assert all(rule.retention and rule.wiped_by for rule in RULES.values())


@pytest.mark.parametrize("content", [b"no database at all" * 500, b"SQLite format 3\0" + b"\xa5" * 8176])
def test_a_file_that_is_no_database_is_called_damaged(board, content):
    board.write_bytes(content)
    with pytest.raises(StoreDamaged):
        Store.open(board, OWN.key)


# -- transactions -----------------------------------------------------------------------------------


def test_a_transaction_that_fails_leaves_nothing(store):
    with suppress(KeyError), store.transaction():
        say(store, post("gone"))
        hear(store, NORTH, post("gone too"))
        store.count("refused.cbor")
        raise KeyError
    say(store, post("stays"))
    assert texts(store) == ["stays"]
    assert [view.text for view in Reader.over(store).search("gone", 9)] == []
    assert Reader.over(store).status().counters == ()


def test_a_job_that_fails_takes_only_itself_back(store):
    with store.transaction():
        say(store, post("before the bread"))
        with suppress(KeyError), store.savepoint():
            say(store, post("failed bread"))
            raise KeyError
        say(store, post("after the bread", second=NOW_S + 1))
    assert texts(store) == ["before the bread", "after the bread"]
    assert len(Reader.over(store).search("bread", 9)) == 2


def test_a_transaction_inside_another_is_our_fault(store):
    with store.transaction(), pytest.raises(RuntimeError), store.transaction():
        pass


# -- bundles ----------------------------------------------------------------------------------------


def test_a_bundle_is_kept_as_it_was_signed(store):
    made, bundle_id = sealed(NORTH, post("water at gate 4"), post("soup"))
    shown = hear(store, NORTH, post("water at gate 4"), post("soup"))
    assert [(each.channel, each.own, each.urgent) for each in shown] == [("general", False, False)] * 2
    assert store.wire_of(bundle_id) == made.wire
    assert store.key_of(bundle_id) == NORTH.key
    assert store.has_bundle(bundle_id)
    assert [(live.id, live.key, live.hour, live.class_, live.size) for live in store.live_bundles()] == [
        (bundle_id, NORTH.key, HOUR, BundleClass.POST, len(made.wire))
    ]
    assert store.ids_stored([bundle_id, bytes(16)]) == {bundle_id}
    store.set_live([bundle_id], False)
    assert store.live_bundles() == []
    assert [each.id for each in store.dormant_bundles()] == [bundle_id]


def test_a_bundle_heard_twice_changes_nothing(store):
    hear(store, NORTH, post("once"))
    assert hear(store, NORTH, post("once")) == ()
    assert texts(store) == ["once"]


def test_a_message_in_two_bundles_is_shown_once(store):
    hear(store, NORTH, post("in two"), post("first only"))
    shown = hear(store, NORTH, post("in two"), post("second only"))
    assert [each.id for each in shown] == [id_of(NORTH, post("second only"))]
    assert texts(store) == ["in two", "first only", "second only"]


def test_what_cannot_be_shown_is_carried_and_counted(store):
    tricky = Message(Kind.POST, NOW_S, body=b"\x00a\xe2\x80\xaeb")
    garbled = Message(Kind.POST, NOW_S, body=b"\xc8what codec is that")
    later = Message(99, NOW_S, body=b"\x00poll")
    made, bundle_id = sealed(NORTH, tricky, garbled, later, post("plain"))
    shown = hear(store, NORTH, tricky, garbled, later, post("plain"))
    assert len(shown) == 1
    assert store.wire_of(bundle_id) == made.wire
    counters = {count.name: count.n for count in Reader.over(store).status().counters}
    assert counters == {"refused.text": 1, "refused.codec": 1, "refused.kind": 1}


def test_dead_ids_and_ghosts_are_remembered(store):
    store.add_dead_ids([b"d" * 16], HOUR)
    assert store.is_dead(b"d" * 16)
    assert not store.is_dead(b"e" * 16)
    with store.transaction():
        for n in range(GHOSTS_MAX + 3):
            store.add_ghost(n.to_bytes(16, "big"))
        store.add_ghost((5).to_bytes(16, "big"))
    ghosts = store.ghosts()
    assert len(ghosts) == GHOSTS_MAX
    assert ghosts[0] == (3).to_bytes(16, "big")
    store.forget_ghosts()
    assert store.ghosts() == ()


# -- keys -------------------------------------------------------------------------------------------


def test_four_admitted_keys_of_one_author_id(store, monkeypatch):
    monkeypatch.setattr("sync.store.keys.author_of", lambda _key: b"same aut")
    keys = [bytes([n]) * 32 for n in range(KEYS_PER_AUTHOR_MAX + 1)]
    assert [store.add_key(key, HOUR) for key in keys] == [True] * KEYS_PER_AUTHOR_MAX + [False]
    assert store.add_key(keys[0], HOUR + 1)
    assert set(store.keys_of(b"same aut")) == set(keys[:KEYS_PER_AUTHOR_MAX])


def test_camps_that_wait_are_few_and_the_latest(store):
    keys = [n.to_bytes(32, "big") for n in range(REFUSED_KEYS_MAX + 5)]
    for at_s, key in enumerate(keys):
        store.refuse_key(key, at_s)
    assert store.waiting_camps() == tuple(reversed(keys[5:]))


def test_a_pin_ends_the_wait_and_is_taken_back(store):
    store.refuse_key(NORTH.key, NOW_S)
    store.pin(NORTH.key, NOW_S, introduce=False)
    store.refuse_key(NORTH.key, NOW_S + 1)
    assert store.waiting_camps() == ()
    assert store.pins() == {NORTH.key: False}
    store.unpin(NORTH.key)
    assert store.pins() == {}


# -- own messages -----------------------------------------------------------------------------------


def test_the_same_words_in_one_second_are_two_messages(store):
    first, second = say(store, post("yes")), say(store, post("yes"))
    assert first != second
    assert first == id_of(OWN, post("yes"))
    assert second == id_of(OWN, post("yes", salt=1))


def test_an_own_message_keeps_its_id_place_and_words_when_sealed(store):
    say(store, post("alert", Kind.MIC_CHECK), BundleClass.POST)
    said = say(store, post("second"))
    say(store, post("never leaves", channel=HERE), None)
    before = texts(store)
    assert [each.id for each in store.waiting()][1] == said
    assert store.waiting_message(said).bytes == message.encode(post("second"))
    seal_waiting(store)
    assert texts(store) == before
    assert store.waiting() == []
    with pytest.raises(LookupError):
        store.waiting_message(said)


def test_a_class_0_message_waits_before_others(store):
    slow = say(store, post("slow"))
    fast = say(store, post("fast", Kind.MIC_CHECK), BundleClass.ALERT)
    assert [each.id for each in store.waiting()] == [fast, slow]


def test_a_neighbour_is_noted_once_and_for_own_bundles_only(store):
    say(store, post("mine"))
    own_bundle = seal_waiting(store)
    hear(store, NORTH, post("theirs"))
    _, foreign = sealed(NORTH, post("theirs"))
    assert store.note_neighbour_has(own_bundle, NORTH.key)
    assert not store.note_neighbour_has(own_bundle, NORTH.key)
    assert not store.note_neighbour_has(foreign, SOUTH.key)
    assert store.mark_sent(own_bundle, NOW_S)
    assert not store.mark_sent(own_bundle, NOW_S + 1)
    assert not store.mark_sent(foreign, NOW_S)


def test_channels_of_a_new_camp(store):
    rules = {name: store.channel(name) for name in ("general", "announcements", "here", "letters")}
    assert [(r.speaks, r.crosses, int(r.class_), r.to_list, r.retention_days) for r in rules.values()] == [
        ("anyone", True, 1, False, 7),
        ("liaisons", True, 1, True, 7),
        ("anyone", False, 2, False, 2),
        ("anyone", True, 1, False, 7),
    ]
    assert store.channel("kitchen") is None


def test_a_letter_taken_in_here_came_by_the_list(store):
    letter = post("Re: kitchen", Kind.LETTER, channel="letters", reference=b"hash of.")
    say(store, letter)
    assert [view.via for view in Reader.over(store).newest("letters", None, 9)] == [Via.LIST]


def test_a_card_counts_only_for_its_own_camp(store):
    hear(store, NORTH, Message(Kind.CARD, NOW_S, body=card(SOUTH, "South").body, reference=SOUTH.key))
    assert store.connection.execute("SELECT * FROM camps").fetchall() == []


# -- a flood ----------------------------------------------------------------------------------------


def flood(store, count, **fields):
    for n in range(count):
        hear(store, NORTH, post(f"number {n}", second=NOW_S + n, **fields))


def test_in_a_flood_all_is_carried_at_once_and_read_right_after(store):
    with store.transaction():
        flood(store, READ_AT_ONCE + 5)
        urgent = hear(store, SOUTH, post("help", Kind.MIC_CHECK), class_=BundleClass.ALERT)
    assert len(store.live_bundles()) == READ_AT_ONCE + 6
    assert [each.urgent for each in urgent] == [True]
    assert store.unread() == 5
    assert hear(store, NORTH, post("waits behind the others")) == ()
    reader = Reader.over(store)
    seen = reader.messages(None, None, 500)
    assert [view.text for view in seen.messages] == [f"number {n}" for n in range(READ_AT_ONCE)]

    first, rest = store.read_waiting(4), store.read_waiting(500)

    assert [(each.key, each.via, each.live) for each in first] == [(NORTH.key, Via.RADIO, True)] * 4
    assert [read(reader, each.shown.id).text for each in rest] == ["number 20", "waits behind the others"]
    assert store.unread() == 0
    assert store.read_waiting(500) == ()
    onward = reader.messages(None, seen.messages[-1].id, 500)
    assert len(onward.messages) == 7
    before = texts(store)
    store.rebuild(lambda _done, _of: None)
    assert texts(store) == before


def test_what_was_not_read_when_the_power_went_is_read_afterwards(board):
    store = Store.open(board, OWN.key)
    with store.transaction():
        flood(store, READ_AT_ONCE + 2)
    store.close()
    again = Store.open(board, OWN.key)
    assert again.unread() == 2
    assert len(again.read_waiting(500)) == 2
    again.close()


def test_a_flood_rolled_back_leaves_nothing_to_read(store):
    with suppress(KeyError), store.transaction():
        flood(store, READ_AT_ONCE + 2)
        raise KeyError
    assert store.unread() == 0
    assert len(hear(store, NORTH, post("after it"))) == 1


def test_what_is_read_after_a_flood_is_read_in_slices_of_its_bytes(store):
    dear = b"\2\x7f" + bytes(2_040)  # of the dearest codec: 30 ms a text, whatever is in it
    count = 4 * READ_BYTES_MAX // len(dear)
    with store.transaction():
        flood(store, READ_AT_ONCE)
        for salt in range(count):
            hear(store, NORTH, replace(post("x"), body=dear, salt=salt))
    assert store.unread() == count
    slices = 0
    while left := store.unread():
        store.read_waiting(500)
        slices += 1
        assert (left - store.unread()) * len(dear) <= READ_BYTES_MAX + len(dear)
    assert slices >= 2
