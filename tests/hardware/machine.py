"""A machine that exists in a folder: its /sys, /dev, udev and mounts, with sticks as a test plugs them in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hardware.sticks import Places


class Machine:
    """Places in a folder, empty at first."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(
            folder / "block", folder / "udev", folder / "mountinfo", folder / "dev", folder / "run"
        )
        for made in (self.places.block, self.places.udev, self.places.devices):
            made.mkdir(parents=True)
        self.places.mounts.write_text("")

    def plug_in(self, disk: str, *parts: str, removable: bool = True, number: str = "8", size: int = 2048):
        """A disk of `size` sectors with these partitions."""
        self._device(disk, f"{number}:0", size)
        (self.places.block / disk / "removable").write_text(f"{int(removable)}\n")
        for minor, part in enumerate(parts, 1):
            self._device(f"{disk}/{part}", f"{number}:{minor}", size)
            (self.places.block / disk / part / "partition").write_text(f"{minor}\n")

    def _device(self, path: str, number: str, size: int) -> None:
        folder = self.places.block / path
        folder.mkdir()
        (folder / "dev").write_text(f"{number}\n")
        (folder / "size").write_text(f"{size}\n")

    def tell(self, number: str, **properties: str) -> None:
        """What udev knows of a device."""
        lines = [f"E:{name}={value}" for name, value in properties.items()]
        (self.places.udev / f"b{number}").write_text("\n".join(["S:disk/by-id/x", *lines, "G:systemd"]))

    def mount(self, number: str, where: str) -> None:
        """A line of mountinfo."""
        with self.places.mounts.open("a") as file:
            file.write(f"36 25 {number} / {where} rw,relatime shared:1 - ext4 /dev/x rw\n")


class RealStick:
    """A file system in a file, behind a loop device, plugged into a `Machine` as sda1."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.inside = folder / "inside"
        self.inside.mkdir()
        self._image = folder / "stick.img"
        self.loop = ""

    def plug_in(self, label: str = "CAMP") -> None:
        """Make the file system from what lies in `inside`, and a device of it. Skips where it may not."""
        with self._image.open("wb") as file:
            file.truncate(24 * 1024 * 1024)
        made = _try("mkfs.ext4", "-q", "-L", label, "-d", str(self.inside), str(self._image))
        self.loop = _try("losetup", "--find", "--show", str(self._image)).strip() if made is not None else ""
        number = Path("/sys/block") / Path(self.loop).name / "dev"
        self.machine.plug_in("sda", "sda1", size=49_152)
        (self.machine.places.block / "sda/sda1/dev").write_text(number.read_text())
        (self.machine.places.devices / "sda1").symlink_to(self.loop)

    def pull_out(self) -> None:
        """Unplug it; a device that is mounted stays until it is not."""
        if self.loop:
            shutil.rmtree(self.machine.places.block / "sda", ignore_errors=True)
            subprocess.run(["losetup", "-d", self.loop], check=False)

    def end(self) -> None:
        """Leave nothing behind on the machine that runs the test."""
        subprocess.run(
            ["umount", "--lazy", self.machine.places.mounted_at / "sda1"], capture_output=True, check=False
        )
        self.pull_out()


def places_with_real_mounts(places: Places) -> Places:
    """The same, with the true list of what is mounted."""
    return Places(places.block, places.udev, Path("/proc/self/mountinfo"), places.devices, places.mounted_at)


def _try(*words: str) -> str:
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} here")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{words[0]} may not do its work here: {done.stderr.strip()}")
    return done.stdout
