"""Connections that are called off at any moment leave no socket open, ours or the demo's server's."""

import asyncio
import gc
import socket
import threading
import time
import warnings
from random import Random

import pytest

from node.mail_server import parse_smtp
from node.smtp import conversation
from node.trust import Terms, Trust
from tests.letters.authority import Authority
from tests.letters.gateway import MailHost

LETTER = b"From: north@camp.example\r\n\r\nHello\r\n"


@pytest.fixture
def unclosed(monkeypatch):
    """What is found open when nobody holds it any more."""
    found = []
    monkeypatch.setattr("sys.unraisablehook", lambda fault: found.append(str(fault.exc_value)))

    def look():
        gc.collect()
        return found

    gc.collect()
    found.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield look


async def _talk(server, terms):
    async with conversation(server, "camp.example", None, terms) as talk:
        for _ in range(3):
            await talk.send(LETTER, "north@camp.example", "camps@lists.example.org")


async def _call_off_after(seconds, server, terms):
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    killer = threading.Timer(seconds, lambda: loop.call_soon_threadsafe(task.cancel))
    killer.start()
    try:
        await _talk(server, terms)
    finally:
        killer.cancel()
        killer.join()


def test_a_conversation_called_off_at_any_moment_leaves_no_socket(open_host, tmp_path, unclosed):
    authority = Authority(tmp_path)
    host = open_host(tls=authority.server())
    server = parse_smtp(f"smtps://localhost:{host.server.port}")
    terms = Terms(trust=Trust(ca_file=authority.file))
    asyncio.run(_talk(server, terms))
    began_s = time.monotonic()
    asyncio.run(_talk(server, terms))
    whole_s = time.monotonic() - began_s
    chance, called_off = Random(1), 0
    for n in range(80):
        latest_s = whole_s if n % 4 == 0 else whole_s / 12  # most of them early, while hands are shaken
        try:
            asyncio.run(_call_off_after(chance.uniform(0, latest_s), server, terms))
        except asyncio.CancelledError:
            called_off += 1
    assert called_off > 20
    assert unclosed() == []


def test_a_server_that_never_ends_its_handshake_delays_the_end_by_a_moment(monkeypatch):
    monkeypatch.setattr("node.smtp.CALLED_OFF_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = parse_smtp(f"smtps://localhost:{listener.getsockname()[1]}")
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(asyncio.wait_for(_call_off_after(0.2, server, Terms()), 20))


def test_a_server_that_stops_hangs_up_on_those_it_has_just_accepted(unclosed):
    for _ in range(10):
        host = MailHost()
        callers = [socket.create_connection(("127.0.0.1", host.server.port)) for _ in range(4)]
        host.stop()
        for caller in callers:
            caller.close()
    assert unclosed() == []
