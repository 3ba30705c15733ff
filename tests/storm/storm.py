"""One storm from one seed: what the weather does to the camps, and what must hold all the same.

The weather is drawn from the seed: who hears whom, loss, doubles, frames that overtake each other, cuts,
power failures, clocks that are wrong or were never set, camps of later versions, and an attacker. What
is checked is checked from outside, in the stores and on the air.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random

from radio.airtime import PRESETS
from radio.attackers import ALL_ATTACKS, Attacker
from radio.regions import DEFAULT_DUTY
from radio.simulated import Path
from radio.world import START_S, World
from sync import bundle, cbor, message
from sync.bundle import BundleClass, is_alive
from sync.events import MessageArrived
from sync.message import Kind, Message, compose
from sync.signing import Identity

LONG_FAST = next(preset for preset in PRESETS if preset.name == "LONG_FAST")
CALMS_MAX = 10
TALK = """
agua en la puerta 4 y mantas para la noche; water at gate 4, blankets for the night; asamblea a las ocho
junto a la fuente; the kitchen needs six people before seven; medic tent has moved to the library
"""
WORDS = tuple(TALK.split())


@dataclass
class Storm:
    """The weather and the camps in it."""

    seed: int
    camps: int = 6
    degree: float = 3.0
    loss: float = 0.2
    posts: int = 24
    span_s: float = 2_400.0
    calm_s: float = 7_200.0
    cuts: int = 1
    restarts: int = 1
    doubled: float = 0.0
    late_s: float = 0.0
    wrong_clocks: int = 0
    no_clocks: int = 0
    later_versions: int = 0
    long_posts: int = 0
    mic_checks: int = 1
    attack: str | None = None
    duty_cycle: float = DEFAULT_DUTY  # half of what the law of Europe leaves
    world: World = field(init=False)
    said: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    alerts: list[bytes] = field(default_factory=list)
    arrived: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    said_at: dict[bytes, float] = field(default_factory=dict)
    last_arrival: dict[bytes, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.world = World(self.seed, LONG_FAST, duty_cycle=self.duty_cycle)
        self.world.doubled, self.world.late_s = self.doubled, self.late_s
        self.names = [f"camp{n}" for n in range(self.camps)]
        for name in self.names:
            self.world.add_camp(name)
        self.world.scatter(self.names, self.degree, Path(self.loss))
        self.world.on_event.append(self._note)
        for name in self.random.sample(self.names, self.wrong_clocks):
            self.world.camps[name].clock_offset_s = self.random.choice((-3, 2)) * 86_400.0
            self.world.camps[name].clock_is_set = False
        for name in self.random.sample(self.names, self.no_clocks):
            self.world.camps[name].clock_offset_s = -START_S
            self.world.camps[name].clock_is_set = False
        self.attacker = None
        if self.attack:
            in_earshot = self.random.sample(self.names, min(3, len(self.names)))
            self.attacker = Attacker(self.world, in_earshot, self.random)
        self._plan()

    def run(self) -> None:
        """The storm and the calm after it."""
        self.world.run(self.span_s)
        self.world.doubled = self.world.late_s = 0.0
        for _ in range(CALMS_MAX):
            self.world.run(self.calm_s)
            if self.is_level():
                return

    def is_level(self) -> bool:
        """Whether all camps hold the same live set and every post."""
        boards = self.boards().values()
        return len(self.live_sets()) == 1 and all(len(board) >= len(self.said) for board in boards)

    def live_sets(self) -> set[tuple[bytes, ...]]:
        """The live sets there are at this hour; one when all are level.

        A camp without a clock stands still at the last hour it heard of. It keeps what is dead elsewhere, and
        that is no difference: sets are compared at one hour (seed 188).
        """
        hour = bundle.hour_of(self.world.now)
        held = [camp.store.live_bundles() for camp in self.world.camps.values()]
        return {
            tuple(sorted(each.id for each in one if is_alive(each.hour, each.class_, hour))) for one in held
        }

    # -- what happens -----------------------------------------------------------------------------

    def _plan(self) -> None:
        for n in range(self.posts):
            self._at(self._post, self.random.choice(self.names), f"{n} {self._words(14)}", Kind.POST)
        for n in range(self.long_posts):
            self._at(self._post, self.random.choice(self.names), f"long {n} {self._words(160)}", Kind.POST)
        for n in range(self.mic_checks):
            self._at(self._post, self.random.choice(self.names), f"mic check {n}", Kind.MIC_CHECK)
        for _ in range(self.cuts):
            one, other = self.random.sample(self.names, 2)
            start = self._at(self.world.cut, one, other)
            self.world.at(start + self.random.uniform(60, 1_200), partial(self.world.heal, one, other))
        for _ in range(self.restarts):
            self._at(self.world.restart, self.random.choice(self.names))
        for _ in range(self.later_versions):
            self._at(self._speak_of_the_future, self.random.choice(self.names))
        if self.attacker is not None:
            attack = ALL_ATTACKS[str(self.attack)]
            say = attack.prepare(self.attacker)
            self.attacker.every(attack.every_s, START_S + 60, START_S + self.span_s, say)

    def _at(self, action, *arguments) -> float:
        when = START_S + self.random.uniform(0, self.span_s)
        self.world.at(when, lambda: action(*arguments))
        return when

    def _words(self, count: int) -> str:
        return " ".join(self.random.choice(WORDS) for _ in range(count))

    def _post(self, name: str, text: str, kind: Kind) -> None:
        camp = self.world.camps[name]
        second = int(self.world.now + camp.clock_offset_s)
        post = compose(Message(kind, max(second, bundle.EPOCH_S)), text)
        message_id = self.world.publish(name, post)
        self.said[message_id] = (name, text)
        self.said_at[message_id] = self.world.now
        if kind == Kind.MIC_CHECK:
            self.alerts.append(message_id)

    def _speak_of_the_future(self, name: str) -> None:
        """A bundle of a later version: an unknown kind, an unknown codec, fields behind the known ones."""
        camp = self.world.camps[name]
        later = [cbor.encode([77, 1, b"\x09?"]), cbor.encode([0, 2, b"\x63 codec", 0, "", 0, b"", b"", [1]])]
        sealed = bundle.seal(camp.identity, bundle.hour_of(self.world.now), BundleClass.POST, later)
        self.world._turn(
            camp, lambda engine: engine.import_bundle(sealed.wire, camp.identity.key, self.world.now)
        )

    def _note(self, name: str, event) -> None:
        if isinstance(event, MessageArrived):
            self.arrived[name, event.message] += 1
            self.last_arrival[event.message] = self.world.now

    def delays(self) -> dict[bytes, float]:
        """Seconds until the last camp had it, by message."""
        return {
            id_: self.last_arrival[id_] - at for id_, at in self.said_at.items() if id_ in self.last_arrival
        }

    # -- what must hold ---------------------------------------------------------------------------

    def boards(self) -> dict[str, Counter[str]]:
        """What each camp shows."""
        query = "SELECT text FROM messages WHERE shown = 1 AND kind IN (0, 1)"
        return {
            name: Counter(text for (text,) in camp.store.connection.execute(query))
            for name, camp in self.world.camps.items()
        }

    def check(self) -> None:
        """All that must hold whatever the weather."""
        said = Counter(text for _, text in self.said.values())
        for name, board in self.boards().items():
            assert not board - said, f"{name} shows what nobody said"
            assert max(board.values(), default=0) <= 1, f"{name} shows something twice"
            assert not said - board, f"{name} lacks {len(said - board)} of {len(said)}"
        assert len(self.live_sets()) == 1, "not level"
        for name in self.names:
            busiest_ms = self.world.ledger.busiest_hour_ms(name)
            assert busiest_ms <= self.duty_cycle * 3_600_000, f"{name} sent too much"
        assert not [key for key, times in self.arrived.items() if times > 1], "told twice"
        for name, camp in self.world.camps.items():
            assert camp.engine is not None
            assert len(camp.engine._gate._held) <= 64, name


def identity(name: str) -> Identity:
    """A key nobody in the storm has."""
    return Identity(message.identify(b"k" * 32, name.encode()) * 2)
