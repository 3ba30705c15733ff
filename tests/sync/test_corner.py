"""A corner behind a thin bridge, where four frames of ten are lost and the hours of the bridges run out."""

from functools import partial
from random import Random

from radio.airtime import Firmware, preset_named
from radio.simulated import Path
from radio.world import World
from sync.air_frames import BeaconFrame, ParcelFrame, SketchFrame
from sync.airtalk import CONTROL_FRAMES, AirTalk
from sync.bundle import MASK_RADIO
from sync.intentions import SayWant
from sync.message import Kind, Message
from sync.replies import FEW_WAIT_FRAMES
from sync.sketch import WHOLE, Salt, SaltedSet
from tests.sync.camps import NOW_S, Camp, air
from tests.sync.test_engine import frame_of, receive, sealed_by

LOST = Path(0.4)
OTHER = b"OTHE"


def lacking(seed):
    """How many copies six camps lack an hour after the last of sixty posts: a square, and two behind it."""
    world = World(seed, preset_named("LONG_FAST"), firmware=Firmware.V2_8)
    names = [f"camp{n}" for n in range(6)]
    for name in names:
        world.add_camp(name)
    world.square(*names[:4], path=LOST)
    world.line(*names[3:], path=LOST)
    chance = Random(seed)

    def post(n):
        text = b"\0" + b"a" * 50 + str(n).encode()
        world.publish(chance.choice(names), Message(Kind.POST, int(world.now), body=text))

    for n in range(60):
        world.at(world.now + 60 * n, partial(post, n))
    world.run(60 * 60 + 3_600)
    held = [{live.id for live in camp.store.live_bundles()} for camp in world.camps.values()]
    world.close()
    return sum(len(set().union(*held) - each) for each in held)


def test_who_hangs_on_a_bridge_whose_hour_is_short_gets_everything_all_the_same():
    """It was 24 copies of 594 when each question and each answer was decided without regard to the hour."""
    assert sum(map(lacking, (4, 9))) <= 8


def talk_with_a_bundle():
    """The talk of a camp that holds one bundle, and that bundle's id."""
    here, other = Camp("here"), Camp("other")
    here.engine.add_link(air("x"), NOW_S)
    receive(here, frame_of(other, sealed_by(other, "potatoes"), other.identity.key))
    link = here.engine._links.get("x")
    assert link is not None
    assert isinstance(link.talk, AirTalk)
    (bundle,) = here.store.live_bundles()
    return link.talk, bundle.id


def test_where_the_hour_is_short_questions_leave_the_rest_of_it_for_answers():
    talk, _ = talk_with_a_bundle()
    now = talk._beaconing.next_due()
    assert isinstance(talk.next_frame(7_715, now, is_short=True), BeaconFrame)
    talk._asking.hear_more(OTHER, 60, 1, MASK_RADIO, now)
    due = talk._asking.due
    assert due < now + CONTROL_FRAMES * talk._frame_s
    assert talk.next_frame(7_715, due, is_short=True) is None
    assert isinstance(talk.next_frame(7_715, due), SketchFrame)


def test_what_was_owed_for_long_is_not_the_last_any_more():
    talk, bundle_id = talk_with_a_bundle()
    talk._post.owe(OTHER, [bundle_id], (), True, NOW_S)
    old_s = NOW_S + FEW_WAIT_FRAMES * talk._frame_s
    assert talk.replies.next_parcel(old_s - 1.0, is_short=True) is None
    assert isinstance(talk.replies.next_parcel(old_s + 1.0, is_short=True), ParcelFrame)


def test_a_sketch_tells_what_we_lack_though_we_owe_a_parcel_to_another():
    talk, bundle_id = talk_with_a_bundle()
    talk._post.owe(b"else", [bundle_id], (), True, NOW_S)
    salt = Salt(bytes(4), 7_715, OTHER)
    theirs = SaltedSet([bundle_id, bytes(16)], salt)
    shown = SketchFrame(salt, MASK_RADIO, 2, WHOLE, theirs.sketch(8), talk._me)
    talk._answering.hear_sketch(shown, NOW_S)
    wants = talk._intentions.of(SayWant)
    assert [want.salt for want in wants] == [salt]
    assert talk._post.owed_to == b"else"
