"""Bundles that camps hold before a measurement begins, and how they come to hold them without a radio.

They are of camps that are not in the world: a camp pushes its own unsent bundles when its radio comes up,
and a measurement of repair must begin without one. Whoever is given some of an author's bundles knows its
key, as a neighbour of some days does; who is given none knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle, islice
from random import Random

from node.bench.samples import camp_texts
from radio.world import World
from sync import bundle
from sync.bundle import BundleClass, BundleId, hour_of, seconds_of
from sync.engine import Engine
from sync.message import SALT_MAX, Kind, Message, MessageId, compose, encode, identify
from sync.signing import Identity

# The workload's message: a text whose own bundle is 150 bytes.
SHORT_BYTES = 150
PLAIN = b"\0"  # the codec that leaves a text as it is (sync/data/CODECS.md), so that its length is free
# A bundle that is not sealed by itself holds what a minute of a busy camp brings.
TOGETHER = (4, 8)
# What is alive at the start must be so at the end, and the slowest case takes a day: posts live 72 hours.
POST_HOURS = 12
# An alert lives 24 hours.
ALERT_HOURS = 2


@dataclass(frozen=True, slots=True)
class Stocked:
    """A bundle, the key that signed it, and the messages in it."""

    id: BundleId
    key: bytes
    wire: bytes
    class_: BundleClass
    messages: tuple[MessageId, ...]


def short_bundles(authors: Sequence[Identity], how_many: int, wall_s: float) -> list[Stocked]:
    """Bundles of one plain post and exactly 150 bytes each, the authors in turn, all of this hour."""
    words = " ".join(camp_texts()).encode("ascii", "ignore")
    hour = hour_of(wall_s)

    def one(author: Identity, number: int, body_bytes: int) -> Stocked:
        text = b"%d %s" % (number, words[7 * number :])
        body = PLAIN + text[: body_bytes - len(PLAIN)]
        post = Message(Kind.POST, _second(hour, number), number % (SALT_MAX + 1), body)
        return _seal(author, hour, BundleClass.POST, [encode(post)])

    # The same heads as the body that is wanted: strings of 24 to 255 bytes all have one of two bytes.
    tried_bytes = 50
    body_bytes = tried_bytes + SHORT_BYTES - len(one(authors[0], SALT_MAX, tried_bytes).wire)
    return [one(author, n, body_bytes) for n, author in zip(range(how_many), cycle(authors), strict=False)]


def long_bundles(
    authors: Sequence[Identity], messages: int, alerts: int, wall_s: float, random: Random
) -> list[Stocked]:
    """`messages` texts as camps send them: `alerts` of them alone, the others four to eight to a bundle.

    Posts are of the last twelve hours and alerts of the last two, so that none dies while it is carried.
    """
    this_hour = hour_of(wall_s)
    texts = _texts(random)
    numbers = count()
    stock: list[Stocked] = []
    left = messages
    for author in cycle(authors):
        together = 1 if len(stock) < alerts else min(left, random.randint(*TOGETHER))
        hour = this_hour - random.randrange(ALERT_HOURS if len(stock) < alerts else POST_HOURS)
        class_, kind = (
            (BundleClass.ALERT, Kind.MIC_CHECK) if len(stock) < alerts else (BundleClass.POST, Kind.POST)
        )
        said = [
            encode(compose(Message(kind, _second(hour, number), salt=number % (SALT_MAX + 1)), text))
            for number, text in zip(islice(numbers, together), texts, strict=False)
        ]
        stock.append(_seal(author, hour, class_, said))
        left -= together
        if left == 0:
            break
    return stock


def give(world: World, name: str, stock: Iterable[Stocked]) -> None:
    """Put bundles into a camp's store while its radio is off, as if it had held them for long."""
    camp = world.camps[name]
    world.stop(name)
    engine = Engine(camp.identity, camp.store, Random(name), camp.limits)
    engine.tell_time(world.now, True)
    with camp.store.transaction():
        for each in stock:
            engine.import_bundle(each.wire, each.key, world.now)
        while camp.store.unread():
            engine.tick(world.now)
    world.restart(name)


def _seal(author: Identity, hour: int, class_: BundleClass, messages: Sequence[bytes]) -> Stocked:
    sealed = bundle.seal(author, hour, class_, messages)
    ids = tuple(identify(author.key, each) for each in messages)
    return Stocked(sealed.id(author.key, author.network), author.key, sealed.wire, class_, ids)


def _second(hour: int, number: int) -> int:
    return seconds_of(hour) + number % 3_600


def _texts(random: Random) -> Iterator[str]:
    """Camp texts without end, in an order of chance."""
    texts = camp_texts()
    while True:
        yield random.choice(texts)
