"""The pump: the one thread that owns the engine, the board and the store.

Everything that changes anything is handed in from other threads, done in one transaction, committed,
and only then answered or sent: a post is acknowledged when it is on the disk, and a frame leaves when
what it says is. While one group is being committed the next gathers by itself, so an idle node answers
at once and a busy one pays one sync of the disk for fifty posts, without waiting for a fifty-first.
When idle it sleeps until the next thing is due; it never polls.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sync.actions import Action, Actor, BuryCamp, Outcome, PinCamp, SetAdmission, UnpinCamp
from sync.board import Board
from sync.bundle import hour_of
from sync.engine import Engine
from sync.events import Event
from sync.link import NO_AIRTIME, Allowance, LinkProfile
from sync.store import Store, StoreFull
from sync.store.retention import sweep

_LOG = logging.getLogger("miccheck")

T = TypeVar("T")

# Jobs, and frames, of one transaction: at 0.3 ms each a sixth of a second in which nobody else is served.
GROUP_MAX = 500
# A frame may cost its sender a microsecond and us 20 ms (2,048 ids nobody knows). So frames have this much
# real time in one transaction, and then it is the turn of people again. A post waits no longer for a flood.
FRAMES_S = 0.05
# And so much of it is spent on reading what came in a flood, when nobody waits at its beginning.
READ_S = 0.05
# Frames of one link that wait for the pump. A neighbour that sends faster than we store is made to wait by
# TCP, and the others' frames wait behind half a second of its work. 500 small ones are a transaction; the
# bytes are those of 30 full lists of ids.
LINK_FRAMES_WAITING_MAX = 500
LINK_BYTES_WAITING_MAX = 1_000_000
# And of all links together: a tenth of the memory a Pi can spare us. Keys, and so links, are free to make.
BYTES_WAITING_MAX = 16_000_000
# Handfuls of frames a link gets before the group is committed.
HANDFULS_MAX = 8
# What is due but cannot be done (a neighbour without room, nobody to hear) is looked at again.
NOTHING_TO_DO_S = 1.0
# Rows that are past their retention go once an hour.
SWEEP_EVERY_S = 3_600.0
# The longest sleep: a clock that a person sets is noticed within it.
SLEEP_MAX_S = 60.0
# While the disk is full a row is tried this often, so that the page says soon that there is room again.
FEEL_EVERY_S = 60.0

_ADMISSION_ACTIONS = (PinCamp, UnpinCamp, SetAdmission, BuryCamp)


class Port(Protocol):
    """A link as the pump sees it: something that takes frames while it has room."""

    @property
    def profile(self) -> LinkProfile:
        """What the engine needs to know of it."""

    def room(self) -> bool:
        """Whether it takes more now."""

    def allowance(self, now: float) -> Allowance:
        """How much airtime it takes at engine time `now`; infinity where none is rationed."""

    def push(self, frames: list[bytes]) -> None:
        """Take committed frames; returns at once."""


class TimeSource(Protocol):
    """The clock, as far as the pump needs it."""

    def now(self) -> float:
        """Engine seconds, monotonic."""

    def wait_s(self, engine_s: float) -> float:
        """Real seconds in which the engine's clock advances by `engine_s`."""

    def wall_s(self) -> float:
        """Unix seconds."""

    def is_set(self) -> bool:
        """Whether `wall_s` can be believed."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a job may use, inside the pump's transaction."""

    store: Store
    engine: Engine
    board: Board
    now: float
    wall_s: float


class _Job(Generic[T]):
    """Work for the pump and the future that is answered after the commit."""

    def __init__(self, work: Callable[[Workbench], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self._outcome: T | None = None
        self._fault: BaseException | None = None

    def do(self, bench: Workbench) -> None:
        """Do it in a savepoint: a refusal undoes this job and no other."""
        changes = bench.engine.changes
        try:
            with bench.store.savepoint():
                self._outcome = self.work(bench)
        except StoreFull:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, it belongs to the one who asked
            self._fault = fault
            if bench.engine.changes != changes:
                bench.engine.reload()

    def answer(self) -> None:
        """Tell the one who asked, now that it is on the disk."""
        if self._fault is not None:
            self.future.set_exception(self._fault)
        else:
            self.future.set_result(self._outcome)  # type: ignore[arg-type]  # None only where T is None

    def fail(self, fault: BaseException) -> None:
        """The group could not be committed."""
        self.future.set_exception(fault)


@dataclass(frozen=True, slots=True)
class _Frame:
    link: str
    data: bytes
    snr_db: float | None


@dataclass(frozen=True, slots=True)
class _LinkUp:
    port: Port


@dataclass(frozen=True, slots=True)
class _LinkDown:
    port: Port


_Arrival = _Frame | _LinkUp | _LinkDown


class PumpStopped(RuntimeError):
    """The node is ending; nothing more is taken."""


class Pump:
    """Runs in its own thread from `start` to `stop`. Every public method may be called from any thread."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        board: Board,
        clock: TimeSource,
        on_event: Callable[[Event], None],
        on_full: Callable[[], None],
        on_fault: Callable[[], None],
    ) -> None:
        """`on_event`, `on_full` and `on_fault` are called in the pump's thread, after the commit,
        when the disk is full, and when our own code failed and the node must end."""
        self._store = store
        self._engine = engine
        self._board = board
        self._clock = clock
        self._on_event = on_event
        self._on_full = on_full
        self._on_fault = on_fault
        self._jobs: deque[_Job[Any]] = deque()
        self._arrivals: deque[_Arrival] = deque()
        self._changed = threading.Condition()
        self._waiting_of: dict[str, tuple[int, int]] = {}  # by link: frames and bytes that wait
        self._bytes_waiting = 0
        self._woken = False
        self._stopping = False
        self._ports: dict[str, Port] = {}
        self._next_sweep = clock.now()
        self._full_since_s: float | None = None
        self._next_feel = clock.now()
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)

    # -- from other threads -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin. Nothing else touches engine, board or store from here on."""
        self._thread.start()

    def stop(self) -> None:
        """Do what was handed in, then end; returns when the thread has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def submit(self, work: Callable[[Workbench], T]) -> Future[T]:
        """Have `work` done; its future is answered after the commit. Raises PumpStopped at the end.

        What `work` raises, the future raises, and nothing of that job is stored. StoreFull: the disk.
        """
        job = _Job(work)
        with self._changed:
            if self._stopping:
                raise PumpStopped
            self._jobs.append(job)
            self._changed.notify()
        return job.future

    def act(self, action: Action, actor: Actor) -> Future[Outcome]:
        """Have the board carry out an order."""
        return self.submit(lambda bench: _act(bench, action, actor))

    def link_up(self, profile: LinkProfile, port: Port) -> None:
        """A neighbour can be spoken to."""
        self._put(_LinkUp(port))

    def link_down(self, port: Port) -> None:
        """It cannot any more."""
        self._put(_LinkDown(port))

    def frame(self, link: str, data: bytes, snr_db: float | None = None) -> None:
        """A link brought a frame, a radio with this signal to noise ratio."""
        self._put(_Frame(link, data, snr_db))

    def has_room(self, link: str) -> bool:
        """Whether this link may read on."""
        with self._changed:
            frames, size = self._waiting_of.get(link, (0, 0))
            mine = frames < LINK_FRAMES_WAITING_MAX and size < LINK_BYTES_WAITING_MAX
            return mine and self._bytes_waiting < BYTES_WAITING_MAX

    def full_since_s(self) -> float | None:
        """Since when (Unix) nothing could be stored; None while there is room."""
        return self._full_since_s

    def wake(self) -> None:
        """Something changed outside: a link has room, a person set the clock."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def _put(self, arrival: _Arrival) -> None:
        with self._changed:
            if self._stopping:
                return
            self._arrivals.append(arrival)
            self._count_waiting(arrival, 1)
            self._changed.notify()

    def _count_waiting(self, arrival: _Arrival, sign: int) -> None:
        if not isinstance(arrival, _Frame):
            return
        frames, size = self._waiting_of.pop(arrival.link, (0, 0))
        if frames + sign > 0:
            self._waiting_of[arrival.link] = frames + sign, size + sign * len(arrival.data)
        self._bytes_waiting += sign * len(arrival.data)

    # -- the pump's own thread ------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            idle = False
            while (jobs := self._wait(idle)) is not None:
                idle = not self._do_group(jobs) and not jobs
        except Exception:  # noqa: BLE001 - ours, whatever it is: said loudly, and the node ends
            _LOG.exception("the pump failed; the node ends, and what was acknowledged is on the disk")
            self._refuse_rest()
            self._on_fault()

    def _wait(self, idle: bool) -> list[_Job[Any]] | None:
        """The jobs of the next group, none when something else is due; None at the end.

        What links brought is not waited for at the end: nobody was told that we have it.
        """
        with self._changed:
            if not (self._jobs or self._arrivals or self._woken or self._stopping):
                self._changed.wait(self._sleep_s(idle))
            self._woken = False
            if self._stopping and not self._jobs:
                return None
            return [self._jobs.popleft() for _ in range(min(GROUP_MAX, len(self._jobs)))]

    def _sleep_s(self, idle: bool) -> float:
        due = min(self._engine.next_wakeup(), self._board.next_wakeup(), self._next_sweep)
        real_s = self._clock.wait_s(max(0.0, due - self._clock.now()))
        return min(SLEEP_MAX_S, max(real_s, NOTHING_TO_DO_S) if idle else real_s)

    def _do_group(self, jobs: list[_Job[Any]]) -> bool:
        """Do a group in one transaction; whether frames came or left, or messages are still to be read."""
        self._feel_for_room()
        before = self._store.rows_changed()
        try:
            with self._store.transaction():
                arrived, leaving = self._work(jobs)
        except StoreFull as fault:
            self._disk_full(jobs, fault)
            return False
        if self._store.rows_changed() != before:
            self._full_since_s = None
        for job in jobs:
            job.answer()
        for port, frames in leaving:
            port.push(frames)
        while (event := self._engine.next_event()) is not None:
            self._on_event(event)
        return arrived or bool(leaving) or self._store.unread() > 0

    def _work(self, jobs: list[_Job[Any]]) -> tuple[bool, list[tuple[Port, list[bytes]]]]:
        now, wall_s = self._clock.now(), self._clock.wall_s()
        self._engine.tell_time(wall_s, self._clock.is_set())
        # Stamps are what the engine believes: without a set clock that is no earlier than what it heard.
        bench = Workbench(self._store, self._engine, self._board, now, self._engine.wall_s(now))
        for job in jobs:
            job.do(bench)
        arrived = self._take_arrivals(now)
        self._board.tick(now, bench.wall_s)
        self._engine.tick(now)
        self._read_on(now)
        self._sweep(bench)
        return arrived, self._gather_frames(now)

    def _read_on(self, now: float) -> None:
        """Read further what came in a flood while nobody waits: one sync of the disk for many slices."""
        while self._store.unread() and self._is_quiet():
            if self._clock.wait_s(self._clock.now() - now) >= READ_S:
                break
            self._engine.tick(now)

    def _is_quiet(self) -> bool:
        with self._changed:
            return not (self._jobs or self._arrivals or self._stopping)

    def _take_arrivals(self, now: float) -> bool:
        """Take what links brought, for FRAMES_S at most; whether there was any."""
        began, count = self._clock.now(), 0
        while count < GROUP_MAX and self._clock.wait_s(self._clock.now() - began) < FRAMES_S:
            with self._changed:
                if not self._arrivals:
                    break
                arrival = self._arrivals.popleft()
                self._count_waiting(arrival, -1)
            count += 1
            match arrival:
                case _Frame(link, data, snr_db):
                    self._engine.receive_frame(data, link, now, snr_db)
                case _LinkUp(port):
                    self._ports[port.profile.name] = port
                    self._engine.add_link(port.profile, now)
                case _LinkDown(port):
                    self._ports.pop(port.profile.name, None)
                    self._engine.drop_link(port.profile.name)
        return count > 0

    def _gather_frames(self, now: float) -> list[tuple[Port, list[bytes]]]:
        leaving: list[tuple[Port, list[bytes]]] = []
        for name, port in self._ports.items():
            left = port.allowance(now) if port.room() else NO_AIRTIME
            for _ in range(HANDFULS_MAX):
                if left.alerts_ms <= 0:
                    break
                frames = self._engine.frames_to_send(name, now, left.any_ms, left.alerts_ms, left.few_ms)
                if not frames:
                    break
                leaving.append((port, frames))
                left = left.less(sum(port.profile.airtime_ms(len(frame)) for frame in frames))
        return leaving

    def _sweep(self, bench: Workbench) -> None:
        if bench.now < self._next_sweep:
            return
        self._next_sweep = bench.now + SWEEP_EVERY_S
        hour = bench.engine.hour(bench.now)
        # What other camps say of the time dates what is written here. It deletes nothing: two made-up keys
        # and an hour ten years ahead would empty a box whose clock nobody set.
        now_s = min(bench.wall_s, self._clock.wall_s())
        if hour is not None and sweep(bench.store, now_s, min(hour, hour_of(now_s))).live_bundles:
            bench.engine.reload()

    def _feel_for_room(self) -> None:
        """While the disk is full, see with one row whether it still is; nobody may post for hours."""
        if self._full_since_s is None or self._clock.now() < self._next_feel:
            return
        self._next_feel = self._clock.now() + FEEL_EVERY_S
        try:
            with self._store.transaction():
                self._store.set_meta("full_since", int(self._full_since_s))
        except StoreFull:
            return
        self._full_since_s = None

    def _disk_full(self, jobs: list[_Job[Any]], fault: StoreFull) -> None:
        """Nothing of the group is stored: what memory mirrors is read again, links begin anew."""
        if self._full_since_s is None:
            self._full_since_s = self._clock.wall_s()
            self._next_feel = self._clock.now() + FEEL_EVERY_S
        self._engine.reload()
        now = self._clock.now()
        for port in self._ports.values():
            self._engine.add_link(port.profile, now)
        while self._engine.next_event() is not None:
            pass  # they tell of what was rolled back
        self._on_full()
        for job in jobs:
            job.fail(fault)

    def _refuse_rest(self) -> None:
        with self._changed:
            self._stopping = True
            rest, self._jobs = self._jobs, deque()
        for job in rest:
            job.fail(PumpStopped())


def _act(bench: Workbench, action: Action, actor: Actor) -> Outcome:
    outcome = bench.board.do(action, actor, bench.now, bench.wall_s)
    if isinstance(action, _ADMISSION_ACTIONS):
        bench.engine.refresh_admission()
    return outcome
