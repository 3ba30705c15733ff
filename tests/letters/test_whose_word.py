"""Whose word on a list counts: that of camps whose cards say that they post to it (PROTOCOL.md §5.2)."""

import pytest

from sync import cbor
from sync.codec import pack
from sync.message import Kind, Message, encode, identify
from sync.receipts import Word, list_digest, receipt_body
from tests.letters.gateway import ADDRESS
from tests.letters.test_leaving import LIST, NOW_S, OTHER, decide, now_of, other_says

LISTED = list_digest(ADDRESS)


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize(
    ("has_list", "lists", "said", "counts"),
    [
        (None, None, LISTED, False),  # no card
        (None, None, b"", False),
        (0, None, LISTED, False),
        (1, b"else", LISTED, False),
        (1, LISTED, b"", False),  # of another of its lists, which has no name
        (1, LISTED, LISTED, True),
        (1, b"else" + LISTED, LISTED, True),
        (1, None, b"", True),  # of before lists were named
        (1, None, b"else", False),
    ],
)
def test_a_receipt_counts_from_camps_that_post_to_the_list(
    open_gateway, open_host, held, has_list, lists, said, counts
):
    host = open_host()
    gateway = open_gateway(outbox=host.url)
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", 1)).result()
    decide(gateway, lambda each: each.set_holds(LIST, "announcements", held, NOW_S))
    message = gateway.post("Ours")
    if has_list is not None:
        card = ["South", "", "es", "", has_list, *([] if lists is None else [0, lists])]
        body = pack(cbor.encode(card))
        other_says(gateway, Message(Kind.CARD, now_of(gateway), body=body, reference=OTHER.key))
    body = receipt_body(said)
    other_says(gateway, Message(Kind.RECEIPT, now_of(gateway), body=body, reference=message[:8]))

    def settled(bench):
        queue = gateway.courier._roads[0]._queue
        queue._fill(bench)
        return queue.tables(bench).state_of(LIST, message).state

    state = gateway.pump.submit(settled).result()
    assert state == ("on_list" if counts else "held" if held else "waiting")
    assert host.letters == []


def test_what_a_camp_holds_is_held_while_it_is_there(open_gateway, open_host):
    """A box that was taken in its first day, with everything held, keeps nothing from the list."""
    gateway = open_gateway(outbox=open_host().url)
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", 1)).result()
    said_s = now_of(gateway)
    theirs = Message(Kind.POST, said_s, body=b"\x00theirs", channel="announcements")
    card = pack(cbor.encode(["South", "", "es", "", 1, 0, LISTED]))
    other_says(gateway, Message(Kind.CARD, said_s, body=card, reference=OTHER.key), theirs)
    message = identify(OTHER.key, encode(theirs))
    body = receipt_body(LISTED, Word.HELD)
    other_says(gateway, Message(Kind.RECEIPT, said_s, body=body, reference=message[:8]))

    def since_s(hours):
        def settled(bench):
            queue = gateway.courier._roads[0]._queue
            if not hours:
                queue._fill(bench)
            queue.tables(bench).settle(LIST, LISTED, said_s + hours * 3_600.0)
            rows = bench.store.connection.execute("SELECT state, since_s FROM letters_out")
            return rows.fetchall()

        ((state, since),) = gateway.pump.submit(settled).result()
        assert state == "waiting"
        return since

    assert since_s(0) == said_s
    assert since_s(70) == said_s + 70 * 3_600
    assert since_s(75) == said_s + 70 * 3_600
