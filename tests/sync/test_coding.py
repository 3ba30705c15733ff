"""Blocks: any K symbols are enough, and a forged one or two do not stop them."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.coding import INDEX_MAX, SYMBOLS_MAX, TRIES_MAX, Shape, cut, rebuild, shape_of, symbol


def made(seed, shape, indices):
    wire = Random(seed).randbytes(shape.length)
    return wire, {index: symbol(wire, shape, index) for index in indices}


def spoilt(seed, symbols, count):
    random = Random(seed)
    bad = random.sample(list(symbols), count)
    return {i: random.randbytes(len(data)) if i in bad else data for i, data in symbols.items()}


def accept_only(wire, tries):
    def accept(candidate):
        tries.append(candidate)
        return candidate == wire

    return accept


@given(st.integers(1, SYMBOLS_MAX), st.integers(1, 400), st.randoms(use_true_random=False))
def test_any_k_symbols_give_the_bundle(count, length, random):
    shape = Shape(count, length)
    wire, symbols = made(length, shape, random.sample(range(INDEX_MAX + 1), count))
    tries: list[bytes] = []
    assert rebuild(symbols, shape, accept_only(wire, tries)) == wire
    assert len(tries) == 1


def test_every_choice_of_k_among_a_few():
    shape = Shape(3, 50)
    wire, symbols = made(1, shape, (0, 1, 2, 3, 4, 200, INDEX_MAX))
    for chosen in combinations(symbols, 3):
        assert rebuild({i: symbols[i] for i in chosen}, shape, wire.__eq__) == wire


def test_systematic_symbols_are_the_bundle_cut():
    wire, symbols = made(2, Shape(4, 30), range(4))
    assert b"".join(symbols.values()) == wire + bytes(2)
    assert cut(wire, Shape(4, 30)) == list(symbols.values())


def test_fewer_than_k_are_not_tried():
    shape = Shape(5, 100)
    wire, symbols = made(3, shape, range(4))
    tries: list[bytes] = []
    assert rebuild(symbols, shape, accept_only(wire, tries)) is None
    assert tries == []


@pytest.mark.parametrize(
    ("bad", "extra", "tries_max"), [(0, 8, 1), (1, 1, 25), (1, 2, 1), (1, 8, 1), (2, 3, 1), (2, 8, 1)]
)
@pytest.mark.parametrize("count", [2, 5, 24])
def test_forged_symbols_are_left_out(count, bad, extra, tries_max):
    shape = Shape(count, 40 * count)
    for seed in range(5):
        wire, symbols = made(seed, shape, Random(seed).sample(range(60), count + extra))
        tries: list[bytes] = []
        assert rebuild(spoilt(seed, symbols, bad), shape, accept_only(wire, tries)) == wire
        assert len(tries) <= tries_max


def test_two_forged_among_k_plus_two_are_a_matter_of_tries():
    shape = Shape(5, 200)
    wire, symbols = made(5, shape, range(7))
    assert rebuild(spoilt(5, symbols, 2), shape, wire.__eq__) == wire


@pytest.mark.parametrize(("bad", "extra"), [(1, 0), (2, 1), (2, 2), (9, 2), (12, 30)])
def test_the_search_ends_and_never_gives_what_was_not_accepted(bad, extra):
    shape = Shape(SYMBOLS_MAX, 4_500)
    wire, symbols = made(6, shape, range(SYMBOLS_MAX + extra))
    tries: list[bytes] = []
    given_up = rebuild(spoilt(6, symbols, bad), shape, accept_only(wire, tries))
    assert given_up in (None, wire)
    assert len(tries) <= TRIES_MAX


@given(st.integers(80, 4_500))
def test_a_bundle_is_cut_into_as_few_symbols_as_it_needs(length):
    shape = shape_of(length, 207)
    assert shape.symbol_bytes <= 207
    assert shape.symbols == 1 or (shape.symbols - 1) * 207 < length


def test_what_needs_more_symbols_goes_by_cable():
    assert shape_of(24 * 188, 188).symbols == 24
    with pytest.raises(ValueError, match="24 symbols of 188"):
        shape_of(24 * 188 + 1, 188)
