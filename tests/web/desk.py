"""A camp behind the pages, without a node: a real store, engine and board; orders are done at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from fastapi import FastAPI

from node.join_desk import NodeJoining
from node.letter_writing import says
from node.list_settings import MailingList
from node.mail_desk import MailSights, NodeMail
from node.walker import Trouble
from sync.actions import CONSOLE, Action, Actor, CardMade, MakeCard, OpenSession, Outcome, SessionOpened
from sync.board import Board, BoardLimits, CampSettings
from sync.bundle import EPOCH_S
from sync.engine import Engine
from sync.message import Role
from sync.reading import Reader
from sync.signing import Identity, Network
from sync.store import Store
from sync.views import Count
from tests.web.carry import TestCarrying
from tests.web.phone import Phone
from web_ui.app import create_app
from web_ui.desk import ClockView, LinkView, ListView, WebSettings
from web_ui.languages import Languages
from web_ui.mail_desk import InternetView
from web_ui.road_desk import FoundView, KindView, LinkFault, LinkRefused, RoadView, WordView
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
    full_s: float | None = None
    link_views: tuple[LinkView, ...] = ()
    lists: tuple[ListView, ...] = ()
    road_views: tuple[RoadView, ...] = ()
    refused: tuple[Count, ...] = ()
    used: list[str] = field(default_factory=list)
    mail_lists: tuple[MailingList, ...] = ()
    internet_view: InternetView = field(default_factory=lambda: InternetView("online"))
    mail_trouble: str = ""  # what the mail server says to a letter to try
    tried: list[tuple[bytes, str]] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    join_desk: NodeJoining | None = None
    mail_desk: NodeMail | None = None

    def __post_init__(self) -> None:
        self.identity = Identity(
            hashlib.blake2b(self.name.encode(), digest_size=32).digest(), Network("miccheck")
        )
        self.path = self.folder / f"{self.name}.sqlite3"
        self.carry = TestCarrying(self.path)
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

    def full_since_s(self) -> float | None:
        return self.full_s

    def clock(self) -> ClockView:
        return self.clock_view

    async def set_clock(self, unix_s: float, actor: Actor) -> None:
        self.time_s = unix_s
        self.clock_view = ClockView(True, "phone")

    def links(self) -> tuple[LinkView, ...]:
        return self.link_views

    def carrying(self) -> TestCarrying:
        return self.carry

    def roads(self) -> TestRoads:
        return TestRoads(self)

    def mail(self) -> NodeMail:
        if self.mail_desk is None:
            self.mail_desk = self._make_mail_desk()
        return self.mail_desk

    def _make_mail_desk(self) -> NodeMail:
        async def send(mailing_list: MailingList, raw: bytes, sender: str, to: str) -> None:
            if self.mail_trouble:
                raise Trouble(self.mail_trouble)
            self.tried.append((raw, to))

        return NodeMail(
            self.mail_lists,
            self.identity.author,
            says("en"),
            self.reader,
            self.wall_s,
            MailSights(self.list_views, lambda: self.internet_view, self.looked.append, send),
        )

    def joining(self) -> NodeJoining:
        if self.join_desk is None:
            author = self.identity.author
            self.join_desk = NodeJoining(self.mail_lists, author, self.chance.randbytes, self.do)
        return self.join_desk

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


KINDS = (
    KindView(
        "ip",
        "Cable, Wi-Fi or internet",
        "Another camp that this box can reach. It is enough when one of the two dials the other.",
        (
            WordView(
                "url",
                "Page address of the other camp",
                "As on the other camp's poster: http or https, the host, the port.",
                True,
                "",
                (),
            ),
        ),
    ),
    KindView(
        "board",
        "Simulated radio",
        "For drills: instead of a radio, miccheck air on this machine or another one.",
        (
            WordView("device", "Device", "", False, "", ()),
            WordView("region", "Region", "Whose law holds for the radio.", False, "EU_868", ("EU_868", "US")),
        ),
    ),
)


@dataclass
class TestRoads:
    """`web_ui.road_desk.RoadDesk` in memory. An address without "http" is wrong."""

    __test__ = False

    desk: TestDesk

    def views(self) -> tuple[RoadView, ...]:
        return self.desk.road_views

    def kinds(self) -> tuple[KindView, ...]:
        return KINDS

    def found(self, kind: str) -> tuple[FoundView, ...]:
        device = (("device", "/dev/serial/by-id/usb-<b>"),)
        return (FoundView("usb-<b>", device),) if kind == "board" else ()

    async def add(self, kind: str, words: Mapping[str, str], actor: Actor) -> str:
        view = next(each for each in KINDS if each.name == kind)
        for word in view.words:
            if word.needed and not words[word.name]:
                raise LinkRefused(LinkFault.MISSING, word.name)
        if "url" in words and not words["url"].startswith("http"):
            raise LinkRefused(LinkFault.WRONG, "url")
        said = tuple((word.name, word.label, words[word.name]) for word in view.words if words[word.name])
        if any(said == road.words for road in self.views()):
            raise LinkRefused(LinkFault.THERE_ALREADY)
        name = f"{kind}-{len(self.views()) + 1}"
        link = LinkView(name, kind, "searching", None, self.desk.time_s, 0, 0)
        self.desk.road_views += (RoadView(name, kind, view.title, said, (link,), stopped=False, fixed=False),)
        return name

    async def set_stopped(self, name: str, stopped: bool, actor: Actor) -> None:
        road = self._road(name)
        changed = replace(road, stopped=stopped)
        self.desk.road_views = tuple(changed if each is road else each for each in self.views())

    async def remove(self, name: str, actor: Actor) -> RoadView:
        road = self._road(name)
        self.desk.road_views = tuple(each for each in self.views() if each is not road)
        return road

    def _road(self, name: str) -> RoadView:
        road = next((each for each in self.views() if each.name == name), None)
        if road is None:
            raise LinkRefused(LinkFault.NO_SUCH)
        if road.fixed:
            raise LinkRefused(LinkFault.ENVIRONMENT)
        return road


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
