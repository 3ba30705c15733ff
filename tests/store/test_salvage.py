"""A damaged board: set aside, and almost everything that was on it is back."""

import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from sync.reading import Reader
from sync.store import Store, StoreDamaged, StoreTooNew
from sync.store.pages import PAGE_BYTES
from sync.store.salvage import salvage
from tests.store.neighbour import HOUR, NORTH, OWN, SOUTH, hear, post, read, say

BUNDLES, OWN_MESSAGES = 400, 120
ROWS = BUNDLES + OWN_MESSAGES


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A closed board with some hundred bundles, own messages and people."""
    board = tmp_path_factory.mktemp("sound") / "board.sqlite3"
    store = Store.open(board, OWN.key)
    chance = random.Random(1)
    with store.transaction():
        for n in range(BUNDLES):
            words = " ".join(chance.choices(("water", "bread", "gate", "police", "soup"), k=20))
            hear(store, NORTH, post(f"{n} {words}"), hour=HOUR + n % 3)
        for n in range(OWN_MESSAGES):
            say(store, post(f"own {n}"))
        for n in range(20):
            store.connection.execute(
                "INSERT INTO role_cards (role, name, secret_hash, made_s) VALUES (1, 'card', ?, 1)",
                (bytes([n]) * 32,),
            )
    store.pin(SOUTH.key, 1.0, introduce=False)
    store.close()
    return board


@pytest.fixture
def board(sound, tmp_path):
    return Path(shutil.copy(sound, tmp_path / "board.sqlite3"))


def overwrite(board, pages, chance):
    with board.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE_BYTES)
            file.write(chance.randbytes(PAGE_BYTES))


def page_count(board):
    return board.stat().st_size // PAGE_BYTES


def whole(board):
    store = Store.open(board, OWN.key)
    answer = store.connection.execute("PRAGMA integrity_check").fetchall()
    shown = Reader.over(store).status().messages
    store.close()
    return answer == [("ok",)], shown


@pytest.mark.parametrize("seed", range(6))
def test_with_one_page_in_a_hundred_overwritten_almost_all_comes_back(board, seed):
    chance = random.Random(seed)
    pages = chance.sample(range(1, page_count(board) + 1), -(-page_count(board) // 100))
    overwrite(board, pages, chance)
    damaged = board.read_bytes()
    with pytest.raises(StoreDamaged):
        Store.open(board, OWN.key)

    saved = salvage(board, OWN)

    assert saved.bundles + saved.own_messages >= 0.95 * ROWS, f"seed {seed}, pages {pages}"
    assert saved.set_aside.name == "board.sqlite3.damaged-1"
    assert saved.set_aside.read_bytes() == damaged
    sound, shown = whole(board)
    assert sound
    assert shown == saved.bundles + saved.own_messages


def test_without_its_first_page_a_board_still_has_its_people(board):
    overwrite(board, [1], random.Random(0))
    saved = salvage(board, OWN)
    assert (saved.bundles, saved.own_messages, saved.refused) == (BUNDLES, OWN_MESSAGES, 0)
    store = Store.open(board, OWN.key)
    assert store.pins() == {SOUTH.key: False}
    assert len(Reader.over(store).cards()) == 20
    store.close()


def test_what_was_only_in_the_log_is_saved_too(board, tmp_path):
    store = Store.open(board, OWN.key)
    said = say(store, post("written last"))
    copy = tmp_path / "copy.sqlite3"
    shutil.copy(board, copy)
    shutil.copy(f"{board}-wal", f"{copy}-wal")
    store.close()
    overwrite(copy, [page_count(copy) - 2], random.Random(0))
    salvage(copy, OWN)
    again = Store.open(copy, OWN.key)
    assert read(Reader.over(again), said).text == "written last"
    again.close()


def test_what_somebody_forged_into_the_file_is_refused(board):
    store = Store.open(board, OWN.key)
    store.connection.execute(
        "UPDATE bundles SET key = ?, author = ? WHERE seq <= 3", (SOUTH.key, SOUTH.author)
    )
    store.connection.execute("UPDATE own_messages SET id = randomblob(16) WHERE seq % 60 = 0")
    store.close()
    saved = salvage(board, OWN)
    assert (saved.bundles, saved.own_messages) == (BUNDLES - 3, OWN_MESSAGES - 2)
    assert saved.refused == 5


def test_hidden_messages_stay_hidden(board):
    store = Store.open(board, OWN.key)
    hidden = Reader.over(store).newest(None, None, 1)[0].id
    store.connection.execute("UPDATE messages SET hidden = 1 WHERE id = ?", (hidden,))
    store.close()
    salvage(board, OWN)
    store = Store.open(board, OWN.key)
    assert read(Reader.over(store), hidden).hidden
    store.close()


@pytest.mark.parametrize("content", [b"", b"\0", b"\x0d" * 5_000, b"\x0d\xff" * 40_000, b"\x05" * 16_384])
def test_rubbish_is_set_aside_and_an_empty_board_begins(tmp_path, content):
    board = tmp_path / "board.sqlite3"
    board.write_bytes(content)
    saved = salvage(board, OWN)
    assert (saved.bundles, saved.own_messages, saved.other_rows) == (0, 0, 0)
    assert whole(board) == (True, 0)


def test_a_second_damage_gets_a_second_number(board):
    salvage(board, OWN)
    assert salvage(board, OWN).set_aside.name == "board.sqlite3.damaged-2"
    assert sorted(path.name for path in board.parent.iterdir()) == [
        "board.sqlite3",
        "board.sqlite3.damaged-1",
        "board.sqlite3.damaged-2",
    ]


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_anywhere_never_crash_it(board, seed):
    chance = random.Random(seed)
    damaged = bytearray(board.read_bytes())
    for _ in range(300):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    board.write_bytes(damaged)
    with suppress(StoreDamaged, StoreTooNew):
        Store.open(board, OWN.key).close()
    salvage(board, OWN)
    assert whole(board)[0]


def test_what_was_taken_back_comes_back_without_its_words(board):
    store = Store.open(board, OWN.key)
    taken_back = say(store, post("meet at the fountain"), None)
    store.forget_words(taken_back)
    store.close()
    salvage(board, OWN)
    again = Store.open(board, OWN.key)
    found = read(Reader.over(again), taken_back)
    assert (found.text, found.author) == ("", "")
    again.close()
