"""The door for neighbours: WebSockets on the page port, handed to the IP link; all else goes to the pages."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from radio.ip_dialling import GOSSIP_PATH
from radio.ip_handshake import NO_CAMP, Refused
from radio.ip_link import IpLinks

# RFC 6455, 7.4.1: what a browser page that looks for a chat here is told.
NOT_HERE = 1008


class FrontDoor:
    """The application that both ports serve."""

    def __init__(self, pages: ASGIApp, links: IpLinks) -> None:
        self._pages = pages
        self._links = links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection."""
        if scope["type"] != "websocket":
            await self._pages(scope, receive, send)
            return
        connection = WebSocket(scope, receive, send)
        if scope["path"] != GOSSIP_PATH:
            await connection.close(NOT_HERE)
            return
        await connection.accept()
        await self._links.answer(_Answering(connection))


class _Answering:
    """A connection that a neighbour made, as the IP link sees it."""

    def __init__(self, connection: WebSocket) -> None:
        self._connection = connection

    async def send(self, data: bytes) -> None:
        try:
            await self._connection.send_bytes(data)
        except (WebSocketDisconnect, RuntimeError, OSError) as gone:
            raise ConnectionError from gone

    async def receive(self) -> bytes:
        try:
            event = await self._connection.receive()
        except RuntimeError as gone:  # it was told already that it is closed
            raise ConnectionError from gone
        if event["type"] != "websocket.receive":
            raise ConnectionError
        data = event.get("bytes")
        if not isinstance(data, bytes):
            raise Refused(NO_CAMP)
        return data

    async def close(self, code: int) -> None:
        if self._connection.application_state is WebSocketState.CONNECTED:
            try:
                await self._connection.close(code)
            except (WebSocketDisconnect, RuntimeError, OSError) as gone:
                raise ConnectionError from gone
