"""Dialling a neighbour: a WebSocket to the path of the gossip at its page address (PROTOCOL.md §9)."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from radio.ip_handshake import HANDSHAKE_S, NOT_A_NEIGHBOUR, Refused

GOSSIP_PATH = "/gossip"
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
            if closed.rcvd is not None and closed.rcvd.code == NOT_A_NEIGHBOUR:
                raise Refused("refused there: another network word, or connected already") from closed
            raise ConnectionError from closed
        if isinstance(data, str):
            raise Refused("text where frames belong")
        return data

    async def close(self, code: int) -> None:
        await self._connection.close(code)


def dial(page_url: str) -> connect:
    """Connect to the gossip of a page address; used with `async with`. Raises OSError, WebSocketException."""
    url = gossip_url(page_url)
    context = None
    if url.startswith("wss:"):
        # A camp's page has a certificate of the camp's own making. Who is at the other end is proved
        # by the handshake, with the key that signs the bundles; what passes is public.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return connect(
        url,
        ssl=context,
        max_size=IP_FRAME_BYTES_MAX,
        open_timeout=HANDSHAKE_S,
        close_timeout=1,
        compression=None,  # bundles are packed and signed: nothing is left to squeeze
        proxy=None,  # a neighbour is on our own cable; a proxy in the environment is for other things
        user_agent_header=None,
    )


def gossip_url(page_url: str) -> str:
    """The WebSocket address that belongs to a neighbour's page address (http or https)."""
    parts = urlsplit(page_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, GOSSIP_PATH, "", ""))
