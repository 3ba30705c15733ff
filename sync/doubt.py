"""Doubt: the same answer again and again most likely serves nobody (PROTOCOL.md §15.7).

The purse bounds what somebody else's frames make us spend. An attacker who empties it every hour costs the
air little, but whoever really lacks something waits until it is full again. So it is remembered how often
each bundle was said for the asking.
"""

from __future__ import annotations

from collections import OrderedDict

# What is lost at a camp once is lost again every fifth time: two answers need no wait. After that each waits
# longer than the one before, because whoever asks in vain most likely is not there.
FREE = 2
WAIT_FRAMES = 30.0
# But never longer: with 40 % loss and collisions five answers in a row are lost one time in thirty, and the
# next one came after a quarter of an hour. A post of a leaf reached 1 of 49 camps in two hours.
WAIT_FRAMES_MAX = 120.0
FORGOTTEN_FRAMES = 1_600.0  # an hour of LongFast: then it is as if nothing had been said
# What a busy network says in an hour, twice. The oldest goes.
ANSWERS_MAX = 1_024


class Answers:
    """How often each thing was said because somebody asked. `frame_s` is what a full frame takes."""

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._said: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def said(self, what: bytes, now: float) -> None:
        """It was sent for the asking, by us or another we hear."""
        times, at = self._said.get(what, (0, now))
        if now - at > FORGOTTEN_FRAMES * self._frame_s:
            times = 0
        self._said[what] = (times + 1, now)
        self._said.move_to_end(what)
        if len(self._said) > ANSWERS_MAX:
            self._said.popitem(last=False)

    def is_free(self, what: bytes, now: float) -> bool:
        """Whether it may be promised again."""
        times, at = self._said.get(what, (0, now))
        if times < FREE:
            return True
        frames = min(WAIT_FRAMES * 2.0 ** (times - FREE), WAIT_FRAMES_MAX)
        return now - at >= frames * self._frame_s
