"""Whose word on a mailing list counts: that of camps whose cards say that they post to it, and our own.

Keys are free (PROTOCOL.md §6.2), so anybody may say of anything that it is done. Who claims a list besides
can be seen doing so: its card stands on the pages of all camps.
"""

from __future__ import annotations

from sync.receipts import LIST_BYTES

# The key this file belongs to.
OWN_KEY = "(SELECT value FROM meta WHERE name = 'key')"


def posts_to(key: str, list_digest: str) -> str:
    """The SQL condition that the camp with a key posts to a list, as its card says, or is this one.

    Both are SQL expressions. A card of before lists were named on it counts for every list.
    """
    return (
        f"({key} = {OWN_KEY} OR EXISTS (SELECT 1 FROM camps g WHERE g.key = {key} AND g.has_list = 1"
        f" AND (g.lists IS NULL OR instr(g.lists, {list_digest}) % {LIST_BYTES} = 1)))"
    )
