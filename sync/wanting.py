"""Wanting: what a comparison showed is offered and asked for, bundle by bundle (PROTOCOL.md §15.3, §15.4).

For the few bundles that a beacon or a sketch can tell. Who lacks more asks for a parcel (`asking`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Protocol

from sync.air_frames import WantFrame
from sync.bundle import BundleId
from sync.comparing import Comparing
from sync.intentions import Intention, Intentions, SayWant
from sync.offers import Offers
from sync.relays import FLIGHT_FRAMES
from sync.sketch import PART_MAX, Difference, Salt

# In how many frame times the hearers of a beacon spread their answers: seven of them, and the first one
# silences the rest.
OFFER_FRAMES = 20.0
# Whose beacon it was answers within these, others within those.
ADDRESSED_FRAMES = (0.0, 0.5)
OTHERS_FRAMES = (3.0, OFFER_FRAMES)
# So few may be under way still, relay by relay: wait for them before asking. More are a gap.
UNDER_WAY_MAX = 4
# Who lacks the same says it once.
WANT_FRAMES = (0.0, 3.0)
MORE_FRAMES = (0.0, 4.0)
# A request that brought nothing is said again twice, and each time an answer may take so long.
WANT_TRIES = 3
AGAIN_FRAMES = (12.0, 20.0)
# While symbols come. A parcel whose last own piece was lost is asked for after 80 frame times.
SYMBOL_FRAMES = 100.0
# A request without its coefficients.
WANT_BYTES = 17
# Requests remembered: those of the last minutes of a crowded channel.
WANTS_MAX = 32


class UnderWay(Protocol):
    """What leaves without being asked for."""

    def is_pending(self, bundle_id: BundleId) -> bool:
        """Whether it leaves without anybody's asking."""

    def settled_at(self, bundle_id: BundleId) -> float:
        """From when on who lacks it will hardly get it by a relay."""


class Wanting:
    """One camp's offers and requests on one link. `frame_s` is what a full frame takes."""

    def __init__(
        self,
        comparing: Comparing,
        intentions: Intentions,
        offers: Offers,
        relays: UnderWay,
        random: Random,
        frame_s: float,
    ) -> None:
        self._comparing = comparing
        self._intentions = intentions
        self._offers = offers
        self._relays = relays
        self._random = random
        self._frame_s = frame_s
        self._heard: OrderedDict[tuple[Salt, int, bytes], None] = OrderedDict()

    def settle(self, difference: Difference, want: SayWant, now: float) -> None:
        """Offer what the other lacks, ask for what we lack; what may still be under way is waited for."""
        for bundle_id in difference.mine:
            if not self._relays.is_pending(bundle_id):
                early = max(now, self._relays.settled_at(bundle_id))
                self._offers.add(bundle_id, want.salt.sender, self._after((0.0, OFFER_FRAMES), early))
        if difference.want:
            patience = FLIGHT_FRAMES if difference.lacking <= UNDER_WAY_MAX else 0.0
            self._intentions.add(want, self._after(WANT_FRAMES, now) + patience * self._frame_s)

    def ask(self, want: SayWant, now: float) -> None:
        """A sketch told what we lack too: it is asked for one frame time later."""
        self._intentions.add(want, now + self._frame_s)

    def ask_for_more(self, salt: Salt, part: int, now: float) -> None:
        """A sketch of this part told too little."""
        if 2 * part + 1 <= PART_MAX:
            want = SayWant(salt, part, self._comparing.mask, b"", 1)
            self._intentions.add(want, self._after(MORE_FRAMES, now))

    def hear_same(self, frame: WantFrame, now: float) -> None:
        """Somebody asked what we were about to ask: the answer serves us too."""

        def later(due: float, each: Intention) -> tuple[float, Intention]:
            if isinstance(each, SayWant) and each.asks_like(frame):
                return self._after(AGAIN_FRAMES, now), replace(each, tries=each.tries - 1)
            return due, each

        self._intentions.change(later)

    def hear_symbol(self, sender: bytes, now: float) -> None:
        """A camp, two bytes of its id, sends a parcel: it may be our answer, and NEED gets what is lost."""

        def later(due: float, each: Intention) -> tuple[float, Intention]:
            is_of_it = isinstance(each, SayWant) and each.salt.sender.startswith(sender)
            return (max(due, now + SYMBOL_FRAMES * self._frame_s) if is_of_it else due), each

        self._intentions.change(later)

    def is_said_again(self, frame: WantFrame, sender: bytes) -> bool:
        """Whose beacon it was is heard there and answers first; the others when that did not help."""
        said = (frame.salt, frame.part, sender)
        if said in self._heard:
            return True
        self._heard[said] = None
        if len(self._heard) > WANTS_MAX:
            self._heard.popitem(last=False)
        return False

    def owe(self, wanted: tuple[BundleId, ...], sender: bytes, is_addressed: bool, now: float) -> None:
        """Somebody asked for these."""
        for bundle_id in wanted:
            due = self._after(ADDRESSED_FRAMES if is_addressed else OTHERS_FRAMES, now)
            self._offers.add(bundle_id, sender, due)

    def say(self, want: SayWant, pay: Callable[[int], bool], now: float) -> WantFrame | None:
        """The request, if something of it still lacks and `pay(bytes)` pays for a frame of so many bytes.

        A forged beacon makes a request of ours like any other: it is paid for like an answer.
        """
        if want.tries <= 0:
            return None
        polynomial = b""
        if want.told:
            mine = self._comparing.set_of(want.salt, want.mask)
            still = self._comparing.difference(mine, want.told, want.part)
            if still is None or not still.want:
                return None
            polynomial = still.want
        if not pay(WANT_BYTES + len(polynomial)):
            return None
        if want.tries > 1:
            self._intentions.add(replace(want, tries=want.tries - 1), self._after(AGAIN_FRAMES, now))
        return WantFrame(want.salt, polynomial, want.part)

    def _after(self, frames: tuple[float, float], now: float) -> float:
        return now + self._random.uniform(*frames) * self._frame_s
