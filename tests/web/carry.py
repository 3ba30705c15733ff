"""Sticks and files behind the page, as a test sets them out; what is ordered is written down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sync.carried import HEAD, encode_record
from sync.store.carrying import bundles_to_carry
from web_ui.carry_desk import CarryTrouble, IntakeView, OpenStick, StickView, WrittenView


@dataclass
class TestCarrying:
    """`web_ui.carry_desk.CarryDesk`. `trouble`: what the next order meets."""

    __test__ = False

    board: Path
    may_open: bool = True
    stick_views: tuple[StickView, ...] = ()
    open_stick: OpenStick | None = None
    intake_view: IntakeView | None = None
    written_view: WrittenView | None = None
    trouble: str = ""
    orders: list[tuple[object, ...]] = field(default_factory=list)

    def sticks(self) -> tuple[StickView, ...]:
        return self.stick_views

    def can_open(self) -> bool:
        return self.may_open

    def opened(self) -> OpenStick | None:
        return self.open_stick

    def intake(self) -> IntakeView | None:
        return self.intake_view

    def written(self) -> WrittenView | None:
        return self.written_view

    async def open(self, device: str) -> None:
        self._order("open", device)

    async def close(self) -> None:
        self._order("close")

    async def take(self, key: str) -> None:
        self._order("take", key)

    async def write(self, device: str, since_s: float | None, channel: str | None) -> None:
        self._order("write", device, since_s, channel)

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        self._order("receive", name)
        data = b"".join([chunk async for chunk in chunks])
        self.orders.append(("received", data))

    def stop(self) -> None:
        self.orders.append(("stop",))

    async def seal(self) -> None:
        self._order("seal")

    def bundles(self, since_s: float | None, channel: str | None) -> Iterator[bytes]:
        self._order("bundles", since_s, channel)
        yield HEAD
        for key, wire in bundles_to_carry(self.board, since_s, channel):
            yield encode_record(key, wire)

    def _order(self, *what: object) -> None:
        if self.trouble:
            raise CarryTrouble(self.trouble)
        self.orders.append(what)
