"""The world: many camps with real engines and real stores round one simulated air, in virtual time.

Hours pass in seconds, and the same seed gives the same run: every chance comes from it, and `trace` is a
hash over all that was on the air. What the camps do to each other is recorded here, outside of them.
An attacker is a radio without an engine: `add_radio` and `inject`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path as FilePath
from random import Random
from typing import TypeVar

from radio.airtime import Firmware, Preset
from radio.duty import DutyHour
from radio.regions import DEFAULT_DUTY
from radio.scene import Scene
from radio.simulated import Air, Fate, Path, Sent
from radio.turns import BackOff, Turns
from sync.engine import Engine, Limits
from sync.events import Event
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile
from sync.message import Message, MessageId
from sync.signing import Identity, Network
from sync.store import Store

T = TypeVar("T")

# An evening in November 2026; any hour will do that keys and bundles accept.
START_S = 1_795_000_000.0
LINK = "air"
# Something is due that cannot be done yet (no budget, no clock): it is looked at again, ever more rarely.
PATIENCE_FIRST_S = 1.0
PATIENCE_MAX_S = 30.0
# While all but alerts wait for a quiet channel: a pump looks every second, and an alert must not wait for us.
PATIENCE_HELD_S = 4.0
# Scattered camps that do not hang together are scattered again: with 50 and a mean degree of 7 seldom.
SCATTER_TRIES_MAX = 1_000


@dataclass(slots=True, eq=False)
class Camp:
    """One camp of the world. `engine` is None while it is switched off; the store stays."""

    name: str
    identity: Identity
    limits: Limits
    path: FilePath | None
    store: Store
    turns: Turns
    clock_offset_s: float = 0.0
    clock_is_set: bool = True
    engine: Engine | None = None
    starts: int = 0
    wakes_at: float = math.inf
    patience_s: float = PATIENCE_FIRST_S


@dataclass(slots=True, eq=False)
class Stranger:
    """A radio without an engine: it sends what it is told, and keeps what it heard when asked to."""

    name: str
    frames: list[bytes] = field(default_factory=list)
    on_heard: Callable[[bytes], None] | None = None


class World(Scene):
    """Camps, their air, and one clock that jumps from event to event."""

    def __init__(
        self,
        seed: int,
        preset: Preset,
        *,
        capture: bool = False,
        firmware: Firmware = Firmware.V2_8,
        duty_cycle: float = DEFAULT_DUTY,
        network: Network | None = None,
        start_s: float = START_S,
    ) -> None:
        super().__init__(Air(preset, Random(f"{seed} air"), capture, firmware), start_s)
        self.camps: dict[str, Camp] = {}
        self.on_event: list[Callable[[str, Event], None]] = []
        self.doubled = 0.0  # share of frames that a driver hands over twice
        self.late_s = 0.0  # frames wait up to so long between radio and engine, and overtake each other
        self._seed = seed
        self._network = network if network is not None else Network()
        self._duty_cycle = duty_cycle
        self._random = Random(f"{seed} world")
        self._strangers: dict[str, Stranger] = {}

    # -- who is there -----------------------------------------------------------------------------------

    def add_camp(
        self,
        name: str,
        *,
        path: FilePath | None = None,
        limits: Limits | None = None,
        network: Network | None = None,
        clock_offset_s: float = 0.0,
        clock_is_set: bool = True,
    ) -> Camp:
        """A camp with an empty board, switched on. `path`: its store lies in this file.

        `clock_offset_s`: its wall clock is wrong by this; not `clock_is_set`: nobody vouches for it.
        """
        identity = Identity(blake2b(name.encode(), digest_size=32).digest(), network or self._network)
        store = Store.open(path, identity.key)
        turns = self._turns_of(name)
        camp = Camp(name, identity, limits or Limits(), path, store, turns, clock_offset_s, clock_is_set)
        self.camps[name] = camp
        self._start(camp)
        return camp

    def add_radio(self, name: str, on_heard: Callable[[bytes], None] | None = None) -> Stranger:
        """A radio that no engine of ours drives."""
        stranger = self._strangers[name] = Stranger(name, [], on_heard)
        self.air.switch_on(name)
        return stranger

    def inject(self, name: str, frame: bytes) -> None:
        """Have a stranger send any bytes, when the channel lets it."""
        stranger = self._strangers[name]
        stranger.frames.append(frame)
        self._feed_stranger(stranger)

    def stop(self, name: str) -> None:
        """Pull the plug: what was not committed is gone, and the frame on the air breaks off."""
        camp = self.camps[name]
        if camp.engine is None:
            return
        camp.engine, camp.wakes_at = None, math.inf
        camp.turns.forget(self.now)
        for sent in self.air.switch_off(name, self.now):
            self._was_sent(sent)
        if camp.path is not None:
            camp.store.close()

    def restart(self, name: str) -> None:
        """Start it again from its store. The law's hour goes on where it was."""
        camp = self.camps[name]
        self.stop(name)
        if camp.path is not None:
            camp.store = Store.open(camp.path, camp.identity.key)
        self._start(camp)

    def close(self) -> None:
        """Close the stores."""
        for camp in self.camps.values():
            if camp.engine is not None or camp.path is None:
                camp.store.close()

    # -- who hears whom ---------------------------------------------------------------------------------

    def line(self, *names: str, path: Path = Path()) -> None:  # noqa: B008 - frozen
        """Each hears its neighbours in the row."""
        for one, other in itertools.pairwise(names):
            self.hear(one, other, path)

    def square(self, *names: str, path: Path = Path()) -> None:  # noqa: B008 - frozen
        """Everybody hears everybody."""
        for one, other in itertools.combinations(names, 2):
            self.hear(one, other, path)

    def scatter(self, names: Sequence[str], degree: float, path: Path = Path()) -> None:  # noqa: B008 - frozen
        """Camps strewn over a square field, each hearing `degree` others on average, all connected."""
        for _ in range(SCATTER_TRIES_MAX):
            places = {name: (self._random.random(), self._random.random()) for name in names}
            pairs = sorted(
                itertools.combinations(names, 2), key=lambda pair: math.dist(*(places[name] for name in pair))
            )
            del pairs[round(len(names) * degree / 2) :]
            if _hang_together(names, pairs):
                for one, other in pairs:
                    self.hear(one, other, path)
                return
        raise ValueError("so few neighbours each, and they never hang together")

    # -- what happens -----------------------------------------------------------------------------------

    def publish(self, name: str, message: Message) -> MessageId:
        """A person at this camp posts."""
        camp = self.camps[name]
        return self._turn(camp, lambda engine: engine.publish(message, self.now))

    # -- the machinery ----------------------------------------------------------------------------------

    def _turns_of(self, name: str) -> Turns:
        longest_ms = self.air.preset.longest_ms()
        chance = Random(f"{self._seed} {name} back-off")
        back_off = BackOff(lambda now: self.air.utilisation(name, now), longest_ms, chance)
        return Turns(self.air.airtime_ms, longest_ms, DutyHour(self._duty_cycle, longest_ms), back_off)

    def _start(self, camp: Camp) -> None:
        camp.starts += 1
        chance = Random(f"{self._seed} {camp.name} {camp.starts}")
        camp.engine = Engine(camp.identity, camp.store, chance, camp.limits)
        self.air.switch_on(camp.name)
        profile = LinkProfile(
            LINK, RADIO_FRAME_BYTES_MAX, self.air.airtime_ms, broadcast=True, duty_cycle=self._duty_cycle
        )
        self._turn(camp, lambda engine: engine.add_link(profile, self.now))

    def _sent(self, sent: Sent) -> None:
        for hearing in sent.hearings:
            if hearing.fate is Fate.HEARD:
                self._hand_over(hearing.hearer, sent.frame, hearing.snr_db)
        stranger = self._strangers.get(sent.sender)
        if stranger is not None:
            self._feed_stranger(stranger)
            return
        camp = self.camps[sent.sender]
        camp.turns.done(self.now)
        if camp.engine is not None:
            self._turn(camp, _nothing)

    def _hand_over(self, hearer: str, frame: bytes, snr_db: float) -> None:
        copies = 2 if self.doubled and self._random.random() < self.doubled else 1
        for _ in range(copies):
            if self.late_s:
                when_s = self.now + self._random.uniform(0.0, self.late_s)
                self.at(when_s, lambda: self._receive(hearer, frame, snr_db))
            else:
                self._receive(hearer, frame, snr_db)

    def _receive(self, hearer: str, frame: bytes, snr_db: float) -> None:
        stranger = self._strangers.get(hearer)
        if stranger is not None:
            if stranger.on_heard is not None:
                stranger.on_heard(frame)
            return
        camp = self.camps[hearer]
        if camp.engine is not None:
            self._turn(camp, lambda engine: engine.receive_frame(frame, LINK, self.now, snr_db))

    def _feed_stranger(self, stranger: Stranger) -> None:
        if stranger.frames and self.air.is_free(stranger.name):
            self.air.offer(stranger.name, stranger.frames.pop(0), self.now)

    def _turn(self, camp: Camp, work: Callable[[Engine], T]) -> T:
        """What the pump does: work, commit, and only then send."""
        engine = camp.engine
        if engine is None:
            raise ValueError(f"{camp.name} is switched off")
        now = self.now
        engine.tell_time(now + camp.clock_offset_s, camp.clock_is_set)
        # In memory nothing is lost half-way: the store's own transactions do, and most turns write nothing.
        with camp.store.transaction() if camp.path is not None else nullcontext():
            outcome = work(engine)
            engine.tick(now)
            left = camp.turns.allowance(now)
            frames: list[bytes] = []
            if left.alerts_ms > 0:
                frames = engine.frames_to_send(LINK, now, left.any_ms, left.alerts_ms, left.few_ms)
        camp.turns.take(frames, now)
        self._feed(camp)
        while (event := engine.next_event()) is not None:
            for watch in self.on_event:
                watch(camp.name, event)
        self._plan(camp, engine)
        return outcome

    def _feed(self, camp: Camp) -> None:
        frame = camp.turns.next_frame()
        if frame is not None:
            self.air.offer(camp.name, frame, self.now)

    def _plan(self, camp: Camp, engine: Engine) -> None:
        """When this camp has its next turn; while its radio is busy, the end of the frame is that."""
        wakes_at = engine.next_wakeup() if camp.turns.is_idle() else math.inf
        if wakes_at <= self.now:
            held_until = camp.turns.held_until
            most_s = min(PATIENCE_HELD_S, held_until - self.now) if held_until > self.now else PATIENCE_MAX_S
            wakes_at = self.now + min(camp.patience_s, most_s)
            camp.patience_s = min(2 * camp.patience_s, PATIENCE_MAX_S)
            alert_at = engine.next_alert()
            if self.now < alert_at < wakes_at:
                wakes_at = alert_at
        else:
            camp.patience_s = PATIENCE_FIRST_S
        if wakes_at != camp.wakes_at:
            camp.wakes_at = wakes_at
            if wakes_at < math.inf:
                self.at(wakes_at, lambda: self._wake(camp, wakes_at))

    def _wake(self, camp: Camp, planned_s: float) -> None:
        if camp.engine is not None and camp.wakes_at == planned_s:
            camp.wakes_at = math.inf
            self._turn(camp, _nothing)


def _nothing(_: Engine) -> None:
    """A turn without news: time has passed, or the radio is free."""


def _hang_together(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether every camp reaches every other over some road."""
    beside: dict[str, list[str]] = {name: [] for name in names}
    for one, other in pairs:
        beside[one].append(other)
        beside[other].append(one)
    reached = {names[0]}
    edge = [names[0]]
    while edge:
        for name in beside[edge.pop()]:
            if name not in reached:
                reached.add(name)
                edge.append(name)
    return len(reached) == len(names)
