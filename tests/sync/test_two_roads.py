"""What a camp says by cable to one that its radio hears as well (PROTOCOL.md §15.1)."""

from __future__ import annotations

import pytest

from sync import air_frames, frames
from sync.air_frames import BeaconFrame
from sync.bundle import BundleClass, hour_of, seal
from sync.frames import BundleFrame, GotFrame
from sync.message import Kind, Message, compose, encode
from tests.sync.camps import NOW_S, Camp, air, cable

AUTHOR = Camp("author")
POST = encode(compose(Message(Kind.POST, int(NOW_S)), "water at gate 4"))
SEALED = seal(AUTHOR.identity, hour_of(NOW_S), BundleClass.POST, [POST])
ID = SEALED.id(AUTHOR.identity.key, AUTHOR.identity.network)


def sent_by(camp, sealed=SEALED, author=AUTHOR):
    """The frame with which a camp passes a bundle on."""
    return frames.encode(
        BundleFrame(sealed.wire, author.identity.key), camp.identity.network, camp.identity.author
    )


def receive(camp, data, link, now):
    with camp.store.transaction():
        camp.engine.receive_frame(data, link, now)


def say(camp, link, now):
    """The frames that leave now."""
    with camp.store.transaction():
        return camp.engine.frames_to_send(link, now, float("inf"))


def named(camp, link, now):
    """The bundles that are named on a cable now."""
    said = (frames.decode(data, camp.identity.network)[1] for data in say(camp, link, now))
    return {each for frame in said if isinstance(frame, GotFrame) for each in frame.ids}


def beacon_of(camp):
    """What a camp that holds the bundle says on the air to those who compare."""
    camp.engine.tell_time(NOW_S, True)
    camp.engine.add_link(air(), NOW_S)
    receive(camp, sent_by(AUTHOR), "air", NOW_S)
    for now in (NOW_S + second for second in range(4_000)):
        for data in say(camp, "air", now):
            if isinstance(air_frames.decode(data, camp.identity.network)[1], BeaconFrame):
                return data, now
    raise AssertionError("no beacon")


def here_between(there, third):
    """A camp with a radio and two cables, whose first words are said."""
    here = Camp("here")
    here.engine.tell_time(NOW_S, True)
    for profile in (air(), cable("there", there.identity.key), cable("third", third.identity.key)):
        here.engine.add_link(profile, NOW_S)
        say(here, profile.name, NOW_S)
    return here


@pytest.mark.parametrize("heard_first", [True, False])
def test_what_a_camp_was_heard_to_send_is_not_named_to_it_by_cable(heard_first):
    there, third = Camp("there"), Camp("third")
    here = here_between(there, third)
    roads = [(sent_by(there), "air"), (sent_by(third), "third")]
    for data, link in roads if heard_first else reversed(roads):
        receive(here, data, link, NOW_S)
    assert named(here, "there", NOW_S) == set()
    assert here.store.ids_stored([ID]) == {ID}


def test_a_beacon_that_agrees_keeps_nothing_from_a_cable():
    there, third = Camp("there"), Camp("third")
    beacon, now = beacon_of(there)
    here = here_between(there, third)
    receive(here, sent_by(third), "third", now)
    receive(here, beacon, "air", now)
    counted = here.store.connection.execute("SELECT name FROM counters").fetchall()
    assert counted == []  # nothing was refused
    assert named(here, "there", now) == {ID}


def test_who_sends_its_own_bundle_by_both_roads_is_told_that_it_came():
    here = here_between(AUTHOR, Camp("third"))
    receive(here, sent_by(AUTHOR), "there", NOW_S)
    receive(here, sent_by(AUTHOR), "air", NOW_S)
    assert named(here, "there", NOW_S) == {ID}
