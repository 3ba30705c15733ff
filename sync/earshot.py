"""Who is in earshot, and whom they say they hear (PROTOCOL.md §15.1).

Whether to pass a bundle on depends on who would hear it and has not heard it yet. Nobody can know that, but
beacons name the camps that their sender hears, and from this it can be guessed well enough to save a
tenth of the airtime. All of it is a hint from unsigned frames: it decides what is worth sending, never what
is true. A lie costs a repair, or a frame too many.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# Beacons of a level evening come once an hour and one in five is lost.
REMEMBERED_S = 3 * 3_600.0
# More than one channel can carry; beyond that the one that was silent longest goes.
CAMPS_MAX = 64
# A name costs nothing, and 50 made-up ones would have us relay everything for hearers that are none (a
# forged beacon every half minute doubled the airtime of 25 camps). Whoever is really there is soon heard
# again: while more names than these were heard once only, they do not count; and they are the first to go.
GUESTS_MAX = 8
# 32 bytes of a beacon. Who hears more camps than that leaves relays to others anyway.
NAMED_MAX = 16
# A frame that is sent reaches a hearer so often: a fifth is lost by chance and a tenth to collisions,
# measured in 50 camps with 20 % loss. Only the ratio to the threshold of a relay matters.
REACHED = 0.7
# A camp that we hear and whose list we do not know hears another one in earshot: the share of the area that
# two circles have in common, from their edge to the middle.
HEARS_FAR, HEARS_NEAR = 0.4, 1.0
SNR_FAR_DB, SNR_NEAR_DB = -14.0, 0.0
# From here on it is taken that one camp hears another. Camps whose lists nobody knows yet are no dependents.
LIKELY = 0.5
# What is unknown to us may have served a camp: so often it has not, for each camp that it hears and we do
# not.
UNSERVED_EACH = 0.75
# Not the first of them, which may depend on that camp as it does on us, and no more than two others: where a
# thin bridge leads to a crowd, that crowd has nothing yet.
HIDDEN_MOST = 2


@dataclass(slots=True)
class _Camp:
    heard_at: float
    snr_db: float | None
    hears: frozenset[bytes] | None = None
    is_guest: bool = True  # heard once


class Earshot:
    """The camps that one radio hears, by the two bytes of their frames' heads. Times are engine time."""

    def __init__(
        self,
        me: bytes,
        is_wired: Callable[[bytes], bool] = lambda _: False,
        remembered_s: float = REMEMBERED_S,
    ) -> None:
        """`is_wired`: whether a camp has a cable to us that is up, by which it gets everything."""
        self._me = me
        self._remembered_s = remembered_s
        self._is_wired = is_wired
        self._camps: OrderedDict[bytes, _Camp] = OrderedDict()

    def heard(self, camp: bytes, snr_db: float | None, now: float) -> None:
        """A frame of this camp came."""
        if camp == self._me:
            return
        known = self._camps.get(camp)
        if known is None:
            self._camps[camp] = _Camp(now, snr_db)
        else:
            known.heard_at, known.snr_db, known.is_guest = now, snr_db, False
        self._camps.move_to_end(camp)
        if len(self._camps) > CAMPS_MAX:
            first_guest = next(iter(self._guests()), camp)
            del self._camps[first_guest if first_guest != camp else next(iter(self._camps))]

    def told(self, camp: bytes, hears: tuple[bytes, ...]) -> None:
        """A beacon of this camp named whom it hears.

        A list of nobody says nothing: whoever just began to listen sends one. Believed, it would make the
        camp hang on each of us alone, and one made-up name had all its hearers relay everything.
        """
        if camp in self._camps and hears:
            self._camps[camp].hears = frozenset(hears)

    def camps(self, now: float) -> tuple[bytes, ...]:
        """Who was heard lately and has only the air, the latest last."""
        return tuple(camp for camp in self._lately(now) if not self._is_wired(camp))

    def is_heard(self, camp: bytes, now: float) -> bool:
        """Whether this camp was heard lately."""
        return camp in self._lately(now)

    def wired(self, now: float) -> tuple[bytes, ...]:
        """Who was heard lately and has a cable to us."""
        return tuple(camp for camp in self._lately(now) if self._is_wired(camp))

    def is_all_wired(self, now: float) -> bool:
        """Whether somebody was heard, and everybody who was has a cable to us."""
        heard = self._lately(now)
        return bool(heard) and all(self._is_wired(camp) for camp in heard)

    def _lately(self, now: float) -> tuple[bytes, ...]:
        """Who was heard lately, the latest last."""
        while self._camps:
            oldest = next(iter(self._camps))
            if now - self._camps[oldest].heard_at <= self._remembered_s:
                break
            del self._camps[oldest]
        guests = self._guests()
        if len(guests) > GUESTS_MAX:
            return tuple(camp for camp in self._camps if camp not in guests)
        return tuple(self._camps)

    def named(self, now: float) -> tuple[bytes, ...]:
        """Whom our own beacon names, in order of their bytes."""
        return tuple(sorted(self._lately(now)[-NAMED_MAX:]))

    def dependents(self, now: float) -> tuple[bytes, ...]:
        """Camps in earshot that none of the others here seems to reach; we speak for them."""
        camps = self.camps(now)
        return tuple(
            camp
            for camp in camps
            if not any(self.hears(camp, other) >= LIKELY for other in camps if other != camp)
        )

    def is_pair(self, now: float) -> bool:
        """Whether one camp at most is here, and it hears nobody but us as far as it said."""
        camps = self._lately(now)
        return len(camps) <= 1 and all(
            (self._camps[camp].hears or frozenset()) <= {self._me} for camp in camps
        )

    def hides_from_some(self, camp: bytes, now: float) -> bool:
        """Whether somebody in our earshot does not hear this camp, and so may lack what it sent."""
        others = (each for each in self.camps(now) if each != camp)
        return any(self.hears(each, camp) < LIKELY for each in others)

    def is_square(self, now: float) -> bool:
        """Whether all in our earshot hear each other: then what one of us mends is mended for all."""
        return not any(self.hides_from_some(camp, now) for camp in self.camps(now))

    def is_one_of_many_guests(self, camp: bytes) -> bool:
        """Whether this name was heard once only and so were many: most likely somebody makes them up."""
        known = self._camps.get(camp)
        return (known is None or known.is_guest) and len(self._guests()) > GUESTS_MAX

    def _guests(self) -> dict[bytes, None]:
        """Who was heard once, the latest last."""
        return {camp: None for camp, known in self._camps.items() if known.is_guest}

    def snr_db(self, camp: bytes) -> float | None:
        """How well its last frame was heard."""
        return self._camps[camp].snr_db if camp in self._camps else None

    def hears(self, hearer: bytes, sender: bytes) -> float:
        """The chance that `hearer` is in earshot of `sender`, both of which we hear."""
        here = self._camps.get(hearer)
        if here is not None and here.hears is not None:
            return float(sender in here.hears)
        there = self._camps.get(sender)
        if there is not None and there.hears is not None:
            return float(hearer in there.hears)
        nearness = (_nearness(here) + _nearness(there)) / 2
        return HEARS_FAR + (HEARS_NEAR - HEARS_FAR) * nearness

    def around(self) -> int:
        """How many camps are known of here: those in earshot, those they say they hear, and we."""
        named = (known.hears for known in self._camps.values() if not known.is_guest and known.hears)
        return len({self._me, *self._camps}.union(*named))

    def behind(self, camp: bytes) -> int:
        """How many camps this one says it hears that we do not: those get a bundle from it, not from us."""
        known = self._camps.get(camp)
        if known is None or known.hears is None:
            return 0
        return len(known.hears.difference(self._camps) - {self._me})

    def unserved(self, camp: bytes) -> float:
        """The chance that nobody out of our earshot has served this camp yet."""
        known = self._camps.get(camp)
        if known is None or known.hears is None:
            return UNSERVED_EACH**HIDDEN_MOST
        hidden = known.hears.difference(self._camps) - {self._me}
        return float(UNSERVED_EACH ** max(0, min(len(hidden) - 1, HIDDEN_MOST)))


def _nearness(camp: _Camp | None) -> float:
    """0 at the edge of earshot, 1 beside us; half-way where no radio says."""
    if camp is None or camp.snr_db is None:
        return 0.5
    return min(1.0, max(0.0, (camp.snr_db - SNR_FAR_DB) / (SNR_NEAR_DB - SNR_FAR_DB)))
