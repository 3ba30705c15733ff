"""What is known of registrations: whatever order it comes in, bounded, forgotten by its rules, saved."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import cbor
from sync.bundle import hour_of
from sync.codec import pack
from sync.message import Kind, Message
from sync.registrations import (
    SEALED_BYTES,
    JoinState,
    read_registration,
    registration_id,
    registration_reference,
    states_reference,
)
from sync.store import Store
from sync.store.join_letters import JoinLetterTables
from sync.store.registrations import OF_A_CAMP_MAX, UNKNOWN_STATES_MAX, RegistrationTables
from sync.store.retention import sweep
from sync.store.rows import Wipe
from sync.store.salvage import salvage
from tests.store.neighbour import NORTH, NOW_S, OWN, SOUTH, hear, say

LIST = b"list"
BOX = Random(1).randbytes(SEALED_BYTES)
ID = registration_id(NORTH.author, BOX)
DAY_S = 86_400


@pytest.fixture
def store():
    opened = Store.open(None, OWN.key)
    yield opened
    opened.close()


def registering(box=BOX, second=NOW_S):
    return Message(Kind.REGISTRATION, second, body=pack(box), reference=registration_reference(LIST))


def withdrawing(box=b"", second=NOW_S + 9, id_=ID):
    body = pack(box) if box else b""
    return Message(Kind.REGISTRATION, second, body=body, reference=registration_reference(LIST, id_))


def saying(*states, words="", second=NOW_S):
    body = pack(words.encode()) if words else b""
    return Message(Kind.REGISTRATION_STATE, second, body=body, reference=states_reference(states))


def posting(camp, *lists, has_list=1):
    """A card, as of before lists were named on it when none is."""
    values: list[cbor.Value] = ["South", "", "en", "", has_list]
    body = pack(cbor.encode([*values, 0, b"".join(lists)] if lists else values))
    return Message(Kind.CARD, NOW_S, body=body, reference=camp.key)


def due(store):
    tables = JoinLetterTables(store.connection)
    return len(tables.joining("camps", LIST)), len(tables.leaving("camps", LIST))


def table(store):
    rows = store.connection.execute("SELECT id, key, sealed, second, withdrawn FROM registrations")
    states = store.connection.execute("SELECT id, key, state, words FROM registration_states")
    return sorted(rows.fetchall(), key=repr), sorted(states.fetchall(), key=repr)


SAID = [
    (NORTH, registering()),
    (NORTH, registering(second=NOW_S + 5)),
    (NORTH, withdrawing()),
    (NORTH, withdrawing(BOX, NOW_S + 7)),
    (SOUTH, saying((ID, JoinState.ASKED))),
    (SOUTH, saying((ID, JoinState.REFUSED), words="no", second=NOW_S + 1)),
]


@given(st.permutations(SAID))
@settings(max_examples=12, deadline=None)
def test_whatever_comes_first_it_is_the_same(order):
    known = []
    for said in (SAID, order):
        store = Store.open(None, OWN.key)
        for camp, message in said:
            hear(store, camp, message)
        known.append(table(store))
        store.rebuild(lambda _done, _of: None)
        known.append(table(store))
        store.close()
    assert known[1:] == known[:-1]


def test_what_is_due_follows_from_what_camps_say(store):
    hear(store, SOUTH, posting(SOUTH, LIST))
    hear(store, NORTH, registering())
    assert due(store) == (1, 0)
    hear(store, SOUTH, saying((ID, JoinState.ASKED)))
    assert due(store) == (0, 0)
    hear(store, NORTH, withdrawing())
    assert due(store) == (0, 1)
    hear(store, SOUTH, saying((ID, JoinState.TOLD), second=NOW_S + 20))
    assert due(store) == (0, 0)


@pytest.mark.parametrize(
    ("card", "counts"),
    [
        (None, False),
        (posting(SOUTH, has_list=0), False),
        (posting(SOUTH, b"else"), False),
        (posting(SOUTH, b"else", LIST), True),
        (posting(SOUTH), True),
        (posting(NORTH, LIST), False),
    ],
)
@pytest.mark.parametrize("state", [JoinState.ASKED, JoinState.CONFIRMED, JoinState.REFUSED])
def test_only_who_posts_to_a_list_says_what_became_of_it(store, card, counts, state):
    hear(store, NORTH, registering())
    hear(store, SOUTH, saying((ID, state)))
    if card is not None:
        hear(store, SOUTH, card)  # in whatever order they come
    assert due(store) == (0 if counts else 1, 0)
    assert len(RegistrationTables(store.connection).said_of(ID, LIST)) == counts


@pytest.mark.parametrize("state", [JoinState.TOLD, JoinState.WITHDRAWN])
def test_nobody_else_says_that_an_owner_was_told(store, state):
    hear(store, NORTH, registering(), withdrawing(BOX))
    hear(store, SOUTH, saying((ID, state)))
    assert due(store) == (0, 1)


def test_what_is_withdrawn_before_it_is_asked_is_nobodys_business(store):
    hear(store, NORTH, withdrawing())
    hear(store, NORTH, registering())
    assert due(store) == (0, 0)


def test_nobody_withdraws_what_another_camp_registered(store):
    hear(store, NORTH, registering())
    hear(store, SOUTH, withdrawing())
    assert due(store) == (1, 0)


def test_a_copy_is_another_registration(store):
    hear(store, NORTH, registering())
    hear(store, SOUTH, registering())
    hear(store, NORTH, withdrawing())
    tables = JoinLetterTables(store.connection)
    (left,) = tables.joining("camps", LIST)
    assert (left.id, left.camp) == (registration_id(SOUTH.author, BOX), SOUTH.author)


def test_one_camp_fills_no_box(store):
    chance = Random(2)
    tables = RegistrationTables(store.connection)
    with store.transaction():
        for number in range(OF_A_CAMP_MAX + 20):
            said = registering(chance.randbytes(SEALED_BYTES))
            camp = NORTH if number else SOUTH
            read = read_registration(camp.author, said.reference, said.content)
            tables.hear(camp.key, read, NOW_S, NOW_S + number)
        states = [(chance.randbytes(8), JoinState.ASKED) for _ in range(UNKNOWN_STATES_MAX + 50)]
        tables.hear_states(SOUTH.key, states, "", NOW_S, NOW_S)
    counts = store.connection.execute("SELECT key, count(*) FROM registrations GROUP BY key").fetchall()
    assert dict(counts) == {NORTH.key: OF_A_CAMP_MAX, SOUTH.key: 1}
    (known,) = store.connection.execute("SELECT count(*) FROM registration_states").fetchone()
    assert known == UNKNOWN_STATES_MAX


def fill(store):
    """One of everything."""
    hear(store, SOUTH, posting(SOUTH, LIST))
    hear(store, NORTH, registering())
    hear(store, SOUTH, saying((ID, JoinState.ASKED)))
    tables, letters = RegistrationTables(store.connection), JoinLetterTables(store.connection)
    with store.transaction():
        for number, withdrawn in ((1, False), (2, True)):
            id_ = bytes([number]) * 8
            tables.add_own(id_, (LIST, "camps"), f"tent {number}", None, BOX, b"m", NOW_S)
            if withdrawn:
                tables.withdraw_own(id_, NOW_S)
        letters.make(b"t" * 10, "camps", False, letters.joining("camps", LIST), NOW_S)


TABLES = ("registrations_own", "registrations", "registration_states", "join_letters", "join_letter_lines")


def counts(store):
    return [store.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES]


def test_each_table_forgets_by_its_rule(store):
    hear(store, SOUTH, saying((ID, JoinState.ASKED)))
    fill(store)
    store.connection.execute("INSERT INTO join_letter_lines VALUES (?, 1, ?, ?)", (b"t" * 10, ID, NORTH.key))
    left = []
    for days in (1, 29, 31, 399, 401):
        now_s = NOW_S + days * DAY_S
        sweep(store, now_s, hour_of(now_s))
        left.append(counts(store))
    assert left == [[2, 1, 1, 1, 1], [2, 1, 1, 1, 1], [1, 0, 1, 1, 1], [1, 0, 1, 1, 1], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("what", "left"),
    [
        (Wipe.MESSAGES, [2, 0, 0, 0, 0]),
        (Wipe.PEOPLE, [0, 1, 1, 1, 0]),
        (Wipe.CAMP, [0, 0, 0, 0, 0]),
    ],
)
def test_each_table_is_wiped_with_what_it_tells_of(store, what, left):
    fill(store)
    store.wipe(what)
    assert counts(store) == left


def test_a_number_is_given_once(store):
    tables = RegistrationTables(store.connection)
    with store.transaction():
        assert tables.add_own(b"1" * 8, (LIST, "camps"), "", None, BOX, b"m", NOW_S) == 1
    later_s = NOW_S + 500 * DAY_S
    sweep(store, later_s, hour_of(later_s))
    with store.transaction():
        assert tables.add_own(b"2" * 8, (LIST, "camps"), "", None, BOX, b"m", int(later_s)) == 2


def test_a_damaged_board_keeps_who_registered(tmp_path):
    path = tmp_path / "board.sqlite3"
    store = Store.open(path, OWN.key)
    fill(store)
    say(store, registering())
    before = counts(store)
    store.close()
    salvage(path, OWN)
    saved = Store.open(path, OWN.key)
    # Own messages are read again too, and one of them is a registration.
    assert counts(saved) == before
    saved.close()
