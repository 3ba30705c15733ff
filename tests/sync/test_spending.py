"""Spending: what others can pay, as far as they were heard to pay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.parcelpost import OVERDRAFT
from sync.spending import CAMPS_MAX, Pace, Spending

PACE = Pace(frame_s=2.0, fill_s=3_000.0, symbol_s=100.0)
A = b"AA"


@pytest.mark.parametrize(
    ("spent", "symbols", "saves_s"),
    [(0, 24, 0.0), (6, 24, 0.0), (7, 24, 100.0), (30, 1, 100.0), (30, 24, 2_400.0), (40, 24, 3_400.0)],
)
def test_a_camp_saves_up_for_what_its_purse_does_not_hold(spent, symbols, saves_s):
    spending = Spending(PACE)
    spending.heard(A, spent, 0.0)
    assert spending.saves_s(b"AAAA", symbols, 0.0) == saves_s


@given(st.floats(0, 500), st.integers(0, 30), st.floats(0, 10_000))
def test_nobody_saves_longer_than_the_deepest_debt_takes(spent, symbols, after_s):
    spending = Spending(PACE)
    spending.heard(A, spent, 0.0)
    saves_s = spending.saves_s(A, symbols, after_s)
    assert 0 <= saves_s <= max(0.0, symbols * PACE.symbol_s + OVERDRAFT * PACE.fill_s - after_s) + 0.001


def test_made_up_camps_do_not_fill_the_memory():
    spending = Spending(PACE)
    spending.heard(A, 30, 0.0)
    for each in range(CAMPS_MAX):
        spending.heard(each.to_bytes(2), 1, 0.0)
    assert spending.saves_s(A, 30, 0.0) == 0.0
