"""`miccheck bench`."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from random import Random

import click

from node.bench import living, mutants, sizes, storing
from node.bench.figures import Figure, table
from node.bench.processes import resident_bytes
from node.bench.samples import camp_texts, camps
from node.clock import Clock, monotonic_s
from node.commands.arguments import ProgressLine, json_option
from node.sorry import Sorry

MISSED = 1
SEED = 2011
PARTS = ("sizes", "frames", "store", "node")
_PATH = click.Path(path_type=Path)


@click.command(short_help="Measure this build on this machine.")
@click.option("--texts", "file", type=_PATH, help="Texts to send, one a line; otherwise our own, unmeasured.")
@click.option("--folder", type=_PATH, default=Path(), help="Where to write; the disk that counts. [here]")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this; may be repeated.")
@click.option("--seed", type=int, default=SEED, help=f"Of all chance in it. [{SEED}]")
@click.option("--save", type=_PATH, help="Also write the JSON to this file.")
@json_option
def command(
    file: Path | None, folder: Path, parts: tuple[str, ...], seed: int, save: Path | None, as_json: bool
) -> int:
    """Measure this build on this machine: bytes on the air, hostile frames, a flood of bundles, a real node.

    Takes about two minutes, and wants the machine for itself. Prints a Markdown table; where "must be" is
    empty a figure is for information. Exit code 1 when one that must be kept was missed.

    \b
    Example:
      miccheck bench --texts my-own-texts.txt
    """
    started = monotonic_s()
    figures = _measure(file, folder, parts or PARTS, seed)
    report = json.dumps(_report(figures, seed, monotonic_s() - started), ensure_ascii=False, indent=1)
    if save is not None:
        _write(save, report)
    click.echo(report if as_json else table(figures))
    return 0 if all(figure.passes for figure in figures) else MISSED


def _measure(file: Path | None, folder: Path, parts: Sequence[str], seed: int) -> list[Figure]:
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
            "node": lambda: living.measure(texts, workshop, ProgressLine("posts acknowledged")),
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
