"""The handshake of the IP link: each end proves who it is, and what is no proof is told to people."""

import asyncio
import re
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from radio.ip_dialling import FULL_THERE, REFUSED_THERE, Dialling
from radio.ip_handshake import (
    ANOTHER_VERSION,
    ITSELF,
    NO_CAMP,
    NOT_PROVED,
    Refused,
    hello,
    read_hello,
    shake_hands,
)
from sync import cbor
from sync.signing import Identity, Network

NORTH = Identity(b"n" * 32)
SOUTH = Identity(b"s" * 32)
OUTSIDER = Identity(b"o" * 32, Network("another"))
NONCE = bytes(16)


class Pipe:
    """A socket in memory."""

    def __init__(self):
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self.other: Pipe = self
        self.closed = None

    async def send(self, data):
        await self.other.incoming.put(data)

    async def receive(self):
        return await self.incoming.get()

    async def close(self, code):
        self.closed = code


def pipe():
    one, other = Pipe(), Pipe()
    one.other, other.other = other, one
    return one, other


def run(story):
    async def timed():
        async with asyncio.timeout(30):
            await story

    asyncio.run(timed())


async def both(dialler, answerer, tamper=lambda data: data):
    one, other = pipe()
    plain = other.send

    async def send(data):
        await plain(tamper(data))

    other.send = send
    return await asyncio.gather(
        shake_hands(one, dialler, NONCE, True),
        shake_hands(other, answerer, b"\x01" * 16, False),
        return_exceptions=True,
    )


def test_both_ends_learn_the_others_key():
    assert asyncio.run(both(NORTH, SOUTH)) == [SOUTH.key, NORTH.key]


def test_another_word_is_refused_by_the_answerer_and_told_nothing():
    async def story():
        one, other = pipe()
        dialler = asyncio.create_task(shake_hands(one, OUTSIDER, NONCE, True))
        with pytest.raises(Refused, match=NOT_PROVED):
            await shake_hands(other, SOUTH, NONCE, False)
        dialler.cancel()
        assert one.incoming.empty()  # the answerer's hello was taken; its proof was never sent

    run(story())


def test_a_camp_does_not_talk_to_itself():
    async def story():
        one, other = pipe()
        await one.send(hello(NORTH.key, NONCE))
        with pytest.raises(Refused, match="itself"):
            await shake_hands(other, NORTH, NONCE, False)
        await other.send(hello(NORTH.key, NONCE))
        with pytest.raises(Refused, match="itself"):
            await shake_hands(one, NORTH, NONCE, True)

    run(story())


def test_a_proof_is_for_one_side_of_one_handshake():
    proofs = []

    def remember(data):
        proofs.append(data)
        return data

    asyncio.run(both(NORTH, SOUTH, remember))
    old = proofs[1]

    async def story():
        one, other = pipe()
        task = asyncio.create_task(shake_hands(one, NORTH, b"\x07" * 16, True))
        await other.receive()
        await other.send(hello(SOUTH.key, b"\x01" * 16))
        await other.receive()
        await other.send(old)
        with pytest.raises(Refused):
            await task

    run(story())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1",
        cbor.encode(["something else", 1, NORTH.key, NONCE]),
        cbor.encode(["miccheck link", 1, NORTH.key[:31], NONCE]),
        cbor.encode(["miccheck link", 1, NORTH.key, b"short"]),
        cbor.encode(["miccheck link", 1]),
        cbor.encode([["miccheck link"], 1, NORTH.key, NONCE]),
        cbor.encode(7),
    ],
)
def test_what_is_no_hello_is_refused(data):
    with pytest.raises(Refused, match=NO_CAMP):
        read_hello(data)


def test_another_version_is_called_that():
    with pytest.raises(Refused, match=ANOTHER_VERSION):
        read_hello(cbor.encode(["miccheck link", 2, NORTH.key, NONCE]))


def test_a_later_hello_may_say_more():
    assert read_hello(cbor.encode(["miccheck link", 1, NORTH.key, NONCE, "more"])) == (NORTH.key, NONCE)


class Ended:
    """A connection that the other end closed, or that says something odd."""

    def __init__(self, end):
        self.end = end

    async def recv(self):
        if isinstance(self.end, str):
            return self.end
        raise ConnectionClosedError(self.end, None)


def ended(end) -> Any:
    return Ended(end)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (Close(1008, ""), REFUSED_THERE),
        (Close(1013, ""), FULL_THERE),
        (Close(4001, ""), ITSELF),
        ("220 mail", NO_CAMP),
    ],
)
def test_who_was_refused_is_told_why(end, why):
    with pytest.raises(Refused, match=re.escape(why)):
        asyncio.run(Dialling(ended(end)).receive())


@pytest.mark.parametrize("end", [Close(1000, ""), Close(1001, ""), None])
def test_any_other_end_is_a_connection_that_ended(end):
    with pytest.raises(ConnectionError):
        asyncio.run(Dialling(ended(end)).receive())
