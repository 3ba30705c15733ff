"""The link over a serial modem that speaks KISS: LoRa modems with the firmware of a packet-radio TNC.

Such a modem takes a frame, sends it when its channel is free, and says nothing about it: no acknowledgement,
no state, no preset. So its preset and region are told in the settings, airtime is counted from them, and the
next frame goes down the line when the last one must have left the air.

A modem is pulled out at any moment. That ends one connection: what was in the modem is lost, gossip repairs
what it said, and the device is opened again when it is there again.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable

from radio import kiss
from radio.board_search import NOT_THERE
from radio.detached import Abandoned, Failed, detached
from radio.kept_road import KeptRoad, Lost, NotThere
from radio.kiss import Junk, KissReader
from radio.polite_radio import AirRules
from radio.radio_port import PacedPort
from radio.road import Surroundings
from radio.road_words import for_people
from radio.serial_line import (
    Device,
    SerialLine,
    SerialPlace,
    marks_of,
    open_device,
    why_not_opened,
)
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile

_LOG = logging.getLogger("miccheck")

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


class _Modem:
    """One open modem: frames for its line, and what the line brings."""

    def __init__(self, device: Device, baud: int, came: Callable[[bytes], None]) -> None:
        """`came` is called with each frame of somebody else. Raises OSError."""
        self._baud = baud
        self._came = came
        self._reader = KissReader(RADIO_FRAME_BYTES_MAX)
        self._has_heard = False
        self._own: deque[bytes] = deque(maxlen=OWN_FRAMES_KEPT)
        self.line = SerialLine(device, self._take)

    @property
    def hears_only_junk(self) -> bool:
        """Whether so much came that was no frame, and no frame, that somebody should look at the speed."""
        junk = sum(n for fault, n in self._reader.junk.items() if fault is not Junk.OUTSIDE)
        return not self._has_heard and junk >= JUNK_TOLD

    def write(self, frame: bytes) -> float:
        """Send a frame down the line; the seconds that takes."""
        data = kiss.encode(frame)
        self._own.append(frame)
        self.line.write(data)
        return len(data) * BITS_A_BYTE / self._baud

    def _take(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            if frame not in self._own:
                self._has_heard = True
                self._came(frame)


class ModemRoad(KeptRoad[SerialPlace]):
    """One [[link]] of kind "modem"."""

    kind = "modem"

    def __init__(
        self,
        name: str,
        place: SerialPlace,
        rules: AirRules,
        around: Surroundings,
        opener: Callable[[SerialPlace], Device] = open_device,
    ) -> None:
        """Call it in the loop."""
        super().__init__(name, around.hub, around.jitter)
        self._place = place
        self._opener = opener
        self._polite = self.radio = around.radio(name, rules)
        self._profile = LinkProfile(
            name, RADIO_FRAME_BYTES_MAX, rules.airtime_ms, broadcast=True, duty_cycle=rules.duty
        )
        self._modem: _Modem | None = None

    def find(self) -> SerialPlace:
        """The modem's device."""
        if marks_of(self._place.device) is None:
            raise NotThere(NOT_THERE)
        return self._place

    def marks(self, place: SerialPlace) -> object:
        """Another number or file: it was plugged in again."""
        return marks_of(place.device)

    def why(self) -> str:
        """What a person should look at, or nothing."""
        modem = self._modem
        return NOT_KISS if modem is not None and modem.hears_only_junk else super().why()

    async def serve(self, place: SerialPlace) -> None:
        """Open the modem and talk until it is lost. Raises Lost."""
        try:
            device = await detached(
                lambda: self._opener(place), OPEN_S, "modem opener", late=lambda late: late.close()
            )
        except (Abandoned, Failed) as failed:
            _LOG.debug("link %s: %s", self.name, failed.__cause__)
            raise Lost(why_not_opened(failed.__cause__)) from failed
        try:
            await self._talk(device)
        finally:
            with contextlib.suppress(Abandoned, Failed):  # the device is gone, or its driver hangs
                await detached(device.close, CLOSE_S, "modem closer")

    async def _talk(self, device: Device) -> None:
        port = PacedPort(self._profile, self._polite, self.hub, lambda frame: modem.write(frame))
        try:
            modem = _Modem(device, self._place.baud, port.came)
        except OSError as error:
            raise Lost(NOT_THERE) from error
        self._modem = modem
        try:
            with self.up(port, self._polite):
                await modem.line.until_lost()
        finally:
            self._modem = None
            modem.line.close()
