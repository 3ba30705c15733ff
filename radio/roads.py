"""The table of roads: every kind of [[link]], its words, and how it is built (PROTOCOL.md §17).

A new road is a file with a class of the shape in `radio/road.py`, and an entry here. Settings, pages and
`miccheck status` read this table and know no kind by name. A road's file is imported when one of its kind
is built: a camp without a board does not wait for the library that speaks to boards.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radio.airtime import PRESETS, Firmware, preset_named
from radio.board_search import Where, boards
from radio.board_setup import BoardWish
from radio.mesh_channel import channel_of
from radio.polite_radio import AirRules
from radio.regions import DEFAULT_REGION, DEFAULT_SHARE, REGIONS, SHARE_MIN, region_named
from radio.road import Road, Surroundings
from radio.road_words import (
    RoadSettings,
    between,
    device_file,
    for_people,
    host_and_port,
    is_host,
    is_port,
    one_number_of,
    page_address,
    split_host,
    word,
)
from sync.signing import Network

# IFNAMSIZ without its NUL (netdevice(7)).
INTERFACE_BYTES_MAX = 15
# What Meshtastic radios are sold with.
DEFAULT_PRESET = "LONG_FAST"
# The word for a setting that stays as somebody made it on the board.
AS_IT_IS = "board"


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
    certificate: str = word(
        "",
        label=for_people("Its certificate"),
        hint=for_people("A file, for https: the other camp's certificate, or of who signed it. Empty: any."),
    )


def _ip(name: str, settings: Ip, around: Surroundings) -> Road:
    certificate = around.folder / settings.certificate if settings.certificate else None
    return around.cable.dial(name, settings.url, certificate)


def _ip_wrong(settings: Ip) -> Wrong | None:
    if settings.certificate and not settings.url.startswith("https:"):
        return Wrong("certificate", "only a neighbour whose url begins with https: has a certificate")
    return None


# -- meshtastic ---------------------------------------------------------------------------------------


def _host(value: str) -> str | None:
    host, colon, port = value.rpartition(":")
    has_port = bool(colon) and (":" not in host or host.endswith("]"))  # "::1" is an address without one
    good = is_host(host) and is_port(port) if has_port else is_host(value)
    return None if good else 'valid is the board\'s address, "HOST" or "HOST:PORT"'


@dataclass(frozen=True, slots=True)
class Meshtastic(RoadSettings):
    """A Meshtastic board: at a USB port, or in the network. Without a word about it, the only one found."""

    device: str = word(
        "",
        device_file,
        label=for_people("Device"),
        hint=for_people("Its path in /dev/serial/by-id. Without it, the one board that is plugged in."),
    )
    host: str = word(
        "",
        _host,
        label=for_people("Or its address in the network"),
        hint=for_people("HOST or HOST:PORT, for a board with Wi-Fi, or a daemon."),
    )
    preset: str = word(
        AS_IT_IS,
        label=for_people("Preset"),
        hint=for_people("What miccheck doctor sets the board to; board leaves it as it is."),
        choices=(AS_IT_IS, *(preset.name for preset in PRESETS)),
    )
    region: str = word(
        AS_IT_IS,
        label=for_people("Region"),
        hint=for_people("What miccheck doctor sets the board to; board leaves it as it is."),
        choices=(AS_IT_IS, *(region.name for region in REGIONS)),
    )
    airtime_share: float = _share()

    @property
    def where(self) -> Where:
        """Where its board is."""
        return Where(self.device, self.host)

    def wish(self, network: Network) -> BoardWish:
        """What a camp of this network wants of its board."""
        region, preset = ("" if each == AS_IT_IS else each for each in (self.region, self.preset))
        return BoardWish(channel_of(network), region, preset)


def _meshtastic(name: str, settings: Meshtastic, around: Surroundings) -> Road:
    from radio.meshtastic_road import MeshtasticRoad

    wish = settings.wish(around.identity.network)
    return MeshtasticRoad(name, settings.where, wish, settings.airtime_share, around)


def _one_place(settings: Meshtastic) -> Wrong | None:
    if settings.device and settings.host:
        return Wrong("host", "a board has a device or a host, not both")
    if AS_IT_IS in (settings.region, settings.preset):
        return None
    refusal = region_named(settings.region).refusal(preset_named(settings.preset))
    return Wrong("region", refusal) if refusal else None


def _boards_plugged_in() -> tuple[Found, ...]:
    return tuple(Found(path.name, (("device", str(path)),)) for path in boards())


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


def _preset_in_region(settings: Air | Modem | Udp) -> Wrong | None:
    refusal = region_named(settings.region).refusal(preset_named(settings.preset))
    return Wrong("region", refusal) if refusal else None


# -- modem --------------------------------------------------------------------------------------------

# Speeds that serial lines have; 115,200 is what USB modems come with.
BAUD_RATES = (1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)


@dataclass(frozen=True, slots=True)
class Modem(RoadSettings):
    """A serial LoRa modem that speaks KISS. It does not tell its preset or region."""

    device: str = word(
        check=device_file,
        label=for_people("Device"),
        hint=for_people("Best by its name in /dev/serial/by-id, which stays in every socket."),
    )
    baud: int = word(
        115_200,
        one_number_of(*BAUD_RATES),
        label=for_people("Speed of the line"),
        hint=for_people("In bits a second, as the modem is set; most are set to 115200 or 9600."),
    )
    preset: str = _preset()
    region: str = _region()
    airtime_share: float = _share()


def _modem(name: str, settings: Modem, around: Surroundings) -> Road:
    from radio.modem_link import ModemRoad
    from radio.serial_line import SerialPlace

    rules = AirRules(
        preset_named(settings.preset), region_named(settings.region), settings.airtime_share, Firmware.RAW
    )
    return ModemRoad(name, SerialPlace(Path(settings.device), settings.baud), rules, around)


def _serial_devices() -> tuple[Found, ...]:
    from radio.serial_line import lasting_names

    return tuple(Found(each.name, (("device", str(each)),)) for each in lasting_names())


# -- udp ----------------------------------------------------------------------------------------------

# The firmware up to 2.8 has the first; the tree of its developers, in 2026, the second.
GROUPS = ("224.0.0.69", "239.0.0.69")
# Each hop is a transmission of every board that hears it. Two lead by LoRa into the LAN of another board.
HOPS_MAX = 2


def _interface(value: str) -> str | None:
    good = (
        0 < len(value) <= INTERFACE_BYTES_MAX and value.isascii() and value.isprintable() and " " not in value
    )
    return None if good and "/" not in value else 'valid is the name of a network interface, like "wlan0"'


@dataclass(frozen=True, slots=True)
class Udp(RoadSettings):
    """Meshtastic boards with Wi-Fi in the same LAN, by their UDP multicast."""

    interface: str = word(
        check=_interface,
        label=for_people("Network interface"),
        hint=for_people("Behind which the boards are: wlan0 for the hotspot, eth0 for a cable."),
    )
    group: str = word(
        GROUPS[0],
        label=for_people("Multicast group"),
        hint=for_people("The first one for firmware up to 2.8; newer firmware has the second."),
        choices=GROUPS,
    )
    hops: int = word(
        1,
        between(0, HOPS_MAX),
        label=for_people("Hops"),
        hint=for_people(
            "0: only in this LAN. 1: its boards send it by LoRa. 2: boards that hear it send it on."
        ),
    )
    preset: str = _preset()
    region: str = _region()
    airtime_share: float = _share()


def _udp(name: str, settings: Udp, around: Surroundings) -> Road:
    from radio.udp_link import Lan, UdpRoad

    rules = AirRules(
        preset_named(settings.preset), region_named(settings.region), settings.airtime_share, Firmware.RAW
    )
    lan = Lan(settings.group, settings.interface)
    return UdpRoad(name, lan, channel_of(around.identity.network), settings.hops, rules, around)


def _interfaces() -> tuple[Found, ...]:
    from radio.udp_link import can_multicast

    names = (name for _, name in socket.if_nameindex())
    return tuple(Found(name, (("interface", name),)) for name in names if can_multicast(name))


# -- the table ----------------------------------------------------------------------------------------

_ALL = (
    Kind(
        "ip",
        for_people("Cable, Wi-Fi or internet"),
        for_people("Another camp that this box can reach. It is enough when one of the two dials the other."),
        Ip,
        _ip,
        _ip_wrong,
    ),
    Kind(
        "meshtastic",
        for_people("Meshtastic board"),
        for_people("A LoRa radio at a USB port or in the network; other camps in earshot hear it."),
        Meshtastic,
        _meshtastic,
        _one_place,
        _boards_plugged_in,
    ),
    Kind(
        "air",
        for_people("Simulated radio"),
        for_people("For drills: instead of a radio, miccheck air on this machine or another one."),
        Air,
        _air,
        _preset_in_region,
    ),
    Kind(
        "modem",
        for_people("Serial LoRa modem (KISS)"),
        for_people("A LoRa modem with the firmware of a packet-radio TNC, set up with its own program."),
        Modem,
        _modem,
        _preset_in_region,
        _serial_devices,
    ),
    Kind(
        "udp",
        for_people("Meshtastic boards with Wi-Fi"),
        for_people(
            "Boards in the same network with UDP broadcast on. They send what this camp says by LoRa."
        ),
        Udp,
        _udp,
        _preset_in_region,
        _interfaces,
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
