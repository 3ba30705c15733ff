"""`miccheck status`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from node.clock import Clock
from node.commands.arguments import home_argument, json_option
from node.entry import Camp
from node.requests import AskStatus, Said, no_progress


@click.command()
@home_argument
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Say how the camp is: messages, links, lists, what was refused.

    With --json: the object of GET /api/v1/status. Works with and without a running node.

    \b
    Example:
      miccheck status ~/camp
    """
    with Camp(folder) as camp:
        node = camp.running()
        if node is not None:
            answer = node.ask(AskStatus(), no_progress)
            node.close()
            assert isinstance(answer, Said)
            text = answer.text
        else:
            from node.status import status_at_rest

            clock = Clock(camp.settings.clock.speed, camp.settings.clock.offset_s, camp.home.clock)
            text = json.dumps(status_at_rest(camp.home, camp.settings, clock), ensure_ascii=False)
    if as_json:
        click.echo(text)
        return
    click.echo("the node runs" if node is not None else "the node does not run")
    for line in _lines(json.loads(text), ""):
        click.echo(line)


def _lines(value: Any, name: str) -> list[str]:
    """A status object as lines "name: value", nested names joined by a blank."""
    match value:
        case dict():
            return [line for key, item in value.items() for line in _lines(item, f"{name} {key}".strip())]
        case list():
            return [line for number, item in enumerate(value, 1) for line in _lines(item, f"{name} {number}")]
        case bool():
            return [f"{name}: {'yes' if value else 'no'}"]
        case None:
            return [f"{name}: -"]
        case _:
            return [f"{name}: {value}"]
