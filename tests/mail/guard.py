"""Ends the servers of the stand, also when the test that started them was killed.

    python guard.py FOLDER      names of process groups on stdin, a number a line; at its end they are killed

A test that takes too long ends without a word, and three servers would live on. The pipe to this process
closes whoever ends how.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path


def main() -> None:
    """Wait for the end of stdin, then kill every group, and take the folder away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the tests, which close the pipe
    folder = Path(sys.argv[1])
    groups = [int(line) for line in sys.stdin]
    with suppress(OSError, ValueError):  # Postfix's master makes a session of its own, whoever started it
        groups.append(int((folder / "queue" / "pid" / "master.pid").read_text()))
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
