"""`miccheck run`: the rooms are put together, and taken apart again within five seconds.

One event loop serves pages, neighbours and the control socket; one thread, the pump's, owns the board.
What must be known to whoever looks after the box goes to stderr, without addresses and contents.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import resource
import secrets
import signal
import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from random import Random

import click

from hardware.addresses import lan_addresses, own_addresses
from hardware.clock_trust import RELEASE_S
from node.airtime_file import AirtimeFile
from node.certificates import fingerprint, renew_server
from node.clock import Clock, monotonic_s, pause
from node.console import work_for
from node.control import ControlClient
from node.control_server import ControlServer
from node.counter import answered, reason_of
from node.courier import Courier
from node.desk import NodeDesk, Sights
from node.doorkeeper import Doorkeeper
from node.given_certificate import ServerCertificate, complaint, given_certificate
from node.gossip import FrontDoor
from node.home import Home, HomeError, HomeLock, Locked
from node.internet import Internet, servers_of
from node.joiner import GATHER_S, join_mail
from node.letter_writing import says
from node.link_orders import LinkOrders
from node.mail_desk import MailSights
from node.network_watch import NetworkWatch
from node.notify import notify
from node.open_lines import OpenLines
from node.places import page_address
from node.pump import PumpStopped
from node.recovery import recover
from node.requests import (
    Answer,
    AskStatus,
    EndCard,
    NewCard,
    NewCode,
    Progress,
    Request,
    Said,
    TakeIn,
    no_progress,
)
from node.roadworks import Roadworks
from node.serving import Listener, PageServer, listen
from node.settings import LANGUAGES, Settings, read_settings
from node.sorry import Sorry
from node.trial_letter import TrialPost
from node.trust import Terms
from node.works import Watch, Works
from radio.ip_handshake import NONCE_BYTES
from radio.ip_link import IpLinks
from radio.road import Road, Surroundings
from sync.events import CampDead, CampWaiting, Event, KeyUsedElsewhere, MessageArrived
from sync.message import Role
from web_ui.api_form import status_json
from web_ui.app import create_app
from web_ui.desk import ListView, WebSettings
from web_ui.mail_desk import InternetView

_LOG = logging.getLogger("miccheck")

# A command that holds the lock for a moment must not keep a node from starting at boot.
LOCK_PATIENCE_S = 5.0
LOCK_AGAIN_S = 0.05
# The promise is 5 s. What is not done then (a rebuild, a disk that hangs) was not acknowledged to anybody.
END_S = 4.5
# Keys are free: after so many strangers one more line in the log tells nobody anything. The page lists them.
STRANGERS_LOGGED = 64
# They warn of each request that is no HTTP, or no form, and quote it: a stranger's to choose, without end.
_STRANGERS_FAULTS = ("uvicorn.error", "websockets", "python_multipart", "asyncio")


def run(folder: Path) -> None:
    """Serve the camp in `folder` until a signal. Raises HomeError, SettingsError, Sorry."""
    home = Home(folder.absolute())
    home.check()
    settings = read_settings(home.settings, os.environ)
    os.umask(0o077)
    # What people type is in memory for a moment (addresses before they are sealed); no crash writes it down.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _log_to_stderr()
    with _lock(home):
        listeners = _Listeners(
            listen(settings.web.host, settings.web.port, "port"),
            listen(settings.web.host, settings.web.tls_port, "tls_port"),
        )
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(home, settings, listeners))


@dataclass(frozen=True, slots=True)
class _Listeners:
    http: Listener
    tls: Listener


def _lock(home: Home) -> HomeLock:
    """The HOME's lock. Raises Locked at once when a node runs there, and after a while for a command."""
    until_s = monotonic_s() + LOCK_PATIENCE_S
    while True:
        try:
            return HomeLock(home)
        except Locked:
            with contextlib.suppress(OSError):
                ControlClient(home.control).close()
                raise Locked(f"a node runs in {home.folder} already") from None
            if monotonic_s() > until_s:
                raise
            pause(LOCK_AGAIN_S)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("miccheck: %(message)s"))
    logging.getLogger().addHandler(handler)
    _LOG.setLevel(logging.INFO)
    for name in _STRANGERS_FAULTS:
        logging.getLogger(name).setLevel(logging.ERROR)


class _Node:
    """The running node: what was put together, in the order in which it is taken apart."""

    def __init__(self, home: Home, settings: Settings, listeners: _Listeners) -> None:
        self._home = home
        self._settings = settings
        self._listeners = listeners
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self.failed = False
        self._full = False
        self._strangers: set[bytes] = set()
        self._clock = Clock(settings.clock.speed, settings.clock.offset_s, home.clock)
        self._works = Works(home, settings, self._clock, Watch(self._event, self._disk_full, self._fault))
        pump = self._works.pump
        inbound = IpLinks(self._works.identity, pump, _nonce, _jitter, self._pinned)
        around, lan = self._surroundings(inbound), self._lan(inbound)
        self._roads = Roadworks(settings.link, around, inbound, lan)
        self._orders = LinkOrders(home.settings, os.environ, self._roads)
        self._courier, self._net = self._mail()
        self._desk = NodeDesk(home, self._clock, pump, self._sights())
        renew_server(home.certificates, own_addresses(), max(self._clock.wall_s(), RELEASE_S))
        own = ServerCertificate(home.certificates.server, home.certificates.server_key)
        web = settings.web
        self._given = given_certificate(home.folder, web.certificate, web.certificate_key)
        self._certificate = self._given or own
        app = FrontDoor(create_app(self._desk, _web_settings(settings, listeners)), inbound)
        door = Doorkeeper()
        self._servers = (
            PageServer(app, listeners.http, door),
            PageServer(app, listeners.tls, door, self._certificate),
        )
        self._control = ControlServer(home.control, self._answer)

    def _mail(self) -> tuple[Courier, Internet]:
        """What carries letters, and what tells it that there is internet."""
        settings = self._settings
        courier = Courier(
            settings.list,
            self._home.folder,
            self._works.pump,
            self._clock,
            monotonic_s,
            _jitter,
            says(settings.camp.language),
            join_mail(self._home.folder, secrets.token_bytes, self._clock.wait_s(GATHER_S)),
            terms=Terms(metered=settings.internet.metered, lines=OpenLines(lambda: self._net.reached())),
            missed=lambda sentence: self._net.missed(sentence),
        )
        net = Internet(
            servers_of(settings.list),
            settings.internet.check,
            NetworkWatch(),
            self._clock.wall_s,
            courier.hurry,
        )
        return courier, net

    def _sights(self) -> Sights:
        """Where the pages look for what does not stand in the store."""
        identity = self._works.identity
        trials = TrialPost(self._home.folder, self._clock.is_set)
        return Sights(
            self._roads,
            self._orders,
            identity.network,
            identity.author,
            self._lists,
            self._loop.time,
            self._courier.wake,
            MailSights(self._lists, self._internet, self._courier.look, trials.send),
            self._settings.list,
            says(self._settings.camp.language),
        )

    def _surroundings(self, cable: IpLinks) -> Surroundings:
        return Surroundings(
            camp=self._settings.camp.name,
            folder=self._home.folder,
            identity=self._works.identity,
            hub=self._works.pump,
            now=self._clock.now,
            random=lambda: Random(secrets.randbits(128)),
            jitter=_jitter,
            nonce=_nonce,
            airtime=AirtimeFile(self._home.airtime, self._clock).of,
            cable=cable,
        )

    def _lan(self, links: IpLinks) -> Road | None:
        """What finds camps on the same hotspot or cable."""
        lan = self._settings.lan
        if not lan.discover:
            return None
        from radio.lan_neighbours import LanNeighbours

        port = self._listeners.http.port
        return LanNeighbours(self._works.identity, links, port, lambda: lan_addresses(lan.interfaces))

    async def run(self) -> None:
        """Serve until the end, then take everything apart."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end_soon)
        self._works.lay_ballast()
        self._works.start()
        try:
            await self._recover()
            serving = [asyncio.create_task(server.run_to_end()) for server in self._servers]
            await self._control.start()
            self._home.write_ports(self._listeners.http.port, self._listeners.tls.port)
            self._roads.start()
            self._courier.start()
            self._net.start()
            self._say_where()
            # What was imported stays until the end. Looked through again and again for garbage, it made one
            # post in a hundred wait 10 ms.
            gc.collect()
            gc.freeze()
            notify("READY=1")
            await self._end.wait()
            notify("STOPPING=1")
            await self._control.close()
            for server in self._servers:
                server.end()
            await self._roads.stop()
            await self._desk.carrying().end()
            await asyncio.gather(asyncio.to_thread(self._courier.stop), *serving)
        finally:
            self._home.ports.unlink(missing_ok=True)
            await asyncio.to_thread(self._net.stop)
            await asyncio.to_thread(self._courier.stop)
            await asyncio.to_thread(self._works.stop)

    def _end_soon(self) -> None:
        """A signal came: end in order, or else at once when the time is up."""
        self._end.set()
        deadline = threading.Timer(END_S, os._exit, (0,))
        deadline.daemon = True
        deadline.start()

    async def _recover(self) -> None:
        if self._settings.camp.recovery:
            file = self._home.folder / self._settings.camp.recovery
            await asyncio.to_thread(recover, file, self._make_card, self._revoke_card)

    def _make_card(self) -> tuple[int, str]:
        made = answered(self._submit(NewCard(Role.COORDINATOR, "", "recovery")))
        assert isinstance(made, NewCode)
        return made.card, made.code

    def _revoke_card(self, card: int) -> None:
        answered(self._submit(EndCard(card)))

    def _submit(self, request: Request, progress: Progress = no_progress) -> Future[Answer]:
        return self._works.pump.submit(work_for(request, progress, self._works.identity.network))

    async def _answer(self, request: Request, progress: Progress) -> Answer:
        """What the control socket asks."""
        if isinstance(request, AskStatus):
            return Said(await asyncio.to_thread(self._status))
        with reason_of():
            if isinstance(request, TakeIn):  # signatures take a thread of their own, not the loop's time
                submitted = await asyncio.to_thread(self._submit, request)
            else:
                submitted = self._submit(request, progress)
            answer = await asyncio.wrap_future(submitted)
        self._courier.wake()
        return answer

    async def _pinned(self) -> frozenset[bytes]:
        """The keys that somebody here vouches for."""
        try:
            pins = self._works.pump.submit(lambda bench: frozenset(bench.store.pins()))
        except PumpStopped:
            return frozenset()
        return await asyncio.wrap_future(pins)

    def _status(self) -> str:
        desk = self._desk
        status = status_json(
            desk.reader().status(),
            desk.clock(),
            desk.links(),
            desk.list_views(),
            desk.refused_counts(),
            desk.version(),
            desk.uptime_s(),
            self._internet(),
        )
        return json.dumps(status, ensure_ascii=False)

    def _lists(self) -> tuple[ListView, ...]:
        return tuple(
            ListView(
                view.name,
                view.waiting,
                view.sent,
                view.trouble,
                view.taken_in,
                view.left_out,
                view.progress,
                view.seconds_left,
                view.done,
                view.total,
            )
            for view in self._courier.views()
        )

    def _internet(self) -> InternetView:
        state = self._net.state()
        return InternetView(state.reach.value, state.since_s, self._settings.internet.metered)

    def _say_where(self) -> None:
        web, camp = self._settings.web, self._works.identity.author.hex()
        click.echo(f"Mic Check {version('miccheck')}, camp {self._settings.camp.name} ({camp})")
        click.echo(f"pages      {page_address(web, self._listeners.http.port)}/")
        click.echo(f"for cards  {page_address(web, self._listeners.tls.port, 'https')}/")
        shown = self._given.chain if self._given else self._home.certificates.authority
        click.echo(f"certificate of this camp, SHA-256: {fingerprint(shown)}")
        sys.stdout.flush()
        objection = complaint(self._given, self._clock.wall_s()) if self._given else None
        if objection and self._clock.is_set():
            _LOG.error("%s: browsers and neighbours that check it refuse it", objection)
        if not self._clock.is_set():
            _LOG.warning("the clock is not set: posts work; a person with a card can set it on the page")

    # -- from the pump's thread ---------------------------------------------------------------------

    def _event(self, event: Event) -> None:
        self._full = False
        match event:
            case MessageArrived():
                self._courier.wake()
            case KeyUsedElsewhere():
                _LOG.error("ANOTHER BOX USES THIS CAMP'S KEY: something signed with it was not made here")
            case CampWaiting(camp) if camp not in self._strangers and len(self._strangers) < STRANGERS_LOGGED:
                self._strangers.add(camp)
                _LOG.info("a camp is waiting to be let in; a coordinator decides, under Camps")
            case CampDead(camp) if camp == self._works.identity.key:
                _LOG.error("a dead-key letter for THIS camp's key is known: no camp listens to it any more")
            case CampDead():
                _LOG.warning("a camp's key was declared dead: nothing of it is taken any more")
            case _:
                pass

    def _disk_full(self) -> None:
        if not self._full:
            _LOG.error("the disk is full: nothing can be stored, reading goes on")
        self._full = True

    def _fault(self) -> None:
        self.failed = True
        self._loop.call_soon_threadsafe(self._end.set)


async def _serve(home: Home, settings: Settings, listeners: _Listeners) -> None:
    try:
        node = _Node(home, settings, listeners)
    except (OSError, ValueError) as error:
        raise HomeError(f"the node cannot start: {error}") from error
    await node.run()
    if node.failed:
        raise Sorry("the node ended because of a fault of its own; its log says which")


def _web_settings(settings: Settings, listeners: _Listeners) -> WebSettings:
    return WebSettings(
        languages=LANGUAGES,
        default_language=settings.camp.language,
        http_port=listeners.http.port,
        tls_port=listeners.tls.port,
        liaisons_on_http=settings.web.liaisons_on_http,
        introduced_only=settings.camp.admit == "introduced",
    )


def _nonce() -> bytes:
    return secrets.token_bytes(NONCE_BYTES)


def _jitter() -> float:
    return 0.5 + secrets.randbelow(1_000) / 2_000
