"""The pump: nothing is answered or sent before it is on the disk, and one fault harms one job."""

import math
import threading
from concurrent.futures import Future

import pytest

from node.pump import (
    BYTES_WAITING_MAX,
    FEEL_EVERY_S,
    LINK_BYTES_WAITING_MAX,
    SWEEP_EVERY_S,
    Pump,
    PumpStopped,
)
from sync import frames
from sync.actions import CONSOLE, Refusal, Refused, WritePost
from sync.board import Board, BoardLimits, CampSettings
from sync.bundle import BundleClass, hour_of, seal
from sync.engine import Engine
from sync.events import Event, MessageArrived
from sync.frames import BundleFrame
from sync.link import NO_AIRTIME, Allowance
from sync.message import GENERAL, Kind, Message, compose, encode
from sync.store import Store, StoreFull
from tests.sync.camps import NOW_S, Camp, air, cable

WAIT_S = 20


class Clock:
    """Time by hand."""

    def __init__(self):
        self.time = NOW_S
        self.set = True

    def now(self):
        return self.time

    def wait_s(self, engine_s):
        return engine_s

    def wall_s(self):
        return self.time

    def is_set(self):
        return self.set


class Port:
    """A link that remembers what it was given and whether the store had it by then."""

    def __init__(self, name, peer, reader):
        self.profile = cable(name, peer)
        self.frames = []
        self.open = True
        self.got = threading.Event()
        self._reader = reader

    def room(self):
        return self.open

    def allowance(self, now):
        return Allowance(math.inf, math.inf)

    def push(self, frames):
        self.frames += [(frame, self._reader()) for frame in frames]
        self.got.set()


class Node:
    """A pump over a camp in a file."""

    def __init__(self, path):
        self.camp = Camp("here", path=path)
        self.clock = Clock()
        self.events: list[Event] = []
        self.full = threading.Event()
        self.faults = threading.Event()
        store, engine = self.camp.store, self.camp.engine
        self.board = Board(
            store, engine, self.camp.identity, lambda n: bytes(n), BoardLimits(), settings_without_quota()
        )
        self.pump = Pump(
            store, engine, self.board, self.clock, self.events.append, self.full.set, self.faults.set
        )

    def rows(self):
        import sqlite3

        with sqlite3.connect(f"file:{self.camp.path}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT count(*) FROM messages WHERE shown = 1").fetchone()[0]


def settings_without_quota():
    return CampSettings("here", "", ("en",), "", False, 0)


@pytest.fixture
def node(tmp_path):
    node = Node(tmp_path / "board.sqlite3")
    node.pump.start()
    yield node
    if not node.faults.is_set():
        node.pump.stop()


def test_a_post_is_on_the_disk_when_it_is_answered(node):
    node.pump.act(WritePost(GENERAL, "hello"), CONSOLE).result(WAIT_S)
    assert node.rows() == 1


def test_posts_from_many_threads_are_all_kept(node):
    futures: list[Future] = []

    def write(n):
        futures.extend(node.pump.act(WritePost(GENERAL, f"{n} {i}"), CONSOLE) for i in range(25))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = {future.result(WAIT_S).message for future in futures}
    assert len(ids) == 100 == node.rows()


def test_a_refusal_harms_nobody_else_in_the_group(node):
    held = threading.Event()
    node.pump.submit(lambda bench: held.wait(WAIT_S))  # the next three gather behind it
    good = node.pump.act(WritePost(GENERAL, "good"), CONSOLE)
    bad = node.pump.act(WritePost("no-such-channel", "bad"), CONSOLE)
    broken = node.pump.submit(lambda bench: 1 / 0)
    also_good = node.pump.act(WritePost(GENERAL, "also good"), CONSOLE)
    held.set()
    assert good.result(WAIT_S).message != also_good.result(WAIT_S).message
    with pytest.raises(Refused):
        bad.result(WAIT_S)
    with pytest.raises(ZeroDivisionError):
        broken.result(WAIT_S)
    assert node.rows() == 2


def test_what_a_failed_job_published_is_forgotten(node):
    def half(bench):
        bench.engine.publish(compose(Message(Kind.MIC_CHECK, int(NOW_S)), "half"), bench.now)
        bench.engine.publish(compose(Message(Kind.POST, int(NOW_S)), "half"), bench.now)
        raise Refused(Refusal.EMPTY)

    port = Port("x", b"p" * 32, node.rows)
    node.pump.link_up(port.profile, port)
    with pytest.raises(Refused):
        node.pump.submit(half).result(WAIT_S)
    node.clock.time += 120
    node.pump.act(WritePost(GENERAL, "whole"), CONSOLE).result(WAIT_S)
    node.clock.time += 120
    node.pump.wake()
    sealed = node.pump.submit(lambda bench: bench.engine.tick(bench.now)).result(WAIT_S)
    assert sealed is None
    assert node.rows() == 1


def test_whom_a_failed_job_admitted_is_forgotten(node):
    stranger = b"s" * 32

    def half(bench):
        bench.store.set_meta("admit", "introduced")
        bench.engine.refresh_admission()
        raise Refused(Refusal.EMPTY)

    admitted = node.pump.submit(lambda bench: stranger in bench.engine._admission).result(WAIT_S)
    with pytest.raises(Refused):
        node.pump.submit(half).result(WAIT_S)
    assert admitted
    assert node.pump.submit(lambda bench: stranger in bench.engine._admission).result(WAIT_S)


def test_a_frame_leaves_when_what_it_says_is_on_the_disk(node):
    port = Port("x", b"p" * 32, node.rows)
    node.pump.link_up(port.profile, port)
    node.pump.act(WritePost(GENERAL, "run north", urgent=True), CONSOLE).result(WAIT_S)
    assert port.got.wait(WAIT_S)
    assert all(rows == 1 for frame, rows in port.frames if len(frame) > 100)


def test_a_link_without_room_gets_nothing_until_it_says_so(node):
    port = Port("x", b"p" * 32, node.rows)
    port.open = False
    node.pump.link_up(port.profile, port)
    node.pump.act(WritePost(GENERAL, "run north", urgent=True), CONSOLE).result(WAIT_S)
    assert port.frames == []
    port.open = True
    node.pump.wake()
    assert port.got.wait(WAIT_S)


class RadioPort(Port):
    """A radio: it says how much airtime it wants, and takes one handful at a time."""

    def __init__(self, reader):
        super().__init__("unused", b"p" * 32, reader)
        self.profile = air()
        self.left = NO_AIRTIME
        self.asked = []
        self.handfuls = []

    def allowance(self, now):
        self.asked.append(now)
        return self.left

    def push(self, frames):
        self.handfuls.append(frames)
        self.left = NO_AIRTIME
        super().push(frames)


def test_a_radio_gets_no_more_than_the_airtime_it_wants(node):
    port = RadioPort(node.rows)
    node.pump.link_up(port.profile, port)
    for n in range(5):
        node.pump.act(WritePost(GENERAL, f"run north {n}", urgent=True), CONSOLE).result(WAIT_S)
    assert port.handfuls == []
    assert port.asked[-1] == NOW_S
    # 500 ms and 8 a byte: two of these frames of some 130 bytes, not three.
    port.left = Allowance(3_500.0, 3_500.0)
    node.pump.wake()
    assert port.got.wait(WAIT_S)
    node.pump.submit(lambda bench: None).result(WAIT_S)
    (handful,) = port.handfuls
    assert len(handful) == 2
    assert sum(port.profile.airtime_ms(len(frame)) for frame in handful) <= 3_500


def test_how_well_a_frame_was_heard_reaches_the_engine(node, monkeypatch):
    heard = []
    monkeypatch.setattr(node.camp.engine, "receive_frame", lambda *frame: heard.append(frame))
    node.pump.frame("air", b"frame", -7.5)
    node.pump.frame("ip", b"frame")
    node.pump.submit(lambda bench: None).result(WAIT_S)
    assert heard == [(b"frame", "air", NOW_S, -7.5), (b"frame", "ip", NOW_S, None)]


def test_two_pumps_level_over_a_cable(tmp_path):
    here, there = Node(tmp_path / "here"), Node(tmp_path / "there")
    arrived = threading.Event()
    there.camp.identity = Camp("there").identity
    there.camp.store.close()
    there.camp.store = Store.open(tmp_path / "other", there.camp.identity.key)
    there.camp.engine = Engine(there.camp.identity, there.camp.store, there.camp.engine._random)
    board = Board(
        there.camp.store,
        there.camp.engine,
        there.camp.identity,
        lambda n: bytes(n),
        BoardLimits(),
        settings_without_quota(),
    )

    def heard(event):
        if isinstance(event, MessageArrived):
            arrived.set()

    there.pump = Pump(
        there.camp.store, there.camp.engine, board, there.clock, heard, there.full.set, there.faults.set
    )
    ends = [Wire(there.pump, "to-here"), Wire(here.pump, "to-there")]
    here.pump.start()
    there.pump.start()
    here.pump.link_up(cable("to-there", there.camp.identity.key), ends[0].of("to-there"))
    there.pump.link_up(cable("to-here", here.camp.identity.key), ends[1].of("to-here"))
    here.pump.act(WritePost(GENERAL, "mic check", urgent=True), CONSOLE).result(WAIT_S)
    assert arrived.wait(WAIT_S)
    here.pump.stop()
    there.pump.stop()


class Wire:
    """What one pump pushes, the other receives."""

    def __init__(self, other, their_name):
        self.other = other
        self.their_name = their_name

    def of(self, own_name):
        self.profile = cable(own_name, b"p" * 32)
        return self

    def room(self):
        return True

    def allowance(self, now):
        return Allowance(math.inf, math.inf)

    def push(self, frames):
        for frame in frames:
            self.other.frame(self.their_name, frame)


def test_a_full_disk_fails_the_group_and_the_next_one_works(node, monkeypatch):
    node.pump.act(WritePost(GENERAL, "before"), CONSOLE).result(WAIT_S)

    def full(bench):
        bench.store.set_meta("half", 1)
        raise StoreFull

    future = node.pump.submit(full)
    with pytest.raises(StoreFull):
        future.result(WAIT_S)
    assert node.full.wait(WAIT_S)
    assert node.pump.full_since_s() is not None
    node.pump.submit(lambda bench: None).result(WAIT_S)  # writes nothing, and so says nothing of the disk
    assert node.pump.full_since_s() is not None
    node.pump.act(WritePost(GENERAL, "after"), CONSOLE).result(WAIT_S)
    assert node.pump.full_since_s() is None
    assert node.rows() == 2
    assert node.pump.submit(lambda bench: bench.store.meta("half")).result(WAIT_S) is None


def test_room_on_the_disk_is_noticed_when_nobody_posts(node):
    def full(bench):
        raise StoreFull

    with pytest.raises(StoreFull):
        node.pump.submit(full).result(WAIT_S)
    assert node.full.wait(WAIT_S)
    node.clock.time += FEEL_EVERY_S
    node.pump.submit(lambda bench: None).result(WAIT_S)
    assert node.pump.full_since_s() is None


def test_a_stopped_pump_takes_nothing(tmp_path):
    node = Node(tmp_path / "board")
    node.pump.start()
    last = node.pump.act(WritePost(GENERAL, "last"), CONSOLE)
    node.pump.stop()
    assert last.done()
    with pytest.raises(PumpStopped):
        node.pump.submit(lambda bench: None)


def test_our_own_fault_is_loud(node, monkeypatch, caplog):
    node.pump.submit(lambda bench: None).result(WAIT_S)
    monkeypatch.setattr(node.camp.engine, "tick", lambda now: 1 / 0)
    node.pump.wake()
    assert node.faults.wait(WAIT_S)
    assert "the pump failed" in caplog.text
    with pytest.raises(PumpStopped):
        node.pump.submit(lambda bench: None)


def test_without_a_clock_stamps_are_what_the_engine_believes(node):
    node.clock.set = False
    node.clock.time = 0.0
    node.pump.wake()
    wall_s = node.pump.submit(lambda bench: bench.wall_s).result(WAIT_S)
    assert wall_s in (0.0, pytest.approx(NOW_S, abs=3_600))


def hold(node):
    """The pump at work on a job that ends when the event that is returned is set."""
    begun, gate = threading.Event(), threading.Event()

    def wait(bench):
        begun.set()
        gate.wait(WAIT_S)

    node.pump.submit(wait)
    assert begun.wait(WAIT_S)
    return gate


class Slow:
    """An engine whose neighbour knows what is dear: each of its frames takes 20 ms of the clock."""

    def __init__(self, node, monkeypatch):
        self.taken = 0
        self.order: list[bytes] = []

        def receive(data, link, now, snr_db=None):
            self.taken += 1
            self.order.append(data)
            node.clock.time += 0.02

        monkeypatch.setattr(node.camp.engine, "receive_frame", receive)


def test_a_flood_of_frames_does_not_keep_people_waiting(node, monkeypatch):
    slow = Slow(node, monkeypatch)
    gate = hold(node)
    for n in range(400):
        node.pump.frame("x", bytes([n & 0xFF]))
    seen = []
    for _ in range(5):
        node.pump.submit(lambda bench: seen.append(slow.taken))
    gate.set()
    node.pump.submit(lambda bench: seen.append(slow.taken)).result(WAIT_S)
    # A slice of 50 ms is three frames of 20 ms; people are served between two slices.
    assert all(taken <= 3 * (place + 1) for place, taken in enumerate(seen))
    node.pump.submit(lambda bench: None).result(WAIT_S)


def test_frames_of_a_link_are_taken_in_order(node, monkeypatch):
    slow = Slow(node, monkeypatch)
    for n in range(50):
        node.pump.frame("x", bytes([n]))
    while len(slow.order) < 50:
        node.pump.submit(lambda bench: None).result(WAIT_S)
    assert slow.order == [bytes([n]) for n in range(50)]


def test_one_link_waits_for_room_and_the_others_do_not(node):
    gate = hold(node)
    for _ in range(LINK_BYTES_WAITING_MAX // 40_000):
        assert node.pump.has_room("hostile")
        node.pump.frame("hostile", bytes(40_000))
    assert not node.pump.has_room("hostile")
    assert node.pump.has_room("honest")
    links = 0
    while node.pump.has_room(f"hostile {links}"):
        node.pump.frame(f"hostile {links}", bytes(40_000))
        links += 1
    assert links * 40_000 <= BYTES_WAITING_MAX
    assert not node.pump.has_room("honest")
    gate.set()
    while not node.pump.has_room("hostile"):
        node.pump.submit(lambda bench: None).result(WAIT_S)
    assert node.pump.has_room("honest")


def test_a_node_that_ends_does_not_work_off_a_flood(node, monkeypatch):
    slow = Slow(node, monkeypatch)
    gate = hold(node)
    last = node.pump.act(WritePost(GENERAL, "last"), CONSOLE)
    for _ in range(400):
        node.pump.frame("x", b"x")
    ending = threading.Thread(target=node.pump.stop)
    ending.start()
    gate.set()
    ending.join(WAIT_S)
    assert last.done()
    assert slow.taken <= 2 * 3


def hour_at(node):
    return node.pump.submit(lambda bench: bench.engine.hour(bench.now)).result(WAIT_S)


def test_hours_that_others_made_up_delete_nothing_on_a_box_without_a_clock(node):
    node.pump.act(WritePost(GENERAL, "our own words"), CONSOLE).result(WAIT_S)
    node.clock.set = False
    node.pump.link_up(cable("x", b"p" * 32), Port("x", b"p" * 32, node.rows))
    years_ahead = hour_of(NOW_S) + 20_000
    for name in ("liar", "liar too"):
        liar = Camp(name).identity
        sealed = seal(liar, years_ahead, BundleClass.POST, [encode(Message(Kind.POST, int(NOW_S)))])
        node.pump.frame("x", frames.encode(BundleFrame(sealed.wire, liar.key), liar.network, liar.author))
    tries = 1_000
    while tries and hour_at(node) != years_ahead:
        tries -= 1
    assert tries
    node.clock.time += SWEEP_EVERY_S + 1
    node.pump.submit(lambda bench: None).result(WAIT_S)
    assert node.rows() == 3
