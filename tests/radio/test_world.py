"""The world: real engines and stores in virtual time. What is tested here is the world, not the gossip."""

import itertools
import struct
from functools import partial
from time import perf_counter

import pytest

from radio.airtime import preset_named
from radio.ledger import kind_of
from radio.simulated import Fate, Path, Sent
from radio.world import World
from sync.events import FrameRefused, MessageArrived
from sync.message import Kind, Message, compose

SHORT_FAST = preset_named("SHORT_FAST")


@pytest.fixture
def make():
    """Worlds that are closed at the end."""
    made = []

    def make(*names, seed=1, **more):
        world = World(seed, SHORT_FAST, **more)
        for name in names:
            world.add_camp(name)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


def alert(world, camp, text="police at the north gate"):
    return world.publish(camp, compose(Message(Kind.MIC_CHECK, int(world.now)), text))


def texts(world, camp):
    rows = world.camps[camp].store.connection.execute("SELECT text FROM messages WHERE shown = 1")
    return [row[0] for row in rows]


def test_a_mic_check_is_pushed_and_relayed(make):
    world = make("a", "b", "c")
    world.line("a", "b", "c")
    arrived = []
    world.on_event.append(lambda camp, event: arrived.append((camp, event)))
    alert(world, "a", "first")
    world.run(30)
    assert texts(world, "b") == ["first"]
    assert next(type(event) for camp, event in arrived if camp == "b") is MessageArrived
    assert world.ledger.frames >= 2


def test_stores_in_memory_and_in_files_make_the_same_world(tmp_path):
    """Where nothing can be lost the world begins no transaction round a turn; nobody in it can tell."""

    def evening(folder):
        world = World(1, SHORT_FAST)
        for name in "abcd":
            world.add_camp(name, path=None if folder is None else folder / f"{name}.sqlite")
        world.line(*"abcd", path=Path(loss=0.3))
        for name in "abca":
            alert(world, name, f"from {name}")
            world.run(60)
        world.run(600)
        said = [texts(world, name) for name in "abcd"]
        world.close()
        return world.trace, said

    assert evening(None) == evening(tmp_path)


def test_same_seed_same_world(make):
    def morning(seed):
        world = make(*"abcdefgh", seed=seed)
        world.scatter("abcdefgh", 4, Path(loss=0.2))
        for n, camp in enumerate("abcdefgh"):
            world.at(world.now + 20 * n, lambda camp=camp: alert(world, camp))
        world.run(600)
        return world.trace, dict(world.ledger.ms_of_camp), world.ledger.fates

    assert morning(3) == morning(3)
    assert morning(3)[0] != morning(4)[0]


def test_the_ledger_agrees_with_what_was_on_the_air(make):
    world = make(*"abcd")
    world.square(*"abcd", path=Path(loss=0.1))
    sent: list[Sent] = []
    world.on_sent.append(sent.append)
    for n in range(20):
        world.at(world.now + 5 * n, lambda n=n: alert(world, "abcd"[n % 4], f"{n}"))
    world.run(300)
    ledger = world.ledger
    assert ledger.frames == len(sent) > 20
    for camp in "abcd":
        of_camp = [each for each in sent if each.sender == camp]
        expected_ms = sum(SHORT_FAST.airtime_ms(len(each.frame)) for each in of_camp)
        assert ledger.ms_of_camp[camp] == pytest.approx(expected_ms)
        assert ledger.busiest_hour_ms(camp) == pytest.approx(expected_ms)
    assert ledger.airtime_ms == pytest.approx(sum(ledger.ms_of_kind.values()))
    assert sum(ledger.frames_of_kind.values()) == ledger.frames
    assert ledger.fates.total() == sum(len(each.hearings) for each in sent)


def test_a_cut_keeps_them_apart_until_it_heals(make):
    world = make("a", "b")
    world.hear("a", "b", Path(snr_db=3.0))
    world.cut("a", "b")
    alert(world, "a", "nobody hears this")
    world.run(30)
    assert texts(world, "b") == []
    world.heal("b", "a")
    assert world.air.paths_from("a") == {"b": Path(snr_db=3.0)}
    alert(world, "a", "this one is heard")
    world.run(30)
    assert "this one is heard" in texts(world, "b")


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_camp_comes_back_with_what_it_stored(make, tmp_path, on_disk):
    world = make("a")
    world.add_camp("b", path=tmp_path / "b" if on_disk else None)
    world.square("a", "b")
    alert(world, "a", "before")
    world.run(30)
    world.stop("b")
    alert(world, "a", "meanwhile")
    world.run(30)
    with pytest.raises(ValueError, match="b is switched off"):
        alert(world, "b")
    world.restart("b")
    assert texts(world, "b") == ["before"]
    alert(world, "a", "after")
    world.run(30)
    assert set(texts(world, "b")) >= {"before", "after"}
    assert world.camps["b"].starts == 2


def test_a_camp_that_is_unplugged_breaks_off(make):
    world = make("a", "b")
    world.square("a", "b")
    fates: list[Fate] = []
    world.on_sent.append(lambda sent: fates.extend(each.fate for each in sent.hearings))
    alert(world, "a")
    world.run(world.air.next_due() - world.now)  # it has begun
    world.stop("a")
    world.run(30)
    assert fates == [Fate.PART]
    assert texts(world, "b") == []


def test_nobody_sends_more_than_the_law_leaves(make):
    world = make("a", "b", duty_cycle=0.001)  # 3.6 s an hour
    world.square("a", "b")
    for n in range(40):
        world.at(world.now + 200 * n, lambda n=n: alert(world, "a", f"{n}"))
    world.run(3 * 3_600)
    assert 1_800 < world.ledger.busiest_hour_ms("a") <= 3_600
    assert world.ledger.busiest_hour_ms("b") <= 3_600


def test_a_stranger_says_anything_and_hears_everything(make):
    world = make("a")
    heard: list[bytes] = []
    world.add_radio("mallory", heard.append)
    world.hear("a", "mallory")
    refused = []
    world.on_event.append(lambda camp, event: refused.append(event))
    world.inject("mallory", b"not a frame")
    world.inject("mallory", b"another")
    alert(world, "a")
    world.run(30)
    assert len([event for event in refused if isinstance(event, FrameRefused)]) == 2
    assert heard
    assert world.ledger.frames_of_kind["unknown"] == 2


def test_doubles_and_latecomers_come_in_any_order(make):
    world = make("a")
    order: list[bytes] = []
    world.add_radio("ear", order.append)
    world.add_radio("mouth")
    world.hear("mouth", "ear")
    world.doubled, world.late_s = 0.5, 60.0
    for n in range(50):
        world.inject("mouth", struct.pack("B", n))
    world.run(600)
    assert set(order) == {struct.pack("B", n) for n in range(50)}
    assert 60 < len(order) < 90
    assert order != sorted(order)


def test_clocks_may_be_wrong_or_absent(make):
    world = make("a", "b")
    world.square("a", "b")
    world.camps["a"].clock_offset_s = -3 * 86_400.0
    alert(world, "a", "three days ago")
    world.run(30)
    assert texts(world, "b") == []  # a mic check lives 24 h
    world.add_camp("c", clock_is_set=False)
    world.square("a", "b", "c")
    alert(world, "c", "without a clock")
    world.run(30)
    c = world.camps["c"]
    assert all(live.key != c.identity.key for live in c.store.live_bundles())  # without an hour, no seal


def test_camps_are_scattered_so_that_all_are_connected(make):
    names = [f"camp{n}" for n in range(50)]
    world = make()
    world.scatter(names, 7)
    roads = {name: world.air.paths_from(name) for name in names}
    assert sum(map(len, roads.values())) / 50 == 7
    reached = {names[0]}
    for _ in names:
        reached |= set(itertools.chain.from_iterable(roads[name] for name in reached))
    assert reached == set(names)
    with pytest.raises(ValueError, match="hang together"):
        make().scatter(names, 1)


@pytest.mark.full
def test_fifty_camps_live_two_hours_in_three_minutes():
    names = [f"camp{n}" for n in range(50)]
    world = World(1, preset_named("LONG_FAST"))
    world.scatter(names, 7, Path(loss=0.2))
    for name in names:
        world.add_camp(name)
    for minute in range(120):
        post = compose(Message(Kind.POST, int(world.now) + 60 * minute), f"{minute}: we need water at gate 4")
        camp = names[minute * 7 % 50]
        world.at(world.now + 60 * minute, partial(world.publish, camp, post))
    started_s = perf_counter()
    world.run(2 * 3_600)
    assert perf_counter() - started_s < 180
    assert world.ledger.frames > 1_000
    world.close()


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"\x10rest", "bundle"),
        (b"\x1drest", "ask keys"),
        (b"\x12", "beacon"),
        (b"\x1f", "unknown"),
        (b"\x20", "unknown"),
        (b"", "unknown"),
    ],
)
def test_frames_have_names(frame, kind):
    assert kind_of(frame) == kind
