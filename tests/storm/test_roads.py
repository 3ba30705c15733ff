"""A camp with a radio and a cable at once: who gets it by one road is not sent it by the other."""

from functools import partial
from random import Random

import pytest

from radio.airtime import PRESETS
from radio.simulated import Path
from sync.message import Kind, Message, compose
from tests.storm.roads import Roads

LONG_FAST = next(preset for preset in PRESETS if preset.name == "LONG_FAST")


def post(world, name, text, kind=Kind.POST):
    world.publish(name, compose(Message(kind, int(world.now)), text))


def boards(world):
    query = "SELECT text FROM messages WHERE shown = 1 AND kind IN (0, 1)"
    return {
        name: sorted(text for (text,) in camp.store.connection.execute(query))
        for name, camp in world.camps.items()
    }


def test_two_camps_with_a_cable_keep_the_air_free():
    world = Roads(1, LONG_FAST)
    for name in ("north", "south"):
        world.add_camp(name)
    world.hear("north", "south", Path())
    world.join("north", "south")
    world.run(900)  # each said a beacon
    for n in range(20):
        post(world, ("north", "south")[n % 2], f"post {n}")
        world.run(70)
    world.run(600)
    assert boards(world)["north"] == boards(world)["south"] == sorted(f"post {n}" for n in range(20))
    assert world.sent == {"cable": 20}
    assert world.needless == []
    assert world.crossed == world.idle == 0


def test_when_the_cable_is_pulled_the_air_takes_over_and_gives_back():
    world = Roads(2, LONG_FAST)
    for name in ("north", "south"):
        world.add_camp(name)
    world.hear("north", "south", Path())
    world.join("north", "south")
    world.run(900)
    world.part("north", "south")
    post(world, "north", "by air")
    world.run(400)
    assert boards(world)["south"] == ["by air"]
    assert world.sent["air"] >= 1
    on_air = world.sent["air"]
    world.join("north", "south")
    post(world, "south", "by cable")
    world.run(400)
    assert boards(world)["north"] == ["by air", "by cable"]
    assert world.sent == {"air": on_air, "cable": 1}
    assert world.needless == []


def test_a_mic_check_takes_every_road():
    world = Roads(3, LONG_FAST)
    for name in ("north", "south"):
        world.add_camp(name)
    world.hear("north", "south", Path())
    world.join("north", "south")
    world.run(900)
    post(world, "north", "medic to gate 4", Kind.MIC_CHECK)
    world.run(60)
    assert boards(world)["south"] == ["medic to gate 4"]
    assert world.sent["alert"] >= 2


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_with_radio_and_cables_at_once(seed):
    """Six camps on the air, cables between some of them that are cut and laid again."""
    chance = Random(seed)
    world = Roads(seed, LONG_FAST)
    names = [f"camp{n}" for n in range(6)]
    for name in names:
        world.add_camp(name)
    world.scatter(names, 3.5, Path(0.15))
    cables = [tuple(chance.sample(names, 2)) for _ in range(4)]
    cables = sorted({tuple(sorted(pair)) for pair in cables})
    for pair in cables:
        world.join(*pair)
    start = world.now
    for pair in cables[:2]:
        cut = chance.uniform(600, 1_500)
        world.at(start + cut, partial(world.part, *pair))
        world.at(start + cut + chance.uniform(60, 600), partial(world.join, *pair))
    for n in range(24):
        when = start + chance.uniform(300, 2_400)
        world.at(when, partial(post, world, chance.choice(names), f"post {n}"))
    world.run(2_700)
    for _ in range(8):
        if all(len(board) == 24 for board in boards(world).values()):
            break
        world.run(3_600)
    assert set(map(tuple, boards(world).values())) == {tuple(sorted(f"post {n}" for n in range(24)))}
    assert world.needless == []
    assert min(world.sent["air"], world.sent["cable"]) > 0
    assert world.crossed == 0
