"""The road over Meshtastic boards, driven by the real library: fake ones, and real ones if you name some."""

import asyncio
import os
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from meshtastic.protobuf import mesh_pb2

from radio import board_port, meshtastic_link, meshtastic_road
from radio.airtime import Firmware, preset_named
from radio.board import BoardError
from radio.board_search import Where
from radio.board_setup import BoardWish, Change, Setting
from radio.mesh_channel import HOP_LIMIT, PORT
from radio.meshtastic_link import apply
from sync import frames
from sync.bundle import BundleClass, seal
from sync.frames import BundleFrame
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity
from tests.radio.board import Bench
from tests.radio.board.bench import OURS
from tests.radio.roadside import Roadside, until
from tests.radio.test_board_admin import place_of

CAMP = Identity(b"\x07" * 32)
Priority = mesh_pb2.MeshPacket.Priority
REAL = [host for host in os.environ.get("MESHTASTIC_TEST_TCP", "").split(",") if host]


@pytest.fixture
def bench(tmp_path):
    with Bench(tmp_path) as bench:
        yield bench


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits for a second where a tenth will do. The library's own waits stay."""
    monkeypatch.setattr(meshtastic_road, "LOOK_S", 0.05)
    monkeypatch.setattr(meshtastic_road, "RETRY_FIRST_S", 0.1)
    monkeypatch.setattr(meshtastic_link, "ASK_AGAIN_S", 0.3)


def frame_of(class_, text):
    kind = Kind.MIC_CHECK if class_ is BundleClass.ALERT else Kind.POST
    wire = seal(CAMP, 7_800, class_, [encode(compose(Message(kind, 0), text))]).wire
    return frames.encode(BundleFrame(wire, CAMP.key), CAMP.network, CAMP.author)


def post(text):
    return frame_of(BundleClass.POST, text)


def run(story):
    asyncio.run(story)


@asynccontextmanager
async def at_work(*sides):
    """Roads that talk, and that stop afterwards."""
    try:
        for side in sides:
            side.road.start()
        for side in sides:
            await until(lambda side=side: side.hub.port is not None, side)
        yield sides
    finally:
        for side in sides:
            await side.road.stop()


def sides_of(bench, *boards):
    """A road to each of these boards."""
    return [
        Roadside(bench, Where(host=board.host) if hasattr(board, "host") else Where(str(board.by_id)))
        for board in boards
    ]


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


def sent(bench):
    return [each.packet.decoded.payload for each in bench.aired()]


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
                110, Firmware.RAW
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


# -- a board that goes away -----------------------------------------------------------------------------


@pytest.mark.parametrize("tcp", [False, True])
def test_a_board_that_was_pulled_out_is_used_again_when_it_is_back(bench, tcp):
    async def story():
        board = bench.board("a", tcp=tcp, boot_s=0.3)
        (side,) = sides_of(bench, board)
        async with at_work(side):
            side.hub.port.push([post("in flight")])
            board.unplug()
            await until(lambda: side.hub.port is None, side)
            expected = "lost" if tcp else "unplugged"
            await until(lambda: side.says[0] == expected, side)
            board.plug()
            await until(lambda: side.hub.port is not None, side)
            await side.send(post("after"))
            await until(lambda: post("after") in sent(bench), side)
            assert side.hub.ups == 2

    run(story())


@pytest.mark.parametrize("tcp", [False, True])
def test_a_board_that_hangs_is_noticed_and_opened_anew(bench, tcp, monkeypatch):
    monkeypatch.setattr(board_port, "QUIET_S", 0.2)
    monkeypatch.setattr(board_port, "ANSWER_S", 0.4)

    async def story():
        board = bench.board("a", tcp=tcp)
        (side,) = sides_of(bench, board)
        async with at_work(side):
            await asyncio.sleep(0.3)
            board.hang()
            side.hub.port.push([post("into the void")])
            await until(lambda: side.says == ("lost", "The board does not answer any more."), side)
            board.unplug()
            board.plug()
            await until(lambda: side.hub.port is not None, side)

    run(story())


def test_a_node_ends_while_its_board_hangs(bench):
    async def story():
        board = bench.board("a")
        (side,) = sides_of(bench, board)
        async with at_work(side):
            board.hang()
            side.hub.port.push([post("void")])
            async with asyncio.timeout(5):
                await side.road.stop()
        assert side.hub.port is None

    run(story())


@pytest.mark.parametrize("fault", [SystemExit(1), AttributeError("half built"), BoardError("No.")])
def test_whatever_the_library_raises_it_is_tried_again(bench, fault):
    async def story():
        bench.board("a", tcp=True)
        tries = []

        def broken(place, channel, tell):
            tries.append(place)
            raise fault

        side = Roadside(bench, Where(host="127.0.0.1"), open_board=broken)
        side.road.start()
        await until(lambda: len(tries) == 2, side)
        expected = "No." if isinstance(fault, BoardError) else "The library that speaks to boards gave up."
        assert side.says == ("searching", expected)
        await side.road.stop()

    run(story())


def test_a_board_that_opens_too_late_is_let_go_of(bench, monkeypatch):
    monkeypatch.setattr(meshtastic_road, "OPEN_S", 0.1)

    async def story():
        wait, closed = threading.Event(), threading.Event()

        class Slow:
            def close(self):
                closed.set()

        def slow(place, channel, tell):
            wait.wait(20)
            return Slow()

        side = Roadside(bench, Where(host="127.0.0.1"), open_board=slow)
        side.road.start()
        await until(lambda: side.says == ("searching", "The board does not answer."), side)
        await side.road.stop()
        wait.set()
        assert await asyncio.to_thread(closed.wait, 20)

    run(story())


@pytest.mark.full
@pytest.mark.parametrize(("seed", "tcp"), [(1, False), (2, True)])
def test_pulled_out_in_the_middle_of_whatever_it_does_it_talks_again_and_nothing_is_left(bench, seed, tcp):
    random = Random(seed)

    async def story():
        board = bench.board("a", tcp=tcp, boot_s=0.2)
        async with at_work(*sides_of(bench, board)) as (side,):
            threads, files = threading.active_count(), open_files()
            for _ in range(25):
                if side.hub.port is not None:
                    side.hub.port.push([post("on the way")])
                await asyncio.sleep(random.uniform(0, 1.5))
                random.choice([board.unplug, board.unplug, board.hang])()
                await asyncio.sleep(random.uniform(0, 0.5))
                board.unplug()
                board.plug()
            await until(lambda: side.hub.port is not None, side)
            await side.send(post("after all"))
            await until(lambda: post("after all") in sent(bench), side)
            await until(lambda: threading.active_count() <= threads + 1, side)
            await until(lambda: open_files() <= files + 2, side)

    run(story())


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))
