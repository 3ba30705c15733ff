"""The demo: three camps in a row on one machine that share a simulated radio channel, and a mailing list.

Real nodes in processes of their own, each with a HOME in one temporary folder; only the clocks of their
engines and of the air run fast. A and C do not hear each other, and only C has internet: it passes on to the
list what it hears. What is printed comes from the pages and files that anybody may read.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType

import click

from node.clock import Clock, monotonic_s, pause
from node.demo_air import DemoAir
from node.demo_camp import DemoCamp
from node.demo_list import CAMPS, DemoList
from node.demo_morning import tell_morning
from node.demo_stage import LETTERS, Stage, Weather, camps_of, name_of
from node.demo_watch import Watch
from node.settings import ENVIRONMENT
from node.sorry import Sorry
from sync.message import Role

LOOK_EVERY_S = 0.5
READY_S = 60.0
FIRST_POST = "Mic check! Asamblea a las 18h en la plaza. Assembly at six in the square."

_LETTER = (
    "From: Rosa <rosa@example.org>\\nTo: {to}\\nSubject: Soup\\n\\n"
    "Soup at six by the fountain. Sopa a las seis."
)


_TRY = """
What to try
  Post on A's page, in any language: B hears it, C hears it from B, and it is a letter in the list archive.
  Reply to it at C: the reply is at A.
  A mic check: post one at A. It waits until a liaison of A repeats it; be one (the browser warns, because
  the camp vouches for itself): {liaison}
  or coordinate A: {coordinator}
  A real mbox of list mail: append it, and it is on A's page under "letters":
    cat some.mbox >> {old_mail}
  Pull B's plug, post at A, and start B again: it arrives all the same.
    kill -9 {pid}
    {restart}
  Ctrl-C ends everything and removes it.
"""


def demo(seconds: float | None, weather: Weather) -> int:
    """Run until Ctrl-C, SIGTERM, or for `seconds` after the camps are ready; the exit code.

    Raises Sorry when the camps cannot be started.
    """
    for variable in [name for name in os.environ if name.startswith(ENVIRONMENT)]:
        del os.environ[variable]  # meant for one camp; here are three
    try:
        with _ended_by_signals(), _folder() as folder:
            return _run(Stage(folder), seconds, weather)
    except _Ended:
        return 0


def _run(stage: Stage, seconds: float | None, weather: Weather) -> int:
    with ExitStack() as ending:
        try:
            return _play(stage, seconds, weather, ending)
        finally:
            _ignore_signals()


def _play(stage: Stage, seconds: float | None, weather: Weather, ending: ExitStack) -> int:
    """Put the stage together, what ends it onto `ending`, and show it."""
    subscribers = [stage.mail_of(name) for name in ("C", "Rosa", "Tariq")]
    mailing_list = DemoList(CAMPS, stage.archive, subscribers, Clock().wall_s)
    ending.callback(mailing_list.stop)
    mailing_list.start()
    air = _start_air(stage, weather, ending)
    camps = camps_of(stage, mailing_list.port, air, weather)
    ending.callback(_end, camps)
    _start(camps)
    watch = Watch(camps, stage.archive)
    _say_where(stage, camps, mailing_list.port, air, weather)
    camps[0].post("general", FIRST_POST, "Ana")
    _watch(watch, seconds)
    missing = watch.missing() if seconds is not None else None
    if missing:
        click.echo(f"miccheck: {missing}", err=True)
    return 1 if missing else 0


def _start_air(stage: Stage, weather: Weather, ending: ExitStack) -> str:
    """The address of the air that all share."""
    names = [name_of(letter) for letter in LETTERS]
    hears = ",".join(f"{one}:{next_}" for one, next_ in pairwise(names))
    air = DemoAir(stage.air_log, hears, weather.loss, weather.speed)
    ending.callback(air.end)
    return air.start()


def _start(camps: list[DemoCamp]) -> None:
    for camp in camps:
        camp.begin_to_make()
    for camp in camps:
        camp.finish_making()
    tell_morning({camp.letter: camp.home for camp in camps})
    for camp in camps:
        camp.run()
    until_s = monotonic_s() + READY_S
    for camp in camps:
        while not camp.is_ready():
            if monotonic_s() > until_s:
                raise Sorry(f"camp {camp.letter} did not start within {READY_S:.0f} s: {camp.last_words()}")
            pause(LOOK_EVERY_S / 5)


def _end(camps: list[DemoCamp]) -> None:
    for camp in camps:
        camp.end()
    for camp in camps:
        camp.wait()


def _say_where(
    stage: Stage, camps: list[DemoCamp], list_port: int, air: str | None, weather: Weather
) -> None:
    for camp in camps:
        click.echo(f"{camp.letter} {camp.page}")
    click.echo(f"list archive: {stage.archive}")
    letter = _LETTER.format(to=CAMPS.address)
    send = f'sendmail("rosa@example.org", "{CAMPS.address}", "{letter}")'
    python = f'import smtplib; smtplib.SMTP("127.0.0.1", {list_port}).{send}'
    click.echo(f"a letter to the list: python3 -c {shlex.quote(python)}")
    click.echo(f"speed-up: {weather.speed:g}; a minute of the camps' gossip takes {60 / weather.speed:g} s")
    if air is not None:
        click.echo(f"air: {weather.loss:.0%} lost by chance; what is on it: tail -f {stage.air_log}")
    first, middle = camps[:2]
    click.echo(
        _TRY.format(
            liaison=first.card(Role.LIAISON, "kitchen"),
            coordinator=first.card(Role.COORDINATOR, ""),
            old_mail=stage.old_mail,
            pid=middle.pid,
            restart=middle.command,
        )
    )


def _watch(watch: Watch, seconds: float | None) -> None:
    began_s = monotonic_s()
    while True:
        for event in watch.look():
            click.echo(f"{monotonic_s() - began_s:7.1f} s  {event}")
        left_s = LOOK_EVERY_S if seconds is None else began_s + seconds - monotonic_s()
        if left_s <= 0:
            return
        pause(min(left_s, LOOK_EVERY_S))


class _Ended(Exception):
    """Somebody ended the demo."""


def _raise_ended(number: int, frame: FrameType | None) -> None:
    raise _Ended


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    before = {number: signal.signal(number, _raise_ended) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """Cleaning up is not interrupted by a second Ctrl-C; it takes a few seconds."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="miccheck-demo-"))
    try:
        yield folder
    finally:
        _ignore_signals()
        shutil.rmtree(folder, ignore_errors=True)
