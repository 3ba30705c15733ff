"""Authors whose key is new in the air: their bundles carry it for a while (PROTOCOL.md §15.1).

A bundle whose key a camp lacks is held there and goes no farther until somebody sent the key, so one lost
frame of an author's first bundle used to stop his second one on its way. A key is 32 bytes; the request,
the answer and the wait cost more while the network does not have it, and nothing once it has.
"""

from __future__ import annotations

from collections import OrderedDict

# What an author's first bundles take to be everywhere: 99.7 % of 50 camps within ten minutes, and then some.
YOUNG_S = 1_800.0
# Whoever joined since asks; but an author who speaks once a day is worth 32 bytes.
ANEW_S = 24 * 3_600.0
# The authors of a large network.
AUTHORS_MAX = 1_024


class YoungKeys:
    """When each author's key was first heard of. Times are engine time."""

    def __init__(self) -> None:
        self._since: OrderedDict[bytes, float] = OrderedDict()

    def met(self, author: bytes, now: float) -> None:
        """The key came, or leaves for the first time."""
        if now - self._since.get(author, float("-inf")) < ANEW_S:
            return
        self._since[author] = now
        self._since.move_to_end(author)
        if len(self._since) > AUTHORS_MAX:
            self._since.popitem(last=False)

    def is_young(self, author: bytes, now: float) -> bool:
        """Whether hearers may lack it still."""
        return now - self._since.get(author, float("-inf")) < YOUNG_S
