"""What a disk holds after the power went: what a list of changes left, minus what was not forced out.

The rules are the harsh ones of POSIX, not the kind ones of one file system. Since the last fsync of a file
each write may have reached the disk or not, or some of its 512-byte sectors only, in any order. A name
(made, moved, removed) is safe when its folder was synced; names of a folder that was not come in the order in
which they were changed, as journals keep them, up to any point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePath
from random import Random

from tests.crash.trace import Change, Made, Moved, Removed, Resized, Synced, Trace, Wrote

SECTOR_BYTES = 512
_KEPT, _DROPPED, _TORN = "kept", "dropped", "torn"
# How likely a write is kept, dropped or torn. One set of odds a file and cut: an even mixture alone would
# almost never show a disk that kept all, or nothing.
_ODDS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (8, 1, 1), (1, 8, 1))

Image = dict[str, bytes]
Names = dict[str, "_File"]
_Rename = Callable[[Names], object]


@dataclass(eq=False)
class _File:
    """A file's bytes: what is safe, and numbered changes since."""

    safe: bytearray
    size: int
    pending: list[tuple[int, int, bytes | None]] = field(default_factory=list)  # number, at, data | resize

    def change(self, number: int, at: int | None, data: bytes | None) -> None:
        """Write `data` at a place (None: at the end), or without data take the size `at`."""
        at = self.size if at is None else at
        self.size = at if data is None else max(self.size, at + len(data))
        self.pending.append((number, at, data))

    def sync(self, began: int) -> None:
        """Make safe what was changed before change number `began`."""
        for number, at, data in self.pending:
            if number < began:
                _apply(self.safe, at, data)
        self.pending = [change for change in self.pending if change[0] >= began]

    def after_power_cut(self, random: Random) -> bytes:
        content = bytearray(self.safe)
        odds = random.choice(_ODDS)
        for _, at, data in self.pending:
            fate = random.choices((_KEPT, _DROPPED, _TORN), odds)[0]
            if fate == _KEPT or (fate == _TORN and data is None and random.random() < 0.5):
                _apply(content, at, data)
            elif fate == _TORN and data is not None:
                for start, sector in _sectors(at, data):
                    if random.random() < 0.5:
                        _apply(content, start, sector)
        return bytes(content)


class Disk:
    """A folder's files while changes are played on them in order."""

    def __init__(self, files: Image) -> None:
        """`files`: what lies there, all of it safe."""
        self._names: Names = {path: _File(bytearray(data), len(data)) for path, data in files.items()}
        self._safe_names: Names = dict(self._names)
        self._pending_names: list[tuple[int, tuple[str, ...], _Rename]] = []
        self._played = 0

    @property
    def played(self) -> int:
        """How many changes have happened."""
        return self._played

    def play(self, change: Change) -> None:
        """Let the next change happen."""
        match change:
            case Made(path):
                if path not in self._names:
                    file = _File(bytearray(), 0)
                    self._name((path,), lambda names: names.update({path: file}))
            case Wrote(path, offset, data):
                self._names[path].change(self._played, offset, data)
            case Resized(path, size):
                self._names[path].change(self._played, size, None)
            case Moved(path, to):
                file = self._names[path]
                self._name((path, to), lambda names: _move(names, file, path, to))
            case Removed(path):
                self._name((path,), lambda names: names.pop(path, None))
            case Synced(path, began):
                self._sync(path, began)
        self._played += 1

    def after_power_cut(self, random: Random) -> Image:
        """What lies there if the power goes now."""
        names = dict(self._safe_names)
        for _, _, rename in self._pending_names[: random.randint(0, len(self._pending_names))]:
            rename(names)
        return {path: file.after_power_cut(random) for path, file in names.items()}

    def _name(self, paths: tuple[str, ...], rename: _Rename) -> None:
        rename(self._names)
        folders = tuple(str(PurePath(path).parent) for path in paths)
        self._pending_names.append((self._played, folders, rename))

    def _sync(self, path: str, began: int) -> None:
        if path in self._names:
            self._names[path].sync(began)
            return
        touched = [
            place
            for place, (number, folders, _) in enumerate(self._pending_names)
            if number < began and path in folders
        ]
        safe = touched[-1] + 1 if touched else 0
        for _, _, rename in self._pending_names[:safe]:
            rename(self._safe_names)
        del self._pending_names[:safe]


@dataclass(frozen=True, slots=True)
class PowerCut:
    """A moment at which the power went: what lies on the disk, and what had been answered 201 by then."""

    name: str
    image: Image
    answered: frozenset[str]


def power_cuts(before: Image, trace: Trace, seed: str, number: int) -> Iterator[PowerCut]:
    """So many cuts of a trace, in its order: half of them anywhere, half just when an answer left."""
    random = Random(seed)
    anywhere = [random.randint(0, len(trace.changes)) for _ in range(number - number // 2)]
    at_answers = random.choices(list(trace.answered.values()), k=number // 2)
    disk = Disk(before)
    for place, cut in enumerate(sorted([*anywhere, *at_answers])):
        for change in trace.changes[disk.played : cut]:
            disk.play(change)
        image = disk.after_power_cut(Random(f"{seed}-{place}"))
        answered = frozenset(id_ for id_, at in trace.answered.items() if at <= cut)
        yield PowerCut(f"seed {seed}, cut {place}, after {cut} changes", image, answered)


def files_below(folder: Path) -> Image:
    """What lies in a folder: its plain files, SQLite's shared memory left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def write_image(image: Image, folder: Path) -> None:
    """Lay an image out in a folder, made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in image.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if data == bytes(len(data)):  # the ballast: 8 MB that need not be written a thousand times
            with (folder / path).open("wb") as file:
                file.truncate(len(data))
        else:
            (folder / path).write_bytes(data)


def _move(names: Names, file: _File, path: str, to: str) -> None:
    names.pop(path, None)
    names[to] = file


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    end = at if data is None else at + len(data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[at:]
    else:
        content[at:end] = data


def _sectors(at: int, data: bytes) -> list[tuple[int, bytes]]:
    """The parts of a write that lie in one sector each."""
    first = SECTOR_BYTES - at % SECTOR_BYTES
    cuts = [0, *range(first, len(data), SECTOR_BYTES), len(data)]
    return [(at + start, data[start:end]) for start, end in pairwise(cuts)]
