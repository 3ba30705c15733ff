"""What a broadcast radio is given: one frame at a time, within the law, and less where the air is crowded.

The choice of what to send is worth most when it is made last, so the radio holds one frame, and no
further is asked for before that one has left the air. How much may be asked for is said twice: for frames of
any kind, and for alerts, which may use the last part of the hour (`radio.duty`) and do not wait for a quiet
channel. A radio that sorts what it holds may be given a few alerts while it holds something else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from random import Random

from radio.duty import DutyHour
from sync.link import NO_AIRTIME, Allowance
from sync.urgency import is_alert

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
        self,
        airtime_ms: Callable[[int], float],
        longest_ms: float,
        hour: DutyHour,
        back_off: BackOff,
        alerts_passing: int = 0,
    ) -> None:
        """`longest_ms` is what the dearest frame costs: so much is asked for at a time.

        `alerts_passing`: so many frames of class 0 the radio takes besides, and lets them pass.
        """
        self._airtime_ms = airtime_ms
        self._longest_ms = longest_ms
        self._hour = hour
        self._back_off = back_off
        self._alerts_passing = alerts_passing
        self._passing: deque[bytes] = deque()
        self._waiting: deque[bytes] = deque()
        self._in_radio: deque[bytes] = deque()

    def is_idle(self) -> bool:
        """Whether the radio has nothing left to do."""
        return not (self._waiting or self._passing or self._in_radio)

    def takes_alerts(self) -> bool:
        """Whether it has nothing left to do, or an alert could pass what it has."""
        held = len(self._in_radio) + len(self._passing)
        return self.is_idle() or (self._alerts_passing > 0 and held <= self._alerts_passing)

    def allowance(self, now: float) -> Allowance:
        """Milliseconds of frames to hand over now: none, but for alerts, before the last are sent."""
        if not self.takes_alerts():
            return NO_AIRTIME
        left = self._hour.left(now)
        if not self.is_idle():
            return Allowance(0.0, self._handful_ms(left.alerts_ms), 0.0)
        alerts_ms = self._handful_ms(left.alerts_ms)
        if self._back_off.holds(now):
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
            (self._passing if self._alerts_passing and is_alert(frame) else self._waiting).append(frame)
        if frames:
            self._back_off.sent(now)

    def next_frame(self) -> bytes | None:
        """The frame the radio gets now; None while it sends, or when nothing waits."""
        if self._passing and len(self._in_radio) <= self._alerts_passing:
            self._in_radio.append(self._passing.popleft())
        elif self._waiting and not self._in_radio:
            self._in_radio.append(self._waiting.popleft())
        else:
            return None
        return self._in_radio[-1]

    @property
    def in_radio_ms(self) -> float:
        """The airtime of what was handed to the radio and has not left the air."""
        return sum(self._airtime_ms(len(frame)) for frame in self._in_radio)

    def done(self, now: float, frame: bytes | None = None) -> float:
        """The frame, or the only one in the radio, left the air; its milliseconds there."""
        sent = self._in_radio[0] if frame is None and self._in_radio else frame
        if sent is None or sent not in self._in_radio:
            return 0.0
        self._in_radio.remove(sent)
        airtime_ms = self._airtime_ms(len(sent))
        self._hour.end(airtime_ms, now)
        return airtime_ms

    def forget(self, now: float) -> None:
        """The radio is gone, and what it held with it."""
        self._passing.clear()
        self._waiting.clear()
        self._in_radio.clear()
        self._hour.lose(now)

    def _handful_ms(self, left_ms: float) -> float:
        return max(0.0, min(left_ms, self._longest_ms))
