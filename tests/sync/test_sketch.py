"""Sketches: two camps see what the other lacks, whatever they hold, and notice when they cannot."""

import itertools
import subprocess
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sketch import (
    BEACON_SYNDROMES,
    PART_MAX,
    SKETCH_SYNDROMES,
    WHOLE,
    Salt,
    SaltedSet,
    halves_of,
    part_span,
    xor,
)
from tests.vectors.air import SALT, bundle_ids

sizes = st.integers(0, 30)


@given(sizes, st.integers(0, 20), st.integers(0, 20), st.integers(1, PART_MAX))
def test_both_see_the_difference(common, only_here, only_there, seed):
    random = Random(seed)
    ids = [random.randbytes(16) for _ in range(common + only_here + only_there)]
    mine, theirs = set(ids[: common + only_here]), set(ids[:common]) | set(ids[common + only_here :])
    here, there = SaltedSet(mine, SALT), SaltedSet(theirs, SALT)

    difference = here.difference(there.sketch(SKETCH_SYNDROMES))

    assert difference is not None
    assert set(difference.mine) == mine - theirs
    assert difference.lacking == len(theirs - mine)
    assert set(there.matching(difference.want)) == theirs - mine
    assert here.matching(difference.want) == ()


def test_a_shared_set_tells_what_one_of_its_own_tells():
    salts = (SALT, Salt(b"next", SALT.hour, SALT.sender))
    for size, salt in itertools.product((5, 0, 9, 5, 60, 1, 7, 5), salts):
        ids = tuple(bundle_ids(0, size))
        shared, own = SaltedSet.shared(ids, salt), SaltedSet(ids, salt)
        assert (len(shared), shared.ids_in(), shared.salt) == (len(own), own.ids_in(), own.salt)
        for syndromes in (BEACON_SYNDROMES, SKETCH_SYNDROMES, 2):
            assert shared.sketch(syndromes) == own.sketch(syndromes)
            assert shared.sketch(syndromes, 2) == own.sketch(syndromes, 2)


@pytest.mark.parametrize("syndromes", [2, BEACON_SYNDROMES, SKETCH_SYNDROMES])
def test_one_syndrome_is_kept_to_notice_that_it_is_too_much(syndromes):
    here = SaltedSet(bundle_ids(0, 50), SALT)
    for more, told in ((syndromes - 1, True), (syndromes, False), (syndromes + 1, False), (200, False)):
        sketch = SaltedSet(bundle_ids(0, 50 + more), SALT).sketch(syndromes)
        assert (here.difference(sketch) is not None) == told


def test_a_third_camp_answers_a_want_as_far_as_it_can():
    asking = SaltedSet(bundle_ids(0, 10), SALT)
    difference = asking.difference(SaltedSet(bundle_ids(0, 15), SALT).sketch(BEACON_SYNDROMES))
    assert difference is not None
    third = SaltedSet(bundle_ids(12, 40), SALT)
    assert set(third.matching(difference.want)) == set(bundle_ids(12, 15))


def test_ghosts_are_neither_asked_for_nor_offered():
    ghosts = SaltedSet(bundle_ids(100, 104), SALT)
    here = SaltedSet(bundle_ids(0, 10), SALT)
    for refused in (range(100, 100), range(100, 102), range(100, 104)):
        there = SaltedSet([*bundle_ids(2, 12), *bundle_ids(refused.start, refused.stop)], SALT)
        difference = here.difference(there.sketch(SKETCH_SYNDROMES), ghosts=ghosts)
        assert difference is not None
        assert set(difference.mine) == set(bundle_ids(0, 2))
        assert set(there.matching(difference.want)) == set(bundle_ids(10, 12))


def test_more_ghosts_than_a_sketch_could_tell_do_no_harm():
    refused = bundle_ids(100, 300)
    here, ghosts = SaltedSet(bundle_ids(0, 10), SALT), SaltedSet(refused, SALT)
    there = SaltedSet([*bundle_ids(2, 12), *refused], SALT)
    assert here.difference(there.sketch(BEACON_SYNDROMES)) is None
    difference = here.difference(there.sketch(BEACON_SYNDROMES), ghosts=ghosts)
    assert difference is not None
    assert set(difference.mine) == set(bundle_ids(0, 2))
    assert difference.lacking == 2


def test_a_sibling_is_derived_from_parent_and_child():
    ids = bundle_ids(0, 200)
    whole = SaltedSet(ids, SALT)
    here = SaltedSet(ids[:140], SALT)
    assert here.difference(whole.sketch(SKETCH_SYNDROMES)) is None
    left, right = halves_of(WHOLE)
    sent = whole.sketch(SKETCH_SYNDROMES, left)
    derived = xor(whole.sketch(SKETCH_SYNDROMES), sent)
    assert derived == whole.sketch(SKETCH_SYNDROMES, right)
    halves = [here.difference(sent, left), here.difference(derived, right)]
    assert [half is not None for half in halves] == [True, True]
    wanted = {
        bundle_id
        for part, half in zip((left, right), halves, strict=True)
        if half is not None
        for bundle_id in whole.matching(half.want, part)
    }
    assert wanted == set(ids[140:])


def test_halves_share_their_part_between_them():
    whole = SaltedSet(bundle_ids(0, 300), SALT)
    parts = [WHOLE]
    while parts[-1] <= PART_MAX // 2:
        first, last = part_span(parts[-1])
        left, right = halves_of(parts[-1])
        assert part_span(left)[0] == first
        assert part_span(left)[1] + 1 == part_span(right)[0]
        assert part_span(right)[1] == last
        assert whole.count(left) + whole.count(right) == whole.count(parts[-1])
        parts.append(right if right % 3 else left)
    assert len(parts) == 16
    with pytest.raises(ValueError, match="not split"):
        halves_of(parts[-1])


def test_short_ids_change_with_every_part_of_the_salt():
    salts = (
        SALT,
        Salt(bytes(4), SALT.hour, SALT.sender),
        Salt(SALT.nonce, SALT.hour + 1, SALT.sender),
        Salt(SALT.nonce, SALT.hour, bytes(4)),
    )
    assert len({salt.short_ids([bytes(16)])[0] for salt in salts}) == len(salts)


def test_a_short_id_of_zero_counts_as_one(monkeypatch):
    class Zeros:
        def __init__(self, *_, **__): ...

        def digest(self):
            return bytes(64)

    monkeypatch.setattr("sync.sketch.blake2b", Zeros)
    assert SALT.short_ids([bytes(16)]) == [b"\x01\0\0\0"]


def test_two_bundles_of_one_short_id_are_no_difference_and_no_crash(monkeypatch):
    ids = bundle_ids(0, 8)
    shorts = {bundle_id: bytes([n, 1, 1, 1]) for n, bundle_id in enumerate(ids)}
    shorts[ids[1]] = shorts[ids[0]]
    monkeypatch.setattr(Salt, "short_ids", lambda _, given: [shorts[bundle_id] for bundle_id in given])
    here, there = SaltedSet(ids[:2], SALT), SaltedSet(ids[2:4], SALT)
    assert here.sketch(8) == bytes(32)
    difference = here.difference(there.sketch(8))
    assert difference is not None
    assert difference.lacking == 2
    # One of the two is there: both fit the locator, and which it was is for the next salt to tell.
    assert here.difference(SaltedSet(ids[:1], SALT).sketch(8)) is None


@given(
    st.binary(min_size=8, max_size=4 * 44).filter(lambda data: len(data) % 4 == 0), st.integers(1, PART_MAX)
)
def test_a_forged_sketch_is_a_difference_of_bounded_size_or_none(forged, part):
    here = SaltedSet(bundle_ids(0, 20), SALT)
    difference = here.difference(forged, part, SaltedSet(bundle_ids(20, 25), SALT))
    if difference is not None:
        assert len(difference.mine) + difference.lacking < len(forged) // 4


@given(st.binary(max_size=4 * 44).filter(lambda data: len(data) % 4 == 0))
def test_a_forged_want_gets_no_more_than_its_degree(forged):
    assert len(SaltedSet(bundle_ids(0, 100), SALT).matching(forged)) <= len(forged) // 4


def test_sketches_of_two_lengths_are_not_compared():
    with pytest.raises(ValueError, match="32 and 36"):
        xor(bytes(32), bytes(36))


def test_numpy_comes_with_the_first_sketch_and_not_before():
    source = (
        "import sys, sync.engine, sync.sketch, sync.coding, sync.air_frames as a\n"
        "assert 'numpy' not in sys.modules\n"
        "sync.sketch.SaltedSet([], sync.sketch.Salt(bytes(4), 0, bytes(4)))\n"
        "assert 'numpy' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)
