"""Bundles in and out by file and stick, for the coordinators' page.

One file is taken in at a time, in a thread of its own, and one stick is open at a time. What comes from a
phone lies in a file without a name until it is in: a crash leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from hardware import stick_files, stick_mount
from hardware.stick_mount import StickTrouble, Trouble
from hardware.sticks import THIS_BOX, Places, Stick, find
from node.console import work_for
from node.exporting import pieces, write_bundles
from node.home import Home
from node.importing import Tally, read_to_the_end, take_in
from node.pump import Pump, PumpStopped
from node.requests import Answer, Request, SealAll, no_progress
from sync.carried import NotBundles
from sync.signing import Network
from sync.store import StoreFull
from sync.store.carrying import bundles_to_carry
from sync.text import tidy_name
from web_ui.carry_desk import CarryTrouble, IntakeView, OpenStick, StickFileView, StickView, WrittenView

_LOG = logging.getLogger("miccheck")

# Somebody who opened a stick and went away must not leave it open until it is torn out.
CLOSE_AFTER_S = 300.0
# What an upload leaves on the disk, for posts: a week of a big camp.
ROOM_LEFT_BYTES = 50_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Machine:
    """What the desk uses of the box: to be exchanged in tests."""

    places: Places = THIS_BOX
    helper: Path = stick_mount.HELPER


class _Stopped(Exception):
    """Somebody said so, or the node ends."""


class _Intake:
    """A file on its way in. Its thread writes, everybody reads."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.tally = Tally()
        self.state = "running"
        self.trouble = ""
        self.stop = threading.Event()

    def tell(self, tally: Tally) -> None:
        """So far it is."""
        self.tally = tally
        if self.stop.is_set():
            raise _Stopped

    def end(self, state: str, trouble: str = "") -> None:
        """It is over."""
        self.trouble = trouble
        self.state = state

    def view(self) -> IntakeView:
        """For the page."""
        tally, state = self.tally, self.state
        return IntakeView(
            name=self.name,
            state=state,
            bytes_read=min(tally.bytes_read, self.size),
            bytes_total=self.size,
            new=tally.new,
            known=tally.known,
            refused=tally.refused,
            torn=tally.torn,
            trouble=self.trouble,
        )


class NodeCarrying:
    """`web_ui.carry_desk.CarryDesk`, implemented by the running node. Lives in its event loop."""

    def __init__(
        self,
        home: Home,
        pump: Pump,
        network: Network,
        file_name: Callable[[], str],
        changed: Callable[[], None],
        machine: Machine = Machine(),
    ) -> None:
        """`file_name` names what is written; `changed` is told that bundles came, in another thread."""
        self._home = home
        self._pump = pump
        self._network = network
        self._file_name = file_name
        self._changed = changed
        self._machine = machine
        self._intake: _Intake | None = None
        self._at_work = False  # an order is being carried out
        self._work: asyncio.Task[None] | None = None
        self._device: str | None = None  # of the open stick
        self._folder: Path | None = None
        self._written: WrittenView | None = None
        self._closing: asyncio.TimerHandle | None = None

    # -- for the page, in any thread -----------------------------------------------------------------

    def sticks(self) -> tuple[StickView, ...]:
        """What is plugged in."""
        try:
            found = find(self._machine.places)
        except OSError:
            return ()
        return tuple(self._stick_view(stick) for stick in found)

    def can_open(self) -> bool:
        """Whether this node may open sticks at all."""
        return stick_mount.can_mount(self._machine.helper)

    def opened(self) -> OpenStick | None:
        """What lies on the stick that is open."""
        device, folder = self._device, self._folder
        if device is None or folder is None:
            return None
        try:
            found = stick_files.contents(folder)
        except StickTrouble as trouble:
            return OpenStick(device, (), 0, 0, False, trouble.trouble.value)
        files = tuple(
            StickFileView(file.name.hex(), file.shown, file.size_bytes, file.changed_s)
            for file in found.files
        )
        return OpenStick(device, files, found.more, found.odd, found.cut)

    def intake(self) -> IntakeView | None:
        """The file that is being taken in, or the last one."""
        intake = self._intake
        return intake.view() if intake is not None else None

    def written(self) -> WrittenView | None:
        """What was written onto a stick, until something else is done."""
        return self._written

    def bundles(self, since_s: float | None, channel: str | None) -> Iterator[bytes]:
        """A file of bundles, piece by piece."""
        return pieces(bundles_to_carry(self._home.board, since_s, channel))

    def stop(self) -> None:
        """Take in no more of the file; what is in stays in."""
        if self._intake is not None:
            self._intake.stop.set()

    # -- orders, in the event loop -------------------------------------------------------------------

    async def open(self, device: str) -> None:
        """Open a stick to be read, and close the one that is open."""
        with self._alone():
            await self._close()
            folder = await _in_thread(
                lambda: stick_mount.mount(device, False, self._machine.places, self._machine.helper)
            )
            self._device, self._folder = device, folder
            _LOG.info("the stick %s was opened, to be read only", device)
            self._close_later()

    async def close(self) -> None:
        """Close the open stick, so that it can be pulled out."""
        with self._alone():
            await self._close()

    async def take(self, key: str) -> None:
        """Begin to take in a file of the open stick."""
        with self._alone():
            folder = self._folder
            if folder is None:
                raise CarryTrouble(Trouble.GONE)
            name = _name_of(key)
            file = await _in_thread(lambda: stick_files.open_file(folder, name))
            self._begin(file, stick_files.shown(os.fsdecode(name)))
            self._close_later()

    async def write(self, device: str, since_s: float | None, channel: str | None) -> None:
        """Write bundles onto a stick; it is closed when they are on it."""
        with self._alone():
            await self._close()
            await self.seal()
            written = await _in_thread(lambda: self._write(device, since_s, channel))
            self._written = written
            _LOG.info("%d bundles were written onto the stick %s", written.bundles, device)

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Take a file from a phone, then begin to take it in."""
        with self._alone():
            file = await _on_disk(self._nameless_file)
            try:
                async for chunk in chunks:
                    await _on_disk(partial(self._keep, file, chunk))
                await _on_disk(partial(file.seek, 0))
            except BaseException:
                file.close()
                raise
            self._begin(file, stick_files.shown(tidy_name(name)) or "camp.bundles")

    async def seal(self) -> None:
        """Sign what waits, because a file leaves now."""
        with _pump_troubles():
            await asyncio.wrap_future(self._submit(SealAll()))

    async def end(self) -> None:
        """The node ends: stop what is under way and close the stick."""
        self.stop()
        if self._work is not None:
            await self._work
        if self._closing is not None:
            self._closing.cancel()
        try:
            await self._close()
        except CarryTrouble:
            _LOG.warning("a stick could not be closed; it may be pulled out once the node has ended")

    # -- helpers -------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One order at a time, and none beside a file that is being taken in."""
        if self._at_work or (self._intake is not None and self._intake.state == "running"):
            raise CarryTrouble("busy")
        self._at_work, self._written = True, None
        try:
            yield
        finally:
            self._at_work = False

    def _nameless_file(self) -> BinaryIO:
        return tempfile.TemporaryFile(dir=self._home.run)

    def _begin(self, file: BinaryIO, name: str) -> None:
        intake = self._intake = _Intake(name, os.fstat(file.fileno()).st_size)
        self._work = asyncio.create_task(asyncio.to_thread(self._take_in, intake, file))

    def _take_in(self, intake: _Intake, file: BinaryIO) -> None:
        """In a thread of its own, from the first byte to the last."""
        try:
            with file, _pump_troubles():
                intake.tell(take_in(file, self._hand_in, intake.tell))
                self._changed()
                read_to_the_end(intake.tally, self._hand_in, intake.tell)
        except _Stopped:
            intake.end("stopped")
        except NotBundles:
            intake.end("failed", "no_bundles")
        except CarryTrouble as trouble:
            intake.end("failed", trouble.word)
        except OSError:
            intake.end("failed", Trouble.DAMAGED)
        else:
            intake.end("done")

    def _hand_in(self, request: Request) -> Callable[[], Answer]:
        return self._submit(request).result

    def _submit(self, request: Request) -> Future[Answer]:
        return self._pump.submit(work_for(request, no_progress, self._network))

    def _keep(self, file: BinaryIO, piece: bytes) -> None:
        if shutil.disk_usage(self._home.run).free < ROOM_LEFT_BYTES + len(piece):
            raise CarryTrouble("disk_full")
        file.write(piece)

    def _write(self, device: str, since_s: float | None, channel: str | None) -> WrittenView:
        places, helper = self._machine.places, self._machine.helper
        folder = stick_mount.mount(device, True, places, helper)
        file = _free_name(folder, self._file_name())
        try:
            count = write_bundles(file, bundles_to_carry(self._home.board, since_s, channel))
        except OSError as error:
            trouble = Trouble.FULL if error.errno in _FULL else Trouble.READ_ONLY
            raise StickTrouble(trouble) from error
        finally:
            stick_mount.unmount(device, places, helper)
        return WrittenView(file.name, count)

    async def _close(self) -> None:
        device, self._device, self._folder = self._device, None, None
        if device is not None:
            await _in_thread(lambda: stick_mount.unmount(device, self._machine.places, self._machine.helper))

    def _close_later(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(CLOSE_AFTER_S, lambda: loop.create_task(self._close_unless_used()))

    async def _close_unless_used(self) -> None:
        try:
            await self.close()
        except CarryTrouble as trouble:
            if trouble.word == "busy":
                self._close_later()

    def _stick_view(self, stick: Stick) -> StickView:
        state = "closed"
        if stick.device == self._device:
            state = "open"
        elif stick.mounted is not None and stick.mounted.parent != self._machine.places.mounted_at:
            state = "elsewhere"
        return StickView(stick.device, stick.label, stick.size_bytes, stick.file_system, state)


_FULL = (28, 122)  # ENOSPC, EDQUOT


def _name_of(key: str) -> bytes:
    try:
        return bytes.fromhex(key)
    except ValueError as error:
        raise CarryTrouble(Trouble.GONE) from error


def _free_name(folder: Path, name: str) -> Path:
    """A name that nothing on the stick has: what somebody carries is never written over."""
    stem, _, ending = name.rpartition(".")
    number = 1
    while os.path.lexists(folder / name):
        number += 1
        name = f"{stem}-{number}.{ending}"
    return folder / name


async def _in_thread(work: Callable[[], T]) -> T:
    """The result of work on a stick, which may take seconds."""
    try:
        return await asyncio.to_thread(work)
    except StickTrouble as trouble:
        raise CarryTrouble(trouble.trouble.value) from trouble


async def _on_disk(work: Callable[[], T]) -> T:
    """The result of work on the box's own disk."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise CarryTrouble("disk_full") from error


@contextmanager
def _pump_troubles() -> Iterator[None]:
    try:
        yield
    except StoreFull as full:
        raise CarryTrouble("disk_full") from full
    except PumpStopped as stopped:
        raise CarryTrouble("stopping") from stopped
