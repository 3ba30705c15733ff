"""A radio that takes a frame and says nothing about it: the next one comes when the last must be over.

Modems that speak KISS and boards that are spoken to by UDP do not tell when a frame has left the air. So its
airtime is waited for, and what the way to the radio takes. When the radio waits longer, because its channel
is busy, a few frames stand in it; a busy channel, which we hear too, holds us back like it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from radio.polite_radio import PoliteRadio
from radio.road import Hub
from sync.link import Allowance, LinkProfile

# What such a radio waits before it sends and we cannot know.
TURN_S = 0.1


class PacedPort:
    """One open radio as the pump sees it, which calls `room`, `allowance` and `push`."""

    def __init__(
        self,
        profile: LinkProfile,
        radio: PoliteRadio,
        hub: Hub,
        write: Callable[[bytes], float],
    ) -> None:
        """`write` sends a frame to the radio and says how many seconds the way there takes. In the loop."""
        self.profile = profile
        self.frames_in = 0
        self.frames_out = 0
        self._radio = radio
        self._hub = hub
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._sending: asyncio.TimerHandle | None = None
        self._is_open = False
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

    def open(self) -> None:
        """In the loop: the radio is there."""
        self._is_open = True
        self._radio.switch_on(self)
        self._hub.link_up(self.profile, self)

    def close(self) -> None:
        """In the loop: it is gone, and what it held with it."""
        self._is_open = False
        if self._sending is not None:
            self._sending.cancel()
        self._radio.switch_off(self)
        self._hub.link_down(self)

    def came(self, frame: bytes) -> None:
        """In the loop: the radio heard a frame."""
        self.frames_in += 1
        self._radio.heard(len(frame))
        if self._hub.has_room(self.profile.name):  # a radio does not wait for us
            self._hub.frame(self.profile.name, frame)

    def _feed(self) -> None:
        frame = self._radio.next_frame(self) if self._is_open else None
        if frame is not None:
            way_s = self._write(frame)
            airtime_s = self.profile.airtime_ms(len(frame)) / 1_000
            self._sending = self._loop.call_later(way_s + airtime_s + TURN_S, self._done)

    def _done(self) -> None:
        self.frames_out += 1
        self._radio.done(self)
        self._feed()
        self._hub.wake()
