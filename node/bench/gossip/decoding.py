"""What it takes to find 43 differences, the most one sketch tells, in the engine that a camp runs.

A sketch is handed to an engine as the radio would, and all that follows from it at once is in the figure:
reading the frame, salting the live set, decoding, and noting what to send and what to ask for. How much
history lies in the store must not matter: two engines with the same live set take turns, one of them with a
thousand times as many bundles that are stored and dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import median

from node.bench.figures import Figure
from node.bench.gossip.stock import short_bundles
from node.bench.samples import camps, radio
from node.clock import processor_s
from sync import air_frames, bundle
from sync.air_frames import SketchFrame
from sync.bundle import (
    BUNDLE_ID_BYTES,
    HOUR_S,
    MASK_RADIO,
    WINDOW_BUNDLES,
    BundleClass,
    BundleId,
    hour_of,
    seconds_of,
)
from sync.engine import FRAMES_AT_ONCE, Engine
from sync.message import Kind, Message, encode
from sync.signing import Identity
from sync.sketch import NONCE_BYTES, SKETCH_SYNDROMES, WHOLE, Salt, SaltedSet
from sync.store import Store
from sync.views import Via

DIFFERENCES = SKETCH_SYNDROMES - 1
DECODE_MS_MAX = 10.0
# Two medians of the same work differ by a few hundredths here.
FLAT_MAX = 1.2
# Twenty camps of fifty bundles: a large network on a busy day.
LIVE = 1_000
# A quiet week, and years.
HISTORY = (100, 100_000)
ROUNDS = 40
# Dead for a week.
DEAD_HOURS = 168
# Farther apart than an engine counts comparisons.
BETWEEN_S = 60.0
LINK = "air"


def measure(
    random: Random,
    wall_s: float,
    live: int = LIVE,
    history: tuple[int, int] = HISTORY,
    rounds: int = ROUNDS,
) -> list[Figure]:
    """Decode `rounds` sketches in turns with little and with much history."""
    few, many = (_Camp(random, wall_s, live, stored) for stored in history)
    times_s: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for camp, spent_s in zip((few, many), times_s, strict=True):
            spent_s.append(camp.decode(wall_s + BETWEEN_S * number, random))
    few.close()
    many.close()
    # The first round warms up.
    few_s, many_s = (median(spent_s[1:]) for spent_s in times_s)
    return [
        Figure(
            "decode_43_ms",
            f"a sketch of {DIFFERENCES} differences decoded among {live:,} live bundles (median of {rounds})",
            1_000 * many_s,
            "ms",
            limit=DECODE_MS_MAX,
        ),
        Figure(
            "decode_flat",
            f"the same with {history[1]:,} dead bundles in the store, to {history[0]:,}",
            many_s / few_s,
            "",
            limit=FLAT_MAX,
        ),
    ]


class _Camp:
    """An engine with a live set, a history, and a neighbour from whom it differs."""

    def __init__(self, random: Random, wall_s: float, live: int, stored: int) -> None:
        self._me, self._neighbour, *authors = camps(2 + -(-live // (WINDOW_BUNDLES - 1)), random)
        self._hour = hour_of(wall_s)
        self._store = Store.open(None, self._me.key)
        with self._store.transaction():
            _bury(self._store, authors, stored, wall_s)
        self._engine = Engine(self._me, self._store, random)
        self._engine.tell_time(wall_s, True)
        for each in short_bundles(authors, live, wall_s):
            self._engine.import_bundle(each.wire, each.key, wall_s)
        self._engine.add_link(radio(LINK), wall_s)
        self._ids = [each.id for each in self._store.live_bundles()]

    def decode(self, now: float, random: Random) -> float:
        """Seconds for one sketch of 43 differences, half of them on either side."""
        theirs = self._ids[DIFFERENCES // 2 :] + _unknown(DIFFERENCES - DIFFERENCES // 2, random)
        salt = Salt(random.randbytes(NONCE_BYTES), self._hour, self._neighbour.author[:4])
        sketch = SaltedSet(theirs, salt).sketch(SKETCH_SYNDROMES)
        frame = SketchFrame(salt, MASK_RADIO, len(theirs), WHOLE, sketch, self._me.author[:4])
        data = air_frames.encode(frame, self._me.network, self._neighbour.author)
        self._engine.tell_time(now, True)
        started = processor_s()
        with self._store.transaction():
            self._engine.receive_frame(data, LINK, now)
        return processor_s() - started

    def close(self) -> None:
        self._store.close()


def _bury(store: Store, authors: Sequence[Identity], how_many: int, wall_s: float) -> None:
    """Store bundles that were alive once, and read them."""
    hour = hour_of(wall_s) - DEAD_HOURS
    for number in range(how_many):
        author = authors[number % len(authors)]
        said = Message(Kind.POST, seconds_of(hour) + number % HOUR_S, body=b"\0%d" % number)
        old = bundle.seal(author, hour, BundleClass.POST, [encode(said)])
        store.add_bundle(old, author.key, old.id(author.key, author.network), wall_s, Via.CARRIED, False)
        while store.unread() >= FRAMES_AT_ONCE:
            store.read_waiting(FRAMES_AT_ONCE)
    while store.unread():
        store.read_waiting(FRAMES_AT_ONCE)


def _unknown(how_many: int, random: Random) -> list[BundleId]:
    return [random.randbytes(BUNDLE_ID_BYTES) for _ in range(how_many)]
