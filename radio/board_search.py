"""Where a Meshtastic board is: its device, found by name or by USB id, or its address in the network.

A board is plugged into another socket, or gets another ttyUSB number after it was pulled out. The names in
/dev/serial/by-id stay, so one of these is what is opened. Which board is meant is never guessed: its channel
and its region decide who hears us and which law holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from radio.road_words import for_people

# Boards' USB ids, as sold in 2026: CH34x, CP2102, nRF52 boards of Adafruit's bootloader, ESP32-S3.
BOARD_USB_IDS = frozenset({"1a86:55d4", "1a86:7523", "10c4:ea60", "239a:0029", "239a:8029"})
BOARD_USB_VENDORS = frozenset({"303a"})
# The firmware's own port for its stream API.
TCP_PORT = 4403
NO_BOARD = for_people("No board is plugged in.")
NOT_THERE = for_people("The device is not there.")
NO_SERIAL_LINE = for_people("This is no serial line.")
SEVERAL_BOARDS = for_people("Several boards are plugged in: say in the settings which one.")
# From a tty in /sys up to the USB device it belongs to: interface, device, and one hub more for safety.
_USB_LEVELS = 4


@dataclass(frozen=True, slots=True)
class Where:
    """What the settings say: a device, a host, or neither, and then it is searched for."""

    device: str = ""
    host: str = ""  # HOST or HOST:PORT


@dataclass(frozen=True, slots=True)
class SerialPlace:
    """A device file."""

    path: Path


@dataclass(frozen=True, slots=True)
class TcpPlace:
    """A board in the network, or a daemon that drives one."""

    host: str
    port: int = TCP_PORT


Place = SerialPlace | TcpPlace


@dataclass(frozen=True, slots=True)
class Nowhere:
    """There is none to open, and why."""

    why: str


def find(where: Where, dev: Path = Path("/dev"), sys: Path = Path("/sys")) -> Place | Nowhere:
    """The place of the board that the settings mean."""
    if where.host:
        return tcp_place(where.host)
    if where.device:
        path = Path(where.device)
        return SerialPlace(path) if path.exists() else Nowhere(NOT_THERE)
    match boards(dev, sys):
        case ():
            return Nowhere(NO_BOARD)
        case (only,):
            return SerialPlace(only)
        case _:
            return Nowhere(SEVERAL_BOARDS)


def tcp_place(host: str) -> TcpPlace:
    """The place of HOST or HOST:PORT; IPv6 addresses with a port stand in brackets."""
    name, colon, port = host.rpartition(":")
    if colon and port.isascii() and port.isdecimal() and (":" not in name or name.endswith("]")):
        return TcpPlace(name.strip("[]"), int(port))
    return TcpPlace(host.strip("[]"))


def boards(dev: Path = Path("/dev"), sys: Path = Path("/sys")) -> tuple[Path, ...]:
    """The devices that look like boards, each by its lasting name where it has one."""
    names = _lasting_names(dev)
    found = []
    for tty in sorted((sys / "class" / "tty").glob("tty*")):
        device = dev / tty.name
        if device.exists() and _is_board(_usb_id(tty)):
            found.append(names.get(device.resolve(), device))
    return tuple(found)


def marks_of(place: Place | Nowhere) -> tuple[int, ...] | None:
    """What changes when a device is pulled out and plugged in again; None when there is none to look at.

    Its number may be the same as before. The time of its making is not, and using it does not change that.
    """
    if not isinstance(place, SerialPlace):
        return None
    try:
        status, link = place.path.stat(), place.path.lstat()
    except OSError:
        return None
    return status.st_rdev, status.st_ino, status.st_ctime_ns, link.st_ino


def _is_board(usb_id: str) -> bool:
    return usb_id in BOARD_USB_IDS or usb_id.partition(":")[0] in BOARD_USB_VENDORS


def _lasting_names(dev: Path) -> dict[Path, Path]:
    by_id = dev / "serial" / "by-id"
    try:
        return {link.resolve(): link for link in sorted(by_id.iterdir())}
    except OSError:
        return {}  # no device of this sort, or no udev


def _usb_id(tty: Path) -> str:
    """Vendor and product of the USB device that a tty in /sys belongs to; empty for any other."""
    try:
        folder = (tty / "device").resolve(strict=True)
        for level in (folder, *folder.parents)[:_USB_LEVELS]:
            if (level / "idVendor").is_file():
                vendor, product = ((level / name).read_text().strip() for name in ("idVendor", "idProduct"))
                return f"{vendor}:{product}".lower()
    except OSError:
        pass  # unplugged while we looked
    return ""
