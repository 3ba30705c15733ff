"""A connection to a camp's file that can only read, for a page, a program or the command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path

# Every page thread has a connection; 256 KiB of pages is what a front page touches.
READER_CACHE_KIB = 256
# A checkpoint that empties the log keeps readers out for milliseconds.
BUSY_TIMEOUT_S = 5.0


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file. Raises sqlite3.OperationalError when there is none."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
    return connection
