"""`miccheck simulate`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from node.clock import monotonic_s
from node.commands.arguments import Decorated, json_option
from node.simulate_plot import draw
from node.simulate_table import table
from node.sorry import Sorry
from radio.airtime import PRESETS, Firmware
from radio.experiment import outcome
from radio.experiment.case import Case, Scheme, Terrain
from radio.experiment.map_file import BYTES_MAX, parse
from radio.experiment.outcome import Report
from radio.experiment.run import compare, simulate
from radio.experiment.topology import Topology, topology_of

DEFAULT = Case()
_FIRMWARE = {"raw": Firmware.RAW, "2.8": Firmware.V2_8}
_TERRAINS = tuple(terrain.value for terrain in Terrain if terrain is not Terrain.FILE)


def _choice(name: str, words: list[str], default: str, help_: str) -> Callable[[Decorated], Decorated]:
    return click.option(f"--{name}", type=click.Choice(words), default=default, show_default=True, help=help_)


def _number(name: str, help_: str, unit: str = "N") -> Callable[[Decorated], Decorated]:
    """An option that is a number of the case, with the case's own default."""
    field = {"after": "after_s"}.get(name, name)
    default = getattr(DEFAULT, field)
    return click.option(
        f"--{name}",
        field,
        type=type(default),
        default=f"{default:g}",
        show_default=True,
        metavar=unit,
        help=help_,
    )


class _PresetType(click.Choice[str]):
    """A preset, also as radios' own apps write it: LongFast, Long Fast, long-fast."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it is written here, or a usage error."""
        by_letters = {_letters(name): name for name in self.choices}
        return super().convert(by_letters.get(_letters(str(value)), value), param, ctx)


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name.casefold()))


def _can_be_made(ctx: click.Context, param: click.Parameter, plot: Path | None) -> Path | None:
    """What is wrong with its folder is said before the run, not after its minutes."""
    if plot is not None and not plot.exists():
        if not plot.parent.is_dir():
            raise click.BadParameter(f"there is no folder {str(plot.parent)!r}.", ctx, param)
        if not os.access(plot.parent, os.W_OK):
            raise click.BadParameter(f"folder {str(plot.parent)!r} is not writable.", ctx, param)
    return plot


@click.command(short_help="Simulate many camps in virtual time: what a message costs, and who gets it.")
@_choice("scheme", [each.value for each in Scheme], DEFAULT.scheme.value, "How messages are passed on.")
@_number("camps", "How many camps.")
@click.option(
    "--degree",
    type=float,
    metavar="D",
    help="Others that a camp hears, on average; a line and a grid have their own.  "
    f"[default: {DEFAULT.degree:g}, or all]",
)
@click.option(
    "--topology",
    default=DEFAULT.terrain.value,
    show_default=True,
    metavar="|".join((*_TERRAINS, "FILE")),
    help="How the camps lie. A FILE has lines 'A - B [DB [LOSS]]' for two that hear each other, 'A > B' for "
    "one way only, 'NAME X Y' for a place from 0 to 1.",
)
@click.option(
    "--preset",
    type=_PresetType([each.name for each in PRESETS]),
    default=DEFAULT.preset,
    show_default=True,
    metavar="NAME",
    help=f"The radios' preset: {', '.join(each.name for each in PRESETS)}.",
)
@_choice("firmware", list(_FIRMWARE), "raw", "What wraps a frame: raw LoRa packets, or Meshtastic 2.8.")
@click.option("--capture", is_flag=True, help="A frame 6 dB above its rivals survives them.")
@_number("loss", "Share of frames that chance takes away, at each hearer.", "F")
@_number("messages", "How many messages.")
@_number("minutes", "They are posted at random times within so many minutes.")
@_number("after", "The run goes on for so many seconds after that.", "SECONDS")
@_number("size", "Bytes of frame payload that a message alone takes, 4 more or less.", "BYTES")
@_number("burst", "Posts of one author within two minutes.")
@_number("cuts", "Pairs that stop hearing each other, for 10 to 90 minutes.")
@_number("churn", "Camps that are switched off, for 10 to 90 minutes.")
@_number("seed", "Of all chance in it.")
@click.option("--compare", "beside", is_flag=True, help="Run managed flooding beside it, for the ratio.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=_can_be_made,
    metavar="FILE",
    help="Draw it as SVG: delivery over time, airtime by kind of frame, the map.",
)
@json_option
def command(
    scheme: str,
    topology: str,
    preset: str,
    firmware: str,
    beside: bool,
    plot: Path | None,
    as_json: bool,
    **numbers: Any,
) -> None:
    """Simulate many camps in virtual time: what a message costs, and who gets it.

    Real engines and real stores round one simulated radio channel, empty at the start. Everything is drawn
    from the seed. Managed flooding (Meshtastic's), plain flooding and Bloom filters run on the same map with
    the same messages in the same air.

    \b
    Examples: twice the loss, beside managed flooding; a row of ten for a day, drawn
      miccheck simulate --loss 0.4 --compare
      miccheck simulate --topology line --camps 10 --minutes 1440 --plot row.svg
    """
    if numbers["degree"] is None:
        numbers["degree"] = min(DEFAULT.degree, numbers["camps"] - 1)
    fields = {"scheme": Scheme(scheme), "preset": preset, "firmware": _FIRMWARE[firmware], **numbers}
    try:
        case, lie = _laid_out(Case(**fields), topology)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    started_s = monotonic_s()
    report = _run(case, lie, beside)
    wall_s = monotonic_s() - started_s
    if as_json:
        click.echo(json.dumps(outcome.as_json(report) | {"wall_s": round(wall_s, 3)}))
    else:
        click.echo(table(report, wall_s))
    if plot is not None:
        try:
            plot.write_text(draw(report), encoding="utf-8")
        except OSError as error:
            raise Sorry(f"{plot} was not written: {error.strerror}") from error


def _laid_out(case: Case, topology: str) -> tuple[Case, Topology]:
    """The case on its map. Raises ValueError with the reason when there is none."""
    if topology in _TERRAINS:
        case = replace(case, terrain=Terrain(topology))
        return case, topology_of(case)
    try:
        with Path(topology).open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
    except OSError as error:
        known = ", ".join(_TERRAINS)
        raise ValueError(
            f"topology {topology!r}: {error.strerror}; it is one of {known}, or a file"
        ) from error
    if len(raw) > BYTES_MAX:
        raise ValueError(f"{topology} is longer than {BYTES_MAX:,} bytes")
    try:
        return parse(raw.decode(), case)
    except UnicodeDecodeError as error:
        raise ValueError(f"{topology} is not UTF-8 text") from error
    except ValueError as error:
        raise ValueError(f"{topology}: {error}") from error


def _run(case: Case, topology: Topology, beside: bool) -> Report:
    """Run it, with a bar on stderr while somebody looks."""
    minutes = round(case.length_s / 60) * (2 if beside else 1)
    with click.progressbar(
        length=minutes, label="minutes", file=sys.stderr, show_pos=True, hidden=not sys.stderr.isatty()
    ) as bar:
        run = compare if beside else simulate
        return run(case, topology, lambda done_s, _: bar.update(round(done_s / 60) - bar.pos))
