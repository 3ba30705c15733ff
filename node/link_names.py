"""What the node calls its links: their kind and a number, in the order of the settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from node.settings import Link


def named_links(links: Iterable[Link]) -> tuple[tuple[str, Link], ...]:
    """The [[link]]s with the names they have when the node starts."""
    numbers: Counter[str] = Counter()
    named = []
    for link in links:
        numbers[link.kind] += 1
        named.append((f"{link.kind}-{numbers[link.kind]}", link))
    return tuple(named)
