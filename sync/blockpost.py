"""The post of long bundles on one link: cut, sent, heard, rebuilt and mended (PROTOCOL.md §13, §15.4)."""

from __future__ import annotations

from collections import Counter, OrderedDict
from random import Random
from typing import Protocol

from sync.air_frames import GENERATION_BYTES, SYMBOL_BYTES_MAX, NeedFrame, SymbolFrame
from sync.blocks import Blocks, Patience, parity_index
from sync.bundle import BundleId
from sync.coding import Shape, shape_of, symbol
from sync.frames import HEAD_BYTES, RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile
from sync.owing import Shelf
from sync.purse import Purse
from sync.signing import KEY_BYTES

# A block that lacks symbols waits for them so long before it asks: relays may still bring them.
NEED_FRAMES = 20.0
# Blocks of which we know what was sent: those of the last minutes of a crowded channel.
HEARD_MAX = 32


class Taker(Protocol):
    """Where a rebuilt bundle is judged."""

    def take_wire(self, wire: bytes, generation: bytes, now: float) -> bool:
        """Take a bundle that was built from symbols in; whether it is the one it claims to be."""


class BlockPost:
    """One camp's blocks on one link. Times are engine time."""

    def __init__(self, taker: Taker, shelf: Shelf, purse: Purse, link: LinkProfile, random: Random) -> None:
        self._taker = taker
        self._shelf = shelf
        self._purse = purse
        self._mtu = link.mtu
        self._full_ms = link.airtime_ms(link.mtu)
        self._random = random
        rest_s = NEED_FRAMES * self._full_ms / 1_000
        self._blocks = Blocks(random, Patience(rest_s, 0.0, 2 * rest_s))
        self._leaving: list[SymbolFrame] = []
        self._heard: OrderedDict[bytes, set[int]] = OrderedDict()

    @property
    def is_leaving(self) -> bool:
        """Whether symbols wait for nothing but their turn."""
        return bool(self._leaving)

    def holds(self, generation: bytes) -> bool:
        """Whether we can make symbols of this block."""
        return len(generation) == GENERATION_BYTES and self._shelf.with_prefix(generation) is not None

    # -- what is heard ----------------------------------------------------------------------------

    def note(self, frame: SymbolFrame) -> None:
        """This symbol was sent by somebody."""
        self._indices(frame.generation).add(frame.index)

    def take(self, frame: SymbolFrame, sender: bytes, now: float) -> Counter[bytes]:
        """Take a symbol of what is not here. When it is now: how many came from whom."""
        return self._blocks.take(
            frame, sender, lambda wire: self._taker.take_wire(wire, frame.generation, now), now
        )

    def hear_need(self, frame: NeedFrame, now: float) -> None:
        """Another camp asked for symbols that serve us too."""
        self._blocks.somebody_needs(frame, now)

    def drop(self, bundle_id: BundleId) -> None:
        """The bundle came by another road."""
        self._blocks.drop(bundle_id[:GENERATION_BYTES])

    def next_need_due(self) -> float:
        """When `next_need` has something."""
        return self._blocks.next_due()

    def next_need(self, now: float) -> NeedFrame | None:
        """What a block lacks that has rested long enough."""
        return self._blocks.need(now)

    # -- what is sent -----------------------------------------------------------------------------

    def frames_of(self, length: int) -> int:
        """How many frames a bundle of so many bytes takes."""
        return 1 if length <= self._mtu - HEAD_BYTES else self._shape(length + KEY_BYTES).symbols

    def piece(self, bundle_id: BundleId, content: bytes, is_own: bool) -> SymbolFrame:
        """The next symbol of this bundle: of our own its pieces, in order; else parity that nobody sent."""
        generation, shape = bundle_id[:GENERATION_BYTES], self._shape(len(content))
        pieces = [index for index in range(shape.symbols) if index not in self._indices(generation)]
        return self._symbol(generation, content, shape, pieces[0] if is_own and pieces else None)

    def mend(self, generation: bytes, missing: int, now: float) -> bool:
        """Somebody needs so many more symbols; whether they leave next."""
        live = self._shelf.with_prefix(generation)
        wire = self._shelf.wire_of(live.id) if live is not None else None
        if live is None or wire is None or not self._purse.take(missing * self._full_ms, now):
            return False
        content = wire + live.key
        for _ in range(missing):
            self._leaving.append(self._symbol(generation, content, self._shape(len(content)), None))
        return True

    def next_frame(self) -> SymbolFrame | None:
        """The next symbol."""
        return self._leaving.pop(0) if self._leaving else None

    def _symbol(self, generation: bytes, content: bytes, shape: Shape, piece: int | None) -> SymbolFrame:
        """A piece of the content, or parity that nobody was heard to send."""
        heard = self._indices(generation)
        index = parity_index(self._random, shape, heard) if piece is None else piece
        heard.add(index)
        return SymbolFrame(generation, shape, index, symbol(content, shape, index))

    def _shape(self, length: int) -> Shape:
        return shape_of(length, symbol_bytes_max(self._mtu))

    def _indices(self, generation: bytes) -> set[int]:
        heard = self._heard.setdefault(generation, set())
        self._heard.move_to_end(generation)
        if len(self._heard) > HEARD_MAX:
            self._heard.popitem(last=False)
        return heard


def symbol_bytes_max(mtu: int) -> int:
    """What of a bundle fits a SYMBOL on a link."""
    return SYMBOL_BYTES_MAX - max(0, RADIO_FRAME_BYTES_MAX - mtu)
