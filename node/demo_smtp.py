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


class SmtpServer:
    """Serves from `start` to `stop`. `handler` has aiosmtpd's hooks (`handle_RCPT`, `handle_DATA`, …)."""

    def __init__(
        self, handler: object, hostname: str, tls: ssl.SSLContext | None = None, **options: Any
    ) -> None:
        """With `tls`, encrypted from the first byte. `options` are those of `aiosmtpd.smtp.SMTP`."""
        self._tls = tls
        self._factory = partial(SMTP, handler, hostname=hostname, **options)
        self._open: list[SMTP] = []
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
        server = await self._loop.create_server(self._protocol, sock=listener, ssl=self._tls)
        self._ready.set()
        await self._end.wait()
        server.close()
        for each in self._open:
            if each.transport is not None:
                each.transport.close()

    def _protocol(self) -> SMTP:
        protocol = self._factory(loop=self._loop)
        self._open = [each for each in self._open if each.transport is not None]
        self._open.append(protocol)
        return protocol
