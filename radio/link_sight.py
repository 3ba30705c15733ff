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


class WaitsFor(StrEnum):
    """What everything but alerts waits for."""

    HOUR = "hour"  # what may be sent within an hour is used up
    CHANNEL = "channel"  # others use it


@dataclass(frozen=True, slots=True)
class AirtimeUse:
    """What a radio sends and hears. Shares of an hour, but `busy`: of the last minute."""

    region: str
    preset: str
    used: float
    limit: float  # what we keep to
    reserve: float  # the last part of `limit`, for alerts only
    law: float  # what the law leaves; 1 where it says nothing
    busy: float  # in which the radio sent or heard somebody
    waits_for: WaitsFor | None


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
    airtime: AirtimeUse | None = None  # of a radio
