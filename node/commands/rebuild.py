"""`miccheck rebuild`."""

from __future__ import annotations

from pathlib import Path

import click

from node.commands.arguments import ProgressLine, home_argument
from node.entry import Camp
from node.requests import Rebuild


@click.command()
@home_argument
def command(folder: Path) -> None:
    """Make pages and search again from the signed messages.

    Nothing is lost by it. While it runs, posts wait.

    \b
    Example:
      miccheck rebuild ~/camp
    """
    with Camp(folder) as camp:
        camp.ask(Rebuild(), ProgressLine("rebuilding"))
    click.echo("rebuilt")
