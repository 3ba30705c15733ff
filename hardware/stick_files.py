"""What lies on a stick that somebody brought: found by name, opened only as what it is.

A stick is a stranger's. Behind a name may be a pipe that never ends, a link to the camp's key, or a device;
there may be a hundred thousand of them. So names are looked at in a bounded number, only plain files count,
and each is opened by its folder, without following links and without waiting.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hardware.stick_mount import StickTrouble, Trouble
from sync.text import tidy_name

ENDING = ".bundles"
# A full stick of photographs has thousands of names; those behind are not looked at, and the page says so.
NAMES_MAX = 10_000
# A page that can be read; the newest ones are what somebody brought.
FILES_MAX = 20
NAME_LETTERS_MAX = 60


@dataclass(frozen=True, slots=True)
class StickFile:
    """A file of bundles, by its name at least."""

    name: bytes  # as the file system has it
    shown: str  # fit for one line of a page
    size_bytes: int
    changed_s: float  # as whoever wrote it says


@dataclass(frozen=True, slots=True)
class Contents:
    """What a stick holds for us, the newest first."""

    files: tuple[StickFile, ...]
    more: int  # files of bundles beyond those
    odd: int  # things with the right ending that are no files
    cut: bool  # there are more names than are looked at


def contents(folder: Path) -> Contents:
    """The files of bundles in the first folder of a stick. Raises StickTrouble."""
    files: list[StickFile] = []
    odd, seen = 0, 0
    try:
        with _opened(folder) as at, os.scandir(at) as entries:
            for seen, entry in enumerate(entries, 1):
                if seen > NAMES_MAX:
                    break
                # By a number, scandir gives text; Python keeps bytes that are no UTF-8 as lone surrogates.
                if entry.name.startswith(".") or not entry.name.lower().endswith(ENDING):
                    continue
                if entry.is_file(follow_symlinks=False):
                    files.append(_file(entry))
                else:
                    odd += 1
    except OSError as error:
        raise StickTrouble(Trouble.DAMAGED) from error
    files.sort(key=lambda file: (-file.changed_s, file.name))
    return Contents(tuple(files[:FILES_MAX]), max(0, len(files) - FILES_MAX), odd, seen > NAMES_MAX)


def open_file(folder: Path, name: bytes) -> BinaryIO:
    """Open a plain file of this folder to be read. Raises StickTrouble."""
    if not name or b"/" in name or b"\0" in name or name in (b".", b".."):
        raise StickTrouble(Trouble.NOT_A_FILE)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        with _opened(folder) as at:
            descriptor = os.open(name, flags, dir_fd=at)
    except FileNotFoundError as error:
        raise StickTrouble(Trouble.GONE) from error
    except OSError as error:  # a link says ELOOP, a socket ENXIO
        raise StickTrouble(Trouble.NOT_A_FILE) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StickTrouble(Trouble.NOT_A_FILE)
    return os.fdopen(descriptor, "rb")


def shown(name: str) -> str:
    """A file name on one line, without signs that deceive and not longer than fits."""
    plain = tidy_name(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return plain if len(plain) <= NAME_LETTERS_MAX else plain[: NAME_LETTERS_MAX - 1] + "…"


def _file(entry: os.DirEntry[str]) -> StickFile:
    about = entry.stat(follow_symlinks=False)
    return StickFile(os.fsencode(entry.name), shown(entry.name), about.st_size, about.st_mtime)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
