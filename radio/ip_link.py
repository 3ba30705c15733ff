"""The IP link: two nodes over one WebSocket, by cable, by Wi-Fi or through the internet.

Before a single frame passes, each end proves its key and the network word to the other (PROTOCOL.md
§9). The neighbour's address is its page address: the gossip has a path of its own on the same port.
Nothing here is secret: what is carried is signed and public, so TLS towards a neighbour hides
traffic from onlookers and vouches for nobody; the handshake does that.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from radio.link_sight import LinkSight, LinkState
from sync import cbor
from sync.link import Allowance, LinkProfile
from sync.reject import Reject
from sync.signing import KEY_BYTES, Identity, author_of, verify
from sync.views import Via

GOSSIP_PATH = "/gossip"
HANDSHAKE_NAME = "miccheck link"
HANDSHAKE_VERSION = 1
# WebSocket close code "policy violation" (RFC 6455 §7.4.1): the proof was not good.
NOT_A_NEIGHBOUR = 1008
# "Try again later" (IANA's registry of close codes).
NO_ROOM = 1013
NONCE_BYTES = 16

# One bulk bundle with its key, or a list of 2,048 ids, and room for what a later version adds.
IP_FRAME_BYTES_MAX = 40_960
# A handshake is three small messages; a satellite link makes them in three seconds.
HANDSHAKE_S = 10.0
# Bytes handed to a socket and not yet taken by it. More only lets an alert wait behind bulk.
UNSENT_BYTES_MAX = 262_144
# The store is slower than this neighbour: stop reading, and TCP makes it wait.
HUB_FULL_S = 0.05
# Dialling again: quickly after a restart, never so often that a dead neighbour costs battery.
REDIAL_FIRST_S = 1.0
REDIAL_MAX_S = 60.0
# Camps that may dial this one at a time. 150 occupations is the proposal; each costs some 60 KB. When all are
# taken, a camp that somebody here pinned takes the place of one that nobody did: keys are free to make.
INBOUND_MAX = 150
# Handshakes under way. When there are more the oldest goes: one that is meant takes three seconds at most.
HANDSHAKES_MAX = 32


class Refused(Exception):
    """The other end is not a neighbour; the word says why."""

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


class Hub(Protocol):
    """Who wants the frames: the pump."""

    def link_up(self, profile: LinkProfile, port: IpPort) -> None:
        """A neighbour proved itself."""

    def link_down(self, port: IpPort) -> None:
        """It is gone."""

    def frame(self, link: str, data: bytes) -> None:
        """It sent a frame."""

    def has_room(self, link: str) -> bool:
        """Whether it can take another frame of this link now."""

    def wake(self) -> None:
        """A link has room again."""


class IpPort:
    """One proved connection. `push` may be called from any thread."""

    def __init__(self, profile: LinkProfile, socket: Socket, loop: asyncio.AbstractEventLoop) -> None:
        self.profile = profile
        self.frames_in = 0
        self.frames_out = 0
        self.since_s = loop.time()
        self._socket = socket
        self._loop = loop
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._something = asyncio.Event()

    def room(self) -> bool:
        """Whether more frames are wanted now."""
        return self._unsent_bytes < UNSENT_BYTES_MAX

    def allowance(self, now: float) -> Allowance:
        """A cable has no airtime to ration."""
        return Allowance(math.inf, math.inf, math.inf)

    def push(self, frames: list[bytes]) -> None:
        """Queue frames for the socket."""
        self._unsent.extend(frames)
        self._unsent_bytes += sum(len(frame) for frame in frames)
        with contextlib.suppress(RuntimeError):  # the loop ended while the pump still spoke
            self._loop.call_soon_threadsafe(self._something.set)

    async def carry(self, hub: Hub) -> None:
        """Carry frames both ways until the connection ends (ConnectionError)."""
        writer = asyncio.create_task(self._write(hub))
        try:
            await self._read(hub)
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await writer

    async def close(self, code: int) -> None:
        """End the connection."""
        await self._socket.close(code)

    async def _read(self, hub: Hub) -> None:
        while True:
            data = await self._socket.receive()
            self.frames_in += 1
            while not hub.has_room(self.profile.name):
                await asyncio.sleep(HUB_FULL_S)
            hub.frame(self.profile.name, data)

    async def _write(self, hub: Hub) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            while self._unsent:
                frame = self._unsent.popleft()
                await self._socket.send(frame)
                was_full = not self.room()
                self._unsent_bytes -= len(frame)
                self.frames_out += 1
                if was_full and self.room():
                    hub.wake()


# -- the handshake (PROTOCOL.md §9) ---------------------------------------------------------------


def hello(key: bytes, nonce: bytes) -> bytes:
    """The first message of either end."""
    return cbor.encode([HANDSHAKE_NAME, HANDSHAKE_VERSION, key, nonce])


def read_hello(data: bytes) -> tuple[bytes, bytes]:
    """The other end's key and nonce, or Refused."""
    try:
        fields = cbor.decode(data)
    except Reject as reject:
        raise Refused("no handshake") from reject
    if not isinstance(fields, list) or len(fields) < 4 or fields[0] != HANDSHAKE_NAME:
        raise Refused("no handshake")
    _, version, key, nonce = fields[:4]
    if version != HANDSHAKE_VERSION:
        raise Refused("another version")
    if not (isinstance(key, bytes) and isinstance(nonce, bytes)):
        raise Refused("no handshake")
    if len(key) != KEY_BYTES or len(nonce) != NONCE_BYTES:
        raise Refused("no handshake")
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
        raise Refused("this camp itself, or another box with its key")
    if not dialler:
        await socket.send(own)
    dialled, answered = (own, theirs) if dialler else (theirs, own)
    proof = identity.sign_link(transcript(b"D" if dialler else b"A", dialled, answered))
    if dialler:
        await socket.send(proof)
    signature = await socket.receive()
    signed = transcript(b"A" if dialler else b"D", dialled, answered)
    if not verify(key, identity.network.link_input(key, signed), signature):
        raise Refused("another network word, or not the key it claims")
    if not dialler:
        await socket.send(proof)
    return key


# -- all links of a node ----------------------------------------------------------------------------


@dataclass
class _Dialled:
    """A neighbour in the settings and how it goes with it."""

    name: str
    url: str
    state: LinkState
    since_s: float
    why: str = ""
    peer: bytes | None = None


class IpLinks:
    """Dials the neighbours in the settings and answers those that dial us. Lives in one event loop."""

    def __init__(
        self,
        identity: Identity,
        urls: tuple[str, ...],
        hub: Hub,
        nonce: Callable[[], bytes],
        jitter: Callable[[], float],
        pinned: Callable[[], Awaitable[frozenset[bytes]]] | None = None,
    ) -> None:
        """`pinned` are the keys somebody here vouches for; asked only when too many camps dial."""
        self._identity = identity
        self._hub = hub
        self._nonce = nonce
        self._jitter = jitter  # 0.5 to 1.0: two nodes that lost each other do not dial in step
        self._loop = asyncio.get_running_loop()
        self._ports: dict[bytes, tuple[IpPort, bool]] = {}
        self._dialled = [
            _Dialled(f"ip-{n}", url, LinkState.SEARCHING, self._loop.time()) for n, url in enumerate(urls, 1)
        ]
        self._pinned = pinned if pinned is not None else _nobody
        self._shaking: dict[Socket, None] = {}  # oldest first
        self._count = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to dial."""
        for dialled in self._dialled:
            self._spawn(self._keep_dialling(dialled))

    async def stop(self) -> None:
        """Close every connection and stop dialling."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for port, _ in list(self._ports.values()):
            with contextlib.suppress(ConnectionError):
                await port.close(1001)

    async def answer(self, socket: Socket) -> None:
        """Serve one connection that a neighbour made, to its end."""
        if len(self._shaking) >= HANDSHAKES_MAX:
            oldest = next(iter(self._shaking))
            del self._shaking[oldest]
            self._spawn(_close_quietly(oldest, NO_ROOM))
        self._shaking[socket] = None
        try:
            await self._talk(socket, dialler=False, dialled=None)
        except Refused as refused:
            with contextlib.suppress(ConnectionError):
                await socket.close(refused.code)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self._shaking.pop(socket, None)

    def sights(self) -> tuple[LinkSight, ...]:
        """Every link for the status page."""
        dialled = [self._sight(d) for d in self._dialled]
        shown = {sight.peer for sight in dialled}
        inbound = [
            LinkSight(f"ip-in-{n}", LinkState.TALKING, key, port.since_s, port.frames_in, port.frames_out)
            for n, (key, (port, _)) in enumerate(sorted(self._ports.items()), 1)
            if key not in shown
        ]
        return (*dialled, *inbound)

    def _sight(self, dialled: _Dialled) -> LinkSight:
        port, _ = self._ports.get(dialled.peer or b"", (None, False))
        if port is None:
            return LinkSight(dialled.name, dialled.state, dialled.peer, dialled.since_s, 0, 0, dialled.why)
        return LinkSight(
            dialled.name, LinkState.TALKING, dialled.peer, port.since_s, port.frames_in, port.frames_out
        )

    async def _keep_dialling(self, dialled: _Dialled) -> None:
        wait_s = REDIAL_FIRST_S
        while True:
            if dialled.peer in self._ports:  # it dialled us
                await asyncio.sleep(REDIAL_FIRST_S)
                continue
            try:
                async with _dial(dialled.url) as connection:
                    await self._talk_or_refuse(_Dialling(connection), dialled)
            except Refused as refused:
                self._set_state(dialled, LinkState.REFUSED, refused.why)
                wait_s = REDIAL_MAX_S / 2
            except (OSError, TimeoutError, WebSocketException):
                was_talking = dialled.state == LinkState.TALKING
                wait_s = REDIAL_FIRST_S if was_talking else min(wait_s * 2, REDIAL_MAX_S)
                if dialled.state != LinkState.SEARCHING:
                    self._set_state(dialled, LinkState.LOST)
            await asyncio.sleep(wait_s * self._jitter())

    async def _talk_or_refuse(self, socket: Socket, dialled: _Dialled) -> None:
        try:
            await self._talk(socket, dialler=True, dialled=dialled)
        except Refused:
            await socket.close(NOT_A_NEIGHBOUR)  # before the context ends it as a fault of ours
            raise

    def _set_state(self, dialled: _Dialled, state: LinkState, why: str = "") -> None:
        if dialled.state != state:
            dialled.since_s = self._loop.time()
        dialled.state, dialled.why = state, why

    async def _talk(self, socket: Socket, dialler: bool, dialled: _Dialled | None) -> None:
        async with asyncio.timeout(HANDSHAKE_S):
            key = await shake_hands(socket, self._identity, self._nonce(), dialler)
        self._shaking.pop(socket, None)
        if not dialler:
            await self._make_room(key)
        profile = LinkProfile(
            name=f"ip:{author_of(key).hex()}:{next(self._count)}",
            mtu=IP_FRAME_BYTES_MAX,
            airtime_ms=_no_airtime,
            broadcast=False,
            via=Via.IP,
            peer=key,
        )
        port = IpPort(profile, socket, self._loop)
        if dialled is not None:
            dialled.peer = key
        self._make_only(key, port, dialler)
        if dialled is not None:
            self._set_state(dialled, LinkState.TALKING)
        self._hub.link_up(profile, port)
        try:
            await port.carry(self._hub)
        finally:
            self._hub.link_down(port)
            if self._ports.get(key, (None, False))[0] is port:
                del self._ports[key]

    def _make_only(self, key: bytes, port: IpPort, dialler: bool) -> None:
        """Two camps that dial each other need one connection: that of the smaller key stays."""
        other, other_dialled = self._ports.get(key, (None, False))
        if other is not None:
            smaller_dialled = (self._identity.key < key) == dialler
            if other_dialled != dialler and not smaller_dialled:
                raise Refused("this camp is connected already")
            self._spawn(_close_quietly(other, 1000))
        self._ports[key] = (port, dialler)

    async def _make_room(self, key: bytes) -> None:
        """Have a place for a camp that dialled us, or Refused."""
        if key in self._ports or self._has_place():
            return
        pinned = await self._pinned()
        dialled_us = [other for other, (_, dialler) in self._ports.items() if not dialler]
        strangers = [other for other in dialled_us if other not in pinned]
        if self._has_place():
            return
        if key not in pinned or not strangers:
            raise Refused("too many camps are connected", NO_ROOM)
        port, _ = self._ports.pop(strangers[0])
        self._spawn(_close_quietly(port, NO_ROOM))

    def _has_place(self) -> bool:
        return sum(not dialler for _, dialler in self._ports.values()) < INBOUND_MAX

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Closing(Protocol):
    async def close(self, code: int) -> None: ...


async def _close_quietly(connection: _Closing, code: int) -> None:
    with contextlib.suppress(ConnectionError, TimeoutError):
        await connection.close(code)


async def _nobody() -> frozenset[bytes]:
    return frozenset()


class _Dialling:
    """A connection made by us, as a Socket."""

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


def _dial(page_url: str) -> connect:
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


def _no_airtime(_: int) -> float:
    return 0.0
