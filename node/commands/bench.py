"""`miccheck bench`."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from random import Random

import click

from node.bench import importing, letters_in, letters_out, levelling, living, mutants, sizes, storing
from node.bench.figures import Figure, table
from node.bench.gossip import air
from node.bench.gossip.cases import CASES
from node.bench.gossip.results import Results
from node.bench.gossip.rows import ROWS
from node.bench.processes import resident_bytes
from node.bench.samples import camp_texts, camps
from node.clock import Clock, monotonic_s
from node.commands.arguments import ProgressLine, json_option
from node.sorry import Sorry

MISSED = 1
SEED = 2011
PARTS = ("sizes", "frames", "store", "import", "level", "letters-in", "letters-out", "node", "air")
# A hundred seeds take three hours; whoever wants more begins twice.
SEEDS_MAX = 100
SEEDS_CHARACTERS_MAX = 20
_PATH = click.Path(path_type=Path)


def _seeds(_: click.Context, __: click.Parameter, words: str | None) -> range | None:
    if words is None:
        return None
    first, dash, last = words.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()) or len(words) > SEEDS_CHARACTERS_MAX:
        raise click.BadParameter(f"{words!r} is not like 1-20")
    seeds = range(int(first), int(last or first) + 1)
    if not 0 < len(seeds) <= SEEDS_MAX:
        raise click.BadParameter(f"{words!r} are not 1 to {SEEDS_MAX} seeds")
    return seeds


@click.command(short_help="Measure this build on this machine.")
@click.option("--texts", "file", type=_PATH, help="Texts to send, one a line; otherwise our own, unmeasured.")
@click.option("--folder", type=_PATH, default=Path(), help="Where to write; the disk that counts. [here]")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this; may be repeated.")
@click.option("--seed", type=int, default=SEED, help=f"Of all chance in it. [{SEED}]")
@click.option("--save", type=_PATH, help="Also write the JSON to this file.")
@click.option(
    "--case",
    "cases",
    multiple=True,
    type=click.Choice(list(CASES)),
    help="Of the air, only this; may be repeated.",
)
@click.option(
    "--seeds", callback=_seeds, metavar="A-B", help="Of the air.  [1001-1002; with --full 1001-1010]"
)
@click.option(
    "--full", is_flag=True, help="The air alone, on both firmwares. Goes on where --save broke off."
)
@click.option("--readme", type=_PATH, help="With --full: put the table between the marks in this file.")
@json_option
def command(
    file: Path | None,
    folder: Path,
    parts: tuple[str, ...],
    seed: int,
    save: Path | None,
    cases: tuple[str, ...],
    seeds: range | None,
    full: bool,
    readme: Path | None,
    as_json: bool,
) -> int:
    """Measure this build on this machine: bytes on the air, hostile frames, a flood of bundles, a real node,
    and what gossip on the air costs.

    Takes about six minutes, and wants the machine for itself. Prints a Markdown table; where "must be" is
    empty a figure is for information. Exit code 1 when one that must be kept was missed.

    \b
    Examples:
      miccheck bench --texts my-own-texts.txt
      miccheck bench --part air --case pair_200 --seeds 1-4
    """
    if full:
        return _full(seeds or air.SEEDS, seed, save, readme, as_json)
    started = monotonic_s()
    talk = _Talk(seeds or air.SEEDS_FOR_A_LOOK, cases or tuple(CASES))
    figures = _measure(file, folder, parts or PARTS, seed, talk)
    report = json.dumps(_report(figures, seed, monotonic_s() - started), ensure_ascii=False, indent=1)
    if save is not None:
        _write(save, report)
    click.echo(report if as_json else table(figures))
    return 0 if all(figure.passes for figure in figures) else MISSED


@dataclass(frozen=True, slots=True)
class _Talk:
    """Which cases of the air to run, on which seeds."""

    seeds: range
    cases: tuple[str, ...]

    def measure(self, seed: int, wall_s: float) -> list[Figure]:
        progress = ProgressLine("squares simulated")
        decoded = air.decode(seed, wall_s) if len(self.cases) == len(CASES) else []
        return [*air.look(Results(), self.seeds, self.cases, progress), *decoded]


def _full(seeds: range, seed: int, save: Path | None, readme: Path | None, as_json: bool) -> int:
    """Every case of the air on all seeds and both firmwares."""
    document = _read_marked(readme) if readme is not None else ""
    try:
        results = Results(save)
    except OSError as error:
        raise Sorry(f"cannot read {save}: {error.strerror}") from error
    by_firmware = air.record(results, seeds, ProgressLine("squares simulated"))
    decoded = air.decode(seed, Clock().wall_s())
    figures = {firmware.value: column for firmware, column in by_firmware.items()} | {"machine": decoded}
    passes = all(figure.passes for column in figures.values() for figure in column)
    report = {
        "version": version("miccheck"),
        "seeds": list(seeds),
        "pass": passes,
        "figures": {name: [figure.as_json() for figure in column] for name, column in figures.items()},
        **results.as_json(),
    }
    shown = air.markdown(by_firmware, ROWS, decoded)
    written = json.dumps(report, ensure_ascii=False, indent=1)
    if save is not None:
        _write(save, written)
    if readme is not None:
        _write(readme, air.with_table(document, shown).rstrip("\n"))
    click.echo(written if as_json else shown)
    return 0 if passes else MISSED


def _read_marked(readme: Path) -> str:
    """A document that has the marks; looked at before an hour is spent."""
    try:
        document = readme.read_text(encoding="utf-8")
        air.with_table(document, "")
    except OSError as error:
        raise Sorry(f"cannot read {readme}: {error.strerror}") from error
    except ValueError as error:
        raise Sorry(f"cannot put a table into {readme}: {error}") from error
    return document


def _measure(file: Path | None, folder: Path, parts: Sequence[str], seed: int, talk: _Talk) -> list[Figure]:
    texts = camp_texts() if file is None else _read(file)
    wall_s = Clock().wall_s()
    with _workshop(folder) as name:
        workshop = Path(name)
        measures: dict[str, Callable[[], list[Figure]]] = {
            "sizes": lambda: [] if file is None else sizes.measure(texts, camps(1, Random(seed))[0], wall_s),
            "frames": lambda: mutants.measure(
                texts, Random(seed), wall_s, _own_memory, ProgressLine("damaged frames refused")
            ),
            "store": lambda: storing.measure(texts, Random(seed), wall_s, workshop),
            "import": lambda: importing.measure(texts, Random(seed), wall_s, workshop),
            "level": lambda: levelling.measure(texts, Random(seed), wall_s, workshop),
            "letters-out": lambda: letters_out.measure(texts, Random(seed), wall_s, workshop),
            "letters-in": lambda: letters_in.measure(texts, Random(seed), wall_s, workshop, _own_memory),
            "node": lambda: living.measure(texts, workshop, ProgressLine("posts acknowledged")),
            "air": lambda: talk.measure(seed, wall_s),
        }
        figures: list[Figure] = []
        for part in PARTS:
            if part in parts:
                click.echo(f"measuring: {part}", err=True)
                figures += measures[part]()
    return figures


def _own_memory() -> int:
    return resident_bytes(os.getpid())


def _report(figures: Sequence[Figure], seed: int, seconds: float) -> dict[str, object]:
    return {
        "version": version("miccheck"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "seed": seed,
        "seconds": round(seconds, 1),
        "pass": all(figure.passes for figure in figures),
        "figures": [figure.as_json() for figure in figures],
    }


def _read(file: Path) -> list[str]:
    try:
        texts = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Sorry(f"cannot read {file}: {why}") from error
    if len(texts) < sizes.TOGETHER:
        raise Sorry(f"{file} holds {len(texts)} texts; it takes {sizes.TOGETHER} at least, one a line")
    return texts


def _workshop(folder: Path) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix=".miccheck-bench-", dir=folder)
    except OSError as error:
        raise Sorry(f"cannot write in {folder}: {error.strerror}; name another --folder") from error


def _write(file: Path, report: str) -> None:
    try:
        file.write_text(report + "\n", encoding="utf-8")
    except OSError as error:
        raise Sorry(f"cannot write {file}: {error.strerror}") from error
