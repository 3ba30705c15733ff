"""Outward on internet that costs: mic checks at once, the rest together once an hour.

A connection by TLS costs 5 kB before the first letter. Sent as they come, sixty letters an hour are a third
of a megabyte for that alone; in one digest they cost it once.
"""

from __future__ import annotations

from dataclasses import replace

from sync.store.letter_turns import Caps

HOUR_S = 3_600.0
# What belongs to one hourly connection: a backlog of an hour's cap at two seconds a letter.
TOGETHER_S = 300.0
# More than one leave as a digest.
DIGEST_ABOVE = 1


def seldom(caps: Caps, per_hour: int, now_s: float) -> Caps:
    """The caps of a list where bytes cost, from those of the settings. `now_s` is Unix time."""
    digest_above = min(caps.digest_above, DIGEST_ABOVE)
    sent = per_hour - caps.ordinary
    first_s = caps.free_s - HOUR_S
    if sent <= 0 or now_s - first_s <= TOGETHER_S:
        return replace(caps, digest_above=digest_above)
    return replace(caps, ordinary=0, digest_above=digest_above)
