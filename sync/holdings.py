"""What one camp carries and believes, for all the parts of its engine.

The live set, the ghosts, who is admitted and which hour it is are asked for with every frame, so they are
mirrored in memory; the store holds the truth of them. Whoever changes one changes the other here, in one
place, and after a rollback `reload` makes them the same again.
"""

from __future__ import annotations

from collections import deque

from sync.admission import Admission
from sync.bundle import HISTORY_HOURS, HOUR_MAX, LIFE_HOURS, Bundle, BundleId, is_alive
from sync.events import CampDead, Event
from sync.hours import HourKeeper
from sync.live import LiveBundle, LiveSet
from sync.reject import Reason
from sync.signing import Identity
from sync.store import ShownMessage, Store
from sync.views import Via

# Verified and refused bundles whose ids are remembered, so that they are not asked for again: the full
# windows of 64 refused camps. When full, the oldest goes; it costs one more refusal.
GHOSTS_MAX = 4_096


class Holdings:
    """One camp's store and what memory mirrors of it, and the events nobody took yet."""

    def __init__(self, identity: Identity, store: Store, admission: Admission) -> None:
        self.identity = identity
        self.network = identity.network
        self.store = store
        self.admission = admission
        self.hours = HourKeeper(None)
        self.changes = 0  # grows with every change of what memory mirrors of the store
        self._events: deque[Event] = deque()
        self.reload()

    def reload(self) -> None:
        """Read again what memory mirrors of the store."""
        last_hour = self.store.meta("last_hour")
        self.hours.last_on_disk = last_hour if isinstance(last_hour, int) else None
        self.live = LiveSet(self.store.live_bundles())
        self.ghosts = dict.fromkeys(self.store.ghosts())
        self.admission.reload()
        self.hours.pinned = self.admission.pinned
        for held in self.live:
            self.hours.heard(held.key, held.hour)

    # -- bundles ----------------------------------------------------------------------------------

    def take_in(
        self, bundle: Bundle, key: bytes, bundle_id: BundleId, via: Via, live: bool, now: float
    ) -> tuple[ShownMessage, ...]:
        """Store a bundle; the messages that pages show from now on."""
        self.changes += 1
        shown = self.store.add_bundle(bundle, key, bundle_id, self.hours.wall_s(now), via, live)
        if live:
            self._add_live(
                LiveBundle(bundle_id, bundle.author, key, bundle.hour, bundle.class_, len(bundle.wire))
            )
        return shown

    def carried(self, bundle_id: BundleId, history: bool) -> LiveBundle | None:
        """A live bundle, or with `history` any that is stored: what may leave by cable."""
        live = self.live.get(bundle_id)
        if live is not None or not history:
            return live
        return next(iter(self.store.carried((bundle_id,))), None)

    def ids_within(self, hour: int, since: int, mask: int) -> list[BundleId]:
        """Every bundle, live or history, of the classes in the mask, sealed since then and, at this hour,
        alive or dead for less than HISTORY_HOURS: what two camps on a cable compare (PROTOCOL.md §8.4).
        """
        oldest = {
            class_: max(since, hour - life - HISTORY_HOURS + 1)
            for class_, life in LIFE_HOURS.items()
            if mask & 1 << class_
        }
        live = [each.id for each in self.live if each.hour >= oldest.get(each.class_, HOUR_MAX + 1)]
        return live + self.store.history_since(oldest)

    def add_ghost(self, bundle_id: BundleId) -> None:
        """Remember a bundle that was refused although it verified."""
        self.store.add_ghost(bundle_id)
        self.ghosts[bundle_id] = None
        if len(self.ghosts) > GHOSTS_MAX:
            del self.ghosts[next(iter(self.ghosts))]

    def keys_of(self, author: bytes) -> tuple[bytes, ...]:
        """Known keys of an author, our own first."""
        own = (self.identity.key,) if author == self.identity.author else ()
        return own + tuple(key for key in self.store.keys_of(author) if key != self.identity.key)

    def _add_live(self, entry: LiveBundle) -> None:
        pushed_out = self.live.add(entry)
        if pushed_out is not None:
            self.store.set_live((pushed_out.id,), False)

    # -- time and admission -----------------------------------------------------------------------

    def turn_hour(self, hour: int) -> None:
        """It is this hour now: let die what is dead, and live what lives again."""
        if hour == self.hours.last_on_disk:
            return
        self.hours.last_on_disk = hour
        self.store.set_meta("last_hour", hour)
        dead = self.live.expired(hour, ahead_too=self.hours.is_trusted)
        self._bury(dead)
        self._revive()  # the clock may have been set back

    def refresh_admission(self) -> None:
        """Pins, introductions, farewells or the switch changed: who is carried may have too."""
        self.changes += 1
        before = self.admission.current
        self.admission.reload()
        self.hours.pinned = self.admission.pinned
        for key in self.admission.current.dead - before.dead:
            self.tell(CampDead(key))
            self.hours.forget(key)
        self._bury([bundle.id for bundle in self.live if bundle.key not in self.admission])
        if self.admission.current != before:
            for key in self.store.waiting_camps():
                if key in self.admission:
                    self.store.add_key(key, 0)  # it waits no more, whether or not it speaks again
            self.store.forget_ghosts()
            self.ghosts.clear()
            self._revive()

    def _bury(self, dead: list[BundleId]) -> None:
        for bundle_id in dead:
            self.live.discard(bundle_id)
        self.store.set_live(dead, False)

    def _revive(self) -> None:
        """Bundles of camps that are admitted again, or of an hour that came back, are live again."""
        hour = self.hours.last_on_disk
        if hour is None:
            return
        back = [
            bundle
            for bundle in self.store.dormant_bundles()
            if is_alive(bundle.hour, bundle.class_, hour)
            and bundle.key in self.admission
            and self.live.is_in_window(bundle.author, bundle.hour, bundle.id)
        ]
        for entry in back:
            self.store.set_live((entry.id,), True)
            self._add_live(entry)

    # -- what is told -----------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Let the one who runs the engine know."""
        self._events.append(event)

    def next_event(self) -> Event | None:
        """The oldest event nobody took yet."""
        return self._events.popleft() if self._events else None

    def count(self, reason: Reason) -> None:
        """Count a refusal for the status page."""
        self.store.count(f"refused.{reason}")
