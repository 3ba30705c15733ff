"""One application on two ports: uvicorn, without the parts that poll, log addresses or catch signals."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from node.files import CertificateFiles
from node.home import HomeError
from radio.ip_link import IP_FRAME_BYTES_MAX

# Phones that ask at the same moment: a full square. Each open request costs some 50 KB.
AT_ONCE_MAX = 300
# A phone that reads on within this time does not shake hands again; longer only holds memory.
KEEP_ALIVE_S = 15
# The node must end within 5 s; requests under way get this much of it.
GRACE_S = 2
BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that is bound. `port` is the true one where 0 was asked for."""

    socket: socket.socket
    port: int


def listen(host: str, port: int, setting: str) -> Listener:
    """Bind a port. Raises HomeError with one line that names the setting."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0
            )  # "::" is every address, old ones too
        try:
            bound.bind(address)
            # Listening, not only bound: a second node that asks for the same port is refused now.
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            raise
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise HomeError(f"cannot listen on {host} port {port} ([web] {setting}): {why}") from error
    return Listener(bound, bound.getsockname()[1])


class PageServer(uvicorn.Server):
    """Serves until `end` is called; sleeps while nobody asks."""

    def __init__(
        self, app: ASGIApp, listener: Listener, certificates: CertificateFiles | None = None
    ) -> None:
        """With `certificates` it speaks HTTPS. Raises OSError or ssl.SSLError when they cannot be used."""
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="websockets-sansio",
                ws_max_size=IP_FRAME_BYTES_MAX,
                ws_per_message_deflate=False,  # what is carried is packed already
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,  # the clock may be wrong, and a wrong one breaks caches
                proxy_headers=False,
                limit_concurrency=AT_ONCE_MAX,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
                ssl_certfile=certificates.server if certificates is not None else None,
                ssl_keyfile=certificates.server_key if certificates is not None else None,
            )
        )
        self.config.load()
        if self.config.ssl is not None:
            self.config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        self._listener = listener
        self._ended = asyncio.Event()

    async def run_to_end(self) -> None:
        """Serve until `end`, then finish what is under way, for GRACE_S at most."""
        await self.serve(sockets=[self._listener.socket])

    def end(self) -> None:
        """Stop taking requests."""
        self.should_exit = True
        self._ended.set()

    async def main_loop(self) -> None:
        """Wait for the end. The one we inherit wakes ten times a second to write a date nobody gets."""
        await self.on_tick(0)
        await self._ended.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the node, which has more than pages to close."""
        yield
