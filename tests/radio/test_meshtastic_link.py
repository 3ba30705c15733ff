"""The road over Meshtastic boards, driven by the real library: fake boards, and real ones if you name some.

    MESHTASTIC_TEST_TCP=10.0.0.7,10.0.0.8:4404 make test ARGS=tests/radio/test_meshtastic_link.py

Real boards, or daemons that drive them, must hear each other and have been set up by `miccheck
doctor --apply` for the network `miccheck`. They send some forty frames, of an hour long ago: no camp in
earshot takes them.
"""

import asyncio
import os

import pytest
from meshtastic.protobuf import mesh_pb2

from radio.airtime import Firmware, preset_named
from radio.board_search import Where
from radio.board_setup import BoardWish, Change, Setting
from radio.mesh_channel import HOP_LIMIT, PORT
from radio.meshtastic_link import apply
from sync.bundle import BundleClass
from tests.radio.board.bench import OURS
from tests.radio.roadside import Roadside, at_work, frame_of, post, sent, sides_of, until
from tests.radio.test_board_admin import place_of

pytestmark = pytest.mark.usefixtures("impatient")

Priority = mesh_pb2.MeshPacket.Priority
REAL = [host for host in os.environ.get("MESHTASTIC_TEST_TCP", "").split(",") if host]


def run(story):
    asyncio.run(story)


def fake_or_real(bench, kind, count, **settings):
    """Roads to so many boards that hear each other."""
    if kind == "fake":
        return sides_of(bench, *(bench.board(name, tcp=True, **settings) for name in "ab"[:count]))
    if len(REAL) < count:
        pytest.skip(f"MESHTASTIC_TEST_TCP names {len(REAL)} boards, this needs {count} of one network")
    return [Roadside(bench, Where(host=host)) for host in REAL[:count]]


# -- with fake boards and with real ones ----------------------------------------------------------------

FAKE_AND_REAL = pytest.mark.parametrize("kind", ["fake", "real"])


@FAKE_AND_REAL
def test_frames_cross_both_ways_with_their_signal_to_noise_ratio(bench, kind):
    async def story():
        async with at_work(*fake_or_real(bench, kind, 2)) as (a, b):
            shortest, longest = post("x"), bytes([0x10]) + bytes(225)
            await a.send(shortest, longest)
            await until(lambda: longest in b.hub.frames, a, b)
            await b.send(post("and back"))
            await until(lambda: post("and back") in a.hub.frames, a, b)
            assert b.hub.frames.index(shortest) < b.hub.frames.index(longest)
            assert all(-30 < snr_db < 30 for _, snr_db in a.hub.heard)
            await until(lambda: a.sight.frames_out == 2, a)
            assert a.sight.frames_in == len(a.hub.heard)
            assert a.says == ("talking", "")

    run(story())


@FAKE_AND_REAL
def test_a_board_that_is_let_go_of_can_be_opened_again(bench, kind):
    async def story():
        (first,) = fake_or_real(bench, kind, 1)
        for _ in range(2):
            async with at_work(Roadside(bench, first.where)) as (side,):
                await side.send(post("again"))
                await until(lambda side=side: side.sight.frames_out == 1, side)

    run(story())


@FAKE_AND_REAL
def test_thirty_bulk_frames_are_queued_and_a_mic_check_is_on_the_air_within_one(bench, kind):
    async def story():
        bulk = [post(f"bulk {number}") for number in range(30)]
        mic_check = frame_of(BundleClass.ALERT, "mic check")
        async with at_work(*fake_or_real(bench, kind, 2, preset="SHORT_FAST")) as (a, b):
            a.hub.port.push(bulk)
            await until(lambda: len(b.hub.heard) >= 3, a, b)
            before = len(b.hub.heard)
            a.hub.port.push([mic_check])
            await until(lambda: mic_check in b.hub.frames, a, b)
            assert b.hub.frames.index(mic_check) <= before + 1
        priorities = {each.packet.decoded.payload: each.packet.priority for each in bench.aired()}
        if kind == "fake":
            assert (priorities[mic_check], priorities[bulk[0]]) == (Priority.ALERT, Priority.BACKGROUND)

    run(story())


@FAKE_AND_REAL
def test_a_frame_that_is_too_large_is_an_outcome_and_the_next_one_goes(bench, kind):
    async def story():
        async with at_work(*fake_or_real(bench, kind, 1)) as (side,):
            side.hub.port.push([bytes([0x10]) + bytes(231)])
            await until(lambda: side.sight.why == "The board refused a frame as too large.", side)
            await side.send(post("small"))
            await until(lambda: side.sight.frames_out == 1, side)

    run(story())


# -- what is on the air ---------------------------------------------------------------------------------


def test_a_packet_is_private_unacknowledged_and_goes_no_further(bench):
    async def story():
        (side,) = sides_of(bench, bench.board(tcp=True))
        async with at_work(side):
            await side.send(post("hello"))
            await until(bench.aired, side)
        (aired,) = bench.aired()
        packet = aired.packet
        assert aired.channel == (OURS.name, OURS.key)
        assert (packet.decoded.portnum, packet.hop_limit, packet.want_ack) == (PORT, HOP_LIMIT, False)
        assert packet.to == 0xFFFFFFFF
        assert packet.decoded.payload == post("hello")

    run(story())


@pytest.mark.parametrize("version", ["2.7.15.fake", "2.8.0.fake"])
def test_the_node_counts_the_airtime_that_the_board_counts(bench, version):
    async def story():
        board = bench.board("a", tcp=True, version=version)
        async with at_work(*sides_of(bench, board)) as (side,):
            sizes = (40, 127, 128, 165, 166, 226)
            await side.send(*(bytes([0x10]) * size for size in sizes))
            await until(lambda: side.sight.frames_out == len(sizes), side)
            counted_ms = side.sight.airtime.used * 3_600_000
            assert counted_ms == pytest.approx(sum(each.airtime_ms for each in bench.aired()))

    run(story())


def test_on_a_jammed_channel_an_alert_passes_the_frame_that_waits_in_the_radio(bench):
    async def story():
        first, second, urgent = post("one"), post("two"), frame_of(BundleClass.ALERT, "gate 4")
        board = bench.board("a", tcp=True)
        (side,) = sides_of(bench, board)
        async with at_work(side):
            board.do(lambda firmware: setattr(firmware.ether, "jammed", True))
            side.hub.port.push([first, second])
            await until(lambda: board.do(lambda firmware: len(firmware.queue)) == 1, side)
            assert side.hub.port.room()
            side.hub.port.push([urgent])
            await until(lambda: board.do(lambda firmware: len(firmware.queue)) == 2, side)
            board.do(lambda firmware: setattr(firmware.ether, "jammed", False))
            await until(lambda: len(bench.aired()) == 3, side)
        assert sent(bench) == [urgent, first, second]

    run(story())


def test_never_more_than_three_packets_are_in_the_radio(bench):
    async def story():
        board = bench.board("a", tcp=True)
        (side,) = sides_of(bench, board)
        async with at_work(side):
            board.do(lambda firmware: setattr(firmware.ether, "jammed", True))
            side.hub.port.push([post(str(number)) for number in range(2)])
            side.hub.port.push([frame_of(BundleClass.ALERT, str(number)) for number in range(3)])
            await until(lambda: board.do(lambda firmware: len(firmware.queue)) == 3, side)
            assert not side.hub.port.room()
            await asyncio.sleep(0.3)
            assert board.do(lambda firmware: len(firmware.queue)) == 3
            board.do(lambda firmware: setattr(firmware.ether, "jammed", False))
            await until(lambda: len(bench.aired()) == 5, side)
            assert len(board.do(lambda firmware: firmware.received)) == 5  # and none was handed over twice

    run(story())


def test_what_is_not_ours_is_not_heard(bench):
    async def story():
        board = bench.board("b", tcp=True)
        (side,) = sides_of(bench, board)
        async with at_work(side):
            for changed in ({"port": 1}, {"port": 256}, {"mqtt": True}, {"index": 0}, {"payload": b""}):
                board.do(lambda firmware, changed=changed: firmware.say(packet=packet_of(**changed)))
            board.do(lambda firmware: firmware.say(packet=packet_of()))
            await until(lambda: side.hub.heard, side)
            assert side.hub.heard == [(b"ours", 4.25)]

    run(story())


def packet_of(port=PORT, index=1, payload=b"ours", mqtt=False):
    packet = mesh_pb2.MeshPacket(to=0xFFFFFFFF, id=7, channel=index, rx_snr=4.25, via_mqtt=mqtt)
    setattr(packet, "from", 0x1234)
    packet.decoded.portnum = port
    packet.decoded.payload = payload
    return packet


# -- what the firmware says -----------------------------------------------------------------------------


def test_a_used_up_hour_is_shown_and_nothing_more_is_handed_over_until_it_ends(bench):
    async def story():
        board = bench.board("a", tcp=True, preset="LONG_FAST", region="EU_868")
        board.do(lambda firmware: setattr(firmware, "sent_of_hour_ms", 361_000.0))
        (side,) = sides_of(bench, board)
        async with at_work(side):
            await side.send(post("too much"))
            await until(lambda: side.sight.airtime.waits_for == "firmware", side)
            assert side.sight.airtime.refused_s == pytest.approx(52 * 60, abs=10)
            shown = ("talking", "The board has used up its hour and refused a frame.")
            await until(lambda: side.says == shown, side)
            assert side.left == 0
            assert bench.aired() == []
            assert len(board.do(lambda firmware: firmware.received)) == 1

    run(story())


def test_telemetry_makes_posts_wait_where_the_channel_is_crowded(bench):
    async def story():
        board = bench.board("a", tcp=True)
        (side,) = sides_of(bench, board)
        async with at_work(side):
            board.do(lambda firmware: firmware._minute.add(20_000.0, firmware.ether.now_ms()))
            board.do(lambda firmware: setattr(firmware, "sent_of_hour_ms", 72_000.0))
            board.do(lambda firmware: firmware.tell_telemetry())
            await until(lambda: side.sight.airtime.waits_for == "channel", side)
            assert side.sight.airtime.busy == pytest.approx(1 / 3)
            assert side.sight.airtime.used == pytest.approx(0.02)

    run(story())


# -- a board that is not as it should be ----------------------------------------------------------------


def test_a_board_that_is_not_set_up_is_left_alone_until_the_doctor_was_there(bench):
    async def story():
        board = bench.board("a", channel=None)
        side = Roadside(bench)
        try:
            side.road.start()
            await until(lambda: side.says[0] == "refused", side)
            assert side.says[1].startswith("The board does not have this network's channel")
            place, wish = place_of(board), BoardWish(OURS)
            await asyncio.to_thread(apply, place, wish, (Change(Setting.CHANNEL, "1", "add it"),))
            await until(lambda: side.hub.port is not None, side)
            assert side.says == ("talking", "")
        finally:
            await side.road.stop()

    run(story())


def test_a_board_with_old_firmware_serves_and_says_so(bench):
    async def story():
        board = bench.board("a", tcp=True, version="2.7.9.fake")
        async with at_work(*sides_of(bench, board)) as (side,):
            assert side.says == ("talking", "The board's firmware is older than 2.7.15: bring it up to date.")
            assert side.hub.port.profile.airtime_ms(110) == preset_named("SHORT_TURBO").airtime_ms(
                110, Firmware.V2_7
            )

    run(story())


def test_what_is_not_found_is_searched_for_and_the_reason_is_shown(bench):
    async def story():
        side = Roadside(bench)
        try:
            side.road.start()
            await until(lambda: side.says == ("searching", "No board is plugged in."), side)
            first = bench.board("a", plugged=False)
            second = bench.board("b", plugged=False)
            first.plug()
            second.plug()
            await until(lambda: "Several boards" in side.says[1] or side.hub.port is not None, side)
            first.unplug()
            await until(lambda: side.hub.port is not None, side)
        finally:
            await side.road.stop()

    run(story())


def test_two_nodes_do_not_share_a_board(bench):
    async def story():
        bench.board("a")
        first, second = Roadside(bench), Roadside(bench, name="radio 2")
        async with at_work(first):
            second.road.start()
            await until(lambda: second.says == ("searching", "Another program holds the board."), second)
            await second.road.stop()
            assert first.says == ("talking", "")

    run(story())


def test_another_region_is_another_hour(bench):
    async def story():
        board = bench.board("a", tcp=True, preset="LONG_FAST", region="EU_868")
        (side,) = sides_of(bench, board)
        async with at_work(side):
            assert side.hub.port.profile.duty_cycle == 0.05
            assert side.hub.port.profile.airtime_ms(226) == pytest.approx(2_115.6, abs=0.1)
            board.do(lambda firmware: setattr(firmware.config["lora"], "region", 1))
            board.unplug()
            await until(lambda: side.hub.port is None, side)
            board.plug()
            await until(lambda: side.hub.port is not None, side)
            assert side.hub.port.profile.duty_cycle == 0.1
            assert side.memories == [("radio 1", "EU_868"), ("radio 1", "US")]

    run(story())
