"""What a radio board says of itself, and what follows for what it is given.

Meshtastic firmware counts the air as well: how busy the channel was in the last minute, which includes
networks that we cannot read, and how much it sent within the last hour, which includes what it repeats for
others and what it says of itself. Where it has counted more than we have, it is right. And where the law has
a limit it enforces it: then it takes nothing more, and says in how many minutes it will.
"""

from __future__ import annotations

import re
from math import inf

from radio.airtime import HOUR_S

# The firmware tells this about every 60 s while something goes on; what is older than two of these is no
# longer true of the channel.
BUSY_IS_TRUE_S = 150.0
# It counts the hour in ten-minute steps and we hear of it every minute; a count that nobody renews stays true
# for as long as what was counted stays in the hour.
SENT_IS_TRUE_S = HOUR_S
# When it takes nothing more and does not say for how long: time for a few frames to leave its hour.
REFUSED_UNTOLD_S = 300.0
# "Duty cycle limit exceeded. You can send again in 52 mins" (`Router::send`).
_MINUTES = re.compile(r"(\d{1,3}) min")
_MINUTES_MAX = 60


def refused_s(notice: str) -> float:
    """Seconds for which the firmware takes nothing more, from what it says to people."""
    found = _MINUTES.search(notice)
    minutes = int(found[1]) if found else 0
    return min(minutes, _MINUTES_MAX) * 60.0 if minutes else REFUSED_UNTOLD_S


class BoardSays:
    """The board's own count. Times are engine time; not thread-safe."""

    def __init__(self, law: float) -> None:
        """`law`: the share of any hour that may be sent, 1 for no limit."""
        self._law_ms = law * HOUR_S * 1_000 if law < 1 else inf
        self._busy = 0.0
        self._busy_at = -inf
        self._sent_ms = 0.0
        self._sent_at = -inf
        self._taken_since_ms = 0.0
        self._refuses_until = -inf

    def tell(self, busy: float, sent: float, in_radio_ms: float, now: float) -> None:
        """Its telemetry: shares of the last minute and hour, without what is in the radio."""
        self._busy, self._busy_at = _share(busy), now
        self._sent_ms, self._sent_at = _share(sent) * HOUR_S * 1_000, now
        self._taken_since_ms = in_radio_ms

    def take(self, airtime_ms: float) -> None:
        """It was given a frame."""
        self._taken_since_ms += airtime_ms

    def refuse(self, until: float) -> None:
        """It takes nothing more until then."""
        self._refuses_until = until

    def refuses_for_s(self, now: float) -> float:
        """For how long it takes nothing more; 0 when it does."""
        return max(0.0, self._refuses_until - now)

    def busy(self, now: float) -> float:
        """The share of the last minute in which it heard or sent something; 0 when it did not tell."""
        return self._busy if now - self._busy_at <= BUSY_IS_TRUE_S else 0.0

    def sent_ms(self, now: float) -> float:
        """Milliseconds it sent within the last hour, by its count; 0 when it did not tell."""
        return self._sent_ms if now - self._sent_at <= SENT_IS_TRUE_S else 0.0

    def left_ms(self, now: float) -> float:
        """What the law leaves by its count; less than nothing when it has sent more."""
        if now < self._refuses_until:
            return 0.0
        told_ms = self.sent_ms(now)
        return self._law_ms - told_ms - self._taken_since_ms if told_ms else inf


def _share(value: float) -> float:
    """Of a number from outside: 0 to 1, and what is none is 0."""
    return min(1.0, value) if value > 0 else 0.0
