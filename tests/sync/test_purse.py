"""A purse: what refills with time, and what is spent of it."""

from hypothesis import given
from hypothesis import strategies as st

from sync.purse import Purse

NOW = 1_795_000_000.0  # as large as engine times are


@given(st.floats(0, 36.0), st.floats(0.01, 1.0), st.floats(0, 10_000))
def test_what_is_ready_at_a_time_can_be_taken_then(spent, share, after_s):
    """A camp that owed a key put it off until the very time it was: an endless loop (40 % loss, seed 16)."""
    purse = Purse(25.0, 75_000.0, NOW)
    assert purse.take(spent * 2_056.544, NOW)
    purse.left(NOW + after_s)
    amount = share * 75_000.0
    ready_at = max(NOW + after_s, purse.ready_at(amount))
    assert purse.take(amount, ready_at)


def test_nothing_is_taken_before_it_is_there():
    purse = Purse(25.0, 75_000.0, NOW)
    assert purse.take(75_000.0, NOW)
    assert not purse.take(25.0, NOW + 0.99)
    assert purse.take(25.0, NOW + 1.0)
