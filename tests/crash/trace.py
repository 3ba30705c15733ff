"""What a process did to the files of a folder, and what it promised meanwhile, read from strace.

The node runs unmodified; strace notes its system calls. What the calls did becomes a list of changes in the
order in which they returned, and every answer 201 becomes a place in that list: the changes before it are
all the answer can rest on. `tests.crash.image` plays the list up to a cut.

What touches the folder in a way that is not understood here raises Unmodelled: a harness that overlooks a
write proves nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

# With `?` strace passes over calls that a processor does not have (arm64 has no `unlink`).
CALLS = (
    "?open,?openat,?openat2,?creat,?write,?writev,?pwrite64,?pwritev,?pwritev2,?lseek,?ftruncate,?truncate,"
    "?fallocate,?fsync,?fdatasync,?rename,?renameat,?renameat2,?unlink,?unlinkat,?link,?linkat,?mmap,"
    "?copy_file_range,?sendfile,?splice,?sendto,?sendmsg,?sendmmsg,?io_uring_setup"
)
# Longer than any write of SQLite (a page) and than any answer.
STRING_BYTES_MAX = 1 << 20


def strace(log: Path, command: list[str]) -> list[str]:
    """The command line that runs `command` and writes its trace to `log`."""
    return [
        *("strace", "-f", "-qq", "-y", "-xx", "--seccomp-bpf", "-e", "signal=none"),
        *("-s", str(STRING_BYTES_MAX), "-e", f"trace={CALLS}", "-o", str(log), *command),
    ]


class Unmodelled(Exception):
    """A call changed the folder in a way that the harness does not know."""


@dataclass(frozen=True, slots=True)
class Made:
    """A file came to be."""

    path: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """Bytes were written at an offset; None: at the end. Without bytes the file grew up to the offset."""

    path: str
    offset: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file was cut off or drawn out to a size."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """A file or folder was forced to the disk: of it, the first `began` changes of the trace are safe."""

    path: str
    began: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A file got another name, in place of whatever had it."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A name is gone."""

    path: str


Change = Made | Wrote | Resized | Synced | Moved | Removed


@dataclass(frozen=True, slots=True)
class Trace:
    """Changes as they happened. `answered[id]`: how many of them had, when a 201 for that id left."""

    changes: tuple[Change, ...]
    answered: dict[str, int]


def read_trace(lines: Iterable[str], folder: Path) -> Trace:
    """The trace of the files below `folder`. Raises Unmodelled."""
    reading = _Reading(os.path.realpath(folder))
    for call in _whole_calls(lines, reading.changes):
        reading.take(call)
    return Trace(tuple(reading.changes), reading.answered)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that returned; `began` is how many changes had happened when it was made."""

    name: str
    arguments: str
    result: int
    began: int

    @property
    def strings(self) -> list[bytes]:
        """Its texts. Raises Unmodelled when strace cut one off."""
        if '"...' in self.arguments:
            raise Unmodelled(f"{self.name}: strace cut a text off")
        return [_unescape(text) for text in _STRING.findall(self.arguments)]

    @property
    def descriptor(self) -> int:
        """The file descriptor that is its first argument."""
        return int(re.match(r"-?\d+", self.arguments)[0])  # type: ignore[index]

    @property
    def file(self) -> str:
        """The path behind the first descriptor among its arguments; empty for a file that has no name."""
        found = _DESCRIPTOR.search(self.arguments)
        return "" if found is None or found["gone"] else _path_of(found["path"])

    def number(self, place: int) -> int:
        """The argument at a place counted from the end, -1 being the last."""
        return int(self.arguments.split(", ")[place])


_LINE = re.compile(r"(?P<process>\d+) +(?P<rest>.*)", re.DOTALL)
_COMPLETE = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|0x[0-9a-f]+|\?)", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_UNFINISHED = " <unfinished ...>"
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<(?P<path>(?:\\x[0-9a-f]{2}|[^>\\])*)>(?P<gone>\(deleted\))?")
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_ID = re.compile(rb'"id": ?"([0-9a-f]{32})"')


def _unescape(text: str) -> bytes:
    """The bytes of a text in which strace escaped every byte, as `-xx` has it."""
    return bytes.fromhex(text.replace("\\x", ""))


@cache
def _path_of(text: str) -> str:
    """A path between angle brackets. Some strace escape it, some do not."""
    return os.fsdecode(_unescape(text)) if text.startswith("\\x") else text


def _whole_calls(lines: Iterable[str], changes: list[Change]) -> Iterator[_Call]:
    """Calls in the order of their return. What threads do meanwhile cuts a call's line in two."""
    unfinished: dict[str, tuple[str, int]] = {}
    for line in lines:
        match = _LINE.match(line.rstrip("\n"))
        if match is None:
            raise Unmodelled(f"a line that cannot be read: {line[:200]}")
        if match["rest"].startswith(("+++", "---")):
            continue
        process, rest, began = match["process"], match["rest"], len(changes)
        if rest.endswith(_UNFINISHED):
            head_text = rest.removesuffix(_UNFINISHED)
            unfinished[process] = (head_text, began)
            name, _, arguments = head_text.partition("(")
            if name in _SENDS:
                yield _Call(name, arguments, 0, began)
            continue
        resumed = _RESUMED.match(rest)
        if resumed is not None:
            head_text, began = unfinished.pop(process)
            rest = head_text + rest[resumed.end() :]
        call = _COMPLETE.match(rest)
        if call is None:
            raise Unmodelled(f"a line that cannot be read: {rest[:200]}")
        if call["result"] == "?" or (resumed is not None and call["name"] in _SENDS):
            continue  # it never returned, or it was taken when it began
        yield _Call(call["name"], call["arguments"], int(call["result"], 0), began)


@dataclass
class _Reading:
    """The trace so far, and what descriptors point at."""

    folder: str
    changes: list[Change] = field(default_factory=list)
    answered: dict[str, int] = field(default_factory=dict)
    _positions: dict[int, int | None] = field(default_factory=dict)  # None: writes go to the end
    _promising: dict[int, int] = field(default_factory=dict)  # 201 is out, the id is still to come

    def take(self, call: _Call) -> None:
        """Note what a call did; a call that failed did nothing."""
        if call.result < 0:
            return
        handler = _HANDLERS.get(call.name)
        if handler is not None:
            handler(self, call)
        elif any(self._path(path) for path in self._names(call)):
            raise Unmodelled(f"{call.name} on a file of the folder: {call.arguments[:200]}")

    def opened(self, call: _Call) -> None:
        """open, openat, creat. A file is made when it was not there; image.py knows."""
        path = self._path(self._target(call, 0))
        if path is None:
            self._positions.pop(call.result, None)
            return
        self._positions[call.result] = None if "O_APPEND" in call.arguments else 0
        if "O_CREAT" in call.arguments or call.name == "creat":
            self.changes.append(Made(path))
        if "O_TRUNC" in call.arguments or call.name == "creat":
            self.changes.append(Resized(path, 0))

    def wrote(self, call: _Call) -> None:
        """write: at the descriptor's position, which moves on."""
        path = self._path(call.file)
        if path is None:
            self.sent(call)
            return
        position = self._positions.get(call.descriptor, 0)
        self.changes.append(Wrote(path, position, call.strings[0][: call.result]))
        if position is not None:
            self._positions[call.descriptor] = position + call.result

    def wrote_at(self, call: _Call) -> None:
        """pwrite64."""
        path = self._path(call.file)
        if path is not None:
            self.changes.append(Wrote(path, call.number(-1), call.strings[0][: call.result]))

    def sought(self, call: _Call) -> None:
        """lseek."""
        if self._path(call.file) is not None and self._positions.get(call.descriptor) is not None:
            self._positions[call.descriptor] = call.result

    def resized(self, call: _Call) -> None:
        """ftruncate."""
        path = self._path(call.file)
        if path is not None:
            self.changes.append(Resized(path, call.number(-1)))

    def reserved(self, call: _Call) -> None:
        """fallocate in its plain mode: the file reaches to the end of the range now."""
        path = self._path(call.file)
        if path is None:
            return
        if call.arguments.split(", ")[-3] != "0":
            raise Unmodelled(f"fallocate in another mode than 0: {call.arguments[:200]}")
        self.changes.append(Wrote(path, call.number(-2) + call.number(-1), b""))

    def synced(self, call: _Call) -> None:
        """fsync, fdatasync: of contents and size they promise the same."""
        path = self._path(call.file)
        if path is not None:
            self.changes.append(Synced(path, call.began))

    def moved(self, call: _Call) -> None:
        """rename and its kin, within the folder."""
        old, new = self._path(self._target(call, 0)), self._path(self._target(call, 1))
        if (old is None) != (new is None):
            raise Unmodelled(f"a move into or out of the folder: {call.arguments[:200]}")
        if old is not None and new is not None:
            self.changes.append(Moved(old, new))

    def removed(self, call: _Call) -> None:
        """unlink, unlinkat."""
        path = self._path(self._target(call, 0))
        if path is not None and "AT_REMOVEDIR" not in call.arguments:
            self.changes.append(Removed(path))

    def mapped(self, call: _Call) -> None:
        """mmap: what is written through a shared map of the folder would be unseen."""
        if "PROT_WRITE" in call.arguments and "MAP_SHARED" in call.arguments and self._path(call.file):
            raise Unmodelled(f"a writable map of a file: {call.arguments[:200]}")

    def sent(self, call: _Call) -> None:
        """A send. The promise counts from the moment its first byte may have left."""
        data = b"".join(call.strings)
        status = _STATUS.match(data)
        if status is not None:
            self._promising.pop(call.descriptor, None)
            if status[1] == b"201":
                self._promising[call.descriptor] = call.began
        body = _ID.search(data)
        if body is not None and call.descriptor in self._promising:
            self.answered.setdefault(body[1].decode(), self._promising.pop(call.descriptor))

    def _names(self, call: _Call) -> list[str]:
        descriptors = [_path_of(hit["path"]) for hit in _DESCRIPTOR.finditer(call.arguments)]
        return [*descriptors, *(os.fsdecode(text) for text in call.strings)]

    def _target(self, call: _Call, nth: int) -> str:
        """The nth path that a call names, seen from the folder it names before it."""
        bases = [_path_of(hit["path"]) for hit in _DESCRIPTOR.finditer(call.arguments)]
        name = os.fsdecode(call.strings[nth])
        return str(Path(bases[min(nth, len(bases) - 1)], name)) if bases else name

    def _path(self, path: str) -> str | None:
        """The path below the folder; None for what is elsewhere.

        SQLite's shared memory is elsewhere too: it is never synced, and after a power cut made anew.
        """
        inside = path == self.folder or path.startswith(self.folder + os.sep)
        if not inside or path.endswith("-shm"):
            return None
        return os.path.relpath(path, self.folder)


_HANDLERS: dict[str, Callable[[_Reading, _Call], None]] = {
    **dict.fromkeys(("open", "openat", "creat"), _Reading.opened),
    "write": _Reading.wrote,
    "pwrite64": _Reading.wrote_at,
    "lseek": _Reading.sought,
    "ftruncate": _Reading.resized,
    "fallocate": _Reading.reserved,
    **dict.fromkeys(("fsync", "fdatasync"), _Reading.synced),
    **dict.fromkeys(("rename", "renameat", "renameat2"), _Reading.moved),
    **dict.fromkeys(("unlink", "unlinkat"), _Reading.removed),
    "mmap": _Reading.mapped,
    **dict.fromkeys(("sendto", "sendmsg", "sendmmsg"), _Reading.sent),
}
# Taken when they begin: the other side may have read the answer before the call returns.
_SENDS = frozenset(("sendto", "sendmsg", "sendmmsg"))
