"""One application on two ports: uvicorn, without the parts that poll, log addresses or catch signals."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from node.doorkeeper import REQUEST_S, Doorkeeper
from node.given_certificate import ServerCertificate
from node.guests import Guest, Neighbour
from node.home import HomeError
from radio.ip_dialling import IP_FRAME_BYTES_MAX

# A phone that reads on within this time does not shake hands again; longer only holds memory.
KEEP_ALIVE_S = 15
# The node must end within 5 s; requests under way get this much of it.
GRACE_S = 2
# Connections that the kernel completes while we are busy. Beyond, a phone tries again after a second.
BACKLOG = 1_024
# Of them, accepted in one go: 40 ms when somebody has to leave for each.
ACCEPTED_AT_ONCE = 128
# The process, or the machine, has no descriptor left: they come back as connections end.
NONE_LEFT_S = 1.0

# asyncio gives each TLS connection 256 KiB to read into before it has said a word: 80 MB for a full house of
# strangers, and again until Python collects what they leave. A record of TLS has 16 KiB (RFC 8446 §5.1).
asyncio.sslproto.SSLProtocol.max_size = 16 * 1024


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
        self,
        app: ASGIApp,
        listener: Listener,
        door: Doorkeeper,
        certificate: ServerCertificate | None = None,
    ) -> None:
        """With `certificate` it speaks HTTPS. Raises OSError or ssl.SSLError when they cannot be used."""
        super().__init__(
            uvicorn.Config(
                app,
                http=Guest,
                ws=Neighbour,
                ws_max_size=IP_FRAME_BYTES_MAX,
                ws_per_message_deflate=False,  # what is carried is packed already
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,  # the clock may be wrong, and a wrong one breaks caches
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
                ssl_certfile=certificate.chain if certificate is not None else None,
                ssl_keyfile=certificate.key if certificate is not None else None,
            )
        )
        self.config.load()
        if self.config.ssl is not None:
            self.config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        self._listener = listener
        self._ended = asyncio.Event()
        self._door = door
        self._arriving: set[asyncio.Task[None]] = set()

    async def run_to_end(self) -> None:
        """Serve until `end`, then finish what is under way, for GRACE_S at most."""
        await self.serve(sockets=[self._listener.socket])

    def end(self) -> None:
        """Stop taking requests."""
        self.should_exit = True
        self._ended.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections ourselves: asyncio's server takes any number, also such as never speak."""
        self.servers = []
        self._listener.socket.setblocking(False)
        self._accept_more()
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in any more, and answer those who are."""
        asyncio.get_running_loop().remove_reader(self._listener.socket)
        for task in self._arriving:
            task.cancel()
        await super().shutdown(sockets)

    def _accept_more(self) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(self._listener.socket, self._accept)

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, address = self._listener.socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                loop.remove_reader(self._listener.socket)
                loop.call_later(NONE_LEFT_S, self._accept_more)
                return
            connection.setblocking(False)
            task = loop.create_task(self._let_in(connection, str(address[0])))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _let_in(self, connection: socket.socket, address: str) -> None:
        task = asyncio.current_task()
        assert task is not None, "this is one"
        place = self._door.admit(address, task.cancel)
        if place is None:
            connection.close()
            return
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Guest(self.config, self.server_state, place),
                connection,
                ssl=self.config.ssl,
                ssl_handshake_timeout=REQUEST_S if self.config.ssl is not None else None,
            )
        except OSError:  # it went away, or does not speak TLS as we do
            place.gone()
        except asyncio.CancelledError:
            place.gone()
            raise

    async def main_loop(self) -> None:
        """Wait for the end. The one we inherit wakes ten times a second to write a date nobody gets."""
        await self.on_tick(0)
        await self._ended.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the node, which has more than pages to close."""
        yield
