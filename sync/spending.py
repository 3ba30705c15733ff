"""What others have left to spend on answers, as far as one hears (PROTOCOL.md §15.9).

A parcel leaves when its maker's purse pays all of it. Whoever asks too early asks again, at a sketch each
time; whoever waits too long lets the air lie idle. One symbol of a parcel tells what all of it cost, so it is
reckoned as a whole; only what is sent for feedback has to be guessed from what of it is heard.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from sync.frames import SENDER_BYTES
from sync.parcelpost import OVERDRAFT

# As many camps as one channel carries.
CAMPS_MAX = 64


@dataclass(frozen=True, slots=True)
class Pace:
    """The air's own measures of time, in seconds."""

    frame_s: float  # a full frame
    fill_s: float  # until an empty purse is full
    symbol_s: float  # until a purse has what a symbol costs


class Spending:
    """When the purses of others are full again. Times are engine time; camps by the first of their ids."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._full_at: OrderedDict[bytes, float] = OrderedDict()

    def heard(self, camp: bytes, symbols: float, now: float) -> None:
        """It sent so many symbols, most likely."""
        if symbols <= 0:
            return
        camp = camp[:SENDER_BYTES]
        full_at = max(now, self._full_at.get(camp, now)) + symbols * self._pace.symbol_s
        self._full_at[camp] = min(full_at, now + (1 + OVERDRAFT) * self._pace.fill_s)
        self._full_at.move_to_end(camp)
        if len(self._full_at) > CAMPS_MAX:
            self._full_at.popitem(last=False)

    def saves_s(self, camp: bytes, symbols: int, now: float) -> float:
        """How long until it can pay so many symbols; nothing when it can by now."""
        empty_s = max(0.0, self._full_at.get(camp[:SENDER_BYTES], now) - now)
        return max(0.0, symbols * self._pace.symbol_s + empty_s - self._pace.fill_s)
