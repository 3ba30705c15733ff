"""The bench: fake boards at ptys and TCP ports, in a loop of their own, plugged from any thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import shutil
import socket
import struct
import threading
import tty
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from radio.mesh_channel import channel_of
from sync.signing import Network
from tests.radio.board.ether import Aired, Ether
from tests.radio.board.firmware import Firmware

T = TypeVar("T")
WAIT_S = 20.0
USB_ID = ("1a86", "55d4")
OURS = channel_of(Network())


class Bench:
    """Holds the ether and the boards. `folder` gets a /dev and a /sys in small."""

    def __init__(self, folder: Path, speed: float = 1.0) -> None:
        self.dev = folder / "dev"
        self.sys = folder / "sys"
        (self.dev / "serial" / "by-id").mkdir(parents=True)
        (self.sys / "class" / "tty").mkdir(parents=True)
        self._speed = speed
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bench", daemon=True)
        self._boards: list[BoardOnBench] = []

    def __enter__(self) -> Bench:
        self._thread.start()
        self.ether = self.do(lambda: Ether(self._speed))
        return self

    def __exit__(self, *_: object) -> None:
        for board in self._boards:
            board.unplug()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    def do(self, work: Callable[[], T]) -> T:
        """Do it in the bench's loop, and wait for it."""

        async def call() -> T:
            return work()

        return self.run(call())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in the bench's loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S + 5)

    def board(self, name: str = "board", *, tcp: bool = False, plugged: bool = True, **settings) -> Any:
        """A board of this name, with Mic Check's channel unless `channel` says otherwise."""
        settings.setdefault("channel", (OURS.name, OURS.key))
        number = 0x0A000001 + len(self._boards)
        firmware = self.do(lambda: Firmware(name, number, self.ether, **settings))
        board = (TcpBoard if tcp else SerialBoard)(self, firmware)
        self._boards.append(board)
        if plugged:
            board.plug()
        return board

    def aired(self, sender: str | None = None) -> list[Aired]:
        """What was on the air so far, of all or of one."""
        return self.do(lambda: [each for each in self.ether.log if sender in (None, each.sender)])

    async def _end(self) -> None:
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


class BoardOnBench:
    """A board and its plug."""

    def __init__(self, bench: Bench, firmware: Firmware) -> None:
        self.bench = bench
        self.firmware = firmware
        self.name = firmware.name
        firmware.reboot = self._restart
        self._plugged = False

    def plug(self) -> None:
        """Give it power and a computer."""
        self.bench.do(self._plug_once)

    def unplug(self) -> None:
        """Pull it out, in the middle of whatever it does."""
        self.bench.do(self._unplug_once)

    def hang(self) -> None:
        """It stands still, and its plug stays in."""
        self.bench.do(lambda: setattr(self.firmware, "hangs", True))

    def do(self, work: Callable[[Firmware], T]) -> T:
        """Do something with the firmware, in its loop."""
        return self.bench.do(lambda: work(self.firmware))

    def wait(self, until: Callable[[Firmware], bool]) -> None:
        """Wait until this is true of the firmware. Raises TimeoutError."""

        async def look() -> None:
            async with asyncio.timeout(WAIT_S):
                while not until(self.firmware):
                    await asyncio.sleep(0.02)

        self.bench.run(look())

    def _restart(self) -> None:
        self._unplug_once()
        self._plug_once()

    def _plug_once(self) -> None:
        if not self._plugged:
            self._plugged = True
            self.firmware.hangs = False
            self.firmware.power_on()
            self._connect()

    def _unplug_once(self) -> None:
        if self._plugged:
            self._plugged = False
            self.firmware.power_off()
            self._disconnect()

    def _connect(self) -> None:
        raise NotImplementedError

    def _disconnect(self) -> None:
        raise NotImplementedError


class SerialBoard(BoardOnBench):
    """At a pty, with the names that udev gives a USB device."""

    def __init__(self, bench: Bench, firmware: Firmware) -> None:
        super().__init__(bench, firmware)
        self.by_id = bench.dev / "serial" / "by-id" / f"usb-1a86_USB_Single_Serial_{self.name}-if00"
        self._tty = f"ttyACM{firmware.number & 0xFF}"
        self._master = self._slave = -1

    def _connect(self) -> None:
        self._master, self._slave = pty.openpty()  # ours stays open: no hang-up before somebody opens it
        tty.setraw(self._master)
        os.set_blocking(self._master, False)
        (self.bench.dev / self._tty).symlink_to(os.ttyname(self._slave))
        self.by_id.symlink_to(Path("../..") / self._tty)
        usb = self.bench.sys / "devices" / self._tty
        (usb / "interface").mkdir(parents=True)
        for file, value in zip(("idVendor", "idProduct"), USB_ID, strict=True):
            (usb / file).write_text(value + "\n")
        (self.bench.sys / "class" / "tty" / self._tty).mkdir()
        (self.bench.sys / "class" / "tty" / self._tty / "device").symlink_to(usb / "interface")
        self.firmware.plug(self._write)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _disconnect(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        self.by_id.unlink()
        (self.bench.dev / self._tty).unlink()
        shutil.rmtree(self.bench.sys / "class" / "tty" / self._tty)
        shutil.rmtree(self.bench.sys / "devices" / self._tty)
        os.close(self._master)
        os.close(self._slave)

    def _read(self) -> None:
        if self.firmware.hangs:  # what comes stays where it is
            asyncio.get_running_loop().remove_reader(self._master)
            return
        with contextlib.suppress(OSError):
            self.firmware.feed(os.read(self._master, 4_096))

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads: a USB board drops it as well
            os.write(self._master, data)


class TcpBoard(BoardOnBench):
    """Behind a TCP port, as a board with Wi-Fi or a daemon; the newest client has it."""

    def __init__(self, bench: Bench, firmware: Firmware) -> None:
        super().__init__(bench, firmware)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None

    def _connect(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _disconnect(self) -> None:
        assert self._listener is not None
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self._reset()

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        self._reset()
        client.setblocking(False)
        self._client = client
        self.firmware.plug(self._write)
        asyncio.get_running_loop().add_reader(client, self._read, client)

    def _read(self, client: socket.socket) -> None:
        if self.firmware.hangs:
            asyncio.get_running_loop().remove_reader(client)
            return
        try:
            data = client.recv(4_096)
        except OSError:
            data = b""
        if data:
            self.firmware.feed(data)
        elif client is self._client:
            self._reset()

    def _write(self, data: bytes) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.send(data)

    def _reset(self) -> None:
        """Cut the client off as a process that was killed does."""
        client, self._client = self._client, None
        self.firmware.unplug()
        if client is not None:
            asyncio.get_running_loop().remove_reader(client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
