"""`miccheck demo`."""

from __future__ import annotations

import math
import os

import click

from node.settings import SPEED_MAX

SECONDS = "DEMO_SECONDS"


@click.command(short_help="Show three camps talking on this machine.")
@click.option("--loss", type=click.FloatRange(0, 1), metavar="F", help="Share of frames lost by chance.")
@click.option("--speed", type=click.FloatRange(0.1, SPEED_MAX), metavar="X", help="Gossip X times real time.")
def command(loss: float | None, speed: float | None) -> int:
    """Run three camps in a row on this machine, A - B - C, and a mailing list at C. Ctrl-C ends them.

    A and C do not hear each other. A morning of posts is on the pages at the start.

    Nothing is kept. With the environment variable DEMO_SECONDS it ends by itself after so many seconds:
    with 0 if a post made at A is at C and in the list's archive, otherwise with 1.

    \b
    Example:
      DEMO_SECONDS=60 miccheck demo
    """
    from node.demo import demo
    from node.demo_stage import LOSS, SPEED, Weather

    seconds = _seconds()
    return demo(seconds, Weather(LOSS if loss is None else loss, SPEED if speed is None else speed))


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
