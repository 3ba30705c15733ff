"""The control socket: how a command speaks to the node that runs in the same HOME.

A UNIX socket of mode 0600, so that whoever may speak here could also read the files. Each message has its
length before it, four bytes, and its first byte says what it is. One request at a time on a connection.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from node.requests import Answer, Progress, Request, decode_answer, encode_request, no_progress
from node.sorry import Sorry
from sync.reject import Reject

# A handful of bundles to import (see console.RECORDS_BYTES_MAX, and one of 32 KiB over it) and their keys.
MESSAGE_BYTES_MAX = 1_200_000
# sockaddr_un holds 108 bytes with the zero at its end.
SOCKET_PATH_BYTES_MAX = 107

REQUEST, PROGRESS, ANSWER, SORRY = b"r", b"p", b"a", b"s"
LENGTH = struct.Struct(">I")
STEPS = struct.Struct(">QQ")


class BrokenOff(Sorry):
    """The node ended, or is not ours to speak to."""


class ControlClient:
    """A connection to the running node. Raises OSError when none listens."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with reachable(path) as address:
                self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self._file = self._socket.makefile("rwb")

    def begin(self, request: Request, progress: Progress = no_progress) -> Callable[[], Answer]:
        """Hand a request in. Answers come in the order of the requests. Raises BrokenOff."""
        with _broken_off():
            data = REQUEST + encode_request(request)
            self._file.write(LENGTH.pack(len(data)) + data)
            self._file.flush()
        return lambda: self._answer(progress)

    def ask(self, request: Request, progress: Progress) -> Answer:
        """Have a request answered. Raises Sorry, BrokenOff."""
        return self.begin(request, progress)()

    def _answer(self, progress: Progress) -> Answer:
        with _broken_off():
            while True:
                kind, body = self._read()
                if kind == PROGRESS:
                    progress(*STEPS.unpack(body))
                elif kind == ANSWER:
                    return decode_answer(body)
                else:
                    raise Sorry(body.decode(errors="replace"))

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._socket.close()

    def _read(self) -> tuple[bytes, bytes]:
        (length,) = LENGTH.unpack(self._file.read(LENGTH.size))
        data = self._file.read(length) if length <= MESSAGE_BYTES_MAX else b""
        if not data or len(data) != length:
            raise ConnectionError
        return data[:1], data[1:]


@contextmanager
def _broken_off() -> Iterator[None]:
    try:
        yield
    except (OSError, struct.error, Reject) as error:
        raise BrokenOff("the node ended before it answered; look into its log") from error


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """An address for `path` that fits the kernel's structure, however deep the HOME lies."""
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
