"""A command without a node: it owns the board for as long as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from node.clock import Clock
from node.console import work_for
from node.home import Home, HomeLock
from node.pump import PumpStopped
from node.refusals import sentence
from node.requests import Answer, AskStatus, Progress, Request, no_progress
from node.settings import Settings
from node.sorry import Sorry
from node.works import Works
from sync.actions import Refused
from sync.store import StoreFull


class OwnCounter:
    """The command does the work itself. No node runs: it holds the HOME's lock."""

    def __init__(self, home: Home, settings: Settings, lock: HomeLock) -> None:
        self._lock = lock
        try:
            clock = Clock(settings.clock.speed, settings.clock.offset_s, home.clock)
            self._works = Works(home, settings, clock)
        except BaseException:
            lock.close()
            raise
        self._works.start()

    def begin(self, request: Request, progress: Progress = no_progress) -> Callable[[], Answer]:
        """Hand a request to this process' own pump."""
        if isinstance(request, AskStatus):
            raise Sorry("no node runs here")
        future = self._works.pump.submit(work_for(request, progress, self._works.identity.network))
        return lambda: answered(future)

    def ask(self, request: Request, progress: Progress) -> Answer:
        """Answer in this process."""
        return self.begin(request, progress)()

    def close(self) -> None:
        """Write what is left and let others in."""
        self._works.stop()
        self._lock.close()


@contextmanager
def reason_of() -> Iterator[None]:
    """Say why the pump refused, as Sorry with one line."""
    try:
        yield
    except Refused as refused:
        raise Sorry(sentence(refused)) from refused
    except StoreFull as full:
        raise Sorry("the disk is full: nothing was stored; reading goes on") from full
    except PumpStopped as stopped:
        raise Sorry("the node is ending; try again") from stopped


def answered(future: Future[Answer]) -> Answer:
    """The answer of the pump, or Sorry."""
    with reason_of():
        return future.result()
