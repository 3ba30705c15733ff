"""A real node in a process of its own, started like any other and ended without mercy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

from node.home import Home
from tests.crash.trace import strace

PATIENCE_S = 60.0
MICCHECK = [sys.executable, "-m", "node"]
CARELESS = [sys.executable, "-m", "tests.crash.careless"]
_REPOSITORY = Path(__file__).parents[2]
_ENVIRONMENT = {
    "MICCHECK__WEB__HOST": "127.0.0.1",
    "MICCHECK__WEB__PORT": "0",
    "MICCHECK__WEB__TLS_PORT": "0",
    "MICCHECK__QUOTA__DEVICE_PER_MINUTE": "0",
}


def make_camp(folder: Path) -> Path:
    """A camp made by `miccheck init`; its HOME."""
    subprocess.run([*MICCHECK, "init", str(folder)], check=True, cwd=_REPOSITORY, stdout=subprocess.DEVNULL)
    return folder


class NodeProcess:
    """`miccheck run HOME` on two free ports, without a limit on posts. Leaving its block kills it."""

    def __init__(self, home: Path, command: list[str] = MICCHECK, trace: Path | None = None) -> None:
        """With `trace` it runs under strace, which writes there."""
        self._home = Home(home)
        self._home.ports.unlink(missing_ok=True)  # of a node that was killed
        self._log = home.with_name(f"{home.name}.log")
        self._traced = trace is not None
        run = [*command, "run", str(home)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                strace(trace, run) if trace is not None else run,
                cwd=_REPOSITORY,
                env=os.environ | _ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait_until_ready(self) -> int:
        """The port of its pages, when they answer; AssertionError with its last words when they do not."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and self._process.poll() is None:
            ports = self._home.read_ports()
            if ports is not None and _answers(ports[0]):
                return ports[0]
            time.sleep(0.02)
        raise AssertionError(f"the node did not start: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process.poll() is None:
            os.kill(self._pid(), signal.SIGKILL)
        self._process.wait(PATIENCE_S)

    def stop(self) -> None:
        """End it as systemd does; its last writes are in the trace then."""
        os.kill(self._pid(), signal.SIGTERM)
        assert self._process.wait(PATIENCE_S) == 0, self._log.read_text()[-2000:]

    def _pid(self) -> int:
        """The node's own process, not strace's."""
        pid = self._process.pid
        if not self._traced:
            return pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else pid


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
