"""The road over a Meshtastic board: finds it, opens it, and begins again whatever happens to it.

A board is pulled out, its battery dies, its daemon is killed, its firmware hangs or starts again. Each of
these ends one connection and nothing else: frames that were in the radio are lost, and gossip repairs what
they said. A device that comes back is opened at once; what does not work otherwise is tried again after one
second, two, four, at most a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

from radio import board_search
from radio.board import Board, BoardError, BoardEvent, Tell
from radio.board_port import ALERTS_PASSING, BoardPort, Lost
from radio.board_search import Nowhere, Place, SerialPlace, Where, marks_of
from radio.board_setup import BoardWish, rules_of, unusable, worry
from radio.detached import Abandoned, Failed, detached
from radio.link_sight import LinkSight, LinkState
from radio.mesh_channel import MeshChannel
from radio.polite_radio import AirRules, PoliteRadio
from radio.road import Surroundings
from radio.road_words import for_people
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile

KIND = "meshtastic"
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
# A board in the network is not seen coming back, and to ask whether it is costs two packets.
RETRY_NETWORK_MAX_S = 1.0
# A person changes a board's settings with another program, and that needs the device.
UNUSABLE_WAIT_S = 30.0
# How often is looked whether a device came or went. It costs a few stats.
LOOK_S = 0.5
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


class MeshtasticRoad:
    """One [[link]] of kind "meshtastic". Lives in one event loop."""

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
        self._name = name
        self._where = where
        self._wish = wish
        self._share = share
        self._around = around
        self._open = open_board
        self._find = find
        self._loop = asyncio.get_running_loop()
        self._radio: PoliteRadio | None = None
        self._port: BoardPort | None = None
        self._frames = (0, 0)
        self._state = LinkState.SEARCHING
        self._why = ""
        self._since_s = self._loop.time()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for the board, now and whenever it is gone."""
        self._task = asyncio.create_task(self._keep_on())

    async def stop(self) -> None:
        """Let go of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._radio is not None:
            self._radio.close()

    def sights(self) -> tuple[LinkSight, ...]:
        """The board for the status page."""
        port, radio = self._port, self._radio
        came, went = (port.frames_in, port.frames_out) if port is not None else self._frames
        why = (port.outcome(self._loop.time()) if port is not None else "") or self._why
        use = radio.use() if radio is not None else None
        return (LinkSight(self._name, self._state, None, self._since_s, came, went, why, KIND, use),)

    async def _keep_on(self) -> None:
        wait_s = RETRY_FIRST_S
        while True:
            place = self._find(self._where)
            if isinstance(place, Nowhere):
                was_there = self._state not in (LinkState.SEARCHING, LinkState.REFUSED)
                self._set_state(LinkState.UNPLUGGED if was_there else LinkState.SEARCHING, place.why)
                await asyncio.sleep(LOOK_S)
                wait_s = RETRY_FIRST_S
                continue
            marks = marks_of(place)
            try:
                await self._serve(place)
            except _Unusable as unusable_because:
                self._set_state(LinkState.REFUSED, str(unusable_because))
                wait_s = UNUSABLE_WAIT_S
            except (BoardError, Lost) as lost:
                if self._state is LinkState.TALKING:
                    wait_s = RETRY_FIRST_S
                talked = self._state in (LinkState.TALKING, LinkState.LOST)
                self._set_state(LinkState.LOST if talked else LinkState.SEARCHING, str(lost))
            is_another = await self._wait(wait_s * self._around.jitter(), marks)
            wait_s = RETRY_FIRST_S if is_another else min(2 * wait_s, _retry_max_s(place))

    async def _wait(self, seconds: float, marks: tuple[int, ...] | None) -> bool:
        """Wait so long, or until the device is another than before; whether it is."""
        until_s = self._loop.time() + seconds
        while (left_s := until_s - self._loop.time()) > 0:
            if marks_of(self._find(self._where)) != marks:
                return True
            await asyncio.sleep(min(LOOK_S, left_s))
        return False

    async def _serve(self, place: Place) -> None:
        """Open the board and talk until it is lost. Raises BoardError, Lost, _Unusable."""
        inbox = _Inbox(self._loop)
        board = await self._opened(place, inbox)
        try:
            why = unusable(board.facts, self._wish)
            if why:
                raise _Unusable(why)
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
            raise BoardError(TOO_SLOW) from None
        except Failed as failed:
            if isinstance(failed.__cause__, BoardError):
                raise failed.__cause__ from None
            _LOG.warning("radio %s: the library that speaks to boards raised %s", self._name, failed)
            raise BoardError(LIBRARY_FAILED) from failed

    async def _talk(self, board: Board, rules: AirRules, inbox: _Inbox) -> None:
        around, radio = self._around, self._radio_with(rules)
        profile = LinkProfile(
            self._name, RADIO_FRAME_BYTES_MAX, rules.airtime_ms, broadcast=True, duty_cycle=rules.duty
        )
        port = BoardPort(profile, radio, board, around.hub, inbox.wake, self._loop.time())
        self._port = port
        self._set_state(LinkState.TALKING, worry(board.facts))
        radio.switch_on(port)
        around.hub.link_up(profile, port)
        try:
            while True:
                for event in inbox.emptied():
                    port.take(event, self._loop.time())
                await inbox.wait(port.step(self._loop.time()))
        finally:
            self._port, self._frames = None, (port.frames_in, port.frames_out)
            radio.switch_off(port)
            around.hub.link_down(port)

    def _radio_with(self, rules: AirRules) -> PoliteRadio:
        """The radio, its hour with it; a new one where the board has another law or preset than before."""
        if self._radio is None or self._radio.rules != rules:
            if self._radio is not None:
                self._radio.close()
            around = self._around
            memory = around.airtime(self._name, rules.region)
            self._radio = PoliteRadio(rules, around.now, around.random(), memory, ALERTS_PASSING)
        return self._radio

    def _set_state(self, state: LinkState, why: str = "") -> None:
        if self._state is not state:
            self._since_s = self._loop.time()
            _LOG.info("radio %s: %s%s", self._name, state.value, f", {why}" if why else "")
        self._state, self._why = state, why


def _retry_max_s(place: Place) -> float:
    return RETRY_MAX_S if isinstance(place, SerialPlace) else RETRY_NETWORK_MAX_S


class _Unusable(Exception):
    """The board is there and must be set up first; the text says what is wrong with it."""


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
