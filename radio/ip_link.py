"""The IP link: two nodes over one WebSocket, by cable, by Wi-Fi or through the internet.

Before a single frame passes, each end proves its key and the network word to the other
(`ip_handshake`). The neighbour's address is its page address: the gossip has a path of its own on
the same port. Nothing here is secret: what is carried is signed and public, so TLS towards a
neighbour hides traffic from onlookers and vouches for nobody; the handshake does that.
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
from pathlib import Path
from typing import Protocol

from websockets.exceptions import WebSocketException

from radio.ip_dialling import IP_FRAME_BYTES_MAX, Dialling, dial, why_not_reached, why_not_trusted
from radio.ip_handshake import HANDSHAKE_S, NO_ROOM, Refused, Socket, shake_hands
from radio.link_sight import LinkSight, LinkState
from radio.road import Hub
from radio.road_words import for_people
from sync.link import Allowance, LinkProfile
from sync.signing import Identity, author_of
from sync.views import Via

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
        return Allowance(math.inf, math.inf)

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


# -- all links of a node ----------------------------------------------------------------------------


@dataclass
class _Dialled:
    """A neighbour that is dialled and how it goes with it."""

    name: str
    url: str
    certificate: Path | None
    state: LinkState
    since_s: float
    why: str = ""
    peer: bytes | None = None
    task: asyncio.Task[None] | None = None


class IpLinks:
    """Dials neighbours and answers those that dial us: a road (`radio.road`), and each dialled one another.

    They have this in common because two camps that dial each other keep one connection.
    """

    def __init__(
        self,
        identity: Identity,
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
        self._dialled: list[_Dialled] = []
        self._pinned = pinned if pinned is not None else _nobody
        self._shaking: dict[Socket, None] = {}  # oldest first
        self._count = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def dial(self, name: str, url: str, certificate: Path | None = None) -> DialledRoad:
        """The road to a neighbour's page address. It dials when it is started.

        `certificate`: a PEM file of what an https neighbour must show; None lets any pass.
        """
        return DialledRoad(self, _Dialled(name, url, certificate, LinkState.SEARCHING, self._loop.time()))

    def talks_to(self, author: bytes) -> bool:
        """Whether there is a connection with a camp of this author id."""
        return any(author_of(key) == author for key in self._ports)

    def start(self) -> None:
        """Nothing: who dials us is answered while the node serves its port."""

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
        """Those who dialled us, for the status page."""
        shown = {dialled.peer for dialled in self._dialled}
        return tuple(
            LinkSight(f"ip-in-{n}", LinkState.TALKING, key, port.since_s, port.frames_in, port.frames_out)
            for n, (key, (port, _)) in enumerate(sorted(self._ports.items()), 1)
            if key not in shown
        )

    def _begin(self, dialled: _Dialled) -> None:
        self._dialled.append(dialled)
        dialled.task = self._spawn(self._keep_dialling(dialled))

    async def _end(self, dialled: _Dialled) -> None:
        if dialled.task is not None:
            dialled.task.cancel()
            await asyncio.gather(dialled.task, return_exceptions=True)
            self._dialled.remove(dialled)
            dialled.task = None

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
                async with dial(dialled.url, dialled.certificate) as connection:
                    await self._talk_or_refuse(Dialling(connection), dialled)
            except Refused as refused:
                self._set_state(dialled, LinkState.REFUSED, refused.why)
                wait_s = REDIAL_MAX_S / 2
            except ssl.SSLCertVerificationError as error:
                self._set_state(dialled, LinkState.REFUSED, why_not_trusted(error))
                wait_s = REDIAL_MAX_S / 2
            except (OSError, TimeoutError, WebSocketException) as error:
                was_talking = dialled.state == LinkState.TALKING
                wait_s = REDIAL_FIRST_S if was_talking else min(wait_s * 2, REDIAL_MAX_S)
                searches = dialled.state == LinkState.SEARCHING
                why = "" if was_talking else why_not_reached(error)
                self._set_state(dialled, LinkState.SEARCHING if searches else LinkState.LOST, why)
            await asyncio.sleep(wait_s * self._jitter())

    async def _talk_or_refuse(self, socket: Socket, dialled: _Dialled) -> None:
        try:
            await self._talk(socket, dialler=True, dialled=dialled)
        except Refused as refused:
            await socket.close(refused.code)  # before the context ends it as a fault of ours
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
                raise Refused(for_people("This camp is connected already."))
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
            raise Refused(for_people("Too many camps are connected."), NO_ROOM)
        port, _ = self._ports.pop(strangers[0])
        self._spawn(_close_quietly(port, NO_ROOM))

    def _has_place(self) -> bool:
        return sum(not dialler for _, dialler in self._ports.values()) < INBOUND_MAX

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class DialledRoad:
    """One neighbour that is dialled for as long as this is started."""

    def __init__(self, links: IpLinks, dialled: _Dialled) -> None:
        self._links = links
        self._dialled = dialled

    def start(self) -> None:
        """Begin to dial."""
        self._links._begin(self._dialled)

    async def stop(self) -> None:
        """Stop dialling, and close the connection that we made. One that the neighbour made stays."""
        await self._links._end(self._dialled)

    def sights(self) -> tuple[LinkSight]:
        """The neighbour for the status page, whoever of the two dialled."""
        return (self._links._sight(self._dialled),)


class _Closing(Protocol):
    async def close(self, code: int) -> None: ...


async def _close_quietly(connection: _Closing, code: int) -> None:
    with contextlib.suppress(ConnectionError, TimeoutError):
        await connection.close(code)


async def _nobody() -> frozenset[bytes]:
    return frozenset()


def _no_airtime(_: int) -> float:
    return 0.0
