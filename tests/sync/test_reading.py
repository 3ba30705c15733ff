"""What pages are shown, and that reading and writing never wait for each other."""

import sqlite3
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import message
from sync.bundle import BundleClass
from sync.message import HERE, Kind, Role
from sync.reading import STRIP_PER_HOUR_MAX, Reader
from sync.signing import Identity
from sync.store import Store
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


@pytest.fixture
def store():
    opened = Store.open(None, OWN.key)
    yield opened
    opened.close()


@pytest.fixture
def reader(store):
    return Reader.over(store)


# -- beside the writer ------------------------------------------------------------------------------


def test_a_post_is_read_right_after_its_commit_and_not_before(tmp_path):
    board = tmp_path / "board #1 & more?.sqlite3"
    store, reader = Store.open(board, OWN.key), Reader(board)
    with store.transaction():
        said = say(store, post("soup"))
        assert reader.message(said) is None
    assert read(reader, said).text == "soup"
    reader.close()
    assert read(reader, said).text == "soup"
    reader.close()
    store.close()


def test_readers_in_threads_go_on_while_a_transaction_is_open(tmp_path):
    board = tmp_path / "board.sqlite3"
    store = Store.open(board, OWN.key)
    say(store, post("committed"))
    seen = []

    def look():
        reader = Reader(board)
        seen.append([view.text for view in reader.newest(None, None, 9)])
        reader.close()

    with store.transaction():
        say(store, post("not yet"))
        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
    assert seen == [["committed"]] * 4
    store.close()


def test_a_reader_can_write_nothing(tmp_path):
    board = tmp_path / "board.sqlite3"
    Store.open(board, OWN.key).close()
    reader = Reader(board)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._all("DELETE FROM meta", {})
    reader.close()


# -- order and pages --------------------------------------------------------------------------------


def test_programs_read_on_from_the_last_message_they_saw(store, reader):
    said = [say(store, post(f"number {n}", second=NOW_S - n)) for n in range(5)]
    first = reader.messages(None, None, 2)
    assert [view.id for view in first.messages] == said[:2]
    assert first.next == said[1]
    second = reader.messages(None, first.next, 3)
    assert [view.id for view in second.messages] == said[2:]
    assert second.next is None
    assert reader.messages(None, said[4], 3).messages == ()
    with pytest.raises(LookupError):
        reader.messages(None, bytes(16), 3)


def test_a_channel_is_read_by_itself(store, reader):
    say(store, post("a"))
    say(store, post("b", channel=HERE), None)
    say(store, post("c"))
    assert [view.text for view in reader.messages("general", None, 9).messages] == ["a", "c"]
    assert [view.text for view in reader.newest("general", None, 9)] == ["c", "a"]
    assert [view.text for view in reader.newest(HERE, None, 9)] == ["b"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12), st.integers(1, 5))
def test_pages_show_every_message_once_newest_first(times, size):
    store = Store.open(None, OWN.key)
    reader = Reader.over(store)
    for n, (created, received) in enumerate(times):
        hear(store, NORTH, post(f"{n}", second=NOW_S + created), received_s=NOW_S + received)
    seen, before = [], None
    while page := reader.newest("general", before, size):
        seen += [(min(view.created, view.received), view.seq) for view in page]
        before = page[-1].seq
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(times)
    store.close()


def test_machines_words_are_on_no_page(store, reader):
    hear(store, NORTH, card(NORTH, "North"))
    assert reader.newest(None, None, 9) == ()
    assert reader.message(id_of(NORTH, card(NORTH, "North"))) is None


# -- threads ----------------------------------------------------------------------------------------


def test_a_thread_is_its_root_and_the_replies_in_order(store, reader):
    root = say(store, post("who has a stove", second=NOW_S + 50))
    second = say(store, post("me", second=NOW_S + 61, parent=root[:8]))
    first = say(store, post("why", second=NOW_S + 60, parent=root[:8]))
    deep = say(store, post("thanks", second=NOW_S + 70, parent=second[:8]))
    early = say(store, post("clock was wrong", second=NOW_S, parent=root[:8]))
    say(store, post("something else"))
    expected = [root, early, first, second, deep]
    for message_id in expected:
        assert [view.id for view in reader.thread(message_id)] == expected
    views = {view.id: view for view in reader.thread(root)}
    assert views[deep].parent == second
    assert views[root].replies == 3
    assert reader.thread(bytes(16)) == ()


def test_a_reply_to_something_unknown_has_no_parent(store, reader):
    said = say(store, post("answer", parent=b"unknown!"))
    assert read(reader, said).parent is None
    assert [view.id for view in reader.thread(said)] == [said]


# -- search -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("rapido", True),
        ("RÁPIDO", True),
        ("agua puer", True),
        ("puer agua", False),  # only the last word may be a beginning
        ("agua vino", False),
        ("puerta-4", True),
        ("ana", True),
        ('"agua', True),
        ("agua OR vino", False),
        ("text:agua", False),
        ("agua*", True),
        ("NEAR(agua)", False),
        ("  ", False),
        ('"', False),
        ("* - ( )", False),
    ],
)
def test_words_are_found_whatever_their_accents(store, reader, query, found):
    said = say(store, post("Agua en la puerta 4: ¡rápido!", nickname="Ana"))
    assert [view.id for view in reader.search(query, 9)] == ([said] if found else [])


@given(st.text(max_size=40))
def test_no_query_is_an_error(query):
    store = Store.open(None, OWN.key)
    say(store, post("agua"))
    assert len(Reader.over(store).search(query, 9)) <= 1
    store.close()


# -- what happened to my message --------------------------------------------------------------------


def state(reader, message_id):
    return str(read(reader, message_id).state)


def test_the_states_of_an_own_message(store, reader):
    said = say(store, post("on its way"))
    assert state(reader, said) == "waiting"
    bundle_id = seal_waiting(store)
    assert state(reader, said) == "waiting"
    store.mark_sent(bundle_id, NOW_S)
    assert state(reader, said) == "sent"
    store.note_neighbour_has(bundle_id, NORTH.key)
    assert state(reader, said) == "neighbour"
    assert read(reader, said).heard_by == (NORTH.author.hex(),)


def test_a_message_nobody_heard_expires(store, reader):
    said = say(store, post("into the void"))
    bundle_id = seal_waiting(store)
    store.set_live([bundle_id], False)
    assert state(reader, said) == "expired"


def test_what_stays_here_has_arrived(store, reader):
    assert state(reader, say(store, post("just us", channel=HERE), None)) == "sent"


def test_held_and_refused_posts_are_their_authors_to_see(store, reader):
    said = post("let me in", channel="announcements", nickname="ana")
    message_id = id_of(OWN, said)
    store.connection.execute(
        "INSERT INTO held (id, bytes, why, received_s, device) VALUES (?, ?, 'quiet', ?, ?)",
        (message_id, message.encode(said), NOW_S, b"device"),
    )
    assert state(reader, message_id) == "held"
    assert [(view.id, view.text) for view in reader.held(None)] == [(message_id, "let me in")]
    assert [view.id for view in reader.held("announcements")] == [message_id]
    assert reader.held("kitchen") == ()
    assert reader.posted_by(message_id, b"device")
    assert not reader.posted_by(message_id, b"another")
    assert reader.mute_of(message_id, NOW_S) == (True, None)
    store.connection.execute("INSERT INTO mutes VALUES (?, ?, 'noise')", (b"device", NOW_S + 60))
    assert reader.mute_of(message_id, NOW_S) == (True, NOW_S + 60)
    assert reader.mute_of(message_id, NOW_S + 60) == (True, None)
    assert reader.mute_of(b"unknown", NOW_S) == (False, None)
    store.connection.execute("UPDATE held SET decided_s = ?, refused_why = 'not now'", (NOW_S,))
    assert state(reader, message_id) == "refused"
    assert read(reader, message_id).hidden_why == "not now"
    assert reader.held(None) == ()


def test_a_liaison_sees_every_mic_check_that_waits(store, reader):
    said = post("they come", Kind.MIC_CHECK)
    store.connection.execute(
        "INSERT INTO held (id, bytes, why, received_s) VALUES (?, ?, 'mic_check', ?)",
        (id_of(OWN, said), message.encode(said), NOW_S),
    )
    assert [view.urgent for view in reader.held("kitchen")] == [True]


@pytest.mark.parametrize(
    ("channel", "states", "expected"),
    [
        ("general", [], None),
        ("announcements", [], "waiting"),
        ("general", ["sending"], "waiting"),
        ("announcements", ["sent"], "sent"),
        ("announcements", ["sent", "on_list"], "on_list"),
        ("announcements", ["refused"], "refused"),
        ("announcements", ["held"], "held"),
    ],
)
def test_how_far_a_message_came_on_its_way_to_the_list(store, reader, channel, states, expected):
    said = say(store, post("minutes", channel=channel))
    for n, word in enumerate(states):
        store.connection.execute(
            "INSERT INTO letters_out (list, message, state, changed_s) VALUES (?, ?, ?, 1)",
            (f"list {n}", said, word),
        )
    assert read(reader, said).list == expected


# -- the strip --------------------------------------------------------------------------------------


def mic_check(store, camp, n, second=NOW_S):
    said = post(f"mic check {n}", Kind.MIC_CHECK, second)
    hear(store, camp, said, class_=BundleClass.ALERT, received_s=second + 5.0)
    return id_of(camp, said)


def test_the_strip_shows_own_and_pinned_camps_for_a_day(store, reader):
    pinned = mic_check(store, NORTH, 1, NOW_S + 60)
    mic_check(store, SOUTH, 2)
    own = say(store, post("from here", Kind.MIC_CHECK), BundleClass.ALERT)
    store.pin(NORTH.key, NOW_S, introduce=True)
    assert [view.id for view in reader.strip(NOW_S + 120)] == [own, pinned]
    assert [view.id for view in reader.strip(NOW_S + 26 * 3_600)] == []


def test_what_is_hidden_or_taken_back_leaves_the_strip(store, reader):
    hidden = say(store, post("false", Kind.MIC_CHECK), BundleClass.ALERT)
    back = say(store, post("mistaken", Kind.MIC_CHECK), BundleClass.ALERT)
    store.connection.execute("UPDATE messages SET hidden = 1 WHERE id = ?", (hidden,))
    say(store, post("", Kind.RETRACT, parent=back[:8]))
    assert reader.strip(NOW_S + 1) == ()


def test_a_dead_key_leaves_the_strip(store, reader):
    store.pin(NORTH.key, NOW_S, introduce=True)
    mic_check(store, NORTH, 1)
    own = say(store, post("from here", Kind.MIC_CHECK), BundleClass.ALERT)
    assert not reader.is_silenced()
    for camp in (NORTH, OWN):
        store.add_farewell(camp.key, camp.sign_farewell(), NOW_S)
    assert [view.id for view in reader.strip(NOW_S + 1)] == [own]
    assert reader.is_silenced()


def test_one_loud_camp_does_not_fill_the_strip(store, reader):
    store.pin(NORTH.key, NOW_S, introduce=True)
    ids = [mic_check(store, NORTH, n, NOW_S + n) for n in range(STRIP_PER_HOUR_MAX + 5)]
    assert [view.id for view in reader.strip(NOW_S + 60)] == ids[:4:-1]


# -- camps, people, the file ------------------------------------------------------------------------


def test_camps_by_what_is_known_of_them(store, reader):
    hear(store, NORTH, card(NORTH, "North"))
    store.pin(NORTH.key, NOW_S, introduce=True)
    hear(store, NORTH, message.Message(Kind.INTRODUCTION, NOW_S, reference=SOUTH.key))
    store.refuse_key(SOUTH.key, NOW_S)
    own, north, south = sorted(reader.camps(), key=lambda camp: (not camp.own, not camp.pinned))
    assert (own.key, own.id, own.name) == (OWN.key, OWN.author.hex(), OWN.author.hex())
    assert (north.name, north.languages, north.pinned, north.admitted) == ("North", ("en", "es"), True, True)
    assert (north.bundles, north.heard) == (2, NOW_S + 5.0)
    assert (south.name, south.waiting, south.admitted) == (SOUTH.author.hex(), True, False)
    assert south.introduced_by == ("North",)
    say(store, card(OWN, "Plaza"))
    assert reader.camp().name == "Plaza"
    assert reader.own_card().own


def test_sessions_end_with_their_card_and_by_themselves(store, reader):
    until = NOW_S + 100
    store.connection.execute(
        "INSERT INTO role_cards (id, role, group_name, name, secret_hash, made_s, until_s)"
        " VALUES (7, 1, 'kitchen', 'blue card', x'01', ?, ?)",
        (NOW_S, until),
    )
    store.connection.execute("INSERT INTO sessions VALUES (x'02', 7, ?, ?, 'my phone', 5)", (NOW_S, NOW_S))
    session = reader.session(b"\x02", NOW_S)
    assert (session.id, session.card, session.role, session.group) == (5, 7, Role.LIAISON, "kitchen")
    assert reader.sessions() == (session,)
    assert [(card_.id, card_.sessions, card_.revoked) for card_ in reader.cards()] == [(7, 1, None)]
    assert reader.session(b"\x02", until) is None
    assert reader.session(b"\x03") is None
    store.connection.execute("UPDATE role_cards SET until_s = NULL")
    assert reader.session(b"\x02", NOW_S + 6 * 86_400) is not None
    assert reader.session(b"\x02", NOW_S + 8 * 86_400) is None
    store.connection.execute("UPDATE role_cards SET revoked_s = ?", (NOW_S,))
    assert reader.session(b"\x02") is None


def test_the_hotline_and_the_log_newest_first(store, reader):
    assert reader.hotline() is None
    for n in (1, 2):
        store.connection.execute("INSERT INTO hotline (at_s, text) VALUES (?, ?)", (n, f"medic {n}"))
        store.connection.execute(
            "INSERT INTO moderation (at_s, actor, act) VALUES (?, 'moderator', 'hotline')", (n,)
        )
    assert reader.hotline().text == "medic 2"
    assert [view.at for view in reader.hotline_history()] == [2, 1]
    assert [entry.at for entry in reader.log(1)] == [2]


def test_the_status_counts_what_is_there(store, reader):
    say(store, post("waits"))
    hear(store, NORTH, post("theirs"))
    hear(store, NORTH, post("old"), hour=HOUR - 500, live=False)
    store.connection.execute(
        "INSERT INTO letters_out (list, message, state, changed_s) VALUES ('l', x'', 'sent', 1)"
    )
    status = reader.status()
    assert (status.messages, status.bundles_live, status.bundles_history) == (3, 1, 1)
    assert (status.own_waiting, status.held, status.camps) == (1, 0, 2)
    assert (status.letters_waiting, status.letters_sent) == (0, 1)
    assert status.file_bytes > 0


def test_names_of_channels_in_the_order_of_the_front_page(store, reader):
    hear(store, Identity(b"x" * 32), post("hm", channel="elsewhere"))
    views = reader.channels()
    assert [view.name for view in views] == ["general", "announcements", "here", "letters", "elsewhere"]
    assert [view.heard for view in views] == [False] * 4 + [True]
    assert (views[-1].messages, views[-1].newest) == (1, float(NOW_S))


@pytest.mark.parametrize("borrowed", ["Plaza", "PLAZA", " Plaza\u00a0", "North"])
def test_a_camp_that_borrows_a_name_is_shown_with_its_number(store, reader, borrowed):
    store.set_meta("name", "Plaza")
    hear(store, NORTH, card(NORTH, "North"))
    store.pin(NORTH.key, NOW_S, True)
    hear(store, SOUTH, card(SOUTH, borrowed))
    impostor = post("run north", nickname="coordinator", role=Role.COORDINATOR)
    for camp in (NORTH, SOUTH):
        hear(store, camp, impostor)
    own = say(store, post("soup"))
    name = borrowed.strip(" \u00a0")
    assert read(reader, id_of(SOUTH, impostor)).camp.name == f"{name} ({SOUTH.author.hex()[:8]})"
    assert read(reader, id_of(NORTH, impostor)).camp.name == "North"
    assert "(" not in read(reader, own).camp.name


def test_a_name_of_its_own_is_shown_as_it_is(store, reader):
    store.set_meta("name", "Plaza")
    hear(store, SOUTH, card(SOUTH, "South"), post("hello"))
    assert read(reader, id_of(SOUTH, post("hello"))).camp.name == "South"
    store.pin(SOUTH.key, NOW_S, True)
    assert read(reader, id_of(SOUTH, post("hello"))).camp.name == "South"
