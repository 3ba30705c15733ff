"""Doubt: how far frames are heeded that nobody signed, when heeding them brings nothing (PROTOCOL.md §15.7).

The purse bounds what somebody else's frames make us spend. An attacker who empties it every hour costs the
air little, but whoever really lacks something waits until it is full again. So two things are remembered:
how often each bundle or key was said for the asking, and how often we were moved to speak and got nothing.
"""

from __future__ import annotations

from collections import OrderedDict

from sync.purse import Purse

# What is lost at a camp once is lost again every fifth time: two answers need no wait. After that each waits
# longer than the one before, because whoever asks in vain most likely is not there.
FREE = 2
WAIT_FRAMES = 30.0
WAIT_FRAMES_MAX = 1_600.0  # an hour of LongFast: then it is as if nothing had been said
# What a busy network says in an hour, twice. The oldest goes.
ANSWERS_MAX = 1_024

# So many differences are believed at a time without anything that came of it, and one more each time so many
# seconds have passed: a level network has one beacon in an hour to tell of a camp that came late.
BELIEVED = 6
BELIEVED_AGAIN_S = 600.0
# A bundle that verified is worth two: it is asked for and, four times in five, answered.
WORTH = 2


class Answers:
    """How often each thing was said because somebody asked. `frame_s` is what a full frame takes."""

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._said: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def said(self, what: bytes, now: float) -> None:
        """It was sent for the asking, by us or another we hear."""
        times, at = self._said.get(what, (0, now))
        if now - at > WAIT_FRAMES_MAX * self._frame_s:
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


class Doubt:
    """How many more unproved claims move us. Times are engine time."""

    def __init__(self, now: float) -> None:
        self._left = Purse(1 / BELIEVED_AGAIN_S, BELIEVED, now)

    def believe(self, now: float) -> bool:
        """Whether to heed one more; it is one less for the next."""
        return self._left.take(1.0, now)

    def proved(self, bundles: int, now: float) -> None:
        """So many bundles that are new here came by the air and verified."""
        self._left.add(WORTH * bundles, now)
