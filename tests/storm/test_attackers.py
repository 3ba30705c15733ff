"""What frames that nobody signed may move, and what they may not."""

from random import Random

from radio.attackers import ALL_ATTACKS, NETWORK, Attacker
from radio.world import World
from sync import air_frames, bundle, frames, message
from sync.bundle import BundleClass
from sync.earshot import GUESTS_MAX
from sync.frames import BundleFrame, KeysFrame
from sync.keytalk import KEY_TRIES
from sync.message import Kind, Message, compose
from sync.signing import Identity
from tests.storm.storm import LONG_FAST

MADE_UP_EVERY_S = 60.0


def three_camps(seed=1):
    world = World(seed, LONG_FAST)
    for name in ("north", "middle", "south"):
        world.add_camp(name)
    world.square("north", "middle", "south")
    attacker = Attacker(world, ["north", "middle", "south"], Random(seed))
    return world, attacker


def test_made_up_names_move_nobody_once_there_are_many():
    world, attacker = three_camps()
    world.run(600)  # now all hear each other
    end_s = world.now + 7_200
    say = ALL_ATTACKS["made-up ids"].prepare(attacker)
    attacker.every(MADE_UP_EVERY_S, world.now, end_s, say)
    world.run((GUESTS_MAX + 5) * MADE_UP_EVERY_S)
    asked = world.ledger.frames_of_kind["want"]
    assert asked > 0  # a few strangers may be there
    world.run(3_600)
    assert world.ledger.frames_of_kind["want"] == asked
    for camp in world.camps.values():
        talk = camp.engine._links.get("air").talk
        assert len(talk.earshot.camps(world.now)) == 2


def test_nobody_tells_more_of_a_beacon():
    world, attacker = three_camps()
    attacker.every(18, world.now, world.now + 3_600, ALL_ATTACKS["empty wants"].prepare(attacker))
    world.run(3_600)
    assert world.ledger.frames_of_kind["beacon"] > 0
    assert world.ledger.frames_of_kind["want"] > 0
    assert world.ledger.frames_of_kind["sketch"] == 0


def test_a_key_that_is_here_is_asked_for_no_more():
    world, attacker = three_camps()
    stranger = Identity(b"s" * 32)
    text = compose(Message(Kind.POST, int(world.now)), "water at gate 4")
    sealed = bundle.seal(stranger, bundle.hour_of(world.now), BundleClass.POST, [message.encode(text)])
    spoiled = bytearray(sealed.wire)
    spoiled[-1] ^= 1
    attacker.send(frames.encode(BundleFrame(bytes(spoiled)), NETWORK, stranger.author))
    world.run(60)
    keys = air_frames.encode(KeysFrame((stranger.key,)), NETWORK, stranger.author)
    attacker.every(120, world.now, world.now + 3_600, lambda: keys)
    world.run(3_600)
    assert 0 < world.ledger.frames_of_kind["ask keys"] <= 3 * KEY_TRIES
