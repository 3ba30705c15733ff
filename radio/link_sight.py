"""A link as the status page shows it, whatever the road."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LinkState(StrEnum):
    """What the status page says of a link."""

    SEARCHING = "searching"  # nobody was there yet
    TALKING = "talking"
    LOST = "lost"  # somebody was there; it is tried again
    UNPLUGGED = "unplugged"  # the device is not there any more; noticed when it comes back
    REFUSED = "refused"  # `why` says what a person can do
    STOPPED = "stopped"  # by a coordinator, or in the settings
    BROKEN = "broken"  # it could not be built; `why` says what is missing


class WaitsFor(StrEnum):
    """What everything but alerts waits for."""

    HOUR = "hour"  # what may be sent within an hour is used up
    CHANNEL = "channel"  # others use it
    FIRMWARE = "firmware"  # the radio itself says its hour is used up


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
    refused_s: float = 0.0  # for so long the radio itself takes nothing more, by its own word


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
