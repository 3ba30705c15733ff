"""Blocks under way: what is longer than a frame, symbol by symbol (PROTOCOL.md §13).

Bundles that are cut, and parcels; what they differ in is how long one waits before asking for more.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from sync.air_frames import NeedFrame, ParcelFrame, SymbolFrame
from sync.coding import INDEX_MAX, SPARE_SYMBOLS_MAX, Shape, rebuild

# Three camps that talk at once, and what a stranger sends beside them. 64 blocks of 4,500 bytes are 300 kB;
# when full the one that was silent longest goes.
BLOCKS_MAX = 64
# How often we say that we still miss something before we leave it to the next beacon.
NEEDS_MAX = 4
# So many times as long as after the first is waited after the last ones.
LONGER_MOST = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a block waits before a NEED is said, in seconds."""

    rest_s: float  # after the last symbol that was heard
    more_to_come_s: float  # on top of that, until the last of a block's own pieces was heard
    again_s: float  # after a NEED, and as much longer after each
    needs_max: int = NEEDS_MAX


@dataclass(slots=True)
class _Block:
    shape: Shape
    symbols: dict[int, bytes] = field(default_factory=dict)
    senders: Counter[bytes] = field(default_factory=Counter)  # symbols of each camp
    due: float = 0.0
    needs: int = 0

    @property
    def missing(self) -> int:
        return max(1, self.shape.symbols - len(self.symbols))


class Blocks:
    """Half-built blocks of one link."""

    def __init__(self, random: Random, patience: Patience) -> None:
        self._random = random
        self._patience = patience
        self._blocks: OrderedDict[tuple[bytes, Shape], _Block] = OrderedDict()

    def take(
        self, frame: SymbolFrame | ParcelFrame, sender: bytes, accept: Callable[[bytes], bool], now: float
    ) -> Counter[bytes]:
        """Take a symbol. When the block is whole, which `accept` has seen: how many came from whom."""
        key = (frame.generation, frame.shape)
        block = self._blocks.setdefault(key, _Block(frame.shape))
        self._blocks.move_to_end(key)
        if len(self._blocks) > BLOCKS_MAX:
            self._blocks.popitem(last=False)
        block.senders[sender] += 1
        if frame.index not in block.symbols and len(block.symbols) < frame.shape.symbols + SPARE_SYMBOLS_MAX:
            block.symbols[frame.index] = frame.data
            block.needs = 0  # somebody answers
        block.due = now + self._rest_s()
        if frame.index < frame.shape.symbols - 1:
            block.due += self._patience.more_to_come_s
        if len(block.symbols) < frame.shape.symbols:
            return Counter()
        if rebuild(block.symbols, frame.shape, accept) is not None:
            self._blocks.pop(key, None)  # accepting it may have dropped it already
            return block.senders
        if len(block.symbols) == frame.shape.symbols + SPARE_SYMBOLS_MAX:
            # Somebody pollutes the block: keep the bundle's own pieces, ask for parity again.
            own = {index: data for index, data in block.symbols.items() if index < frame.shape.symbols}
            block.symbols = dict(list(own.items())[: frame.shape.symbols - 1])
        return Counter()

    def drop(self, generation: bytes) -> None:
        """The bundle came by another road."""
        for key in [key for key in self._blocks if key[0] == generation]:
            del self._blocks[key]

    def somebody_needs(self, frame: NeedFrame, now: float) -> None:
        """Another camp asked for the same block: its symbols serve us too."""
        for (generation, _), block in self._blocks.items():
            if generation == frame.generation and frame.missing >= block.missing:
                block.due = now + self._rest_s()

    def next_due(self) -> float:
        """When a NEED is due."""
        return min((block.due for block in self._blocks.values()), default=float("inf"))

    def need(self, now: float, is_awaited: Callable[[bytes, bool], bool] | None = None) -> NeedFrame | None:
        """What to ask for now. A block that was asked for in vain too often is asked for no more.

        With `is_awaited(sender, is_half)`: nor is one whose senders we do not await. `is_half`: at least half
        of it is here.
        """
        for key, block in list(self._blocks.items()):
            if block.due > now:
                continue
            is_half = 2 * block.missing <= block.shape.symbols
            is_others = is_awaited is not None and not any(
                is_awaited(sender, is_half) for sender in block.senders
            )
            if is_others or block.needs >= self._patience.needs_max:
                block.due = float("inf")  # its symbols stay: whoever sends it again sends others
                continue
            block.needs += 1
            block.due = now + self._patience.again_s * self._random.uniform(1.0, 2.0) * min(
                block.needs, LONGER_MOST
            )
            return NeedFrame(key[0], block.missing)
        return None

    def _rest_s(self) -> float:
        return self._patience.rest_s * self._random.uniform(1.0, 2.0)

    def __len__(self) -> int:
        return len(self._blocks)


def parity_index(random: Random, shape: Shape, heard: set[int]) -> int:
    """An index behind the bundle's own pieces that nobody was heard to send."""
    free = [index for index in range(shape.symbols, INDEX_MAX + 1) if index not in heard]
    return random.choice(free or range(shape.symbols, INDEX_MAX + 1))
