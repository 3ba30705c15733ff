"""`miccheck import`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from node.commands.arguments import ProgressLine, home_argument, json_option
from node.entry import Camp, Counter
from node.importing import Tally, read_to_the_end, take_in
from node.sorry import Sorry
from sync.carried import NotBundles


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
    told = Tally()

    def tell(tally: Tally) -> None:
        nonlocal told
        told = tally
        progress(min(tally.bytes_read, size - 1), size)

    try:
        with file.open("rb") as stream, Camp(folder) as camp:
            size, progress = file.stat().st_size, ProgressLine("bytes read")
            counter = camp.counter()
            told = take_in(stream, counter.begin, tell)
            progress(size, size)
            _wait_for_pages(told, counter)
    except NotBundles as error:
        raise Sorry(f"{file} is no file of bundles") from error
    except OSError as error:
        raise Sorry(f"cannot read {file}: {error.strerror}{_so_far(told)}") from error
    except Sorry as sorry:
        raise Sorry(f"{sorry}{_so_far(told)}") from sorry
    if as_json:
        counts = {"new": told.new, "known": told.known, "refused": told.refused, "torn": told.torn}
        click.echo(json.dumps(counts))
        return
    torn = "; the file is damaged, this is what was good in it" if told.torn else ""
    click.echo(f"{told.new} new, {told.known} known already, {told.refused} refused{torn}")


def _so_far(told: Tally) -> str:
    return f"; before that {told.new} new bundles were taken in, and they stay" if told.new else ""


def _wait_for_pages(told: Tally, counter: Counter) -> None:
    """A flood is stored first and read later (PROTOCOL.md §7); who imports by hand wants to read it now."""
    if told.unread:
        progress = ProgressLine("bundles unpacked")
        read_to_the_end(told, counter.begin, lambda seen: progress(told.unread - seen.unread, told.unread))
