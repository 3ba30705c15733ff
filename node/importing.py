"""A file of bundles on its way into a camp: read, checked, stored and counted, a handful at a time.

Two handfuls are under way at once, so that the signatures of one are checked while the one before is stored.
Whoever posts meanwhile waits for one handful at most. What was stored is read afterwards, for pages to show.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from node.requests import RECORDS_BYTES_MAX, RECORDS_MAX, Answer, Request, TakeIn, Taken
from sync.carried import Carried, CarriedFile

# Hands a request in; the function that it returns waits for the answer.
Begin = Callable[[Request], Callable[[], Answer]]
# One is checked while the other is stored; a third would only wait.
UNDER_WAY = 2


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the bundles so far. `unread`: those stored here whose messages no page shows yet."""

    new: int = 0
    known: int = 0
    refused: int = 0
    torn: bool = False  # bytes had to be left out
    bytes_read: int = 0
    unread: int = 0


def take_in(stream: BinaryIO, begin: Begin, tell: Callable[[Tally], None]) -> Tally:
    """Take in every good bundle of a file; `tell` is called after each handful, and may raise to stop.

    Raises NotBundles, OSError, and what `begin` and its answers raise; what was told by then stays taken in.
    """
    carried = CarriedFile(stream)
    tally = Tally()
    under_way: deque[tuple[Callable[[], Answer], int]] = deque()
    for handful in _handfuls(carried):
        records = tuple((each.key, each.wire) for each in handful)
        under_way.append((begin(TakeIn(records)), handful[-1].end))
        if len(under_way) == UNDER_WAY:
            tally = _counted(tally, *under_way.popleft(), carried.torn)
            tell(tally)
    while under_way:
        tally = _counted(tally, *under_way.popleft(), carried.torn)
        tell(tally)
    return replace(tally, torn=carried.torn, bytes_read=carried.offset)


def read_to_the_end(tally: Tally, begin: Begin, tell: Callable[[Tally], None]) -> None:
    """Wait until pages show what was taken in, or more comes from elsewhere than is read."""
    left = tally.unread
    while left:
        seen = _counted(tally, begin(TakeIn(())), tally.bytes_read, tally.torn)
        if seen.unread >= left:
            return
        left = seen.unread
        tell(seen)


def _counted(tally: Tally, answer: Callable[[], Answer], end: int, torn: bool) -> Tally:
    taken = answer()
    assert isinstance(taken, Taken)
    return Tally(
        new=tally.new + taken.new,
        known=tally.known + taken.known,
        refused=tally.refused + taken.refused,
        torn=torn,
        bytes_read=end,
        unread=taken.unread,
    )


def _handfuls(carried: Iterable[Carried]) -> Iterator[list[Carried]]:
    handful: list[Carried] = []
    size = 0
    for each in carried:
        handful.append(each)
        size += len(each.wire)
        if len(handful) == RECORDS_MAX or size >= RECORDS_BYTES_MAX:
            yield handful
            handful, size = [], 0
    if handful:
        yield handful
