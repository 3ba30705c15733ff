"""Feedback on blocks and parcels: who needs more symbols, and who makes them (PROTOCOL.md §15.4, §15.9).

A NEED says how many, no matter which. Whoever holds the whole may make them, so each waits a little, counts
what others send meanwhile, and sends only what is still missing then.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from sync.air_frames import GENERATION_BYTES, NeedFrame
from sync.asking import Asking
from sync.blockpost import BlockPost
from sync.intentions import Intention, Intentions, SaySymbols
from sync.parcelpost import OTHER_PARITY_FRAMES, OWN_PARITY_FRAMES, ParcelPost
from sync.wanting import OFFER_FRAMES


class Feedback:
    """One camp's NEEDs on one link, and its answers. `frame_s`: what a full frame takes."""

    def __init__(
        self,
        blocks: BlockPost,
        parcels: ParcelPost,
        asking: Asking,
        intentions: Intentions,
        random: Random,
        frame_s: float,
    ) -> None:
        self._blocks = blocks
        self._parcels = parcels
        self._asking = asking
        self._intentions = intentions
        self._random = random
        self._frame_s = frame_s

    # -- what others lack -------------------------------------------------------------------------

    def hear(self, frame: NeedFrame, now: float) -> None:
        """Somebody lacks symbols: they may serve us too, or we mean to make them."""
        self._blocks.hear_need(frame, now)
        self._parcels.hear_need(frame, now)
        if self._parcels.is_leaving(frame.generation):
            return
        if frame.generation in self._parcels:
            is_own = self._parcels.is_own(frame.generation)
            spread = OWN_PARITY_FRAMES if is_own else OTHER_PARITY_FRAMES
        elif self._blocks.holds(frame.generation):
            spread = (0.0, OFFER_FRAMES)
        else:
            return
        self._intentions.forget(
            lambda each: isinstance(each, SaySymbols) and each.generation == frame.generation
        )
        intention = SaySymbols(frame.generation, frame.missing)
        self._intentions.add(intention, now + self._random.uniform(*spread) * self._frame_s)

    def hear_symbol(self, generation: bytes) -> None:
        """Another holder sent a symbol that we were about to make."""

        def fewer(due: float, each: Intention) -> tuple[float, Intention]:
            if isinstance(each, SaySymbols) and each.generation == generation:
                return due, replace(each, missing=each.missing - 1)
            return due, each

        self._intentions.change(fewer)
        self._intentions.forget(lambda each: isinstance(each, SaySymbols) and each.missing <= 0)

    def mend(self, asked: SaySymbols, now: float) -> bool:
        """Make what is still missing, if the purse pays it; whether symbols of a block leave next."""
        if len(asked.generation) == GENERATION_BYTES:
            return self._blocks.mend(asked.generation, asked.missing, now)
        self._parcels.mend(asked.generation, asked.missing, now)
        return False

    # -- what we lack -----------------------------------------------------------------------------

    def next_due(self) -> float:
        """When `next_need` has something; no parcel is asked for once none is expected."""
        due = self._parcels.next_need_due()
        if due > self._asking.expects_until:
            due = float("inf")
        return min(due, self._blocks.next_need_due())

    def next_need(self, now: float) -> NeedFrame | None:
        """What a block or a parcel lacks that has rested long enough."""
        need = self._blocks.next_need(now)
        if need is None and now <= self._asking.expects_until:
            need = self._parcels.next_need(
                now, lambda sender, is_half: self._asking.awaits(sender, is_half, now)
            )
            if need is not None:
                self._asking.said_need(self._parcels.next_need_due(), now)
        return need
