"""`miccheck import`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from node.commands.arguments import ProgressLine, home_argument, json_option
from node.entry import Camp
from node.requests import RECORDS_BYTES_MAX, RECORDS_MAX, TakeIn, Taken, no_progress
from node.sorry import Sorry
from sync.carried import Carried, CarriedFile, NotBundles


@click.command("import", short_help="Take in the bundles in a file that `export` wrote.")
@home_argument
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def command(folder: Path, file: Path, as_json: bool) -> None:
    """Take in the bundles in FILE, written by `miccheck export` at any camp.

    Every bundle is checked by its signature. A torn or damaged file gives what is good in it. With --json:
    {"new": N, "known": N, "refused": N, "torn": BOOL}.

    \b
    Example:
      miccheck import ~/camp /media/stick/camp.bundles
    """
    if file.exists() and not (file.is_file() or file.is_dir()):
        # A stick can hold a link to a device that never ends, or a pipe that nobody writes to.
        raise Sorry(f"{file} is a device or a pipe, and no file")
    new = known = refused = 0
    try:
        with file.open("rb") as stream, Camp(folder) as camp:
            size = file.stat().st_size
            carried, progress = CarriedFile(stream), ProgressLine("bytes read")
            for handful in _handfuls(carried):
                records = tuple((each.key, each.wire) for each in handful)
                taken = camp.ask(TakeIn(records), no_progress)
                assert isinstance(taken, Taken)
                new, known, refused = new + taken.new, known + taken.known, refused + taken.refused
                progress(min(handful[-1].end, size - 1), size)
            progress(size, size)
    except NotBundles as error:
        raise Sorry(f"{file} is no file of bundles") from error
    except OSError as error:
        raise Sorry(f"cannot read {file}: {error.strerror}") from error
    if as_json:
        click.echo(json.dumps({"new": new, "known": known, "refused": refused, "torn": carried.torn}))
        return
    torn = "; the file is damaged, this is what was good in it" if carried.torn else ""
    click.echo(f"{new} new, {known} known already, {refused} refused{torn}")


def _handfuls(carried: Iterable[Carried]) -> Iterator[list[Carried]]:
    handful: list[Carried] = []
    size = 0
    for each in carried:
        handful.append(each)
        size += len(each.wire)
        if len(handful) == RECORDS_MAX or size >= RECORDS_BYTES_MAX:
            yield handful
            handful, size = [], 0
    if handful:
        yield handful
