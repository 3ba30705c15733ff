"""The clock: the only file that asks what time it is.

Two times, never mixed. The engine counts seconds on a clock that never jumps and that a drill may run
faster. Pages and stamps want the wall clock, which on a box without a battery is often wrong: a person
may then tell it, and what was told holds until the box is switched off, whatever the system does.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hardware import clock_trust
from hardware.clock_trust import ClockTrust

PERSON = "person"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Told:
    """What a person said: Unix time minus seconds since boot, and which boot that was."""

    boot: str
    unix_at_boot_s: float


class Clock:
    """Engine time and wall time of one run.

    `speed` scales engine time only; `offset_s` shifts the system's wall clock (drills). `told_file` keeps
    what a person told until the box restarts; without one it is kept in memory.
    """

    def __init__(self, speed: float = 1.0, offset_s: float = 0.0, told_file: Path | None = None) -> None:
        self._speed = speed
        self._offset_s = offset_s
        self._told_file = told_file
        self._told = _read_told(told_file)
        self._newest_s = 0.0

    def now(self) -> float:
        """Engine seconds: monotonic, never the wall clock, `speed` times as fast."""
        return time.monotonic() * self._speed

    def wait_s(self, engine_s: float) -> float:
        """How many real seconds pass while the engine counts `engine_s`."""
        return engine_s / self._speed

    def wall_s(self) -> float:
        """Unix seconds, the best this box knows."""
        if self._told is not None and not self._system_is_better():
            return self._told.unix_at_boot_s + _since_boot_s()
        return time.time() + self._offset_s

    def trust(self) -> ClockTrust:
        """Whether `wall_s` can be shown as the time, and who said so."""
        return self._judge() if self._told is None or self._system_is_better() else ClockTrust(True, PERSON)

    def since_boot(self) -> tuple[str, float]:
        """Which boot this is, and the engine seconds since then, those in which the box slept too."""
        return _boot_id(), _since_boot_s() * self._speed

    def is_set(self) -> bool:
        """Whether `wall_s` can be believed."""
        return self.trust().is_set

    def seen_on_disk(self, newest_s: float) -> None:
        """A stamp this box wrote itself: a clock that stands before it is wrong."""
        self._newest_s = max(self._newest_s, newest_s)

    def tell(self, unix_s: float) -> None:
        """Take a person's time. It counts from boot on, so later jumps of the system do not move it."""
        self._told = Told(_boot_id(), unix_s - _since_boot_s())
        if self._told_file is not None:
            half = self._told_file.with_suffix(".half")
            half.write_text(json.dumps([self._told.boot, self._told.unix_at_boot_s]))
            half.replace(self._told_file)

    def _judge(self) -> ClockTrust:
        machine = clock_trust.look()
        if self._offset_s:
            machine = replace(machine, synchronised=False)  # a drill: the network vouches for another time
        return clock_trust.judge(time.time() + self._offset_s, self._newest_s, machine)

    def _system_is_better(self) -> bool:
        # A date that is merely plausible must not overrule the person who corrected it.
        return self._judge().source == clock_trust.NETWORK


def monotonic_s() -> float:
    """Real seconds that never jump, for waiting."""
    return time.monotonic()


def processor_s() -> float:
    """Seconds for which this process worked, for measuring work on a machine that others use too."""
    return time.process_time()


def pause(seconds: float) -> None:
    """Wait. For the command line only: the node waits in its loop."""
    time.sleep(seconds)


def _since_boot_s() -> float:
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return f"pid {os.getpid()}"  # no such file, no such promise: what was told ends with the process


def _read_told(file: Path | None) -> Told | None:
    """What was told in this boot; None when nothing was, or when the file is not ours to understand."""
    if file is None:
        return None
    try:
        match json.loads(file.read_text()):
            case [str(boot), int() | float() as unix_at_boot_s] if boot == _boot_id():
                return Told(boot, float(unix_at_boot_s))
            case _:
                return None
    except (OSError, ValueError):
        return None
