"""A flood of damaged frames through the real engine: each refused, quickly, for a reason, with flat memory.

The frames come over a broadcast link, where anybody may send: there signature checks are rationed
(PROTOCOL.md §7), and engine time passes as if the flood came at the rate that must be refused, so two hundred
signatures a second are checked and the other mutants that get so far are refused without. A smaller part
comes by cable, where nobody who did not prove the network word can send and every signature is checked; its
rate is only shown.

Nothing here waits for a disk, so the rate is that of the work: on a machine that others use too, the clock on
the wall would measure them. It stands beside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median

from node.bench.figures import Bound, Figure
from node.bench.samples import bundle_frame, cable, camps, posts, radio
from node.clock import monotonic_s, processor_s
from node.pump import GROUP_MAX
from sync import frames
from sync.bundle import MASK_ALL, BundleId, hour_of
from sync.engine import Engine
from sync.events import FrameRefused
from sync.frames import AskFrame, AskKeysFrame, BundleFrame, GotFrame, KeysFrame
from sync.level_frames import (
    STRATA_BYTES,
    Request,
    ShortIdsFrame,
    SketchesFrame,
    StrataFrame,
    Terms,
    TermsFrame,
    WantsFrame,
)
from sync.levelling import LAST_SHORT
from sync.link import LinkProfile
from sync.signing import Identity
from sync.sketch import Salt
from sync.store import Store

REFUSED = 1_000_000
REFUSED_BY_CABLE = 30_000
RATE_MIN = 20_000.0
# Mutants are made in batches of this many while nobody looks at the clock.
BATCH = 10_000
# Python's arenas and SQLite's pages reach their size in the first part; growth counts from there on.
WARM_SHARE = 0.1
GROWTH_MAX = 1.05
CAMPS = 8
LINK = "flood"

Progress = Callable[[int, int], None]
MemoryBytes = Callable[[], int]


@dataclass(slots=True)
class Flood:
    """What became of the mutants."""

    refused: int = 0
    taken: int = 0  # still frames: a hint changed into another hint, a bundle under another sender's bytes
    reasons: Counter[str] = field(default_factory=Counter)
    escaped: Counter[str] = field(default_factory=Counter)  # exceptions that left the engine, by class
    rates: list[float] = field(default_factory=list)  # refused a second of work, batch by batch
    wall_rates: list[float] = field(default_factory=list)  # the same by the clock on the wall
    memory_bytes: list[int] = field(default_factory=list)
    got_in: int = 0  # bundles stored that were not there before

    @property
    def rate(self) -> float:
        """Mutants refused in a second of processor time: the median of the batches."""
        return median(self.rates)

    def growth(self) -> float:
        """Memory at the end to memory after the first part."""
        return self.memory_bytes[-1] / self.memory_bytes[int(len(self.memory_bytes) * WARM_SHARE)]


class Target:
    """A camp that knows eight others and holds what they said, and the frames it heard."""

    def __init__(self, texts: Sequence[str], random: Random, wall_s: float) -> None:
        me, *others = camps(CAMPS + 1, random)
        self._store = Store.open(None, me.key)
        self._engine = Engine(me, self._store, random)
        self._now = wall_s
        stock = posts(texts, wall_s)
        sizes = [1, 1, 2, 4, 8]
        whole = [
            bundle_frame(camp, [next(stock) for _ in range(n)], wall_s) for camp in others for n in sizes
        ]
        self.link(cable("before", others[0].key))
        self._give(whole)
        # Two camps nobody knows: their bundles come without a key.
        strangers = camps(2, random)
        heard = [bundle_frame(camp, [next(stock)], wall_s) for camp in strangers for _ in range(4)]
        self._held = self._ids()
        self.frames = [*whole, *_without_keys(whole + heard, me), *_control(self._held, others, wall_s)]

    def link(self, profile: LinkProfile) -> None:
        """Hear on this link from now on."""
        self._engine.add_link(profile, self._now)
        self._link = profile.name

    def meet(self, mutants: Sequence[bytes], flood: Flood, step_s: float) -> None:
        """Take mutants as the pump does, in groups; `step_s` of engine time passes at each."""
        begun_s, started = processor_s(), monotonic_s()
        refused = flood.refused
        for start in range(0, len(mutants), GROUP_MAX):
            with self._store.transaction():
                for mutant in mutants[start : start + GROUP_MAX]:
                    self._now += step_s
                    try:
                        self._engine.receive_frame(mutant, self._link, self._now)
                    except Exception as fault:  # noqa: BLE001 - that there is none is what is measured
                        flood.escaped[type(fault).__name__] += 1
                self._engine.frames_to_send(self._link, self._now, float("inf"))
            self._note_events(flood)
        count = flood.refused - refused
        flood.rates.append(count / (processor_s() - begun_s))
        flood.wall_rates.append(count / (monotonic_s() - started))
        flood.taken += len(mutants) - count

    def count_new(self) -> int:
        """Bundles here that were not before the flood."""
        return len(self._ids() - self._held)

    def close(self) -> None:
        """Forget it all."""
        self._store.close()

    def _note_events(self, flood: Flood) -> None:
        while (event := self._engine.next_event()) is not None:
            if isinstance(event, FrameRefused):
                flood.refused += 1
                flood.reasons[event.reason.value] += 1

    def _give(self, whole: Sequence[bytes]) -> None:
        with self._store.transaction():
            for frame in whole:
                self._engine.receive_frame(frame, self._link, self._now)
        while self._engine.next_event() is not None:
            pass

    def _ids(self) -> set[BundleId]:
        return {live.id for live in (*self._store.live_bundles(), *self._store.dormant_bundles())}


def measure(
    texts: Sequence[str],
    random: Random,
    wall_s: float,
    memory: MemoryBytes,
    progress: Progress,
    refused: int = REFUSED,
    by_cable: int = REFUSED_BY_CABLE,
) -> list[Figure]:
    """Refuse `refused` mutants by radio and `by_cable` more by cable; `memory` says our resident bytes."""
    air = storm(texts, radio(LINK), refused, random, wall_s, memory, progress)
    peer = camps(1, random)[0].key
    wire = storm(texts, cable(LINK, peer), by_cable, random, wall_s, memory, progress)
    seen = f"{air.refused:,} refused"
    return [
        Figure(
            "mutants_refused_per_s",
            f"damaged frames refused in a second of one core's time, by radio ({seen})",
            air.rate,
            "/s",
            Bound.AT_LEAST,
            RATE_MIN,
        ),
        Figure("mutants_wall_per_s", "the same by the clock", median(air.wall_rates), "/s"),
        Figure("mutants_refused", "damaged frames refused", air.refused, "", Bound.AT_LEAST, refused),
        Figure(
            "mutants_other_exceptions",
            "exceptions that left the engine",
            air.escaped.total() + wire.escaped.total(),
            "",
            limit=0,
        ),
        Figure("mutants_got_in", "bundles stored because of them", air.got_in + wire.got_in, "", limit=0),
        Figure(
            "mutants_memory_growth", "resident memory, end to beginning", air.growth(), "", limit=GROWTH_MAX
        ),
        Figure("mutants_memory_mb", "resident memory at the end", air.memory_bytes[-1] / 1e6, "MB"),
        Figure("mutants_by_cable_per_s", "refused by cable, every signature checked", wire.rate, "/s"),
        Figure("mutants_still_frames", "by radio, still frames that say no more", air.taken, "", detail=True),
        *(
            Figure(f"mutants_refused_{reason}", f"refused by radio for: {reason}", n, "", detail=True)
            for reason, n in air.reasons.most_common()
        ),
    ]


def storm(
    texts: Sequence[str],
    profile: LinkProfile,
    refused: int,
    random: Random,
    wall_s: float,
    memory: MemoryBytes,
    progress: Progress,
) -> Flood:
    """Send mutants over a link until `refused` of them were refused."""
    target = Target(texts, random, wall_s)
    target.link(profile)
    known = frozenset(target.frames)
    flood = Flood()
    while flood.refused < refused:
        batch = min(BATCH, max(100, refused - flood.refused))
        mutants = (mutate(target.frames, random) for _ in range(batch))
        target.meet([each for each in mutants if each not in known], flood, 1 / RATE_MIN)
        flood.memory_bytes.append(memory())
        progress(min(flood.refused, refused), refused)
    flood.got_in = target.count_new()
    target.close()
    return flood


def mutate(whole: Sequence[bytes], random: Random) -> bytes:
    """One frame of these, damaged as radios and attackers damage them."""
    frame = bytearray(random.choice(whole))
    at = random.randrange(len(frame))
    match random.randrange(6):
        case 0 | 1:  # up to three bits fall over
            for _ in range(random.randint(1, 3)):
                frame[random.randrange(len(frame))] ^= 1 << random.randrange(8)
        case 2:  # the end is lost
            del frame[at:]
        case 3:  # two frames run into each other
            other = random.choice(whole)
            frame[at:] = other[random.randrange(len(other)) :]
        case 4:  # bytes are added
            frame[at:at] = random.randbytes(random.randint(1, 8))
        case _:  # bytes are lost, or others stand in their place
            width = random.randint(1, 8)
            frame[at : at + width] = random.randbytes(random.choice((0, width)))
    return bytes(frame)


def _without_keys(whole: Sequence[bytes], me: Identity) -> list[bytes]:
    decoded = [frames.decode(each, me.network)[1] for each in whole]
    wires = [frame.wire for frame in decoded if isinstance(frame, BundleFrame)]
    return [frames.encode(BundleFrame(wire), me.network, me.author) for wire in wires]


def _control(held: set[BundleId], others: Sequence[Identity], wall_s: float) -> list[bytes]:
    """One frame of each of the other types."""
    ids = tuple(sorted(held))
    hour = hour_of(wall_s)
    terms, salt = Terms(hour, 0, MASK_ALL), Salt(bytes(4), hour, others[0].author[:4])
    control = (
        StrataFrame(salt, terms, len(ids), bytes(STRATA_BYTES)),
        SketchesFrame(salt, (2, 3), (bytes(64), bytes(64))),
        ShortIdsFrame(salt, 0, LAST_SHORT, b"".join(salt.short_ids(ids)), terms),
        WantsFrame(salt, 1, False, (Request(2, bytes(8)),), bytes(8), (2,), (3,), bytes(4)),
        TermsFrame(salt, terms),
        AskFrame(ids[:4]),
        GotFrame(ids[:4]),
        AskKeysFrame(tuple(camp.author for camp in others)),
        KeysFrame(tuple(camp.key for camp in others)),
    )
    camp = others[0]
    return [frames.encode(frame, camp.network, camp.author) for frame in control]
