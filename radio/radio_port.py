"""One open radio as the pump sees it, which calls `room`, `allowance` and `push`: fed frame by frame.

Some radios say when a frame has left the air. Others take it and say nothing: modems that speak KISS, and
boards that are spoken to by UDP. There its airtime is waited for, and what the way to the radio takes. When
such a radio waits longer, because its channel is busy, a few frames stand in it; a busy channel, which we
hear too, holds us back like it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from radio.polite_radio import PoliteRadio
from radio.road import Hub
from sync.link import Allowance, LinkProfile

# What a radio that says nothing waits before it sends, and we cannot know.
TURN_S = 0.1


class RadioPort:
    """Of a radio that says when a frame has left the air, and then gets the next one. Made in the loop."""

    def __init__(
        self, profile: LinkProfile, radio: PoliteRadio, hub: Hub, send: Callable[[bytes], None]
    ) -> None:
        """`send` hands the radio a frame, in the loop; when that has left the air, `done` is to be called."""
        self.profile = profile
        self.frames_in = 0
        self.frames_out = 0
        self._radio = radio
        self._hub = hub
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._now = 0.0

    def room(self) -> bool:
        """Whether the radio has nothing to do."""
        return self._radio.is_idle(self)

    def allowance(self, now: float) -> Allowance:
        """Milliseconds of frames to hand over at engine time `now`."""
        self._now = now
        return self._radio.allowance(self, now)

    def push(self, frames: list[bytes]) -> None:
        """Take committed frames, at the time `allowance` was last asked for."""
        self._radio.take(self, frames, self._now)
        with contextlib.suppress(RuntimeError):  # the loop ended while the pump still spoke
            self._loop.call_soon_threadsafe(self._feed)

    def came(self, frame: bytes, snr_db: float | None = None) -> None:
        """In the loop: the radio heard a frame."""
        self.frames_in += 1
        self._radio.heard(len(frame))
        if self._hub.has_room(self.profile.name):  # a radio does not wait for us
            self._hub.frame(self.profile.name, frame, snr_db)

    def done(self) -> None:
        """In the loop: the frame left the air."""
        self.frames_out += 1
        self._radio.done(self)
        self._feed()
        self._hub.wake()

    def _feed(self) -> None:
        frame = self._radio.next_frame(self)  # none when the radio is another's by now
        if frame is not None:
            self._send(frame)


class PacedPort(RadioPort):
    """Of a radio that takes a frame and says nothing about it: the next comes when the last must be over."""

    def __init__(
        self, profile: LinkProfile, radio: PoliteRadio, hub: Hub, write: Callable[[bytes], float]
    ) -> None:
        """`write` sends a frame to the radio and says how many seconds the way there takes. In the loop."""
        super().__init__(profile, radio, hub, self._write_and_wait)
        self._write = write

    def _write_and_wait(self, frame: bytes) -> None:
        way_s = self._write(frame)
        airtime_s = self.profile.airtime_ms(len(frame)) / 1_000
        self._loop.call_later(way_s + airtime_s + TURN_S, self.done)
