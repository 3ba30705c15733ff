"""Blocks under way: symbols in any order, some forged, some never heard."""

from random import Random

import pytest

from sync.air_frames import NeedFrame, SymbolFrame
from sync.blocks import BLOCKS_MAX, NEEDS_MAX, Blocks, Patience, parity_index
from sync.coding import SPARE_SYMBOLS_MAX, Shape, shape_of, symbol

WIRE = Random(1).randbytes(700)
SHAPE = shape_of(len(WIRE), 207)
SENDER = b"AB"
PATIENCE = Patience(5.0, 0.0, 10.0)
GENERATION = b"generati"


def frame(index, data=None, generation=GENERATION):
    return SymbolFrame(generation, SHAPE, index, symbol(WIRE, SHAPE, index) if data is None else data)


def accept(built):
    return built == WIRE


@pytest.mark.parametrize("indices", [(0, 1, 2, 3), (3, 2, 1, 0), (0, 9, 2, 200), (10, 11, 12, 13)])
def test_any_k_symbols_are_enough(indices):
    blocks = Blocks(Random(1), PATIENCE)
    taken = [bool(blocks.take(frame(index), SENDER, accept, 0.0)) for index in indices]
    assert taken == [False, False, False, True]
    assert len(blocks) == 0


def test_the_same_symbol_twice_is_one():
    blocks = Blocks(Random(1), PATIENCE)
    assert not any(blocks.take(frame(index), SENDER, accept, 0.0) for index in (0, 0, 0, 1, 1, 2))


def test_a_forged_symbol_delays_and_ruins_nothing():
    blocks = Blocks(Random(1), PATIENCE)
    blocks.take(frame(77, Random(2).randbytes(SHAPE.symbol_bytes)), SENDER, accept, 0.0)
    taken = [bool(blocks.take(frame(index), SENDER, accept, 0.0)) for index in range(SHAPE.symbols)]
    assert taken[-1] or blocks.take(frame(99), SENDER, accept, 0.0)


def test_a_block_full_of_lies_asks_again_and_is_rebuilt():
    blocks = Blocks(Random(1), PATIENCE)
    for index in range(100, 100 + SHAPE.symbols + SPARE_SYMBOLS_MAX):
        blocks.take(frame(index, Random(index).randbytes(SHAPE.symbol_bytes)), SENDER, accept, 0.0)
    assert isinstance(blocks.need(1_000.0), NeedFrame)
    assert any(blocks.take(frame(index), SENDER, accept, 1_001.0) for index in range(SHAPE.symbols))


def test_what_is_missing_is_asked_for_some_times_and_again_when_somebody_answers():
    blocks = Blocks(Random(1), PATIENCE)
    blocks.take(frame(0), SENDER, accept, 0.0)
    asked = []
    while blocks.next_due() < float("inf"):
        asked.append(blocks.need(blocks.next_due()))
    assert asked == [NeedFrame(GENERATION, SHAPE.symbols - 1)] * NEEDS_MAX + [None]
    blocks.take(frame(1), SENDER, accept, 9_000.0)
    assert blocks.need(blocks.next_due()) == NeedFrame(GENERATION, SHAPE.symbols - 2)


def test_somebody_elses_request_serves_us_too():
    blocks = Blocks(Random(1), PATIENCE)
    blocks.take(frame(0), SENDER, accept, 0.0)
    due = blocks.next_due()
    blocks.somebody_needs(NeedFrame(GENERATION, SHAPE.symbols), due)
    assert blocks.next_due() > due


def test_at_most_64_blocks_are_kept_and_the_newest():
    blocks = Blocks(Random(1), PATIENCE)
    for n in range(BLOCKS_MAX + 10):
        blocks.take(frame(0, generation=n.to_bytes(8)), SENDER, accept, float(n))
    assert len(blocks) == BLOCKS_MAX
    blocks.drop((BLOCKS_MAX + 9).to_bytes(8))
    assert len(blocks) == BLOCKS_MAX - 1


def test_parity_is_chosen_behind_the_pieces_and_among_what_was_not_heard():
    chosen = {parity_index(Random(n), Shape(4, 700), set(range(4, 250))) for n in range(60)}
    assert chosen <= set(range(250, 256))
    assert parity_index(Random(1), Shape(4, 700), set(range(256))) >= 4
