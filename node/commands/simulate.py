"""`miccheck simulate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from node.clock import monotonic_s
from node.commands.arguments import Decorated, json_option
from radio.airtime import PRESETS, Firmware
from radio.experiment import outcome
from radio.experiment.case import Case, Scheme, Terrain
from radio.experiment.run import compare, simulate

DEFAULT = Case()
_FIRMWARE = {"raw": Firmware.RAW, "2.8": Firmware.V2_8}


def _number(name: str, help_: str, kind: type = int) -> Callable[[Decorated], Decorated]:
    """An option of the case, with the case's own default."""
    field = {"after": "after_s"}.get(name, name)
    default = getattr(DEFAULT, field)
    return click.option(f"--{name}", field, type=kind, default=default, show_default=True, help=help_)


@click.command(short_help="Simulate many camps in virtual time, and say what their messages cost.")
@click.option(
    "--scheme",
    type=click.Choice([each.value for each in Scheme]),
    default=DEFAULT.scheme.value,
    show_default=True,
    help="How messages are passed on.",
)
@_number("camps", "How many camps.")
@_number("degree", "Other camps that one hears, on average.", float)
@click.option(
    "--topology",
    default=DEFAULT.terrain.value,
    show_default=True,
    metavar="geometric|line|grid|clusters|FILE",
    help="How the camps lie.",
)
@click.option(
    "--preset",
    type=click.Choice([each.name for each in PRESETS]),
    default=DEFAULT.preset,
    show_default=True,
    help="The radios' preset.",
)
@click.option(
    "--firmware",
    type=click.Choice(list(_FIRMWARE)),
    default="raw",
    show_default=True,
    help="What wraps a frame.",
)
@click.option("--capture", is_flag=True, help="A frame 6 dB above its rivals survives them.")
@_number("loss", "Share of frames that chance takes away, at each hearer.", float)
@_number("messages", "How many messages.")
@_number("minutes", "In which they are posted.", float)
@_number("after", "Seconds the run goes on after that.", float)
@_number("size", "Bytes of frame payload a message takes alone.")
@_number("burst", "Posts of one author within two minutes.")
@_number("cuts", "Pairs that stop hearing each other for a while.")
@_number("churn", "Camps that are switched off for a while.")
@_number("seed", "Of all chance in it.")
@click.option("--compare", "beside", is_flag=True, help="Run managed flooding beside it.")
@json_option
def command(
    scheme: str, topology: str, preset: str, firmware: str, beside: bool, as_json: bool, **numbers: Any
) -> None:
    """Simulate many camps in virtual time, and say what their messages cost."""
    try:
        case = Case(
            scheme=Scheme(scheme),
            terrain=Terrain(topology),
            preset=preset,
            firmware=_FIRMWARE[firmware],
            **numbers,
        )
        started_s = monotonic_s()
        report = (compare if beside else simulate)(case)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    fields = outcome.as_json(report) | {"wall_s": round(monotonic_s() - started_s, 3)}
    click.echo(json.dumps(fields))
