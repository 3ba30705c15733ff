"""`miccheck export`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from node.commands.arguments import home_argument
from node.entry import Camp
from node.exporting import write_bundles
from node.looking import demand_channel, looking
from node.requests import SealAll, no_progress
from node.sorry import Sorry
from sync.store.carrying import bundles_to_carry


class Moment(click.ParamType[float]):
    """A time as people write it: 2026-11-22, 2026-11-22T15:00, with Z or an offset; UTC unless it says."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Unix seconds, or a usage error."""
        if isinstance(value, float):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-11-22 or 2026-11-22T15:00Z", param, ctx)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


@click.command(short_help="Write signed bundles to a file, to be carried on a stick.")
@home_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--since", type=Moment(), default=None, metavar="TIME", help="Only what came since then.")
@click.option("--channel", default=None, help="Only bundles with a message of this channel.")
def command(folder: Path, file: Path, since: float | None, channel: str | None) -> None:
    """Write signed bundles to FILE, to be carried to another camp on a stick.

    Posts of the channel "here" and posts that wait for a moderator stay in this camp. A FILE that exists is
    not written over.

    \b
    Example:
      miccheck export ~/camp /media/stick/camp.bundles --since 2026-11-20
    """
    if os.path.lexists(file):
        raise Sorry(f"{file} exists already; choose another name")
    with Camp(folder) as camp:
        # What waits for company is signed now, or it would not be on the stick.
        camp.ask(SealAll(), no_progress)
        with looking(camp.home) as reader:
            if channel is not None:
                demand_channel(reader, channel)
            try:
                count = write_bundles(file, bundles_to_carry(camp.home.board, since, channel))
            except OSError as error:
                raise Sorry(f"cannot write {file}: {error.strerror}") from error
            waiting = reader.status().own_waiting
    click.echo(f"{count} bundles written to {file}")
    if waiting:
        click.echo(f"{waiting} posts are not in it: they cannot be signed before the clock is set", err=True)
