"""The manual, run: every command in node/OPERATING.md, in order, printing what the manual shows."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field, fields
from pathlib import Path

import node
from node.cli import COMMANDS
from node.list_settings import MailingList
from node.settings import Camp, Clockwork, Internet, Quota, Web
from radio.road_words import words_of
from radio.roads import KINDS

MANUAL = Path(node.__file__).parent / "OPERATING.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"\b(?:80|84)[48]\d\b|\b808\d\b|\b7001\b")
PATIENCE_S = 30


@dataclass
class Step:
    command: str
    shown: list[str] = field(default_factory=list)

    def expects(self) -> re.Pattern[str]:
        """`…` in a line is anything on that line; a line of only `…` is any lines."""
        lines = [
            r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in self.shown
        ]
        return re.compile("".join(lines))


def steps(manual: str) -> list[Step]:
    found: list[Step] = []
    for block in BLOCK.findall(manual):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:]))
            else:
                found[-1].shown.append(line)
    return found


def with_free_ports(manual: str) -> str:
    """The manual with each port it names replaced by one that is free here."""
    sockets = {port: socket.create_server(("127.0.0.1", 0)) for port in sorted(set(PORT.findall(manual)))}
    free = {port: str(bound.getsockname()[1]) for port, bound in sockets.items()}
    for bound in sockets.values():
        bound.close()
    return PORT.sub(lambda port: free[port[0]], manual)


class Shell:
    """One bash with job control, as the reader has it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.output = folder / "output.txt"
        self.process = subprocess.Popen(
            ["bash", "-m"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            env=env,
        )
        self.count = 0

    def run(self, command: str) -> Path:
        """Start a command; the file its output comes into."""
        self.count += 1
        out = self.output.with_suffix(f".{self.count}")
        done = self.output.with_suffix(f".{self.count}.done")
        background = command.endswith("&")
        body = command.removesuffix("&").strip()
        line = f"{{ {body}; }} > {out} 2>&1"
        line = f"{body} > {out} 2>&1 &" if background else f"{line}; touch {done}"
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        if not background:
            until = time.monotonic() + PATIENCE_S
            while not done.exists():
                assert time.monotonic() < until, f"{command} does not end"
                time.sleep(0.02)
        return out

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("kill $(jobs -p); wait; exit\n")
        self.process.stdin.close()
        self.process.wait(20)


def test_every_command_of_the_manual_prints_what_it_shows(tmp_path):
    manual = with_free_ports(MANUAL.read_text())
    # The first camp stands on the default ports, which may be taken here.
    ports = dict(zip(("PORT", "TLS_PORT"), re.findall(r"https?://…:(\d+)/", manual)[:2], strict=True))
    command = tmp_path / "bin" / "miccheck"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m node "$@"\n')
    command.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    env = os.environ | {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(node.__file__).parent.parent),
    }
    shell = Shell(work, env)
    try:
        default_ports = (
            f"sed -i 's/^# \\[web\\]/[web]\\nport = {ports['PORT']}\\ntls_port = {ports['TLS_PORT']}/'"
        )
        for number, step in enumerate(all_steps := steps(manual)):
            wait = number > 0 and all_steps[number - 1].command.startswith("sleep")
            check(shell, step, wait)
            if step.command.startswith("miccheck init plaza"):
                shell.run(f"{default_ports} plaza/miccheck.toml")
    finally:
        shell.end()


def check(shell: Shell, step: Step, again: bool) -> None:
    """Run a step until it prints what it should: at once, in the background, or after something arrives."""
    until = time.monotonic() + PATIENCE_S
    out = shell.run(step.command)
    while not step.expects().fullmatch(said := out.read_text() if out.exists() else ""):
        may_wait = again or step.command.endswith("&")
        assert may_wait, f"$ {step.command}\n{said}"
        assert time.monotonic() < until, f"$ {step.command}\n{said}"
        time.sleep(0.1)
        if again:
            out = shell.run(step.command)


def test_the_manual_names_every_command():
    manual = MANUAL.read_text()
    assert [name for name in COMMANDS if not re.search(rf"miccheck {name}\b", manual)] == []


def test_the_manual_names_every_setting():
    manual = MANUAL.read_text().partition("## All settings")[2]
    tables = (Camp, Web, MailingList, Internet, Clockwork, Quota)
    names = [key.name for table in tables for key in fields(table)]
    assert [name for name in (*names, "kind", "stopped") if f"`{name}`" not in manual] == []


def test_the_manual_names_every_road_and_its_words():
    manual = MANUAL.read_text().partition("## All settings")[2]
    for kind in KINDS.values():
        rows = [row for row in manual.splitlines() if row.startswith("|") and f'"{kind.name}"' in row]
        missing = [word.name for word in words_of(kind.settings) if f"`{word.name}`" not in "".join(rows)]
        assert rows, kind.name
        assert missing == [], kind.name
