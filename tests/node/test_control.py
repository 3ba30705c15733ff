"""The control socket: what goes over it comes out the same, and what is none of ours ends the connection."""

import asyncio
import contextlib
import socket
import stat
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.control import LENGTH, MESSAGE_BYTES_MAX, BrokenOff, ControlClient
from node.control_server import ControlServer
from node.requests import (
    AskStatus,
    EndCard,
    NewCard,
    NewCode,
    Pin,
    Post,
    Posted,
    Rebuild,
    Request,
    Said,
    SealAll,
    TakeIn,
    Taken,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
    no_progress,
)
from node.sorry import Sorry
from sync.message import Role
from sync.reject import Reject

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
NUMBER = st.integers(0, 2**63)
REQUESTS = st.one_of(
    st.builds(Post, TEXT, TEXT, TEXT, st.booleans(), st.none() | st.binary(min_size=16, max_size=16)),
    st.builds(NewCard, st.sampled_from(Role), TEXT, TEXT),
    st.builds(EndCard, NUMBER),
    st.builds(Pin, TEXT),
    st.builds(
        TakeIn, st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=3).map(tuple)
    ),
    st.builds(SealAll),
    st.builds(Rebuild),
    st.builds(AskStatus),
)
ANSWERS = st.one_of(
    st.builds(Posted, st.binary(max_size=16), st.booleans()),
    st.builds(NewCode, NUMBER, TEXT),
    st.builds(Taken, NUMBER, NUMBER, NUMBER, NUMBER),
    st.builds(Said, TEXT),
)


@given(REQUESTS)
def test_a_request_arrives_as_it_was_sent(request):
    assert decode_request(encode_request(request)) == request


@given(ANSWERS)
def test_an_answer_arrives_as_it_was_sent(answer):
    assert decode_answer(encode_answer(answer)) == answer


@given(st.binary(max_size=60))
def test_any_bytes_are_a_request_or_refused(data):
    with contextlib.suppress(Reject):
        assert encode_request(decode_request(data)) == data


class Served:
    """A control server in a thread of its own."""

    def __init__(self, path) -> None:
        self.path = path
        self.asked: list[Request] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        assert self._ready.wait(10)

    async def _main(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = ControlServer(self.path, self._work)
        await server.start()
        self._ready.set()
        await self._end.wait()
        await server.close()

    async def _work(self, request, progress):
        self.asked.append(request)
        match request:
            case Rebuild():
                await asyncio.to_thread(lambda: [progress(done, 1000) for done in range(1, 1001)])
                return Said("")
            case Pin("nobody"):
                raise Sorry("no such camp")
            case Pin("hangs"):
                await self._end.wait()
        return Posted(b"i" * 16, False)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture(params=["short", "deep"])
def served(tmp_path, request):
    folder = tmp_path / ("d" * 100 if request.param == "deep" else "d")
    folder.mkdir()
    served = Served(folder / "control.sock")
    yield served
    served.end()


def test_requests_are_answered_one_after_another(served):
    client = ControlClient(served.path)
    post = Post("general", "hola", "Ada", False, None)
    assert client.ask(post, no_progress) == Posted(b"i" * 16, False)
    with pytest.raises(Sorry, match="no such camp"):
        client.ask(Pin("nobody"), no_progress)
    assert client.ask(post, no_progress) == Posted(b"i" * 16, False)
    client.close()
    assert served.asked == [post, Pin("nobody"), post]


def test_progress_is_told_before_the_answer(served):
    client = ControlClient(served.path)
    steps = []
    assert client.ask(Rebuild(), lambda done, of: steps.append((done, of))) == Said("")
    client.close()
    assert steps == [(500, 1000), (1000, 1000)]


def test_only_the_owner_may_speak(served):
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600


def test_a_command_is_told_when_the_node_ends(tmp_path):
    served = Served(tmp_path / "control.sock")
    client = ControlClient(served.path)
    threading.Timer(0.2, served.end).start()
    with pytest.raises(BrokenOff, match="the node ended"):
        client.ask(Pin("hangs"), no_progress)
    client.close()
    with pytest.raises(OSError, match=r"No such file|refused"):
        ControlClient(served.path)


def test_a_socket_left_by_a_crash_is_replaced(tmp_path):
    path = tmp_path / "control.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with pytest.raises(ConnectionRefusedError):
        ControlClient(path)
    served = Served(path)
    client = ControlClient(path)
    assert client.ask(SealAll(), no_progress) == Posted(b"i" * 16, False)
    client.close()
    served.end()
    assert not path.exists()


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        LENGTH.pack(0),
        LENGTH.pack(MESSAGE_BYTES_MAX + 1) + b"r",
        LENGTH.pack(5) + b"xaaaa",
        LENGTH.pack(5) + b"raaaa",
        struct.pack(">I", 3) + b"r\x81\xff",
    ],
)
def test_junk_ends_its_connection_and_no_other(tmp_path, junk):
    served = Served(tmp_path / "control.sock")
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(served.path))
        stranger.sendall(junk)
        stranger.shutdown(socket.SHUT_WR)
        assert stranger.recv(100) == b""
    client = ControlClient(served.path)
    assert client.ask(Pin("x"), no_progress) == Posted(b"i" * 16, False)
    client.close()
    served.end()
