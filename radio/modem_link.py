"""The link over a serial modem that speaks KISS: LoRa modems with the firmware of a packet-radio TNC.

Such a modem takes a frame, sends it when its channel is free, and says nothing about it: no acknowledgement,
no state, no preset. So its preset and region are told in the settings, airtime is counted from them, and the
next frame goes down the line when the last one must have left the air.

A modem is pulled out at any moment. That ends one connection: what was in the modem is lost, gossip repairs
what it said, and the device is opened again when it is there again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

from radio import kiss
from radio.detached import Abandoned, Failed, detached
from radio.kiss import Junk, KissReader
from radio.link_sight import LinkSight, LinkState
from radio.paced_port import PacedPort
from radio.polite_radio import AirRules
from radio.road import Surroundings
from radio.road_words import for_people
from radio.serial_line import NOT_THERE, Device, Lost, SerialLine, SerialPlace, marks_of, open_device
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile

_LOG = logging.getLogger("miccheck")

KIND = "modem"
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
# How often is looked whether the device is there again. It costs a stat.
LOOK_S = 0.5
# To open and set up a line is milliseconds; a driver that hangs is left to itself.
OPEN_S = 10.0
CLOSE_S = 3.0
# Start and stop bit.
BITS_A_BYTE = 10
# Some modems send back what they were given; a relay by a neighbour has the neighbour's name in its head.
OWN_FRAMES_KEPT = 16
# So many pieces of junk before the first frame, and somebody should look at the speed.
JUNK_TOLD = 20

NOT_KISS = for_people("What comes from the modem is no KISS. Look at its speed and its mode.")
CANNOT_OPEN = for_people("The device cannot be opened. Is it in use, or not this user's?")


class _Modem:
    """One open modem: frames for its line, and what the line brings."""

    def __init__(self, device: Device, baud: int, came: Callable[[bytes], None]) -> None:
        """`came` is called with each frame of somebody else. Raises OSError."""
        self._baud = baud
        self._came = came
        self._reader = KissReader(RADIO_FRAME_BYTES_MAX)
        self._own: deque[bytes] = deque(maxlen=OWN_FRAMES_KEPT)
        self.line = SerialLine(device, self._take)

    @property
    def junk(self) -> int:
        """Pieces of what came that were no frames for us."""
        return sum(n for fault, n in self._reader.junk.items() if fault is not Junk.OUTSIDE)

    def write(self, frame: bytes) -> float:
        """Send a frame down the line; the seconds that takes."""
        data = kiss.encode(frame)
        self._own.append(frame)
        self.line.write(data)
        return len(data) * BITS_A_BYTE / self._baud

    def _take(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            if frame not in self._own:
                self._came(frame)


class ModemRoad:
    """One [[link]] of kind "modem". Lives in one event loop."""

    def __init__(
        self,
        name: str,
        place: SerialPlace,
        rules: AirRules,
        around: Surroundings,
        opener: Callable[[SerialPlace], Device] = open_device,
    ) -> None:
        """Call it in the loop."""
        self._place = place
        self._around = around
        self._opener = opener
        self._loop = asyncio.get_running_loop()
        self._radio = around.radio(name, rules)
        self._profile = LinkProfile(
            name, RADIO_FRAME_BYTES_MAX, rules.airtime_ms, broadcast=True, duty_cycle=rules.duty
        )
        self._port: PacedPort | None = None
        self._modem: _Modem | None = None
        self._frames = (0, 0)
        self._state = LinkState.SEARCHING
        self._why = ""
        self._since_s = self._loop.time()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Open the modem, now or as soon as it is there."""
        self._task = asyncio.create_task(self._keep_on())

    async def stop(self) -> None:
        """Let go of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._radio.close()

    def sights(self) -> tuple[LinkSight]:
        """The modem for the status page."""
        port = self._port
        came, went = (port.frames_in, port.frames_out) if port is not None else self._frames
        why, use = self._why_now(), self._radio.use()
        return (LinkSight(self._profile.name, self._state, None, self._since_s, came, went, why, KIND, use),)

    async def _keep_on(self) -> None:
        wait_s, was_there = RETRY_FIRST_S, False
        while True:
            marks = marks_of(self._place.device)
            if marks is None:
                state = LinkState.UNPLUGGED if was_there else LinkState.SEARCHING
                self._set_state(state, NOT_THERE)
                await asyncio.sleep(LOOK_S)
                wait_s = RETRY_FIRST_S
                continue
            was_there, began_s = True, self._loop.time()
            try:
                await self._serve()
            except Lost as lost:
                gone = marks_of(self._place.device) is None
                self._set_state(LinkState.UNPLUGGED if gone else LinkState.LOST, str(lost))
            steady = self._loop.time() - began_s > wait_s  # it worked for a while
            wait_s = RETRY_FIRST_S if steady else min(2 * wait_s, RETRY_MAX_S)
            if await self._is_another(wait_s * self._around.jitter(), marks):
                wait_s = RETRY_FIRST_S

    async def _is_another(self, seconds: float, marks: tuple[int, int]) -> bool:
        """Wait so long, or until the device is another than before; whether it is."""
        until_s = self._loop.time() + seconds
        while (left_s := until_s - self._loop.time()) > 0:
            if marks_of(self._place.device) != marks:
                return True
            await asyncio.sleep(min(LOOK_S, left_s))
        return False

    async def _serve(self) -> None:
        """Open the modem and talk until it is lost. Raises Lost."""
        try:
            device = await detached(
                lambda: self._opener(self._place), OPEN_S, "modem opener", late=lambda late: late.close()
            )
        except (Abandoned, Failed) as failed:
            _LOG.debug("modem %s: %s", self._profile.name, failed.__cause__)
            raise Lost(CANNOT_OPEN) from failed
        try:
            await self._talk(device)
        finally:
            with contextlib.suppress(Abandoned, Failed):  # the device is gone, or its driver hangs
                await detached(device.close, CLOSE_S, "modem closer")

    async def _talk(self, device: Device) -> None:
        port = PacedPort(self._profile, self._radio, self._around.hub, lambda frame: modem.write(frame))
        try:
            modem = _Modem(device, self._place.baud, port.came)
        except OSError as error:
            raise Lost(NOT_THERE) from error
        self._port, self._modem = port, modem
        self._set_state(LinkState.TALKING)
        port.open()
        try:
            await modem.line.until_lost()
        finally:
            self._port, self._modem = None, None
            self._frames = port.frames_in, port.frames_out
            modem.line.close()
            port.close()

    def _why_now(self) -> str:
        """What a person should look at, or nothing."""
        port, modem = self._port, self._modem
        if port is None or modem is None:
            return self._why
        return NOT_KISS if not port.frames_in and modem.junk >= JUNK_TOLD else ""

    def _set_state(self, state: LinkState, why: str = "") -> None:
        if self._state is not state:
            self._since_s = self._loop.time()
            _LOG.info("modem %s: %s", self._profile.name, state.value)
        self._state, self._why = state, why
