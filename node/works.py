"""A camp's works: everything one needs to do something on its board, put together from a HOME.

The running node and a command that finds no node put them together in the same way, so they cannot
differ in what they do.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from node.clock import Clock
from node.home import Home, HomeError
from node.pump import Pump
from node.settings import MailingList, Settings
from sync.board import Board, BoardLimits, CampSettings
from sync.board.room import utc
from sync.bundle import hour_of
from sync.engine import Engine, Limits
from sync.events import Event
from sync.reading import Reader
from sync.receipts import list_digest
from sync.signing import Identity, Network
from sync.store import Store, StoreDamaged, StoreFull, StoreTooNew, WrongCamp
from sync.store.ballast import Ballast, relieve
from sync.store.salvage import salvage

_LOG = logging.getLogger("miccheck")

# A sweep of a big board takes seconds; a full disk is told of by every post.
RELIEVE_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Watch:
    """Whom the pump tells; each is called in its thread."""

    event: Callable[[Event], None]
    full: Callable[[], None]
    fault: Callable[[], None]


def _nothing(*_: object) -> None:
    pass


NOBODY = Watch(_nothing, _nothing, _nothing)


class Works:
    """The pump of a camp with its store, engine and board. The caller holds the HOME's lock."""

    def __init__(self, home: Home, settings: Settings, clock: Clock, watch: Watch = NOBODY) -> None:
        """Raises HomeError when the board cannot be opened. Nothing runs before `start`."""
        self._clock = clock
        self._watch = watch
        self._ballast = Ballast(home.board)
        self._relieved_s = float("-inf")
        self.identity = identity_of(home, settings)
        self.store = open_store(home, self.identity, clock)
        clock.seen_on_disk(_newest_receipt_s(home))
        chance = Random(secrets.randbits(128))
        limits = Limits(introduced_only=settings.camp.admit == "introduced")
        self.engine = Engine(self.identity, self.store, chance, limits)
        board = Board(
            self.store,
            self.engine,
            self.identity,
            secrets.token_bytes,
            BoardLimits(),
            camp_settings(settings),
        )
        self.pump = Pump(self.store, self.engine, board, clock, watch.event, self._disk_full, watch.fault)

    def lay_ballast(self) -> None:
        """Keep some room in hand, for a node that runs for months. Raises OSError."""
        if not self._ballast.lay():
            _LOG.warning("there is hardly any room left on the disk")

    def start(self) -> None:
        """Begin."""
        self.pump.start()

    def stop(self) -> None:
        """Finish what was handed in, and close the board."""
        self.pump.stop()
        self.store.close()

    def _disk_full(self) -> None:
        """In the pump's thread, after a rollback: make room by forgetting what is over anyway."""
        now = self._clock.now()
        if now - self._relieved_s >= RELIEVE_EVERY_S:
            self._relieved_s = now
            wall_s = self._clock.wall_s()
            relieve(self.store, self._ballast, wall_s, self.engine.hour(now) or hour_of(wall_s))
        self._watch.full()


def identity_of(home: Home, settings: Settings) -> Identity:
    """The camp's key in the network of its settings. Raises HomeError."""
    return Identity(home.read_seed(), Network(settings.camp.network))


def camp_settings(settings: Settings) -> CampSettings:
    """What the board needs of the settings."""
    return CampSettings(
        name=settings.camp.name,
        place=settings.camp.place,
        languages=(settings.camp.language,),
        contact=settings.camp.contact,
        has_list=any(posts_to(each) for each in settings.list),
        device_per_minute=settings.quota.device_per_minute,
        lists=tuple(list_digest(each.address) for each in settings.list if posts_to(each) and each.address),
        utc_offset=utc_offset_of(settings.camp.timezone),
    )


def utc_offset_of(timezone: str) -> Callable[[float], int]:
    """Minutes east of UTC in a time zone, by the Unix time; summer time too."""
    if timezone == "UTC":
        return utc  # a bare Debian has no tzdata
    zone = ZoneInfo(timezone)

    def offset(wall_s: float) -> int:
        there = datetime.fromtimestamp(wall_s, zone).utcoffset() or timedelta()
        return round(there.total_seconds() / 60)

    return offset


def posts_to(mailing_list: MailingList) -> bool:
    """Whether this camp carries letters out to the list."""
    return mailing_list.direction != "in" and bool(mailing_list.outbox) and not mailing_list.stopped


def open_store(home: Home, identity: Identity, clock: Clock) -> Store:
    """The camp's board; a damaged one is salvaged first. Raises HomeError."""
    try:
        try:
            return Store.open(home.board, identity.key)
        except StoreDamaged:
            _salvage(home, identity)
            store = Store.open(home.board, identity.key)
            # Own bundles that neighbours give back from now on are no sign of a stolen key.
            store.set_meta("salvaged_hour", hour_of(clock.wall_s()))
            return store
    except (StoreTooNew, WrongCamp) as error:
        raise HomeError(str(error)) from error
    except StoreDamaged as error:
        raise HomeError(f"{home.board} is damaged beyond saving; move it away to begin anew") from error
    except StoreFull as error:
        raise HomeError("the disk is full: free some room, the board cannot be opened for writing") from error


def _salvage(home: Home, identity: Identity) -> None:
    _LOG.warning("the board file is damaged: saving what can be read of it")
    saved = salvage(home.board, identity)
    _LOG.warning(
        "saved %d bundles, %d own messages and %d other rows; %d were damaged; the damaged file is now %s",
        saved.bundles,
        saved.own_messages,
        saved.other_rows,
        saved.refused,
        saved.set_aside.name,
    )


def _newest_receipt_s(home: Home) -> float:
    reader = Reader(home.board)
    try:
        return max((view.received for view in reader.newest(None, None, 1)), default=0.0)
    finally:
        reader.close()
