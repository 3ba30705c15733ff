"""`miccheck demo`."""

from __future__ import annotations

import math
import os

import click

SECONDS = "DEMO_SECONDS"


@click.command(short_help="Show three camps talking on this machine.")
def command() -> int:
    """Run three camps in a row on this machine, A - B - C, and a mailing list at C. Ctrl-C ends them.

    Nothing is kept. With the environment variable DEMO_SECONDS it ends by itself after so many seconds:
    with 0 if a post made at A is at C and in the list's archive, otherwise with 1.

    \b
    Example:
      DEMO_SECONDS=60 miccheck demo
    """
    from node.demo import demo

    return demo(_seconds())


def _seconds() -> float | None:
    typed = os.environ.get(SECONDS, "").strip()
    if not typed:
        return None
    try:
        seconds = float(typed)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise click.UsageError(f'{SECONDS} = "{typed}" is wrong: valid is a number of seconds')
    return seconds
