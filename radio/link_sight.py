"""A link as the status page shows it, whatever the road."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LinkState(StrEnum):
    """What the status page says of a link."""

    SEARCHING = "searching"
    TALKING = "talking"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LinkSight:
    """A link as the status page sees it. `name` holds no address; `kind` is that of the settings."""

    name: str
    state: LinkState
    peer: bytes | None
    since_s: float  # of the loop's clock
    frames_in: int
    frames_out: int
    why: str = ""
    kind: str = "ip"
