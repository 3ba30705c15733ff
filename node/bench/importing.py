"""How fast `miccheck import` takes a file in: read, checked, stored, acknowledged; then unpacked for pages.

A camp as the command has it, with a real file and full syncs. What nobody can save is the signature, so the
rate is held against PyNaCl's bare verify of the same bundles, in turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from statistics import median

from nacl.signing import VerifyKey

from node.bench.figures import Bound, Figure
from node.bench.samples import camps, posts
from node.bench.sizes import LETTERS
from node.clock import Clock, monotonic_s
from node.console import work_for
from node.counter import answered
from node.exporting import write_bundles
from node.home import Home
from node.importing import Tally, read_to_the_end, take_in
from node.requests import Answer, Request, no_progress
from node.settings import Settings
from node.works import Works
from sync import bundle
from sync.bundle import WINDOW_BUNDLES, BundleClass, hour_of, seal
from sync.carried import CarriedFile
from sync.signing import SEED_BYTES, Network

SHARE_MIN = 0.25
ROUNDS = 5
BUNDLES = 4_000


def measure(
    texts: Sequence[str],
    random: Random,
    wall_s: float,
    folder: Path,
    rounds: int = ROUNDS,
    bundles: int = BUNDLES,
) -> list[Figure]:
    """Take in `rounds` files of as many bundles of one post each, the texts cut at 140 letters."""
    home = Home(folder / "importing")
    home.run.mkdir(parents=True)
    home.write_seed(random.randbytes(SEED_BYTES))
    works = Works(home, Settings(), Clock())
    works.start()
    stored: list[float] = []
    shown: list[float] = []
    rates: list[float] = []
    try:
        for _ in range(rounds + 1):  # the first warms up
            file = folder / "camp.bundles"
            _write(file, texts, random, wall_s, bundles)
            verify_s = _verify(file, works.identity.network)
            store_s, read_s = _import(file, works)
            stored.append(verify_s / store_s)
            shown.append(verify_s / (store_s + read_s))
            rates.append(bundles / store_s)
    finally:
        works.stop()
    return [
        Figure(
            "import_share_of_verify",
            "bundles of one post imported from a file, to PyNaCl's bare verifies",
            median(stored[1:]),
            "",
            Bound.AT_LEAST,
            SHARE_MIN,
        ),
        Figure(
            "import_shown_share_of_verify",
            "the same, until pages show all of them",
            median(shown[1:]),
            "",
        ),
        Figure("import_per_s", "bundles imported", median(rates[1:]), "/s"),
    ]


def _write(file: Path, texts: Sequence[str], random: Random, wall_s: float, count: int) -> None:
    """A file as `export` writes it. No author fills its window."""
    authors = camps(count // (WINDOW_BUNDLES - 1) + 1, random)
    stock = posts([text[:LETTERS] for text in texts], wall_s)
    made = ((authors[n % len(authors)], next(stock)) for n in range(count))
    sealed = ((by, seal(by, hour_of(wall_s), BundleClass.POST, [post])) for by, post in made)
    write_bundles(file, ((by.key, each.wire) for by, each in sealed))


def _verify(file: Path, network: Network) -> float:
    """Seconds to verify the signatures in this file and nothing else."""
    checks: list[tuple[bytes, bytes, bytes]] = []
    with file.open("rb") as stream:
        for each in CarriedFile(stream):
            decoded = bundle.decode(each.wire)
            checks.append((each.key, network.bundle_input(each.key, decoded.signed), decoded.signature))
    started = monotonic_s()
    for key, signed_input, signature in checks:
        VerifyKey(key).verify(signed_input, signature)
    return monotonic_s() - started


def _import(file: Path, works: Works) -> tuple[float, float]:
    """Seconds until all is stored, and from then until pages show it. Raises RuntimeError if it is not."""

    def begin(request: Request) -> Callable[[], Answer]:
        future = works.pump.submit(work_for(request, no_progress, works.identity.network))
        return lambda: answered(future)

    started = monotonic_s()
    with file.open("rb") as stream:
        tally = take_in(stream, begin, _look_away)
    stored = monotonic_s()
    read_to_the_end(tally, begin, _look_away)
    if tally.refused or tally.torn or not tally.new:
        raise RuntimeError(f"good bundles were not taken in: {tally}")
    return stored - started, monotonic_s() - stored


def _look_away(_: Tally) -> None:
    pass
