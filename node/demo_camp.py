"""One camp of the demo: a HOME, a `miccheck run` in a process of its own, and its page."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from node.clock import monotonic_s, pause
from node.control import reachable
from node.entry import Camp
from node.home import Home
from node.places import card_link
from node.requests import NewCard, NewCode, no_progress
from node.sorry import Sorry
from sync.message import Role

# The node promises to end within five seconds.
END_S = 8.0
ANSWER_S = 5.0
# struct ucred (unix(7), SO_PEERCRED): pid, uid, gid.
_PEER = struct.Struct("3i")

# A proxy in the environment is not for this machine's own pages.
_OPEN = build_opener(ProxyHandler({})).open


class NotReady(Exception):
    """The camp's page does not answer."""


class NotFound(Exception):
    """It answers, but not that."""


class DemoCamp:
    """`letter` is what the demo calls it."""

    def __init__(self, letter: str, name: str, folder: Path, port: int, settings: str) -> None:
        """`settings` are appended to those that `miccheck init` writes."""
        self.letter = letter
        self._name = name
        self.page = f"http://127.0.0.1:{port}"
        self.home = Home(folder)
        self._settings = settings
        self._log = folder.with_suffix(".log")
        self._node: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> str:
        """What a person types to start it again."""
        script = Path(sys.executable).with_name("miccheck")
        words = [str(script)] if script.exists() else [sys.executable, "-m", "node"]
        return shlex.join([*words, "run", str(self.home.folder)])

    @property
    def pid(self) -> int:
        """The process that serves it."""
        return self._node.pid if self._node is not None else 0

    def begin_to_make(self) -> None:
        """Begin to make its HOME."""
        self._start(["init", str(self.home.folder), "--name", self._name])

    def finish_making(self) -> None:
        """Wait until it is made. Raises Sorry."""
        if self._node is not None and self._node.wait():
            raise Sorry(f"camp {self.letter} could not be made: {self.last_words()}")
        with self.home.settings.open("a") as file:
            file.write(self._settings)

    def run(self) -> None:
        """Start its node."""
        self._start(["run", str(self.home.folder)])

    def is_ready(self) -> bool:
        """Whether its page answers. Raises Sorry when the node ended instead."""
        if self._node is not None and self._node.poll() is not None:
            raise Sorry(f"camp {self.letter} ended: {self.last_words()}")
        with contextlib.suppress(NotReady):
            self.get("/healthz")
            return True
        return False

    def last_words(self) -> str:
        """The last line of its log."""
        return _last_line(self._log.read_bytes())

    def get(self, path: str) -> bytes:
        """What the page answers. Raises NotReady."""
        return self._ask(Request(self.page + path))

    def messages(self, after: str | None) -> list[dict[str, Any]]:
        """Messages its page shows, oldest first, behind the one with the id `after`.

        Raises NotReady, and NotFound when that one is not there any more.
        """
        path = "/api/v1/messages?limit=500" + (f"&after={after}" if after else "")
        answer = json.loads(self.get(path))
        return list(answer["messages"])

    def post(self, channel: str, text: str, author: str) -> None:
        """Post as a camper would. Raises NotReady."""
        body = json.dumps({"channel": channel, "text": text, "author": author}).encode()
        self._ask(Request(self.page + "/api/v1/messages", body, {"Content-Type": "application/json"}))

    def card(self, role: Role, group: str) -> str:
        """The link of a new card. Raises Sorry."""
        with Camp(self.home.folder) as camp:
            made = camp.ask(NewCard(role, group, "demo"), no_progress)
            assert isinstance(made, NewCode)
            return card_link(camp.settings.web, camp.tls_port(), made.code)

    def has_ended(self) -> str | None:
        """How the node that the demo started ended; None while it runs."""
        code = self._node.poll() if self._node is not None else None
        if code is None:
            return None
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def end(self) -> None:
        """Tell the node to end, also one that a person started by hand."""
        for pid in {self._running_pid(), self.pid if self.has_ended() is None else 0} - {0}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)

    def wait(self) -> None:
        """Wait until nothing of it runs; what does not end is killed."""
        if self._node is not None:
            try:
                self._node.wait(END_S)
            except subprocess.TimeoutExpired:
                self._node.kill()
                self._node.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._wait_for(self._running_pid())

    def _start(self, words: list[str]) -> None:
        words = [sys.executable, "-m", "node", *words]
        with self._log.open("wb") as log:
            self._node = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _wait_for(self, pid: int) -> None:
        until_s = monotonic_s() + END_S
        while pid and self._running_pid() == pid:
            if monotonic_s() > until_s:
                os.kill(pid, signal.SIGKILL)
                return
            pause(0.05)

    def _running_pid(self) -> int:
        """Who listens on the control socket of its HOME; 0 when nobody does."""
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                with reachable(self.home.control) as address:
                    connection.connect(address)
                raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
            except OSError:
                return 0
        pid, _, _ = _PEER.unpack(raw)
        return int(pid)

    def _ask(self, request: Request) -> bytes:
        try:
            with _OPEN(request, timeout=ANSWER_S) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            raise NotFound from error
        except (URLError, OSError, ValueError) as error:
            raise NotReady from error


def free_ports(count: int) -> list[int]:
    """TCP ports of this machine that nobody uses now, all different."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
