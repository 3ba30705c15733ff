"""Connections to the pages and to the gossip, as the doorkeeper sees them: uvicorn's, with limits.

uvicorn waits for ever for a request that was begun and for an answer to be taken, and counts such
connections against everybody else's. What is added here is only when to stop.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame

from node.doorkeeper import Place

# A neighbour echoes our farewell in one round trip, three seconds over a satellite; who does not is no loss.
FAREWELL_S = 3.0
# Answers to pings pile up for a neighbour that does not read; frames of ours stop at a quarter of this
# (`UNSENT_BYTES_MAX` of radio.ip_link).
UNTAKEN_BYTES_MAX = 1_000_000
# Our neighbours send a frame in one piece. Proxies cut it into pieces of some KB; empty ones are an attack.
PIECES_MAX = 64


class Guest(H11Protocol):
    """A phone."""

    def __init__(self, config: Config, server_state: ServerState, place: Place) -> None:
        # What the page for files asks of the connection it came by (`web_ui.pages.carrying`).
        patience = {"takes_long": place.sends_much}
        super().__init__(config=config, server_state=server_state, app_state=patience)
        self._place = place

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It stands, after TLS where there is TLS."""
        self._place.settle(transport.abort)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._place.gone()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A piece of a request, or all of it."""
        self._place.asks()
        super().data_received(data)
        heir = self.transport.get_protocol()
        if isinstance(heir, Neighbour):
            heir.take_over(self._place)
        elif self.cycle is not None and not (self.cycle.more_body or self.cycle.response_complete):
            self._place.has_asked()

    def on_response_complete(self) -> None:
        """The answer is written, as far as we are concerned."""
        self._place.is_answered()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The other end does not take it."""
        self._place.must_take()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It took it."""
        self._place.has_taken()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked."""
        super().timeout_keep_alive_handler()
        self._place.must_take()


class Neighbour(WebSocketsSansIOProtocol):
    """A WebSocket, which began as a request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: uvicorn's, handed through
        super().__init__(*args, **kwargs)
        self.close_timeout = FAREWELL_S
        self._place: Place | None = None

    def take_over(self, place: Place) -> None:
        """From now on this connection is a neighbour's and no phone's."""
        self._place = place
        place.becomes_neighbour()

    async def send(self, message: ASGISendEvent) -> None:
        """Send something of ours."""
        if message["type"] == "websocket.close" and self._place is not None:
            self._place.says_farewell()
        await super().send(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        if self._place is not None:
            self._place.gone()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The other end does not take it."""
        if self._place is not None:
            self._place.must_take()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It took it."""
        if self._place is not None:
            self._place.has_taken()
        super().resume_writing()

    def handle_ping(self) -> None:
        """Answer, as long as answers are taken."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > UNTAKEN_BYTES_MAX:
            self.transport.abort()

    def handle_cont(self, event: Frame) -> None:
        """A further piece of a frame."""
        super().handle_cont(event)
        if len(self.frames) > PIECES_MAX:
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        """Nobody is there, so nobody takes what we still wanted to say."""
        super().keepalive_timeout()
        self.transport.abort()
