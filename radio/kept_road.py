"""A road of one link that is kept up whatever happens to it: what all such roads have in common.

A board, a modem, boards in the LAN, a simulated air: each is looked for, opened, carries frames until it is
lost, and is opened again. That ends one connection and nothing else: frames that were in the radio are lost,
and gossip repairs what they said. A road of this sort says where its link is (`find`), how to carry frames
over it (`serve`) and perhaps how another device is told from the last one (`marks`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import ClassVar, Generic, Protocol, TypeVar

from radio.link_sight import LinkSight, LinkState
from radio.polite_radio import PoliteRadio
from radio.road import Hub, Port

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
# How often is looked whether a device came or went. It costs a few stats.
LOOK_S = 0.5
# Until a person has done what a refusal asks for; a board's settings are changed with another program.
REFUSED_WAIT_S = 30.0

Place = TypeVar("Place")

_LOG = logging.getLogger("miccheck")


class NotThere(Exception):
    """There is nothing to open; the text says what is missing, in a sentence of the catalogues."""


class Lost(Exception):
    """The link cannot be opened, or is gone; the text is the reason, in a sentence of the catalogues."""


class Unusable(Exception):
    """It is there and does not serve; the text is what a person has to see to."""


class CountingPort(Port, Protocol):
    """A port that counts its frames."""

    frames_in: int
    frames_out: int


class KeptRoad(ABC, Generic[Place]):
    """A road (`radio.road`) with one link. Lives in one event loop."""

    kind: ClassVar[str]
    retry_max_s: float = RETRY_MAX_S
    refused_wait_s: float = REFUSED_WAIT_S

    def __init__(self, name: str, hub: Hub, jitter: Callable[[], float]) -> None:
        """`jitter` is 0.5 to 1: nodes that lost the same do not come back in step. Call it in the loop."""
        self.name = name
        self.hub = hub
        self.loop = asyncio.get_running_loop()
        self.radio: PoliteRadio | None = None  # from when its law and preset are known
        self._jitter = jitter
        self._port: CountingPort | None = None
        self._frames = (0, 0)
        self._state = LinkState.SEARCHING
        self._why = ""
        self._since_s = self.loop.time()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    def find(self) -> Place:
        """Where the link is; quick. Raises NotThere."""

    @abstractmethod
    async def serve(self, place: Place) -> None:
        """Open it and carry frames, in `up`, until it is lost. Raises Lost, Unusable."""

    def marks(self, _place: Place) -> object:
        """What changes when a device is pulled out and plugged in again; the same where nobody can tell."""
        return None

    def why(self) -> str:
        """What a person should know of the link, in a sentence of the catalogues; empty when nothing."""
        return self._why

    def start(self) -> None:
        """Look for it, now and whenever it is gone."""
        self._task = asyncio.create_task(self._keep_on())

    async def stop(self) -> None:
        """Let go of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.radio is not None:
            self.radio.close()

    def sights(self) -> tuple[LinkSight]:
        """The link for the status page."""
        port, radio = self._port, self.radio
        came, went = (port.frames_in, port.frames_out) if port is not None else self._frames
        use = radio.use() if radio is not None else None
        state, since_s = self._state, self._since_s
        return (LinkSight(self.name, state, None, since_s, came, went, self.why(), self.kind, use),)

    @contextlib.contextmanager
    def up(self, port: CountingPort, radio: PoliteRadio, why: str = "") -> Iterator[None]:
        """Inside of it the link is up, by this port; `why` a person should look at it all the same."""
        self.radio, self._port = radio, port
        self._set_state(LinkState.TALKING, why)
        radio.switch_on(port)
        self.hub.link_up(port.profile, port)
        try:
            yield
        finally:
            self._port, self._frames = None, (port.frames_in, port.frames_out)
            radio.switch_off(port)
            self.hub.link_down(port)

    async def _keep_on(self) -> None:
        wait_s = RETRY_FIRST_S
        while True:
            try:
                place = self.find()
            except NotThere as nothing:
                self._set_state(LinkState.UNPLUGGED if self._was_up() else LinkState.SEARCHING, str(nothing))
                await asyncio.sleep(LOOK_S)
                wait_s = RETRY_FIRST_S
                continue
            marks = self.marks(place)
            try:
                await self.serve(place)
            except Unusable as unusable:
                self._set_state(LinkState.REFUSED, str(unusable))
                wait_s = self.refused_wait_s
            except Lost as lost:
                if self._state is LinkState.TALKING and self.loop.time() - self._since_s > wait_s:
                    wait_s = RETRY_FIRST_S
                self._set_state(LinkState.LOST if self._was_up() else LinkState.SEARCHING, str(lost))
            is_another = await self._wait(wait_s * self._jitter(), marks)
            wait_s = RETRY_FIRST_S if is_another else min(2 * wait_s, self.retry_max_s)

    async def _wait(self, seconds: float, marks: object) -> bool:
        """Wait so long, or until the device is another than before; whether it is."""
        until_s = self.loop.time() + seconds
        while (left_s := until_s - self.loop.time()) > 0:
            if self._is_another(marks):
                return True
            await asyncio.sleep(min(LOOK_S, left_s))
        return False

    def _is_another(self, marks: object) -> bool:
        try:
            return self.marks(self.find()) != marks
        except NotThere:
            return True

    def _was_up(self) -> bool:
        return self._state in (LinkState.TALKING, LinkState.LOST, LinkState.UNPLUGGED)

    def _set_state(self, state: LinkState, why: str = "") -> None:
        if self._state is not state:
            self._since_s = self.loop.time()
            _LOG.info("link %s: %s%s", self.name, state.value, f", {why}" if why else "")
        self._state, self._why = state, why
