"""Whose word on a list counts: that of camps whose cards say that they post to it (PROTOCOL.md §5.2)."""

import pytest

from sync import cbor
from sync.codec import pack
from sync.letters.turns import Line, due_s
from sync.message import Kind, Message, encode, identify
from sync.receipts import Word, list_digest, receipt_body
from sync.views import ListState
from tests.letters.gateway import ADDRESS, shown
from tests.letters.test_leaving import LIST, NOW_S, OTHER, decide, now_of, other_says
from web_ui.api_form import message_json
from web_ui.languages import Languages
from web_ui.words import state

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


@pytest.fixture
def claimed(open_gateway, open_host):
    """A gateway with an inbox, whose own post a camp that nobody knows says to have posted."""
    gateway = open_gateway(outbox=open_host().url, inbox="maildir:in")
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", 1)).result()
    said_s = now_of(gateway)
    gateway.ours = gateway.post("Ours")
    theirs = Message(Kind.POST, said_s, body=b"\x00theirs", channel="announcements")
    gateway.theirs = identify(OTHER.key, encode(theirs))
    card = pack(cbor.encode(["South", "", "es", "", 1, 0, LISTED]))
    prefixes = gateway.ours[:8] + gateway.theirs[:8]
    receipt = Message(Kind.RECEIPT, said_s, body=receipt_body(LISTED), reference=prefixes)
    other_says(gateway, Message(Kind.CARD, said_s, body=card, reference=OTHER.key), theirs, receipt)
    return gateway


def look_at(gateway, message):
    """Where it is, after the queue was gone through."""

    def settled(bench):
        queue = gateway.courier._roads[0]._queue
        queue._fill(bench)
        return queue.tables(bench).state_of(LIST, message)

    return gateway.pump.submit(settled).result()


def listed(gateway, message):
    [view] = [view for view in shown(gateway) if view.id == message]
    return view.list, message_json(view)["list"], state(Languages.load((), "en").default, view)[-1]


def test_a_strangers_word_keeps_our_own_post_off_the_list_for_two_hours_and_the_page_says_so(claimed):
    assert look_at(claimed, claimed.theirs).state == "on_list"
    assert look_at(claimed, claimed.ours).state == "waiting"
    assert listed(claimed, claimed.ours) == (
        ListState.CLAIMED,
        "waiting",
        "another camp says it was sent to the mailing list; it was not seen there yet",
    )

    def due(_):
        tables = claimed.courier._roads[0]._queue.tables(_)
        [waits] = tables.due_letters(LIST)
        return waits, due_s(waits, Line(0.0, float("inf"), others=1), waits.since_s)

    waits, at_s = claimed.pump.submit(due).result()
    assert at_s == waits.since_s + 7_200.0
    since_s = waits.since_s
    look_at(claimed, claimed.ours)  # again, and the time goes on
    assert claimed.pump.submit(due).result()[0].since_s == since_s


def test_it_is_on_the_list_when_the_lists_own_mail_shows_it(claimed):
    look_at(claimed, claimed.ours)
    decide(claimed, lambda each: each.mark_on_list(LIST, claimed.ours, NOW_S))
    assert look_at(claimed, claimed.ours).state == "on_list"
    assert listed(claimed, claimed.ours)[:2] == (ListState.ON_LIST, "on_list")


def test_the_word_of_a_camp_that_a_coordinator_knows_is_believed(claimed):
    claimed.execute(f"UPDATE keys SET pinned_s = 1 WHERE key = x'{OTHER.key.hex()}'")
    assert look_at(claimed, claimed.ours).state == "on_list"
    assert listed(claimed, claimed.ours)[0] is ListState.ON_LIST


def test_a_post_that_a_stranger_claims_leaves_in_the_end_and_says_what_became_of_it(claimed):
    look_at(claimed, claimed.ours)
    claimed.execute("UPDATE letters_out SET since_s = since_s - 86400, written_s = written_s - 86400")
    decide(claimed, lambda each: each.begin(LIST, [claimed.ours], NOW_S))
    assert listed(claimed, claimed.ours)[0] is ListState.CLAIMED
    decide(claimed, lambda each: each.mark_sent(LIST, [claimed.ours], NOW_S))
    assert listed(claimed, claimed.ours)[0] is ListState.SENT


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
