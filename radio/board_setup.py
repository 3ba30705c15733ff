"""How a Meshtastic board should be set up for a camp, and what would have to change.

A board comes out of its box as a gadget for a phone: no region, Bluetooth on, perhaps its own Wi-Fi and a
server on the internet. Here is what Mic Check needs of it, as a comparison of facts with a wish, so that a
person can be shown every change before it is made. Reading and writing a board is `radio.meshtastic_link`'s.

Names of regions, presets, roles and modes are the firmware's. What each setting does is read in the
firmware's source (2.7, 2.8): `Router::handleReceived`, `Router::perhapsDecode`, `AdminModule`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from radio.airtime import PRESETS, Firmware, preset_named
from radio.mesh_channel import MeshChannel
from radio.polite_radio import AirRules
from radio.regions import DEFAULT_SHARE, REGIONS, region_named
from radio.road_words import for_people

# Before it, firmware lost private packets in ways that nobody measured for us.
FIRMWARE_MIN = (2, 7, 15)
# From here on broadcasts are signed, and short frames cost more (`radio.airtime`).
FIRMWARE_SIGNS = (2, 8, 0)
# The regulators' own word for "nobody said where this radio is"; the firmware then does not send.
REGION_UNSET = "UNSET"
# What neither goes to sleep nor pushes in to repeat others first.
ROLES = ("CLIENT", "CLIENT_MUTE", "CLIENT_HIDDEN", "CLIENT_BASE")
# The others drop what is not on a port of theirs, or what comes from a node they have no name of.
REBROADCAST_MODES = ("ALL", "LOCAL_ONLY", "NONE")
# Demands a signature of every broadcast, and the firmware signs only short ones.
SIGNATURES_STRICT = "STRICT"
SIGNATURES_DEFAULT = "BALANCED"
EDITION_PLAIN = "VANILLA"
NOT_ALLOWED = for_people("The board's preset is not allowed in its region.")
# The firmware keeps eight, the primary one first.
CHANNELS = 8

_PRESET_NAMES = frozenset(preset.name for preset in PRESETS)
_REGION_NAMES = frozenset(region.name for region in REGIONS)


@dataclass(frozen=True, slots=True)
class BoardChannel:
    """One of a board's eight channels that is in use."""

    index: int
    name: str
    key: bytes = field(repr=False)
    is_primary: bool = False
    to_internet: bool = False  # what is said on it goes to an MQTT server, or comes from one


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """What a board says of itself."""

    firmware: str  # "2.7.15.567b8ea"
    edition: str = EDITION_PLAIN  # firmware made for an event drops private ports
    region: str = REGION_UNSET
    preset: str = "LONG_FAST"  # empty when its own numbers are set instead of a preset
    role: str = "CLIENT"
    rebroadcast: str = "ALL"
    signatures: str = "COMPATIBLE"  # COMPATIBLE, BALANCED or STRICT
    transmits: bool = True
    ignores_duty: bool = False
    frequency_slot: int = 0  # 0: follows from the name of the primary channel
    wifi: bool = False
    bluetooth: bool = False
    mqtt: bool = False
    is_managed: bool = False  # by somebody far away: what is changed here it ignores, and does not say so
    by_network: bool = False  # reached by Wi-Fi or Ethernet, and without that not at all
    channels: tuple[BoardChannel, ...] = ()

    @property
    def version(self) -> tuple[int, int, int]:
        """Its firmware's version; zeros where it tells none."""
        found = re.match(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", self.firmware)
        return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)

    def index_of(self, channel: MeshChannel) -> int | None:
        """Where this channel is, name and key both right."""
        of_it = (each.index for each in self.channels if (each.name, each.key) == (channel.name, channel.key))
        return next(of_it, None)


@dataclass(frozen=True, slots=True)
class BoardWish:
    """What a camp wants of its board. An empty region or preset: whatever the board has."""

    channel: MeshChannel
    region: str = ""
    preset: str = ""


class Setting(StrEnum):
    """What of a board can be changed."""

    CHANNEL = "channel"
    CHANNEL_INTERNET = "channel_internet"
    REGION = "region"
    PRESET = "preset"
    TRANSMIT = "transmit"
    DUTY = "duty"
    ROLE = "role"
    REBROADCAST = "rebroadcast"
    SIGNATURES = "signatures"
    WIFI = "wifi"
    BLUETOOTH = "bluetooth"
    MQTT = "mqtt"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be changed: what, to which value, and the sentence that says so."""

    setting: Setting
    value: str
    sentence: str


def changes(facts: BoardFacts, wish: BoardWish) -> tuple[Change, ...]:
    """What has to change for the board to serve the camp; nothing when it does."""
    return tuple(
        change
        for find in (_channel_changes, _radio_changes, _manner_changes, _other_radios)
        for change in find(facts, wish)
    )


def unusable(facts: BoardFacts, wish: BoardWish) -> str:
    """Why a node does not talk over this board as it is, for people; empty when it does."""
    if facts.region == REGION_UNSET:
        return for_people("The board's region is not set.")
    if facts.region not in _REGION_NAMES:
        return for_people("The board's region is none that Mic Check knows.")
    if wish.region and facts.region != wish.region:
        return for_people("The board's region is not the one in the settings.")
    if facts.preset not in _PRESET_NAMES:
        return for_people("The board's preset is none that Mic Check knows.")
    if wish.preset and facts.preset != wish.preset:
        return for_people("The board's preset is not the one in the settings.")
    if region_named(facts.region).refusal(preset_named(facts.preset)):
        return NOT_ALLOWED
    if not facts.transmits:
        return for_people("The board is set not to transmit.")
    return _deaf(facts, wish)


def _deaf(facts: BoardFacts, wish: BoardWish) -> str:
    if facts.index_of(wish.channel) is None:
        return for_people("The board does not have this network's channel: miccheck doctor puts it there.")
    if facts.rebroadcast not in REBROADCAST_MODES:
        return for_people("The board's rebroadcast mode drops our frames: miccheck doctor changes it.")
    if facts.signatures == SIGNATURES_STRICT:
        return for_people("The board's signature policy drops our frames: miccheck doctor changes it.")
    if facts.edition != EDITION_PLAIN:
        return for_people("The board runs firmware made for an event, which drops our frames.")
    return ""


def worry(facts: BoardFacts) -> str:
    """What a person should see to though the board serves; empty when nothing."""
    if facts.version < FIRMWARE_MIN:
        return for_people("The board's firmware is older than 2.7.15: bring it up to date.")
    if facts.role not in ROLES:
        return for_people(
            "The board's role is to sleep, or to repeat for others: miccheck doctor changes it."
        )
    return ""


def rules_of(facts: BoardFacts, share: float = DEFAULT_SHARE) -> AirRules:
    """What a board that is usable has to keep to, taking this share of what the law leaves."""
    wrapped = Firmware.V2_8 if facts.version >= FIRMWARE_SIGNS else Firmware.V2_7
    return AirRules(preset_named(facts.preset), region_named(facts.region), share, wrapped)


def _channel_changes(facts: BoardFacts, wish: BoardWish) -> Iterator[Change]:
    index = facts.index_of(wish.channel)
    if index is None:
        name = wish.channel.name
        named = [each.index for each in facts.channels if each.name == name and not each.is_primary]
        if named:
            yield Change(Setting.CHANNEL, str(named[0]), f"give channel {name} this network's key")
        else:
            taken = {each.index for each in facts.channels}
            free = [each for each in range(1, CHANNELS) if each not in taken]
            where = free[0] if free else CHANNELS - 1
            instead = "" if free else ", in place of the last one of its eight"
            yield Change(Setting.CHANNEL, str(where), f"add the private channel {name}{instead}")
    for each in facts.channels:
        if each.index == index and each.to_internet:
            sentence = f"keep channel {each.name} off the internet (MQTT)"
            yield Change(Setting.CHANNEL_INTERNET, str(each.index), sentence)


def _radio_changes(facts: BoardFacts, wish: BoardWish) -> Iterator[Change]:
    if wish.region and facts.region != wish.region:
        yield Change(Setting.REGION, wish.region, f"set the region to {wish.region} (it is {facts.region})")
    if wish.preset and facts.preset != wish.preset:
        was = facts.preset or "its own numbers"
        yield Change(Setting.PRESET, wish.preset, f"set the preset to {wish.preset} (it is {was})")
    if not facts.transmits:
        yield Change(Setting.TRANSMIT, "on", "let it transmit")
    if facts.ignores_duty:
        yield Change(Setting.DUTY, "on", "let it keep to the region's duty cycle")


def _manner_changes(facts: BoardFacts, _wish: BoardWish) -> Iterator[Change]:
    if facts.role not in ROLES:
        sentence = f"set the role to CLIENT (it is {facts.role}, which sleeps, or repeats before others)"
        yield Change(Setting.ROLE, "CLIENT", sentence)
    if facts.rebroadcast not in REBROADCAST_MODES:
        sentence = f"set the rebroadcast mode to ALL ({facts.rebroadcast} drops our frames)"
        yield Change(Setting.REBROADCAST, "ALL", sentence)
    if facts.signatures == SIGNATURES_STRICT:
        sentence = f"set the signature policy to {SIGNATURES_DEFAULT} (STRICT drops our long frames)"
        yield Change(Setting.SIGNATURES, SIGNATURES_DEFAULT, sentence)


def _other_radios(facts: BoardFacts, _wish: BoardWish) -> Iterator[Change]:
    if facts.wifi and not facts.by_network:  # or we would cut off the branch we sit on
        yield Change(Setting.WIFI, "off", "switch its own Wi-Fi off")
    if facts.bluetooth:
        yield Change(Setting.BLUETOOTH, "off", "switch its Bluetooth off")
    if facts.mqtt:
        yield Change(Setting.MQTT, "off", "switch its connection to the internet (MQTT) off")
