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
from sync.asking import UNHEARD_FRAMES, Asking
from sync.blockpost import BlockPost, Taker
from sync.bundle import MASK_RADIO, BundleClass, BundleId
from sync.comparing import Comparing, Sets
from sync.doubt import Answers
from sync.earshot import LIKELY, Earshot
from sync.frames import SENDER_BYTES, Frame, KeysFrame
from sync.intentions import AskKey, Intention, Intentions, SayKey, SaySymbols, SayWant
from sync.keytalk import Keys, KeyTalk
from sync.neighbours import Neighbour
from sync.offers import Offers
from sync.owing import Given, Shelf
from sync.parcelpost import OTHER_PARITY_FRAMES, OWN_PARITY_FRAMES, Counter, ParcelPost
from sync.purse import Purse
from sync.relays import Relays
from sync.signing import author_of
from sync.sketch import (
    BEACON_SYNDROMES,
    SALT_SENDER_BYTES,
    WHOLE,
    Salt,
)
from sync.spending import Pace
from sync.trickle import Trickle, interval_max_s
from sync.wanting import OFFER_FRAMES, WANT_TRIES, Wanting

# What a repair is said to cost silence: no beacon so soon after one (seven camps level 200 differences with
# 514 frames so, with 2,336 otherwise: prototype of the design). Who is owed something, or owes, has no more
# to learn from a beacon until a purse is a third full again.
BEACON_LOCK_S = 20.0
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
# Alerts that are answered at once, each for itself: a square's of an hour. More come first in a parcel.
ALERTS_SINGLY = 6
# As many camps as one channel carries.
SERVED_MAX = 64
# What is said so long after it was due waited for the channel, with everybody else; it is spread anew. What
# is later still waited for our own hour, and must not wait for another one.
LATE_FRAMES = (4.0, 60.0)
SPREAD_FRAMES = 15.0
# Where the hour is short for what serves few, one question of ours or beacon leaves in so many frame times:
# a camp earns three full frames meanwhile. At 40 % loss the bridges of 50 camps spent on them what they
# earned, and what others had asked them for waited for an hour.
CONTROL_FRAMES = 60.0
# And a parcel that was owed for so long is no longer of those that come last: they came never.
FEW_WAIT_FRAMES = 200.0
# A beacon of a camp that hears five others.
BEACON_BYTES = 60
# A camp speaks once in three intervals, whatever it hears.
INTERVALS_REMEMBERED = 3
# KEYS without a key.
KEYS_BYTES = 7

Claim = BeaconFrame | SketchFrame | WantFrame | NeedFrame

_K = TypeVar("_K")
_V = TypeVar("_V")


class Host(Shelf, Sets, Keys, Taker, Counter, Protocol):
    """The engine, as far as the talk needs it."""

    def admits_join(self, frame: JoinFrame) -> bool:
        """Whether an admitted camp with a key we know signed this."""

    def sign_join(self, asked: bytes, hour: int) -> bytes:
        """Our signature of a JOIN."""

    def is_wired(self, camp: bytes) -> bool:
        """Whether a camp whose author id begins so has a cable to us that is up."""


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
        longest_s = interval_max_s(link.airtime_ms(BEACON_BYTES) / 1_000)
        self.earshot = Earshot(author[:SENDER_BYTES], host.is_wired, INTERVALS_REMEMBERED * longest_s)
        self.relays = Relays(neighbour.outgoing, self.earshot, self._frames_of, random, self._frame_s, now)
        self._trickle = Trickle(random, now, longest_s)
        burst_ms = min(REPLY_BURST_MS, REPLY_BURST_OF_DUTY_MS * link.duty_cycle)
        burst_ms = max(burst_ms, REPLY_FRAMES_LEAST * self._full_ms())
        self._purse = Purse(1_000 * link.duty_cycle * REPLY_SHARE, burst_ms, now)
        self._comparing = Comparing(host, self._me, self._mask, random, now)
        self._intentions = Intentions()
        self._keys = KeyTalk(host, self._intentions, random, self._frame_s)
        self._given = Given()
        self._blocks = BlockPost(host, host, self._purse, link, random)
        self._post = ParcelPost(host, host, self._given, self._purse, link, random)
        self._asking = Asking(
            random, Pace(self._frame_s, self._purse.fill_s, self._frame_s / (link.duty_cycle * REPLY_SHARE))
        )
        self._served: OrderedDict[bytes, float] = OrderedDict()  # when, by four bytes of author ids
        self._offers = Offers(host, self._given, Answers(self._frame_s))
        self._wanting = Wanting(
            self._comparing, self._intentions, self._offers, self.relays, random, self._frame_s
        )
        self._asked_with: Salt | None = None  # the salt of our last request
        self._repair_at = float("-inf")
        self._parcel_at = float("-inf")
        self._deferred = 0
        self._control_at = float("-inf")

    # -- what we hear -----------------------------------------------------------------------------

    def hear(self, frame: AirFrame, sender: bytes, hour: int | None, now: float) -> None:
        """Take a frame of the air; `sender` is the two bytes of its head."""
        match frame:
            case BeaconFrame() | SketchFrame() | WantFrame() | NeedFrame():
                # Made-up names move nobody (PROTOCOL.md §15.7).
                if not self.earshot.is_one_of_many_guests(sender):
                    self._hear_claim(frame, sender, hour, now)
            case SymbolFrame():
                self._hear_symbol(frame, sender, now)
            case ParcelFrame():
                self._hear_parcel(frame, sender, now)
            case AnswerFrame(wire):
                self._hear_answer(wire, sender, now)
            case JoinFrame():
                self._hear_join(frame, sender, hour, now)

    def _hear_claim(self, frame: Claim, sender: bytes, hour: int | None, now: float) -> None:
        """What nobody signed, and nothing in it proves."""
        match frame:
            case BeaconFrame():
                self.earshot.told(sender, frame.hears)
                if self._comparing.is_comparable(frame.salt, frame.mask, hour, now):
                    self._compare_beacon(frame, hour, now)
            case SketchFrame():
                if frame.asked and self._comparing.is_comparable(frame.salt, frame.mask, hour, now):
                    self._hear_sketch(frame, now)
            case WantFrame():
                self._hear_want(frame, sender, hour, now)
            case NeedFrame():
                self._hear_need(frame, now)

    def _hear_answer(self, wire: bytes, sender: bytes, now: float) -> None:
        self._repair_at = now
        if self._host.take_answer(wire, now):
            self._repaired(sender, now)

    def _hear_join(self, frame: JoinFrame, sender: bytes, hour: int | None, now: float) -> None:
        near = hour is None or abs(frame.hour - hour) <= 1
        if frame.asked == self._me and near and self._host.admits_join(frame):
            self._given.join(sender, now)

    def heard_bundle(self, bundle_id: BundleId, now: float) -> None:
        """Somebody sent this bundle: whoever asked for it heard it too."""
        if self._offers.drop(bundle_id, now):
            self._repair_at = now
        self._blocks.drop(bundle_id)

    def sent(self, bundle_id: BundleId, now: float) -> None:
        """It was handed to the radio, for whatever reason."""
        self._offers.drop(bundle_id, now)
        self.relays.sent(bundle_id, now)

    def lack_key(self, author: bytes, now: float) -> None:
        """A bundle of an author whose key we do not know is held here."""
        self._keys.lack(author, now)

    def owes_key(self, author: bytes) -> bool:
        """Whether somebody asked for this author's key: then it goes with the next bundle of his."""
        return self._keys.owes(author)

    def hear_asked_keys(self, authors: Iterable[bytes], now: float) -> None:
        """Somebody lacks keys."""
        self._keys.hear_asked(authors, now)

    def hear_key(self, author: bytes) -> None:
        """Somebody sent this author's key."""
        self._keys.hear(author)

    def news(self, now: float) -> None:
        """There is a new bundle here; soon we shall want to know who missed it."""
        self._trickle.differ(now)

    def repeat(self, bundle_id: BundleId, not_before: float) -> None:
        """Send a mic check once more, whatever beacons say."""
        self._offers.repeat(bundle_id, not_before)

    def _compare_beacon(self, frame: BeaconFrame, hour: int | None, now: float) -> None:
        salt, mask = frame.salt, frame.mask
        mine = self._comparing.set_of(salt, mask)
        difference = self._comparing.difference(mine, frame.syndromes, WHOLE)
        if difference is not None:
            # Whoever heard it too needs no beacon of ours, whether we agree or mend what differs. A forged
            # beacon of few classes or of another day must not keep us silent (PROTOCOL.md §15.2).
            if mask & self._mask == self._mask and (hour is None or abs(salt.hour - hour) <= 1):
                self._trickle.agree(salt.sender[:SENDER_BYTES])
            self.relays.knows(salt.sender[:SENDER_BYTES], difference.mine, now)
            if mask & self._mask == self._mask:
                self._post.lacks_only(salt.sender, difference.mine)
            if not difference.mine and not difference.want:
                return
        if self._host.is_wired(salt.sender):
            return  # what differs goes by cable
        more = frame.count - len(mine)
        if self._is_being_mended(salt.sender, more, now):
            self._trickle.agree(salt.sender[:SENDER_BYTES])
        else:
            self._trickle.differ(now)
        if difference is not None:
            self._wanting.settle(difference, SayWant(salt, WHOLE, mask, frame.syndromes, WANT_TRIES), now)
        elif more >= 0 and not self._post.is_leaving_any:  # who holds less asks when it hears of us
            self._asking.hear_more(salt.sender, frame.count, len(mine), mask & self._mask, now)

    def _is_being_mended(self, camp: bytes, more: int, now: float) -> bool:
        """Whether what a beacon shows is known, asked for or answered already: then it is no news."""
        if more > 0:
            return self._asking.is_on and not self._asking.is_stalled(now)
        served_at, is_square = self._served.get(camp, float("-inf")), self._is_square(now)
        if is_square:
            served_at = now if self._post.is_busy else max(served_at, self._parcel_at)
        # Who hears only us cannot ask before it hears a beacon of ours. A parcel may have been lost whole,
        # and one that leaves for another says nothing to this one: at 40 % loss a leaf waited for two hours.
        return more < 0 and now - served_at < min(self._purse.fill_s, UNHEARD_FRAMES * self._frame_s)

    def _hides_from_some(self, sender: bytes, now: float) -> bool:
        """Whether somebody in our earshot does not hear this camp, and so may lack what it sent."""
        others = (camp for camp in self.earshot.camps(now) if camp != sender)
        return any(self.earshot.hears(camp, sender) < LIKELY for camp in others)

    def _repaired(self, sender: bytes, now: float) -> None:
        """This camp's answer brought something new: a beacon of ours shows it to who did not hear that."""
        if self._hides_from_some(sender, now):
            self._trickle.differ(now)

    def _is_square(self, now: float) -> bool:
        """Whether all in our earshot hear each other: then what one of us mends is mended for all."""
        return not any(self._hides_from_some(camp, now) for camp in self.earshot.camps(now))

    def _hear_sketch(self, frame: SketchFrame, now: float) -> None:
        self._repair_at = now
        self._asking.hear_ask(frame.asked, now)
        if frame.asked == self._me:
            self._answer(frame, now)
        elif frame.salt.sender == self._post.owed_to or self._is_square(now):
            self._post.forgive()  # one answers, and it is not we

    def _answer(self, frame: SketchFrame, now: float) -> None:
        """Somebody shows us what it holds: it gets what it lacks, and is asked for what we lack."""
        mine = self._comparing.set_of(frame.salt, frame.mask)
        difference = self._comparing.difference(mine, frame.syndromes, frame.part)
        if difference is None:
            difference = mine.difference_from_few(frame.syndromes, frame.part)
        if difference is None:
            self._wanting.ask_for_more(frame.salt, frame.part, now)
            return
        is_owed = self._post.is_owed
        lacking = self._answer_alerts(difference.mine, frame.salt.sender, is_owed, now)
        if difference.want:
            want = SayWant(frame.salt, frame.part, frame.mask, frame.syndromes, WANT_TRIES)
            self._intentions.add(want, now + self._frame_s)
        if is_owed:
            return
        _remember(self._served, frame.salt.sender, now, SERVED_MAX)
        held = [each for each in mine.ids_in(frame.part) if each not in difference.mine]
        self._post.owe(frame.salt.sender, lacking, held, frame.part == WHOLE, now)

    def _answer_alerts(
        self, lacking: Iterable[BundleId], camp: bytes, is_owed: bool, now: float
    ) -> list[BundleId]:
        """Few alerts do not wait for a parcel, nor any for a parcel to another; the rest that is lacking."""
        rest: list[BundleId] = []
        alerts: list[BundleId] = []
        for bundle_id in lacking:
            live = self._host.with_prefix(bundle_id)
            is_alert = live is not None and live.class_ == BundleClass.ALERT
            (alerts if is_alert else rest).append(bundle_id)
        if len(alerts) > ALERTS_SINGLY and not is_owed:
            return alerts + rest
        self._wanting.owe(tuple(alerts[:ALERTS_SINGLY]), camp, True, now)
        return rest

    def _hear_want(self, frame: WantFrame, sender: bytes, hour: int | None, now: float) -> None:
        if not self._comparing.is_near(frame.salt, hour):
            return
        self._wanting.hear_same(frame, now)
        if not frame.want:
            if frame.salt == self._asked_with:
                self._asking.hear_too_little(now)
            return
        self._repair_at = now
        if not self._comparing.may_compare(now):
            return
        addressed = frame.salt.sender == self._me
        if not addressed and not self._wanting.is_said_again(frame, sender):
            return
        mine = self._comparing.set_of(frame.salt, self._mask)
        wanted = mine.matching(frame.want, frame.part)
        if addressed and len(wanted) >= PARCEL_LEAST and not self._post.is_owed:
            held = [each for each in mine.ids_in(frame.part) if each not in wanted]
            self._post.owe(sender, wanted, held, frame.part == WHOLE, now)
            return
        self._wanting.owe(wanted, sender, addressed, now)

    def _hear_need(self, frame: NeedFrame, now: float) -> None:
        self._repair_at = now
        self._blocks.hear_need(frame, now)
        self._post.hear_need(frame, now)
        if self._post.is_leaving(frame.generation):
            return
        if frame.generation in self._post:
            spread = OWN_PARITY_FRAMES if self._post.is_own(frame.generation) else OTHER_PARITY_FRAMES
        elif self._blocks.holds(frame.generation):
            spread = (0.0, OFFER_FRAMES)
        else:
            return
        self._intentions.forget(
            lambda each: isinstance(each, SaySymbols) and each.generation == frame.generation
        )
        intention = SaySymbols(frame.generation, frame.missing)
        self._intentions.add(intention, now + self._random.uniform(*spread) * self._frame_s)

    def _hear_parcel(self, frame: ParcelFrame, sender: bytes, now: float) -> None:
        self._repair_at = self._parcel_at = now
        self._asking.hear_spent(sender, self._post.spent(frame), now)
        is_known = frame.generation in self._post
        new = self._post.hear(frame, sender, now)
        if is_known:
            self._one_less(frame.generation)
            self._asking.hear_known(now)
        elif new is None:
            self._asking.hear_symbol(sender, frame.index >= frame.shape.symbols - 1, now)
            self._wanting.hear_symbol(sender, now)
        else:
            self._asking.whole(new, now)
            if new:
                self._repaired(sender, now)

    def _hear_symbol(self, frame: SymbolFrame, sender: bytes, now: float) -> None:
        self._repair_at = now
        self._blocks.note(frame)
        live = self._host.with_prefix(frame.generation)
        if live is not None:
            self._offers.drop(live.id, now)
            self._one_less(frame.generation)
            self.relays.heard(live.id, sender, now, frame.shape.symbols)
            return
        senders = self._blocks.take(frame, sender, now)
        built = self._host.with_prefix(frame.generation) if senders else None
        if built is not None:
            for camp, symbols in senders.items():
                for _ in range(symbols):
                    self.relays.heard(built.id, camp, now, frame.shape.symbols)

    def _one_less(self, generation: bytes) -> None:
        """Another holder sent a symbol that we were about to make."""

        def fewer(due: float, each: Intention) -> tuple[float, Intention]:
            if isinstance(each, SaySymbols) and each.generation == generation:
                return due, replace(each, missing=each.missing - 1)
            return due, each

        self._intentions.change(fewer)
        self._intentions.forget(lambda each: isinstance(each, SaySymbols) and each.missing <= 0)

    # -- what we say ------------------------------------------------------------------------------

    def next_due(self, now: float) -> float:
        """When `next_frame` or `next_answer` has something; may be in the past."""
        if self._blocks.is_leaving:
            return now
        self._post.share_with(len(self._offers) > 0)
        due = min(
            self._trickle.next_due(),
            self._blocks.next_need_due(),
            self._intentions.next_due(),
            self._post.next_due(now),
            self._asking.due,
        )
        if self._post.next_need_due() <= self._asking.expects_until:
            due = min(due, self._post.next_need_due())
        if len(self._offers) > 0 and not self._post.is_busy:
            due = min(due, max(self._offers.next_due(), self._purse.ready_at(self._full_ms())))
        return due

    def next_alert_due(self) -> float:
        """When an alert that was asked for leaves."""
        return self._offers.next_alert_due()

    def next_frame(self, hour: int | None, now: float, is_short: bool = False) -> AirFrame | Frame | None:
        """The control frame or symbol that is due, most useful first.

        `is_short`: what serves few has to wait, and so have our own questions.
        """
        if self._blocks.is_leaving:
            return self._blocks.next_frame()
        if is_short and now < self._control_at + CONTROL_FRAMES * self._frame_s:
            return self._next_reply(now)
        frame = self._next_control(hour, now)
        if frame is not None:
            self._control_at = now
        return frame

    def _next_reply(self, now: float) -> AirFrame | Frame | None:
        """What somebody else asked for, and is no bundle."""
        reply = self._intentions.take(SaySymbols, now) or self._intentions.take(SayKey, now)
        return self._carry_out(reply, now) if reply is not None else None

    def _next_control(self, hour: int | None, now: float) -> AirFrame | Frame | None:
        """What we ask or tell, most useful first."""
        need = self._next_need(now)
        if need is not None:
            self._repair_at = now
            return need
        while (waiting := self._intentions.pop_due(now)) is not None:
            due, intention = waiting
            if self._is_late(due, now):
                self._intentions.add(intention, self._spread(now))
                continue
            frame = self._carry_out(intention, now)
            if frame is not None:
                return frame
        asked = self._next_ask(hour, now) if hour is not None and self._asking.due <= now else None
        if asked is not None:
            return asked
        if hour is not None and self._trickle.next_due() <= now:
            return self._beacon(hour, now)
        return None

    def next_parcel(self, now: float, is_short: bool = False) -> ParcelFrame | AnswerFrame | None:
        """The next symbol of a parcel: it leaves when there is no bundle to send.

        `is_short`: what serves few has to wait.
        """
        is_few = not self._post.owes_alert and self._post.owed_to[:SENDER_BYTES] not in self.relays.crowds(
            now
        )
        is_young = now - self._post.owed_since < FEW_WAIT_FRAMES * self._frame_s
        if is_short and is_few and is_young and not self._post.is_leaving_any:
            return None
        self._post.share_with(len(self._offers) > 0)
        frame = self._post.next_frame(now)
        if frame is not None:
            self._repair_at = now
        return frame

    def _next_need(self, now: float) -> NeedFrame | None:
        need = self._blocks.next_need(now)
        if need is None and now <= self._asking.expects_until:
            need = self._post.next_need(
                now, lambda sender, is_half: self._asking.awaits(sender, is_half, now)
            )
            if need is not None:
                self._asking.said_need(self._post.next_need_due(), now)
        return need

    def _next_ask(self, hour: int, now: float) -> SketchFrame | JoinFrame | None:
        """The request for the next parcel, or the JOIN that goes before it."""
        if self._is_late(self._asking.due, now):
            self._asking.postpone(self._spread(now))
            return None
        if not self._purse.take(self._full_ms(), now):
            self._asking.postpone(self._purse.ready_at(self._full_ms()))
            return None
        self._repair_at = now
        asked = self._asking.join_due(now)
        if asked is not None:
            return JoinFrame(self._author, asked, hour, self._host.sign_join(asked, hour))
        salt = self._comparing.new_salt(hour)
        ask = self._asking.next_ask(lambda mask: self._comparing.set_of(salt, mask), now)
        if ask is None:
            if not self._asking.is_on:
                self._trickle.differ(now)
            return None
        self._asked_with = salt
        mine = self._comparing.set_of(salt, ask.mask)
        sketch = mine.sketch(ask.syndromes, ask.part)
        return SketchFrame(salt, ask.mask, mine.count(ask.part), ask.part, sketch, ask.asked)

    def _is_late(self, due: float, now: float) -> bool:
        """Whether the channel was closed when it was due, and opens for all at once."""
        first, last = LATE_FRAMES
        return first * self._frame_s < now - due < last * self._frame_s

    def _spread(self, now: float) -> float:
        """When to say what could not be said while the channel was busy: not all of us at once."""
        return now + self._random.uniform(0, SPREAD_FRAMES) * self._frame_s

    def next_answer(self, now: float, alerts_only: bool = False, is_short: bool = False) -> BundleId | None:
        """A bundle that is owed and due; paid for by the reply bucket, alerts excepted.

        `is_short`: what serves few has to wait.
        """
        serves_few = self.relays.serves_few if is_short else None
        first = self._offers.first_due(now, alerts_only, serves_few)
        if first is None:
            return None
        bundle_id, class_ = first
        if class_ != BundleClass.ALERT and (self._post.is_busy or not self._purse.take(self._full_ms(), now)):
            return None
        self._offers.drop(bundle_id, now)
        self._repair_at = now
        return bundle_id

    def piece(self, bundle_id: BundleId, wire: bytes, key: bytes, is_own: bool) -> SymbolFrame:
        """The next symbol of a bundle that is longer than a frame."""
        return self._blocks.piece(bundle_id, wire + key, is_own)

    def _frames_of(self, bundle_id: BundleId) -> int:
        live = self._host.with_prefix(bundle_id)
        return self._blocks.frames_of(live.size) if live is not None else 1

    def _carry_out(self, intention: Intention, now: float) -> AirFrame | Frame | None:
        match intention:
            case SayWant():
                return self._say_want(intention, now)
            case AskKey():
                return self._keys.ask(intention, now)
            case SayKey(author):
                return self._say_key(author, now)
            case SaySymbols(generation, missing):
                if len(generation) != GENERATION_BYTES:
                    self._post.mend(generation, missing, now)
                elif self._blocks.mend(generation, missing, now):
                    self._repair_at = now
                return self._blocks.next_frame()

    def _say_want(self, want: SayWant, now: float) -> WantFrame | None:
        frame = self._wanting.say(
            want, lambda length: self._purse.take(self._link.airtime_ms(length), now), now
        )
        if frame is not None and frame.want:
            self._repair_at = now
            self._asking.said_want(frame.salt.sender, now)
        return frame

    def _say_key(self, author: bytes, now: float) -> KeysFrame | None:
        frame = self._keys.say(author)
        cost_ms = self._link.airtime_ms(KEYS_BYTES + sum(map(len, frame.keys)))
        if self._purse.take(cost_ms, now):
            for key in frame.keys:
                self._keys.hear(author_of(key))
            return frame
        self._intentions.add(SayKey(author), self._purse.ready_at(cost_ms))  # a key asked for stays owed
        return None

    def _beacon(self, hour: int, now: float) -> BeaconFrame | None:
        lock_s = BEACON_LOCK_S
        if self._is_square(now) and (self._asking.is_on or self._served):
            lock_s = max(lock_s, LOCK_OF_FILLING * self._purse.fill_s)
        if now - self._repair_at < lock_s and self._deferred < DEFERRED_MAX:
            self._deferred += 1
            self._trickle.defer(self._repair_at + lock_s)
            return None
        self._deferred = 0
        if not self._trickle.fire(now, self.earshot.dependents(now)):
            return None
        salt = self._comparing.new_salt(hour)
        mine = self._comparing.set_of(salt, self._mask)
        sketch = mine.sketch(BEACON_SYNDROMES)
        return BeaconFrame(salt, self._mask, min(len(mine), 0xFFFF), sketch, self.earshot.named(now))

    def _full_ms(self) -> float:
        return self._link.airtime_ms(self._link.mtu)


def _remember(memory: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    """Note something; beyond `most` the oldest goes."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)
