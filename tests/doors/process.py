"""A camp as its people run it: real processes, a real folder, real ports."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

FREE_PORTS = {"MICCHECK__WEB__HOST": "127.0.0.1", "MICCHECK__WEB__PORT": "0", "MICCHECK__WEB__TLS_PORT": "0"}


def miccheck(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "node", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | FREE_PORTS | (env or {}),
        timeout=120,
    )


def output(*arguments: str | Path, env: dict[str, str] | None = None) -> str:
    """What a command prints; it must succeed."""
    done = miccheck(*arguments, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_camp(folder: Path, *options: str) -> str:
    """`miccheck init`; the coordinator's code."""
    printed = output("init", folder, *options)
    code = re.search(r"code: (MC-\S+)", printed)
    assert code is not None
    return code[1]


def _until_we_end() -> list[str]:
    """How to start what must not outlive us: were we killed, it would open the devices of later tests."""
    # The kernel looks at the thread that started it.
    can = shutil.which("setpriv") and threading.current_thread() is threading.main_thread()
    return ["setpriv", "--pdeathsig", "KILL"] if can else []


class RunningNode:
    """`miccheck run` until `stop` or `kill`; also a context manager."""

    def __init__(self, home: Path, env: dict[str, str] | None = None) -> None:
        self.home = home
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self.process = subprocess.Popen(
            [*_until_we_end(), sys.executable, "-m", "node", "run", home],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=os.environ | FREE_PORTS | (env or {}),
        )
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in iter(self.process.stdout.readline, ""):
            lines.append(line)
            if line.startswith("certificate"):
                break
        else:
            raise AssertionError(f"it did not start: {self.said()}")
        self.printed = "".join(lines)
        self.port = self._port("pages")
        self.tls_port = self._port("for cards")

    def _port(self, word: str) -> int:
        found = re.search(rf"^{word}\s+https?://\S+:(\d+)/", self.printed, re.MULTILINE)
        assert found is not None, self.printed
        return int(found[1])

    def said(self) -> str:
        """All it has written to its log."""
        self.log.seek(0)
        return self.log.read()

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        tls: bool = False,
    ) -> tuple[int, Any]:
        """One request; status and JSON, or text where it is none."""
        if tls:
            context = ssl.create_default_context(cafile=str(self.home / "secrets" / "authority.pem"))
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "localhost", self.tls_port, timeout=20, context=context
            )
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            data = json.dumps(body).encode() if body is not None else None
            sent = {"content-type": "application/json"} if body is not None else {}
            connection.request(method, path, data, sent | (headers or {}))
            answer = connection.getresponse()
            text = answer.read().decode()
            kind = answer.getheader("content-type", "")
            return answer.status, json.loads(text) if "json" in kind else text
        finally:
            connection.close()

    def texts(self) -> list[str]:
        """The texts of all messages, oldest first."""
        status, page = self.ask("GET", "/api/v1/messages?limit=500")
        assert status == 200
        return [message["text"] for message in page["messages"]]

    def stop(self) -> float:
        """SIGTERM; how many seconds it took. The exit code must be 0."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        assert code == 0, self.said()
        return time.monotonic() - started

    def kill(self) -> None:
        """As a power cut would, as far as the process can tell."""
        self.process.kill()
        self.process.wait(20)

    def __enter__(self) -> RunningNode:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()


def wait_until(holds: Any, seconds: float = 20) -> None:
    """Look again and again until it is so."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.05)
