"""A camp behind the pages, without a node: a real store, engine and board; orders are done at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from fastapi import FastAPI

from sync.actions import CONSOLE, Action, Actor, CardMade, MakeCard, OpenSession, Outcome, SessionOpened
from sync.board import Board, BoardLimits, CampSettings
from sync.bundle import EPOCH_S
from sync.engine import Engine
from sync.message import Role
from sync.reading import Reader
from sync.signing import Identity, Network
from sync.store import Store
from sync.views import Count
from tests.web.phone import Phone
from web_ui.app import create_app
from web_ui.desk import ClockView, LinkView, ListView, WebSettings
from web_ui.languages import Languages
from web_ui.visit import SESSION_COOKIE

START_S = EPOCH_S + 8_000 * 3600


@dataclass
class TestDesk:
    """`web_ui.desk.Desk` over one file, with a clock that stands until it is moved."""

    __test__ = False

    folder: Path
    name: str = "Sol"
    device_per_minute: int = 0
    now: float = 1_000.0
    time_s: float = START_S
    clock_view: ClockView = field(default_factory=lambda: ClockView(True, "ntp"))
    link_views: tuple[LinkView, ...] = ()
    lists: tuple[ListView, ...] = ()
    refused: tuple[Count, ...] = ()
    used: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.identity = Identity(
            hashlib.blake2b(self.name.encode(), digest_size=32).digest(), Network("miccheck")
        )
        self.path = self.folder / f"{self.name}.sqlite3"
        self.store = Store.open(self.path, self.identity.key, synchronous="NORMAL")  # no power is lost here
        self.chance = Random(self.name)
        self.engine = Engine(self.identity, self.store, self.chance)
        settings = CampSettings(name=self.name, device_per_minute=self.device_per_minute)
        self.board = Board(
            self.store, self.engine, self.identity, self.chance.randbytes, BoardLimits(), settings
        )
        self.pass_time(0)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.time_s += seconds
        with self.store.transaction():
            self.engine.tell_time(self.time_s, True)
            self.board.tick(self.now, self.time_s)
            self.engine.tick(self.now)

    def order(self, action: Action, actor: Actor = CONSOLE) -> Outcome:
        return self.board.do(action, actor, self.now, self.time_s)

    def session(self, role: Role, group: str | None = None) -> str:
        made = self.order(MakeCard(role, group))
        assert isinstance(made, CardMade)
        opened = self.order(OpenSession(made.secret), Actor())
        assert isinstance(opened, SessionOpened)
        return opened.token

    # The protocol ------------------------------------------------------------------------------

    async def do(self, action: Action, actor: Actor) -> Outcome:
        return self.order(action, actor)

    def session_used(self, token: str) -> None:
        self.used.append(token)

    def reader(self) -> Reader:
        return Reader(self.path)

    def wall_s(self) -> float:
        return self.time_s

    def clock(self) -> ClockView:
        return self.clock_view

    async def set_clock(self, unix_s: float, actor: Actor) -> None:
        self.time_s = unix_s
        self.clock_view = ClockView(True, "phone")

    def links(self) -> tuple[LinkView, ...]:
        return self.link_views

    def list_views(self) -> tuple[ListView, ...]:
        return self.lists

    def form_key(self) -> bytes:
        return b"a key of thirty-two bytes or so.."

    def device_hash(self, cookie: str) -> bytes:
        return hashlib.blake2b(cookie.encode(), key=b"day", digest_size=16).digest()

    def address_hash(self, address: str) -> bytes:
        return hashlib.blake2b(address.encode(), key=b"memory", digest_size=16).digest()

    def version(self) -> str:
        return "0.1.0"

    def uptime_s(self) -> float:
        return 3_700.0

    def refused_counts(self) -> tuple[Count, ...]:
        return self.refused


class Camp:
    """A camp with its pages and as many phones as a test likes."""

    def __init__(
        self, desk: TestDesk, settings: WebSettings | None = None, languages: Languages | None = None
    ) -> None:
        self.desk = desk
        self.app: FastAPI = create_app(desk, settings or WebSettings(), languages)

    def phone(self, *, secure: bool = False, token: str | None = None, address: str = "10.0.0.7") -> Phone:
        phone = Phone(self.app, secure=secure, address=address)
        if token is not None:
            phone.cookies.set(SESSION_COOKIE, token)
        return phone

    def with_card(self, role: Role, group: str | None = None) -> Phone:
        return self.phone(secure=True, token=self.desk.session(role, group))
