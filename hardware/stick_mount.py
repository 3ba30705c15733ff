"""Opening a stick: mounted read-only by somebody's tap, written to only while something is written.

Mounting is root's. A node that runs as root does it itself; one that does not asks a helper as small as this
file: `miccheck-stick.socket` hands each connection to `python -m hardware.stick_mount`, which takes one line
and believes none of it. It looks the device up itself, and can do nothing but mount a removable one in one
place, without devices, programs, set-user-id bits and symbolic links, and unmount it again.
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

from hardware.sticks import DEVICE_NAME, THIS_BOX, Places, Stick, probe, stick_named

HELPER = Path("/run/miccheck-stick.sock")
# A worn-out stick may take its time; one that takes longer is broken, and a person waits before a page.
MOUNT_S = 20.0
# The helper tells what became of it after MOUNT_S at the latest.
HELPER_S = 30.0
LINE_BYTES_MAX = 64
# The kernel parses what a stranger formatted, so few of its drivers are let near: those of bought sticks, and
# Linux's own. `noload`: a journal is not replayed, which would write to a stick that is only to be read.
# Files of FAT have no owner, so they get one; an ext4 stick keeps its own.
_OF_FAT = "uid={uid},gid={gid},umask=077"
_OPTIONS = {"vfat": f"{_OF_FAT},utf8", "exfat": _OF_FAT, "ext4": ""}
_ONLY_READ = {"ext4": "noload"}
_ALWAYS = "nodev,noexec,nosuid,nosymfollow"
_TOOLS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Trouble(StrEnum):
    """Why a stick was not opened, read or written."""

    GONE = "gone"  # it is not plugged in any more
    IN_USE = "in_use"  # it is mounted elsewhere, or somebody reads it still
    FILE_SYSTEM = "file_system"  # formatted in a way that is not read here
    NOT_ALLOWED = "not_allowed"  # this node may not mount, and there is no helper
    DAMAGED = "damaged"  # the kernel could not make sense of it, or reading failed
    FULL = "full"
    READ_ONLY = "read_only"  # its lock, or its owner, forbids writing
    NOT_A_FILE = "not_a_file"  # a pipe, a link, a device under a file's name


class StickTrouble(Exception):
    """A stick cannot be used; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


def can_mount(helper: Path = HELPER) -> bool:
    """Whether this node may open sticks at all: it is root, or root's helper listens."""
    return os.geteuid() == 0 or helper.exists()


def mount(device: str, write: bool, places: Places = THIS_BOX, helper: Path = HELPER) -> Path:
    """Mount a stick and say where. Raises StickTrouble. Takes seconds: not for an event loop."""
    if os.geteuid() == 0:
        return mount_as_root(device, write, os.geteuid(), os.getegid(), places)
    return Path(_ask(helper, f"mount {device} {'rw' if write else 'ro'}"))


def unmount(device: str, places: Places = THIS_BOX, helper: Path = HELPER) -> None:
    """Unmount a stick that `mount` mounted; one that is not mounted is no trouble. Raises StickTrouble."""
    if os.geteuid() == 0:
        unmount_as_root(device, places)
    else:
        _ask(helper, f"unmount {device}")


def mount_as_root(device: str, write: bool, uid: int, gid: int, places: Places = THIS_BOX) -> Path:
    """What the helper does with `mount`: files are to belong to this user. Raises StickTrouble."""
    stick = _plugged_in(device, places)
    place = places.mounted_at / device
    if stick.mounted == place:
        unmount_as_root(device, places)
    elif stick.mounted is not None:
        raise StickTrouble(Trouble.IN_USE)
    node = places.devices / device
    try:
        kind, _ = probe(node)
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise StickTrouble(Trouble.DAMAGED) from error
    if kind not in _OPTIONS:
        raise StickTrouble(Trouble.FILE_SYSTEM)
    words = ["rw" if write else "ro", _ALWAYS, _OPTIONS[kind].format(uid=uid, gid=gid)]
    words.append("" if write else _ONLY_READ.get(kind, ""))
    _run("mount", "-t", kind, "-o", ",".join(filter(None, words)), str(node), str(place))
    return place


def unmount_as_root(device: str, places: Places = THIS_BOX) -> None:
    """What the helper does with `unmount`. One that was pulled out is let go of all the same."""
    place = places.mounted_at / device
    if device != place.name or not os.path.ismount(place):
        return
    try:
        _run("umount", str(place))
    except StickTrouble as trouble:
        if stick_named(device, places) is not None:
            raise StickTrouble(Trouble.IN_USE) from trouble
        _run("umount", "--lazy", str(place))
    place.rmdir()


def main() -> None:
    """Serve one line of one connection.

    `mount DEVICE ro|rw` or `unmount DEVICE` is answered by `ok PATH`, `ok` or `no WHY`. Standard input is the
    socket (systemd, Accept=yes); who is at its other end, the kernel says (SO_PEERCRED).
    """
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as peer:
        peer.settimeout(HELPER_S)
        _, uid, gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        peer.sendall(serve(peer.recv(LINE_BYTES_MAX), uid, gid).encode())


def serve(line: bytes, uid: int, gid: int, places: Places = THIS_BOX) -> str:
    """The answer to one line."""
    try:
        match line.decode("ascii", "replace").split():
            case ["mount", device, ("ro" | "rw") as how]:
                return f"ok {mount_as_root(device, how == 'rw', uid, gid, places)}\n"
            case ["unmount", device] if DEVICE_NAME.fullmatch(device):  # it may be pulled out by now
                unmount_as_root(device, places)
                return "ok\n"
            case _:
                return f"no {Trouble.GONE}\n"
    except StickTrouble as trouble:
        return f"no {trouble.trouble}\n"


def _plugged_in(device: str, places: Places) -> Stick:
    try:
        stick = stick_named(device, places)
    except OSError:
        stick = None
    if stick is None:
        raise StickTrouble(Trouble.GONE)
    return stick


def _run(*words: str) -> None:
    try:
        done = subprocess.run(
            words, env=_TOOLS, timeout=MOUNT_S, check=False, stdin=subprocess.DEVNULL, capture_output=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StickTrouble(Trouble.DAMAGED) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        denied = "permission denied" in said.lower() or "must be superuser" in said
        write_protected = "write-protected" in said or "read-only" in said
        raise StickTrouble(
            Trouble.NOT_ALLOWED if denied else Trouble.READ_ONLY if write_protected else Trouble.DAMAGED
        )


def _ask(helper: Path, line: str) -> str:
    """The helper's answer, without its "ok"."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as to:
            to.settimeout(HELPER_S)
            to.connect(str(helper))
            to.sendall(line.encode())
            to.shutdown(socket.SHUT_WR)
            answer = to.makefile().readline()
    except OSError as error:
        raise StickTrouble(Trouble.NOT_ALLOWED) from error
    word, _, rest = answer.strip().partition(" ")
    if word == "ok":
        return rest
    raise StickTrouble(Trouble(rest) if rest in set(Trouble) else Trouble.DAMAGED)


if __name__ == "__main__":
    main()
