"""Answering: another camp shows what it holds, or asks; what follows for both (PROTOCOL.md §15.3, §15.9).

A beacon that differs is no request: what it tells is offered and asked for by name, and who lacks more than
it can tell asks for a parcel. A sketch is one, to one camp: that one owes the parcel. A WANT names bundles.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

from sync.air_frames import BeaconFrame, SketchFrame, WantFrame
from sync.asking import UNHEARD_FRAMES, Asking
from sync.beaconing import Beaconing
from sync.bundle import BundleClass, BundleId
from sync.comparing import Comparing
from sync.earshot import Earshot
from sync.frames import SENDER_BYTES
from sync.intentions import SayWant
from sync.owing import Shelf
from sync.parcelpost import ParcelPost
from sync.relays import Relays
from sync.sketch import WHOLE, Difference
from sync.spending import Pace
from sync.wanting import WANT_TRIES, Wanting

# Fewer bundles than these are answered one by one: a parcel saves nothing.
PARCEL_LEAST = 3
# Alerts that are answered at once, each for itself: a square's of an hour. More come first in a parcel.
ALERTS_SINGLY = 6
# As many camps as one channel carries. The one that was served longest ago goes.
SERVED_MAX = 64


class Camp(Shelf, Protocol):
    """What lies here, and who has a cable to us."""

    def is_wired(self, camp: bytes) -> bool:
        """Whether a camp whose author id begins so has a cable to us that is up."""


class Answering:
    """What one camp makes of others' sets and requests on one link. Times are engine time."""

    def __init__(
        self,
        camp: Camp,
        earshot: Earshot,
        relays: Relays,
        comparing: Comparing,
        beaconing: Beaconing,
        asking: Asking,
        wanting: Wanting,
        parcels: ParcelPost,
        pace: Pace,
    ) -> None:
        self._camp = camp
        self._earshot = earshot
        self._relays = relays
        self._comparing = comparing
        self._beaconing = beaconing
        self._asking = asking
        self._wanting = wanting
        self._parcels = parcels
        self._pace = pace
        self._served: OrderedDict[bytes, float] = OrderedDict()  # when, by four bytes of author ids

    @property
    def has_served(self) -> bool:
        """Whether somebody asked us for much."""
        return bool(self._served)

    # -- what others hold -------------------------------------------------------------------------

    def hear_beacon(self, frame: BeaconFrame, hour: int | None, now: float) -> None:
        """Somebody shows what it holds: who agrees speaks for us, and what differs is mended."""
        salt, mask = frame.salt, frame.mask
        mine = self._comparing.set_of(salt, mask)
        difference = self._comparing.difference(mine, frame.syndromes, WHOLE)
        if difference is not None:
            self._note_told(frame, difference, hour, now)
            if not difference.mine and not difference.want:
                return
        if self._camp.is_wired(salt.sender):
            return  # what differs goes by cable
        more = frame.count - len(mine)
        if self._is_being_mended(salt.sender, more, now):
            self._beaconing.agree(salt.sender[:SENDER_BYTES])
        else:
            self._beaconing.differ(now)
        if difference is not None:
            self._wanting.settle(difference, SayWant(salt, WHOLE, mask, frame.syndromes, WANT_TRIES), now)
        elif more >= 0 and not self._parcels.is_leaving_any:  # who holds less asks when it hears of us
            self._asking.hear_more(salt.sender, frame.count, len(mine), mask & self._comparing.mask, now)

    def _note_told(self, frame: BeaconFrame, difference: Difference, hour: int | None, now: float) -> None:
        """A beacon told all that differs, if anything does."""
        salt, sender = frame.salt, frame.salt.sender[:SENDER_BYTES]
        is_of_all = frame.mask & self._comparing.mask == self._comparing.mask
        # Whoever heard it too needs no beacon of ours, whether we agree or mend what differs. A forged
        # beacon of few classes or of another day must not keep us silent (PROTOCOL.md §15.2).
        if is_of_all and (hour is None or abs(salt.hour - hour) <= 1):
            self._beaconing.agree(sender)
        self._relays.knows(sender, difference.mine, now)
        if is_of_all:
            self._parcels.lacks_only(salt.sender, difference.mine)

    def _is_being_mended(self, camp: bytes, more: int, now: float) -> bool:
        """Whether what a beacon shows is known, asked for or answered already: then it is no news."""
        if more > 0:
            return self._asking.is_on and not self._asking.is_stalled(now)
        served_at, is_square = self._served.get(camp, float("-inf")), self._earshot.is_square(now)
        if is_square:
            served_at = now if self._parcels.is_busy else max(served_at, self._parcels.heard_at)
        # Who hears only us cannot ask before it hears a beacon of ours. A parcel may have been lost whole,
        # and one that leaves for another says nothing to this one: at 40 % loss a leaf waited for two hours.
        return more < 0 and now - served_at < min(self._pace.fill_s, UNHEARD_FRAMES * self._pace.frame_s)

    # -- what others ask for ----------------------------------------------------------------------

    def hear_sketch(self, frame: SketchFrame, now: float) -> None:
        """Somebody lacks much and asks one camp for it."""
        self._beaconing.repair(now)
        self._asking.hear_ask(frame.asked, now)
        if frame.asked == self._comparing.me:
            self._answer(frame, now)
        elif frame.salt.sender == self._parcels.owed_to or self._earshot.is_square(now):
            self._parcels.forgive()  # one answers, and it is not we

    def _answer(self, frame: SketchFrame, now: float) -> None:
        """Somebody shows us what it holds: it gets what it lacks, and is asked for what we lack."""
        mine = self._comparing.set_of(frame.salt, frame.mask)
        difference = self._comparing.difference(mine, frame.syndromes, frame.part)
        if difference is None:
            difference = mine.difference_from_few(frame.syndromes, frame.part)
        if difference is None:
            self._wanting.ask_for_more(frame.salt, frame.part, now)
            return
        is_owed = self._parcels.is_owed
        lacking = self._answer_alerts(difference.mine, frame.salt.sender, is_owed, now)
        if difference.want:
            self._wanting.ask(SayWant(frame.salt, frame.part, frame.mask, frame.syndromes, WANT_TRIES), now)
        if is_owed:
            return
        self._note_served(frame.salt.sender, now)
        held = [each for each in mine.ids_in(frame.part) if each not in difference.mine]
        self._parcels.owe(frame.salt.sender, lacking, held, frame.part == WHOLE, now)

    def _answer_alerts(
        self, lacking: Iterable[BundleId], camp: bytes, is_owed: bool, now: float
    ) -> list[BundleId]:
        """Few alerts do not wait for a parcel, nor any for a parcel to another; the rest that is lacking."""
        rest: list[BundleId] = []
        alerts: list[BundleId] = []
        for bundle_id in lacking:
            live = self._camp.with_prefix(bundle_id)
            is_alert = live is not None and live.class_ == BundleClass.ALERT
            (alerts if is_alert else rest).append(bundle_id)
        if len(alerts) > ALERTS_SINGLY and not is_owed:
            return alerts + rest
        self._wanting.owe(tuple(alerts[:ALERTS_SINGLY]), camp, True, now)
        return rest

    def hear_want(self, frame: WantFrame, sender: bytes, now: float) -> None:
        """Somebody names what it lacks; `sender` is the two bytes of the frame's head."""
        self._beaconing.repair(now)
        if not self._comparing.may_compare(now):
            return
        addressed = frame.salt.sender == self._comparing.me
        if not addressed and not self._wanting.is_said_again(frame, sender):
            return
        mine = self._comparing.set_of(frame.salt, self._comparing.mask)
        wanted = mine.matching(frame.want, frame.part)
        if addressed and len(wanted) >= PARCEL_LEAST and not self._parcels.is_owed:
            held = [each for each in mine.ids_in(frame.part) if each not in wanted]
            self._parcels.owe(sender, wanted, held, frame.part == WHOLE, now)
            return
        self._wanting.owe(wanted, sender, addressed, now)

    def _note_served(self, camp: bytes, now: float) -> None:
        self._served[camp] = now
        self._served.move_to_end(camp)
        if len(self._served) > SERVED_MAX:
            self._served.popitem(last=False)
