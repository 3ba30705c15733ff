"""How a command gets at a camp: through the running node, or, when none runs, by taking its place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from node.clock import monotonic_s, pause
from node.control import ControlClient
from node.home import Home, HomeLock, Locked
from node.requests import Answer, Progress, Request, no_progress
from node.settings import read_settings

# A node that starts holds the lock before it listens, and one that stops listens no more before it lets go:
# five seconds at most, and a slow card.
PATIENCE_S = 10.0
LOOK_AGAIN_S = 0.05


class Counter(Protocol):
    """Where requests are answered."""

    def begin(self, request: Request, progress: Progress = no_progress) -> Callable[[], Answer]:
        """Hand a request in; what is returned waits for the answer. Both raise Sorry with one line."""

    def ask(self, request: Request, progress: Progress) -> Answer:
        """Have a request answered. Raises Sorry with the line why not."""

    def close(self) -> None:
        """Done here."""


class Camp:
    """A HOME that a command works on, with its settings."""

    def __init__(self, folder: Path) -> None:
        """Raises HomeError, SettingsError."""
        self.home = Home(folder.absolute())
        self.home.check()
        self.settings = read_settings(self.home.settings, os.environ)
        self._counter: Counter | None = None

    def running(self) -> ControlClient | None:
        """The node that runs here, if one does and answers."""
        try:
            return ControlClient(self.home.control)
        except OSError:
            return None  # no socket, or one that a crash left behind

    def tls_port(self) -> int:
        """The port of the pages for cards: the running node's, otherwise that of the settings."""
        node = self.running()
        ports = self.home.read_ports() if node is not None else None
        if node is not None:
            node.close()
        return ports[1] if ports is not None else self.settings.web.tls_port

    def counter(self) -> Counter:
        """Somewhere to ask, waiting a little for another command to finish. Raises Locked, HomeError."""
        if self._counter is None:
            self._counter = self._open()
        return self._counter

    def ask(self, request: Request, progress: Progress) -> Answer:
        """Have a request answered. Raises Sorry, HomeError."""
        return self.counter().ask(request, progress)

    def close(self) -> None:
        """Hang up, or let others in."""
        if self._counter is not None:
            self._counter.close()

    def __enter__(self) -> Camp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> Counter:
        until_s = monotonic_s() + PATIENCE_S
        while True:
            client = self.running()
            if client is not None:
                return client
            try:
                from node.counter import OwnCounter  # board and engine: not needed when a node runs

                return OwnCounter(self.home, self.settings, HomeLock(self.home))
            except Locked:
                if monotonic_s() > until_s:
                    raise
                pause(LOOK_AGAIN_S)
