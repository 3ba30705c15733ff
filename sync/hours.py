"""Which hour it is, for sealing and for the live set, also without a clock (PROTOCOL.md §6.2).

A box without a battery wakes up in 1970 or at its last shutdown. It then believes the second-highest
hour that two admitted camps sealed in, which one liar alone cannot move, and never an hour before
the last one on its own disk. Nobody heard and nothing on disk: it does not know, and seals nothing.
"""

from __future__ import annotations

from sync.bundle import HOUR_MAX, hour_of, seconds_of


class HourKeeper:
    """The hour by our clock while that is trusted, otherwise by what was heard."""

    def __init__(self, last_on_disk: int | None) -> None:
        self.last_on_disk = last_on_disk
        self.pinned: frozenset[bytes] = frozenset()  # keys that somebody here vouches for
        self._heard: dict[bytes, int] = {}
        self._told_s: float | None = None
        self._trusted = True

    def tell(self, unix_s: float, trusted: bool) -> None:
        """What the wall clock says, and whether anybody set it."""
        self._told_s = unix_s
        self._trusted = trusted

    @property
    def is_trusted(self) -> bool:
        """Whether the clock was set by somebody or something that knows."""
        return self._trusted

    def wall_s(self, now: float) -> float:
        """Unix time as far as we know; engine time itself where nobody told us otherwise."""
        told = now if self._told_s is None else self._told_s
        by_ear = None if self._trusted else self.by_ear()
        return told if by_ear is None else max(told, float(seconds_of(by_ear)))

    def heard(self, key: bytes, hour: int) -> None:
        """An admitted camp sealed something in this hour."""
        if hour > self._heard.get(key, -1):
            self._heard[key] = min(hour, HOUR_MAX)

    def forget(self, key: bytes) -> None:
        """The camp is no longer admitted."""
        self._heard.pop(key, None)

    def by_ear(self) -> int | None:
        """The hour without a clock. Keys are free, so one liar can be two camps: pinned camps go first."""
        pinned = [hour for key, hour in self._heard.items() if key in self.pinned]
        highest = sorted(pinned if len(pinned) >= 2 else self._heard.values())[-2:]
        heard = highest[0] if len(highest) == 2 else None
        known = [hour for hour in (heard, self.last_on_disk) if hour is not None]
        return max(known) if known else None

    def hour(self, now: float) -> int | None:
        """The hour to seal in; None when it is not known."""
        if self._trusted:
            return hour_of(self.wall_s(now))
        return self.by_ear()
