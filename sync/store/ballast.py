"""Room kept in hand for the day the disk is full: then even deleting needs some.

SQLite deletes by writing: the changed pages go through the log first. On a disk with no byte left a sweep
fails like a post does. So a file of nothing lies beside the board; when the disk is full it is dropped, the
board forgets what is over, and the file is laid again when there is room for it.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from sync.store.database import StoreFull
from sync.store.own import OwnTables
from sync.store.retention import Swept, sweep

# Deleting 100 messages touches at most some 1,000 pages (a leaf of each index, a search segment): 4 MiB of
# log. As much again, because the log is copied into the file before it is emptied.
BALLAST_BYTES = 8_388_608
_MESSAGES_AT_ONCE = 100
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Ballast:
    """The file of nothing beside a board."""

    def __init__(self, board: Path, size: int = BALLAST_BYTES) -> None:
        self._path = board.with_name(board.name + ".ballast")
        self._size = size

    def lay(self) -> bool:
        """Take the room when it is there; False when it is not."""
        if self._path.exists() and self._path.stat().st_size >= self._size:
            return True
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self.drop()
            return False
        return True

    def drop(self) -> None:
        """Give the room back."""
        self._path.unlink(missing_ok=True)


def relieve(store: OwnTables, ballast: Ballast, now_s: float, now_hour: int) -> Swept | None:
    """After StoreFull, outside a transaction: drop the ballast, sweep in small parts, lay it again.

    None when even that found no room. Then somebody has to free some, and the page says so. What was
    evicted before room ran out stays evicted.
    """
    ballast.drop()
    total = Swept(0, 0, 0)
    try:
        while True:
            part = sweep(store, now_s, now_hour, messages_max=_MESSAGES_AT_ONCE)
            total = total.plus(part)
            if part.messages < _MESSAGES_AT_ONCE:
                break
        sweep(store, now_s, now_hour)
    except StoreFull:
        if not total.messages and not total.bundles:
            return None
    ballast.lay()
    return total
