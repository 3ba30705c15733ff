"""The simulated air as a process: real nodes connect to it, and what they send takes as long as by radio.

One event loop, one model (`radio.simulated`), and real time, or a multiple of it. The model decides when
a frame ends, to the microsecond of its own clock, so a busy machine delays what is told but changes
nothing of what happened. A node that does not read what it is told, or has died without a word, costs
the others nothing: it misses frames, as a deaf radio does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from radio.air_link import (
    HELLO_S,
    AirMessage,
    AirMessageError,
    Done,
    Heard,
    Hello,
    Noise,
    Refusal,
    Send,
    Welcome,
    encode,
    read_message,
)
from radio.road_words import for_people
from radio.simulated import Air, Began, Fate, Path, Sent

# A hundred camps on one machine are a stress test; more connections are a mistake.
CONNECTIONS_MAX = 150
# What a node has not read yet. 64 KiB are ten minutes of a LongFast channel; then it misses frames.
UNREAD_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Came:
    """A camp's radio was switched on. `is_heard`: the table of who hears whom has its name."""

    camp: str
    at_s: float
    is_heard: bool


@dataclass(frozen=True, slots=True)
class Went:
    """It was switched off."""

    camp: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Missed:
    """A node did not read what it was told, and a frame for it was dropped."""

    camp: str
    at_s: float


News = Came | Went | Missed | Began | Sent


class AirServer:
    """Serves an air to nodes. Lives in one event loop."""

    def __init__(
        self,
        air: Air,
        hears: frozenset[frozenset[str]] | None,
        loss: float,
        speed: float,
        on_news: Callable[[News], None],
    ) -> None:
        """`hears`: pairs of camps that hear each other; None: everybody hears everybody."""
        self._air = air
        self._hears = hears
        self._loss = loss
        self._speed = speed
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the true port where 0 was asked for. Raises OSError."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=UNREAD_BYTES_MAX)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Switch all radios off."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._alarm is not None:
            self._alarm.cancel()

    def now(self) -> float:
        """Seconds on the air's clock."""
        return (self._loop.time() - self._began_s) * self._speed

    # -- nodes ----------------------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        camp: str | None = None
        try:
            async with asyncio.timeout(HELLO_S):
                hello = await read_message(reader)
            why = self._why_not(hello)
            if why:
                writer.write(encode(Refusal(why)))
                return
            assert isinstance(hello, Hello)
            camp = hello.camp
            self._come(camp, writer)
            await self._listen(reader, camp)
        except (EOFError, OSError, TimeoutError, AirMessageError):
            pass  # a node that is gone, or no node
        finally:
            if camp is not None:
                self._go(camp)
            writer.close()

    def _why_not(self, hello: AirMessage) -> str:
        if not isinstance(hello, Hello):
            return "a hello comes first"
        if hello.preset != self._air.preset.name:
            return for_people("This air has another preset, and two presets do not hear each other.")
        if hello.camp in self._writers:
            return for_people("A camp of this name is on this air already.")
        if len(self._tasks) > CONNECTIONS_MAX:
            return for_people("Too many camps are on this air.")
        return ""

    def _come(self, camp: str, writer: asyncio.StreamWriter) -> None:
        self._step()
        for other in self._writers:
            if self._hears is None or frozenset((camp, other)) in self._hears:
                self._air.set_path(camp, other, Path(self._loss))
                self._air.set_path(other, camp, Path(self._loss))
        self._writers[camp] = writer
        self._air.switch_on(camp)
        writer.write(encode(Welcome()))
        is_heard = self._hears is None or any(camp in pair for pair in self._hears)
        self._on_news(Came(camp, self.now(), is_heard))

    def _go(self, camp: str) -> None:
        self._step()
        del self._writers[camp]
        for sent in self._air.switch_off(camp, self.now()):
            self._tell(sent)
        self._on_news(Went(camp, self.now()))
        self._set_alarm()

    async def _listen(self, reader: asyncio.StreamReader, camp: str) -> None:
        while True:
            message = await read_message(reader)
            self._step()
            if not isinstance(message, Send) or not self._air.is_free(camp):
                raise AirMessageError("one frame at a time")
            self._air.offer(camp, message.frame, self.now())
            self._set_alarm()

    # -- time -----------------------------------------------------------------------------------------

    def _step(self) -> None:
        """Let happen what is due."""
        for happened in self._air.step(self.now()):
            self._tell(happened)
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due_s = self._air.next_due()
        if due_s < float("inf"):
            self._alarm = self._loop.call_at(self._began_s + due_s / self._speed, self._step)

    def _tell(self, happened: Began | Sent) -> None:
        self._on_news(happened)
        if not isinstance(happened, Sent):
            return
        noise = Noise(round(happened.airtime_ms))
        for hearing in happened.hearings:
            is_heard = hearing.fate is Fate.HEARD
            if self._reads(hearing.hearer):
                told = Heard(round(100 * hearing.snr_db), happened.frame) if is_heard else noise
                self._write(hearing.hearer, told)
            elif is_heard:
                self._on_news(Missed(hearing.hearer, happened.at_s))
        # Always told, or a node that wakes up again would wait for ever; one for each of its own frames.
        self._write(happened.sender, Done(round(happened.airtime_ms)))

    def _reads(self, camp: str) -> bool:
        writer = self._writers.get(camp)
        return writer is not None and writer.transport.get_write_buffer_size() < UNREAD_BYTES_MAX

    def _write(self, camp: str, message: AirMessage) -> None:
        writer = self._writers.get(camp)
        if writer is not None and not writer.is_closing():
            writer.write(encode(message))
