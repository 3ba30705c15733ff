"""An SMTP server in a thread of its own, on a free port of this machine: aiosmtpd, for the demo and tests."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from functools import partial
from typing import Any

from aiosmtpd.smtp import SMTP

HOST = "127.0.0.1"
END_S = 5.0
ACCEPTED_S = 0.01  # what was accepted last has its transport by then


class SmtpServer:
    """Serves from `start` to `stop`. `handler` has aiosmtpd's hooks (`handle_RCPT`, `handle_DATA`, …)."""

    def __init__(
        self, handler: object, hostname: str, tls: ssl.SSLContext | None = None, **options: Any
    ) -> None:
        """With `tls`, encrypted from the first byte. `options` are those of `aiosmtpd.smtp.SMTP`."""
        self._tls = tls
        self._open: set[SMTP] = set()
        self._factory = partial(_Known, self._open, handler, hostname=hostname, **options)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def start(self) -> None:
        """Listen, the first time on a port that is free, then on the same. Raises OSError."""
        listener = socket.create_server((HOST, self.port))
        self.port = listener.getsockname()[1]
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, args=(listener,), name="smtp", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Hang up on everybody."""
        if self._thread is not None and self._loop is not None and self._end is not None:
            if self._thread.is_alive():
                self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(END_S)

    def _run(self, listener: socket.socket) -> None:
        asyncio.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: self._factory(loop=self._loop), sock=listener, ssl=self._tls
        )
        self._ready.set()
        await self._end.wait()
        self._loop.remove_reader(listener)  # a server that is closed fails those whom it has just accepted
        await asyncio.sleep(ACCEPTED_S)
        server.close()
        for each in self._open:
            if isinstance(each.transport, asyncio.WriteTransport):
                each.transport.abort()
        await asyncio.sleep(0)


class _Known(SMTP):
    """A conversation that is in `known` while it lasts."""

    def __init__(self, known: set[SMTP], handler: object, **options: Any) -> None:
        super().__init__(handler, **options)
        self._known = known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._known.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._known.discard(self)
