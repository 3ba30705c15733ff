"""What several commands take, read in one way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.clock import monotonic_s
from sync.message import MESSAGE_ID_BYTES, MessageId

# A line that is drawn again more often than this only flickers.
DRAW_EVERY_S = 0.1

home_argument = click.argument("folder", metavar="HOME", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout.")

Decorated = Callable[..., Any]


class MessageIdType(click.ParamType[MessageId]):
    """32 hex digits."""

    name = "id"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> MessageId:
        """The 16 bytes, or a usage error."""
        if isinstance(value, bytes):
            return value
        try:
            raw = bytes.fromhex(str(value))
        except ValueError:
            raw = b""
        if len(raw) != MESSAGE_ID_BYTES:
            self.fail(f"{value!r} is no message id: it has {2 * MESSAGE_ID_BYTES} hex digits", param, ctx)
        return raw


class ProgressLine:
    """How far a long command is, on stderr: one line that is drawn again, or a last line in a log."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._live = sys.stderr.isatty()
        self._drawn_s = float("-inf")

    def __call__(self, done: int, of: int) -> None:
        """Say that `done` of `of` are done."""
        line = f"{self._what}: {done:,} of {of:,}"
        if done >= of:
            click.echo(f"\r{line}" if self._live else line, err=True)
        elif self._live and monotonic_s() - self._drawn_s >= DRAW_EVERY_S:
            self._drawn_s = monotonic_s()
            click.echo(f"\r{line}", err=True, nl=False)
