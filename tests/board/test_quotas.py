"""Token buckets: as much as promised, never more, and little memory."""

from hypothesis import given
from hypothesis import strategies as st

from sync.board.quotas import BUCKETS_MAX, Buckets

waits = st.lists(st.floats(0, 100), min_size=1, max_size=200)


@given(waits, st.integers(1, 10), st.floats(0.1, 20))
def test_never_more_than_the_size_and_what_time_gave(gaps, size, every_s):
    buckets = Buckets(size, every_s)
    now, taken = 0.0, 0
    for gap in gaps:
        now += gap
        if buckets.wait_s(b"k", now) == 0:
            buckets.take(b"k", now)
            taken += 1
    assert taken <= size + now / every_s + 1e-6 * len(gaps)


@given(waits, st.integers(1, 10), st.floats(0.1, 20))
def test_whoever_waits_as_told_gets_one(gaps, size, every_s):
    buckets = Buckets(size, every_s)
    now = 0.0
    for gap in gaps:
        now += gap
        now += buckets.wait_s(b"k", now) + 1e-6
        assert buckets.wait_s(b"k", now) == 0
        buckets.take(b"k", now)


def test_keys_do_not_share():
    buckets = Buckets(1, 60)
    buckets.take(b"a", 0)
    assert buckets.wait_s(b"a", 0) == 60
    assert buckets.wait_s(b"b", 0) == 0


def test_a_flood_of_keys_pushes_out_the_one_unused_longest():
    buckets = Buckets(1, 1e9)
    buckets.take(b"first", 0)
    buckets.take(b"second", 0)
    buckets.take(b"first", 1)
    for number in range(BUCKETS_MAX - 1):
        buckets.take(b"%d" % number, 2)
    assert len(buckets) == BUCKETS_MAX
    assert buckets.wait_s(b"second", 2) == 0
    assert buckets.wait_s(b"first", 2) > 0


def test_time_that_runs_back_punishes_nobody():
    buckets = Buckets(2, 60)
    buckets.take(b"a", 1_000)
    assert buckets.wait_s(b"a", 0) == 0
