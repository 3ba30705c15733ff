"""A maildir: a folder in which every letter is a file, and a letter is there whole or not at all.

A letter is written in `tmp/`, synced, and moved to `new/` (https://cr.yp.to/proto/maildir.html). Who
reads it moves it on to `cur/`. Nothing is locked, and a power cut leaves at most a file in `tmp/`.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDERS = ("tmp", "new", "cur")


def make(folder: Path) -> None:
    """Make the maildir where it is missing; the folder it lies in must be there (a stick may be out).

    Raises OSError.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in FOLDERS:
        (folder / name).mkdir(mode=0o700, exist_ok=True)


def deliver(folder: Path, name: str, letter: bytes) -> None:
    """Put a letter into `new/` under a name that is its own; on the disk when this returns.

    A letter of that name that is there is replaced by the same bytes. Raises OSError.
    """
    half = folder / "tmp" / name
    with half.open("wb") as file:
        file.write(letter)
        file.flush()
        os.fsync(file.fileno())
    half.replace(folder / "new" / name)


def sync_delivered(folder: Path) -> None:
    """Bring the names in `new/` to the disk: after this no power cut takes a delivered letter back."""
    descriptor = os.open(folder / "new", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def names(folder: Path) -> set[str]:
    """The names of every letter that was delivered, read or not, without their flags. Raises OSError."""
    return {path.name.partition(":2,")[0] for place in ("new", "cur") for path in (folder / place).iterdir()}


def unread(folder: Path) -> list[Path]:
    """The letters in `new/`, oldest first. Raises OSError."""
    found = []
    for entry in os.scandir(folder / "new"):
        if not entry.name.startswith("."):
            try:
                found.append((entry.stat().st_mtime_ns, entry.name))
            except FileNotFoundError:
                continue  # another mail program was faster
    return [folder / "new" / name for _, name in sorted(found)]


def file_away(letter: Path) -> None:
    """Move a letter that was read to `cur/`, marked as seen. Raises OSError."""
    letter.rename(letter.parent.parent / "cur" / f"{letter.name}:2,S")
