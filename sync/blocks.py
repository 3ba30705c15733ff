"""Blocks under way: bundles longer than a frame, symbol by symbol (PROTOCOL.md §13)."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from sync.air_frames import NeedFrame, SymbolFrame
from sync.coding import INDEX_MAX, SPARE_SYMBOLS_MAX, Shape, rebuild

# Three camps that talk at once, and what a stranger sends beside them. 64 blocks of 4,500 bytes are 300 kB;
# when full the one that was silent longest goes.
BLOCKS_MAX = 64
# How often we say that we still miss something before we leave it to the next beacon.
NEEDS_MAX = 4


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
    """Half-built bundles of one link. `rest_s` is how long after the last symbol we ask for more."""

    def __init__(self, random: Random, rest_s: float) -> None:
        self._random = random
        self._rest_s = rest_s
        self._blocks: OrderedDict[tuple[bytes, Shape], _Block] = OrderedDict()

    def take(
        self, frame: SymbolFrame, sender: bytes, accept: Callable[[bytes], bool], now: float
    ) -> Counter[bytes]:
        """Take a symbol. When the block is whole, which `accept` has seen: how many came from whom."""
        key = (frame.generation, frame.shape)
        block = self._blocks.setdefault(key, _Block(frame.shape))
        self._blocks.move_to_end(key)
        if len(self._blocks) > BLOCKS_MAX:
            self._blocks.popitem(last=False)
        block.senders[sender] += 1
        if len(block.symbols) < frame.shape.symbols + SPARE_SYMBOLS_MAX:
            block.symbols.setdefault(frame.index, frame.data)
        block.due = now + self._rest_s * self._random.uniform(1.0, 2.0)
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
                block.due = now + self._rest_s * self._random.uniform(1.0, 2.0)

    def next_due(self) -> float:
        """When a NEED is due."""
        return min((block.due for block in self._blocks.values()), default=float("inf"))

    def need(self, now: float) -> NeedFrame | None:
        """What to ask for now. A block that was asked for too often is given up."""
        for key, block in list(self._blocks.items()):
            if block.due > now:
                continue
            if block.needs >= NEEDS_MAX:
                del self._blocks[key]
                continue
            block.needs += 1
            block.due = now + 2 * self._rest_s * self._random.uniform(1.0, 2.0) * block.needs
            return NeedFrame(key[0], block.missing)
        return None

    def __len__(self) -> int:
        return len(self._blocks)


def parity_index(random: Random, shape: Shape, heard: set[int]) -> int:
    """An index behind the bundle's own pieces that nobody was heard to send."""
    free = [index for index in range(shape.symbols, INDEX_MAX + 1) if index not in heard]
    return random.choice(free or range(shape.symbols, INDEX_MAX + 1))
