"""The engine: frames and time go in, frames and events come out (PROTOCOL.md §8).

It owns what a camp decides about gossip: which bundles to take, when to seal, what to offer, ask for
and pass on, link by link. The same class runs on a Pi, over a cable, in the simulator and in every
test. Each policy has a module of its own; here they are joined. Memory holds the live set and the like
(`holdings`), everything else is in the store; the caller commits the store before it hands on a single frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from random import Random

from sync import air_frames, bundle
from sync.accept import Proved
from sync.admission import Admission
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
from sync.airhost import AirHost
from sync.airtalk import AirTalk
from sync.bundle import HISTORY_HOURS, LIFE_HOURS, MASK_ALL, Bundle
from sync.cabletalk import CableTalk
from sync.dispatch import Dispatch
from sync.events import Event, FrameRefused, MessageArrived
from sync.frames import AskFrame, AskKeysFrame, BundleFrame, Frame, GotFrame, KeysFrame
from sync.gate import Gate, Known
from sync.holdings import Holdings
from sync.intake import Intake
from sync.level_frames import ShortIdsFrame, SketchesFrame, StrataFrame, TermsFrame, WantsFrame
from sync.levelling import Wish
from sync.link import Allowance, LinkProfile
from sync.links import Link, Links
from sync.message import Kind, Message, MessageId
from sync.neighbours import Neighbour
from sync.padding import Padding
from sync.reject import Reason, Reject
from sync.sealer import Sealer
from sync.signing import Identity, author_of
from sync.store import ShownMessage, Store
from sync.views import Via

# Frames handed over at a time, so that a caller commits and breathes between two handfuls.
FRAMES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What a deployment may choose (PROTOCOL.md §10)."""

    mask: int = MASK_ALL
    introduced_only: bool = False
    history_hours: int = HISTORY_HOURS + max(LIFE_HOURS.values())  # how far back, by cable


class Imported(StrEnum):
    """What became of a bundle from a file."""

    NEW = "new"
    KNOWN = "known"
    REFUSED = "refused"


class Engine:
    """One camp's part in the gossip. Not thread-safe: one thread owns it and its store."""

    def __init__(
        self, identity: Identity, store: Store, random: Random, limits: Limits | None = None
    ) -> None:
        self._identity = identity
        self._store = store
        self._random = random
        self._limits = limits if limits is not None else Limits()
        self._admission = Admission(identity.key, store, self._limits.introduced_only)
        self._holdings = Holdings(identity, store, self._admission)
        self._hours = self._holdings.hours
        self._links = Links()
        self._intake = Intake(self._links)
        self._gate = Gate(self._holdings)
        self._sealer = Sealer(self._holdings, self._links, random)
        self._dispatch = Dispatch(self._holdings, random)

    def reload(self) -> None:
        """Read again what memory mirrors of the store, after a rollback."""
        self._holdings.reload()
        self._sealer.reload()

    @property
    def changes(self) -> int:
        """Grows with every change of what memory mirrors of the store."""
        return self._holdings.changes

    def refresh_admission(self) -> None:
        """Pins, introductions, farewells or the switch changed: who is carried may have too."""
        self._holdings.refresh_admission()

    def next_event(self) -> Event | None:
        """The oldest event nobody took yet."""
        return self._holdings.next_event()

    # -- links ------------------------------------------------------------------------------------

    def add_link(self, link: LinkProfile, now: float) -> None:
        """Begin to speak and hear on a link. One of the same name is replaced."""
        padding = Padding(link) if link.broadcast else None
        neighbour = Neighbour(link if padding is None else padding.priced)
        talk = self._air_talk(neighbour, now) if link.broadcast else self._cable_talk(neighbour, now)
        for bundle_id in self._store.unsent():  # sealed while there was nobody to send it to
            waiting = self._holdings.live.get(bundle_id)
            if waiting is None:
                continue
            if isinstance(talk, AirTalk):
                talk.relays.own(bundle_id, waiting.class_, now)
            else:
                neighbour.outgoing.push(bundle_id, waiting.class_)
        self._links.add(Link(neighbour, talk, now, padding))
        self._sealer.meet(now)

    def drop_link(self, name: str) -> None:
        """The link is gone; what waited for it is offered again when it comes back."""
        self._links.drop(name)

    def _air_talk(self, neighbour: Neighbour, now: float) -> AirTalk:
        profile = neighbour.profile

        def accept(built: Bundle, at: float, is_answer: bool) -> bool:
            return self._accept(built, self._links.get(profile.name), profile.via, at, is_answer=is_answer)

        def hear_key(key: bytes, at: float) -> None:
            link = self._links.get(profile.name)
            if link is not None:
                self._hear_key(key, link, at)

        host = AirHost(self._holdings, self._gate, accept, hear_key, self._links.is_wired)
        return AirTalk(host, neighbour, self._identity.author, self._limits.mask, self._random, now)

    def _cable_talk(self, neighbour: Neighbour, now: float) -> CableTalk:
        wish = Wish(self._limits.mask, self._limits.history_hours)
        return CableTalk(self._holdings, neighbour, self._intake, wish, self._random, now)

    # -- time -------------------------------------------------------------------------------------

    def tell_time(self, unix_s: float, trusted: bool) -> None:
        """What the wall clock says. Never called, engine time itself is taken for Unix time."""
        self._hours.tell(unix_s, trusted)

    def wall_s(self, now: float) -> float:
        """Unix time, as well as this camp knows it."""
        return self._hours.wall_s(now)

    def hour(self, now: float) -> int | None:
        """The hour this camp seals in; None while it has no clock and heard nobody."""
        return self._hours.hour(now)

    def next_wakeup(self) -> float:
        """The engine time by which `frames_to_send` of some link, or `tick`, has something to do."""
        if self._store.unread():
            return float("-inf")
        return min([self._sealer.next_due(), *(link.next_due() for link in self._links)])

    def next_alert(self) -> float:
        """The engine time by which an alert is due on some link: it waits for no quiet channel."""
        return min((link.next_alert_due() for link in self._links), default=float("inf"))

    def tick(self, now: float) -> None:
        """Do what time brings: read what came in a flood, seal what is due, let die what is dead."""
        for late in self._store.read_waiting(FRAMES_AT_ONCE):
            self._tell(late.shown, late.key, late.via, late.live, now)
        hour = self._hours.hour(now)
        if hour is not None:
            self._holdings.turn_hour(hour)
            self._sealer.seal_due(hour, now)

    # -- own messages -----------------------------------------------------------------------------

    def publish(self, message: Message, now: float, device: bytes | None = None) -> MessageId:
        """Store an own message and let it wait for a seal; a mic check is sealed at once.

        `device` is the hash of the device that posted it (kept a day, for undo and mute).
        Raises ValueError when the message fits no bundle.
        """
        return self._sealer.publish(message, now, device)

    def withdraw(self, message_id: MessageId) -> bool:
        """Never seal an own message that still waits for it; False when it is sealed already.

        The caller notes in the store that the message stays here.
        """
        return self._sealer.withdraw(message_id)

    def seal_all(self, now: float) -> None:
        """Seal everything that waits, because a file of bundles leaves now. Without an hour, nothing."""
        hour = self._hours.hour(now)
        if hour is not None:
            self._sealer.seal_all(hour, now)

    # -- frames in --------------------------------------------------------------------------------

    def receive_frame(self, data: bytes, link: str, now: float, snr_db: float | None = None) -> None:
        """Take a frame a link brought. Never raises for a peer's fault: it is counted and told."""
        source = self._links.get(link)
        if source is None:
            return
        try:
            sender, frame = air_frames.decode(data, self._identity.network)
            self._sealer.meet(now)
            if isinstance(source.talk, AirTalk):
                source.talk.earshot.heard(sender, snr_db, now)
            self._handle(frame, sender, source, now)
        except Reject as reject:
            self._refuse(reject, link)

    def import_bundle(self, wire: bytes, key: bytes, now: float, via: Via = Via.CARRIED) -> Imported:
        """Take a bundle from a file. History is kept, never shown as new and never offered."""
        try:
            carried = bundle.decode(wire)
            if author_of(key) == carried.author:
                self._gate.try_key(key)
            return Imported.NEW if self._accept(carried, None, via, now) else Imported.KNOWN
        except Reject as reject:
            self._holdings.count(reject.reason)
            return Imported.REFUSED

    def expect(self, several: Iterable[Proved]) -> None:
        """These will be imported in this transaction: look them up together, which is cheaper."""
        self._store.look_up(proved.id for proved in several)

    def import_proved(self, proved: Proved, now: float, via: Via = Via.CARRIED) -> Imported:
        """Take a bundle whose signature was checked on the way here; the rest is as for any other."""
        try:
            is_new = self._accept(proved.bundle, None, via, now, proved=proved)
            return Imported.NEW if is_new else Imported.KNOWN
        except Reject as reject:
            self._holdings.count(reject.reason)
            return Imported.REFUSED

    def _handle(self, frame: Frame | AirFrame, sender: bytes, link: Link, now: float) -> None:
        match frame, link.talk:
            case BundleFrame(wire, key), _:
                self._hear_bundle(wire, key, sender, link, now)
            case KeysFrame(keys), _:
                for key in keys:
                    self._hear_key(key, link, now)
            case AskKeysFrame(authors), talk:
                talk.hear_asked_keys(authors, now)
            case (
                StrataFrame() | SketchesFrame() | ShortIdsFrame() | WantsFrame() | TermsFrame() as step,
                CableTalk() as talk,
            ):
                talk.hear_level(step, now)
            case AskFrame(ids), CableTalk() as talk:
                talk.hear_ask(ids, now)
            case GotFrame(ids), CableTalk() as talk:
                talk.hear_got(ids, now)
            case (
                BeaconFrame()
                | SketchFrame()
                | WantFrame()
                | NeedFrame()
                | SymbolFrame()
                | JoinFrame()
                | ParcelFrame()
                | AnswerFrame() as heard,
                AirTalk() as talk,
            ):
                # In a quiet night the hour by ear stands still; then a set is compared at its owner's hour.
                hour = self._hours.hour(now) if self._hours.is_trusted else None
                talk.hear(heard, sender, hour, now)
            case _:  # it does not belong on a link of this kind
                raise Reject(Reason.FRAME)

    def _hear_bundle(self, wire: bytes, key: bytes | None, sender: bytes, link: Link, now: float) -> None:
        heard = bundle.decode(wire)
        if key is not None and author_of(key) == heard.author:
            self._hear_key(key, link, now)
        self._accept(heard, link, link.profile.via, now, sender)

    def _hear_key(self, key: bytes, link: Link, now: float) -> None:
        """Try a key on the bundles that wait for it."""
        if isinstance(link.talk, AirTalk):
            link.talk.hear_key(author_of(key))
            self._dispatch.met_key(author_of(key), now)
        for held in self._gate.release(key):
            source = self._links.get(held.link)
            try:
                self._accept(held.bundle, source, source.profile.via if source else Via.IP, now)
            except Reject as reject:
                self._refuse(reject, held.link)

    def _refuse(self, reject: Reject, link: str) -> None:
        self._holdings.count(reject.reason)
        self._holdings.tell(FrameRefused(link, reject.reason))

    def _accept(
        self,
        offered: Bundle,
        link: Link | None,
        via: Via,
        now: float,
        sender: bytes | None = None,
        is_answer: bool = False,
        proved: Proved | None = None,
    ) -> bool:
        """Take a decoded bundle through the gate and in. Whether it is new; Reject otherwise.

        `sender`: two bytes of the camp that was heard to send it just now, whole. `is_answer`: it was sent
        because somebody in earshot asked for it. `proved`: its signature was checked already.
        """
        verdict = self._gate.judge(offered, link, now, proved)
        if isinstance(verdict, Known):
            if link is not None:
                link.hear_copy(verdict.id, sender, now)
                self._links.heard(verdict.id, link, sender, now)
            return False
        shown = self._holdings.take_in(offered, verdict.key, verdict.id, via, verdict.live, now)
        self._intake.answered(verdict.id)
        for new in shown:
            self._tell(new, verdict.key, via, verdict.live, now)
        if link is not None:
            link.took_in(verdict.id, verdict.key, now)
        if verdict.live:
            self._links.relay(verdict.id, offered.class_, link, sender, now, is_answer)
        else:
            self._links.announce(verdict.id, offered.class_, link, now)
        return True

    def _tell(self, new: ShownMessage, key: bytes, via: Via, live: bool, now: float) -> None:
        """What follows from a message that was read for the first time."""
        if new.urgent and live and key != self._identity.key:
            self._sealer.owe_echo(new.id, now)
        if new.kind in (Kind.INTRODUCTION, Kind.FAREWELL):
            self._holdings.refresh_admission()
            return
        self._holdings.tell(MessageArrived(new.id, key, via, new.urgent and live))

    # -- frames out -------------------------------------------------------------------------------

    def frames_to_send(
        self,
        link: str,
        now: float,
        airtime_ms: float,
        alerts_ms: float | None = None,
        few_ms: float = inf,
    ) -> list[bytes]:
        """Frames for a link that together cost at most `airtime_ms`; the store must be committed first.

        Alerts (class 0) may make it `alerts_ms`, where that is more, and what serves hardly anybody no more
        than `few_ms`. Empty when nothing is due. Call again until it is empty.
        """
        self.tick(now)
        to = self._links.get(link)
        if to is None:
            return []
        handful: list[bytes] = []
        left = Allowance(airtime_ms, airtime_ms if alerts_ms is None else alerts_ms, few_ms)
        while len(handful) < FRAMES_AT_ONCE:
            encoded = self._dispatch.next_frame(to, now, left)
            if encoded is None:
                break
            left = left.less(to.profile.airtime_ms(len(encoded)))
            handful.append(to.pad(encoded))
        return handful
