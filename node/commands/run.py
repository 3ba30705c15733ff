"""`miccheck run`."""

from __future__ import annotations

import gc
from pathlib import Path

import click

from node.commands.arguments import home_argument


@click.command(short_help="Serve the pages of a camp and speak to its neighbours.")
@home_argument
def command(folder: Path) -> None:
    """Serve the pages of a camp and speak to its neighbours, until Ctrl-C or SIGTERM.

    Prints where the pages are, then logs on stderr what somebody must know.

    \b
    Example:
      miccheck run ~/camp
    """
    # Nothing that is imported becomes garbage. To look through it again and again is a tenth of the start.
    gc.disable()
    from node.service import run

    gc.enable()
    run(folder)
