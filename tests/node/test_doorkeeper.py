"""Connections that dawdle, pile up or never read: they are ended, and whoever comes next is served."""

import asyncio
import contextlib
import ssl

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from hardware.addresses import own_addresses
from node import doorkeeper, guests
from node import serving as serving_module
from node.certificates import make_authority, renew_server
from node.doorkeeper import Doorkeeper
from node.files import CertificateFiles
from node.serving import PageServer, listen

REQUEST = b"GET / HTTP/1.1\r\nHost: camp\r\n\r\n"
LARGE = bytes(8_000_000)  # more than the kernels at both ends take off our hands
NOW_S = 1_795_000_000.0


async def pages(scope, receive, send):
    """An application that answers at once; at /large with more than a socket takes."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            pass
        return
    more = True
    if scope["path"] == "/file":
        scope["state"]["takes_long"]()
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    body = LARGE if scope["path"] == "/large" else b"hello"
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def serving(door, certificates=None):
    listener = listen("127.0.0.1", 0, "port")
    server = PageServer(pages, listener, door, certificates)
    task = asyncio.create_task(server.run_to_end())
    try:
        yield listener.port
    finally:
        server.end()
        await task


async def ask(port, request=REQUEST, tls=None):
    """The first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    writer.write(request)
    line = await reader.readline()
    writer.close()
    return line


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def run(story):
    async def timed():
        async with asyncio.timeout(40):
            await story()

    asyncio.run(timed())


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(doorkeeper, "REQUEST_S", 0.2)
    monkeypatch.setattr(doorkeeper, "TAKE_S", 0.2)


def test_a_thousand_idle_connections_keep_nobody_out():
    async def story():
        door = Doorkeeper(phones_max=50)
        async with serving(door) as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(1_000)]
            assert b" 200 " in await ask(port)
            assert len(door.phones) <= 50
            for _, writer in idle:
                writer.transport.abort()

    run(story)


def test_neither_do_those_that_never_begin_with_tls(tmp_path):
    files = CertificateFiles(tmp_path)
    make_authority(files, "0123456789abcdef", NOW_S)
    renew_server(files, own_addresses(), NOW_S)
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE

    async def story():
        door = Doorkeeper(phones_max=20)
        async with serving(door, files) as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
            assert b" 200 " in await ask(port, tls=tls)
            assert len(door.phones) <= 20
            for _, writer in idle:
                writer.transport.abort()

    run(story)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ca",
        b"POST / HTTP/1.1\r\nHost: camp\r\nContent-Length: 9\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: camp\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "half of the pieces"],
)
@pytest.mark.parametrize("before", [b"", REQUEST], ids=["at first", "after an answer"])
def test_a_request_that_does_not_become_whole_is_not_waited_for(quick, monkeypatch, beginning, before):
    monkeypatch.setattr(serving_module, "KEEP_ALIVE_S", 0.2)

    async def story():
        door = Doorkeeper()
        async with serving(door) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(before)
            if before:
                await reader.readuntil(b"hello")
            writer.write(beginning)
            await until(lambda: len(door.phones) == 1)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            await until(lambda: len(door.phones) == 0)
            writer.transport.abort()

    run(story)


def test_a_file_may_take_long_but_must_not_stand_still(quick):
    head = b"POST /file HTTP/1.1\r\nHost: camp\r\nContent-Length: 12\r\n\r\n"

    async def story():
        door = Doorkeeper()
        async with serving(door) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            for _ in range(12):
                await asyncio.sleep(0.05)
                writer.write(b"x")
            assert b" 200 " in await reader.readline()
            writer.close()
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + b"x")
            await until(lambda: len(door.phones) == 0)
            writer.transport.abort()

    run(story)


def test_an_answer_that_nobody_takes_is_thrown_away(quick):
    async def story():
        door = Doorkeeper()
        async with serving(door) as port:
            # Nobody reads from the reader, so asyncio stops taking from the socket.
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.write(b"GET /large HTTP/1.1\r\nHost: camp\r\n\r\n" * 3)
            await until(lambda: len(door.phones) == 1)
            await until(lambda: len(door.phones) == 0)
            writer.transport.abort()

    run(story)


def test_a_slow_phone_that_keeps_reading_gets_all_of_it(quick):
    async def story():
        async with serving(Doorkeeper()) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /large HTTP/1.1\r\nHost: camp\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            assert len(await reader.readexactly(len(LARGE))) == len(LARGE)
            writer.close()

    run(story)


class Wire:
    """A connection as the doorkeeper knows it."""

    def __init__(self, door, address):
        self.ended = False
        self.place = door.admit(address, self.end)

    def end(self):
        self.ended = True


def test_who_has_most_connections_loses_the_one_that_is_idle_longest():
    async def story():
        door = Doorkeeper(phones_max=4)
        phone, *many = Wire(door, "phone"), *(Wire(door, "flood") for _ in range(3))
        many[0].place.is_answered()  # just now
        newcomer = Wire(door, "another")
        assert [wire.ended for wire in (phone, *many, newcomer)] == [False, False, True, False, False]

    run(story)


def test_who_is_being_answered_is_not_sent_away():
    async def story():
        door = Doorkeeper(phones_max=2)
        wires = [Wire(door, "flood"), Wire(door, "flood")]
        for wire in wires:
            wire.place.has_asked()
        assert Wire(door, "another").place is None
        wires[0].place.is_answered()
        assert Wire(door, "another").place is not None
        assert [wire.ended for wire in wires] == [True, False]

    run(story)


def test_neighbours_take_no_room_from_phones_and_have_an_end_of_their_own():
    async def story():
        door = Doorkeeper(phones_max=2, neighbours_max=3)
        async with serving(door) as port, contextlib.AsyncExitStack() as open_ones:
            for _ in range(3):
                await open_ones.enter_async_context(connect(f"ws://127.0.0.1:{port}/"))
            assert (len(door.phones), len(door.neighbours)) == (0, 3)
            with pytest.raises((ConnectionClosed, ConnectionError, InvalidMessage, InvalidStatus, EOFError)):
                async with connect(f"ws://127.0.0.1:{port}/") as fourth:
                    await fourth.recv()
            assert b" 200 " in await ask(port)
        await until(lambda: len(door.neighbours) == 0)

    run(story)


def test_a_frame_in_a_million_pieces_ends_the_link():
    async def story():
        async with serving(Doorkeeper()) as port, connect(f"ws://127.0.0.1:{port}/") as link:
            raw = link.transport
            raw.write(b"\x02\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 10_000)
            with pytest.raises(ConnectionClosed):
                await link.recv()

    run(story)


def test_pings_without_reading_end_the_link(monkeypatch):
    monkeypatch.setattr(guests, "UNTAKEN_BYTES_MAX", 10_000)

    async def story():
        door = Doorkeeper()
        async with serving(door) as port:
            link = await connect(f"ws://127.0.0.1:{port}/")
            link.transport.pause_reading()
            ping = b"\x89\xfd\0\0\0\0" + bytes(125)
            while len(door.neighbours):
                with contextlib.suppress(ConnectionError):
                    link.transport.write(ping * 1_000)
                await asyncio.sleep(0.001)
            link.transport.abort()

    run(story)
