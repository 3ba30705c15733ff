"""What a transaction remembers of the keys it read is never older than the table."""

import pytest

from sync.signing import Identity
from sync.store import Store

ME, CAMP, OTHER = (Identity(bytes([n]) * 32) for n in (1, 2, 3))
HOUR, NOW_S = 7_000, 1_795_000_000.0


class Undone(Exception):
    pass


def add_and_give_up(store):
    store.add_key(CAMP.key, HOUR)
    assert store.keys_of(CAMP.author) == (CAMP.key,)
    raise Undone


@pytest.fixture
def store():
    store = Store.open(None, ME.key)
    yield store
    store.close()


def test_a_key_is_there_in_the_transaction_that_added_it(store):
    with store.transaction():
        assert store.keys_of(CAMP.author) == ()
        assert store.add_key(CAMP.key, HOUR)
        assert store.keys_of(CAMP.author) == (CAMP.key,)
    assert store.keys_of(CAMP.author) == (CAMP.key,)


def test_a_key_that_was_rolled_back_is_added_again(store):
    with pytest.raises(Undone), store.transaction():
        add_and_give_up(store)
    assert store.keys_of(CAMP.author) == ()
    with store.transaction():
        store.add_key(CAMP.key, HOUR)
    assert store.keys_of(CAMP.author) == (CAMP.key,)


def test_a_key_of_a_job_that_failed_is_added_again_in_the_same_group(store):
    with store.transaction():
        with pytest.raises(Undone), store.savepoint():
            add_and_give_up(store)
        assert store.keys_of(CAMP.author) == ()
        store.add_key(CAMP.key, HOUR)
    assert store.keys_of(CAMP.author) == (CAMP.key,)


def test_a_camp_refused_after_it_was_added_waits_and_one_added_again_does_not(store):
    with store.transaction():
        store.add_key(CAMP.key, HOUR)
        store.refuse_key(CAMP.key, NOW_S)
        assert store.waiting_camps() == (CAMP.key,)
        store.add_key(CAMP.key, HOUR)
    assert store.waiting_camps() == ()


def test_a_camp_pinned_in_the_group_is_known_from_then_on(store):
    with store.transaction():
        assert store.keys_of(OTHER.author) == ()
        store.pin(OTHER.key, NOW_S, introduce=False)
        assert store.keys_of(OTHER.author) == (OTHER.key,)


def test_keys_are_read_again_in_the_next_transaction(store):
    with store.transaction():
        store.add_key(CAMP.key, HOUR)
    with store.transaction():
        store.connection.execute("DELETE FROM keys WHERE key = ?", (CAMP.key,))  # as the sweep does
    with store.transaction():
        assert store.keys_of(CAMP.author) == ()
        store.add_key(CAMP.key, HOUR)
        assert store.keys_of(CAMP.author) == (CAMP.key,)
