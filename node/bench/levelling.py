"""What it costs two camps on a cable to become level: bytes and time of the comparison, and of all of it.

The comparison is that of two engines over boards in memory: 100,000 bundles that both hold, which nobody
signed (nobody looks: they are there), and 1,000 that one of them holds, half of them each. What counts as
comparison is every frame but bundles. The whole is two real nodes on loopback, one of which was handed
10,000 posts as a file.
"""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from node.bench.figures import Figure
from node.bench.living import GIVE_UP_S, LOOK_AGAIN_S, miccheck, running
from node.bench.samples import cable, camps, posts
from node.bench.sizes import LETTERS
from node.clock import monotonic_s, pause, processor_s
from node.exporting import write_bundles
from node.sorry import Sorry
from sync.bundle import WINDOW_BUNDLES, BundleClass, hour_of, seal
from sync.engine import Engine
from sync.frames import FrameType
from sync.signing import AUTHOR_BYTES, KEY_BYTES, Identity
from sync.store import Store

SHARED = 100_000
DIFFERENT = 1_000
COMPARE_BYTES_MAX = 16_000
COMPARE_S_MAX = 1.0
LAN_POSTS = 10_000
LAN_S_MAX = 30.0
LINK = "cable"
# Frames that carry bundles; the rest is comparison.
_BUNDLES = (FrameType.BUNDLE, FrameType.BUNDLE_WITH_KEY)
_ID_BYTES = 16
_WIRE_BYTES = 200
# Receipt numbers of the made-up rows: behind all that is stored in the usual way.
_ROWS_FROM = 1 << 40


@dataclass(slots=True)
class Comparison:
    """What two ends said and worked until they were level."""

    frame_bytes: int = 0
    bundles: int = 0
    seconds: float = 0.0
    ends: list[tuple[Engine, Store]] = field(default_factory=list)


def measure(
    texts: Sequence[str],
    random: Random,
    wall_s: float,
    folder: Path,
    shared: int = SHARED,
    different: int = DIFFERENT,
    lan_posts: int = LAN_POSTS,
) -> list[Figure]:
    """Compare two boards, then let two nodes in `folder` become level. Raises Sorry, RuntimeError."""
    compared = compare(texts, random, wall_s, shared, different)
    seconds, rate = level_nodes(texts, random, wall_s, folder, lan_posts)
    return [
        Figure(
            "level_compare_bytes",
            f"{different:,} differences among {shared:,} bundles: bytes of comparing",
            compared.frame_bytes,
            "B",
            limit=COMPARE_BYTES_MAX,
        ),
        Figure(
            "level_compare_s",
            "the same: processor seconds, both camps",
            compared.seconds,
            "s",
            limit=COMPARE_S_MAX,
        ),
        Figure(
            "level_lan_s",
            f"two nodes on loopback, {lan_posts:,} posts to hand over, until the last is shown",
            seconds,
            "s",
            limit=LAN_S_MAX,
        ),
        Figure("level_lan_per_s", "posts handed over", rate, "/s"),
    ]


# -- the comparison -------------------------------------------------------------------------------------


def compare(texts: Sequence[str], random: Random, wall_s: float, shared: int, different: int) -> Comparison:
    """Two engines on one cable, until neither has anything to say."""
    one, other, *authors = camps(2 + different // (WINDOW_BUNDLES - 1) + 1, random)
    rows = list(_rows(shared, random, hour_of(wall_s)))
    done = Comparison()
    for me in (one, other):
        store = Store.open(None, me.key)
        _fill(store, rows, hour_of(wall_s))
        done.ends.append((Engine(me, store, Random(random.random())), store))
    stock = posts([text[:LETTERS] for text in texts], wall_s)
    for number in range(different):
        engine, store = done.ends[number % 2]
        author = authors[number % len(authors)]
        sealed = seal(author, hour_of(wall_s), BundleClass.POST, [next(stock)])
        with store.transaction():
            engine.import_bundle(sealed.wire, author.key, wall_s)
    for engine, store in done.ends:
        while store.unread():
            with store.transaction():
                engine.tick(wall_s)
    for (engine, _), there in zip(done.ends, (other, one), strict=True):
        engine.add_link(cable(LINK, there.key), wall_s)
    while _carry(done, 0, wall_s) + _carry(done, 1, wall_s):
        pass
    for _, store in done.ends:
        store.close()
    if done.bundles != different:
        raise RuntimeError(f"{done.bundles} bundles passed for {different} differences")
    return done


def _rows(count: int, random: Random, hour: int) -> list[tuple[object, ...]]:
    """Rows of bundles that nobody signed, of as many authors as have room for them."""
    authors = [random.randbytes(AUTHOR_BYTES) for _ in range(count // WINDOW_BUNDLES + 1)]
    return [
        (
            number + _ROWS_FROM,
            random.randbytes(_ID_BYTES),
            authors[number // WINDOW_BUNDLES],
            bytes(KEY_BYTES),
            hour - number % 48,
            random.randbytes(_WIRE_BYTES),
        )
        for number in range(count)
    ]


def _fill(store: Store, rows: Sequence[tuple[object, ...]], hour: int) -> None:
    with store.transaction():
        store.set_meta("last_hour", hour)
        store.connection.executemany(
            "INSERT INTO bundles (seq, id, author, key, hour, class, wire, received_s, via, live, read)"
            " VALUES (?, ?, ?, ?, ?, 1, ?, 0, 'ip', 1, 1)",
            rows,
        )


def _carry(done: Comparison, end: int, now: float) -> int:
    """Hand what one end says to the other; how many frames."""
    (engine, store), (there, board) = done.ends[end], done.ends[1 - end]
    started = processor_s()
    with store.transaction():
        leaving = engine.frames_to_send(LINK, now, float("inf"))
    is_compared = any(data[0] & 0x0F not in _BUNDLES for data in leaving)
    done.seconds += processor_s() - started if is_compared else 0.0
    for data in leaving:
        is_bundle = data[0] & 0x0F in _BUNDLES
        started = processor_s()
        with board.transaction():
            there.receive_frame(data, LINK, now)
        if is_bundle:
            done.bundles += 1
        else:
            done.frame_bytes += len(data)
            done.seconds += processor_s() - started
    return len(leaving)


# -- two nodes -----------------------------------------------------------------------------------------


def level_nodes(
    texts: Sequence[str], random: Random, wall_s: float, folder: Path, count: int
) -> tuple[float, float]:
    """Seconds from the second node's first page until it shows every post of the first; posts a second."""
    file = folder / "lan.bundles"
    _write(file, camps(count // (WINDOW_BUNDLES - 1) + 1, random), texts, wall_s, count)
    with running(folder / "full") as full:
        subprocess.run([*miccheck("import"), folder / "full", file], check=True, stdout=subprocess.DEVNULL)
        link = f'\n[[link]]\nkind = "ip"\nurl = "http://127.0.0.1:{full.port}"\n'
        with running(folder / "empty", link):
            started = monotonic_s()
            board = folder / "empty" / "board.sqlite3"
            while _shown(board) < count:
                if monotonic_s() - started > GIVE_UP_S:
                    raise Sorry(f"two nodes were not level after {GIVE_UP_S:.0f} s")
                pause(LOOK_AGAIN_S)
            seconds = monotonic_s() - started
    return seconds, count / seconds


def _write(file: Path, authors: Sequence[Identity], texts: Sequence[str], wall_s: float, count: int) -> None:
    stock = posts([text[:LETTERS] for text in texts], wall_s)
    made = ((authors[n % len(authors)], next(stock)) for n in range(count))
    sealed = ((by, seal(by, hour_of(wall_s), BundleClass.POST, [post])) for by, post in made)
    write_bundles(file, ((by.key, each.wire) for by, each in sealed))


def _shown(board: Path) -> int:
    """How many messages a node's pages show."""
    connection = sqlite3.connect(f"{board.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM messages WHERE shown = 1").fetchone()[0])
    finally:
        connection.close()
