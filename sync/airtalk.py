"""What a camp says on a broadcast link beside its bundles: beacons, and the repair they lead to.

Everybody in earshot hears everything, so one beacon serves all, one answer serves all who asked, and
who hears another say it keeps silent (PROTOCOL.md §15). Here its parts meet: who asks (`asking`), what is
owed (`owing`) and sent as parcels (`parcelpost`), what is half built (`blocks`), what waits to be said
(`intentions`). None of these frames is signed. What they make us send is therefore bounded: it is paid from a
purse, at most 64 bundles an hour go to a camp that did not sign a JOIN, and decoding has a share of the CPU.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Protocol, TypeVar

from sync.air_frames import (
    GENERATION_BYTES,
    SYMBOL_BYTES_MAX,
    AirFrame,
    AnswerFrame,
    BeaconFrame,
    JoinFrame,
    NeedFrame,
    ParcelFrame,
    SketchFrame,
    SymbolFrame,
    WantFrame,
)
from sync.asking import Asking, Pace
from sync.blocks import Blocks, Patience, parity_index
from sync.bundle import MASK_RADIO, BundleClass, BundleId
from sync.coding import Shape, shape_of, symbol
from sync.earshot import Earshot
from sync.frames import RADIO_FRAME_BYTES_MAX, SENDER_BYTES, AskKeysFrame, Frame, KeysFrame
from sync.intentions import AskKey, Intention, Intentions, SayKey, SaySketch, SaySymbols, SayWant
from sync.live import LiveBundle
from sync.neighbours import Neighbour
from sync.owing import Given, Shelf
from sync.parcelpost import OTHER_PARITY_FRAMES, OWN_PARITY_FRAMES, ParcelPost
from sync.purse import Purse
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
# differences with 514 frames so, with 2,336 otherwise: prototype of the design). Who is owed something, or
# owes, has no more to learn from a beacon until a purse is a third full again.
BEACON_LOCK_S = 20.0
SKETCH_LOCK_S = 30.0
LOCK_OF_FILLING = 1 / 3
DEFERRED_MAX = 4
# Half of what we may send is for others' requests. At a time: a parcel of 24 symbols on LongFast and what
# goes with it, where a twentieth of the hour is ours; a shorter one where it is less, but never less than one
# of three symbols.
REPLY_SHARE = 0.5
REPLY_BURST_MS = 75_000.0
REPLY_BURST_OF_DUTY_MS = 1_500_000.0
REPLY_FRAMES_LEAST = 4
# Fewer bundles than these are answered one by one: a parcel saves nothing.
PARCEL_LEAST = 3
# Half-way between a camp that is known to hear another and one that is known not to.
HEARS_LIKELY = 0.5
# As many camps as one channel carries.
SERVED_MAX = 64
# Comparisons a second: 3,000 bundles cost 5 ms each, so ten are a twentieth of a core.
COMPARISONS_PER_S = 10.0
# Salts, sketches and requests remembered: those of the last minutes of a crowded channel.
SALTS_MAX = 4
SKETCHES_MAX = 32
ANSWERS_MAX = 4_096
# A block that lacks symbols waits for them so long before it asks: relays may still bring them.
NEED_FRAMES = 20.0
# In how many frame times the hearers of a beacon spread their answers: seven of them, and the first one
# silences the rest.
OFFER_FRAMES = 20.0
# What is said so long after it was due waited for the channel, with everybody else; it is spread anew.
LATE_FRAMES = 4.0
SPREAD_FRAMES = 15.0
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


class Host(Shelf, Protocol):
    """The engine, as far as the talk needs it."""

    def live_at(self, hour: int, mask: int) -> list[LiveBundle]:
        """Live bundles that are alive at this hour, of these classes."""

    def ghost_ids(self) -> Iterable[BundleId]:
        """Bundles that were refused here."""

    def take_wire(self, wire: bytes, generation: bytes, now: float) -> bool:
        """Take a bundle that was built from symbols in; whether it is the one it claims to be."""

    def take_answer(self, wire: bytes, now: float) -> bool:
        """Take in one bundle that somebody asked for; whether it is new."""

    def take_key(self, key: bytes, now: float) -> None:
        """Try a key on bundles that wait for it."""

    def admits_join(self, frame: JoinFrame) -> bool:
        """Whether an admitted camp with a key we know signed this."""

    def keys_of(self, author: bytes) -> tuple[bytes, ...]:
        """Known keys of an author."""

    def lacks_key(self, author: bytes) -> bool:
        """Whether bundles of this author still wait for a key."""

    def sign_join(self, asked: bytes, hour: int) -> bytes:
        """Our signature of a JOIN."""


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
        rest_s = NEED_FRAMES * self._frame_s
        self._blocks = Blocks(random, Patience(rest_s, 0.0, 2 * rest_s))
        burst_ms = min(REPLY_BURST_MS, REPLY_BURST_OF_DUTY_MS * link.duty_cycle)
        burst_ms = max(burst_ms, REPLY_FRAMES_LEAST * self._full_ms())
        self._purse = Purse(1_000 * link.duty_cycle * REPLY_SHARE, burst_ms, now)
        self._comparisons = Purse(COMPARISONS_PER_S, COMPARISONS_PER_S, now)
        self._intentions = Intentions()
        self._given = Given()
        self._post = ParcelPost(host, host, self._given, self._purse, link, random)
        self._asking = Asking(
            random, Pace(self._frame_s, self._purse.fill_s, self._frame_s / (link.duty_cycle * REPLY_SHARE))
        )
        self._served: OrderedDict[bytes, float] = OrderedDict()  # when, by four bytes of author ids
        self._answers: OrderedDict[BundleId, tuple[float, BundleClass]] = OrderedDict()
        # What our own beacons said: the parts of one sketch must be of one set.
        self._own: OrderedDict[Salt, tuple[SaltedSet, set[int]]] = OrderedDict()
        self._sketches: OrderedDict[tuple[Salt, int], bytes] = OrderedDict()
        self._wants: OrderedDict[tuple[Salt, int, bytes], None] = OrderedDict()
        self._asked_with: Salt | None = None  # the salt of our last request
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
                    self._hear_sketch(frame, now)
            case WantFrame():
                self._hear_want(frame, sender, hour, now)
            case NeedFrame():
                self._hear_need(frame, now)
            case SymbolFrame():
                self._hear_symbol(frame, sender, now)
            case ParcelFrame():
                self._hear_parcel(frame, sender, now)
            case AnswerFrame(wire):
                self._repair_at = now
                self._host.take_answer(wire, now)
            case JoinFrame():
                near = hour is None or abs(frame.hour - hour) <= 1
                if frame.asked == self._me and near and self._host.admits_join(frame):
                    self._given.join(sender, now)

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
        if not self._intentions.any(lambda each: isinstance(each, AskKey) and each.author == author):
            self._intentions.add(AskKey(author, KEY_TRIES), now + self._random.uniform(4, 12) * self._frame_s)

    def hear_asked_keys(self, authors: Iterable[bytes], now: float) -> None:
        """Somebody lacks keys: the answer may serve us too, or we owe it."""
        for author in authors:
            self._delay_key_request(author, now)
            if self._host.keys_of(author):
                self._intentions.add(SayKey(author), now + self._random.uniform(0, 10) * self._frame_s)

    def hear_key(self, author: bytes) -> None:
        """Somebody sent this author's key; whoever asked has it now."""
        self._intentions.forget(lambda each: isinstance(each, SayKey) and each.author == author)

    def _delay_key_request(self, author: bytes, now: float) -> None:
        def later(due: float, each: Intention) -> tuple[float, Intention]:
            is_same = isinstance(each, AskKey) and each.author == author
            return (now + self._answer_s() if is_same else due), each

        self._intentions.change(later)

    def news(self, now: float) -> None:
        """There is a new bundle here; soon we shall want to know who missed it."""
        self._trickle.differ(now)

    def repaired(self, now: float) -> None:
        """A bundle came as an answer: who asked for it says a beacon when he has all he asked for."""
        if not self._asking.is_on:
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
        more = frame.count - len(mine)
        if self._is_being_mended(salt.sender, more, now):
            self._trickle.agree(salt.sender[:SENDER_BYTES])
        else:
            self._trickle.differ(now)
        if difference is not None:
            self._settle(difference, SayWant(salt, WHOLE, mask, frame.syndromes, WANT_TRIES), now)
        elif more >= 0 and not self._post.is_leaving_any:  # who holds less asks when it hears of us
            self._asking.hear_more(salt.sender, frame.count, len(mine), mask & self._mask, now)

    def _is_being_mended(self, camp: bytes, more: int, now: float) -> bool:
        """Whether what a beacon shows is known, asked for or answered already: then it is no news."""
        if more > 0:
            return self._asking.is_on
        served_at = self._served.get(camp, float("-inf"))
        return more < 0 and (self._post.is_busy or now - served_at < self._purse.fill_s)

    def _hides_from_some(self, sender: bytes, now: float) -> bool:
        """Whether somebody in our earshot does not hear this camp, and so may lack what it sent."""
        others = (camp for camp in self.earshot.camps(now) if camp != sender)
        return any(self.earshot.hears(camp, sender) < HEARS_LIKELY for camp in others)

    def _are_two(self, now: float) -> bool:
        """Whether nobody else is in earshot of whom we mend something with."""
        return self.earshot.is_pair(now)

    def _hear_sketch(self, frame: SketchFrame, now: float) -> None:
        if not frame.asked:
            self._compare_sketch(frame, now)
            return
        self._repair_at = now
        self._asking.hear_ask(frame.asked, now)
        if frame.asked != self._me:
            self._post.forgive()  # one answers, and it is not we
        elif not self._post.is_busy:
            self._answer(frame, now)

    def _answer(self, frame: SketchFrame, now: float) -> None:
        """Somebody shows us what it holds: it gets what it lacks, and is asked for what we lack."""
        mine = self._salted(frame.salt, frame.mask)
        difference = self._difference(mine, frame.syndromes, frame.part)
        if difference is None:
            difference = mine.difference_from_few(frame.syndromes, frame.part)
        if difference is None:
            self._ask_for_more(frame.salt, frame.part, now)
            return
        _remember(self._served, frame.salt.sender, now, SERVED_MAX)
        lacking = frozenset(difference.mine)
        held = [each for each in mine.ids_in(frame.part) if each not in lacking]
        self._post.owe(frame.salt.sender, difference.mine, held, frame.part == WHOLE, now)
        if difference.want:
            want = SayWant(frame.salt, frame.part, frame.mask, frame.syndromes, WANT_TRIES)
            self._intentions.add(want, now + self._frame_s)

    def _compare_sketch(self, frame: SketchFrame, now: float) -> None:
        self._repair_at = now
        salt, part = frame.salt, frame.part
        self._intentions.forget(
            lambda each: isinstance(each, SayWant) and each.asks_like(WantFrame(salt, b"", part))
        )
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
                self._settle(difference, SayWant(salt, each, frame.mask, syndromes, WANT_TRIES), now)

    def _difference(self, mine: SaltedSet, syndromes: bytes, part: int) -> Difference | None:
        ghosts = list(self._host.ghost_ids())
        return mine.difference(syndromes, part, SaltedSet(ghosts, mine.salt) if ghosts else None)

    def _salted(self, salt: Salt, mask: int) -> SaltedSet:
        return SaltedSet((live.id for live in self._host.live_at(salt.hour, mask & self._mask)), salt)

    def _settle(self, difference: Difference, want: SayWant, now: float) -> None:
        """Offer what the other lacks, ask for what we lack; what may still be under way is waited for."""
        for bundle_id in difference.mine:
            if not self.relays.is_pending(bundle_id):
                early = max(now, self.relays.settled_at(bundle_id))
                late = self._random.uniform(0, OFFER_FRAMES) * self._frame_s
                self._offer(bundle_id, want.salt.sender, early + late)
        if difference.want:
            patience = FLIGHT_FRAMES if difference.lacking <= UNDER_WAY_MAX else 0.0
            self._intentions.add(want, now + (patience + self._random.uniform(0, 3)) * self._frame_s)

    def _ask_for_more(self, salt: Salt, part: int, now: float) -> None:
        if 2 * part + 1 > PART_MAX:
            return
        want = SayWant(salt, part, self._mask, b"", 1)
        self._intentions.add(want, now + self._random.uniform(0, 4 * self._frame_s))

    def _hear_want(self, frame: WantFrame, sender: bytes, hour: int | None, now: float) -> None:
        if hour is not None and abs(frame.salt.hour - hour) > HOURS_APART_MAX:
            return
        self._postpone_same(frame, now)
        if not frame.want:
            if frame.salt == self._asked_with:
                self._asking.hear_too_little(now)
            elif frame.salt in self._own:
                self._intentions.add(SaySketch(frame.salt, frame.part), now)
            return
        self._repair_at = now
        if not self._comparisons.take(1.0, now):
            return
        addressed = frame.salt.sender == self._me
        if not addressed and not self._is_said_again(frame, sender):
            return
        mine = self._salted(frame.salt, self._mask)
        wanted = mine.matching(frame.want, frame.part)
        if addressed and len(wanted) >= PARCEL_LEAST and not self._post.is_busy:
            held = [each for each in mine.ids_in(frame.part) if each not in wanted]
            self._post.owe(sender, wanted, held, frame.part == WHOLE, now)
            return
        first, last = (0.0, 0.5) if addressed else (3.0, OFFER_FRAMES)
        for bundle_id in wanted:
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

        def later(due: float, each: Intention) -> tuple[float, Intention]:
            if isinstance(each, SayWant) and each.asks_like(frame):
                return now + self._answer_s(), replace(each, tries=each.tries - 1)
            return due, each

        self._intentions.change(later)

    def _answer_s(self) -> float:
        """How long an answer may take before a request is said again."""
        return self._frame_s * self._random.uniform(12, 20)

    def _hear_need(self, frame: NeedFrame, now: float) -> None:
        self._repair_at = now
        self._blocks.somebody_needs(frame, now)
        self._post.hear_need(frame, now)
        if self._post.is_leaving(frame.generation):
            return
        if frame.generation in self._post:
            spread = OWN_PARITY_FRAMES if self._post.is_own(frame.generation) else OTHER_PARITY_FRAMES
        elif (
            self._host.with_prefix(frame.generation) is not None and len(frame.generation) == GENERATION_BYTES
        ):
            spread = (0.0, OFFER_FRAMES)
        else:
            return
        self._intentions.forget(
            lambda each: isinstance(each, SaySymbols) and each.generation == frame.generation
        )
        intention = SaySymbols(frame.generation, frame.missing)
        self._intentions.add(intention, now + self._random.uniform(*spread) * self._frame_s)

    def _hear_parcel(self, frame: ParcelFrame, sender: bytes, now: float) -> None:
        self._repair_at = now
        is_known = frame.generation in self._post
        new = self._post.hear(frame, sender, now)
        if is_known:
            self._one_less(frame.generation)
            self._asking.hear_known(now)
        elif new is None:
            self._asking.hear_symbol(sender, frame.index >= frame.shape.symbols - 1, now)
        else:
            self._asking.whole(new, now)
            if new and self._hides_from_some(sender, now):
                self._trickle.differ(now)

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

        def fewer(due: float, each: Intention) -> tuple[float, Intention]:
            if isinstance(each, SaySymbols) and each.generation == generation:
                return due, replace(each, missing=each.missing - 1)
            return due, each

        self._intentions.change(fewer)
        self._intentions.forget(lambda each: isinstance(each, SaySymbols) and each.missing <= 0)

    # -- what we owe ------------------------------------------------------------------------------

    def _offer(self, bundle_id: BundleId, camp: bytes, due: float) -> None:
        """Owe a bundle, if this camp did not have too many lately."""
        if bundle_id in self._answers or len(self._answers) >= ANSWERS_MAX:
            return
        left = self._given.left(camp, due)
        live = self._host.with_prefix(bundle_id)
        if live is not None and (left is None or left > 0):
            self._given.give(camp, 1, due)
            self._answers[bundle_id] = (due, live.class_)

    # -- what we say ------------------------------------------------------------------------------

    def next_due(self, now: float) -> float:
        """When `next_frame` or `next_answer` has something; may be in the past."""
        if self._symbols:
            return now
        self._post.share_with(bool(self._answers))
        due = min(
            self._trickle.next_due(),
            self._blocks.next_due(),
            self._intentions.next_due(),
            self._post.next_due(now),
            self._asking.due,
        )
        if self._asking.is_on:
            due = min(due, self._post.next_need_due())
        if self._answers:
            first = min(when for when, _ in self._answers.values())
            if not self._post.is_busy:
                due = min(due, max(first, self._purse.ready_at(self._full_ms())))
        return due

    def next_frame(self, hour: int | None, now: float) -> AirFrame | Frame | None:
        """The control frame or symbol that is due, most useful first."""
        if self._symbols:
            return self._symbols.pop(0)
        need = self._next_need(now)
        if need is not None:
            self._repair_at = now
            return need
        while (waiting := self._intentions.pop_due(now)) is not None:
            due, intention = waiting
            if now - due > LATE_FRAMES * self._frame_s:
                self._intentions.add(intention, self._spread(now))
                continue
            frame = self._carry_out(intention, now)
            if frame is not None:
                return frame
        asked = self._next_ask(hour, now) if hour is not None and self._asking.due <= now else None
        if asked is not None:
            return asked
        self._post.share_with(bool(self._answers))
        parcel = self._post.next_frame(now)
        if parcel is not None:
            self._repair_at = now
            return parcel
        if hour is not None and self._trickle.next_due() <= now:
            return self._beacon(hour, now)
        return None

    def _next_need(self, now: float) -> NeedFrame | None:
        need = self._blocks.need(now)
        if need is None and self._asking.is_on:
            need = self._post.next_need(now)
            if need is not None:
                self._asking.said_need(self._post.next_need_due(), now)
        return need

    def _next_ask(self, hour: int, now: float) -> SketchFrame | JoinFrame | None:
        """The request for the next parcel, or the JOIN that goes before it."""
        if now - self._asking.due > LATE_FRAMES * self._frame_s:
            self._asking.postpone(self._spread(now))
            return None
        if not self._purse.take(self._full_ms(), now):
            self._asking.postpone(self._purse.ready_at(self._full_ms()))
            return None
        self._repair_at = now
        asked = self._asking.join_due(now)
        if asked is not None:
            return JoinFrame(self._author, asked, hour, self._host.sign_join(asked, hour))
        salt = Salt(self._random.randbytes(NONCE_BYTES), hour, self._me)
        ask = self._asking.next_ask(lambda mask: self._salted(salt, mask), now)
        if ask is None:
            if not self._asking.is_on:
                self._trickle.differ(now)
            return None
        self._asked_with = salt
        mine = self._salted(salt, ask.mask)
        sketch = mine.sketch(ask.syndromes, ask.part)
        return SketchFrame(salt, ask.mask, mine.count(ask.part), ask.part, sketch, ask.asked)

    def _spread(self, now: float) -> float:
        """When to say what could not be said while the channel was busy: not all of us at once."""
        return now + self._random.uniform(0, SPREAD_FRAMES) * self._frame_s

    def next_answer(self, now: float, alerts_only: bool = False) -> BundleId | None:
        """A bundle that is owed and due; paid for by the reply bucket, alerts excepted."""
        due = [(class_, when, id_) for id_, (when, class_) in self._answers.items() if when <= now]
        if alerts_only:
            due = [each for each in due if each[0] == BundleClass.ALERT]
        if not due:
            return None
        class_, _, bundle_id = min(due)
        if class_ != BundleClass.ALERT and (self._post.is_busy or not self._purse.take(self._full_ms(), now)):
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

    def _carry_out(self, intention: Intention, now: float) -> AirFrame | Frame | None:
        match intention:
            case SayWant():
                return self._say_want(intention, now)
            case SaySketch(salt, part):
                return self._say_sketch(salt, part, now)
            case AskKey(author, tries):
                return self._ask_key(author, tries, now)
            case SayKey(author):
                if not self._purse.take(self._full_ms(), now):
                    return None
                return KeysFrame(self._host.keys_of(author)[:KEYS_SAID_MAX])
            case SaySymbols(generation, missing):
                if len(generation) != GENERATION_BYTES:
                    self._post.mend(generation, missing, now)
                    return None
                self._say_symbols(generation, missing, now)
                return self._symbols.pop(0) if self._symbols else None

    def _ask_key(self, author: bytes, tries: int, now: float) -> AskKeysFrame | None:
        if not self._host.lacks_key(author):
            return None
        if tries > 1:
            self._intentions.add(AskKey(author, tries - 1), now + self._answer_s())
        return AskKeysFrame((author,))

    def _say_want(self, want: SayWant, now: float) -> WantFrame | None:
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
        if not self._purse.take(self._link.airtime_ms(WANT_BYTES + len(polynomial)), now):
            return None
        if want.told:
            self._repair_at = now
        if want.tries > 1:
            self._intentions.add(replace(want, tries=want.tries - 1), now + self._answer_s())
        return frame

    def _say_sketch(self, salt: Salt, part: int, now: float) -> SketchFrame | None:
        if salt not in self._own:
            return None
        mine, said = self._own[salt]
        if now - self._repair_at < SKETCH_LOCK_S and part == WHOLE and self._deferred < DEFERRED_MAX:
            self._deferred += 1
            self._intentions.add(SaySketch(salt, part), self._repair_at + SKETCH_LOCK_S)
            return None
        self._deferred = 0
        if part in said:
            if 2 * part + 1 > PART_MAX:
                return None
            part = halves_of(part)[0]
        if part in said or not self._purse.take(self._full_ms(), now):
            return None
        said.add(part)
        return SketchFrame(salt, self._mask, mine.count(part), part, mine.sketch(SKETCH_SYNDROMES, part))

    def _say_symbols(self, generation: bytes, missing: int, now: float) -> None:
        live = self._host.with_prefix(generation)
        wire = self._host.wire_of(live.id) if live is not None else None
        if wire is None or not self._purse.take(missing * self._full_ms(), now):
            return
        shape = self._shape(len(wire))
        heard = self._heard_indices.setdefault(generation, set())
        for _ in range(missing):
            index = parity_index(self._random, shape, heard)
            heard.add(index)
            self._symbols.append(SymbolFrame(generation, shape, index, symbol(wire, shape, index)))
        self._repair_at = now

    def _beacon(self, hour: int, now: float) -> BeaconFrame | None:
        lock_s = BEACON_LOCK_S
        if self._are_two(now) and (self._asking.is_on or self._served):
            lock_s = max(lock_s, LOCK_OF_FILLING * self._purse.fill_s)
        if now - self._repair_at < lock_s and self._deferred < DEFERRED_MAX:
            self._deferred += 1
            self._trickle.defer(self._repair_at + lock_s)
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
