"""What Linux knows of a process: the memory it holds and the time it worked (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path

# Fields 14 and 15 of stat, counted behind the name, which may hold anything but ends with the last bracket.
_USER, _SYSTEM = 11, 12


def resident_bytes(pid: int) -> int:
    """Bytes of a process that are in memory now. Raises OSError when it is gone."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) * 1_024
    raise ProcessLookupError(pid)


def worked_s(pid: int) -> float:
    """Processor seconds of a process and its threads, in clock ticks. Raises OSError when it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / os.sysconf("SC_CLK_TCK")
