"""Whether the box knows what time it is.

A Raspberry Pi has no battery: after a power cut it wakes up in the past, at the last time it saved, and
that date looks plausible. A wrong clock must never stop a post, but the page says so and bundles are then
dated by what other camps say (see `sync.engine`). So: find out, and say who vouches.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# 2026-11-01T00:00Z. This software did not exist before, so no right clock shows less.
RELEASE_S = 1_793_491_200
# A box may be found in a cupboard after ten years; a clock further ahead has been set to nonsense.
AHEAD_MAX_S = 10 * 366 * 86_400
# Stamps on disk were written by this box. A clock corrected backwards by less is a clock corrected.
BACKWARD_MAX_S = 3_600

NETWORK = "network"
SYSTEM = "system"
BATTERY = "battery"
NOBODY = "nobody"

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # struct timex is 208 bytes on 64-bit Linux; the kernel writes no more than its own size


@dataclass(frozen=True, slots=True)
class ClockTrust:
    """`source` is "network", "battery", "system", "person", or "nobody" when the clock is not set."""

    is_set: bool
    source: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What this computer says about its clock."""

    is_pi: bool
    has_battery: bool
    synchronised: bool


def judge(wall_s: float, newest_on_disk_s: float, machine: Machine) -> ClockTrust:
    """Whether a system clock that shows `wall_s` (Unix seconds) is right, as far as one can tell."""
    if not RELEASE_S <= wall_s <= RELEASE_S + AHEAD_MAX_S:
        return ClockTrust(False, NOBODY)
    if machine.synchronised:
        return ClockTrust(True, NETWORK)
    if wall_s < newest_on_disk_s - BACKWARD_MAX_S:
        return ClockTrust(False, NOBODY)
    if machine.has_battery:
        return ClockTrust(True, BATTERY)
    if machine.is_pi:
        return ClockTrust(False, NOBODY)
    return ClockTrust(True, SYSTEM)


def look(root: Path = Path("/")) -> Machine:
    """Ask the system. What cannot be found out counts as no."""
    return Machine(
        is_pi=_starts_with(root / "proc/device-tree/model", b"Raspberry Pi"),
        has_battery=(root / "sys/class/rtc/rtc0").exists(),
        synchronised=(root / "run/systemd/timesync/synchronized").exists() or _kernel_is_synchronised(),
    )


def _starts_with(file: Path, beginning: bytes) -> bool:
    try:
        return file.read_bytes().startswith(beginning)
    except OSError:
        return False


def _kernel_is_synchronised() -> bool:
    """adjtimex(2) with nothing to change: chrony, ntpd and timesyncd all clear its error state."""
    try:
        state = _libc().adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return isinstance(state, int) and 0 <= state < _TIME_ERROR


@cache  # the pump asks before every commit, and finding the library takes longer than the question
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
