"""The airtime file: what the camp's radios used of their hour, over restarts and power failures.

The law's hour does not begin anew because a node does. The file is small and whole or not there; `radio.duty`
says when it is written (some ten times an hour at the most). Ages are counted by the clock that runs from
boot, also while the box is suspended, and that nobody sets: a wall clock that jumps ahead would make an hour
free that is not. After a reboot nobody can say how long the box was off, so what was spent is taken for as
young as it was when it was written down: a quiet camp loses nothing by that, a busy one an hour at the most.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from node.clock import Clock
from node.files import write_secret
from radio.airtime import HOUR_S
from radio.duty import Memory, Spent
from radio.regions import Region

_LOG = logging.getLogger("miccheck")

# A file that cannot be read hides how much was sent: as if it had been all of the hour.
_ALL = (Spent(0.0, HOUR_S * 1_000),)


@dataclass(frozen=True, slots=True)
class _Record:
    """What one radio had spent when `boot` was `at_s` seconds old; `claimed_ms` may have followed since."""

    boot: str
    at_s: float
    claimed_ms: float
    spent: tuple[Spent, ...]

    def as_of(self, boot: str, now_s: float) -> tuple[Spent, ...]:
        """What of it counts now."""
        since_s = max(0.0, now_s - self.at_s) if boot == self.boot else 0.0
        aged = (Spent(each.age_s + since_s, each.airtime_ms) for each in self.spent)
        claimed = (Spent(0.0, self.claimed_ms),) if self.claimed_ms else ()
        return (*claimed, *(each for each in aged if each.age_s < HOUR_S))


class AirtimeFile:
    """The hours of all radios of a camp. May be used from any thread."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._is_damaged = False
        self._records = self._read()

    def of(self, link: str, region: Region) -> Memory:
        """The memory of the radio on this link."""
        return _Radio(self, link, region.name)

    def recall(self, region: str) -> tuple[Spent, ...]:
        """The hour of the radio that sent most in this region.

        Which radio is which is only known by the order of the links in the settings, and that may change.
        """
        if self._is_damaged:
            return _ALL
        boot, now_s = self._clock.since_boot()
        hours = [each.as_of(boot, now_s) for (of, _), each in self._records.items() if of == region]
        return max(hours, key=lambda hour: sum(each.airtime_ms for each in hour), default=())

    def keep(self, link: str, region: str, spent: Sequence[Spent], claimed_ms: float) -> None:
        """Write the hour of a radio down; hours that are over go."""
        with self._lock:
            boot, now_s = self._clock.since_boot()
            self._records[region, link] = _Record(boot, now_s, claimed_ms, tuple(spent))
            self._records = {key: each for key, each in self._records.items() if each.as_of(boot, now_s)}
            try:
                write_secret(self._file, _encode(self._records).encode())
            except OSError as error:
                _LOG.warning("a restart will not know how much was sent: %s: %s", self._file, error.strerror)

    def _read(self) -> dict[tuple[str, str], _Record]:
        try:
            return _decode(self._file.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            _LOG.warning("%s cannot be read: as if the radios' hour had been used up", self._file)
            self._is_damaged = True
            return {}


class _Radio:
    """One radio's part of the file."""

    def __init__(self, file: AirtimeFile, link: str, region: str) -> None:
        self._file, self._link, self._region = file, link, region

    def recall(self) -> Sequence[Spent]:
        return self._file.recall(self._region)

    def keep(self, spent: Sequence[Spent], claimed_ms: float) -> None:
        self._file.keep(self._link, self._region, spent, claimed_ms)


def _encode(records: dict[tuple[str, str], _Record]) -> str:
    rows: list[list[object]] = []
    for (region, link), each in records.items():
        pairs = [[spent.age_s, spent.airtime_ms] for spent in each.spent]
        rows.append([region, link, each.boot, each.at_s, each.claimed_ms, pairs])
    return json.dumps(rows)


def _decode(text: str) -> dict[tuple[str, str], _Record]:
    """The records in this text. Raises ValueError."""
    rows = json.loads(text)
    if not isinstance(rows, list):
        raise ValueError("no list")
    return dict(_decode_row(row) for row in rows)


def _decode_row(row: object) -> tuple[tuple[str, str], _Record]:
    match row:
        case [str(region), str(link), str(boot), at_s, claimed_ms, list(pairs)]:
            spent = tuple(Spent(_number(age_s), _number(airtime_ms)) for age_s, airtime_ms in pairs)
            return (region, link), _Record(boot, _number(at_s), _number(claimed_ms), spent)
        case _:
            raise ValueError("no record of a radio")


def _number(value: object) -> float:
    """A number that is not negative. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ValueError("no number")
    return float(value)
