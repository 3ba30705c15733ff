"""The table of roads: every kind of [[link]], its words, and how it is built (PROTOCOL.md §17).

A new road is a file with a class of the shape in `radio/road.py`, and an entry here. Settings, pages and
`miccheck status` read this table and know no kind by name. A road's file is imported when one of its kind
is built: a camp without a board does not wait for the library that speaks to boards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from radio.airtime import PRESETS, preset_named
from radio.polite_radio import AirRules
from radio.regions import DEFAULT_REGION, DEFAULT_SHARE, REGIONS, SHARE_MIN, region_named
from radio.road import Road, Surroundings
from radio.road_words import (
    RoadSettings,
    between,
    for_people,
    host_and_port,
    page_address,
    split_host,
    word,
)

# What Meshtastic radios are sold with.
DEFAULT_PRESET = "LONG_FAST"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Words that are right one by one and not together: the word to change, and why."""

    word: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """Something at this box that a road could use: what it is, and the words that say so in the settings."""

    says: str
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of road. `title` and `about` are sentences of the catalogues."""

    name: str
    title: str
    about: str
    settings: type[RoadSettings]
    build: Callable[[str, Any, Surroundings], Road]  # its name, its settings; raises OSError, ValueError
    wrong: Callable[[Any], Wrong | None] = lambda _: None
    found: Callable[[], tuple[Found, ...]] = tuple  # what is plugged in; may take a moment


def _preset() -> Any:
    names = tuple(preset.name for preset in PRESETS)
    hint = for_people("The same on all radios that are to hear each other.")
    return word(DEFAULT_PRESET, label=for_people("Preset"), hint=hint, choices=names)


def _region() -> Any:
    names = tuple(region.name for region in REGIONS)
    hint = for_people("Whose law holds for the radio.")
    return word(DEFAULT_REGION, label=for_people("Region"), hint=hint, choices=names)


def _share() -> Any:
    label = for_people("Share of the airtime")
    hint = for_people("How much of what the law leaves is used: 0.05 to 1.")
    return word(DEFAULT_SHARE, between(SHARE_MIN, 1.0), label=label, hint=hint)


# -- ip -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ip(RoadSettings):
    """A neighbour by cable, Wi-Fi or the internet."""

    url: str = word(
        check=page_address,
        label=for_people("Page address of the other camp"),
        hint=for_people("As on the other camp's poster: http or https, the host, the port."),
    )


def _ip(name: str, settings: Ip, around: Surroundings) -> Road:
    return around.cable.dial(name, settings.url)


# -- air ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Air(RoadSettings):
    """A simulated radio, for drills."""

    address: str = word(
        check=host_and_port("the address that `miccheck air` printed"),
        label=for_people("Where the air listens"),
        hint=for_people("HOST:PORT, as miccheck air printed it."),
    )
    preset: str = _preset()
    region: str = _region()
    airtime_share: float = _share()


def _air(name: str, settings: Air, around: Surroundings) -> Road:
    from radio.air_link import AirLink

    rules = AirRules(preset_named(settings.preset), region_named(settings.region), settings.airtime_share)
    radio = around.radio(name, rules)
    return AirLink(name, split_host(settings.address), around.camp, radio, around.hub, around.jitter)


def _preset_in_region(settings: Air) -> Wrong | None:
    refusal = region_named(settings.region).refusal(preset_named(settings.preset))
    return Wrong("region", refusal) if refusal else None


# -- the table ----------------------------------------------------------------------------------------

_ALL = (
    Kind(
        "ip",
        for_people("Cable, Wi-Fi or internet"),
        for_people("Another camp that this box can reach. It is enough when one of the two dials the other."),
        Ip,
        _ip,
    ),
    Kind(
        "air",
        for_people("Simulated radio"),
        for_people("For drills: instead of a radio, miccheck air on this machine or another one."),
        Air,
        _air,
        _preset_in_region,
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
