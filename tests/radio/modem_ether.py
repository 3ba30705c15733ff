"""KISS modems on pseudo-terminals, and the air between them. A modem can be pulled out at any moment.

The coding here is written apart from `radio.kiss`, by the words of the KISS document, so that the two agree
by the standard and not by habit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from pathlib import Path


def wrap(frame: bytes, first: int = 0) -> bytes:
    """A KISS frame, byte by byte."""
    wire = [0xC0]
    for byte in bytes([first]) + frame:
        wire += {0xC0: [0xDB, 0xDC], 0xDB: [0xDB, 0xDD]}.get(byte, [byte])
    return bytes([*wire, 0xC0])


def unwrap(wire: bytes) -> list[bytes]:
    """The data of whole frames in these bytes, without type bytes."""
    pieces = [piece for piece in wire.split(b"\xc0") if piece]
    return [piece.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")[1:] for piece in pieces]


class Modem:
    """One modem: what its node writes goes on the air, what others send is written to its node."""

    def __init__(self, ether: Ether, device: Path) -> None:
        self.device = device
        self.sent: list[bytes] = []
        self._ether = ether
        self._loop = asyncio.get_running_loop()
        self._master: int | None = None
        self._slave = -1
        self._came = b""

    @property
    def is_in(self) -> bool:
        return self._master is not None

    def plug_in(self) -> None:
        master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(master, False)
        self._master, self._came = master, b""
        self._loop.add_reader(master, self._read)
        self.device.symlink_to(os.ttyname(self._slave))

    def pull_out(self) -> None:
        if self._master is None:
            return
        self.device.unlink()
        self._loop.remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = None

    def hang(self) -> None:
        """Take nothing any more, plugged in as it is."""
        if self._master is not None:
            self._loop.remove_reader(self._master)

    def write(self, wire: bytes) -> None:
        """Bytes to the node, as they are. What does not fit into the line is lost."""
        if self._master is not None:
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, wire)

    def _read(self) -> None:
        assert self._master is not None
        self._came += os.read(self._master, 4096)
        whole, fend, rest = self._came.rpartition(b"\xc0")
        self._came = rest
        for frame in unwrap(whole + fend):
            self.sent.append(frame)
            self._ether.carry(self, frame)


class Ether:
    """Everybody who is plugged in hears everybody else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.modems: list[Modem] = []

    def modem(self, name: str) -> Modem:
        modem = Modem(self, self._folder / name)
        self.modems.append(modem)
        modem.plug_in()
        return modem

    def carry(self, sender: Modem, frame: bytes) -> None:
        for modem in self.modems:
            if modem is not sender:
                modem.write(wrap(frame))

    def close(self) -> None:
        for modem in self.modems:
            modem.pull_out()
