"""A serial line in the event loop: bytes both ways, until it is lost. The only file that imports `serial`.

A device is pulled out at any moment, taken by another program, or driven by a driver that hangs. Opening may
take for ever, so who opens does it in a thread (`radio.detached`); reading and writing never block.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import serial

from radio.board_search import NO_SERIAL_LINE, NOT_THERE
from radio.kept_road import Lost
from radio.road_words import for_people

# A line that takes nothing for so long hangs: the slowest preset sends a frame in 15 s.
TAKES_NOTHING_S = 60.0
# How often that is looked at.
LOOK_S = 0.5
READ_BYTES = 4_096

CANNOT_OPEN = for_people("The device cannot be opened. Is it in use, or not this user's?")
TAKES_NOTHING = for_people("The device takes nothing any more.")


@dataclass(frozen=True, slots=True)
class SerialPlace:
    """A device file, and the speed of the line in bits a second."""

    device: Path
    baud: int


class Device(Protocol):
    """An open serial line that does not block: `serial.Serial`, as far as it is needed."""

    def fileno(self) -> int:
        """Its file descriptor."""

    def close(self) -> None:
        """Let go of it; what is not sent is dropped."""


def open_device(place: SerialPlace) -> Device:
    """Open the line for us alone. Raises OSError."""
    device: Device = serial.Serial(str(place.device), place.baud, timeout=0, write_timeout=0, exclusive=True)
    return device


def why_not_opened(fault: BaseException | None) -> str:
    """What `open_device` ran into, for people; never an address."""
    match fault:
        case OSError(errno=errno.ENOENT | errno.ENODEV | errno.ENXIO):
            return NOT_THERE
        case OSError(errno=errno.EISDIR) | OSError(__context__=termios.error(args=(errno.ENOTTY, *_))):
            return NO_SERIAL_LINE
        case _:
            return CANNOT_OPEN


class SerialLine:
    """An open device in the event loop."""

    def __init__(self, device: Device, take: Callable[[bytes], None]) -> None:
        """`take` is called with what comes. Call it in the loop. Raises OSError."""
        self._fd = device.fileno()
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._stuck_since_s: float | None = None
        self._end: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(self._fd, False)
        self._loop.add_reader(self._fd, self._read)

    async def until_lost(self) -> None:
        """Returns never. Raises Lost."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await asyncio.shield(self._end)
            stuck_s = self._stuck_since_s
            if stuck_s is not None and self._loop.time() - stuck_s > TAKES_NOTHING_S:
                raise Lost(TAKES_NOTHING)

    def write(self, data: bytes) -> None:
        """Send bytes as fast as the line takes them."""
        self._unsent += data
        self._write()

    def close(self) -> None:
        """Leave the loop; the device is its opener's to close."""
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        if self._end.done() and not self._end.cancelled():
            self._end.exception()  # looked at
        self._end.cancel()

    def _read(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:  # readable, and nothing to read: it was pulled out
            self._lose()

    def _write(self) -> None:
        try:
            sent = os.write(self._fd, self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose()
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._stuck_since_s = None
            self._loop.remove_writer(self._fd)
            return
        if sent or self._stuck_since_s is None:
            self._stuck_since_s = self._loop.time()
        self._loop.add_writer(self._fd, self._write)

    def _lose(self) -> None:
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        if not self._end.done():
            self._end.set_exception(Lost(NOT_THERE))


def marks_of(device: Path) -> tuple[int, int] | None:
    """What changes when a device is pulled out and plugged in again; None while it is not there."""
    try:
        status = device.stat()
    except OSError:
        return None
    return status.st_rdev, status.st_ino


def lasting_names(folder: Path = Path("/dev/serial/by-id")) -> tuple[Path, ...]:
    """The serial devices that are plugged in, each by a name that it has in every socket."""
    try:
        return tuple(sorted(folder.iterdir()))
    except OSError:
        return ()  # none, or a system without udev
