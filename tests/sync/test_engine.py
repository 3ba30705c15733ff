"""The engine tells stories: posts cross camps, whatever is lost, doubled, cut, forged or restarted."""

import pytest

from radio.ledger import kind_of
from sync import bundle, frames, message
from sync.bundle import BundleClass
from sync.engine import Imported, Limits
from sync.events import BundleSealed, CampDead, CampWaiting, KeyUsedElsewhere, MessageArrived, NeighbourHas
from sync.frames import BundleFrame
from sync.level_frames import ShortIdsFrame, Terms
from sync.message import Kind, Message
from sync.reject import Reason
from sync.signing import Network
from sync.sketch import Salt
from tests.sync.camps import NOW_S, Camp, Square, air, cable


@pytest.fixture
def line():
    square = Square("north", "middle", "south")
    north, middle, south = square.camps
    square.join(north, middle)
    square.join(middle, south)
    return square


def frame_of(camp, sealed, key=None):
    return frames.encode(BundleFrame(sealed.wire, key), camp.identity.network, camp.identity.author)


def sealed_by(camp, *texts, hour=None, class_=BundleClass.POST, now=NOW_S):
    messages = [message.encode(message.compose(Message(Kind.POST, int(now)), text)) for text in texts]
    return bundle.seal(camp.identity, bundle.hour_of(now) if hour is None else hour, class_, messages)


def receive(camp, data, link="x", now=NOW_S):
    with camp.store.transaction():
        camp.engine.receive_frame(data, link, now)


def test_a_post_crosses_three_camps_within_a_sealing_wait(line):
    north, _, south = line.camps
    north.post("water at gate 4", line.now)
    line.run(59)
    assert south.shown() == []
    line.run(10)
    assert south.shown() == ["water at gate 4"]


def test_a_mic_check_leaves_at_once(line):
    north, _, south = line.camps
    north.post("medic to the fountain", line.now, kind=Kind.MIC_CHECK)
    line.settle()
    assert south.shown() == ["medic to the fountain"]
    assert [event.urgent for event in south.events if isinstance(event, MessageArrived)] == [True]


def test_posts_of_one_minute_share_a_signature(line):
    north = line.camps[0]
    for n in range(4):
        north.post(f"post {n}", line.now)
    line.run(100)
    sealed = [event for event in north.events if isinstance(event, BundleSealed)]
    assert [len(event.messages) for event in sealed] == [4]


def test_four_frames_full_are_sealed_without_waiting(line):
    north, _, south = line.camps
    for _ in range(12):
        north.post(line.random.randbytes(60).hex(), line.now)
    line.settle()
    assert len(south.shown()) == 12
    for live in north.store.live_bundles():
        assert live.size <= 4 * 222


def test_what_is_said_here_stays_here(line):
    north, middle, _ = line.camps
    north.post("only for us", line.now, channel="here")
    line.run(300)
    assert north.shown() == ["only for us"]
    assert middle.shown() == []
    assert north.live() == []


def test_a_message_crosses_three_camps_after_a_day_apart(line):
    north, middle, south = line.camps
    line.cut(middle, south)
    north.post("water at gate 4", line.now)
    line.run(24 * 3600, step=120)
    assert south.shown() == []
    line.join(middle, south)
    line.run(10)
    assert south.shown() == ["water at gate 4"]


def test_a_restart_in_the_middle_loses_nothing(tmp_path):
    square = Square("north")
    middle, south = Camp("middle", path=tmp_path / "middle"), Camp("south")
    square.camps += [middle, south]
    north = square.camps[0]
    square.join(north, middle)
    north.post("first", square.now)
    square.run(70)
    square.restart(middle)
    square.join(middle, south)
    square.run(10)
    assert south.shown() == ["first"]


def test_own_posts_that_waited_are_sealed_after_a_restart(tmp_path):
    camp = Camp("north", path=tmp_path / "north")
    camp.post("typed before the power cut", NOW_S)
    camp.restart()
    with camp.store.transaction():
        camp.engine.tick(NOW_S + 61)
    assert len(camp.live()) == 1


@pytest.mark.parametrize("seed", range(8))
def test_camps_level_through_loss_and_doubles(seed):
    square = Square("a", "b", "c", "d", seed=seed)
    a, b, c, d = square.camps
    for one, other in ((a, b), (b, c), (c, d), (d, a)):
        square.join(one, other)
    square.loss, square.doubled = 0.4, 0.2
    for n in range(20):
        square.camps[n % 4].post(f"post {n}", square.now)
        square.run(40, step=20)
    square.run(3600, step=30)
    boards = [sorted(camp.shown()) for camp in square.camps]
    assert boards == [sorted(f"post {n}" for n in range(20))] * 4
    assert len({tuple(camp.live()) for camp in square.camps}) == 1


def test_levelled_camps_say_little(line):
    for camp in line.camps:
        camp.post(f"from {camp.name}", line.now)
    line.run(600)
    line.sent = 0
    line.run(1200)
    assert line.sent <= 2 * 2 * 11  # a list and an answer on each cable every two minutes, nothing else


def test_a_neighbour_that_has_it_is_known(line):
    north = line.camps[0]
    north.post("hello", line.now)
    line.run(70)
    assert [event.camp for event in north.events if isinstance(event, NeighbourHas)] == [
        line.camps[1].identity.key
    ]


def test_a_mic_check_is_echoed_by_those_who_heard_it(line):
    north, middle, south = line.camps
    north.post("medic to the fountain", line.now, kind=Kind.MIC_CHECK)
    line.run(400)
    rows = north.store.connection.execute("SELECT key FROM echoes").fetchall()
    assert {row[0] for row in rows} == {middle.identity.key, south.identity.key}


def test_an_unknown_author_is_held_until_the_key_comes():
    here, stranger = Camp("here"), Camp("stranger")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    receive(here, frame_of(stranger, sealed_by(stranger, "hello")))
    assert here.shown() == []
    assert here.counted(Reason.KEY) == 1
    asked = here.engine.frames_to_send("x", NOW_S, float("inf"))
    kinds = [frames.decode(data, here.identity.network)[1] for data in asked]
    assert frames.AskKeysFrame((stranger.identity.author,)) in kinds
    keys = frames.encode(
        frames.KeysFrame((stranger.identity.key,)), here.identity.network, stranger.identity.author
    )
    receive(here, keys)
    assert here.shown() == ["hello"]


def test_a_node_answers_requests_for_keys():
    here, asker = Camp("here"), Camp("asker")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    receive(here, frames.encode(frames.AskKeysFrame((here.identity.author,)), here.identity.network, b"ab"))
    said = [
        frames.decode(data, asker.identity.network)[1]
        for data in here.engine.frames_to_send("x", NOW_S, float("inf"))
    ]
    assert frames.KeysFrame((here.identity.key,)) in said


def test_another_network_word_keeps_outsiders_out():
    here, outsider = Camp("here"), Camp("outsider", network=Network("another"))
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    sealed = sealed_by(outsider, "let me in")
    receive(here, frame_of(outsider, sealed, outsider.identity.key))
    inside = frames.encode(
        BundleFrame(sealed.wire, outsider.identity.key), here.identity.network, outsider.identity.author
    )
    receive(here, inside)
    assert here.shown() == []
    assert here.counted(Reason.NETWORK) == 1
    assert here.counted(Reason.SIGNATURE) == 1


def test_only_introduced_camps_when_the_coordinator_says_so():
    here = Camp("here", limits=Limits(introduced_only=True))
    friend, friends_friend, stranger = Camp("friend"), Camp("second"), Camp("stranger")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    with here.store.transaction():
        here.store.pin(friend.identity.key, NOW_S, True)
    here.engine.refresh_admission()
    for camp in (friend, friends_friend, stranger):
        receive(here, frame_of(camp, sealed_by(camp, f"from {camp.name}"), camp.identity.key))
    assert here.shown() == ["from friend"]
    waiting = [event for event in drain(here) if isinstance(event, CampWaiting)]
    assert {event.camp for event in waiting} == {friends_friend.identity.key, stranger.identity.key}

    introduction = message.encode(
        Message(Kind.INTRODUCTION, int(NOW_S), reference=friends_friend.identity.key)
    )
    receive(
        here,
        frame_of(
            friend, bundle.seal(friend.identity, bundle.hour_of(NOW_S), BundleClass.POST, [introduction])
        ),
    )
    assert here.store.waiting_camps() == (stranger.identity.key,)
    receive(here, frame_of(friends_friend, sealed_by(friends_friend, "again")))
    receive(here, frame_of(friends_friend, sealed_by(friends_friend, "again"), friends_friend.identity.key))
    assert here.shown() == ["from friend", "again"]


def drain(camp):
    events = []
    while (event := camp.engine.next_event()) is not None:
        events.append(event)
    return events


def test_a_refused_bundle_is_not_asked_for_again():
    here, stranger = Camp("here", limits=Limits(introduced_only=True)), Camp("stranger")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    sealed = sealed_by(stranger, "hello")
    receive(here, frame_of(stranger, sealed, stranger.identity.key))
    ids = (sealed.id(stranger.identity.key, here.identity.network),)
    receive(here, frames.encode(frames.GotFrame(ids), here.identity.network, b"ab"))
    said = [
        frames.decode(data, here.identity.network)[1]
        for data in here.engine.frames_to_send("x", NOW_S, float("inf"))
    ]
    assert not any(isinstance(frame, frames.AskFrame) for frame in said)


def test_a_dead_key_is_dead_everywhere(line):
    north, middle, south = line.camps
    north.post("before", line.now)
    line.run(130)
    assert south.shown() == ["before"]
    farewell = Message(
        Kind.FAREWELL,
        int(line.now),
        reference=north.identity.key + north.identity.sign_farewell(),
    )
    with middle.store.transaction():
        middle.engine.publish(farewell, line.now)
        middle.store.add_farewell(north.identity.key, north.identity.sign_farewell(), line.now)
        middle.engine.refresh_admission()
    line.run(130)
    north.post("after", line.now)
    line.run(300)
    assert south.shown() == ["before"]
    assert CampDead(north.identity.key) in south.events
    assert all(live.key != north.identity.key for live in south.store.live_bundles())


def test_a_forged_farewell_buries_nobody():
    here, north, liar = Camp("here"), Camp("north"), Camp("liar")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    forged = message.encode(
        Message(Kind.FAREWELL, int(NOW_S), reference=north.identity.key + liar.identity.sign_farewell())
    )
    hour = bundle.hour_of(NOW_S)
    lie = bundle.seal(liar.identity, hour, BundleClass.POST, [forged])
    receive(here, frame_of(liar, lie, liar.identity.key))
    assert len(here.live()) == 1  # carried
    receive(here, frame_of(north, sealed_by(north, "still here"), north.identity.key))
    assert here.shown() == ["still here"]


def test_another_box_with_our_key_is_told_and_taken_in():
    here, twin = Camp("here"), Camp("here")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    receive(here, frame_of(twin, sealed_by(twin, "from the other box"), twin.identity.key))
    assert here.shown() == ["from the other box"]
    assert any(isinstance(event, KeyUsedElsewhere) for event in drain(here))


def test_what_neighbours_give_back_after_a_salvage_is_no_alarm():
    here, before = Camp("here"), Camp("here")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    here.store.set_meta("salvaged_hour", bundle.hour_of(NOW_S))
    receive(here, frame_of(before, sealed_by(before, "lost with a page"), before.identity.key))
    assert here.shown() == ["lost with a page"]
    assert not any(isinstance(event, KeyUsedElsewhere) for event in drain(here))


def test_a_request_that_went_down_with_its_link_is_made_again():
    here, other = Camp("here"), Camp("other")
    named = frames.encode(frames.GotFrame((b"i" * 16,)), other.identity.network, other.identity.author)
    for name in ("x", "y"):
        here.engine.add_link(cable(name, other.identity.key), NOW_S)
        receive(here, named, link=name)
        said = [
            frames.decode(data, here.identity.network)[1]
            for data in here.engine.frames_to_send(name, NOW_S, float("inf"))
        ]
        assert frames.AskFrame((b"i" * 16,)) in said
        here.engine.drop_link(name)


@pytest.mark.parametrize(
    ("hour", "class_", "broadcast", "taken", "live"),
    [
        (0, BundleClass.POST, True, True, True),
        (+1, BundleClass.POST, True, True, True),
        (+2, BundleClass.POST, True, False, False),
        (+2, BundleClass.POST, False, False, False),
        (-71, BundleClass.POST, True, True, True),
        (-72, BundleClass.POST, True, False, False),
        (-72, BundleClass.POST, False, True, False),
        (-24, BundleClass.ALERT, True, False, False),
        (-24, BundleClass.ALERT, False, True, False),
        (0, BundleClass.BULK, True, False, False),
        (0, BundleClass.BULK, False, True, True),
        (bundle.HOUR_MAX - bundle.hour_of(NOW_S), BundleClass.POST, False, False, False),
    ],
)
def test_the_hour_and_the_road_decide_what_is_taken(hour, class_, broadcast, taken, live):
    here, other = Camp("here"), Camp("other")
    here.engine.add_link(air("x") if broadcast else cable("x", b"p" * 32), NOW_S)
    sealed = sealed_by(other, "hello", hour=bundle.hour_of(NOW_S) + hour, class_=class_)
    receive(here, frame_of(other, sealed, other.identity.key))
    assert (here.shown() == ["hello"]) is taken
    assert (len(here.live()) == 1) is live


def test_only_an_authors_newest_64_bundles_are_live():
    here, other = Camp("here"), Camp("other")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    hour = bundle.hour_of(NOW_S)
    sealed = [sealed_by(other, f"post {n}", hour=hour - 66 + n) for n in range(66)]
    for one in sealed[3:] + sealed[:3]:
        receive(here, frame_of(other, one, other.identity.key))
    newest = {one.id(other.identity.key, here.identity.network) for one in sealed[2:]}
    assert set(here.live()) == newest
    assert len(here.shown()) == 66  # the older two are history


def test_the_set_is_the_same_whatever_the_order_of_arrival():
    other = Camp("other")
    hour = bundle.hour_of(NOW_S)
    sealed = [sealed_by(other, f"post {n}", hour=hour - n % 5) for n in range(80)]
    sets = []
    for order in (sealed, sealed[::-1], sealed[40:] + sealed[:40]):
        here = Camp("here")
        here.engine.add_link(air("x"), NOW_S)
        for one in order:
            receive(here, frame_of(other, one, other.identity.key))
        sets.append(here.live())
    assert sets[0] == sets[1] == sets[2]
    assert len(sets[0]) == 64


def test_what_came_by_air_is_passed_on_once():
    here, other = Camp("here"), Camp("other")
    here.engine.add_link(air("x"), NOW_S)
    data = frame_of(other, sealed_by(other, "hello"), other.identity.key)
    receive(here, data)
    assert here.engine.frames_to_send("x", NOW_S, 10_000.0) == []
    said = [kind_of(frame) for frame in here.engine.frames_to_send("x", NOW_S + 100, 10_000.0)]
    assert said.count("bundle with key") == 1
    receive(here, data)
    assert here.engine.frames_to_send("x", NOW_S + 110, 10_000.0) == []


def test_what_was_sealed_before_a_radio_was_there_goes_out_with_it():
    here = Camp("here")
    here.post("run north", NOW_S, kind=Kind.MIC_CHECK)
    here.engine.add_link(air("x"), NOW_S + 5)
    assert len(here.engine.frames_to_send("x", NOW_S + 5, 10_000.0)) == 1
    here.engine.drop_link("x")
    here.engine.add_link(air("x"), NOW_S + 6)
    assert here.engine.frames_to_send("x", NOW_S + 6, 10_000.0) == []


def test_airtime_is_a_limit():
    here = Camp("here")
    here.engine.add_link(air("x"), NOW_S)
    for n in range(3):
        here.post(f"run {n}", NOW_S, kind=Kind.MIC_CHECK)
    cost = air().airtime_ms(145)  # the first carries the key; two such do not fit, nor three without
    assert here.engine.frames_to_send("x", NOW_S, 100.0) == []
    assert len(here.engine.frames_to_send("x", NOW_S, 2 * cost)) == 2
    assert len(here.engine.frames_to_send("x", NOW_S, 2 * cost)) == 1


@pytest.mark.parametrize(("kind", "keyed"), [(Kind.POST, [True, True, False]), (Kind.MIC_CHECK, [True] * 3)])
def test_the_first_own_bundles_of_a_day_carry_the_key_in_the_air_and_every_alert(kind, keyed):
    here, other = Camp("here"), Camp("other")
    here.engine.add_link(air("x"), NOW_S)
    sizes = []
    for now in (NOW_S, NOW_S + 1_600, NOW_S + 3_600):
        here.post("hello", now, kind=kind)
        frame = frames.decode(bundles_of(here, now + 61)[0], other.identity.network)[1]
        assert isinstance(frame, BundleFrame)
        sizes.append(frame.key is not None)
    assert sizes == keyed


def bundles_of(camp, now):
    """The bundle frames that leave it now."""
    sent = camp.engine.frames_to_send("x", now, 10_000.0)
    return [data for data in sent if kind_of(data).startswith("bundle")]


class TestWithoutAClock:
    """A box that woke up in 1970."""

    def test_nothing_is_sealed_and_nothing_lost(self):
        here = Camp("here")
        here.engine.tell_time(0.0, trusted=False)
        here.post("typed in the dark", 10.0)
        with here.store.transaction():
            here.engine.tick(1_000.0)
        assert here.live() == []
        assert here.shown() == ["typed in the dark"]

        here.engine.tell_time(NOW_S, trusted=True)
        with here.store.transaction():
            here.engine.tick(1_001.0)
        assert len(here.live()) == 1

    def test_the_second_highest_hour_heard_is_believed(self):
        here = Camp("here")
        here.engine.tell_time(0.0, trusted=False)
        here.engine.add_link(cable("x", b"p" * 32), 0.0)
        hour = bundle.hour_of(NOW_S)
        for name, sealed_in in (("a", hour), ("liar", hour + 10_000), ("b", hour - 1)):
            other = Camp(name)
            receive(
                here, frame_of(other, sealed_by(other, name, hour=sealed_in), other.identity.key), now=1.0
            )
        assert here.engine.hour(1.0) == hour
        assert here.engine.wall_s(1.0) == bundle.seconds_of(hour)

    def test_one_liar_with_many_keys_moves_nobody_who_knows_two_camps(self, tmp_path):
        here = Camp("here", path=tmp_path / "here")
        here.engine.tell_time(0.0, trusted=False)
        here.engine.add_link(cable("x", b"p" * 32), 0.0)
        hour = bundle.hour_of(NOW_S)
        for name, sealed_in in (
            ("a", hour),
            ("b", hour - 1),
            ("liar", hour + 9_000),
            ("liar too", hour + 9_000),
        ):
            other = Camp(name)
            if name in ("a", "b"):
                with here.store.transaction():
                    here.store.pin(other.identity.key, NOW_S, True)
                    here.engine.refresh_admission()
            receive(
                here, frame_of(other, sealed_by(other, name, hour=sealed_in), other.identity.key), now=1.0
            )
        assert here.engine.hour(1.0) == hour - 1
        here.restart()
        here.engine.tell_time(0.0, trusted=False)
        assert here.engine.hour(1.0) == hour - 1

    def test_a_box_that_woke_up_in_the_past_takes_what_is_ahead_of_it(self, tmp_path):
        here = Camp("here", path=tmp_path / "here")
        with here.store.transaction():
            here.engine.tick(NOW_S - 40 * 3600)
        here.restart()
        here.engine.tell_time(NOW_S - 40 * 3600, trusted=False)
        here.engine.add_link(air("x"), 1.0)
        for name in ("a", "b"):
            other = Camp(name)
            receive(here, frame_of(other, sealed_by(other, name), other.identity.key), now=1.0)
        with here.store.transaction():
            here.engine.tick(2.0)
        assert here.shown() == ["a", "b"]
        assert len(here.live()) == 2
        assert here.engine.hour(2.0) == bundle.hour_of(NOW_S)

    def test_what_a_liar_dated_ahead_is_not_live_once_the_clock_is_set(self):
        here, liar = Camp("here"), Camp("liar")
        here.engine.tell_time(0.0, trusted=False)
        here.engine.add_link(cable("x", b"p" * 32), 0.0)
        ahead = sealed_by(liar, "from 2032", hour=bundle.hour_of(NOW_S) + 50_000)
        receive(here, frame_of(liar, ahead, liar.identity.key), now=1.0)
        assert len(here.live()) == 1
        here.engine.tell_time(NOW_S, trusted=True)
        with here.store.transaction():
            here.engine.tick(2.0)
        assert here.live() == []

    def test_a_clock_set_back_brings_back_what_it_had_buried(self):
        here, other = Camp("here"), Camp("other")
        here.engine.add_link(cable("x", b"p" * 32), NOW_S)
        receive(here, frame_of(other, sealed_by(other, "hello"), other.identity.key))
        for wall_s, live in ((NOW_S + 100 * 3600, 0), (NOW_S, 1)):
            here.engine.tell_time(wall_s, trusted=True)
            with here.store.transaction():
                here.engine.tick(NOW_S)
            assert len(here.live()) == live

    def test_never_an_hour_before_the_last_on_disk(self, tmp_path):
        here = Camp("here", path=tmp_path / "here")
        with here.store.transaction():
            here.engine.tick(NOW_S)
        here.restart()
        here.engine.tell_time(0.0, trusted=False)
        assert here.engine.hour(0.0) == bundle.hour_of(NOW_S)


class TestImport:
    """Bundles from a file."""

    def test_new_known_and_refused(self):
        here, other = Camp("here"), Camp("other")
        sealed = sealed_by(other, "carried on a stick")
        with here.store.transaction():
            assert here.engine.import_bundle(sealed.wire, other.identity.key, NOW_S) == Imported.NEW
            assert here.engine.import_bundle(sealed.wire, other.identity.key, NOW_S) == Imported.KNOWN
            bad = sealed.wire[:-1] + bytes([sealed.wire[-1] ^ 1])
            assert here.engine.import_bundle(bad, other.identity.key, NOW_S) == Imported.REFUSED
            assert here.engine.import_bundle(b"junk", other.identity.key, NOW_S) == Imported.REFUSED
        assert here.shown() == ["carried on a stick"]

    def test_history_is_kept_and_never_live(self):
        here, other = Camp("here"), Camp("other")
        old = sealed_by(other, "last week", hour=bundle.hour_of(NOW_S) - 200)
        with here.store.transaction():
            assert here.engine.import_bundle(old.wire, other.identity.key, NOW_S) == Imported.NEW
        assert here.shown() == ["last week"]
        assert here.live() == []


def test_what_a_neighbour_refuses_is_not_sent_at_every_list():
    here, other = Camp("here"), Camp("other", limits=Limits(introduced_only=True))
    square = Square()
    square.camps = [here, other]
    square.join(here, other)
    here.post("unwanted", square.now)
    square.run(70)
    square.sent = 0
    square.run(1_200)
    assert square.sent <= 2 * 11  # lists, and nothing else
    assert other.shown() == []


def test_a_lie_from_2099_does_not_reach_a_box_without_a_clock():
    here, liar = Camp("here"), Camp("liar")
    here.engine.tell_time(0.0, trusted=False)
    here.engine.add_link(cable("x", b"p" * 32), 0.0)
    sealed = sealed_by(liar, "the end is near", hour=640_000, class_=BundleClass.ALERT)
    receive(here, frame_of(liar, sealed, liar.identity.key), now=1.0)
    assert here.shown() == []
    assert here.counted(Reason.HOUR) == 1


def test_hostile_frames_never_raise_and_are_counted():
    here = Camp("here")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    tag = here.identity.network.tag(1)
    for data in (
        b"",
        b"\x10",
        bytes([0x10, tag, 0, 0]),
        bytes([0x20, tag, 0, 0, 1]),
        bytes([0x10, tag ^ 1, 0, 0, 1]),
        bytes([0x1F, tag, 0, 0, 1]),
        bytes([0x1A, tag, 0, 0]) + b"\xff" * 30,
        bytes([0x1B, tag, 0, 0]) + bytes.fromhex("8143010203"),
        bytes([0x11, tag, 0, 0]) + bytes(120),
    ):
        receive(here, data)
    total = here.store.connection.execute("SELECT sum(n) FROM counters").fetchone()[0]
    assert total == 9


def test_lists_and_confirmations_are_refused_where_everybody_hears():
    here = Camp("here")
    here.engine.add_link(air("x"), NOW_S)
    here.post("run north", NOW_S, kind=Kind.MIC_CHECK)
    ids = tuple(here.live())
    salt = Salt(bytes(4), bundle.hour_of(NOW_S), bytes(4))
    listed = ShortIdsFrame(salt, 0, 0xFFFFFFFF, bytes(4), Terms(salt.hour, 0, 15))
    for frame in (listed, frames.AskFrame(ids), frames.GotFrame(ids)):
        receive(here, frames.encode(frame, here.identity.network, b"ab"))
    assert here.counted(Reason.FRAME) == 3
    assert here.engine.frames_to_send("x", NOW_S, 10_000.0)  # a forged GOT takes no alert off the air


def test_signature_checks_on_the_air_are_rationed():
    here, other = Camp("here"), Camp("other")
    here.engine.add_link(air("x"), NOW_S)
    receive(here, frame_of(other, sealed_by(other, "true"), other.identity.key))
    for n in range(300):
        sealed = sealed_by(other, f"forged {n}")
        broken = bundle.decode(sealed.signed + bytes(63) + b"\x01")
        receive(here, frame_of(other, broken))
    assert here.counted(Reason.RATE) >= 90
    assert here.shown() == ["true"]


def test_a_conversation_is_sealed_when_it_rests_or_after_two_minutes():
    here = Camp("here")
    for second in (0, 40, 80):
        here.post(f"said at {second}", NOW_S + second)
    with here.store.transaction():
        here.engine.tick(NOW_S + 119)
    assert here.live() == []
    with here.store.transaction():
        here.engine.tick(NOW_S + 120)
    assert len(here.live()) == 1
