"""What is over is gone: from the pages, from search, from the file and its log."""

import pytest

from sync import message
from sync.bundle import BundleClass
from sync.message import HERE, Kind, Message
from sync.reading import Reader
from sync.store import Store, Wipe
from sync.store.letters import LetterTables
from sync.store.retention import UNMATCHED_MAX, sweep
from sync.store.schema import RULES
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
    say,
    seal_waiting,
    sealed,
)

DAY_S, DAY_H = 86_400, 24


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "board.sqlite3", OWN.key)
    yield opened
    opened.close()


def after(store, days, **settings):
    return sweep(store, NOW_S + days * DAY_S, HOUR + days * DAY_H, **settings)


def texts(store):
    return {view.text for view in Reader.over(store).newest(None, None, 99)}


def rows(store, table):
    return store.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def bytes_on_disk(store):
    """The board's file and its log, in any case: what somebody who takes the box can read."""
    (_, _, path), *_ = store.connection.execute("PRAGMA database_list").fetchall()
    folder, _, name = path.rpartition("/")
    found = b""
    for suffix in ("", "-wal"):
        with open(f"{folder}/{name}{suffix}", "rb") as file:  # noqa: PTH123
            found += file.read()
    return found.lower()


def test_every_channel_keeps_its_messages_as_long_as_it_says(store):
    store.connection.execute("UPDATE channels SET retention_days = NULL WHERE name = 'announcements'")
    store.connection.execute("UPDATE channels SET retention_days = 30 WHERE name = 'letters'")
    for channel in (HERE, "general", "letters", "announcements"):
        say(store, post(channel, channel=channel), None if channel == HERE else BundleClass.POST)
    left = []
    for days in (1, 3, 8, 31):
        after(store, days)
        left.append(texts(store))
    assert left == [
        {"here", "general", "letters", "announcements"},
        {"general", "letters", "announcements"},
        {"letters", "announcements"},
        {"announcements"},
    ]
    assert rows(store, "own_messages") == 1


def test_a_bundle_stays_while_it_lives_or_a_message_of_it_is_shown(store):
    hear(store, NORTH, post("general"), post("kept longer", channel="announcements"))
    store.connection.execute("UPDATE channels SET retention_days = 30 WHERE name = 'announcements'")
    _, bundle_id = sealed(NORTH, post("general"), post("kept longer", channel="announcements"))
    assert after(store, 40).bundles == 0  # live: the engine has not let it go
    store.set_live([bundle_id], False)
    hear(store, NORTH, post("again", channel="announcements"), received_s=NOW_S + 35 * DAY_S)
    assert after(store, 40).bundles == 1
    assert not store.has_bundle(bundle_id)


def test_a_bundle_that_is_gone_is_no_news_when_it_comes_again(store):
    hear(store, NORTH, post("short", channel="brief"), live=False)
    store.connection.execute("UPDATE channels SET retention_days = 1 WHERE name = 'brief'")
    _, bundle_id = sealed(NORTH, post("short", channel="brief"))
    assert after(store, 4).bundles == 1  # its 72 hours are over
    assert store.is_dead(bundle_id)
    after(store, 6)
    assert not store.is_dead(bundle_id)


def test_a_box_without_a_clock_does_not_lose_todays_messages_when_it_gets_one(store):
    hear(store, NORTH, post("today"), received_s=1_000_000.0)
    after(store, 1)
    assert texts(store) == {"today"}


def test_tables_of_people_forget_by_their_rules(store):
    execute = store.connection.execute
    say(store, post("who posted this"))
    held = post("held")
    execute(
        "INSERT INTO held (id, bytes, why, received_s, device) VALUES (?, ?, 'quiet', ?, x'01')",
        (id_of(OWN, held), message.encode(held), NOW_S),
    )
    execute("INSERT INTO tokens VALUES (x'01', x'02', x'03', ?)", (NOW_S,))
    card_row = (
        "INSERT INTO role_cards (id, role, name, secret_hash, made_s, until_s) VALUES (?, 1, '', ?, 1, ?)"
    )
    execute(card_row, (1, b"\x01", NOW_S + DAY_S))
    execute(card_row, (2, b"\x02", None))
    execute("INSERT INTO sessions VALUES (x'01', 2, ?, ?, '', 1)", (NOW_S, NOW_S))
    execute("INSERT INTO moderation (at_s, actor, act) VALUES (?, 'moderator', 'hide')", (NOW_S,))
    execute("INSERT INTO mutes VALUES (x'01', ?, '')", (NOW_S + DAY_S,))
    execute("INSERT INTO letters_in (hash, list, outcome, at_s) VALUES (x'01', 'l', 'taken', ?)", (NOW_S,))
    execute("INSERT INTO letters_out (list, message, state, changed_s) VALUES ('l', x'01', 'sent', 1)")
    for n in range(25):
        execute("INSERT INTO hotline (at_s, text) VALUES (?, '')", (n,))
    tables = ("held", "tokens", "role_cards", "sessions", "moderation", "mutes", "letters_in", "letters_out")
    left = []
    for days in (0, 2, 3, 8, 32, 401):
        after(store, days)
        left.append([rows(store, table) for table in tables])
    assert left == [
        [1, 1, 2, 1, 1, 1, 1, 0],
        [1, 1, 2, 1, 1, 0, 1, 0],
        [1, 0, 2, 1, 1, 0, 1, 0],
        [0, 0, 2, 0, 1, 0, 1, 0],
        [0, 0, 1, 0, 0, 0, 1, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
    ]
    assert rows(store, "hotline") == 20


def test_nothing_tells_after_a_day_which_phone_it_was(store):
    said = say(store, post("who posted this"))
    assert store.device_of(said) == b"device"
    after(store, 2)
    assert store.device_of(said) is None


def test_camps_are_forgotten_with_their_last_bundle_but_pins_stay(store):
    for camp in (NORTH, SOUTH):
        hear(store, camp, card(camp, "A camp"), Message(Kind.INTRODUCTION, NOW_S, reference=b"k" * 32))
    store.pin(SOUTH.key, NOW_S, introduce=True)
    hear(store, NORTH, post("hi", channel="elsewhere"))
    store.set_live([each.id for each in store.live_bundles()], False)
    after(store, 8)
    assert store.keys_of(NORTH.author) == ()
    assert store.pins() == {SOUTH.key: True}
    assert store.introductions() == ()
    assert [camp.name for camp in Reader.over(store).camps() if not camp.own] == ["A camp"]
    assert store.channel("elsewhere") is None


def test_too_much_evidence_of_unknown_messages_is_dropped(store):
    with store.transaction():
        store.connection.executemany(
            "INSERT INTO receipts (prefix, key, list) VALUES (?, x'01', x'')",
            ((n.to_bytes(8, "big"),) for n in range(UNMATCHED_MAX)),
        )
    after(store, 0)
    assert rows(store, "receipts") == UNMATCHED_MAX
    store.connection.execute(
        "INSERT INTO receipts (prefix, key, list) VALUES (x'ffffffffffffffff', x'01', x'')"
    )
    after(store, 0)
    assert rows(store, "receipts") == 0


# -- strangers --------------------------------------------------------------------------------------


def test_the_largest_strangers_history_goes_first_and_pinned_camps_stay(store):
    store.pin(SOUTH.key, NOW_S, introduce=True)
    small = post("from a small camp " + "y" * 100)
    hear(store, OTHER, small)
    hear(store, SOUTH, post("pinned " + "z" * 400))
    for n in range(8):
        hear(store, NORTH, post(f"flood {n} " + "x" * 300), live=n >= 4)
    wires = [(bundle.key, bundle.size) for bundle in (*store.live_bundles(), *store.dormant_bundles())]
    strangers = sum(size for key, size in wires if key != SOUTH.key)
    swept = after(store, 0, store_bytes_max=4 * (strangers - 3 * 100))
    assert swept.live_bundles == 0
    assert {"pinned " + "z" * 400, small_text(small)} <= texts(store)
    assert f"flood 0 {'x' * 300}" not in texts(store)
    assert all(f"flood {n} {'x' * 300}" in texts(store) for n in range(4, 8))
    assert Reader.over(store).search("flood 0", 9) == ()

    swept = after(store, 0, store_bytes_max=4 * 200)
    assert swept.live_bundles > 0
    assert "pinned " + "z" * 400 in texts(store)
    left = [bundle.size for bundle in store.live_bundles() if bundle.key != SOUTH.key]
    assert sum(left) <= 200


def small_text(said):
    return said.text


OTHER = type(OWN)(b"q" * 32)


# -- gone from the file -----------------------------------------------------------------------------


def plain(word, **fields):
    """A post whose words lie in its bytes as they are, so that they can be looked for."""
    return post("", body=b"\x00" + word.encode(), **fields)


def test_words_that_are_over_are_not_in_the_file(store):
    say(store, plain("zanahoria", channel=HERE), None)
    hear(store, NORTH, plain("berenjena"), live=False)
    assert b"zanahoria" in bytes_on_disk(store)
    assert b"berenjena" in bytes_on_disk(store)
    after(store, 8)
    assert b"zanahoria" not in bytes_on_disk(store)
    assert b"berenjena" not in bytes_on_disk(store)


@pytest.mark.parametrize(
    ("what", "gone", "left"),
    [
        (Wipe.GOSSIP, {"theirword", "north"}, {"ownword", "chatword", "cardname", "hotword"}),
        (Wipe.MESSAGES, {"theirword", "ownword", "chatword", "heldword"}, {"cardname", "hotword"}),
        (Wipe.PEOPLE, {"cardname", "hotword", "hidereason"}, {"theirword", "ownword", "chatword"}),
        (
            Wipe.CAMP,
            {"theirword", "ownword", "chatword", "heldword", "cardname", "hotword", "hidereason", "north"},
            set(),
        ),
    ],
)
def test_what_is_wiped_is_not_in_the_file(store, what, gone, left):
    fill(store)
    assert {word for word in gone | left if word.encode() not in bytes_on_disk(store)} == set()
    assert store.wipe(what)
    on_disk = bytes_on_disk(store)
    assert {word for word in gone if word.encode() in on_disk} == set()
    assert {word for word in left if word.encode() not in on_disk} == set()
    for name, rule in RULES.items():
        if rule.wiped_by == what and name not in ("channels", "meta"):
            assert rows(store, name) == 0, name


def fill(store):
    hear(store, NORTH, plain("theirword"), card(NORTH, "North"))
    say(store, plain("ownword"))
    seal_waiting(store)
    say(store, plain("chatword", channel=HERE), None)
    held = plain("heldword")
    execute = store.connection.execute
    execute(
        "INSERT INTO held (id, bytes, why, received_s) VALUES (?, ?, 'quiet', ?)",
        (id_of(OWN, held), message.encode(held), NOW_S),
    )
    execute("INSERT INTO role_cards (role, name, secret_hash, made_s) VALUES (1, 'cardname', x'01', 1)")
    execute("INSERT INTO hotline (at_s, text) VALUES (1, 'hotword')")
    execute("INSERT INTO moderation (at_s, actor, act, why) VALUES (1, 'moderator', 'hide', 'hidereason')")


def test_wiped_words_do_not_come_back_from_a_neighbour(store):
    fill(store)
    ids = [row_id for (row_id,) in store.connection.execute("SELECT id FROM bundles")]
    assert len(ids) == 2
    store.wipe(Wipe.MESSAGES)
    assert all(store.is_dead(bundle_id) for bundle_id in ids)


def test_a_list_is_not_read_again_after_its_letters_were_wiped(store):
    with store.transaction():
        LetterTables(store.connection).set_mark("inbox.mbox", 17, b"check")
    store.wipe(Wipe.MESSAGES)
    assert LetterTables(store.connection).mark_of("inbox.mbox") == (17, b"check")


@pytest.mark.parametrize("what", [Wipe.GOSSIP, Wipe.MESSAGES, Wipe.CAMP])
def test_own_bundles_that_come_back_after_a_wipe_are_no_stolen_key(store, what):
    fill(store)
    (hour,) = store.connection.execute("SELECT hour FROM bundles WHERE key = ?", (store.key,)).fetchone()
    store.wipe(what)
    assert store.meta("salvaged_hour") == hour


def test_a_wiped_camp_goes_on(store):
    fill(store)
    store.wipe(Wipe.CAMP)
    assert texts(store) == set()
    assert store.channel("general") is not None
    say(store, post("begin anew"))
    hear(store, NORTH, post("hello again"))
    assert texts(store) == {"begin anew", "hello again"}


def test_words_that_were_taken_back_before_they_left_are_not_in_the_file(store):
    said = post("meet at the Fountain", nickname="Zorrilla")
    raw = message.encode(said)
    taken_back = say(store, said, None)
    say(store, post("soup"), None)
    assert raw.lower() in bytes_on_disk(store)

    store.forget_words(taken_back)

    assert raw.lower() not in bytes_on_disk(store)
    after(store, 0)  # the hourly sweep: the search index
    left = bytes_on_disk(store)
    for words in (raw.lower(), said.body.lower(), b"fountain", b"zorrilla"):
        assert words not in left
    kept = Reader.over(store).message(taken_back)
    assert kept is not None
    assert (kept.text, kept.author) == ("", "")
    store.rebuild(lambda _done, _of: None)
    assert Reader.over(store).message(taken_back) == kept


def test_what_may_have_left_is_not_forgotten(store):
    waiting = say(store, post("waits for its seal"))
    store.forget_words(waiting)
    store.forget_words(bytes(16))
    assert texts(store) == {"waits for its seal"}
