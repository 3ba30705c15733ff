"""The node's end of the control socket (see `node.control`)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from node.control import ANSWER, LENGTH, MESSAGE_BYTES_MAX, PROGRESS, REQUEST, SORRY, STEPS, reachable
from node.requests import Answer, Progress, Request, decode_request, encode_answer
from node.sorry import Sorry
from sync.reject import Reject

# Commands a person runs at a time on one box; each holds a connection.
CONNECTIONS_MAX = 32
# A command sends its request in one go; whoever dawdles is not one of ours.
REQUEST_S = 30.0
# Progress is for eyes: not every step of a rebuild is told.
PROGRESS_EVERY = 500

Work = Callable[[Request, Progress], Awaitable[Answer]]


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
            with reachable(self._path) as address:
                listener.bind(address)
        finally:
            os.umask(old_mask)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)

    async def close(self) -> None:
        """Stop at once; commands that still wait are told by the closed connection."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        for writer in list(self._open):
            await _hang_up(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            await _hang_up(writer)
            return
        self._open.add(writer)
        try:
            while True:
                await self._answer_one(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, Reject):
            pass  # the command ended, or it was none
        finally:
            await _hang_up(writer)
            self._open.discard(writer)

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(LENGTH.size)
        (length,) = LENGTH.unpack(head)
        if not 1 < length <= MESSAGE_BYTES_MAX:
            raise ConnectionError
        data = await asyncio.wait_for(reader.readexactly(length), REQUEST_S)
        if data[:1] != REQUEST:
            raise ConnectionError
        request = decode_request(data[1:])
        loop = asyncio.get_running_loop()

        def progress(done: int, of: int) -> None:
            if done % PROGRESS_EVERY == 0 or done == of:
                loop.call_soon_threadsafe(_write, writer, PROGRESS + STEPS.pack(done, of))

        try:
            _write(writer, ANSWER + encode_answer(await self._work(request, progress)))
        except Sorry as sorry:
            _write(writer, SORRY + str(sorry).encode())
        await writer.drain()


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(LENGTH.pack(len(data)) + data)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
