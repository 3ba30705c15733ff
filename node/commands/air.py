"""`miccheck air`."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import secrets
import signal
import socket
import sys
from dataclasses import dataclass
from random import Random

import click

from node.air_view import AirView
from node.places import host_and_port
from node.settings import SPEED_MAX
from node.sorry import Sorry
from radio.air_server import AirServer
from radio.airtime import PRESETS, preset_named
from radio.roads import DEFAULT_PRESET
from radio.simulated import Air


@dataclass(frozen=True, slots=True)
class Weather:
    """What the air is like."""

    preset: str
    loss: float
    hears: frozenset[frozenset[str]] | None
    speed: float
    seed: int


class AddressType(click.ParamType[tuple[str, int]]):
    """HOST:PORT of this machine itself."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Host and port, or a usage error."""
        host, _, port = str(value).rpartition(":")
        host = host.strip("[]")
        if not host or not port.isdecimal() or int(port) > 65_535:
            self.fail(f"{value!r} is not HOST:PORT; port 0 takes a free one", param, ctx)
        try:
            found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        except OSError as error:
            self.fail(f"{value!r}: {error.strerror}", param, ctx)
        # Whoever connects is believed to be the camp it says it is: a drill for one machine.
        if not all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found):
            self.fail(f"{value!r}: the simulated air is for this machine only, 127.0.0.1 or ::1", param, ctx)
        return str(found[0][4][0]), int(port)


class HearsType(click.ParamType[frozenset[frozenset[str]]]):
    """A:B,B:C."""

    name = "pairs"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[frozenset[str]]:
        """The pairs, or a usage error."""
        pairs = set()
        for text in str(value).split(","):
            pair = frozenset(name.strip() for name in text.split(":"))
            if len(pair) != 2 or text.count(":") != 1 or "" in pair:
                self.fail(f"{text!r} is not two camps with a colon between them: A:B,B:C", param, ctx)
            pairs.add(pair)
        return frozenset(pairs)


@click.command()
@click.option("--listen", type=AddressType(), required=True, metavar="HOST:PORT", help="Where nodes connect.")
@click.option(
    "--preset",
    type=click.Choice([preset.name for preset in PRESETS]),
    default=DEFAULT_PRESET,
    show_default=True,
    help="The radios' preset.",
)
@click.option(
    "--loss", type=click.FloatRange(0, 1), default=0.0, metavar="F", help="Share of frames lost by chance."
)
@click.option(
    "--hears", type=HearsType(), metavar="A:B,B:C", help="Who hears whom; else everybody hears all."
)
@click.option(
    "--speed", type=click.FloatRange(0.001, SPEED_MAX), default=1.0, metavar="X", help="X times real time."
)
@click.option("--seed", type=int, metavar="N", help="Of losses and back-offs; else a new one each time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    listen: tuple[str, int],
    preset: str,
    loss: float,
    hears: frozenset[frozenset[str]] | None,
    speed: float,
    seed: int | None,
    as_json: bool,
) -> None:
    """Simulate a LoRa channel for nodes on this machine, and show what is on the air, until Ctrl-C.

    Frames take as long as by radio, collide, and get lost. A node joins with
    [[link]] kind = "air", address = "HOST:PORT" in its settings; the names in --hears are the camps'.
    Nodes should run at the same speed: [clock] speed.

    \b
    Example, three camps in a row:
      miccheck air --listen 127.0.0.1:7001 --hears A:B,B:C --loss 0.2
    """
    weather = Weather(preset, loss, hears, speed, secrets.randbelow(1_000_000) if seed is None else seed)
    asyncio.run(_serve(listen, weather, as_json))


async def _serve(listen: tuple[str, int], weather: Weather, as_json: bool) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    view = AirView(_echo, as_json, sys.stdout.isatty())
    air = Air(preset_named(weather.preset), Random(weather.seed))
    server = AirServer(air, weather.hears, weather.loss, weather.speed, view.show)
    try:
        port = await server.start(*listen)
    except OSError as error:
        raise Sorry(f"cannot listen on {host_and_port(*listen)}: {error.strerror}") from error
    _say_where(host_and_port(listen[0], port), weather, as_json)
    await end.wait()
    await server.stop()
    view.end()


def _say_where(address: str, weather: Weather, as_json: bool) -> None:
    if as_json:
        about = {
            "event": "listening",
            "address": address,
            "preset": weather.preset,
            "loss": weather.loss,
            "speed": weather.speed,
            "seed": weather.seed,
        }
        _echo(json.dumps(about) + "\n")
        return
    loss = f", {weather.loss:.0%} lost by chance" if weather.loss else ""
    _echo(f"air {address}: {weather.preset}, speed {weather.speed:g}{loss}, seed {weather.seed}\n")


def _echo(text: str) -> None:
    click.echo(text, nl=False)  # flushes
