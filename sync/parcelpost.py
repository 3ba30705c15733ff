"""The post of parcels on one link: what is made, sent, heard, rebuilt and mended (PROTOCOL.md §15.9).

A parcel leaves when the purse pays all of it: half a parcel serves nobody. Its feedback is answered at once,
on credit, by whoever made it; by another who rebuilt it, when the maker is not heard to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from random import Random
from typing import Protocol

from sync.air_frames import AnswerFrame, NeedFrame, ParcelFrame
from sync.blocks import Blocks, Patience, parity_index
from sync.bundle import BundleId
from sync.coding import SYMBOLS_MAX, Shape, symbol
from sync.frames import HEAD_BYTES
from sync.link import LinkProfile
from sync.owing import Given, Owing, Shelf
from sync.parcels import Parcels, generation_of, pack, unpack
from sync.purse import Purse
from sync.reject import Reject
from sync.signing import author_of

# Of a full purse, what a parcel may cost: the rest is for its feedback, and for requests of our own.
PARCEL_SHARE = 0.75
# For whoever needs more symbols of a parcel the purse may owe so much of what it holds when full.
OVERDRAFT = 0.6
# Others who wait for single bundles wait so long for a parcel to be paid; then it is cut short.
GIVE_WAY_FRAMES = 60.0
# The next symbol of a parcel comes at once, unless its maker has to wait for the channel.
REST_FRAMES = 2.0
GAP_FRAMES = 80.0
AGAIN_FRAMES = 10.0
# Each is waited for longer than the one before, the fifth and all after it as long as the fourth. Six of a
# parcel of 15 symbols were lost, and for want of the last two it was made and sent anew (40 % loss, seed 6).
NEEDS_MAX = 12
# Who made a parcel answers a NEED at once, another holder when that was not heard.
OWN_PARITY_FRAMES = (0.0, 1.0)
OTHER_PARITY_FRAMES = (5.0, 12.0)
# Of what is sent for feedback a fifth or more is lost here: so many symbols for each that we hear.
SENT_FOR_HEARD = 1.25
# Parcels of which we know what was sent: twice as many as we can make symbols of.
HEARD_MAX = 32


class Counter(Protocol):
    """Where the bundles of a parcel are judged."""

    def take_answer(self, wire: bytes, now: float) -> bool:
        """Take in one bundle that somebody asked for; whether it is new."""

    def take_key(self, key: bytes, now: float) -> None:
        """Try a key on bundles that wait for it."""


class ParcelPost:
    """One camp's parcels on one link. Times are engine time."""

    def __init__(
        self, counter: Counter, shelf: Shelf, given: Given, purse: Purse, link: LinkProfile, random: Random
    ) -> None:
        self._counter = counter
        self._purse = purse
        self._random = random
        self._full_ms = link.airtime_ms(link.mtu)
        self._frame_s = self._full_ms / 1_000
        most = int(PARCEL_SHARE * purse.most / self._full_ms)
        self._parcels = Parcels(link.mtu, max(2, min(SYMBOLS_MAX, most)))
        self._mtu = link.mtu
        self._owing = Owing(shelf, given, self._parcels)
        patience = Patience(
            REST_FRAMES * self._frame_s, GAP_FRAMES * self._frame_s, AGAIN_FRAMES * self._frame_s, NEEDS_MAX
        )
        self._blocks = Blocks(random, patience)
        self._leaving: list[ParcelFrame] = []
        self._heard: OrderedDict[bytes, set[int]] = OrderedDict()
        self.heard_at = float("-inf")  # when another's symbol came last
        self._others_wait = False
        self._new = 0  # bundles of the parcel that is being unpacked

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for a parcel, or one is leaving."""
        return self._owing.is_owed or bool(self._leaving)

    @property
    def is_owed(self) -> bool:
        """Whether somebody waits for a parcel."""
        return self._owing.is_owed

    @property
    def owed_to(self) -> bytes:
        """The camp that waits for a parcel; empty when none does."""
        return self._owing.camp

    @property
    def owed_since(self) -> float:
        """Since when somebody waits for a parcel; infinity when nobody does."""
        return self._owing.since

    @property
    def owes_alert(self) -> bool:
        """Whether an alert is among what somebody waits for."""
        return self._owing.is_alert()

    @property
    def is_leaving_any(self) -> bool:
        """Whether a parcel is under way from here."""
        return bool(self._leaving)

    def __contains__(self, generation: object) -> bool:
        return generation in self._parcels

    def is_own(self, generation: bytes) -> bool:
        """Whether this parcel was made here."""
        parcel = self._parcels.get(generation)
        return parcel is not None and parcel.is_own

    def is_leaving(self, generation: bytes) -> bool:
        """Whether symbols of this parcel are about to be sent anyway."""
        return any(frame.generation == generation for frame in self._leaving)

    # -- what is heard ----------------------------------------------------------------------------

    def hear(self, frame: ParcelFrame, sender: bytes, now: float) -> int | None:
        """Take a symbol. When its parcel is whole now: how many new bundles were in it."""
        self.heard_at = now
        self._note(frame)
        if frame.generation in self._parcels:
            return None
        self._new = 0
        if not self._blocks.take(frame, sender, lambda data: self._unpack(data, frame.generation, now), now):
            return None
        return self._new

    def spent(self, frame: ParcelFrame) -> float:
        """How many symbols its sender paid, most likely, since we last heard one of this parcel.

        The first of a parcel's own pieces tells of all of them: they are paid together.
        """
        if frame.index >= frame.shape.symbols:
            return SENT_FOR_HEARD
        heard = self._heard.get(frame.generation, set())
        return 0.0 if any(index < frame.shape.symbols for index in heard) else frame.shape.symbols

    def hear_need(self, frame: NeedFrame, now: float) -> None:
        """Another camp asked for symbols that serve us too."""
        self._blocks.somebody_needs(frame, now)

    def next_need_due(self) -> float:
        """When `next_need` has something."""
        return self._blocks.next_due()

    def next_need(self, now: float, is_awaited: Callable[[bytes, bool], bool]) -> NeedFrame | None:
        """What a parcel lacks that has rested long enough.

        A parcel is made for one camp; who heard a symbol or two of it cannot know whether it lacks what is in
        it, and to send it all once more, hop by hop, costs more than a request. So it is asked for by who has
        half of it and knows its sender to hold more, or who awaits a parcel of its sender:
        `is_awaited(sender, is_half)`.
        """
        return self._blocks.need(now, is_awaited)

    # -- what is sent -----------------------------------------------------------------------------

    def owe(
        self, camp: bytes, lacking: Iterable[BundleId], held: Sequence[BundleId], is_all: bool, now: float
    ) -> None:
        """This camp asked: it lacks these and holds those, of all that we hold or of a part.

        What is leaving reaches it as well.
        """
        leaving = self._owing.packed if self._leaving else frozenset()
        missed = [bundle_id for bundle_id in lacking if bundle_id not in leaving]
        self._owing.owe(camp, missed, held, is_all, now)

    def lacks_only(self, camp: bytes, lacking: Collection[BundleId]) -> None:
        """A comparison showed what a camp still lacks: nothing else is owed to it."""
        self._owing.lacks_only(camp, lacking)

    def forgive(self) -> None:
        """Another camp was asked: what did not leave yet stays here."""
        self._owing.forgive()

    def next_due(self, now: float) -> float:
        """When `next_frame` has something."""
        if self._leaving:
            return now
        if not self._owing.is_owed:
            return float("inf")
        due = self._purse.ready_at(self._price_ms())
        return (
            min(due, max(self._give_way_at(), self._purse.ready_at(self._full_ms)))
            if self._others_wait
            else due
        )

    def share_with(self, others_wait: bool) -> None:
        """Whether single bundles are owed as well, to be paid from the same purse."""
        self._others_wait = others_wait

    def next_frame(self, now: float) -> ParcelFrame | AnswerFrame | None:
        """The next symbol; or, where one bundle is owed that fits a frame, that bundle."""
        if not self._leaving and self._owing.is_owed:
            symbols = self._payable(now)
            if symbols:
                answer = self._pack(symbols, now)
                if answer is not None:
                    return answer
        return self._leaving.pop(0) if self._leaving else None

    def _payable(self, now: float) -> int:
        """How many symbols leave now: all that are owed; or, when others wait too, those that can be paid."""
        overdraft = self._overdraft_ms() if self._owing.is_alert() else 0.0
        symbols = self._owing.symbols()
        if self._others_wait and now >= self._give_way_at():
            symbols = min(symbols, int((self._purse.left(now) + overdraft) / self._full_ms))
        return symbols if symbols and self._purse.take(symbols * self._full_ms, now, overdraft) else 0

    def _give_way_at(self) -> float:
        return self._owing.since + GIVE_WAY_FRAMES * self._frame_s

    def mend(self, generation: bytes, missing: int, now: float) -> None:
        """Somebody needs so many more symbols of a parcel that is here whole: they leave next."""
        parcel = self._parcels.get(generation)
        if parcel is None or not self._purse.take(missing * self._full_ms, now, self._overdraft_ms()):
            return
        shape = self._parcels.shape(len(parcel.data))
        more = []
        for _ in range(missing):
            index = self._unheard(generation, shape)
            more.append(ParcelFrame(generation, shape, index, symbol(parcel.data, shape, index)))
            self._note(more[-1])
        self._leaving[:0] = more

    # -- helpers ----------------------------------------------------------------------------------

    def _pack(self, symbols: int, now: float) -> AnswerFrame | None:
        contents = self._owing.next_contents(symbols, now)
        if contents is None or not contents.wires:
            return None
        first = contents.wires[0]
        if len(contents.wires) == 1 and not contents.keys and HEAD_BYTES + len(first) <= self._mtu:
            return AnswerFrame(first)
        data = pack(contents)
        is_again = generation_of(data) in self._parcels
        generation, shape = self._parcels.remember(data, is_own=True), self._parcels.shape(len(data))
        for place in range(shape.symbols):
            # Who asks for the same again has some of it, most likely, and the others know which no better.
            index = self._unheard(generation, shape) if is_again else place
            self._leaving.append(ParcelFrame(generation, shape, index, symbol(data, shape, index)))
            self._note(self._leaving[-1])
        return None

    def _unheard(self, generation: bytes, shape: Shape) -> int:
        """A symbol that nobody was heard to send."""
        return parity_index(self._random, shape, self._heard.get(generation, set()))

    def _unpack(self, data: bytes, generation: bytes, now: float) -> bool:
        """Whether this is what the symbols claim; then its bundles are judged, each for itself."""
        if generation_of(data) != generation:
            return False
        try:
            contents = unpack(data)
        except Reject:  # its maker's fault: no other symbols would make it better
            contents = None
        self._parcels.remember(data, is_own=False)
        if contents is not None:
            authors = {wire[2:10] for wire in contents.wires}
            for key in contents.keys:
                if author_of(key) in authors:
                    self._counter.take_key(key, now)
            self._new = sum(self._counter.take_answer(wire, now) for wire in contents.wires)
        return True

    def _note(self, frame: ParcelFrame) -> None:
        self._heard.setdefault(frame.generation, set()).add(frame.index)
        self._heard.move_to_end(frame.generation)
        if len(self._heard) > HEARD_MAX:
            self._heard.popitem(last=False)

    def _price_ms(self) -> float:
        return self._owing.symbols() * self._full_ms

    def _overdraft_ms(self) -> float:
        return OVERDRAFT * self._purse.most
