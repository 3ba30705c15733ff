"""Projections follow from the truth alone: whatever happened, a rebuild gives the same tables."""

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from sync import cbor, codec
from sync.bundle import BundleClass
from sync.message import Kind, Message
from sync.reading import Reader
from sync.receipts import list_digest, receipt_body
from sync.signing import Identity
from sync.store import Store
from sync.store.projection import HEARD_CHANNELS_MAX, PROJECTIONS
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
)

LIST = list_digest("camps@lists.example.org")


@pytest.fixture
def store():
    opened = Store.open(None, OWN.key)
    yield opened
    opened.close()


def dump(store):
    tables = {
        table: sorted(store.connection.execute(f"SELECT * FROM {table}"), key=repr) for table in PROJECTIONS
    }
    words = [
        [view.id for view in Reader.over(store).search(word, 99)]
        for word in ("bread", "water", "better", "ana", "")
    ]
    return tables, words


def view(store, camp, said):
    return read(Reader.over(store), id_of(camp, said))


def change(kind, target, camp=NORTH, second=NOW_S + 9, text=""):
    return post(text, kind, second, parent=id_of(camp, target)[:8])


# -- retract and supersede --------------------------------------------------------------------------

WRONG = post("bread at gate 2")
RIGHT = change(Kind.SUPERSEDE, WRONG, text="better bread at gate 3")
LATER = change(Kind.SUPERSEDE, WRONG, second=NOW_S + 20, text="better bread at gate 5")
BACK = change(Kind.RETRACT, WRONG, second=NOW_S + 30)


@pytest.mark.parametrize("order", list(itertools.permutations([WRONG, RIGHT, LATER])))
def test_the_newest_words_stand_whatever_came_first(store, order):
    for said in order:
        hear(store, NORTH, said)
    assert view(store, NORTH, WRONG).text == "better bread at gate 5"
    assert [found.text for found in Reader.over(store).search("gate 5", 9)] == ["better bread at gate 5"]
    assert Reader.over(store).search("gate 2", 9) == ()
    assert len(Reader.over(store).newest(None, None, 9)) == 1


@pytest.mark.parametrize("order", list(itertools.permutations([WRONG, RIGHT, BACK])))
def test_what_is_taken_back_is_gone_whatever_came_first(store, order):
    for said in order:
        hear(store, NORTH, said)
    assert view(store, NORTH, WRONG).state == "retracted"
    assert view(store, NORTH, WRONG).text == ""
    assert Reader.over(store).search("bread", 9) == ()


def test_taken_back_before_it_came_is_no_news(store):
    hear(store, NORTH, BACK)
    assert hear(store, NORTH, WRONG) == ()


def test_nobody_changes_what_another_camp_said(store):
    hear(store, NORTH, WRONG)
    hear(store, SOUTH, RIGHT, BACK)
    assert view(store, NORTH, WRONG).text == "bread at gate 2"
    assert view(store, NORTH, WRONG).state == "neighbour"


def test_the_bundle_of_a_retracted_message_is_still_carried(store):
    hear(store, NORTH, WRONG)
    hear(store, NORTH, BACK)
    assert len(store.live_bundles()) == 2


# -- what camps say of themselves and each other ----------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations([("Old", 1), ("Newest", 3), ("New", 2)])))
def test_the_newest_card_wins(store, order):
    for name, second in order:
        hear(store, NORTH, card(NORTH, name, NOW_S + second))
    names = {camp.key: camp.name for camp in Reader.over(store).camps()}
    assert names[NORTH.key] == "Newest"


def introduction(of: Identity):
    return Message(Kind.INTRODUCTION, NOW_S, reference=of.key)


def test_introductions_are_told_and_own_ones_are_the_pins(store):
    shown = hear(store, NORTH, introduction(SOUTH))
    assert [each.kind for each in shown] == [Kind.INTRODUCTION]
    say(store, introduction(NORTH))
    assert store.introductions() == ((NORTH.key, SOUTH.key),)


def test_a_farewell_counts_when_the_dead_key_signed_it(store):
    good = Message(Kind.FAREWELL, NOW_S, reference=SOUTH.key + SOUTH.sign_farewell())
    forged = Message(Kind.FAREWELL, NOW_S, reference=OWN.key + SOUTH.sign_farewell())
    shown = hear(store, NORTH, forged, good)
    assert [each.id for each in shown] == [id_of(NORTH, good)]
    assert store.farewells() == frozenset({SOUTH.key})


def test_receipts_and_echoes_are_evidence_from_others(store):
    said = say(store, post("mic check", Kind.MIC_CHECK), BundleClass.ALERT)
    posted = say(store, post("for the list", channel="announcements"))
    seal_waiting(store)
    hear(store, NORTH, Message(Kind.ECHO, NOW_S, reference=said[:4] + b"else"))
    hear(store, SOUTH, Message(Kind.ECHO, NOW_S, reference=said[:4]))
    hear(store, SOUTH, Message(Kind.RECEIPT, NOW_S, reference=posted[:8]))
    reader = Reader.over(store)
    heard = read(reader, said)
    assert (heard.echoes, heard.heard_by, heard.state) == (
        2,
        tuple(sorted((NORTH.author.hex(), SOUTH.author.hex()))),
        "neighbour",
    )
    assert read(reader, posted).list == "waiting"  # who has no list cannot say so


@pytest.mark.parametrize(
    ("card", "state"),
    [([0], "waiting"), ([1], "on_list"), ([1, 0, LIST], "on_list"), ([1, 0, b"else"], "waiting")],
)
def test_a_receipt_counts_from_a_camp_whose_card_names_the_list(store, card, state):
    posted = say(store, post("for the list", channel="announcements"))
    body = codec.pack(cbor.encode(["South", "", "es", "", *card]))
    hear(store, SOUTH, Message(Kind.CARD, NOW_S, body=body, reference=SOUTH.key))
    hear(store, SOUTH, Message(Kind.RECEIPT, NOW_S, body=receipt_body(LIST), reference=posted[:8]))
    assert read(Reader.over(store), posted).list == state


def test_one_letter_by_two_gateways_is_one_message(store):
    letter = post("assembly at 7", Kind.LETTER, channel="letters", reference=b"msg-hash")
    assert len(hear(store, NORTH, letter)) == 1
    assert hear(store, SOUTH, letter) == ()
    hear(store, SOUTH, post("who comes", channel="letters", parent=id_of(SOUTH, letter)[:8]))
    reader = Reader.over(store)
    first = id_of(NORTH, letter)
    assert [each.text for each in reader.thread(first)] == ["assembly at 7", "who comes"]
    assert reader.thread(first)[1].parent == first
    assert len(reader.newest("letters", None, 9)) == 2


# -- channels heard ---------------------------------------------------------------------------------


def test_channels_heard_are_listed_up_to_a_limit_and_their_messages_kept(store):
    for n in range(HEARD_CHANNELS_MAX + 2):
        hear(store, NORTH, post(f"in {n}", channel=f"room-{n}"))
    reader = Reader.over(store)
    listed = [channel.name for channel in reader.channels() if channel.heard]
    assert len(listed) == HEARD_CHANNELS_MAX
    assert f"room-{HEARD_CHANNELS_MAX}" not in listed
    assert len(reader.newest(f"room-{HEARD_CHANNELS_MAX}", None, 9)) == 1


def group(name, about):
    return Message(Kind.GROUP, NOW_S, channel=name, body=codec.pack(cbor.encode([about])))


def test_a_group_elsewhere_is_a_quiet_channel_here(store):
    hear(store, NORTH, post("hello", channel="kitchen"))
    assert store.channel("kitchen").speaks == "anyone"
    hear(store, NORTH, group("kitchen", "food for all"), group("general", "taken over"))
    rule = store.channel("kitchen")
    assert (rule.speaks, rule.is_group, rule.heard, rule.to_list) == ("liaisons", True, True, False)
    assert not store.channel("general").is_group


# -- rebuild ----------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["hear", "say", "seal", "retract", "supersede", "card", "letter", "echo", "chat", "bad"]
        ),
        st.sampled_from([NORTH, SOUTH]),
        st.integers(0, 5),
    ),
    max_size=12,
)


def act(store, step, camp, n):
    """One thing that happens; the same arguments make the same message, so doubles come by themselves."""
    target = post(f"bread {n}", nickname="ana")
    match step:
        case "hear":
            hear(store, camp, target, post(f"water {n}", parent=id_of(camp, target)[:8]), hour=HOUR + n % 3)
        case "say":
            say(store, target)
        case "seal" if store.waiting():
            seal_waiting(store)
        case "retract":
            hear(store, camp, change(Kind.RETRACT, target, camp))
        case "supersede":
            hear(store, camp, change(Kind.SUPERSEDE, target, camp, text=f"better {n}"))
        case "card":
            hear(
                store,
                camp,
                card(camp, f"camp {n}", NOW_S + n),
                introduction(NORTH if camp is SOUTH else SOUTH),
            )
        case "letter":
            hear(store, camp, post("letter", Kind.LETTER, channel="letters", reference=bytes([n]) * 8))
        case "echo":
            hear(
                store, camp, Message(Kind.ECHO, NOW_S + n, reference=bytes([n]) * 4), group(f"group-{n}", "g")
            )
        case "chat":
            say(store, post("bread talk", channel="here"), None)
        case "bad":
            hear(store, camp, Message(Kind.POST, NOW_S, body=b"\x09"), Message(40 + n, NOW_S))


@settings(max_examples=60)
@given(steps)
def test_a_rebuild_gives_the_same_tables(happened):
    store = Store.open(None, OWN.key)
    for step, camp, n in happened:
        act(store, step, camp, n)
    before = dump(store)
    store.rebuild(lambda _done, _of: None)
    assert dump(store) == before
    # New messages take new places after it.
    say(store, post("afterwards"))
    assert Reader.over(store).messages(None, None, 500).messages[-1].text == "afterwards"
    store.close()


def test_what_moderators_hid_stays_hidden_after_a_rebuild(store):
    said, shown_again = say(store, post("abuse")), say(store, post("not abuse"))
    for target, acts in ((said, ["hide"]), (shown_again, ["hide", "unhide"])):
        for word in acts:
            store.connection.execute(
                "INSERT INTO moderation (at_s, actor, act, target, why)"
                " VALUES (1, 'moderator', ?, ?, 'insult')",
                (word, target.hex()),
            )
    store.rebuild(lambda _done, _of: None)
    reader = Reader.over(store)
    assert (read(reader, said).hidden, read(reader, said).hidden_why) == (True, "insult")
    assert not read(reader, shown_again).hidden


def test_a_rebuild_tells_how_far_it_is(store):
    for n in range(3):
        say(store, post(f"number {n}"))
    told = []
    store.rebuild(lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
