"""The demo: three camps in a row on one machine, the last of them with a mailing list.

Real nodes in processes of their own, each with a HOME in one temporary folder, speaking over real
connections; only their engines' clocks run fast, so that a bundle is sealed in seconds. What is printed
comes from the pages and files that anybody may read.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from node.clock import monotonic_s, pause
from node.demo_camp import DemoCamp, free_ports
from node.demo_watch import Watch
from node.settings import ENVIRONMENT
from node.sorry import Sorry
from sync.message import Role

LETTERS = "ABC"
LOOK_EVERY_S = 0.5
READY_S = 60.0
# The engine's minute, for which a post may wait for company in its bundle, takes two seconds.
SPEED = 30.0
FIRST_POST = "Mic check! Asamblea a las 18h en la plaza. Assembly at six in the square."

_SETTINGS = """
[web]
host = "127.0.0.1"
port = {http}
tls_port = {tls}

[clock]
speed = {speed}

[quota]
device_per_minute = 0
"""
_LINK = """
[[link]]
kind = "ip"
url = "http://127.0.0.1:{port}"
"""
_LIST = """
[[list]]
name = "camps"
address = "camps@lists.example.org"
outbox = "maildir:{archive}"
inbox = "mbox:{inbox}"
channels = ["*"]
"""

_TRY = """
What to try
  Post on A's page, in any language: it is on C's page in seconds, and a letter in the list archive.
  Reply to it at C: the reply is at A.
  A mic check: post one at A. It waits until a liaison of A repeats it; be one (the browser warns, because
  the camp vouches for itself): {liaison}
  or coordinate A: {coordinator}
  Mail from the list: append an mbox, and it is on A's page under "letters":
    cat some.mbox >> {inbox}
  Pull B's plug, post at A, and start B again: it arrives all the same.
    kill -9 {pid}
    {restart}
  Ctrl-C ends everything and removes it.
"""


def demo(seconds: float | None) -> int:
    """Run until Ctrl-C, SIGTERM, or for `seconds` after the camps are ready; the exit code.

    Raises Sorry when the camps cannot be started.
    """
    for variable in [name for name in os.environ if name.startswith(ENVIRONMENT)]:
        del os.environ[variable]  # meant for one camp; here are three
    try:
        with _ended_by_signals(), _folder() as folder:
            return _run(folder, seconds)
    except _Ended:
        return 0


def _run(folder: Path, seconds: float | None) -> int:
    archive, inbox = folder / "list-archive", folder / "list-inbox.mbox"
    camps = _camps(folder, archive, inbox)
    try:
        _start(camps)
        for camp in camps:
            click.echo(f"{camp.letter} {camp.page}")
        click.echo(f"list archive: {archive}")
        click.echo(_what_to_try(camps, inbox))
        watch = Watch(camps, archive)
        camps[0].post("general", FIRST_POST, "Ana")
        _watch(watch, seconds)
        missing = watch.missing() if seconds is not None else None
        if missing:
            click.echo(f"miccheck: {missing}", err=True)
        return 1 if missing else 0
    finally:
        _ignore_signals()
        for camp in camps:
            camp.end()
        for camp in camps:
            camp.wait()


def _camps(folder: Path, archive: Path, inbox: Path) -> list[DemoCamp]:
    ports = free_ports(2 * len(LETTERS))
    http, tls = ports[: len(LETTERS)], ports[len(LETTERS) :]
    camps = []
    for at, letter in enumerate(LETTERS):
        settings = _SETTINGS.format(http=http[at], tls=tls[at], speed=SPEED)
        if at + 1 < len(LETTERS):
            settings += _LINK.format(port=http[at + 1])
        else:
            settings += _LIST.format(archive=archive, inbox=inbox)
        camps.append(DemoCamp(letter, folder / letter, http[at], settings))
    return camps


def _start(camps: list[DemoCamp]) -> None:
    for camp in camps:
        camp.begin_to_make()
    for camp in camps:
        camp.finish_making()
    for camp in camps:
        camp.run()
    until_s = monotonic_s() + READY_S
    for camp in camps:
        while not camp.is_ready():
            if monotonic_s() > until_s:
                raise Sorry(f"camp {camp.letter} did not start within {READY_S:.0f} s: {camp.last_words()}")
            pause(LOOK_EVERY_S / 5)


def _what_to_try(camps: list[DemoCamp], inbox: Path) -> str:
    first, middle = camps[:2]
    return _TRY.format(
        liaison=first.card(Role.LIAISON, "kitchen"),
        coordinator=first.card(Role.COORDINATOR, ""),
        inbox=inbox,
        pid=middle.pid,
        restart=middle.command,
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


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    before = {number: signal.signal(number, _end) for number in _SIGNALS}
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
