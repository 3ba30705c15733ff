"""When the radio's hour is nearly used up: what may still leave, and in which order."""

import math
from random import Random

from sync import air_frames
from sync.bundle import BundleClass
from sync.frames import BundleFrame
from sync.link import NO_AIRTIME, Allowance
from sync.message import Kind
from tests.sync.camps import NOW_S, Camp, air
from tests.sync.test_engine import frame_of, receive, sealed_by

LATER_S = NOW_S + 100


def classes(camp, frames):
    """The classes of the bundles in frames that leave."""
    decoded = [air_frames.decode(data, camp.identity.network)[1] for data in frames]
    return [frame.wire[13] for frame in decoded if isinstance(frame, BundleFrame)]


def camp_with_both():
    """A camp for which a post and a mic check wait."""
    here = Camp("here")
    here.engine.add_link(air("x"), NOW_S)
    here.post("potatoes", NOW_S)
    with here.store.transaction():
        here.engine.tick(NOW_S + 60)
    here.post("run north", NOW_S + 60, kind=Kind.MIC_CHECK)
    return here


def test_what_is_kept_for_alerts_carries_alerts_only():
    here = camp_with_both()
    assert len(here.engine.frames_to_send("x", NOW_S + 60, 0.0, math.inf)) == 1
    assert here.engine.frames_to_send("x", NOW_S + 60, 0.0, math.inf) == []
    assert len(here.engine.frames_to_send("x", NOW_S + 60, 2_000.0, 2_000.0)) == 1


def test_alerts_leave_first_where_both_may():
    here = camp_with_both()
    frames = here.engine.frames_to_send("x", NOW_S + 60, 4_000.0)
    assert classes(here, frames)[:2] == [BundleClass.ALERT, BundleClass.POST]


def test_the_relay_of_an_alert_is_an_alert():
    here, other = Camp("here"), Camp("other")
    here.engine.add_link(air("x"), NOW_S)
    key = other.identity.key
    receive(here, frame_of(other, sealed_by(other, "potatoes"), key))
    receive(here, frame_of(other, sealed_by(other, "run north", class_=BundleClass.ALERT), key))
    (relayed,) = here.engine.frames_to_send("x", NOW_S + 10, 0.0, math.inf)
    assert air_frames.decode(relayed, here.identity.network)[0] == here.identity.author[:2]
    assert here.engine.frames_to_send("x", NOW_S + 10, 0.0, math.inf) == []


def test_an_alert_is_said_a_second_time_though_nothing_else_may_leave():
    here = camp_with_both()
    assert len(here.engine.frames_to_send("x", NOW_S + 60, 0.0, math.inf)) == 1
    assert here.engine.frames_to_send("x", NOW_S + 74, 0.0, math.inf) == []
    assert len(here.engine.frames_to_send("x", NOW_S + 101, 0.0, math.inf)) == 1
    assert here.engine.frames_to_send("x", NOW_S + 200, 0.0, math.inf) == []


def test_a_long_bundle_is_not_cut_and_told_as_sent_before_it_may_leave():
    here = Camp("here")
    here.engine.add_link(air("x"), NOW_S)
    here.post(Random(1).randbytes(200).hex(), NOW_S)
    with here.store.transaction():
        here.engine.tick(LATER_S)
    full_ms = air().airtime_ms(226)
    assert here.engine.frames_to_send("x", LATER_S, full_ms - 1.0) == []
    assert len(here.store.unsent()) == 1
    assert here.engine.frames_to_send("x", LATER_S, 4 * full_ms)
    assert here.store.unsent() == []


def test_what_serves_few_waits_where_the_hour_is_short_and_what_many_lack_passes_it():
    here, other = Camp("here"), Camp("other")
    here.engine.add_link(air("x"), NOW_S)
    relayed = sealed_by(other, "potatoes")
    receive(here, frame_of(other, relayed, other.identity.key))
    link = here.engine._links.get("x")
    assert link is not None
    link.neighbour.outgoing.move(relayed.id, BundleClass.POST, NOW_S, serves_few=True)
    here.post("soup", NOW_S)

    def authors(few_ms):
        frames = [air_frames.decode(data, here.identity.network)[1] for data in leaving(few_ms)]
        return [frame.wire[2:10] for frame in frames if isinstance(frame, BundleFrame)]

    def leaving(few_ms):
        return here.engine.frames_to_send("x", LATER_S, math.inf, math.inf, few_ms)

    assert authors(0.0) == [here.identity.author]
    assert authors(0.0) == []
    assert authors(math.inf) == [other.identity.author]


def test_an_allowance_shrinks_by_what_is_sent():
    assert Allowance(5.0, 8.0, 4.0).less(3.0) == Allowance(2.0, 5.0, 1.0)


def test_an_allowance_is_no_more_than_there_is():
    assert Allowance(5.0, 8.0, 1.0).at_most(4.0) == Allowance(4.0, 4.0, 1.0)
    assert Allowance(math.inf, math.inf).less(3.0) == Allowance(math.inf, math.inf)
    assert NO_AIRTIME.any_ms == NO_AIRTIME.alerts_ms == 0.0
