"""GF(2^32), in which sketches are reckoned, for thousands of elements at a time (PROTOCOL.md §12).

On the wire an element is a polynomial over GF(2) modulo x^32 + x^7 + x^3 + x^2 + 1, the modulus of
libminisketch, as four bytes with the lowest powers first. Logarithms of 2^32 elements fit no Pi, so
inside an element is a pair over GF(2^16), whose tables fit a cache: h·y + l with y² = y + MU. Three
products of halves make a product (Karatsuba): six look-ups for any number of elements at once, some
8 ns each where shift-and-add takes 40. Nothing here asks for the roots of a polynomial: that cost
143 ms for 40 differences, and one's own elements need only be tried.

This module imports NumPy (30 MB). Whoever never compares two sets of some size never imports it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ELEMENT_BYTES = 4

_WIRE = np.dtype("<u4")
_ORDER = 0xFFFF  # of the multiplicative group of GF(2^16)
_MODULUS_16 = 0x1100B  # x^16 + x^12 + x^3 + x + 1, primitive: x runs through all 65,535 elements
# MU = x^13, the smallest power of two of trace 1: that makes y² + y + MU irreducible.
_LOG_MU = 13
# A root of the wire's modulus among the pairs, h in the upper half: it stands for the wire's "x".
_ROOT = 0x4F3EA761
# The logarithm of zero: so large that every sum with it reads a zero behind the table of powers.
_LOG_ZERO = 2 * _ORDER

_Halves = NDArray[np.uint16]  # of shape (3, n): h, l, h + l
_Logs = NDArray[np.intp]  # of the same shape
_Pairs = NDArray[np.uint32]


def _tables() -> tuple[NDArray[np.intp], NDArray[np.uint16]]:
    logs = np.full(_ORDER + 1, _LOG_ZERO, np.intp)
    powers = np.zeros(2 * _LOG_ZERO + 1, np.uint16)
    element = 1
    for exponent in range(_ORDER):
        logs[element] = exponent
        powers[exponent] = powers[exponent + _ORDER] = element
        element = element << 1 ^ (_MODULUS_16 if element >> 15 else 0)
    return logs, powers


_LOG, _POWER = _tables()
# The same logarithms, of MU times the element: one factor's upper halves are read from here.
_LOG_TIMES_MU = np.where(_LOG == _LOG_ZERO, _LOG_ZERO, (_LOG + _LOG_MU) % _ORDER)
# And from a logarithm to that of MU times as much.
_SHIFTED = np.append((np.arange(_LOG_ZERO) + _LOG_MU) % _ORDER, _LOG_ZERO)


def _halves(pairs: _Pairs) -> _Halves:
    # Filled in place: np.stack costs more than all the rest for the fifty elements of an ordinary evening.
    halves = np.empty((3, *pairs.shape), np.uint16)
    halves[0] = pairs >> 16
    halves[1] = pairs & _ORDER
    np.bitwise_xor(halves[0], halves[1], out=halves[2])
    return halves


def _pairs(halves: _Halves) -> _Pairs:
    pairs: _Pairs = halves[0].astype(np.uint32) << 16 | halves[1]
    return pairs


def _logs(halves: _Halves) -> _Logs:
    return _LOG.take(halves)


def _factor(logs: _Logs) -> _Logs:
    """Logarithms made ready to be added to those of another factor."""
    factor = logs.copy()
    factor[0] = _SHIFTED.take(logs[0])
    return factor


def _product(logs: _Logs, factor: _Logs) -> _Halves:
    """Products, from the logarithms of both factors."""
    return _join(_POWER.take(logs + factor))


def _join(parts: _Halves) -> _Halves:
    """MU·h·h', l·l' and (h + l)·(h' + l'), or sums of such, to the halves of the product."""
    halves = np.empty_like(parts)
    np.bitwise_xor(parts[1], parts[2], out=halves[0])
    np.bitwise_xor(parts[0], parts[1], out=halves[1])
    np.bitwise_xor(parts[0], parts[2], out=halves[2])
    return halves


def _times(a: int, b: int) -> int:
    """The product of two pairs."""
    upper, lower = a >> 16, a & _ORDER
    upper_b, lower_b = b >> 16, b & _ORDER
    high = _POWER.item(_LOG_TIMES_MU.item(upper) + _LOG.item(upper_b))
    low = _POWER.item(_LOG.item(lower) + _LOG.item(lower_b))
    both = _POWER.item(_LOG.item(upper ^ lower) + _LOG.item(upper_b ^ lower_b))
    return (both ^ low) << 16 | low ^ high


def _inverse(a: int) -> int:
    """The inverse of a pair that is not zero: its conjugate over its norm."""
    upper, lower = a >> 16, a & _ORDER
    both = upper ^ lower
    norm = _POWER.item(_LOG.item(lower) + _LOG.item(both))
    norm ^= _POWER.item(_LOG_TIMES_MU.item(upper) + _LOG.item(upper))
    over_norm = _ORDER - _LOG.item(norm)
    return _POWER.item(_LOG.item(upper) + over_norm) << 16 | _POWER.item(_LOG.item(both) + over_norm)


# -- between the wire's basis and pairs ------------------------------------------------------------


def _wire_images() -> list[int]:
    """The pair of each of the wire's 32 bits."""
    images = [1]
    while len(images) < 32:
        images.append(_times(images[-1], _ROOT))
    return images


def _inverted(images: list[int]) -> list[int]:
    """The images of the 32 bits under the inverse of a linear map, by Gauss and Jordan."""
    rows = [(image, 1 << bit) for bit, image in enumerate(images)]
    for bit in range(32):
        pivot = next(place for place in range(bit, 32) if rows[place][0] >> bit & 1)
        rows[bit], rows[pivot] = rows[pivot], rows[bit]
        image, source = rows[bit]
        rows = [
            (i ^ image, s ^ source) if i >> bit & 1 and place != bit else (i, s)
            for place, (i, s) in enumerate(rows)
        ]
    return [source for _, source in rows]


def _byte_tables(images: _Pairs) -> _Pairs:
    """Of linear maps given by images of bits, shape (m, 32): the images of all bytes, shape (m, 4, 256)."""
    images = images.reshape(-1, 4, 8)
    tables = np.zeros((len(images), 4, 256), np.uint32)
    for bit in range(8):
        tables[:, :, 1 << bit : 2 << bit] = tables[:, :, : 1 << bit] ^ images[:, :, bit : bit + 1]
    return tables


# Where the table of each byte begins in four of them laid end to end.
_TABLE_STARTS = np.arange(0, ELEMENT_BYTES * 256, 256)[:, np.newaxis]


def _map_sum(tables: _Pairs, elements: _Pairs) -> _Pairs:
    """The sum of linear maps (m, 4, 256), each of its own row of elements (m, n): shape (n,)."""
    octets = elements.astype(_WIRE, order="C").view(np.uint8).reshape(*elements.shape, ELEMENT_BYTES)
    total = np.zeros(elements.shape[1], np.uint32)
    for table, row in zip(tables, octets, strict=True):
        total ^= np.bitwise_xor.reduce(table.ravel().take(row.T + _TABLE_STARTS), axis=0)
    return total


_IMAGES = _wire_images()
_FROM_WIRE = _byte_tables(np.array(_IMAGES, np.uint32))
_TO_WIRE = _byte_tables(np.array(_inverted(_IMAGES), np.uint32))


def _read(wire: bytes) -> _Pairs:
    elements = np.frombuffer(wire, _WIRE).astype(np.uint32)
    return _map_sum(_FROM_WIRE, elements[np.newaxis])


def _write(pairs: _Pairs) -> bytes:
    return _map_sum(_TO_WIRE, pairs[np.newaxis]).astype(_WIRE).tobytes()


# -- elements, their sums of powers, and the polynomials they are zeros of ----------------------------


def _frobenius() -> _Logs:
    """Logarithms of the 2^k-th power of each bit of a pair, k from 0 to 5; shape (3, 6, 32)."""
    power = _halves(np.uint32(1) << np.arange(32, dtype=np.uint32))
    logs = [_logs(power)]
    for _ in range(5):
        logs.append(_logs(_product(logs[-1], _factor(logs[-1]))))
    return np.stack(logs, axis=1)


_BIT_POWERS = _frobenius()
# 2^6 is the first power of two behind the six above.
DEGREE_MAX = 63


class Elements:
    """Elements of the field, in rising order, and their odd powers as far as they were needed."""

    def __init__(self, wire: bytes) -> None:
        numbers = np.frombuffer(wire, _WIRE).astype(np.uint32)
        self._order = np.argsort(numbers, kind="stable")
        self._numbers = numbers[self._order]
        self._odd_powers = _map_sum(_FROM_WIRE, self._numbers[np.newaxis])[np.newaxis]
        self._summed: tuple[tuple[int, int, int], bytes] = (
            (0, 0, 0),
            b"",
        )  # the last sketch, often asked for again

    def __len__(self) -> int:
        return len(self._numbers)

    def _raise_to(self, count: int) -> None:
        """Make the first `count` odd powers: of m of them m more, times x^2m, which is x^(2m-1) times x."""
        while (made := len(self._odd_powers)) < count:
            logs = _logs(_halves(self._odd_powers))
            even = _product(logs[:, -1], _factor(logs[:, 0]))
            more = _product(logs[:, : count - made], _factor(_logs(even))[:, np.newaxis])
            self._odd_powers = np.concatenate((self._odd_powers, _pairs(more)))

    def _span(self, first: int, last: int) -> slice:
        start = self._numbers.searchsorted(np.uint32(first), side="left")
        return slice(int(start), int(self._numbers.searchsorted(np.uint32(last), side="right")))

    def count(self, first: int, last: int) -> int:
        """How many there are with first <= element <= last, read as numbers."""
        return len(self._numbers[self._span(first, last)])

    def power_sums(self, count: int, first: int, last: int) -> bytes:
        """The sums of the first `count` odd powers of the elements from first to last: a sketch of them."""
        self._raise_to(count)
        asked = count, first, last
        if self._summed[0] != asked:
            sums = np.bitwise_xor.reduce(self._odd_powers[:count, self._span(first, last)], axis=1)
            self._summed = asked, _write(sums)
        return self._summed[1]

    def power_sums_at(self, places: list[int], count: int) -> bytes:
        """The same of the elements at these places (of the order in which they were given)."""
        self._raise_to(count)
        inside = np.isin(self._order, places)
        return _write(np.bitwise_xor.reduce(self._odd_powers[:count, inside], axis=1))

    def zeros_of(self, coefficients: bytes, first: int, last: int) -> list[int]:
        """The places of the elements from first to last at which a polynomial is zero.

        The polynomial is monic; `coefficients` are those of x^0, x^1, …, without the leading 1; at most
        63 of them. In characteristic 2, c·x^(j·2^k) is a linear function of x^j, so the terms of one
        odd j together are one linear map of a power that is at hand: four look-ups for up to six terms.
        """
        polynomial = np.append(_read(coefficients), np.uint32(1))
        degree = len(polynomial) - 1
        if degree == 0:
            return []
        if degree > DEGREE_MAX:
            raise ValueError(f"a polynomial of degree {degree}")
        maps = _linear_maps(polynomial)
        self._raise_to(len(maps))
        span = self._span(first, last)
        zero = _map_sum(_byte_tables(maps), self._odd_powers[: len(maps), span]) == polynomial[0]
        return [int(place) for place in self._order[span][zero]]


def group_sums(numbers: NDArray[np.uint32], ends: NDArray[np.intp], count: int) -> list[bytes]:
    """The first `count` odd power sums of consecutive groups of elements: a sketch of each group.

    `numbers` are elements as the wire's numbers, `ends` where each group ends (the first begins at 0). All
    groups at once: a hundred small sketches of a large set cost what one of all of it does.
    """
    newest = _halves(_map_sum(_FROM_WIRE, numbers[np.newaxis]))
    logs = _logs(newest)
    square = _factor(_logs(_product(logs, _factor(logs))))
    sums = np.empty((count, len(ends)), np.uint32)
    for power in range(count):
        if power:
            newest = _product(_logs(newest), square)
        upto = np.append(np.bitwise_xor.accumulate(_pairs(newest)), np.uint32(0))[ends - 1]
        sums[power] = upto  # of a group that ends at 0 the last, which is zero
    sums[:, 1:] ^= sums[:, :-1].copy()
    return [_write(np.ascontiguousarray(column)) for column in sums.T]


def _linear_maps(polynomial: _Pairs) -> _Pairs:
    """For each odd j, the images of the 32 bits of x^j under the sum of all c·(x^j)^(2^k); shape (m, 32)."""
    degree = len(polynomial) - 1
    factor = _factor(_logs(_halves(polynomial)))
    maps = np.zeros(((degree + 1) // 2, 32), np.uint32)
    for k in range(degree.bit_length()):
        terms = factor[:, 1 << k :: 2 << k, np.newaxis]
        maps[: terms.shape[1]] ^= _pairs(_product(_BIT_POWERS[:, k, np.newaxis], terms))
    return maps


def locator(sums: bytes) -> bytes | None:
    """The monic polynomial whose zeros are the elements of a sketch; None when there are too many.

    `sums` are t odd power sums. At most t - 1 elements are found: the last sum is left to tell a
    set that fits from one that does not (a set that does not passes with probability 2^-32). The
    coefficients come as `Elements.zeros_of` takes them. Berlekamp and Massey's algorithm with the even
    steps left out (Massey 1969; in characteristic 2 their discrepancy is always zero).
    """
    count = len(sums) // ELEMENT_BYTES
    sequence = _sequence(_read(sums))
    connection = np.zeros((3, count + 1), np.uint16)
    connection[1:, 0] = 1
    previous, scale = _factor(_logs(connection[:, :1])), 1
    length, gap = 0, 1
    for step in range(0, 2 * count, 2):
        start = 2 * count - 1 - step
        logs = _logs(connection[:, : length + 1])
        parts = _POWER.take(logs + sequence[:, start : start + length + 1])
        high, low, both = np.bitwise_xor.reduce(parts, axis=1).tolist()
        discrepancy = (both ^ low) << 16 | low ^ high
        if discrepancy:
            if 2 * length <= step and step + 1 - length >= count:
                return None
            width = previous.shape[1]
            connection[:, gap : gap + width] ^= _product(_scalar_logs(_times(discrepancy, scale)), previous)
            if 2 * length <= step:
                length, gap = step + 1 - length, 0
                previous, scale = _factor(logs), _inverse(discrepancy)
        gap += 2
    if not connection[2, length] and not connection[1, length]:
        return None
    return _write(_pairs(connection[:, length:0:-1]))


def _sequence(odd_sums: _Pairs) -> _Logs:
    """All sums of powers from the odd ones, the highest first, ready to be multiplied with."""
    sums = [0] * (2 * len(odd_sums) + 1)
    sums[1::2] = odd_sums.tolist()
    for power in range(2, len(sums), 2):  # the sum of the squares is the square of the sum
        sums[power] = _times(sums[power // 2], sums[power // 2])
    return _factor(_logs(_halves(np.array(sums[:0:-1], np.uint32))))


def _scalar_logs(pair: int) -> _Logs:
    upper, lower = pair >> 16, pair & _ORDER
    return np.array([[_LOG.item(upper)], [_LOG.item(lower)], [_LOG.item(upper ^ lower)]])
