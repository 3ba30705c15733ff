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
    waiting: asyncio.Future[T] = loop.create_future()
    handover = threading.Lock()
    is_left = False

    def settle(result: T | None, fault: BaseException | None) -> None:
        if waiting.done():
            return
        if fault is not None:
            failed = Failed(type(fault).__name__)
            failed.__cause__ = fault
            waiting.set_exception(failed)
        else:
            waiting.set_result(result)  # type: ignore[arg-type]  # None only where T is None

    def run() -> None:
        try:
            result, fault = work(), None
        except BaseException as raised:  # noqa: BLE001 - it belongs to the one who waits
            result, fault = None, raised
        with handover:
            if not is_left:
                with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
                    loop.call_soon_threadsafe(settle, result, fault)
                    return
        if fault is None:
            late(result)  # type: ignore[arg-type]

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.shield(waiting)
    except TimeoutError:
        raise Abandoned from None
    finally:
        with handover:
            is_left = True
        if waiting.done() and not waiting.cancelled():
            waiting.exception()  # looked at, so that nobody complains when it came in the last instant
