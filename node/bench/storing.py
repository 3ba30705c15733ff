"""How fast a flood of bundles from a neighbour is taken in.

First they are decoded, verified and stored, in the groups in which the pump commits, with full syncs of a
real file; what nobody can save of that is the signature, so the rate is held against PyNaCl's bare verify of
the same bundles, in turns. Then their messages are unpacked, projected for pages and indexed, in transactions
that follow (PROTOCOL.md §7); what that costs stands beside it, and every post must be readable at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median

from nacl.signing import VerifyKey

from node.bench.figures import Bound, Figure
from node.bench.samples import bundle_frame, cable, camps, posts
from node.bench.sizes import LETTERS
from node.clock import monotonic_s
from node.pump import GROUP_MAX
from sync import bundle, frames
from sync.bundle import WINDOW_BUNDLES
from sync.engine import Engine
from sync.events import MessageArrived
from sync.frames import BundleFrame
from sync.signing import Identity
from sync.store import Store

SHARE_MIN = 0.3
ROUNDS = 12
LINK = "neighbour"


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds for the same bundles: verified and nothing else; taken in; and then read."""

    bundles: int
    verify_s: float
    store_s: float
    read_s: float

    @property
    def stored_share(self) -> float:
        """Bundles stored for each that is merely verified."""
        return self.verify_s / self.store_s

    @property
    def read_share(self) -> float:
        """Bundles stored and read for each that is merely verified."""
        return self.verify_s / (self.store_s + self.read_s)


def measure(
    texts: Sequence[str],
    random: Random,
    wall_s: float,
    folder: Path,
    rounds: int = ROUNDS,
    group: int = GROUP_MAX,
) -> list[Figure]:
    """Take in `rounds` groups of bundles of one post each, the texts cut at 140 letters."""
    cut = [text[:LETTERS] for text in texts]
    done = _rounds(cut, random, wall_s, folder / "neighbour.sqlite3", rounds, group)
    letters = sum(map(len, cut)) / len(cut)
    return [
        Figure(
            "store_share_of_verify",
            "bundles of one post decoded, verified and stored, to PyNaCl's bare verifies",
            median(each.stored_share for each in done),
            "",
            Bound.AT_LEAST,
            SHARE_MIN,
        ),
        Figure(
            "read_share_of_verify",
            f"the same, and their {letters:.0f} letters unpacked, shown and indexed",
            median(each.read_share for each in done),
            "",
        ),
        Figure("verify_per_s", "bare verifies", median(e.bundles / e.verify_s for e in done), "/s"),
        Figure("store_per_s", "bundles stored", median(e.bundles / e.store_s for e in done), "/s"),
        Figure(
            "read_per_s",
            "bundles stored and read",
            median(e.bundles / (e.store_s + e.read_s) for e in done),
            "/s",
        ),
    ]


def _rounds(
    texts: Sequence[str], random: Random, wall_s: float, file: Path, rounds: int, group: int
) -> list[Round]:
    """One round to warm up, then `rounds` that count."""
    total = (rounds + 1) * group
    # No author fills its window: what leaves one is written twice.
    authors = camps(total // (WINDOW_BUNDLES - 1) + 1, random)
    stock = posts(texts, wall_s)
    made = (bundle_frame(authors[n % len(authors)], [next(stock)], wall_s) for n in range(total))
    me, neighbour = camps(2, random)
    store = Store.open(file, me.key)
    try:
        engine = Engine(me, store, random)
        engine.add_link(cable(LINK, neighbour.key), wall_s)
        heard = [list(islice(made, group)) for _ in range(rounds + 1)]
        results = [
            Round(
                len(part),
                _verify(part, me),
                _store(part, engine, store, wall_s),
                _read(len(part), engine, store, wall_s),
            )
            for part in heard
        ]
    finally:
        store.close()
    return results[1:]


def _verify(heard: Sequence[bytes], me: Identity) -> float:
    """Seconds to verify the signatures of these frames."""
    checks: list[tuple[bytes, bytes, bytes]] = []
    for data in heard:
        _, frame = frames.decode(data, me.network)
        assert isinstance(frame, BundleFrame)
        assert frame.key is not None
        decoded = bundle.decode(frame.wire)
        checks.append((frame.key, me.network.bundle_input(frame.key, decoded.signed), decoded.signature))
    started = monotonic_s()
    for key, signed_input, signature in checks:
        VerifyKey(key).verify(signed_input, signature)
    return monotonic_s() - started


def _store(heard: Sequence[bytes], engine: Engine, store: Store, now: float) -> float:
    """Seconds to take these frames in as one group."""
    started = monotonic_s()
    with store.transaction():
        for data in heard:
            engine.receive_frame(data, LINK, now)
    return monotonic_s() - started


def _read(posts_due: int, engine: Engine, store: Store, now: float) -> float:
    """Seconds until pages show what the group brought. Raises RuntimeError unless they show all of it."""
    started = monotonic_s()
    left = posts_due + 1
    while left > (left := store.unread()):
        with store.transaction():
            engine.tick(now)
            while engine.frames_to_send(LINK, now, float("inf")):
                pass
    seconds = monotonic_s() - started
    arrived = 0
    while (event := engine.next_event()) is not None:
        arrived += isinstance(event, MessageArrived)
    if arrived != posts_due:
        raise RuntimeError(f"{posts_due - arrived} good posts are not shown")
    return seconds
