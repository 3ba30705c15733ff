"""A camp's works: everything one needs to do something on its board, put together from a HOME.

The running node and a command that finds no node put them together in the same way, so they cannot
differ in what they do.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from node.clock import Clock
from node.home import Home, HomeError
from node.pump import Pump
from node.settings import MailingList, Settings
from sync.board import Board, BoardLimits, CampSettings
from sync.engine import Engine, Limits
from sync.events import Event
from sync.reading import Reader
from sync.signing import Identity, Network
from sync.store import Store, StoreDamaged, StoreFull, StoreTooNew, WrongCamp

_LOG = logging.getLogger("miccheck")


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
        self.identity = identity_of(home, settings)
        self.store = _open_store(home, self.identity)
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
        self.pump = Pump(self.store, self.engine, board, clock, watch.event, watch.full, watch.fault)

    def start(self) -> None:
        """Begin."""
        self.pump.start()

    def stop(self) -> None:
        """Finish what was handed in, and close the board."""
        self.pump.stop()
        self.store.close()


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
    )


def posts_to(mailing_list: MailingList) -> bool:
    """Whether this camp carries letters out to the list."""
    return mailing_list.direction != "in" and bool(mailing_list.outbox)


def _open_store(home: Home, identity: Identity) -> Store:
    try:
        try:
            return Store.open(home.board, identity.key)
        except StoreDamaged:
            _salvage(home, identity)
            return Store.open(home.board, identity.key)
    except (StoreTooNew, WrongCamp) as error:
        raise HomeError(str(error)) from error
    except StoreDamaged as error:
        raise HomeError(
            f"{home.board} is damaged beyond what can be saved; move it away to begin anew"
        ) from error
    except StoreFull as error:
        raise HomeError(
            "the disk is full: free some room, the board cannot even be opened for writing"
        ) from error


def _salvage(home: Home, identity: Identity) -> None:
    from sync.store.salvage import salvage  # needed once in the life of an unlucky box

    _LOG.warning("the board file is damaged: setting it aside and saving what can be read")
    salvage(home.board, identity)


def _newest_receipt_s(home: Home) -> float:
    reader = Reader(home.board)
    try:
        return max((view.received for view in reader.newest(None, None, 1)), default=0.0)
    finally:
        reader.close()
