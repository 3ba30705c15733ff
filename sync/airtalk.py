"""What a camp says on a broadcast link beside its bundles: beacons, and the repair they lead to.

Everybody in earshot hears everything, so one beacon serves all, one answer serves all who asked, and
who hears another say it keeps silent (PROTOCOL.md §15). Here its parts meet, each frame goes to the one it
concerns, and what leaves first is chosen: our beacon (`beaconing`), what follows from another's and from
requests (`answering`), how what is owed leaves (`replies`), who lacks symbols (`feedback`), what we ask for
(`asking`, `wanting`) and what waits to be said (`intentions`).

None of these frames is signed. What they make us send is therefore bounded: it is paid from a purse, at most
64 bundles an hour go to a camp that did not sign a JOIN, and decoding has a share of the CPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Protocol

from sync.air_frames import (
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
from sync.answering import Answering, Camp
from sync.asking import Asking
from sync.beaconing import Beaconing
from sync.blockpost import BlockPost, Taker
from sync.bundle import MASK_RADIO, BundleId
from sync.comparing import Comparing, Sets
from sync.doubt import Answers
from sync.earshot import Earshot
from sync.feedback import Feedback
from sync.frames import SENDER_BYTES, Frame, KeysFrame
from sync.intentions import AskKey, Intention, Intentions, SayKey, SaySymbols, SayWant
from sync.keytalk import Keys, KeyTalk
from sync.neighbours import Neighbour
from sync.offers import Offers
from sync.owing import Given
from sync.parcelpost import Counter, ParcelPost
from sync.relays import Relays
from sync.replies import REPLY_SHARE, Replies, reply_purse
from sync.signing import author_of
from sync.sketch import SALT_SENDER_BYTES, Salt
from sync.spending import Pace
from sync.trickle import interval_max_s
from sync.wanting import Wanting

# What is said so long after it was due waited for the channel, with everybody else; it is spread anew. What
# is later still waited for our own hour, and must not wait for another one.
LATE_FRAMES = (4.0, 60.0)
SPREAD_FRAMES = 15.0
# Where the hour is short for what serves few, one question of ours or beacon leaves in so many frame times:
# a camp earns three full frames meanwhile. At 40 % loss the bridges of 50 camps spent on them what they
# earned, and what others had asked them for waited for an hour.
CONTROL_FRAMES = 60.0
# A beacon of a camp that hears five others.
BEACON_BYTES = 60
# A camp speaks once in three intervals, whatever it hears.
INTERVALS_REMEMBERED = 3
# KEYS without a key.
KEYS_BYTES = 7

Claim = BeaconFrame | SketchFrame | WantFrame | NeedFrame


class Host(Camp, Sets, Keys, Taker, Counter, Protocol):
    """The engine, as far as the talk needs it."""

    def admits_join(self, frame: JoinFrame) -> bool:
        """Whether an admitted camp with a key we know signed this."""

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
        self._link = link
        self._random = random
        # The air's own measure of time: what one full frame takes.
        self._frame_s = link.airtime_ms(link.mtu) / 1_000
        longest_s = interval_max_s(link.airtime_ms(BEACON_BYTES) / 1_000)
        self.earshot = Earshot(author[:SENDER_BYTES], host.is_wired, INTERVALS_REMEMBERED * longest_s)
        self.relays = Relays(neighbour.outgoing, self.earshot, self._frames_of, random, self._frame_s, now)
        self._purse = reply_purse(link, now)
        pace = Pace(self._frame_s, self._purse.fill_s, self._frame_s / (link.duty_cycle * REPLY_SHARE))
        self._comparing = Comparing(host, self._me, mask & MASK_RADIO, random, now)
        self._beaconing = Beaconing(self.earshot, self._comparing, random, now, longest_s, pace.fill_s)
        self._intentions = Intentions()
        self._keys = KeyTalk(host, self._intentions, random, self._frame_s)
        self._given = Given()
        self._blocks = BlockPost(host, host, self._purse, link, random)
        self._post = ParcelPost(host, host, self._given, self._purse, link, random)
        self._asking = Asking(random, pace)
        self._offers = Offers(host, self._given, Answers(self._frame_s))
        self._wanting = Wanting(
            self._comparing, self._intentions, self._offers, self.relays, random, self._frame_s
        )
        self._answering = Answering(
            host,
            self.earshot,
            self.relays,
            self._comparing,
            self._beaconing,
            self._asking,
            self._wanting,
            self._post,
            pace,
        )
        self._feedback = Feedback(
            self._blocks, self._post, self._asking, self._intentions, random, self._frame_s
        )
        self.replies = Replies(self._offers, self._post, self._purse, self.relays, self._beaconing, link)
        self._asked_with: Salt | None = None  # the salt of our last request
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
                    self._answering.hear_beacon(frame, hour, now)
            case SketchFrame():
                if frame.asked and self._comparing.is_comparable(frame.salt, frame.mask, hour, now):
                    self._answering.hear_sketch(frame, now)
            case WantFrame():
                self._hear_want(frame, sender, hour, now)
            case NeedFrame():
                self._beaconing.repair(now)
                self._feedback.hear(frame, now)

    def _hear_want(self, frame: WantFrame, sender: bytes, hour: int | None, now: float) -> None:
        if not self._comparing.is_near(frame.salt, hour):
            return
        self._wanting.hear_same(frame, now)
        if frame.want:
            self._answering.hear_want(frame, sender, now)
        elif frame.salt == self._asked_with:
            self._asking.hear_too_little(now)

    def _hear_answer(self, wire: bytes, sender: bytes, now: float) -> None:
        self._beaconing.repair(now)
        if self._host.take_answer(wire, now):
            self._beaconing.repaired_by(sender, now)

    def _hear_join(self, frame: JoinFrame, sender: bytes, hour: int | None, now: float) -> None:
        near = hour is None or abs(frame.hour - hour) <= 1
        if frame.asked == self._me and near and self._host.admits_join(frame):
            self._given.join(sender, now)

    def heard_bundle(self, bundle_id: BundleId, now: float) -> None:
        """Somebody sent this bundle: whoever asked for it heard it too."""
        if self._offers.drop(bundle_id, now):
            self._beaconing.repair(now)
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
        self._beaconing.differ(now)

    def repeat(self, bundle_id: BundleId, not_before: float) -> None:
        """Send a mic check once more, whatever beacons say."""
        self._offers.repeat(bundle_id, not_before)

    def _hear_parcel(self, frame: ParcelFrame, sender: bytes, now: float) -> None:
        self._beaconing.repair(now)
        self._asking.hear_spent(sender, self._post.spent(frame), now)
        is_known = frame.generation in self._post
        new = self._post.hear(frame, sender, now)
        if is_known:
            self._feedback.hear_symbol(frame.generation)
            self._asking.hear_known(now)
        elif new is None:
            self._asking.hear_symbol(sender, frame.index >= frame.shape.symbols - 1, now)
            self._wanting.hear_symbol(sender, now)
        else:
            self._asking.whole(new, now)
            if new:
                self._beaconing.repaired_by(sender, now)

    def _hear_symbol(self, frame: SymbolFrame, sender: bytes, now: float) -> None:
        self._beaconing.repair(now)
        self._blocks.note(frame)
        live = self._host.with_prefix(frame.generation)
        if live is not None:
            self._offers.drop(live.id, now)
            self._feedback.hear_symbol(frame.generation)
            self.relays.heard(live.id, sender, now, frame.shape.symbols)
            return
        senders = self._blocks.take(frame, sender, now)
        built = self._host.with_prefix(frame.generation) if senders else None
        if built is not None:
            for camp, symbols in senders.items():
                for _ in range(symbols):
                    self.relays.heard(built.id, camp, now, frame.shape.symbols)

    # -- what we say ------------------------------------------------------------------------------

    def next_due(self, now: float) -> float:
        """When `next_frame` or `replies` has something; may be in the past."""
        if self._blocks.is_leaving:
            return now
        return min(
            self._beaconing.next_due(),
            self._feedback.next_due(),
            self._intentions.next_due(),
            self.replies.next_due(now),
            self._asking.due,
        )

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
        need = self._feedback.next_need(now)
        if need is not None:
            self._beaconing.repair(now)
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
        if hour is not None and self._beaconing.next_due() <= now:
            has_repaired = self._asking.is_on or self._answering.has_served
            return self._beaconing.next_beacon(hour, now, has_repaired)
        return None

    def _next_ask(self, hour: int, now: float) -> SketchFrame | JoinFrame | None:
        """The request for the next parcel, or the JOIN that goes before it."""
        if self._is_late(self._asking.due, now):
            self._asking.postpone(self._spread(now))
            return None
        if not self._purse.take(self._full_ms(), now):
            self._asking.postpone(self._purse.ready_at(self._full_ms()))
            return None
        self._beaconing.repair(now)
        asked = self._asking.join_due(now)
        if asked is not None:
            return JoinFrame(self._author, asked, hour, self._host.sign_join(asked, hour))
        salt = self._comparing.new_salt(hour)
        ask = self._asking.next_ask(lambda mask: self._comparing.set_of(salt, mask), now)
        if ask is None:
            if not self._asking.is_on:
                self._beaconing.differ(now)
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
            case SaySymbols():
                if self._feedback.mend(intention, now):
                    self._beaconing.repair(now)
                return self._blocks.next_frame()

    def _say_want(self, want: SayWant, now: float) -> WantFrame | None:
        frame = self._wanting.say(
            want, lambda length: self._purse.take(self._link.airtime_ms(length), now), now
        )
        if frame is not None and frame.want:
            self._beaconing.repair(now)
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

    def _full_ms(self) -> float:
        return self._link.airtime_ms(self._link.mtu)
