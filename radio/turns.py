"""What a broadcast radio is given: one frame at a time, within the law, and less where the air is crowded.

The choice of what to send is worth most when it is made last, so the radio holds one frame, and no
further is asked for before that one has left the air. How much may be asked for is said twice: for frames of
any kind, and for alerts, which may use the last part of the hour (`radio.duty`) and do not wait for a quiet
channel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from random import Random

from radio.duty import DutyHour
from sync.link import NO_AIRTIME, Allowance

# Meshtastic's own measure for what can wait: `polite_channel_util_percent` in airtime.h of its firmware.
POLITE_UTILISATION = 0.25
# In frame times, and each wait in a row is drawn twice as long: 2, 4, 8 and 16 on average. A burst that is
# over in half a minute costs little; in a lasting crowd seven neighbours and we, all with much to say, fill
# 8 of 31 frame times. (With 50 camps of degree 7 on LONG_FAST and a post a minute, waits of 16 to 48 frame
# times from the first on made the median post twice as late, and saved no airtime: simulate, seed 1.)
FIRST_WAIT_FRAMES = (1.0, 3.0)
WAITS_MAX = 4


class BackOff:
    """Whether what can wait should wait, because others use the channel.

    Who finds it crowded waits for a random while, looks again, and after the fourth wait sends one handful,
    crowded or not: a foreign network, or a jammer, slows a camp down and cannot silence it. A wait is served
    to its end even when the channel falls quiet: all in earshot see that in the same instant.
    """

    def __init__(self, utilisation: Callable[[float], float], longest_ms: float, random: Random) -> None:
        """`utilisation(now)`: share of the last minute in which the radio sent or heard somebody, 0 to 1."""
        self._utilisation = utilisation
        self._frame_s = longest_ms / 1_000
        self._random = random
        self._until = -inf
        self._waits = 0

    def holds(self, now: float) -> bool:
        """Whether to wait now."""
        if now < self._until:
            return True
        if self._utilisation(now) <= POLITE_UTILISATION:
            self._waits = 0
            return False
        if self._waits == WAITS_MAX:
            return False
        self._until = now + self._frame_s * self._random.uniform(*FIRST_WAIT_FRAMES) * 2**self._waits
        self._waits += 1
        return True

    @property
    def until(self) -> float:
        """The end of the wait that was begun last."""
        return self._until

    def sent(self, now: float) -> None:
        """Something was sent: where it is crowded still, the waits begin anew."""
        if now >= self._until:
            self._waits = 0


class Turns:
    """Between an engine and its radio. Times are engine time; not thread-safe."""

    def __init__(
        self, airtime_ms: Callable[[int], float], longest_ms: float, hour: DutyHour, back_off: BackOff
    ) -> None:
        """`longest_ms` is what the dearest frame costs: so much is asked for at a time."""
        self._airtime_ms = airtime_ms
        self._longest_ms = longest_ms
        self._hour = hour
        self._back_off = back_off
        self._waiting: deque[bytes] = deque()
        self._sending: bytes | None = None

    def is_idle(self) -> bool:
        """Whether the radio has nothing left to do."""
        return not self._waiting and self._sending is None

    def allowance(self, now: float) -> Allowance:
        """How many milliseconds of frames to hand over now: none while the last are not sent."""
        if not self.is_idle():
            return NO_AIRTIME
        left = self._hour.left(now)
        held = self._back_off.holds(now)
        alerts_ms = self._handful_ms(left.alerts_ms)
        if held:
            return Allowance(0.0, alerts_ms, 0.0)
        return Allowance(self._handful_ms(left.any_ms), alerts_ms, self._handful_ms(left.few_ms))

    @property
    def held_until(self) -> float:
        """When what waits for a quiet channel may be asked about again; in the past when nothing does."""
        return self._back_off.until

    def take(self, frames: list[bytes], now: float) -> None:
        """Frames for the radio; from here on they count as sent."""
        for frame in frames:
            self._hour.take(self._airtime_ms(len(frame)), now)
        self._waiting.extend(frames)
        if frames:
            self._back_off.sent(now)

    def next_frame(self) -> bytes | None:
        """The frame the radio gets now; None while it sends, or when nothing waits."""
        if self._sending is not None or not self._waiting:
            return None
        self._sending = self._waiting.popleft()
        return self._sending

    def done(self, now: float) -> float:
        """The frame left the air; its milliseconds there."""
        if self._sending is None:
            return 0.0
        airtime_ms = self._airtime_ms(len(self._sending))
        self._hour.end(airtime_ms, now)
        self._sending = None
        return airtime_ms

    def forget(self, now: float) -> None:
        """The radio is gone, and what it held with it."""
        self._waiting.clear()
        self._sending = None
        self._hour.lose(now)

    def _handful_ms(self, left_ms: float) -> float:
        return max(0.0, min(left_ms, self._longest_ms))
