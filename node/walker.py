"""A walker does one errand again and again, in a thread of its own.

It sleeps until the errand is due or somebody wakes it. Trouble is one sentence on the status page and in
the log, and the errand is tried again, less and less often. Each way of each list has its walker: a mail
server that does not answer keeps no letter from coming in.
"""

from __future__ import annotations

import errno
import logging
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from node.pump import PumpStopped
from sync.store import StoreFull
from web_ui import mail_words as words
from web_ui.mail_words import in_english

_LOG = logging.getLogger("miccheck")

# Posts that come together leave together.
GATHER_S = 0.2
# What was away for a moment is back in seconds; what is away for a day is asked every five minutes.
RETRY_FIRST_S, RETRY_MAX_S = 5.0, 300.0
NEVER = float("inf")
# Of the way to a fault of ours, the last calls: a line of the log.
PLACES = 6
FAILED = in_english(words.STOPPED_WORKING)

Errand = Callable[[float], float]


class Trouble(Exception):
    """What keeps an errand from being done: one sentence without addresses of people."""


class Walker:
    """Walks from `start` to `stop`; everything but `start` may be called from any thread."""

    def __init__(
        self, name: str, errand: Errand, real_s: Callable[[], float], jitter: Callable[[], float]
    ) -> None:
        """`errand(now_s)` does what can be done and says in how many seconds it wants to be called again.

        It may raise OSError, StoreFull and Trouble, which are told and tried again, and PumpStopped.
        `real_s` counts real seconds and never jumps. `jitter` is a factor about 1, so that camps which lost
        the same server do not come back in step.
        """
        self._name = name
        self._errand = errand
        self._real_s = real_s
        self._jitter = jitter
        self._changed = threading.Condition()
        self._woken = False
        self._hurried = False
        self._stopping = False
        self._started = False
        self._trouble = ""
        self._retry_s = RETRY_FIRST_S
        self._due_s = real_s()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with the first errand at once."""
        self._started = True
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do. Trouble is not tried sooner for it."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def hurry(self) -> None:
        """What was in the way may be gone: do the errand at once, also out of trouble."""
        with self._changed:
            self._hurried = True
            self._retry_s = RETRY_FIRST_S
            self._changed.notify()

    def stop(self) -> None:
        """Do not begin another errand; returns at once."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, timeout_s: float) -> None:
        """Wait until it has stopped, but not for ever."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def trouble(self) -> str:
        """What keeps it, with when it tries again; empty when nothing does."""
        if self._started and not self._stopping and not self._thread.is_alive():
            return FAILED
        trouble, wait_s = self._trouble, self._due_s - self._real_s()
        if not trouble:
            return ""
        template = words.AGAIN_IN if wait_s >= 1 else words.AGAIN_NOW
        return in_english(template, why=trouble, n=f"{wait_s:.0f}")

    def _run(self) -> None:
        try:
            while self._wait():
                self._walk()
        except PumpStopped:
            return
        except Exception as fault:  # noqa: BLE001 - ours, whatever it is: said loudly, and not done again
            # Nobody knows what such a fault left behind; what was not noted is found at the next start.
            _LOG.error("%s: stopped by a fault of ours, %s", self._name, kind_and_place(fault))

    def _walk(self) -> None:
        """Do the errand once."""
        try:
            pause_s = self._errand(self._real_s())
        except (OSError, StoreFull, Trouble) as fault:
            pause_s = self._retry_s * self._jitter()
            self._retry_s = min(2 * self._retry_s, RETRY_MAX_S)
            self._due_s = self._real_s() + pause_s
            self._say(sentence(fault))
        else:
            self._retry_s = RETRY_FIRST_S
            self._due_s = self._real_s() + pause_s
            self._say("")

    def _wait(self) -> bool:
        """Sleep until the errand is due; False at the end."""
        with self._changed:
            while not self._stopping:
                if self._hurried:
                    self._hurried = self._woken = False
                    return True
                if self._woken and not self._trouble:
                    self._changed.wait_for(lambda: self._stopping, GATHER_S)
                    self._woken = False
                    return not self._stopping
                left_s = self._due_s - self._real_s()
                if left_s <= 0:
                    self._woken = False
                    return True
                self._changed.wait(min(left_s, threading.TIMEOUT_MAX))
            return False

    def _say(self, trouble: str) -> None:
        """Note trouble, or that it is over, and log the change once."""
        if trouble and trouble != self._trouble:
            _LOG.warning("%s: %s; trying again", self._name, trouble)
        elif self._trouble and not trouble:
            _LOG.info("%s: works again", self._name)
        self._trouble = trouble


def kind_and_place(fault: Exception) -> str:
    """What a developer needs of a fault of ours. Not its words: they may be a person's."""
    frames = traceback.extract_tb(fault.__traceback__)
    way = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-PLACES:]))
    return f"{type(fault).__name__} at {way}"


def sentence(fault: OSError | StoreFull | Trouble) -> str:
    """What a person can do something about. Paths are of this box; nothing of a letter is in it."""
    if isinstance(fault, StoreFull):
        return in_english(words.CAMP_FULL)
    if isinstance(fault, Trouble):
        return str(fault)
    name = fault.filename or "the letters"
    match fault.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return in_english(words.FOLDER_MISSING, file=name)
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return in_english(words.MAY_NOT_USE, file=name)
        case errno.ENOSPC | errno.EDQUOT:
            return in_english(words.OUTBOX_FULL)
        case _:
            where = f": {fault.filename}" if fault.filename else ""
            return f"{fault.strerror or 'the disk failed'}{where}"
