"""Blocks: a bundle longer than a frame, cut so that any K of its symbols rebuild it (PROTOCOL.md §13).

On the air everybody loses other frames. If each asked for the very ones it lacks, a repair would
cost the sum of all losses; a parity symbol serves whoever lacks any one. So: K equal symbols of the
bundle itself first, then Cauchy Reed-Solomon parity over GF(256), the same at every holder.

Symbol t is u(t) times the value at t of one polynomial of degree below K, for every t, systematic
or parity: a Cauchy matrix is Lagrange's interpolation in other words. So decoding solves no
equations, and any K + 1 symbols that are true satisfy one equation that a forged one breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

# 24 frames are 52 s of LongFast: what is longer goes by cable.
SYMBOLS_MAX = 24
# Positions are elements of GF(256), systematic and parity together.
INDEX_MAX = 255
# Decodings of one block that a forged symbol spoiled: some 60 ms here. Then the parity is dropped.
TRIES_MAX = 64
# Symbols beyond K that a search looks at. With two forged among K + 3 it finds them without a try.
SPARE_SYMBOLS_MAX = 8
# Forged symbols that a search leaves out.
LEFT_OUT_MAX = 2

_MODULUS = 0x11D  # x^8 + x^4 + x^3 + x^2 + 1, of RFC 5510; x is primitive
_ORDER = 255


@dataclass(frozen=True, slots=True)
class Shape:
    """How a bundle is cut. Equal at all holders if they cut for frames of one size."""

    symbols: int  # K
    length: int  # bytes of the bundle's wire form

    @property
    def symbol_bytes(self) -> int:
        """Bytes of each symbol; the last systematic one ends in zeros."""
        return -(-self.length // self.symbols)


def shape_of(length: int, symbol_bytes_max: int) -> Shape:
    """The fewest symbols for a bundle of `length` bytes. Raises ValueError when they are more than 24."""
    symbols = max(1, -(-length // symbol_bytes_max))
    if symbols > SYMBOLS_MAX:
        raise ValueError(f"{length} bytes do not fit {SYMBOLS_MAX} symbols of {symbol_bytes_max}")
    return Shape(symbols, length)


def cut(wire: bytes, shape: Shape) -> list[bytes]:
    """The K systematic symbols."""
    width = shape.symbol_bytes
    padded = wire.ljust(shape.symbols * width, b"\0")
    return [padded[start : start + width] for start in range(0, len(padded), width)]


def symbol(wire: bytes, shape: Shape, index: int) -> bytes:
    """Symbol `index`: below K a piece of the bundle, from K to 255 parity over all pieces."""
    pieces = cut(wire, shape)
    if index < shape.symbols:
        return pieces[index]
    return _sum((_over(1, index ^ place), piece) for place, piece in enumerate(pieces))


def rebuild(symbols: Mapping[int, bytes], shape: Shape, accept: Callable[[bytes], bool]) -> bytes | None:
    """The bundle, if some K of the symbols give one that `accept` says is true; None otherwise.

    `symbols` by index, in the order in which they are trusted; those behind K + 8 are not looked at.
    A forged symbol is found by leaving out one, then two, at most 64 times. `accept` checks the cheap
    things first: id, then signature.
    """
    for subset in _subsets(symbols, shape.symbols):
        wire = _decode({index: symbols[index] for index in subset}, shape)
        if accept(wire):
            return wire
    return None


def _subsets(symbols: Mapping[int, bytes], count: int) -> Iterator[tuple[int, ...]]:
    """The sets of K indices that are worth a try, with none, one or two of the symbols left out."""
    tried: set[tuple[int, ...]] = set()
    indices = list(symbols)[: count + SPARE_SYMBOLS_MAX]
    for left_out in range(LEFT_OUT_MAX + 1):
        for suspects in combinations(reversed(indices), left_out):
            rest = [index for index in indices if index not in suspects]
            if len(rest) < count or (len(rest) > count and not _agree(symbols, rest[: count + 1], count)):
                continue
            subset = tuple(rest[:count])
            if subset not in tried:
                tried.add(subset)
                yield subset
            if len(tried) == TRIES_MAX:
                return


def _agree(symbols: Mapping[int, bytes], indices: Sequence[int], count: int) -> bool:
    """Whether these K + 1 symbols are of one bundle. One forged symbol never passes; several may."""
    return not any(_sum(zip(_weights(indices, count), (symbols[index] for index in indices), strict=True)))


def _decode(symbols: Mapping[int, bytes], shape: Shape) -> bytes:
    """The bundle of exactly K symbols."""
    indices = tuple(symbols)
    weights = _weights(indices, shape.symbols)
    pieces = []
    for place in range(shape.symbols):
        if place in symbols:
            pieces.append(symbols[place])
            continue
        scale = _over(_product(place ^ index for index in indices), _unit(place, shape.symbols))
        factors = [
            _times(scale, _over(weight, place ^ index))
            for index, weight in zip(indices, weights, strict=True)
        ]
        pieces.append(_sum(zip(factors, symbols.values(), strict=True)))
    return b"".join(pieces)[: shape.length]


def _weights(indices: Sequence[int], count: int) -> list[int]:
    """u(t) over the product of all (t - s): of symbol t in an interpolation through these indices."""
    return [
        _over(_unit(index, count), _product(index ^ other for other in indices if other != index))
        for index in indices
    ]


@cache
def _unit(index: int, count: int) -> int:
    """What a symbol is multiplied by to be a value of the polynomial."""
    return _product(index ^ place for place in range(count) if place != index)


# -- GF(256) -----------------------------------------------------------------------------------------


def _tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    powers, logs = [0] * _ORDER, [0] * 256
    element = 1
    for exponent in range(_ORDER):
        powers[exponent], logs[element] = element, exponent
        element = element << 1 ^ (_MODULUS if element >> 7 else 0)
    return tuple(powers), tuple(logs)


_POWER, _LOG = _tables()


def _times(a: int, b: int) -> int:
    return _POWER[(_LOG[a] + _LOG[b]) % _ORDER] if a and b else 0


def _over(a: int, b: int) -> int:
    """The quotient; b is not zero."""
    return _POWER[(_LOG[a] - _LOG[b]) % _ORDER] if a else 0


def _product(factors: Iterator[int]) -> int:
    """The product of factors that are not zero."""
    return _POWER[sum(_LOG[factor] for factor in factors) % _ORDER]


@cache
def _multiples(factor: int) -> bytes:
    """The 256 products with a factor, for bytes.translate."""
    return bytes(_times(factor, value) for value in range(256))


def _sum(terms: Iterator[tuple[int, bytes]]) -> bytes:
    """The sum of symbols of one length, each times its factor."""
    total, width = 0, 0
    for factor, data in terms:
        total ^= int.from_bytes(data.translate(_multiples(factor)))
        width = len(data)
    return total.to_bytes(width)
