"""The engine: frames and time go in, frames and events come out (PROTOCOL.md §8).

It owns what a camp decides about gossip: which bundles to take, when to seal, what to offer, ask for
and pass on, link by link. The same class runs on a Pi, over a cable, in the simulator and in every
test. It keeps the live set in memory and everything else in the store; the caller commits the store
before it hands on a single frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from sync import bundle, frames, message
from sync.accept import HELD_MAX, CandidateKeys, HeldBundles, VerifyBucket, find_signer, ids_under
from sync.admission import Admitted, admitted
from sync.bundle import HOURS_AHEAD_MAX, MASK_ALL, MASK_RADIO, Bundle, BundleClass, BundleId, is_alive
from sync.events import (
    BundleSealed,
    BundleSent,
    CampDead,
    CampWaiting,
    Event,
    FrameRefused,
    KeyUsedElsewhere,
    MessageArrived,
    NeighbourHas,
)
from sync.frames import (
    IDS_MAX,
    AskFrame,
    AskKeysFrame,
    BundleFrame,
    Frame,
    GotFrame,
    KeysFrame,
    ListFrame,
)
from sync.hours import HourKeeper
from sync.link import LinkProfile
from sync.live import FIRST_ID, LAST_ID, LiveBundle, LiveSet
from sync.message import Kind, Message, MessageId
from sync.neighbours import (
    KEYS_OWED_MAX,
    KNOWN_IDS_MAX,
    LIST_INTERVAL_S,
    RELAY_DELAY_S,
    WANTED_MAX,
    Neighbour,
)
from sync.reject import Reason, Reject
from sync.schedule import ALONE_S, Waiting
from sync.signing import Identity, author_of
from sync.store import ShownMessage, Store
from sync.store.rows import WaitingMessage
from sync.views import Via

# A camp says which mic checks it heard within five minutes; its own next bundle usually comes sooner.
ECHO_WAIT_S = 240.0
ECHO_PREFIX_BYTES = 4
# 128 echoes fill a reference; more mic checks than that in five minutes is nobody's truth.
ECHOES_MAX = message.REFERENCE_BYTES_MAX // ECHO_PREFIX_BYTES
# Frames handed over at a time, so that a caller commits and breathes between two handfuls.
FRAMES_AT_ONCE = 64
# A second neighbour is not asked for what the first was asked for this long ago.
ASK_AGAIN_S = 10.0
ASKED_MAX = 10_000
# Verified and refused bundles whose ids are remembered, so that they are not asked for again: the full
# windows of 64 refused camps. When full, the oldest goes; it costs one more refusal.
GHOSTS_MAX = 4_096
# 2036. A box without a clock believes hours up to here; a lie from 2099 must not reach its pages.
HOUR_BLIND_MAX = 90_000
# A control array beside its ids: head, array, strings, hour, mask, first and last.
CONTROL_OVERHEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What a deployment may choose (PROTOCOL.md §10)."""

    mask: int = MASK_ALL
    introduced_only: bool = False


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
        self._network = identity.network
        self._store = store
        self._random = random
        self._limits = limits if limits is not None else Limits()
        self._events: deque[Event] = deque()
        self._links: dict[str, Neighbour] = {}
        self._buckets: dict[str, VerifyBucket] = {}
        self._held = HeldBundles()
        self._candidates = CandidateKeys()
        self._asked: dict[BundleId, tuple[str, float]] = {}
        self._echoes: list[bytes] = []
        self._echo_due = float("inf")
        self._hours = HourKeeper(None)
        self._keyed_hour = -1
        self._company_at: float | None = None
        self.changes = 0  # grows with every change of what memory mirrors of the store
        self.reload()

    def reload(self) -> None:
        """Read again what memory mirrors of the store: at the start, and after a rollback."""
        last_hour = self._store.meta("last_hour")
        self._hours.last_on_disk = last_hour if isinstance(last_hour, int) else None
        self._live = LiveSet(self._store.live_bundles())
        self._waiting = Waiting(self._store.waiting())
        self._ghosts = dict.fromkeys(self._store.ghosts())
        self._admission = self._read_admission()
        for held in self._live:
            self._hours.heard(held.key, held.hour)

    # -- links ------------------------------------------------------------------------------------

    def add_link(self, link: LinkProfile, now: float) -> None:
        """Begin to speak and hear on a link. One of the same name is replaced."""
        neighbour = Neighbour(link, now)
        self._links[link.name] = neighbour
        self._company_at = now
        if link.broadcast:
            self._buckets[link.name] = VerifyBucket(now)

    def drop_link(self, name: str) -> None:
        """The link is gone; what waited for it is offered again when it comes back."""
        self._links.pop(name, None)
        self._buckets.pop(name, None)

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
        due = min(self._sealing_due(), self._echo_due)
        for neighbour in self._links.values():
            due = min(due, neighbour.list_due, neighbour.outgoing.next_due(float("-inf")))
            if neighbour.has_control():
                return float("-inf")
        return due

    def tick(self, now: float) -> None:
        """Do what time brings: read what came in a flood, seal what is due, let die what is dead."""
        for late in self._store.read_waiting(FRAMES_AT_ONCE):
            self._tell(late.shown, late.key, late.via, late.live, now)
        hour = self._hours.hour(now)
        if hour is None:
            return
        if hour != self._hours.last_on_disk:
            self._hours.last_on_disk = hour
            self._store.set_meta("last_hour", hour)
            self._bury_expired(hour)
            self._revive()  # the clock may have been set back
        if self._echo_due <= now:
            self._seal(BundleClass.POST, hour, now)
        if self._may_seal(now):
            for class_ in self._waiting.due_classes(now):
                self._seal(class_, hour, now)

    # -- own messages -----------------------------------------------------------------------------

    def publish(self, message_: Message, now: float, device: bytes | None = None) -> MessageId:
        """Store an own message and let it wait for a seal; a mic check is sealed at once.

        `device` is the hash of the device that posted it (kept a day, for undo and mute).
        Raises ValueError when the message fits no bundle.
        """
        class_ = self._class_of(message_)
        self.changes += 1
        message_id = self._store.add_own(message_, class_, now, self.wall_s(now), device)
        if class_ is not None:
            self._waiting.add(self._store.waiting_message(message_id))
            hour = self._hours.hour(now)
            if class_ == BundleClass.ALERT and hour is not None:
                self._seal(class_, hour, now)
        return message_id

    def withdraw(self, message_id: MessageId) -> bool:
        """Never seal an own message that still waits for it; False when it is sealed already.

        The caller notes in the store that the message stays here.
        """
        self.changes += 1
        return self._waiting.withdraw(message_id)

    def seal_all(self, now: float) -> None:
        """Seal everything that waits, because a file of bundles leaves now. Without an hour, nothing."""
        hour = self._hours.hour(now)
        if hour is not None:
            for class_ in self._waiting.due_classes(float("inf")):
                self._seal(class_, hour, now)

    # -- frames in --------------------------------------------------------------------------------

    def receive_frame(self, data: bytes, link: str, now: float, snr_db: float | None = None) -> None:
        """Take a frame a link brought. Never raises for a peer's fault: it is counted and told."""
        neighbour = self._links.get(link)
        if neighbour is None:
            return
        try:
            _, frame = frames.decode(data, self._network)
            self._company_at = now
            self._handle(frame, neighbour, now, snr_db)
        except Reject as reject:
            self._count(reject.reason)
            self._events.append(FrameRefused(link, reject.reason))

    def import_bundle(self, wire: bytes, key: bytes, now: float, via: Via = Via.CARRIED) -> Imported:
        """Take a bundle from a file. History is kept, never shown as new and never offered."""
        try:
            decoded = bundle.decode(wire)
            if author_of(key) == decoded.author:
                self._candidates.offer(key)
            return Imported.NEW if self._accept(decoded, None, via, now) else Imported.KNOWN
        except Reject as reject:
            self._count(reject.reason)
            return Imported.REFUSED

    def _handle(self, frame: Frame, neighbour: Neighbour, now: float, snr_db: float | None) -> None:
        match frame:
            case BundleFrame(wire, key):
                self._handle_bundle(wire, key, neighbour, now, snr_db)
            case ListFrame():
                self._handle_list(frame, neighbour, now)
            case AskFrame(ids):
                self._handle_ask(ids, neighbour)
            case GotFrame(ids):
                self._note_has(ids, neighbour, now)
            case AskKeysFrame(authors):
                self._handle_ask_keys(authors, neighbour)
            case KeysFrame(keys):
                for key in keys:
                    self._offer_key(key, now)

    def _handle_bundle(
        self, wire: bytes, key: bytes | None, neighbour: Neighbour, now: float, snr_db: float | None
    ) -> None:
        decoded = bundle.decode(wire)
        if key is not None and author_of(key) == decoded.author:
            self._offer_key(key, now)
        self._accept(decoded, neighbour, neighbour.profile.via, now, snr_db)

    def _handle_list(self, frame: ListFrame, neighbour: Neighbour, now: float) -> None:
        if neighbour.profile.broadcast:
            raise Reject(Reason.FRAME)
        listed = frozenset(frame.ids)
        for live in self._live.between(frame.first, frame.last):
            if live.id in listed or not frame.mask & 1 << live.class_:
                continue
            if is_alive(live.hour, live.class_, frame.hour) and not neighbour.was_sent(live.id):
                neighbour.outgoing.push(live.id, live.class_)
        self._note_has(frame.ids, neighbour, now)
        unknown = [i for i in frame.ids if i not in self._live and i not in self._ghosts]
        stored = self._store.ids_stored(unknown) if unknown else frozenset()
        for bundle_id in unknown:
            if bundle_id not in stored and not self._is_asked(bundle_id, now):
                self._ask(bundle_id, neighbour, now)

    def _is_asked(self, bundle_id: BundleId, now: float) -> bool:
        """Whether some neighbour that is still there was asked for it a moment ago."""
        link, at = self._asked.get(bundle_id, ("", float("-inf")))
        return link in self._links and now - at < ASK_AGAIN_S

    def _ask(self, bundle_id: BundleId, neighbour: Neighbour, now: float) -> None:
        if len(neighbour.wanted) >= WANTED_MAX or self._store.is_dead(bundle_id):
            return
        if len(self._asked) >= ASKED_MAX:
            del self._asked[next(iter(self._asked))]
        self._asked[bundle_id] = (neighbour.profile.name, now)
        neighbour.wanted[bundle_id] = None

    def _handle_ask(self, ids: Iterable[BundleId], neighbour: Neighbour) -> None:
        if neighbour.profile.broadcast:
            raise Reject(Reason.FRAME)
        for bundle_id in ids:
            live = self._live.get(bundle_id)
            if live is not None:
                neighbour.outgoing.push(bundle_id, live.class_)

    def _handle_ask_keys(self, authors: Iterable[bytes], neighbour: Neighbour) -> None:
        """Owe the keys that are known here. Of other authors nothing is kept: names are free to make up."""
        for author in authors:
            if len(neighbour.keys_asked) >= KEYS_OWED_MAX:
                return
            if self._keys_of(author):
                neighbour.keys_asked[author] = None

    def _note_has(self, ids: Iterable[BundleId], neighbour: Neighbour, now: float) -> None:
        neighbour.note_has(ids, now)
        peer = neighbour.profile.peer
        if peer is None:
            return
        for bundle_id in ids:
            live = self._live.get(bundle_id)
            if live is None or live.key != self._identity.key:
                continue
            if self._store.note_neighbour_has(bundle_id, peer):
                self._events.append(NeighbourHas(bundle_id, peer))

    def _offer_key(self, key: bytes, now: float) -> None:
        """Try a key on the bundles that wait for it."""
        author = author_of(key)
        if not self._held.has_author(author) and key in self._store.keys_of(author):
            return
        self._candidates.offer(key)
        for held in self._held.take(author):
            neighbour = self._links.get(held.link)
            try:
                self._accept(held.bundle, neighbour, neighbour.profile.via if neighbour else Via.IP, now)
            except Reject as reject:
                self._count(reject.reason)
                self._events.append(FrameRefused(held.link, reject.reason))

    # -- accepting (PROTOCOL.md §7) -----------------------------------------------------------------

    def _accept(
        self,
        decoded: Bundle,
        neighbour: Neighbour | None,
        via: Via,
        now: float,
        snr_db: float | None = None,
    ) -> bool:
        """Take a decoded bundle through the gate and in. Whether it is new; Reject otherwise."""
        broadcast = neighbour is not None and neighbour.profile.broadcast
        hour = self._hours.hour(now)
        alive = self._check_hour(decoded, hour, broadcast)
        proved = self._store.keys_of(decoded.author)
        keys = (*proved, *(k for k in self._candidates.of(decoded.author) if k not in proved))
        for held_id in ids_under(decoded, keys, self._network):
            if self._store.wire_of(held_id) == decoded.wire:
                self._heard_again(held_id, neighbour, now)
                return False
        try:
            bucket = self._buckets.get(neighbour.profile.name) if neighbour is not None else None
            key = find_signer(decoded, keys, self._network, bucket, now)
        except Reject as reject:
            if neighbour is not None and reject.reason in (Reason.KEY, Reason.SIGNATURE):
                self._hold(decoded, neighbour, bool(proved))
            raise
        bundle_id = decoded.id(key, self._network)
        self._check_admission(decoded, key, bundle_id, now)
        live = alive and self._live.is_in_window(decoded.author, decoded.hour, bundle_id)
        if not live and broadcast:
            self._ghost(bundle_id)
            raise Reject(Reason.WINDOW)
        if self._store.is_dead(bundle_id):
            raise Reject(Reason.REPLAY)
        self._take_in(decoded, key, bundle_id, via, live, now)
        if live:
            self._relay(bundle_id, decoded.class_, neighbour, now)
        if neighbour is not None and not broadcast:
            neighbour.note_has((bundle_id,), now)
            if len(neighbour.got) < KNOWN_IDS_MAX:  # who never reads is told by the next list, if ever
                neighbour.got.append(bundle_id)
        return True

    def _check_hour(self, decoded: Bundle, hour: int | None, broadcast: bool) -> bool:
        """Whether the bundle is inside its life."""
        if broadcast and not MASK_RADIO & 1 << decoded.class_:
            raise Reject(Reason.CLASS)
        if hour is None:
            hour = 0
        if not self._hours.is_trusted:
            if decoded.hour > HOUR_BLIND_MAX:
                raise Reject(Reason.HOUR)
            # Whoever is ahead of a box without a clock is how it learns the hour.
            hour = max(hour, decoded.hour)
        if decoded.hour > hour + HOURS_AHEAD_MAX:
            raise Reject(Reason.HOUR)
        alive = is_alive(decoded.hour, decoded.class_, hour)
        if broadcast and not alive:
            raise Reject(Reason.HOUR)
        return alive

    def _hold(self, decoded: Bundle, neighbour: Neighbour, have_keys: bool) -> None:
        """Keep a bundle until a key for it comes. With keys at hand it is more likely a forgery."""
        if have_keys:
            return
        self._held.add(decoded, neighbour.profile.name)
        neighbour.authors_wanted[decoded.author] = None
        if len(neighbour.authors_wanted) > HELD_MAX:  # the bundle of the oldest is held no longer
            neighbour.authors_wanted.popitem(last=False)

    def _check_admission(self, decoded: Bundle, key: bytes, bundle_id: BundleId, now: float) -> None:
        if key == self._identity.key:
            # After a salvage, neighbours give back what the damaged file lost.
            salvaged = self._store.meta("salvaged_hour")
            if not isinstance(salvaged, int) or decoded.hour > salvaged:
                self._events.append(KeyUsedElsewhere(bundle_id))
            return
        if key in self._admission and self._store.add_key(key, decoded.hour):
            self._hours.heard(key, decoded.hour)
            return
        self._store.refuse_key(key, self.wall_s(now))
        self._events.append(CampWaiting(key))
        self._ghost(bundle_id)
        raise Reject(Reason.ADMISSION)

    def _take_in(
        self, decoded: Bundle, key: bytes, bundle_id: BundleId, via: Via, live: bool, now: float
    ) -> None:
        self.changes += 1
        shown = self._store.add_bundle(decoded, key, bundle_id, self.wall_s(now), via, live)
        self._asked.pop(bundle_id, None)
        if live:
            entry = LiveBundle(
                bundle_id, decoded.author, key, decoded.hour, decoded.class_, len(decoded.wire)
            )
            self._add_live(entry)
        for new in shown:
            self._tell(new, key, via, live, now)

    def _tell(self, new: ShownMessage, key: bytes, via: Via, live: bool, now: float) -> None:
        """What follows from a message that was read for the first time."""
        if new.urgent and live and key != self._identity.key:
            self._owe_echo(new.id, now)
        if new.kind in (Kind.INTRODUCTION, Kind.FAREWELL):
            self.refresh_admission()
            return
        self._events.append(MessageArrived(new.id, key, via, new.urgent and live))

    def _add_live(self, entry: LiveBundle) -> None:
        pushed_out = self._live.add(entry)
        if pushed_out is not None:
            self._store.set_live((pushed_out.id,), False)

    def _heard_again(self, bundle_id: BundleId, neighbour: Neighbour | None, now: float) -> None:
        if neighbour is None:
            return
        neighbour.note_copy(bundle_id)
        if not neighbour.profile.broadcast:
            self._note_has((bundle_id,), neighbour, now)

    def _relay(self, bundle_id: BundleId, class_: BundleClass, source: Neighbour | None, now: float) -> None:
        """Pass on what is new: at once by cable, after a random wait where everybody hears it."""
        for neighbour in self._links.values():
            if neighbour.has(bundle_id) or (neighbour is source and not neighbour.profile.broadcast):
                continue
            if not neighbour.profile.broadcast:
                neighbour.outgoing.push(bundle_id, class_)
            elif class_ <= BundleClass.POST:
                neighbour.outgoing.push(bundle_id, class_, now + self._random.uniform(*RELAY_DELAY_S))

    # -- admission ----------------------------------------------------------------------------------

    def refresh_admission(self) -> None:
        """Pins, introductions, farewells or the switch changed: who is carried may have too."""
        before, self._admission = self._admission, self._read_admission()
        for key in self._admission.dead - before.dead:
            self._events.append(CampDead(key))
            self._hours.forget(key)
        out = [b.id for b in self._live if b.key not in self._admission]
        for bundle_id in out:
            self._live.discard(bundle_id)
        self._store.set_live(out, False)
        if self._admission != before:
            for key in self._store.waiting_camps():
                if key in self._admission:
                    self._store.add_key(key, 0)  # it waits no more, whether or not it speaks again
            self._store.forget_ghosts()
            self._ghosts.clear()
            self._revive()

    def _revive(self) -> None:
        """Bundles of camps that are admitted again are live again."""
        hour = self._hours.last_on_disk
        if hour is None:
            return
        back = [
            b
            for b in self._store.dormant_bundles()
            if is_alive(b.hour, b.class_, hour)
            and b.key in self._admission
            and self._live.is_in_window(b.author, b.hour, b.id)
        ]
        for entry in back:
            self._store.set_live((entry.id,), True)
            self._add_live(entry)

    def _read_admission(self) -> Admitted:
        switch = self._store.meta("admit")
        pins = self._store.pins()
        self._hours.pinned = frozenset(pins)
        return admitted(
            own=self._identity.key,
            pins=pins,
            introductions=self._store.introductions(),
            farewells=self._store.farewells(),
            introduced_only=self._limits.introduced_only if switch is None else switch == "introduced",
        )

    # -- sealing (PROTOCOL.md §4.3) -------------------------------------------------------------------

    def _class_of(self, message_: Message) -> BundleClass | None:
        if message_.kind == Kind.MIC_CHECK:
            return BundleClass.ALERT
        if message_.kind != Kind.POST and message_.channel != message.HERE:
            return BundleClass.POST
        rule = self._store.channel(message_.channel)
        if rule is None:
            return BundleClass.POST
        return BundleClass(rule.class_) if rule.crosses else None

    def _may_seal(self, now: float) -> bool:
        """Alone for two hours, a seal would only age; it is made when somebody is heard."""
        if self._company_at is None:
            self._company_at = now
        return now - self._company_at < ALONE_S or any(
            not neighbour.profile.broadcast for neighbour in self._links.values()
        )

    def _sealing_due(self) -> float:
        return self._waiting.next_due()

    def _seal(self, class_: BundleClass, hour: int, now: float) -> None:
        if class_ == BundleClass.POST:
            self._say_echoes(now)
        for part in self._waiting.take(class_):
            self._seal_part(class_, hour, part, now)

    def _seal_part(self, class_: BundleClass, hour: int, part: list[WaitingMessage], now: float) -> None:
        sealed = bundle.seal(self._identity, hour, class_, [waiting.bytes for waiting in part])
        bundle_id = sealed.id(self._identity.key, self._network)
        ids = tuple(waiting.id for waiting in part)
        self._store.add_bundle(sealed, self._identity.key, bundle_id, self.wall_s(now), Via.HERE, True)
        self._store.mark_sealed(bundle_id, ids, hour)
        self._events.append(BundleSealed(bundle_id, ids))
        entry = LiveBundle(bundle_id, sealed.author, self._identity.key, hour, class_, len(sealed.wire))
        self._add_live(entry)
        for neighbour in self._links.values():
            neighbour.outgoing.push(bundle_id, class_)

    def _owe_echo(self, message_id: MessageId, now: float) -> None:
        if len(self._echoes) < ECHOES_MAX:
            self._echoes.append(message_id[:ECHO_PREFIX_BYTES])
            self._echo_due = min(self._echo_due, now + ECHO_WAIT_S)

    def _say_echoes(self, now: float) -> None:
        """The list of mic checks heard goes into the bundle that is being sealed."""
        self._echo_due = float("inf")
        if not self._echoes:
            return
        reference, self._echoes = b"".join(self._echoes), []
        second = int(self.wall_s(now))
        self.publish(Message(kind=Kind.ECHO, second=second, reference=reference), now)

    def _bury_expired(self, hour: int) -> None:
        dead = self._live.expired(hour, ahead_too=self._hours.is_trusted)
        for bundle_id in dead:
            self._live.discard(bundle_id)
        self._store.set_live(dead, False)

    # -- frames out -------------------------------------------------------------------------------

    def frames_to_send(self, link: str, now: float, airtime_ms: float) -> list[bytes]:
        """Frames for a link that together cost at most `airtime_ms`; the store must be committed first.

        Empty when nothing is due. Call again until it is empty.
        """
        self.tick(now)
        neighbour = self._links.get(link)
        if neighbour is None:
            return []
        handful: list[bytes] = []
        left_ms = airtime_ms
        while len(handful) < FRAMES_AT_ONCE:
            encoded = self._next_frame(neighbour, now, left_ms)
            if encoded is None:
                break
            left_ms -= neighbour.profile.airtime_ms(len(encoded))
            handful.append(encoded)
        return handful

    def _next_frame(self, neighbour: Neighbour, now: float, left_ms: float) -> bytes | None:
        """Alerts, then small control frames, then the other bundles, then the list of ids."""
        first = neighbour.outgoing.peek(now)
        live = self._live.get(first) if first is not None else None
        if live is not None and live.class_ == BundleClass.ALERT:
            return self._next_bundle(neighbour, now, left_ms)
        control = self._next_control(neighbour)
        if control is not None:
            return frames.encode(control, self._network, self._identity.author)
        return self._next_bundle(neighbour, now, left_ms) or self._next_list(neighbour, now)

    def _next_bundle(self, neighbour: Neighbour, now: float, left_ms: float) -> bytes | None:
        while (bundle_id := neighbour.outgoing.peek(now)) is not None:
            live = self._live.get(bundle_id)
            wire = self._store.wire_of(bundle_id) if live is not None else None
            if live is None or wire is None or neighbour.has(bundle_id):
                neighbour.outgoing.drop(bundle_id)
                continue
            key = live.key if self._needs_key(live, neighbour) else None
            encoded = frames.encode(BundleFrame(wire, key), self._network, self._identity.author)
            if len(encoded) > neighbour.profile.mtu:
                neighbour.outgoing.drop(bundle_id)
                continue
            if neighbour.profile.airtime_ms(len(encoded)) > left_ms:
                return None
            neighbour.outgoing.drop(bundle_id)
            self._note_sent(live, neighbour, now)
            return encoded
        return None

    def _needs_key(self, live: LiveBundle, neighbour: Neighbour) -> bool:
        """By cable a key is cheap; by radio it goes with the first own bundle of an hour."""
        if not neighbour.profile.broadcast:
            return True
        return live.key == self._identity.key and live.hour != self._keyed_hour

    def _note_sent(self, live: LiveBundle, neighbour: Neighbour, now: float) -> None:
        neighbour.note_sent(live.id, now)
        if neighbour.profile.broadcast and live.key == self._identity.key:
            self._keyed_hour = live.hour
        if live.key == self._identity.key and self._store.mark_sent(live.id, self.wall_s(now)):
            self._events.append(BundleSent(live.id, neighbour.profile.name))

    def _next_control(self, neighbour: Neighbour) -> Frame | None:
        most = min(
            IDS_MAX, max(1, (neighbour.profile.mtu - CONTROL_OVERHEAD_BYTES) // bundle.BUNDLE_ID_BYTES)
        )
        if neighbour.authors_wanted:
            return AskKeysFrame(_take(neighbour.authors_wanted, min(most, frames.AUTHORS_MAX)))
        if neighbour.keys_asked:
            authors = _take(neighbour.keys_asked, min(most // 2 or 1, frames.KEYS_MAX))
            keys = [key for author in authors for key in self._keys_of(author)]
            if keys:
                return KeysFrame(tuple(keys[: frames.KEYS_MAX]))
        if neighbour.wanted:
            return AskFrame(_take(neighbour.wanted, most))
        if neighbour.got:
            ids, neighbour.got = neighbour.got[:most], neighbour.got[most:]
            return GotFrame(tuple(ids))
        return None

    def _keys_of(self, author: bytes) -> tuple[bytes, ...]:
        own = (self._identity.key,) if author == self._identity.author else ()
        return own + tuple(key for key in self._store.keys_of(author) if key != self._identity.key)

    def _next_list(self, neighbour: Neighbour, now: float) -> bytes | None:
        """The next part of the list of live ids: one frame a call until the whole range was said."""
        if neighbour.list_due > now:
            return None
        hour = self._hours.hour(now)
        if hour is None:
            neighbour.list_due = now + LIST_INTERVAL_S
            return None
        most = min(IDS_MAX, (neighbour.profile.mtu - CONTROL_OVERHEAD_BYTES) // bundle.BUNDLE_ID_BYTES)
        ids = [live.id for live in self._live.between(neighbour.list_from, LAST_ID)]
        part, rest = ids[:most], ids[most:]
        last = part[-1] if rest else LAST_ID
        frame = ListFrame(hour, self._limits.mask, neighbour.list_from, last, tuple(part))
        if rest:
            neighbour.list_from = _after(last)
        else:
            neighbour.list_from, neighbour.list_due = FIRST_ID, now + LIST_INTERVAL_S
        return frames.encode(frame, self._network, self._identity.author)

    # -- events -----------------------------------------------------------------------------------

    def next_event(self) -> Event | None:
        """The oldest event nobody took yet."""
        return self._events.popleft() if self._events else None

    def _count(self, reason: Reason) -> None:
        self._store.count(f"refused.{reason}")

    def _ghost(self, bundle_id: BundleId) -> None:
        self._store.add_ghost(bundle_id)
        self._ghosts[bundle_id] = None
        if len(self._ghosts) > GHOSTS_MAX:
            del self._ghosts[next(iter(self._ghosts))]


def _take(queue: dict[bytes, None], most: int) -> tuple[bytes, ...]:
    """The first `most` keys of an ordered set; they leave it."""
    taken = tuple(queue)[:most]
    for item in taken:
        del queue[item]
    return taken


def _after(bundle_id: BundleId) -> BundleId:
    """The next id in order. `bundle_id` is not the last one there is."""
    return (int.from_bytes(bundle_id, "big") + 1).to_bytes(len(bundle_id), "big")
