"""A board that goes away, in whatever way: it is noticed, and used again when it is back."""

import asyncio
import ctypes
import queue
import socket
import struct
import threading
from pathlib import Path
from random import Random

import pytest
from meshtastic.protobuf import mesh_pb2

from radio import board_port, meshtastic_link, meshtastic_road
from radio.board import BoardError, BoardEvent, Gone
from radio.board_search import Where
from radio.board_setup import BoardFacts
from tests.radio.roadside import Roadside, at_work, post, sent, sides_of, until
from tests.radio.test_board_admin import place_of

# asm-generic/socket.h
SO_ATTACH_FILTER = 26

pytestmark = pytest.mark.usefixtures("impatient")


def run(story):
    asyncio.run(story)


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
def test_a_board_that_starts_among_talking_ones_is_asked_until_it_answers(bench, tcp):
    """The first question goes to a board that is starting; what it hears after that is no answer."""

    def hear_on(firmware):
        firmware.say(packet=mesh_pb2.MeshPacket(to=0xFFFFFFFF, id=7))
        asyncio.get_running_loop().call_later(0.1, hear_on, firmware)

    async def story():
        board = bench.board("a", tcp=tcp, boot_s=0.8)
        board.do(hear_on)
        async with at_work(*sides_of(bench, board)):
            assert board.do(lambda firmware: firmware.asked) == 1

    run(story())


@pytest.mark.full
def test_a_board_in_the_network_that_goes_without_a_word_is_noticed(bench, monkeypatch):
    """Its power fails: nothing comes from it any more, not even that the connection ended."""
    monkeypatch.setattr(meshtastic_link, "TCP_QUIET_S", 1)
    monkeypatch.setattr(meshtastic_link, "TCP_UNTAKEN_MS", 1_000)
    opened = []

    def open_board(place, channel, tell):
        opened.append(meshtastic_link.open_board(place, channel, tell))
        return opened[-1]

    async def story():
        board = bench.board("a", tcp=True)
        side = Roadside(bench, Where(host=board.host), open_board=open_board)
        async with at_work(side):
            hear_nothing(opened[0]._interface.socket)
            board.unplug()
            board.plug()
            await until(lambda: side.hub.ups == 2, side)

    run(story())


def hear_nothing(connection):
    """Have the kernel drop whatever comes for it: a filter of one instruction, "return 0" (bpf(4))."""
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    connection.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(instruction))
    )


@pytest.mark.parametrize("fault", [TypeError("None"), AttributeError("None"), OSError(5, "gone")])
def test_a_device_that_is_closed_in_the_middle_of_a_write_is_lost(bench, fault):
    interface = meshtastic_link._opened(place_of(bench.board(tcp=True)))
    told: queue.Queue[BoardEvent] = queue.Queue()
    opened = meshtastic_link.MeshBoard(interface, BoardFacts("2.8.0", by_network=True), 1, told.put)

    def broken(_):
        raise fault

    interface._sendToRadioImpl = broken
    opened.ask()
    assert told.get(timeout=20) == Gone(meshtastic_link.BROKEN_OFF)
    opened.close()


def test_a_board_that_goes_between_its_last_word_and_our_first_is_noticed(bench):
    board = bench.board(tcp=True)
    interface = meshtastic_link._opened(place_of(board))
    board.unplug()
    interface._rxThread.join(20)
    told: list[BoardEvent] = []
    opened = meshtastic_link.MeshBoard(interface, BoardFacts("2.8.0", by_network=True), 1, told.append)
    assert told == [Gone(meshtastic_link.BROKEN_OFF)]
    opened.close()


@pytest.mark.parametrize("tcp", [pytest.param(False, marks=pytest.mark.full), True])
def test_a_board_that_hangs_is_noticed_and_opened_anew(bench, tcp, monkeypatch):
    monkeypatch.setattr(board_port, "QUIET_S", 0.2)
    monkeypatch.setattr(board_port, "ANSWER_S", 1.0)

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
