"""Runs of cases, done on all cores and kept in a file as soon as each is over.

A file remembers which code its numbers are of: after a change of the engine, the air or the cases it is begun
anew, and otherwise what is done is not done again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from hashlib import blake2b
from pathlib import Path

import node.bench
import radio
import sync
from node.bench.gossip.cases import Job, Values, run
from node.bench.gossip.rows import Done
from radio.airtime import Firmware

Progress = Callable[[int, int], None]


def run_all(jobs: Sequence[Job], processes: int) -> Generator[tuple[Job, Values], None, None]:
    """Run jobs, so many at a time, and give each as it ends. What a case raises is raised here.

    Whoever closes it, or is interrupted, waits for the jobs under way and for no others.
    """
    pool = ProcessPoolExecutor(processes)
    try:
        waiting = {pool.submit(run, job): job for job in jobs}
        for over in as_completed(waiting):
            yield waiting[over], over.result()
    finally:
        pool.shutdown(cancel_futures=True)


class Results:
    """What is done. With a file, it is written after every run."""

    def __init__(self, file: Path | None = None) -> None:
        """Raises OSError when the file is there and cannot be read; what is no file of ours is begun anew."""
        self._file = file
        self.code = code_hash()
        self._done: dict[str, Values] = {}
        if file is not None and file.exists():
            self._done = _read(file.read_text(encoding="utf-8"), self.code)

    def add(self, jobs: Iterable[Job], processes: int, progress: Progress) -> None:
        """Run those of the jobs that are not done."""
        wanted = list(jobs)
        left = [job for job in wanted if job.key not in self._done]
        progress(len(wanted) - len(left), len(wanted))
        for job, values in run_all(left, processes):
            self._done[job.key] = values
            self._write()
            progress(sum(each.key in self._done for each in wanted), len(wanted))

    def of(self, firmware: Firmware, seeds: Iterable[int], cases: Iterable[str]) -> Done:
        """Done runs on this firmware, by case, in the order of the seeds."""
        seeds = list(seeds)
        runs = {case: [self._done.get(Job(case, seed, firmware).key) for seed in seeds] for case in cases}
        return {case: [values for values in each if values is not None] for case, each in runs.items()}

    def as_json(self) -> dict[str, object]:
        """The code's hash and every run."""
        return {"code": self.code, "runs": dict(sorted(self._done.items()))}

    def _write(self) -> None:
        if self._file is None:
            return
        whole = self._file.with_suffix(".part")  # a run that is broken off leaves the last whole file
        whole.write_text(json.dumps(self.as_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        whole.replace(self._file)


def code_hash() -> str:
    """A hash over all that decides what a run gives: the engine, the air, the cases and what they send."""
    hashed = blake2b(digest_size=16)
    for package in (sync, radio, node.bench):
        folder = Path(package.__path__[0])
        for file in sorted(each for kind in ("*.py", "*.bin", "*.txt") for each in folder.rglob(kind)):
            hashed.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return hashed.hexdigest()


def _read(text: str, code: str) -> dict[str, Values]:
    try:
        kept = json.loads(text)
    except ValueError:
        return {}
    return kept["runs"] if isinstance(kept, dict) and kept.get("code") == code else {}
