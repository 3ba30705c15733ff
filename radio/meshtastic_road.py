"""The road over a Meshtastic board: finds it, opens it, and looks whether it serves.

A board is pulled out, its battery dies, its daemon is killed, its firmware hangs or starts again. A device
that comes back is opened at once; what does not work otherwise is tried again after one second, two, four,
at most a minute, and in the network every second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

from radio import board_search
from radio.board import Board, BoardError, BoardEvent, Tell
from radio.board_port import ALERTS_PASSING, BoardPort
from radio.board_search import Nowhere, Place, Where, marks_of
from radio.board_setup import BoardWish, rules_of, unusable, worry
from radio.detached import Abandoned, Failed, detached
from radio.kept_road import RETRY_MAX_S, KeptRoad, Lost, NotThere, Unusable
from radio.mesh_channel import MeshChannel
from radio.polite_radio import AirRules, PoliteRadio
from radio.road import Surroundings
from radio.road_words import for_people
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile

# A board in the network is not seen coming back, and to ask whether it is costs two packets.
RETRY_NETWORK_MAX_S = 1.0
# The library's own 20 s, and what opening and the import on a Pi take. What takes longer is left to itself.
OPEN_S = 45.0
# A node that is told to end has five seconds.
CLOSE_S = 3.0
# A radio tells ten things a second at most; when that many wait our loop stands still, and the oldest go.
EVENTS_MAX = 1_000

TOO_SLOW = for_people("The board does not answer.")
LIBRARY_FAILED = for_people("The library that speaks to boards gave up.")

Open = Callable[[Place, MeshChannel, Tell], Board]
Find = Callable[[Where], Place | Nowhere]

_LOG = logging.getLogger("miccheck")


def _open(place: Place, channel: MeshChannel, tell: Tell) -> Board:
    from radio.meshtastic_link import open_board  # seconds on a Pi, and in a thread here

    return open_board(place, channel, tell)


class MeshtasticRoad(KeptRoad[Place]):
    """One [[link]] of kind "meshtastic"."""

    kind = "meshtastic"

    def __init__(
        self,
        name: str,
        where: Where,
        wish: BoardWish,
        share: float,
        around: Surroundings,
        open_board: Open = _open,
        find: Find = board_search.find,
    ) -> None:
        """`share` of what the law leaves is used. Call it in the loop."""
        super().__init__(name, around.hub, around.jitter)
        self.retry_max_s = RETRY_NETWORK_MAX_S if where.host else RETRY_MAX_S
        self._where = where
        self._wish = wish
        self._share = share
        self._around = around
        self._open = open_board
        self._find = find
        self._board_port: BoardPort | None = None

    def find(self) -> Place:
        """The board's device or address."""
        place = self._find(self._where)
        if isinstance(place, Nowhere):
            raise NotThere(place.why)
        return place

    def marks(self, place: Place) -> object:
        """What tells another device from this one."""
        return place, marks_of(place)

    def why(self) -> str:
        """What the firmware refused lately, or what a person should see to."""
        port = self._board_port
        return (port.outcome(self.loop.time()) if port is not None else "") or super().why()

    async def serve(self, place: Place) -> None:
        """Open the board and talk until it is lost. Raises Lost, Unusable."""
        inbox = _Inbox(self.loop)
        board = await self._opened(place, inbox)
        try:
            why = unusable(board.facts, self._wish)
            if why:
                raise Unusable(why)
            await self._talk(board, rules_of(board.facts, self._share), inbox)
        finally:
            with contextlib.suppress(Abandoned, Failed):  # it is left to itself; a new one is made
                await detached(board.close, CLOSE_S, "meshtastic closer")

    async def _opened(self, place: Place, inbox: _Inbox) -> Board:
        try:
            return await detached(
                lambda: self._open(place, self._wish.channel, inbox.tell),
                OPEN_S,
                "meshtastic opener",
                late=lambda board: board.close(),
            )
        except Abandoned:
            raise Lost(TOO_SLOW) from None
        except Failed as failed:
            if isinstance(failed.__cause__, BoardError):
                raise Lost(str(failed.__cause__)) from None
            _LOG.warning("link %s: the library that speaks to boards raised %s", self.name, failed)
            raise Lost(LIBRARY_FAILED) from failed

    async def _talk(self, board: Board, rules: AirRules, inbox: _Inbox) -> None:
        radio = self._radio_with(rules)
        profile = LinkProfile(
            self.name, RADIO_FRAME_BYTES_MAX, rules.airtime_ms, broadcast=True, duty_cycle=rules.duty
        )
        port = BoardPort(profile, radio, board, self.hub, inbox.wake, self.loop.time())
        self._board_port = port
        try:
            with self.up(port, radio, worry(board.facts)):
                while True:
                    for event in inbox.emptied():
                        port.take(event, self.loop.time())
                    await inbox.wait(port.step(self.loop.time()))
        finally:
            self._board_port = None

    def _radio_with(self, rules: AirRules) -> PoliteRadio:
        """The radio, its hour with it; a new one where the board has another law or preset than before."""
        radio, around = self.radio, self._around
        if radio is not None and radio.rules == rules:
            return radio
        if radio is not None:
            radio.close()
        memory = around.airtime(self.name, rules.region)
        return PoliteRadio(rules, around.now, around.random(), memory, ALERTS_PASSING)


class _Inbox:
    """What the board's threads tell, for the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: deque[BoardEvent] = deque(maxlen=EVENTS_MAX)
        self._changed = asyncio.Event()

    def tell(self, event: BoardEvent) -> None:
        """From any thread."""
        self._events.append(event)
        self.wake()

    def wake(self) -> None:
        """From any thread: there is something to do."""
        with contextlib.suppress(RuntimeError):  # the loop ended while a thread still spoke
            self._loop.call_soon_threadsafe(self._changed.set)

    def emptied(self) -> list[BoardEvent]:
        """What was told, oldest first."""
        self._changed.clear()
        return [self._events.popleft() for _ in range(len(self._events))]

    async def wait(self, until_s: float) -> None:
        """Until something is told, or until this time of the loop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._changed.wait()
