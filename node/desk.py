"""The node as its pages see it: orders go to the pump, reading through a connection per thread."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version

from starlette.exceptions import HTTPException

from node.carry_desk import NodeCarrying
from node.clock import Clock
from node.files import write_secret
from node.home import Home
from node.join_desk import NodeJoining
from node.link_orders import LinkOrders
from node.list_settings import MailingList
from node.mail_desk import MailSights, NodeMail
from node.pump import Pump, PumpStopped, Workbench
from node.road_desk import NodeRoads
from node.roadworks import Roadworks
from node.status import refused_counts
from radio.link_sight import AirtimeUse, LinkSight
from sync.actions import Action, Actor, Outcome, Refusal, Refused
from sync.letters.introducing import Say
from sync.reading import Reader
from sync.signing import Network
from sync.store import StoreFull
from sync.views import Count
from web_ui.desk import AirtimeView, ClockView, LinkView, ListView
from web_ui.pages.carrying import file_name
from web_ui.road_desk import RoadDesk

_LOG = logging.getLogger("miccheck")

DAY_S = 86_400
HASH_BYTES = 16
KEY_BYTES = 32
ENDING = 503


@dataclass(frozen=True, slots=True)
class Sights:
    """Where the desk looks for what is neither clock, pump nor store."""

    roads: Roadworks
    orders: LinkOrders
    network: Network
    author: bytes  # this camp's 8-byte id
    lists: Callable[[], tuple[ListView, ...]]
    loop_s: Callable[[], float]  # the clock of LinkSight.since_s
    changed: Callable[[], None]  # told that somebody did something: the courier may have letters
    mail: MailSights
    mail_lists: tuple[MailingList, ...] = ()
    speak: tuple[Say, ...] = ()  # the languages of a camp's introduction


class DailyKey:
    """A key made new every day, kept so that a restart does not forget who may take back a post."""

    def __init__(self, home: Home) -> None:
        self._file = home.device_key
        self._lock = threading.Lock()
        self._day = -1
        self._key = b""

    def key(self, wall_s: float) -> bytes:
        """Today's key. Yesterday's is gone: nothing it hid can be found again."""
        day = int(wall_s // DAY_S)
        with self._lock:
            if day != self._day:
                self._day, self._key = day, self._read(day) or self._make(day)
            return self._key

    def _read(self, day: int) -> bytes | None:
        try:
            written_day, key = self._file.read_text().split()
            return bytes.fromhex(key) if int(written_day) == day and len(key) == 2 * KEY_BYTES else None
        except (OSError, ValueError):
            return None

    def _make(self, day: int) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)
        try:
            write_secret(self._file, f"{day} {key.hex()}\n".encode())
        except OSError as error:
            _LOG.warning("today's key for device cookies cannot be kept: %s", error.strerror)
        return key


class NodeDesk:
    """`web_ui.desk.Desk`, implemented by the running node."""

    def __init__(self, home: Home, clock: Clock, pump: Pump, sights: Sights) -> None:
        """Raises OSError when the secrets cannot be read or made."""
        self._board = home.board
        self._clock = clock
        self._pump = pump
        self._sights = sights
        self._form_key = home.read_form_key()
        self._devices = DailyKey(home)
        self._address_key = secrets.token_bytes(KEY_BYTES)
        self._version = version("miccheck")
        self._started_s = sights.loop_s()
        self._roads = NodeRoads(sights.roads, sights.orders, self._link_views, self.do)
        self._carrying = NodeCarrying(
            home, pump, sights.network, lambda: file_name(clock.wall_s()), sights.changed
        )
        self._of_thread = threading.local()
        self._joining = NodeJoining(sights.mail_lists, sights.author, secrets.token_bytes, self.do)
        self._mail = NodeMail(
            sights.mail_lists, sights.author, sights.speak, self.reader, clock.wall_s, sights.mail
        )

    async def do(self, action: Action, actor: Actor) -> Outcome:
        """Carry out an order and answer after its commit. Raises Refused, HTTPException at the end."""
        try:
            outcome = await asyncio.wrap_future(self._pump.act(action, actor))
        except StoreFull as full:
            raise Refused(Refusal.DISK_FULL) from full
        except PumpStopped as stopped:
            raise HTTPException(ENDING) from stopped
        self._sights.changed()
        return outcome

    def session_used(self, token: str) -> None:
        """Have it noted that this session is in use; nobody waits for it."""

        def note(bench: Workbench) -> None:
            bench.board.session_used(token, bench.wall_s)

        try:
            self._pump.submit(note)
        except PumpStopped:
            return

    def reader(self) -> Reader:
        """The reader of the calling thread."""
        reader = getattr(self._of_thread, "reader", None)
        if not isinstance(reader, Reader):
            reader = self._of_thread.reader = Reader(self._board)
        return reader

    def wall_s(self) -> float:
        """Unix time as the node believes it to be."""
        return self._clock.wall_s()

    def full_since_s(self) -> float | None:
        """Since when (Unix) the disk takes nothing more; None while it does."""
        return self._pump.full_since_s()

    def clock(self) -> ClockView:
        """Whether that belief has a ground."""
        trust = self._clock.trust()
        return ClockView(trust.is_set, trust.source)

    async def set_clock(self, unix_s: float, actor: Actor) -> None:
        """Take the time of a person's phone."""
        self._clock.tell(unix_s)
        _LOG.info("a %s set the clock", actor.role.word)
        self._pump.wake()

    def links(self) -> tuple[LinkView, ...]:
        """The links to neighbours, in the order of the settings; then those who dialled us."""
        return self._link_views(self._sights.roads.sights())

    def carrying(self) -> NodeCarrying:
        """Bundles in and out by file and stick."""
        return self._carrying

    def mail(self) -> NodeMail:
        """Letters to mailing lists: what waits, and how they leave."""
        return self._mail

    def joining(self) -> NodeJoining:
        """Mailing lists that people can be registered for."""
        return self._joining

    def roads(self) -> RoadDesk:
        """The links of the settings, to be changed."""
        return self._roads

    def _link_views(self, sights: tuple[LinkSight, ...]) -> tuple[LinkView, ...]:
        names = {camp.key: camp.name for camp in self.reader().camps()} if sights else {}
        moment = self._clock.wall_s() - self._sights.loop_s()
        return tuple(
            LinkView(
                name=sight.name,
                kind=sight.kind,
                state=sight.state.value,
                peer=names.get(sight.peer) if sight.peer is not None else None,
                since_s=moment + sight.since_s,
                frames_in=sight.frames_in,
                frames_out=sight.frames_out,
                why=sight.why,
                airtime=_airtime(sight.airtime) if sight.airtime is not None else None,
            )
            for sight in sights
        )

    def list_views(self) -> tuple[ListView, ...]:
        """The mailing lists, in the order of the settings."""
        return self._sights.lists()

    def form_key(self) -> bytes:
        """The secret under which form tokens are signed."""
        return self._form_key

    def device_hash(self, cookie: str) -> bytes:
        """The device cookie under today's key."""
        key = self._devices.key(self._clock.wall_s())
        return blake2b(cookie.encode(), key=key, digest_size=HASH_BYTES).digest()

    def address_hash(self, address: str) -> bytes:
        """An address under a key that only memory holds."""
        return blake2b(address.encode(), key=self._address_key, digest_size=HASH_BYTES).digest()

    def version(self) -> str:
        """The version of this software."""
        return self._version

    def uptime_s(self) -> float:
        """Seconds since the node started."""
        return self._sights.loop_s() - self._started_s

    def refused_counts(self) -> tuple[Count, ...]:
        """What was refused from the air, counted by reason."""
        return refused_counts(self.reader().status())


def _airtime(use: AirtimeUse) -> AirtimeView:
    return AirtimeView(
        region=use.region,
        preset=use.preset,
        used=use.used,
        limit=use.limit,
        for_alerts=use.reserve,
        law=use.law,
        busy=use.busy,
        waits_for=use.waits_for.value if use.waits_for is not None else None,
        refused_s=use.refused_s,
    )
