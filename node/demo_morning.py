"""A morning on three squares, told before the demo begins.

It goes the way of a stick: written and sealed by each camp's own board, and taken in by the others as
`miccheck import` does. Nothing of it crosses the air.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from node.clock import Clock
from node.console import work_for
from node.home import Home, HomeLock
from node.pump import Workbench
from node.requests import SealAll, TakeIn, no_progress
from node.settings import read_settings
from node.works import Works
from sync import bundle
from sync.actions import CONSOLE, Actor, WritePost, Written
from sync.message import ANNOUNCEMENTS, GENERAL, MessageId
from sync.store.carrying import bundles_to_carry

_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Post:
    """A post of the morning: when and where it was written, by whom, and the number of what it answers."""

    minutes_ago: int
    camp: str
    text: str
    name: str = ""  # none: an announcement of the camp's coordinators
    answers: int | None = None


def waves() -> list[list[Post]]:
    """The posts, in the handfuls in which they were carried from camp to camp."""
    tree = tomllib.loads(_FILE.read_text())
    return [[Post(**post) for post in wave["posts"]] for wave in tree["wave"]]


def tell_morning(homes: Mapping[str, Home]) -> int:
    """Write the morning into the boards of camps A, B and C, none of which runs; how many posts there are."""
    with ExitStack() as opened:
        squares = {letter: opened.enter_context(_Square(home)) for letter, home in homes.items()}
        told: list[MessageId] = []
        for wave in waves():
            for post in wave:
                answers = told[post.answers] if post.answers is not None else None
                told.append(squares[post.camp].write(post, answers))
            _carry(squares)
        for square in squares.values():
            square.note_who_has_it([other for other in squares.values() if other is not square])
        return len(told)


class _Square:
    """A camp's board, opened without a node."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = HomeLock(home)
        settings = read_settings(home.settings, os.environ)
        clock = Clock(settings.clock.speed, settings.clock.offset_s, home.clock)
        self._works = Works(home, settings, clock)

    def __enter__(self) -> _Square:
        self._works.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._works.stop()
        self._lock.close()

    @property
    def key(self) -> bytes:
        """The camp's public key."""
        return self._works.identity.key

    def write(self, post: Post, answers: MessageId | None) -> MessageId:
        """Post it at the time it was written."""
        actor, channel = (Actor(), GENERAL) if post.name else (CONSOLE, ANNOUNCEMENTS)
        order = WritePost(channel, post.text, post.name, reply_to=answers)

        def write(bench: Workbench) -> MessageId:
            written = bench.board.do(order, actor, bench.now, bench.wall_s - 60 * post.minutes_ago)
            assert isinstance(written, Written)
            return written.message

        return self._works.pump.submit(write).result()

    def stick(self) -> tuple[tuple[bytes, bytes], ...]:
        """All that is sealed, as on a stick: keys and bundles."""
        self._works.pump.submit(work_for(SealAll(), no_progress, self._works.identity.network)).result()
        return tuple(bundles_to_carry(self._home.board, None, None))

    def take_in(self, records: tuple[tuple[bytes, bytes], ...]) -> None:
        """Read a stick."""
        self._works.pump.submit(work_for(TakeIn(records), no_progress, self._works.identity.network)).result()

    def note_who_has_it(self, others: list[_Square]) -> None:
        """What was carried to a neighbour has left the camp, and the neighbour has it."""
        network = self._works.identity.network
        own = [bundle.decode(wire).id(key, network) for key, wire in self.stick() if key == self.key]

        def note(bench: Workbench) -> None:
            for bundle_id in own:
                bench.store.mark_sent(bundle_id, bench.wall_s)
                for other in others:
                    bench.store.note_neighbour_has(bundle_id, other.key)

        self._works.pump.submit(note).result()


def _carry(squares: Mapping[str, _Square]) -> None:
    """Take a stick from each camp to each other."""
    sticks = {letter: square.stick() for letter, square in squares.items()}
    for letter, square in squares.items():
        for source, records in sticks.items():
            if source != letter:
                square.take_in(records)
