"""What a camp owes on the air: bundles that somebody lacks, how many each may have, and what goes together.

A request is not signed. So one camp gets at most 64 bundles an hour unless it signed a JOIN (PROTOCOL.md
§15.7), and what is owed is paid from the purse by whoever sends it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sync.bundle import BundleClass, BundleId
from sync.frames import SENDER_BYTES
from sync.live import LiveBundle
from sync.parcels import KEY_ITEM_BYTES, WIRE_HEAD_BYTES, Contents, Parcels

HOUR_S = 3_600.0
# Bundles an hour for a camp that did not sign for more: one bad hour of the air, not a whole live set.
GIVEN_PER_HOUR_MAX = 64
GIVEN_CAMPS_MAX = 256
# A key was sent with a parcel: whoever was in earshot and lacked it has it, or asks.
KEYS_GIVEN_MAX = 256
# Below this chance that an asker holds nothing of an author, its key is left out. Asking for one costs three
# times what it costs along with its bundles.
UNKNOWN_LEAST = 0.25


class Shelf(Protocol):
    """Where the bundles lie."""

    def wire_of(self, bundle_id: BundleId) -> bytes | None:
        """The bytes of a stored bundle."""

    def with_prefix(self, prefix: bytes) -> LiveBundle | None:
        """A live bundle whose id begins so."""


class Given:
    """How many bundles each camp in earshot got within an hour. Camps by two bytes of their author ids."""

    def __init__(self) -> None:
        self._given: OrderedDict[bytes, tuple[float, int]] = OrderedDict()
        self._joined: OrderedDict[bytes, float] = OrderedDict()

    def join(self, camp: bytes, now: float) -> None:
        """It signed a JOIN: for an hour there is no limit."""
        self._joined[camp] = now + HOUR_S
        self._joined.move_to_end(camp)
        if len(self._joined) > GIVEN_CAMPS_MAX:
            self._joined.popitem(last=False)

    def left(self, camp: bytes, now: float) -> int | None:
        """How many more it may have now; None: as many as it likes."""
        camp = camp[:SENDER_BYTES]
        if self._joined.get(camp, float("-inf")) >= now:
            return None
        since, given = self._given.get(camp, (now, 0))
        # A debt is counted when it is sent, so that offers may have used it up meanwhile.
        return max(0, GIVEN_PER_HOUR_MAX - (given if now - since <= HOUR_S else 0))

    def give(self, camp: bytes, count: int, now: float) -> None:
        """It is sent, or owed, so many."""
        camp = camp[:SENDER_BYTES]
        since, given = self._given.get(camp, (now, 0))
        if now - since > HOUR_S:
            since, given = now, 0
        self._given[camp] = (since, given + count)
        self._given.move_to_end(camp)
        if len(self._given) > GIVEN_CAMPS_MAX:
            self._given.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Debt:
    """What one camp lacks and we hold: alerts first, then by class, then the newest."""

    camp: bytes  # the first bytes of its author id
    since: float
    lacking: tuple[LiveBundle, ...]
    authors_unknown: frozenset[bytes]  # of which the camp seems to hold no bundle, and so no key


class Owing:
    """One debt at a time; what of it does not fit one parcel is asked for again, of us or of another."""

    def __init__(self, shelf: Shelf, given: Given, parcels: Parcels) -> None:
        self._shelf = shelf
        self._given = given
        self._parcels = parcels
        self._debt: Debt | None = None
        self.packed: frozenset[BundleId] = frozenset()  # what is in the last parcel
        self._keys_given: OrderedDict[bytes, float] = OrderedDict()

    @property
    def is_owed(self) -> bool:
        """Whether somebody waits for a parcel."""
        return self._debt is not None

    def owe(
        self, camp: bytes, lacking: Iterable[BundleId], held: Sequence[BundleId], is_all: bool, now: float
    ) -> None:
        """This camp lacks these and holds those of what we compared, which is `all` or a part.

        Nothing, when it had enough.
        """
        found = [live for live in map(self._shelf.with_prefix, lacking) if live is not None]
        left = self._given.left(camp, now)
        ordered = sorted(found, key=lambda live: (live.class_, -live.hour, live.id))[:left]
        if ordered:
            self._debt = Debt(camp, now, tuple(ordered), self._unknown(ordered, held, is_all, now))

    @property
    def camp(self) -> bytes:
        """Who waits; empty when nobody does."""
        return self._debt.camp if self._debt is not None else b""

    @property
    def since(self) -> float:
        """Since when somebody waits; infinity when nobody does."""
        return self._debt.since if self._debt is not None else float("inf")

    def forgive(self) -> None:
        """Somebody else is asked now."""
        self._debt = None

    def lacks_only(self, camp: bytes, lacking: Collection[BundleId]) -> None:
        """A comparison showed what a camp still lacks: nothing else is owed to it."""
        debt = self._debt
        if debt is None or not camp.startswith(debt.camp[:SENDER_BYTES]):
            return
        left = tuple(live for live in debt.lacking if live.id in lacking)
        self._debt = replace(debt, lacking=left) if left else None

    def symbols(self) -> int:
        """How many symbols the next parcel has."""
        return self._parcels.symbols(sum(self._sizes())) if self._debt is not None else 0

    def is_alert(self) -> bool:
        """Whether an alert is among what is owed."""
        return self._debt is not None and self._debt.lacking[0].class_ == BundleClass.ALERT

    def next_contents(self, symbols_max: int, now: float) -> Contents | None:
        """What goes into one parcel now. Of the rest nothing is kept: who still lacks it asks again."""
        debt = self._debt
        if debt is None:
            return None
        chosen = debt.lacking[: self._parcels.fitting(self._sizes(), symbols_max)]
        self._debt = None
        self.packed = frozenset(live.id for live in chosen)
        self._given.give(debt.camp, len(chosen), now)
        keyed = [live for live in _first_of_each(chosen) if live.author in debt.authors_unknown]
        for live in keyed:
            self._keys_given[live.author] = now
            if len(self._keys_given) > KEYS_GIVEN_MAX:
                self._keys_given.popitem(last=False)
        wires = [self._shelf.wire_of(live.id) for live in chosen]
        return Contents(tuple(wire for wire in wires if wire is not None), tuple(live.key for live in keyed))

    def _sizes(self) -> list[int]:
        """Of each bundle, with its author's key where it is the first of one that is unknown."""
        if self._debt is None:
            return []
        keyed = {live.id for live in _first_of_each(self._debt.lacking)}
        unknown = self._debt.authors_unknown
        return [
            live.size
            + WIRE_HEAD_BYTES
            + (KEY_ITEM_BYTES if live.id in keyed and live.author in unknown else 0)
            for live in self._debt.lacking
        ]

    def _unknown(
        self, lacking: Collection[LiveBundle], held: Sequence[BundleId], is_all: bool, now: float
    ) -> frozenset[bytes]:
        """Authors whose keys the camp most likely has not.

        Where only a part was compared, the share of it that the camp holds stands for what it holds of each
        author.
        """
        compared = Counter(live.author for live in lacking)
        known = {live.author for live in map(self._shelf.with_prefix, held) if live is not None}
        share = 0.0 if is_all else len(held) / (len(held) + len(lacking))
        return frozenset(
            author
            for author, count in compared.items()
            if author not in known
            and (1 - share) ** count > UNKNOWN_LEAST
            and (is_all or now - self._keys_given.get(author, float("-inf")) > HOUR_S)
        )


def _first_of_each(bundles: Iterable[LiveBundle]) -> list[LiveBundle]:
    """The first bundle of each author."""
    first: dict[bytes, LiveBundle] = {}
    for live in bundles:
        first.setdefault(live.author, live)
    return list(first.values())
