"""What was being handed to a mail server when the node died: a line before each letter, one after its 250.

Letters are noted in the store in batches, because a sync of an SD card (10 to 100 ms) for each would make a
minute of internet shorter by half. This file is what the batch in hand has come to. It is written and not
synced: when the process is killed the kernel keeps what was written, so one letter is in doubt, the one whose
answer was awaited. When the power goes the last lines may be missing, and then the whole batch is in doubt,
and is looked for in the list's mail.

Other ways looked at, 300 letters to a server on the same machine with an SSD, both busy: as it is 316 letters
a second; fdatasync of this file after each 250, 129; a commit for each letter, 111. Both leave one letter in
doubt after a power cut too, and wear the card as much as each other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# The same until the machine starts anew (Linux, random(4)): then what was not synced may be lost.
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Left:
    """What a journal tells of the letters that were being sent, by their ids."""

    begun: frozenset[bytes] = field(default_factory=frozenset)
    taken: frozenset[bytes] = field(default_factory=frozenset)
    is_whole: bool = False  # what is not in it did not happen


class SendingJournal:
    """The file of one list. Used in one thread."""

    def __init__(self, path: Path, boot: str | None = None) -> None:
        """`boot` names this start of the machine; None: ask Linux."""
        self._path = path
        self._boot = _boot_id() if boot is None else boot
        self._file: int | None = None

    def read(self) -> Left:
        """What the last run left."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return Left()
        whole = bool(self._boot) and lines[0] == f"boot {self._boot}".encode()
        words = [line.split(b" ") for line in lines[:-1]]  # what follows the last line end is torn
        return Left(_ids(words, b"begin"), _ids(words, b"taken"), whole)

    def clear(self, unsure: Iterable[bytes] = (), taken: Iterable[bytes] = ()) -> None:
        """What is in it stands in the store, but for letters that may have arrived, and those that have.

        Raises OSError.
        """
        if self._file is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o600)
        os.ftruncate(self._file, 0)
        begun = [f"begin {id_.hex()}\n" for id_ in unsure]
        there = [f"taken {id_.hex()}\n" for id_ in taken]
        os.write(self._file, "".join((f"boot {self._boot}\n", *begun, *there)).encode())

    def begin(self, id_: bytes) -> None:
        """The server may take it from now on. Raises OSError."""
        self._write(b"begin", id_)

    def taken(self, id_: bytes, *, survive: bool = False) -> None:
        """The server has it. With `survive` the power may go: for a digest, fifty messages, a sync is cheap.

        Raises OSError.
        """
        self._write(b"taken", id_)
        if survive and self._file is not None:
            os.fdatasync(self._file)

    def close(self) -> None:
        """No more is written; what is in it stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, word: bytes, id_: bytes) -> None:
        assert self._file is not None
        os.write(self._file, word + b" " + id_.hex().encode() + b"\n")


def _ids(words: list[list[bytes]], word: bytes) -> frozenset[bytes]:
    return frozenset(
        bytes.fromhex(line[1].decode())
        for line in words
        if len(line) == 2 and line[0] == word and _is_hex(line[1])
    )


def _is_hex(text: bytes) -> bool:
    return len(text) % 2 == 0 and not text.strip(b"0123456789abcdef")


def _boot_id() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""  # not Linux: nothing that is missing in the file counts as not done
