"""Work that may hang for ever, done where nobody waits for it.

A library that talks to hardware blocks in the kernel, sleeps for half a minute, calls `sys.exit` or raises
what its own parts raise. It gets a thread of its own that does not keep the process alive, so many seconds,
and what it leaves behind when it comes back too late is cleared away.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Abandoned(Exception):
    """It took too long, and goes on alone."""


class Failed(Exception):
    """It raised; the cause is what."""


async def detached(
    work: Callable[[], T], seconds: float, name: str, late: Callable[[T], None] = lambda _: None
) -> T:
    """What `work` returns. Raises Abandoned after `seconds`, and Failed from whatever it raised.

    `late` is called in the thread with what comes back when nobody waits for it any more.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[None] = loop.create_future()
    handover = threading.Lock()
    outcome: list[tuple[T, None] | tuple[None, BaseException]] = []
    is_left = False

    def run() -> None:
        try:
            done: tuple[T, None] | tuple[None, BaseException] = work(), None
        except BaseException as raised:  # noqa: BLE001 - it belongs to the one who waits
            done = None, raised
        with handover:
            outcome.append(done)
            with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
                loop.call_soon_threadsafe(_wake, waiting)
        if is_left:
            clear_away()

    def clear_away() -> None:
        result, fault = outcome[0]
        if fault is None:
            late(result)  # type: ignore[arg-type]  # None only where T is None

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except BaseException as left:
        with handover:
            is_left, came = not outcome, bool(outcome)
        if came:  # in the last instant
            threading.Thread(target=clear_away, name=name, daemon=True).start()
        if isinstance(left, TimeoutError):
            raise Abandoned from None
        raise
    result, fault = outcome[0]
    if fault is not None:
        raise Failed(type(fault).__name__) from fault
    return result  # type: ignore[return-value]  # None only where T is None


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
