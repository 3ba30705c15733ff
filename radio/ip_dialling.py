"""Dialling a neighbour: a WebSocket to the path of the gossip at its page address (PROTOCOL.md §9).

Who is there is proved by the handshake, and what passes is public. So TLS is asked to vouch for the
neighbour only where the settings give a certificate: whoever sits in between then sees nothing, not even
that camps talk.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from radio.ip_handshake import (
    HANDSHAKE_S,
    ITSELF,
    ITSELF_CODE,
    NO_CAMP,
    NO_ROOM,
    NOT_A_NEIGHBOUR,
    Refused,
)
from radio.road_words import for_people

GOSSIP_PATH = "/gossip"
UNREADABLE = for_people("The file with its certificate cannot be read.")
NOT_THAT_ONE = for_people("Its certificate is not the one in the settings, nor signed by it.")
# Verification codes of OpenSSL (x509_vfy.h).
_WHY = {
    9: for_people("Its certificate is not valid yet, or the clock of this box is slow."),
    10: for_people("Its certificate has expired, or the clock of this box is fast."),
    62: for_people("Its certificate is for another address."),
    64: for_people("Its certificate is for another address."),
}
REFUSED_THERE = for_people("Refused there: another network word, or connected already.")
FULL_THERE = for_people("Too many camps are connected there. It is tried again.")
# By the code with which the other end closed.
_REFUSALS = {NOT_A_NEIGHBOUR: REFUSED_THERE, NO_ROOM: FULL_THERE, ITSELF_CODE: ITSELF}
# One bulk bundle with its key, or a list of 2,048 ids, and room for what a later version adds.
IP_FRAME_BYTES_MAX = 40_960


class Dialling:
    """A connection made by us, as a Socket (`ip_handshake`)."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, data: bytes) -> None:
        try:
            await self._connection.send(data)
        except ConnectionClosed as closed:
            raise ConnectionError from closed

    async def receive(self) -> bytes:
        try:
            data = await self._connection.recv()
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else None
            if code in _REFUSALS:
                raise Refused(_REFUSALS[code], code) from closed
            raise ConnectionError from closed
        if isinstance(data, str):
            raise Refused(NO_CAMP)
        return data

    async def close(self, code: int) -> None:
        await self._connection.close(code)


def dial(page_url: str, certificate: Path | None = None) -> connect:
    """Connect to the gossip of a page address; used with `async with`. Raises OSError, WebSocketException.

    `certificate`: a PEM file of what an https neighbour must show (`_context`). Raises Refused when it cannot
    be read.
    """
    url = gossip_url(page_url)
    return connect(
        url,
        ssl=_context(certificate) if url.startswith("wss:") else None,
        max_size=IP_FRAME_BYTES_MAX,
        open_timeout=HANDSHAKE_S,
        close_timeout=1,
        compression=None,  # bundles are packed and signed: nothing is left to squeeze
        proxy=None,  # a neighbour is on our own cable; a proxy in the environment is for other things
        user_agent_header=None,
    )


def _context(certificate: Path | None) -> ssl.SSLContext:
    """What the neighbour's TLS must be.

    With a file of its own certificate, that one, whatever address it is for. With one of an authority (a
    camp's own, or a public one), a certificate signed by it for the address that is dialled. Without a
    file, any.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is None:
        # A camp's page has a certificate of the camp's own making, which no other box knows.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        context.load_verify_locations(certificate)
    except OSError as error:  # ssl.SSLError too: it is no certificate
        raise Refused(UNREADABLE) from error
    held = context.cert_store_stats()
    if held["x509"] > held["x509_ca"]:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def why_not_trusted(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with the certificate a neighbour showed; a sentence of the catalogues."""
    return _WHY.get(error.verify_code, NOT_THAT_ONE)


def why_not_reached(error: OSError | WebSocketException) -> str:
    """Why nobody could be spoken to; a sentence of the catalogues, without the address."""
    match error:
        case socket.gaierror():
            return for_people("Its name cannot be looked up. Is the address right, is the internet there?")
        case TimeoutError():
            return for_people("It does not answer.")
        case ConnectionRefusedError():
            return for_people("Nobody takes connections there. Is its node running, is the port right?")
        case ssl.SSLError() | WebSocketException():
            return NO_CAMP
        case ConnectionError():
            return for_people("The connection broke off.")
        case _:
            return for_people("There is no way to it. Is the cable in, is the network there?")


def gossip_url(page_url: str) -> str:
    """The WebSocket address that belongs to a neighbour's page address (http or https)."""
    parts = urlsplit(page_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, GOSSIP_PATH, "", ""))
