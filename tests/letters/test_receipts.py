"""What camps tell each other of lists: cards and receipts, in whatever order they come (PROTOCOL.md §5.2)."""

from itertools import permutations

import pytest

from sync import bundle, cbor
from sync.bundle import BundleClass, hour_of
from sync.codec import pack, unpack
from sync.message import Kind, Message, encode
from sync.receipts import LIST_BYTES, Word, list_digest, read_receipt, receipt_body
from sync.signing import Identity
from sync.store import Store
from sync.views import Via

LIST = list_digest("camps@lists.example.org")
NOW_S = 1_795_400_000
OTHER = Identity(bytes([9]) * 32)
PREFIX = bytes(range(8))


def test_an_address_is_named_without_regard_to_its_case():
    assert list_digest("Camps@Lists.Example.org") == LIST != list_digest("camp@lists.example.org")
    assert len(LIST) == LIST_BYTES
    assert list_digest("") == b""


@pytest.mark.parametrize("word", Word)
def test_a_body_is_read_as_it_was_written(word):
    assert read_receipt(unpack(receipt_body(LIST, word), 100)) == (LIST, word)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", (b"", Word.POSTED)),
        (b"abc", (b"", Word.POSTED)),
        (LIST, (LIST, Word.POSTED)),
        (LIST + b"\x02 and more", (LIST, Word.REFUSED)),
        (LIST + b"\x04", None),
    ],
)
def test_bodies_of_others(content, said):
    assert read_receipt(content) == said


@pytest.fixture
def store():
    opened = Store.open(None, Identity(bytes([7]) * 32).key)
    yield opened
    opened.close()


def receipt(word, second, list_=LIST):
    return Message(Kind.RECEIPT, second, body=receipt_body(list_, word), reference=PREFIX)


def hear(store, *messages):
    """The other camp says these, each in a bundle of its own."""
    for message in messages:
        sealed = bundle.seal(OTHER, hour_of(message.second), BundleClass.POST, [encode(message)])
        with store.transaction():
            store.add_key(OTHER.key, sealed.hour)
            id_ = sealed.id(OTHER.key, OTHER.network)
            store.add_bundle(sealed, OTHER.key, id_, NOW_S, Via.IP, True)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ([(Word.HELD, 0), (Word.LET_GO, 1)], Word.LET_GO),
        ([(Word.HELD, 0), (Word.LET_GO, 0)], Word.LET_GO),
        ([(Word.HELD, 1), (Word.LET_GO, 0)], Word.HELD),
        ([(Word.HELD, 0), (Word.REFUSED, 2), (Word.LET_GO, 1)], Word.REFUSED),
        ([(Word.POSTED, 0), (Word.HELD, 1), (Word.REFUSED, 2)], Word.POSTED),
    ],
)
def test_the_same_word_counts_in_whatever_order_they_come(said, counts):
    for order in permutations(said):
        store = Store.open(None, Identity(bytes([7]) * 32).key)
        hear(store, *(receipt(word, NOW_S + second) for word, second in order))
        rows = store.connection.execute("SELECT prefix, key, list, word FROM receipts").fetchall()
        assert rows == [(PREFIX, OTHER.key, LIST, counts)], order
        store.close()


def test_receipts_of_two_lists_are_two(store):
    hear(store, receipt(Word.POSTED, NOW_S), receipt(Word.HELD, NOW_S, list_digest("b@example.org")))
    hear(store, Message(Kind.RECEIPT, NOW_S, reference=PREFIX))
    words = store.connection.execute("SELECT list, word FROM receipts ORDER BY list").fetchall()
    assert len(words) == 3
    assert words[0] == (b"", Word.POSTED)


CARD = ["Norte", "", "es", ""]


@pytest.mark.parametrize(
    ("tail", "row"),
    [
        ([1], (1, 0, None)),
        ([0], (0, 0, None)),
        ([1, 60, LIST], (1, 60, LIST)),
        ([1, -841, LIST], (1, 0, LIST)),
        ([1, "60", LIST * 2], (1, 0, LIST * 2)),
        ([1, 0, LIST[:3]], (1, 0, None)),
        ([1, 0, LIST * 9], (1, 0, LIST * 8)),
        ([1, 0, [LIST]], (1, 0, None)),
        ([1, True, b"", "more"], (1, 0, b"")),
    ],
)
def test_cards_of_others(store, tail, row):
    body = pack(cbor.encode([*CARD, *tail]))
    hear(store, Message(Kind.CARD, NOW_S, body=body, reference=OTHER.key))
    found = store.connection.execute("SELECT has_list, utc_offset, lists FROM camps").fetchall()
    assert found == [row]
