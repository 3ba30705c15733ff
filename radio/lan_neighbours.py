"""Camps on the same hotspot or cable find each other: each says by multicast DNS that it is there (RFC
6762, 6763).

Nobody has to type an address where two boxes share a switch. Who answers is dialled like a [[link]] of kind
"ip", and proves itself there: an announcement is a hint that anybody on the network can make. What is
announced is the camp's id and the port of its pages, and only on the interfaces that the node names
(`hardware.addresses`): never on the way to the internet, where strangers' neighbours would read it.

The only file that imports `zeroconf`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from zeroconf import Error, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from radio.ip_link import DialledRoad, IpLinks
from radio.link_sight import LinkSight
from sync.signing import AUTHOR_BYTES, Identity

_LOG = logging.getLogger("miccheck")

SERVICE = "_miccheck._tcp.local."
# How often interfaces are looked at: a cable is plugged in, a hotspot begins.
LOOK_S = 15.0
# Who is gone without a goodbye, in a power cut, is forgotten after this: the TTL of what we announce.
FORGET_S = 120
# Announcements are anybody's to make, and each makes us dial. More camps than this on one switch are a
# fair, and those who come later are found by those who are there.
FOUND_MAX = 32
# Of two that find each other the one with the smaller id dials; the other when that did not happen for so
# long.
PATIENCE_S = 20.0
# How long a question for an address and a port may take, and a goodbye.
ANSWER_S = 3.0
GOODBYE_S = 1.5
# What a later version means by its announcements may be something else.
_VERSION = b"1"


@dataclass(slots=True)
class _Found:
    """A camp that announced itself."""

    camp: bytes  # its author id, as it says
    url: str
    since_s: float
    road: DialledRoad | None = None


class LanNeighbours:
    """Announces this camp and dials those that announce themselves. Lives in one event loop."""

    def __init__(
        self, identity: Identity, links: IpLinks, port: int, addresses: Callable[[], Sequence[str]]
    ) -> None:
        """`port` is that of the pages by http; `addresses` those of this box on the LAN, as they are now."""
        self._author = identity.author
        self._tag = f"{identity.network.tag(1):02x}".encode()
        self._links = links
        self._port = port
        self._addresses = addresses
        self._loop = asyncio.get_running_loop()
        self._on: tuple[str, ...] = ()
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None  # ended with `_zeroconf`
        self._found: dict[str, _Found] = {}  # by the name of the service
        self._count = 0
        self._asking: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what fails is tried again."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Say goodbye, and close the connections that we dialled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._leave()

    def sights(self) -> tuple[LinkSight, ...]:
        """Camps that were found and are dialled."""
        return tuple(
            sight for each in self._found.values() if each.road is not None for sight in each.road.sights()
        )

    async def _watch(self) -> None:
        while True:
            addresses = tuple(self._addresses())
            if addresses != self._on:
                await self._leave()
                await self._join(addresses)
            for found in list(self._found.values()):
                self._dial(found)
            await asyncio.sleep(LOOK_S)

    # -- being there ------------------------------------------------------------------------------

    async def _join(self, addresses: tuple[str, ...]) -> None:
        """Announce this camp on these addresses and listen for others."""
        if not addresses:
            self._on = ()
            return
        try:
            self._zeroconf = AsyncZeroconf(interfaces=list(addresses), ip_version=IPVersion.V4Only)
            await self._zeroconf.async_register_service(self._service(addresses), allow_name_change=True)
            self._on = addresses
            self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, SERVICE, handlers=[self._changed])
        except (OSError, Error) as error:
            _LOG.warning("neighbours on the LAN cannot be looked for: %s; trying again", error)
            await self._leave()

    def _service(self, addresses: tuple[str, ...]) -> AsyncServiceInfo:
        camp = self._author.hex()
        return AsyncServiceInfo(
            SERVICE,
            f"{camp}.{SERVICE}",
            port=self._port,
            parsed_addresses=list(addresses),
            server=f"miccheck-{camp}.local.",
            properties={b"v": _VERSION, b"camp": camp.encode(), b"tag": self._tag},
            host_ttl=FORGET_S,
            other_ttl=FORGET_S,
        )

    async def _leave(self) -> None:
        self._on = ()
        for task in self._asking:
            task.cancel()
        for found in list(self._found):
            await self._forget(found)
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is not None:
            with contextlib.suppress(OSError, Error, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()

    # -- who else is there ------------------------------------------------------------------------

    def _changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        """Called in the event loop when an announcement came, changed, or was taken back."""
        if state_change is ServiceStateChange.Removed:
            work = self._forget(name)
        else:
            if len(self._found) + len(self._asking) >= FOUND_MAX and name not in self._found:
                return
            work = self._ask(zeroconf, name)
        task = self._loop.create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, zeroconf: Zeroconf, name: str) -> None:
        """Where is it? Then dial it."""
        info = AsyncServiceInfo(SERVICE, name)
        if not await info.async_request(zeroconf, ANSWER_S * 1_000):
            return
        camp, url = _camp_of(info), self._url_of(info)
        if camp is None or camp == self._author or url is None or info.properties.get(b"tag") != self._tag:
            return
        known = self._found.get(name)
        if known is not None and known.url == url:
            return
        if known is not None:
            await self._forget(name)
        found = self._found[name] = _Found(camp, url, self._loop.time())
        self._dial(found)

    def _dial(self, found: _Found) -> None:
        """Dial a camp that we are not connected with; after a while, where the other should have."""
        if found.road is not None or self._links.talks_to(found.camp):
            return
        waited = self._loop.time() - found.since_s >= PATIENCE_S
        if self._author < found.camp or waited:
            self._count += 1
            found.road = self._links.dial(f"lan-{self._count}", found.url)
            found.road.start()

    async def _forget(self, name: str) -> None:
        found = self._found.pop(name, None)
        if found is not None and found.road is not None:
            await found.road.stop()

    def _url_of(self, info: AsyncServiceInfo) -> str | None:
        """The page address nearest to one of ours; a camp may have several interfaces."""
        theirs = info.parsed_addresses(IPVersion.V4Only)
        if not theirs or not info.port:
            return None
        ours = [IPv4Address(own) for own in self._on]
        near = min(map(IPv4Address, theirs), key=lambda each: min(int(each) ^ int(own) for own in ours))
        if near in ours and not near.is_loopback:
            return None  # a second camp in this box is a drill, whose links somebody chose
        return f"http://{near}:{info.port}"


def _camp_of(info: AsyncServiceInfo) -> bytes | None:
    """The camp that an announcement names."""
    said = info.properties.get(b"camp")
    if info.properties.get(b"v") != _VERSION or said is None or len(said) != 2 * AUTHOR_BYTES:
        return None
    try:
        return bytes.fromhex(said.decode("ascii"))
    except ValueError:
        return None
