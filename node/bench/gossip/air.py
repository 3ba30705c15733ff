"""The engine on the air, measured: some seeds for a look, ten and both firmwares for the record.

Everything is simulated and in virtual time, so it comes out the same on any machine and in any company; only
decoding is a matter of this machine.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from random import Random

from node.bench.figures import Figure, rounded
from node.bench.gossip import decoding
from node.bench.gossip.cases import CASES, Job
from node.bench.gossip.results import Progress, Results
from node.bench.gossip.rows import Row, rows_of
from radio.airtime import COMPARED, Firmware

# Tuning looks at seeds from 1 on; these it has not seen.
SEEDS = range(1001, 1011)
SEEDS_FOR_A_LOOK = range(1001, 1003)

BEGIN, END = "<!-- the air, by make bench-full -->", "<!-- /the air -->"


def look(results: Results, seeds: Sequence[int], cases: Collection[str], progress: Progress) -> list[Figure]:
    """The rows of these cases on raw LoRa; of the attackers, who are ten runs a seed, the first seed only."""
    jobs = [
        Job(case, seed, Firmware.RAW)
        for case in CASES
        if case in cases
        for seed in (seeds[:1] if case.startswith("attack") else seeds)
    ]
    results.add(jobs, _processes(), progress)
    done = results.of(Firmware.RAW, seeds, cases)
    return [row.figure(done) for row in rows_of(done)]


def record(results: Results, seeds: Sequence[int], progress: Progress) -> dict[Firmware, list[Figure]]:
    """Every row on both firmwares."""
    # By seed, so that what is there when it is broken off is of all cases.
    jobs = [Job(case, seed, firmware) for seed in seeds for firmware in COMPARED for case in CASES]
    results.add(jobs, _processes(), progress)
    figures = {}
    for firmware in COMPARED:
        done = results.of(firmware, seeds, CASES)
        figures[firmware] = [row.figure(done) for row in rows_of(done)]
    return figures


def decode(seed: int, wall_s: float) -> list[Figure]:
    """What decoding takes here."""
    return decoding.measure(Random(seed), wall_s)


def markdown(figures: dict[Firmware, list[Figure]], rows: Iterable[Row], more: Sequence[Figure]) -> str:
    """A table with a column for each firmware; `more` does not depend on it."""
    lines = ["| | must be | aim | raw LoRa | firmware 2.8 |", "| --- | ---: | ---: | ---: | ---: |"]
    by_name = [{figure.name: figure for figure in figures[firmware]} for firmware in COMPARED]
    for row in rows:
        measured = [_cell(column[row.name]) for column in by_name if row.name in column]
        aim = "" if row.aim is None else f"{_sign(row)} {row.aim:g}"
        must = f"{_sign(row)} {row.limit:g} {row.unit}".strip()
        lines.append(f"| {row.what} | {must} | {aim} | {' | '.join(measured)} |")
    for figure in more:
        lines.append(f"| {figure.what} | ≤ {figure.limit:g} {figure.unit} | | {_cell(figure)} | |")
    return "\n".join(lines)


def with_table(text: str, table: str) -> str:
    """A document with the table between the two marks. Raises ValueError when it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _sign(row: Row) -> str:
    return "≤" if row.bound == "<=" else "≥"


def _cell(figure: Figure) -> str:
    """A measured value, bold where it missed its limit."""
    value = f"{rounded(figure.value):,} {figure.unit}".strip()
    return value if figure.passes else f"**{value}**"


def _processes() -> int:
    return os.cpu_count() or 1
