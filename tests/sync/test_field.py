"""The quick field is the slow one, and locators have the zeros they should."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.field import DEGREE_MAX, Elements, locator
from tests.sync import slow_field

LAST = 0xFFFFFFFF
elements = st.integers(1, LAST)
# Halves of zero are what tables of logarithms get wrong.
awkward = st.sampled_from([1, 2, 0xFFFF, 0x10000, 0x80000000, 0xFFFF0000, LAST, 0x4F3EA761])
sets = st.lists(st.one_of(elements, awkward), unique=True, max_size=12)


@given(sets, st.integers(1, 20))
def test_power_sums_are_those_of_the_text_book(numbers, count):
    quick = Elements(slow_field.write(numbers)).power_sums(count, 0, LAST)
    assert quick == slow_field.odd_power_sums(numbers, count)


@given(sets)
def test_a_locator_has_the_elements_as_its_zeros_and_no_others(numbers):
    found = locator(slow_field.odd_power_sums(numbers, len(numbers) + 1))
    assert found == slow_field.polynomial_of(numbers)


@given(sets.filter(lambda numbers: len(numbers) > 1), st.data())
def test_too_many_elements_are_noticed(numbers, data):
    count = data.draw(st.integers(1, len(numbers)))
    assert locator(slow_field.odd_power_sums(numbers, count)) is None


@given(st.binary(min_size=4, max_size=4 * 20).filter(lambda data: len(data) % 4 == 0))
def test_any_sums_give_a_locator_that_explains_them_or_none(sums):
    found = locator(sums)
    if found is None:
        return
    odd = slow_field.read(sums)
    assert len(found) < len(sums)
    # Newton: with e the coefficients and s all power sums, s(n) + e(1)·s(n-1) + … = 0 behind the degree.
    powers = [0] * (2 * len(odd) + 1)
    powers[1::2] = odd
    for n in range(2, len(powers), 2):
        powers[n] = slow_field.times(powers[n // 2], powers[n // 2])
    monic = [*slow_field.read(found), 1][::-1]
    for n in range(len(monic), len(powers)):
        terms = (slow_field.times(e, powers[n - i]) for i, e in enumerate(monic))
        total = 0
        for term in terms:
            total ^= term
        assert total == 0


@given(st.lists(st.one_of(elements, awkward), max_size=30), st.lists(elements, max_size=DEGREE_MAX))
def test_zeros_are_where_horner_finds_them(numbers, coefficients):
    wire = slow_field.write(coefficients)
    expected = [place for place, x in enumerate(numbers) if slow_field.value_at(wire, x) == 0]
    assert sorted(Elements(slow_field.write(numbers)).zeros_of(wire, 0, LAST)) == expected


@pytest.mark.parametrize("degree", [1, 2, 3, 7, 8, 31, 32, 33, 43, 44, DEGREE_MAX])
def test_all_zeros_are_found_among_many(degree):
    random = Random(degree)
    numbers = [random.randrange(1, LAST) for _ in range(500)]
    wanted = sorted(random.sample(range(500), degree))
    polynomial = slow_field.polynomial_of([numbers[place] for place in wanted])
    assert sorted(Elements(slow_field.write(numbers)).zeros_of(polynomial, 0, LAST)) == wanted


def test_a_span_takes_both_ends():
    numbers = [7, 3, 0xFFFFFFFF, 1, 3]
    all_of_them = Elements(slow_field.write(numbers))
    assert [all_of_them.count(*span) for span in ((3, 7), (4, 6), (0, LAST), (LAST, LAST))] == [3, 0, 5, 1]
    assert all_of_them.power_sums(3, 4, LAST) == slow_field.odd_power_sums([7, LAST], 3)
    assert all_of_them.zeros_of(slow_field.polynomial_of([1, 7]), 2, 8) == [0]
    assert sorted(all_of_them.zeros_of(slow_field.polynomial_of([3]), 0, LAST)) == [1, 4]


def test_a_polynomial_beyond_the_tables_is_our_own_fault():
    with pytest.raises(ValueError, match="degree 64"):
        Elements(slow_field.write([1])).zeros_of(bytes(4 * 64), 0, LAST)


def test_the_modulus_is_irreducible():
    # Rabin's test: x^(2^32) = x, and x^(2^16) - x has no factor in common with the modulus.
    power = 2
    for _ in range(16):
        power = slow_field.times(power, power)
    assert common_divisor(slow_field.MODULUS, power ^ 2) == 1
    for _ in range(16):
        power = slow_field.times(power, power)
    assert power == 2


def common_divisor(a, b):
    while b:
        while a.bit_length() >= b.bit_length():
            a ^= b << a.bit_length() - b.bit_length()
        a, b = b, a
    return a
