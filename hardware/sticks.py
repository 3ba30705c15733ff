"""USB sticks: which are plugged in, what is written on them outside, and whether they may be opened.

Read from the kernel's /sys and the udev database, which everybody may read: a box without rights still says
what it sees. Nothing here opens a device that it need not, and nothing mounts; `hardware.stick_mount` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sync.text import tidy_name

SECTOR_BYTES = 512  # of /sys/block/*/size, whatever the device's own sectors are (sysfs-block)
# Names the kernel gives to disks and partitions. Everything else is no device of ours, or a way out of /dev.
DEVICE_NAME = re.compile(r"[a-z][a-z0-9]{1,15}")
# A hub full of sticks with four partitions each. What is beyond is not shown.
STICKS_MAX = 32
LABEL_LETTERS_MAX = 40
# Removable and no stick: CD drives, floppies, and what is no disk at all.
_NO_STICKS = ("sr", "fd", "loop", "ram", "zram", "dm", "md", "nbd")
# Where desktops and administrators put sticks. A disk with something mounted anywhere else is the box's own.
_FOR_STICKS = ("/media/", "/run/media/", "/mnt")
# Where ours are, each under the name of its device.
MOUNTED_AT = Path("/run/miccheck-stick")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the machine says what is plugged in."""

    block: Path = Path("/sys/block")
    udev: Path = Path("/run/udev/data")
    mounts: Path = Path("/proc/self/mountinfo")
    devices: Path = Path("/dev")
    mounted_at: Path = MOUNTED_AT


THIS_BOX = Places()


@dataclass(frozen=True, slots=True)
class Stick:
    """One partition of a stick, or a stick without partitions."""

    device: str  # "sda1"
    label: str  # a stranger's words, made fit for one line; may be empty
    size_bytes: int
    file_system: str  # "vfat", "exfat", "ext4" …; empty when nobody here knows
    mounted: Path | None = None  # where it is mounted now


def find(places: Places = THIS_BOX) -> tuple[Stick, ...]:
    """Every partition of every stick, by name. Raises OSError when /sys cannot be read."""
    mounts = _mounts(places.mounts)
    found: list[Stick] = []
    for disk in sorted(places.block.iterdir()):
        if disk.name.startswith(_NO_STICKS) or not _is_removable(disk):
            continue
        parts = sorted(each for each in disk.iterdir() if (each / "partition").exists()) or [disk]
        if any(_is_the_box(mounts.get(_word(part / "dev")), places) for part in (disk, *parts)):
            continue
        sticks = (_stick(part, mounts, places) for part in parts)
        found += [stick for stick in sticks if stick.size_bytes]
    return tuple(found[:STICKS_MAX])


def stick_named(device: str, places: Places = THIS_BOX) -> Stick | None:
    """The stick of this device name, if it is plugged in."""
    if DEVICE_NAME.fullmatch(device) is None:
        return None
    return next((stick for stick in find(places) if stick.device == device), None)


def probe(device: Path) -> tuple[str, str]:
    """File system and label by the first sectors of a device; two empty texts where it is none of ours.

    Raises OSError: only root, or its owner, may read a device.
    """
    with device.open("rb") as file:
        head = file.read(2048)
    if head[3:11] == b"EXFAT   ":
        return "exfat", ""
    if head[0x438:0x43A] == b"\x53\xef":  # ext2 and its heirs, read by one driver; superblock at 1024
        return "ext4", _label(head[0x478:0x488])
    for kind, label in ((0x52, 0x47), (0x36, 0x2B)):  # FAT32, FAT12 and FAT16 (fatgen103)
        if head[kind : kind + 3] == b"FAT" and head[510:512] == b"\x55\xaa":
            return "vfat", _label(head[label : label + 11])
    return "", ""


def _stick(part: Path, mounts: dict[str, Path], places: Places) -> Stick:
    number = _word(part / "dev")
    told = _told_by_udev(places.udev / f"b{number}")
    kind, label = told.get("ID_FS_TYPE", ""), told.get("ID_FS_LABEL", "")
    if not kind:
        try:
            kind, label = probe(places.devices / part.name)
        except OSError:
            kind, label = "", ""  # whoever mounts it will see
    return Stick(
        device=part.name,
        label=tidy_name(label)[:LABEL_LETTERS_MAX],
        size_bytes=_number(part / "size") * SECTOR_BYTES,
        file_system="ext4" if kind in ("ext2", "ext3") else tidy_name(kind)[:LABEL_LETTERS_MAX],
        mounted=mounts.get(number),
    )


def _is_removable(disk: Path) -> bool:
    """Whether it says so itself, or hangs on a USB plug: hard disks in a box of their own do not say so."""
    return _word(disk / "removable") == "1" or "/usb" in str(disk.resolve())


def _is_the_box(mounted: Path | None, places: Places) -> bool:
    """Whether what is mounted there is part of this machine, and not a visitor."""
    visitors = (*_FOR_STICKS, f"{places.mounted_at}/")
    return mounted is not None and not str(mounted).startswith(visitors)


def _mounts(file: Path) -> dict[str, Path]:
    """Mount points by "major:minor" (proc(5), mountinfo); the first one of each device."""
    mounts: dict[str, Path] = {}
    for line in file.read_text(errors="replace").splitlines():
        words = line.split()
        if len(words) > 4:
            mounts.setdefault(words[2], Path(words[4].replace("\\040", " ")))
    return mounts


def _told_by_udev(file: Path) -> dict[str, str]:
    """The properties that udev keeps of a device: lines like E:ID_FS_TYPE=vfat."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return dict(line[2:].split("=", 1) for line in lines if line.startswith("E:") and "=" in line)


def _word(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""  # pulled out while we looked


def _number(file: Path) -> int:
    word = _word(file)
    return int(word) if word.isascii() and word.isdigit() else 0


def _label(raw: bytes) -> str:
    text = raw.split(b"\0")[0].decode("utf-8", "replace").strip()
    return "" if text == "NO NAME" else text
