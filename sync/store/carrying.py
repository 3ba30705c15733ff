"""Bundles on their way into a file (`miccheck export`): read beside a running node, with flat memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

# Rows fetched at a time: some hundred kilobytes. Each time anew, because whoever takes them by Wi-Fi takes
# minutes, and an open reader keeps the writer's log from being emptied.
_ROWS = 200

_BUNDLES = """
SELECT seq, key, wire FROM bundles
WHERE seq > :after AND seq <= :last AND received_s >= :since AND (
    :channel IS NULL OR id IN (SELECT bundle FROM messages WHERE channel = :channel AND bundle IS NOT NULL)
)
ORDER BY seq LIMIT :rows
"""


def bundles_to_carry(
    board: Path, since_s: float | None, channel: str | None
) -> Iterator[tuple[bytes, bytes]]:
    """Key and wire bytes of every bundle that is here now, in the order in which they came.

    `since_s`: only those received from this Unix time on. `channel`: only those with a message of it.
    What never left this camp and what waits for a person is in no bundle.
    """
    uri = f"{board.absolute().as_uri()}?mode=ro"
    # A page takes them piece by piece, in whichever thread is free.
    with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as connection:
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM bundles").fetchone()
        values = {
            "since": float("-inf") if since_s is None else since_s,
            "channel": channel,
            "rows": _ROWS,
            "last": last,
            "after": -1,
        }
        while part := connection.execute(_BUNDLES, values).fetchall():
            values["after"] = part[-1][0]
            yield from ((key, wire) for _, key, wire in part)
