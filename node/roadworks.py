"""The roads of a running node: built from the settings, opened, closed, added and taken away.

The node starts whatever its roads do. One that cannot be built, because a library is not installed or a
file not readable, is shown with the reason, and the others carry. Lives in the node's event loop; only
`sights` may be called from other threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from node.settings import Link
from radio.ip_link import IpLinks
from radio.link_sight import LinkSight, LinkState
from radio.road import Road, Surroundings
from radio.roads import KINDS

_LOG = logging.getLogger("miccheck")


@dataclass(slots=True)
class Work:
    """One [[link]] of the settings, at work or not. Its name is its own as long as the node runs."""

    name: str
    link: Link
    since_s: float  # of the loop's clock: stopped, or not to be built
    road: Road | None = None
    why: str = ""

    def sights(self) -> tuple[LinkSight, ...]:
        """Its links for the status page."""
        if self.road is not None:
            return self.road.sights()
        state = LinkState.STOPPED if self.link.stopped else LinkState.BROKEN
        return (LinkSight(self.name, state, None, self.since_s, 0, 0, self.why, self.link.kind),)


class Roadworks:
    """All roads, in the order of the settings, and the neighbours that dialled us."""

    def __init__(self, links: Iterable[Link], around: Surroundings, inbound: IpLinks) -> None:
        self._around = around
        self._inbound = inbound
        self._loop = asyncio.get_running_loop()
        self._named: dict[str, int] = {}  # by kind: how many names were given out
        self._works: tuple[Work, ...] = tuple(self._work(link) for link in links)  # replaced, never changed

    def start(self) -> None:
        """Open all roads that are not stopped."""
        self._inbound.start()
        for work in self._works:
            self._open(work)

    async def stop(self) -> None:
        """Close all roads."""
        await asyncio.gather(*(self._close(work) for work in self._works))
        await self._inbound.stop()

    def works(self) -> tuple[Work, ...]:
        """The links of the settings."""
        return self._works

    def sights(self) -> tuple[LinkSight, ...]:
        """Every link for the status page; may be called from any thread."""
        own = [sight for work in self._works for sight in work.sights()]
        return (*own, *self._inbound.sights())

    def add(self, link: Link) -> Work:
        """Take a new link, behind the others, and open it."""
        work = self._work(link)
        self._works = (*self._works, work)
        self._open(work)
        return work

    async def set(self, work: Work, link: Link) -> None:
        """Have a link be as `link` says from now on: stopped, started, or with other words."""
        await self._close(work)
        work.link, work.since_s = link, self._loop.time()
        self._open(work)

    async def remove(self, work: Work) -> None:
        """Close a link and forget it. Its name is not given out again while the node runs."""
        self._works = tuple(each for each in self._works if each is not work)
        await self._close(work)

    def _work(self, link: Link) -> Work:
        number = self._named[link.kind] = self._named.get(link.kind, 0) + 1
        return Work(f"{link.kind}-{number}", link, self._loop.time())

    def _open(self, work: Work) -> None:
        work.why = ""
        if work.link.stopped:
            return
        try:
            road = KINDS[work.link.kind].build(work.name, work.link.settings, self._around)
        except (ImportError, OSError, ValueError) as error:
            work.why = str(error)
            _LOG.error("link %s cannot be built: %s", work.name, error)
            return
        road.start()
        work.road = road

    async def _close(self, work: Work) -> None:
        road, work.road = work.road, None
        if road is not None:
            await road.stop()
