"""The control socket: how a command speaks to the node that runs in the same HOME.

A UNIX socket of mode 0600, so that whoever may speak here could also read the files. Each message has its
length before it, four bytes, and its first byte says what it is. One request at a time on a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from node.console import (
    Answer,
    Progress,
    Request,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from node.sorry import Sorry
from sync.reject import Reject

# A handful of bundles to import (see console.RECORDS_BYTES_MAX, and one of 32 KiB over it) and their keys.
MESSAGE_BYTES_MAX = 1_200_000
# Commands a person runs at a time on one box; each holds a connection.
CONNECTIONS_MAX = 32
# A command sends its request in one go; whoever dawdles is not one of ours.
REQUEST_S = 30.0
# Progress lines a second are for eyes.
PROGRESS_EVERY = 500
# sockaddr_un holds 108 bytes with the zero at its end.
SOCKET_PATH_BYTES_MAX = 107

_REQUEST, _PROGRESS, _ANSWER, _SORRY = b"r", b"p", b"a", b"s"
_LENGTH = struct.Struct(">I")
_STEPS = struct.Struct(">QQ")

Work = Callable[[Request, Progress], Awaitable[Answer]]


class BrokenOff(Sorry):
    """The node ended, or is not ours to speak to."""


class ControlServer:
    """Answers requests until it is closed. `work` raises Sorry with the line for the person."""

    def __init__(self, path: Path, work: Work) -> None:
        self._path = path
        self._work = work
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; a socket left by a crash is replaced (the caller holds the HOME's lock). Raises OSError."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_mask = os.umask(0o177)
        try:
            with _reachable(self._path) as address:
                listener.bind(address)
        finally:
            os.umask(old_mask)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)

    async def close(self) -> None:
        """Stop at once; commands that still wait are told by the closed connection."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._open.add(writer)
        try:
            while True:
                await self._answer_one(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, Reject):
            pass  # the command ended, or it was none
        finally:
            self._open.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(_LENGTH.size)
        (length,) = _LENGTH.unpack(head)
        if not 1 < length <= MESSAGE_BYTES_MAX:
            raise ConnectionError
        data = await asyncio.wait_for(reader.readexactly(length), REQUEST_S)
        if data[:1] != _REQUEST:
            raise ConnectionError
        request = decode_request(data[1:])
        loop = asyncio.get_running_loop()

        def progress(done: int, of: int) -> None:
            if done % PROGRESS_EVERY == 0 or done == of:
                loop.call_soon_threadsafe(_write, writer, _PROGRESS + _STEPS.pack(done, of))

        try:
            _write(writer, _ANSWER + encode_answer(await self._work(request, progress)))
        except Sorry as sorry:
            _write(writer, _SORRY + str(sorry).encode())
        await writer.drain()


class ControlClient:
    """A connection to the running node. Raises OSError when none listens."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _reachable(path) as address:
                self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self._file = self._socket.makefile("rwb")

    def ask(self, request: Request, progress: Progress) -> Answer:
        """Have a request answered. Raises Sorry, BrokenOff."""
        try:
            data = _REQUEST + encode_request(request)
            self._file.write(_LENGTH.pack(len(data)) + data)
            self._file.flush()
            while True:
                kind, body = self._read()
                if kind == _PROGRESS:
                    progress(*_STEPS.unpack(body))
                elif kind == _ANSWER:
                    return decode_answer(body)
                else:
                    raise Sorry(body.decode(errors="replace"))
        except (OSError, struct.error, Reject) as error:
            raise BrokenOff("the node ended before it answered; look into its log") from error

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._socket.close()

    def _read(self) -> tuple[bytes, bytes]:
        (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
        data = self._file.read(length) if length <= MESSAGE_BYTES_MAX else b""
        if not data or len(data) != length:
            raise ConnectionError
        return data[:1], data[1:]


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(_LENGTH.pack(len(data)) + data)


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """An address for `path` that fits the kernel's structure, however deep the HOME lies."""
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
