"""`miccheck doctor`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from node.clock import Clock
from node.commands.arguments import home_argument, json_option
from node.doctor.boards import Looked, check_lawful, findings_of, set_up
from node.doctor.finding import Finding, Patient, Verdict
from node.doctor.table import examine
from node.entry import Camp
from node.requests import AskStatus, Said, no_progress
from node.settings import Link
from node.sorry import Sorry
from radio.board import BoardError

TO_DO = 1


@click.command(short_help="Look whether everything is well, and set up the radio board.")
@home_argument
@click.option("--apply", "apply_", is_flag=True, help="Set the boards up as shown, after asking.")
@click.option("--yes", is_flag=True, help="With --apply: do not ask.")
@json_option
def command(folder: Path, apply_: bool, yes: bool, as_json: bool) -> int:
    """Look at the box, its lists, links and radio boards, and say what to do, one sentence each.

    Nothing is changed, and nothing is sent. With --apply, boards are set up as was shown: the camp's private
    channel, no Wi-Fi, Bluetooth and internet of their own. A board that a running node holds is left alone:
    stop the node first. With --json: {"well": BOOL, "checks": [{"check", "verdict", "says", "do"}]}; verdict
    is ok, warn, bad or skip.

    Exit code 0: all is well. 1: there is something to do. 2: wrong usage or settings.

    \b
    Example:
      miccheck doctor ~/camp --apply
    """
    if yes and not apply_:
        raise click.UsageError("--yes goes with --apply")
    patient = _patient(folder)
    if apply_ and patient.runs and any(_is_board(link) for link in patient.settings.link):
        raise Sorry("the running node holds the board, and only one program may: stop the node first")
    findings: list[Finding] = []
    boards: list[Looked] = []
    for found in examine(patient):
        if isinstance(found, Looked):
            boards.append(found)
        else:
            findings.append(found)
            if not as_json:
                _show(found)
    if apply_:
        findings = _apply(patient, boards, findings, yes, quiet=as_json)
    well = not any(each.verdict in (Verdict.WARN, Verdict.BAD) for each in findings)
    if as_json:
        click.echo(json.dumps({"well": well, "checks": [_as_json(each) for each in findings]}))
    return 0 if well else TO_DO


def _is_board(link: Link) -> bool:
    return link.kind == "meshtastic" and not link.stopped


def _patient(folder: Path) -> Patient:
    """Raises HomeError, SettingsError."""
    with Camp(folder) as camp:
        clock = Clock(camp.settings.clock.speed, camp.settings.clock.offset_s, camp.home.clock)
        node = camp.running()
        if node is None:
            return Patient(camp.home, camp.settings, clock)
        answer = node.ask(AskStatus(), no_progress)
        node.close()
    assert isinstance(answer, Said)
    return Patient(camp.home, camp.settings, clock, tuple(json.loads(answer.text)["links"]))


def _apply(
    patient: Patient, boards: Sequence[Looked], findings: list[Finding], yes: bool, quiet: bool
) -> list[Finding]:
    """Set the boards up; the findings as they are afterwards. Raises Sorry."""
    for board in boards:
        try:
            check_lawful(board)
            if board.changes and not (yes or _agreed(board)):
                continue
            now = set_up(patient, board)
        except BoardError as error:
            raise Sorry(f"the board {board.name} could not be set up: {error}") from error
        except OSError as error:
            raise Sorry(f"what the board was set to cannot be kept: {error.strerror}") from error
        afterwards = list(findings_of(patient, now))
        findings = [each for each in findings if each.check != f"board {board.name}"] + afterwards
        if not quiet:
            click.echo(f"the board {board.name} was set up")
            for each in afterwards:
                _show(each)
    return findings


def _agreed(board: Looked) -> bool:
    if not sys.stdin.isatty():
        raise Sorry("nobody is there to ask; add --yes to change the board without asking")
    for change in board.changes:
        click.echo(f"  {change.sentence}", err=True)
    return click.confirm(f"Change the board {board.name} so?", default=False, err=True)


def _show(finding: Finding) -> None:
    click.echo(f"{finding.verdict:<5} {finding.check:<20} {finding.says}")
    if finding.do:
        click.echo(f"{'':<26} → {finding.do}")


def _as_json(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check,
        "verdict": finding.verdict.value,
        "says": finding.says,
        "do": finding.do or None,
    }
