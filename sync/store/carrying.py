"""Bundles on their way into a file (`miccheck export`): read beside a running node, with flat memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

# Rows fetched at a time: some hundred kilobytes.
_ROWS = 200

_BUNDLES = """
SELECT key, wire FROM bundles
WHERE received_s >= :since AND (
    :channel IS NULL OR id IN (SELECT bundle FROM messages WHERE channel = :channel AND bundle IS NOT NULL)
)
ORDER BY seq
"""


def bundles_to_carry(
    board: Path, since_s: float | None, channel: str | None
) -> Iterator[tuple[bytes, bytes]]:
    """Key and wire bytes of every bundle, in the order in which they came here.

    `since_s`: only those received from this Unix time on. `channel`: only those with a message of it.
    What never left this camp and what waits for a person is in no bundle.
    """
    uri = f"{board.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        values = {"since": float("-inf") if since_s is None else since_s, "channel": channel}
        rows = connection.execute(_BUNDLES, values)
        while part := rows.fetchmany(_ROWS):
            yield from part
