"""`miccheck pin`."""

from __future__ import annotations

from pathlib import Path

import click

from node.commands.arguments import home_argument
from node.entry import Camp
from node.requests import Pin, no_progress


@click.command(short_help="Vouch for a camp: its mic checks stand on top of the page.")
@home_argument
@click.argument("name", metavar="CAMP")
def command(folder: Path, name: str) -> None:
    """Vouch for CAMP: its id (16 hex digits), its key, or its name where only one camp has it.

    Mic checks of a pinned camp are shown on top of the page, and other camps hear of it from this one.

    \b
    Example:
      miccheck pin ~/camp 0f1e2d3c4b5a6978
    """
    with Camp(folder) as camp:
        camp.ask(Pin(name), no_progress)
    click.echo(f"{name} is pinned")
