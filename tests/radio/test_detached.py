"""Work that may hang: its result, its fault, or neither in time, and what comes too late."""

import asyncio
import threading

import pytest

from radio.detached import Abandoned, Failed, detached

LONG_S = 20


def test_what_it_returns_is_returned():
    assert asyncio.run(detached(lambda: 7, LONG_S, "seven")) == 7


@pytest.mark.parametrize("fault", [ValueError("no"), SystemExit(1), KeyboardInterrupt()])
def test_what_it_raises_is_a_failure_with_a_cause(fault):
    def work():
        raise fault

    with pytest.raises(Failed, match=type(fault).__name__) as failed:
        asyncio.run(detached(work, LONG_S, "fails"))
    assert failed.value.__cause__ is fault


def test_what_takes_too_long_is_left_and_its_late_result_cleared_away():
    go_on, cleared = threading.Event(), []
    done = threading.Event()

    def work():
        go_on.wait(LONG_S)
        return "late"

    def late(result):
        cleared.append(result)
        done.set()

    with pytest.raises(Abandoned):
        asyncio.run(detached(work, 0.01, "slow", late))
    assert cleared == []
    go_on.set()
    assert done.wait(LONG_S)
    assert cleared == ["late"]


def test_what_is_cancelled_is_left_as_well():
    go_on, done = threading.Event(), threading.Event()

    async def story():
        task = asyncio.create_task(
            detached(lambda: go_on.wait(LONG_S), LONG_S, "cancelled", lambda _: done.set())
        )
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(story())
    go_on.set()
    assert done.wait(LONG_S)
