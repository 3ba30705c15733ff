"""The handshake of the IP link: who is at the other end is proved before a frame passes (PROTOCOL.md §9).

Each end signs both hellos with the key that signs its bundles, under the network word. So nothing below it
needs to be trusted for that: not an address, not a certificate.
"""

from __future__ import annotations

from typing import Protocol

from radio.road_words import for_people
from sync import cbor
from sync.reject import Reject
from sync.signing import KEY_BYTES, Identity, verify

HANDSHAKE_NAME = "miccheck link"
HANDSHAKE_VERSION = 1
# WebSocket close code "policy violation" (RFC 6455 §7.4.1): the proof was not good.
NOT_A_NEIGHBOUR = 1008
# "Try again later" (IANA's registry of close codes).
NO_ROOM = 1013
# Ours (RFC 6455 §7.4.2): the hello came back to the camp that sent it, or to a box with the same key.
ITSELF_CODE = 4001
ITSELF = for_people("At this address is this camp itself, or another box with its key.")
NO_CAMP = for_people("What answers there is no camp.")
ANOTHER_VERSION = for_people("The camp there has another version of Mic Check.")
NOT_PROVED = for_people("The camp there has another network word, or not the key it claims.")
NONCE_BYTES = 16
# A handshake is three small messages; a satellite link makes them in three seconds.
HANDSHAKE_S = 10.0


class Refused(Exception):
    """The other end is not a neighbour; `why` is a sentence of the catalogues."""

    def __init__(self, why: str, code: int = NOT_A_NEIGHBOUR) -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class Socket(Protocol):
    """A WebSocket, whichever library holds it. Both raise ConnectionError when it is gone."""

    async def send(self, data: bytes) -> None:
        """Send one binary message."""

    async def receive(self) -> bytes:
        """The next binary message."""

    async def close(self, code: int) -> None:
        """End it."""


def hello(key: bytes, nonce: bytes) -> bytes:
    """The first message of either end."""
    return cbor.encode([HANDSHAKE_NAME, HANDSHAKE_VERSION, key, nonce])


def read_hello(data: bytes) -> tuple[bytes, bytes]:
    """The other end's key and nonce, or Refused."""
    try:
        fields = cbor.decode(data)
    except Reject as reject:
        raise Refused(NO_CAMP) from reject
    if not isinstance(fields, list) or len(fields) < 4 or fields[0] != HANDSHAKE_NAME:
        raise Refused(NO_CAMP)
    _, version, key, nonce = fields[:4]
    if version != HANDSHAKE_VERSION:
        raise Refused(ANOTHER_VERSION)
    if not (isinstance(key, bytes) and isinstance(nonce, bytes)):
        raise Refused(NO_CAMP)
    if len(key) != KEY_BYTES or len(nonce) != NONCE_BYTES:
        raise Refused(NO_CAMP)
    return key, nonce


def transcript(side: bytes, dialler_hello: bytes, answerer_hello: bytes) -> bytes:
    """What an end signs: which end it is, and both hellos."""
    return side + dialler_hello + answerer_hello


async def shake_hands(socket: Socket, identity: Identity, nonce: bytes, dialler: bool) -> bytes:
    """Prove ourselves and have the other end prove itself; its key. Raises Refused, ConnectionError.

    The dialler proves first, so that a node answers no stranger with a signature.
    """
    own = hello(identity.key, nonce)
    if dialler:
        await socket.send(own)
    theirs = await socket.receive()
    key, _ = read_hello(theirs)
    if key == identity.key:
        raise Refused(ITSELF, ITSELF_CODE)
    if not dialler:
        await socket.send(own)
    dialled, answered = (own, theirs) if dialler else (theirs, own)
    proof = identity.sign_link(transcript(b"D" if dialler else b"A", dialled, answered))
    if dialler:
        await socket.send(proof)
    signature = await socket.receive()
    signed = transcript(b"A" if dialler else b"D", dialled, answered)
    if not verify(key, identity.network.link_input(key, signed), signature):
        raise Refused(NOT_PROVED)
    if not dialler:
        await socket.send(proof)
    return key
