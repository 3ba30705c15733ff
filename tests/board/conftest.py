"""A camp with a real store and a real engine, and people who do things in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

import pytest

from sync.actions import (
    CONSOLE,
    Action,
    Actor,
    CardMade,
    MakeCard,
    OpenSession,
    Outcome,
    Refusal,
    Refused,
    SessionOpened,
    WritePost,
    Written,
)
from sync.board import Board, BoardLimits, CampSettings
from sync.engine import Engine
from sync.message import MessageId, Role
from sync.signing import Identity
from sync.store import Store

NOON = 1_790_000_000.0  # in September 2026


@dataclass
class Camp:
    """One camp's board; `now` and `wall_s` run together unless a test says otherwise."""

    identity: Identity
    store: Store
    engine: Engine
    board: Board
    now: float = 100.0
    wall_s: float = NOON
    _cards: dict[tuple[Role, str | None], int] = field(default_factory=dict)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.wall_s += seconds
        self._tell_time()

    def _tell_time(self) -> None:
        self.engine.tell_time(self.wall_s, True)

    def do(self, action: Action, actor: Actor = CONSOLE) -> Outcome:
        self._tell_time()
        with self.store.transaction():
            return self.board.do(action, actor, self.now, self.wall_s)

    def tick(self) -> None:
        self._tell_time()
        with self.store.transaction():
            self.board.tick(self.now, self.wall_s)

    def post(
        self, text: str, actor: Actor | None = None, channel: str = "general", **more: object
    ) -> Written:
        outcome = self.do(WritePost(channel, text, **more), actor or camper())  # type: ignore[arg-type]
        assert isinstance(outcome, Written)
        return outcome

    def refusal(self, action: Action, actor: Actor = CONSOLE) -> Refusal:
        """The word with which an order is refused; the whole database is as it was before."""
        before = self.dump()
        with pytest.raises(Refused) as refused:
            self.do(action, actor)
        assert self.dump() == before
        return refused.value.refusal

    def dump(self) -> list[str]:
        return [line for line in self.store.connection.iterdump() if "sqlite_sequence" not in line]

    def card(self, role: Role, group: str | None = None) -> Actor:
        """Somebody with a real card."""
        made = self.do(MakeCard(role, group))
        assert isinstance(made, CardMade)
        return Actor(role=role, group=group, card=made.card, device=b"phone %d" % made.card)

    def open(self, secret: str, label: str = "") -> SessionOpened:
        opened = self.do(OpenSession(secret, label), Actor())
        assert isinstance(opened, SessionOpened)
        return opened

    def texts(self, channel: str = "general") -> list[str]:
        return [
            text
            for (text,) in self.store.connection.execute(
                "SELECT text FROM messages WHERE channel = ? AND shown = 1 AND hidden = 0 AND retracted = 0"
                " ORDER BY seq",
                (channel,),
            )
        ]

    def said(self, kind: int) -> list[tuple[MessageId, bytes | None]]:
        """Id and reference of own messages of a kind."""
        return list(
            self.store.connection.execute(
                "SELECT id, reference FROM messages WHERE own = 1 AND kind = ? ORDER BY seq", (int(kind),)
            )
        )

    def log(self) -> list[tuple[str, str, str]]:
        return list(self.store.connection.execute("SELECT actor, act, why FROM moderation ORDER BY seq"))

    def row(self, sql: str, *values: object) -> tuple[object, ...] | None:
        row: tuple[object, ...] | None = self.store.connection.execute(sql, values).fetchone()
        return row


def camper(device: str = "anna", address: str = "house") -> Actor:
    return Actor(device=device.encode(), address=address.encode())


def chance(seed: int = 4711):
    """A token source that is the same in every run."""
    random = Random(seed)
    return random.randbytes


def make_camp(seed: bytes = b"n", **settings: object) -> Camp:
    identity = Identity(blake2b(seed, digest_size=32).digest())
    store = Store.open(None, identity.key)
    engine = Engine(identity, store, Random(1))
    given = {"name": "Norte", "device_per_minute": 0, **settings}
    board = Board(store, engine, identity, chance(), BoardLimits(), CampSettings(**given))  # type: ignore[arg-type]
    return Camp(identity, store, engine, board)


@pytest.fixture
def camp() -> Iterator[Camp]:
    made = make_camp()
    yield made
    made.store.close()
