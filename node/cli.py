"""The command `miccheck`: which commands there are, and what becomes of their errors.

A mistake of the person gets one line on stderr, never a traceback: exit code 1 when something was refused, 2
when the command line or the settings are wrong. Each command is a file in `node.commands`, read when used.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from node.home import HomeError
from node.settings_reader import SettingsError
from node.sorry import Sorry

# Name of the command and of its module, in the order in which a camp meets them.
COMMANDS = {
    "init": "node.commands.init",
    "run": "node.commands.run",
    "post": "node.commands.post",
    "read": "node.commands.read",
    "status": "node.commands.status",
    "card": "node.commands.card",
    "pin": "node.commands.pin",
    "export": "node.commands.export",
    "import": "node.commands.import_",
    "rebuild": "node.commands.rebuild",
    "wipe": "node.commands.wipe",
    "doctor": "node.commands.doctor",
    "owner-key": "node.commands.owner_key",
    "price": "node.commands.price",
    "air": "node.commands.air",
    "demo": "node.commands.demo",
    "simulate": "node.commands.simulate",
    "bench": "node.commands.bench",
}

REFUSED, WRONG, INTERRUPTED = 1, 2, 130


class _Commands(click.Group):
    """Imports a command's module when the command is asked for: `post` needs no web server."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="miccheck", message="miccheck %(version)s")
def miccheck() -> None:
    """Mic Check: a message board for a camp, passed on from camp to camp without the internet.

    \b
    Begin with
      miccheck init ~/camp        make a camp
      miccheck run ~/camp         serve its pages

    HOME is always the folder that `init` made. With --json, stdout holds one JSON value and nothing else.
    Exit code 0: done. 1: refused, one line on stderr says why. 2: wrong usage or settings.
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(_run())


def _run() -> int:
    if not all(_is_text(argument) for argument in sys.argv):
        return _say("an argument is not UTF-8 text", WRONG)
    try:
        outcome = miccheck.main(prog_name="miccheck", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return WRONG
    except SettingsError as error:
        return _say(str(error), WRONG)
    except (HomeError, Sorry) as error:
        return _say(str(error), REFUSED)
    except BrokenPipeError:
        # The reader of our output has had enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def _say(line: str, code: int) -> int:
    print(f"miccheck: {' '.join(line.split())}", file=sys.stderr)
    return code


def _is_text(argument: str) -> bool:
    """Python hands on bytes that are no text as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)
