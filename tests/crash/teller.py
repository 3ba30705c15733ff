"""A bank teller: commits rows in small pages and says 201 to a socket after each.

Its traces lie beside this file, so that reading them and building images is tested without strace. They were
made in an empty folder /bank, with the command of `tests.crash.trace.strace` round

    python -m tests.crash.teller /bank full|normal

and thinned to the lines about that folder and the socket.
"""

from __future__ import annotations

import gzip
import socket
import sqlite3
import sys
from pathlib import Path

from tests.crash.trace import Trace, read_trace

ROWS = 24


def main(folder: Path, synchronous: str) -> None:
    """Write the rows; half a row's answer is said after its head, as a web server does."""
    teller, customer = socket.socketpair()
    connection = sqlite3.connect(folder / "bank.sqlite3", isolation_level=None)
    connection.execute("PRAGMA page_size = 512")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 12")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE rows (id TEXT PRIMARY KEY) WITHOUT ROWID")
    for number in range(ROWS):
        connection.execute("INSERT INTO rows VALUES (?)", (row_id(number),))
        teller.send(b"HTTP/1.1 201 \r\n\r\n")
        teller.send(b'{"id":"%s"}' % row_id(number).encode())
        customer.recv(4096)
    connection.close()


def trace(synchronous: str) -> Trace:
    """The committed trace of `full` or `normal`."""
    with gzip.open(Path(__file__).with_name(f"teller_{synchronous}.strace.gz"), "rt") as lines:
        return read_trace(lines, Path("/bank"))


def row_id(number: int) -> str:
    """The id of a row: 32 hex digits."""
    return f"{number:032x}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
