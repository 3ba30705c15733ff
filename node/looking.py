"""Reading a board from the command line, beside whoever writes in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from node.home import Home, HomeError
from node.sorry import Sorry
from sync.reading import Reader


@contextmanager
def looking(home: Home) -> Iterator[Reader]:
    """A reader of the board. Raises HomeError, also inside the block, when the file cannot be read."""
    reader = Reader(home.board)
    try:
        yield reader
    except sqlite3.DatabaseError as error:
        raise HomeError(
            f"{home.board} cannot be read; when `miccheck run` starts, it saves what can be saved"
        ) from error
    finally:
        reader.close()


def demand_channel(reader: Reader, channel: str) -> None:
    """Raise Sorry with the channels there are, unless `channel` is one."""
    names = [known.name for known in reader.channels()]
    if channel not in names:
        raise Sorry(f'there is no channel "{channel}" here; there are {", ".join(names)}')
