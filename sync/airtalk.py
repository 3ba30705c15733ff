"""What a camp says on a broadcast link beside its bundles: beacons, and the repair they lead to.

Everybody in earshot hears everything, so one beacon serves all, one answer serves all who asked, and
who hears another say it keeps silent (PROTOCOL.md §15). None of these frames is signed. What they make
us send is therefore bounded: it is paid from a bucket, at most 64 bundles an hour go to a camp that did not
sign a JOIN, and decoding has a share of the CPU.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol, TypeVar

from sync.air_frames import (
    SYMBOL_BYTES_MAX,
    AirFrame,
    BeaconFrame,
    JoinFrame,
    NeedFrame,
    SketchFrame,
    SymbolFrame,
    WantFrame,
)
from sync.blocks import Blocks, parity_index
from sync.bundle import MASK_RADIO, BundleClass, BundleId
from sync.coding import Shape, shape_of, symbol
from sync.earshot import Earshot
from sync.frames import RADIO_FRAME_BYTES_MAX, SENDER_BYTES, AskKeysFrame, Frame, KeysFrame
from sync.live import LiveBundle
from sync.neighbours import Neighbour
from sync.relays import FLIGHT_FRAMES, Relays
from sync.sketch import (
    BEACON_SYNDROMES,
    NONCE_BYTES,
    PART_MAX,
    SALT_SENDER_BYTES,
    SKETCH_SYNDROMES,
    WHOLE,
    Difference,
    Salt,
    SaltedSet,
    halves_of,
    xor,
)
from sync.trickle import Trickle

# What a repair is said to cost silence: no beacon so soon after one, and no sketch (seven camps level 200
# differences with 514 frames so, with 2,336 otherwise: prototype of the design).
BEACON_LOCK_S = 20.0
SKETCH_LOCK_S = 30.0
DEFERRED_MAX = 4
# Half of what we may send is for others' requests, and two minutes of it at a time.
REPLY_SHARE = 0.5
REPLY_BURST_MS = 120_000.0
# Bundles an hour for a camp that did not sign for more: one bad hour of the air, not a whole live set.
GIVEN_PER_HOUR_MAX = 64
GIVEN_CAMPS_MAX = 256
HOUR_S = 3_600.0
# Comparisons a second: 3,000 bundles cost 5 ms each, so ten are a twentieth of a core.
COMPARISONS_PER_S = 10.0
# Salts, sketches and requests remembered: those of the last minutes of a crowded channel.
SALTS_MAX = 4
SKETCHES_MAX = 32
INTENTIONS_MAX = 256
ANSWERS_MAX = 4_096
# A block that lacks symbols waits for them so long before it asks: relays may still bring them.
NEED_FRAMES = 20.0
# In how many frame times the hearers of a beacon spread their answers: seven of them, and the first one
# silences the rest.
OFFER_FRAMES = 20.0
# A camp without a clock stands still at the last hour it heard of (PROTOCOL.md §6.2), and needs repair most.
# Farther apart nothing is alive for both.
HOURS_APART_MAX = 72
# So few may be under way still, relay by relay: wait for them before asking. More are a gap.
UNDER_WAY_MAX = 4
# A request without its coefficients.
WANT_BYTES = 17
# A request that brought nothing is said again twice.
WANT_TRIES = 3
KEY_TRIES = 3
# Keys of one author id that fit a small frame; more than one is somebody's costly joke.
KEYS_SAID_MAX = 4


_K = TypeVar("_K")
_V = TypeVar("_V")


class Host(Protocol):
    """The engine, as far as the talk needs it."""

    def live_at(self, hour: int, mask: int) -> list[LiveBundle]:
        """Live bundles that are alive at this hour, of these classes."""

    def ghost_ids(self) -> Iterable[BundleId]:
        """Bundles that were refused here."""

    def wire_of(self, bundle_id: BundleId) -> bytes | None:
        """The bytes of a stored bundle."""

    def with_prefix(self, prefix: bytes) -> LiveBundle | None:
        """A live bundle whose id begins so."""

    def take_wire(self, wire: bytes, generation: bytes, now: float) -> bool:
        """Take a bundle that was built from symbols in; whether it is the one it claims to be."""

    def admits_join(self, frame: JoinFrame) -> bool:
        """Whether an admitted camp with a key we know signed this."""

    def keys_of(self, author: bytes) -> tuple[bytes, ...]:
        """Known keys of an author."""

    def lacks_key(self, author: bytes) -> bool:
        """Whether bundles of this author still wait for a key."""

    def sign_join(self, asked: bytes, hour: int) -> bytes:
        """Our signature of a JOIN."""


@dataclass(frozen=True, slots=True)
class _SayWant:
    """A request for what a comparison showed to be lacking, reckoned anew when it is said."""

    salt: Salt
    part: int
    mask: int
    told: bytes  # the syndromes of the other; empty: ask for more of them
    tries: int

    def asks_like(self, frame: WantFrame) -> bool:
        """Whether an answer to this frame answers us too."""
        return (self.salt, self.part, bool(self.told)) == (frame.salt, frame.part, bool(frame.want))


@dataclass(frozen=True, slots=True)
class _SaySketch:
    salt: Salt
    part: int


@dataclass(frozen=True, slots=True)
class _SayJoin:
    asked: bytes


@dataclass(frozen=True, slots=True)
class _SaySymbols:
    generation: bytes
    missing: int


@dataclass(frozen=True, slots=True)
class _AskKey:
    author: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class _SayKey:
    author: bytes


_Intention = _SayWant | _SaySketch | _SayJoin | _SaySymbols | _AskKey | _SayKey


class _Bucket:
    """Something that refills with time."""

    def __init__(self, per_s: float, most: float, now: float) -> None:
        self._per_s, self._most, self._left, self._at = per_s, most, most, now

    def take(self, amount: float, now: float) -> bool:
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._per_s)
        self._at = now
        if self._left < amount:
            return False
        self._left -= amount
        return True

    def ready_at(self, amount: float) -> float:
        return self._at + max(0.0, amount - self._left) / self._per_s


class AirTalk:
    """One camp on one broadcast link. Times are engine time; `hour` is E, None without a clock."""

    def __init__(
        self, host: Host, neighbour: Neighbour, author: bytes, mask: int, random: Random, now: float
    ) -> None:
        link = neighbour.profile
        self._host = host
        self._author = author
        self._me = author[:SALT_SENDER_BYTES]
        self._mask = mask & MASK_RADIO
        self._link = link
        self._random = random
        # The air's own measure of time: what one full frame takes.
        self._frame_s = link.airtime_ms(link.mtu) / 1_000
        self.earshot = Earshot(author[:SENDER_BYTES])
        self.relays = Relays(neighbour.outgoing, self.earshot, random, self._frame_s, now)
        self._trickle = Trickle(random, now)
        self._blocks = Blocks(random, NEED_FRAMES * self._frame_s)
        self._replies = _Bucket(1_000 * link.duty_cycle * REPLY_SHARE, REPLY_BURST_MS, now)
        self._comparisons = _Bucket(COMPARISONS_PER_S, COMPARISONS_PER_S, now)
        self._intentions: list[tuple[float, int, _Intention]] = []
        self._count = itertools.count()
        self._answers: OrderedDict[BundleId, tuple[float, BundleClass]] = OrderedDict()
        # What our own beacons said: the parts of one sketch must be of one set.
        self._own: OrderedDict[Salt, tuple[SaltedSet, set[int]]] = OrderedDict()
        self._sketches: OrderedDict[tuple[Salt, int], bytes] = OrderedDict()
        self._given: OrderedDict[bytes, tuple[float, int]] = OrderedDict()
        self._joined: OrderedDict[bytes, float] = OrderedDict()
        self._wants: OrderedDict[tuple[Salt, int, bytes], None] = OrderedDict()
        self._join_at = float("-inf")
        self._symbols: list[SymbolFrame] = []
        self._heard_indices: OrderedDict[bytes, set[int]] = OrderedDict()
        self._repair_at = float("-inf")
        self._deferred = 0

    # -- what we hear -----------------------------------------------------------------------------

    def hear(self, frame: AirFrame, sender: bytes, hour: int | None, now: float) -> None:
        """Take a frame of the air; `sender` is the two bytes of its head."""
        match frame:
            case BeaconFrame():
                self.earshot.told(sender, frame.hears)
                if self._is_comparable(frame.salt, frame.mask, hour, now):
                    self._compare_beacon(frame, hour, now)
            case SketchFrame():
                if self._is_comparable(frame.salt, frame.mask, hour, now):
                    self._compare_sketch(frame, now)
            case WantFrame():
                self._hear_want(frame, sender, hour, now)
            case NeedFrame():
                self._hear_need(frame, now)
            case SymbolFrame():
                self._hear_symbol(frame, sender, now)
            case JoinFrame():
                near = hour is None or abs(frame.hour - hour) <= 1
                if frame.asked == self._me and near and self._host.admits_join(frame):
                    _remember(self._joined, sender, now + HOUR_S, GIVEN_CAMPS_MAX)

    def heard_bundle(self, bundle_id: BundleId, now: float) -> None:
        """Somebody sent this bundle: whoever asked for it heard it too."""
        if self._answers.pop(bundle_id, None) is not None:
            self._repair_at = now
        self._blocks.drop(bundle_id[:8])

    def sent(self, bundle_id: BundleId, now: float) -> None:
        """It was handed to the radio, for whatever reason."""
        self._answers.pop(bundle_id, None)
        self.relays.sent(bundle_id, now)

    def lack_key(self, author: bytes, now: float) -> None:
        """A bundle of an author whose key we do not know is held here."""
        if not any(isinstance(each, _AskKey) and each.author == author for _, _, each in self._intentions):
            self._intend(_AskKey(author, KEY_TRIES), now + self._random.uniform(4, 12) * self._frame_s)

    def hear_asked_keys(self, authors: Iterable[bytes], now: float) -> None:
        """Somebody lacks keys: the answer may serve us too, or we owe it."""
        for author in authors:
            self._delay_key_request(author, now)
            if self._host.keys_of(author):
                self._intend(_SayKey(author), now + self._random.uniform(0, 10) * self._frame_s)

    def hear_key(self, author: bytes) -> None:
        """Somebody sent this author's key; whoever asked has it now."""
        self._forget(lambda each: isinstance(each, _SayKey) and each.author == author)

    def _delay_key_request(self, author: bytes, now: float) -> None:
        for at, (_, count, each) in enumerate(self._intentions):
            if isinstance(each, _AskKey) and each.author == author:
                self._intentions[at] = (now + self._answer_s(), count, each)
        heapq.heapify(self._intentions)

    def news(self, now: float) -> None:
        """There is a new bundle here; soon we shall want to know who missed it."""
        self._trickle.differ(now)

    def repeat(self, bundle_id: BundleId, not_before: float) -> None:
        """Send a mic check once more, whatever beacons say."""
        self._answers[bundle_id] = (not_before, BundleClass.ALERT)

    def _is_comparable(self, salt: Salt, mask: int, hour: int | None, now: float) -> bool:
        if salt.sender == self._me or not mask & self._mask:
            return False
        if hour is not None and abs(salt.hour - hour) > HOURS_APART_MAX:
            return False
        return self._comparisons.take(1.0, now)

    def _compare_beacon(self, frame: BeaconFrame, hour: int | None, now: float) -> None:
        salt, mask = frame.salt, frame.mask
        mine = self._salted(salt, mask)
        difference = self._difference(mine, frame.syndromes, WHOLE)
        if difference is not None:
            # Whoever heard it too needs no beacon of ours, whether we agree or mend what differs. A forged
            # beacon of few classes or of another day must not keep us silent (PROTOCOL.md §15.2).
            if mask & self._mask == self._mask and (hour is None or abs(salt.hour - hour) <= 1):
                self._trickle.agree(salt.sender[:SENDER_BYTES])
            self.relays.knows(salt.sender[:SENDER_BYTES], difference.mine)
            if not difference.mine and not difference.want:
                return
        self._trickle.differ(now)
        if difference is not None:
            self._settle(difference, _SayWant(salt, WHOLE, mask, frame.syndromes, WANT_TRIES), now)
            return
        if frame.count - len(mine) > GIVEN_PER_HOUR_MAX and now - self._join_at > HOUR_S:
            self._join_at = now
            self._intend(_SayJoin(salt.sender), now + self._random.uniform(0, self._frame_s))
        self._ask_for_more(salt, WHOLE, now)

    def _compare_sketch(self, frame: SketchFrame, now: float) -> None:
        self._repair_at = now
        salt, part = frame.salt, frame.part
        self._forget(lambda each: isinstance(each, _SayWant) and each.asks_like(WantFrame(salt, b"", part)))
        mine = self._salted(salt, frame.mask)
        _remember(self._sketches, (salt, part), frame.syndromes, SKETCHES_MAX)
        told = [(part, frame.syndromes)]
        above = self._sketches.get((salt, part // 2))
        if part > WHOLE and above is not None:
            length = min(len(above), len(frame.syndromes))
            told.append((part ^ 1, xor(above[:length], frame.syndromes[:length])))
            _remember(self._sketches, (salt, part ^ 1), told[1][1], SKETCHES_MAX)
        for each, syndromes in told:
            difference = self._difference(mine, syndromes, each)
            if difference is None:
                self._ask_for_more(salt, each, now)
            else:
                self._settle(difference, _SayWant(salt, each, frame.mask, syndromes, WANT_TRIES), now)

    def _difference(self, mine: SaltedSet, syndromes: bytes, part: int) -> Difference | None:
        ghosts = list(self._host.ghost_ids())
        return mine.difference(syndromes, part, SaltedSet(ghosts, mine.salt) if ghosts else None)

    def _salted(self, salt: Salt, mask: int) -> SaltedSet:
        return SaltedSet((live.id for live in self._host.live_at(salt.hour, mask & self._mask)), salt)

    def _settle(self, difference: Difference, want: _SayWant, now: float) -> None:
        """Offer what the other lacks, ask for what we lack; what may still be under way is waited for."""
        for bundle_id in difference.mine:
            if not self.relays.is_pending(bundle_id):
                early = max(now, self.relays.settled_at(bundle_id))
                late = self._random.uniform(0, OFFER_FRAMES) * self._frame_s
                self._offer(bundle_id, want.salt.sender, early + late)
        if difference.want:
            patience = FLIGHT_FRAMES if difference.lacking <= UNDER_WAY_MAX else 0.0
            self._intend(want, now + (patience + self._random.uniform(0, 3)) * self._frame_s)

    def _ask_for_more(self, salt: Salt, part: int, now: float) -> None:
        if 2 * part + 1 > PART_MAX:
            return
        want = _SayWant(salt, part, self._mask, b"", 1)
        self._intend(want, now + self._random.uniform(0, 4 * self._frame_s))

    def _hear_want(self, frame: WantFrame, sender: bytes, hour: int | None, now: float) -> None:
        if hour is not None and abs(frame.salt.hour - hour) > HOURS_APART_MAX:
            return
        self._postpone_same(frame, now)
        if not frame.want:
            if frame.salt in self._own:
                self._intend(_SaySketch(frame.salt, frame.part), now)
            return
        self._repair_at = now
        if not self._comparisons.take(1.0, now):
            return
        addressed = frame.salt.sender == self._me
        if not addressed and not self._is_said_again(frame, sender):
            return
        first, last = (0.0, 0.5) if addressed else (3.0, OFFER_FRAMES)
        for bundle_id in self._salted(frame.salt, self._mask).matching(frame.want, frame.part):
            self._offer(bundle_id, sender, now + self._frame_s * self._random.uniform(first, last))

    def _is_said_again(self, frame: WantFrame, sender: bytes) -> bool:
        """Whose beacon it was is heard there and answers first; the others when that did not help."""
        said = (frame.salt, frame.part, sender)
        if said in self._wants:
            return True
        _remember(self._wants, said, None, SKETCHES_MAX)
        return False

    def _postpone_same(self, frame: WantFrame, now: float) -> None:
        """Somebody asked what we were about to ask: the answer serves us too."""
        for at, (_, count, intention) in enumerate(self._intentions):
            if isinstance(intention, _SayWant) and intention.asks_like(frame):
                later = replace(intention, tries=intention.tries - 1)
                self._intentions[at] = (now + self._answer_s(), count, later)
        heapq.heapify(self._intentions)

    def _answer_s(self) -> float:
        """How long an answer may take before a request is said again."""
        return self._frame_s * self._random.uniform(12, 20)

    def _hear_need(self, frame: NeedFrame, now: float) -> None:
        self._repair_at = now
        self._blocks.somebody_needs(frame, now)
        if self._host.with_prefix(frame.generation) is not None:
            intention = _SaySymbols(frame.generation, frame.missing)
            self._forget(lambda each: isinstance(each, _SaySymbols) and each.generation == frame.generation)
            self._intend(intention, now + self._random.uniform(0, OFFER_FRAMES) * self._frame_s)

    def _hear_symbol(self, frame: SymbolFrame, sender: bytes, now: float) -> None:
        self._repair_at = now
        heard = self._heard_indices.setdefault(frame.generation, set())
        self._heard_indices.move_to_end(frame.generation)
        if len(self._heard_indices) > SKETCHES_MAX:
            self._heard_indices.popitem(last=False)
        heard.add(frame.index)
        live = self._host.with_prefix(frame.generation)
        if live is not None:
            self._answers.pop(live.id, None)
            self._one_less(frame.generation)
            self.relays.heard(live.id, sender, now, 1 / frame.shape.symbols)
            return
        senders = self._blocks.take(
            frame, sender, lambda wire: self._host.take_wire(wire, frame.generation, now), now
        )
        built = self._host.with_prefix(frame.generation) if senders else None
        if built is not None:
            for camp, symbols in senders.items():
                self.relays.heard(built.id, camp, now, symbols / frame.shape.symbols)

    def _one_less(self, generation: bytes) -> None:
        """Another holder sent a symbol that we were about to make."""
        for at, (due, count, intention) in enumerate(self._intentions):
            if isinstance(intention, _SaySymbols) and intention.generation == generation:
                fewer = _SaySymbols(generation, intention.missing - 1)
                self._intentions[at] = (due, count, fewer)
        self._forget(lambda each: isinstance(each, _SaySymbols) and each.missing <= 0)

    # -- what we owe ------------------------------------------------------------------------------

    def _offer(self, bundle_id: BundleId, camp: bytes, due: float) -> None:
        """Owe a bundle, if this camp did not have too many lately."""
        if bundle_id in self._answers or len(self._answers) >= ANSWERS_MAX:
            return
        camp = camp[:2]
        since, given = self._given.get(camp, (due, 0))
        if due - since > HOUR_S:
            since, given = due, 0
        if given >= GIVEN_PER_HOUR_MAX and self._joined.get(camp, float("-inf")) < due:
            return
        _remember(self._given, camp, (since, given + 1), GIVEN_CAMPS_MAX)
        live = self._host.with_prefix(bundle_id)
        if live is not None:
            self._answers[bundle_id] = (due, live.class_)

    def _intend(self, intention: _Intention, due: float) -> None:
        if any(each == intention for _, _, each in self._intentions):
            return
        if len(self._intentions) < INTENTIONS_MAX:
            heapq.heappush(self._intentions, (due, next(self._count), intention))

    def _forget(self, is_void: Callable[[_Intention], bool]) -> None:
        self._intentions = [entry for entry in self._intentions if not is_void(entry[2])]
        heapq.heapify(self._intentions)

    # -- what we say ------------------------------------------------------------------------------

    def next_due(self, now: float) -> float:
        """When `next_frame` or `next_answer` has something; may be in the past."""
        due = min(self._trickle.next_due(), self._blocks.next_due())
        if self._symbols:
            return now
        if self._intentions:
            due = min(due, self._intentions[0][0])
        if self._answers:
            first = min(when for when, _ in self._answers.values())
            due = min(due, max(first, self._replies.ready_at(self._full_ms())))
        return due

    def next_frame(self, hour: int | None, now: float) -> AirFrame | Frame | None:
        """The control frame or symbol that is due, most useful first."""
        if self._symbols:
            return self._symbols.pop(0)
        need = self._blocks.need(now)
        if need is not None:
            self._repair_at = now
            return need
        while self._intentions and self._intentions[0][0] <= now:
            frame = self._carry_out(heapq.heappop(self._intentions)[2], hour, now)
            if frame is not None:
                return frame
        if hour is not None and self._trickle.next_due() <= now:
            return self._beacon(hour, now)
        return None

    def next_answer(self, now: float, alerts_only: bool = False) -> BundleId | None:
        """A bundle that is owed and due; paid for by the reply bucket, alerts excepted."""
        due = [(class_, when, id_) for id_, (when, class_) in self._answers.items() if when <= now]
        if alerts_only:
            due = [each for each in due if each[0] == BundleClass.ALERT]
        if not due:
            return None
        class_, _, bundle_id = min(due)
        if class_ != BundleClass.ALERT and not self._replies.take(self._full_ms(), now):
            return None
        del self._answers[bundle_id]
        self._repair_at = now
        return bundle_id

    def cut(self, bundle_id: BundleId, wire: bytes, shape: Shape) -> None:
        """Send this bundle as a block: its own pieces first, later ones that nobody was heard to send."""
        generation = bundle_id[:8]
        heard = self._heard_indices.setdefault(generation, set())
        was_said = bool(heard)
        for piece in range(shape.symbols):
            index = parity_index(self._random, shape, heard) if was_said else piece
            heard.add(index)
            self._symbols.append(SymbolFrame(generation, shape, index, symbol(wire, shape, index)))

    def _carry_out(self, intention: _Intention, hour: int | None, now: float) -> AirFrame | Frame | None:
        match intention:
            case _SayWant():
                return self._say_want(intention, now)
            case _SaySketch(salt, part):
                return self._say_sketch(salt, part, now)
            case _SayJoin(asked):
                if hour is None:
                    return None
                return JoinFrame(self._author, asked, hour, self._host.sign_join(asked, hour))
            case _AskKey(author, tries):
                return self._ask_key(author, tries, now)
            case _SayKey(author):
                if not self._replies.take(self._full_ms(), now):
                    return None
                return KeysFrame(self._host.keys_of(author)[:KEYS_SAID_MAX])
            case _SaySymbols(generation, missing):
                self._say_symbols(generation, missing, now)
                return self._symbols.pop(0) if self._symbols else None

    def _ask_key(self, author: bytes, tries: int, now: float) -> AskKeysFrame | None:
        if not self._host.lacks_key(author):
            return None
        if tries > 1:
            self._intend(_AskKey(author, tries - 1), now + self._answer_s())
        return AskKeysFrame((author,))

    def _say_want(self, want: _SayWant, now: float) -> WantFrame | None:
        if want.tries <= 0:
            return None
        polynomial = b""
        if want.told:
            still = self._difference(self._salted(want.salt, want.mask), want.told, want.part)
            if still is None or not still.want:
                return None
            polynomial = still.want
        frame = WantFrame(want.salt, polynomial, want.part)
        # A forged beacon makes a request of ours like any other: it is paid for like an answer.
        if not self._replies.take(self._link.airtime_ms(WANT_BYTES + len(polynomial)), now):
            return None
        if want.told:
            self._repair_at = now
        if want.tries > 1:
            self._intend(replace(want, tries=want.tries - 1), now + self._answer_s())
        return frame

    def _say_sketch(self, salt: Salt, part: int, now: float) -> SketchFrame | None:
        if salt not in self._own:
            return None
        mine, said = self._own[salt]
        if now - self._repair_at < SKETCH_LOCK_S and part == WHOLE and self._deferred < DEFERRED_MAX:
            self._deferred += 1
            self._intend(_SaySketch(salt, part), self._repair_at + SKETCH_LOCK_S)
            return None
        self._deferred = 0
        if part in said:
            if 2 * part + 1 > PART_MAX:
                return None
            part = halves_of(part)[0]
        if part in said or not self._replies.take(self._full_ms(), now):
            return None
        said.add(part)
        return SketchFrame(salt, self._mask, mine.count(part), part, mine.sketch(SKETCH_SYNDROMES, part))

    def _say_symbols(self, generation: bytes, missing: int, now: float) -> None:
        live = self._host.with_prefix(generation)
        wire = self._host.wire_of(live.id) if live is not None else None
        if wire is None or not self._replies.take(missing * self._full_ms(), now):
            return
        shape = self._shape(len(wire))
        heard = self._heard_indices.setdefault(generation, set())
        for _ in range(missing):
            index = parity_index(self._random, shape, heard)
            heard.add(index)
            self._symbols.append(SymbolFrame(generation, shape, index, symbol(wire, shape, index)))
        self._repair_at = now

    def _beacon(self, hour: int, now: float) -> BeaconFrame | None:
        if now - self._repair_at < BEACON_LOCK_S and self._deferred < DEFERRED_MAX:
            self._deferred += 1
            self._trickle.defer(self._repair_at + BEACON_LOCK_S)
            return None
        self._deferred = 0
        if not self._trickle.fire(now, self.earshot.dependents(now)):
            return None
        salt = Salt(self._random.randbytes(NONCE_BYTES), hour, self._me)
        mine = self._salted(salt, self._mask)
        _remember(self._own, salt, (mine, set()), SALTS_MAX)
        sketch = mine.sketch(BEACON_SYNDROMES)
        return BeaconFrame(salt, self._mask, min(len(mine), 0xFFFF), sketch, self.earshot.named(now))

    def _shape(self, length: int) -> Shape:
        return shape_of(length, symbol_bytes_max(self._link.mtu))

    def _full_ms(self) -> float:
        return self._link.airtime_ms(self._link.mtu)


def symbol_bytes_max(mtu: int) -> int:
    """What of a bundle fits a SYMBOL on a link."""
    return SYMBOL_BYTES_MAX - max(0, RADIO_FRAME_BYTES_MAX - mtu)


def _remember(memory: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    """Note something; beyond `most` the oldest goes."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)
