"""Strata, buckets and lists against Python's own sets; and what somebody does with equal short ids."""

import subprocess
import sys
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import strata
from sync.bucketing import LAST_SHORT, SaltedIds, cut_for
from sync.sketch import WHOLE, Salt, part_span
from tests.sync.cables import Cables, give, made_bundles, stored
from tests.sync.test_levelling import HOUR, WRITERS

SALT = Salt(b"salt", 7_715, b"camp")


def ids(count, seed=1):
    random = Random(seed)
    return [random.randbytes(16) for _ in range(count)]


def two_sets(shared, mine, theirs, seed):
    everything = ids(shared + mine + theirs, seed)
    common = everything[:shared]
    return common + everything[shared : shared + mine], common + everything[shared + mine :]


@given(st.integers(0, 400), st.integers(0, 31), st.integers(0, 31), st.integers(0, 9))
@settings(max_examples=40)
def test_parts_and_lists_find_what_sets_find(shared, mine, theirs, seed):
    here, there = two_sets(shared, mine, theirs, seed)
    held, other = SaltedIds(here, SALT), SaltedIds(there, SALT)
    cut = cut_for(mine + theirs, True)
    offered: set[bytes] = set()
    lacking = 0
    for part, sketch in zip(cut.parts, other.sketches(list(cut.parts), cut.syndromes), strict=True):
        found = held.difference(sketch, part, None)
        assert found is not None
        offered.update(found.mine)
        lacking += found.lacking
        assert set(other.part(part).matching(found.want, part)) <= set(there) - set(here)
    assert offered == set(here) - set(there)
    assert lacking == len(set(there) - set(here))

    listed = held.against_list(0, LAST_SHORT, other.short_ids(0, LAST_SHORT))
    assert set(listed.mine) == set(here) - set(there)
    assert set(other.ids_of(listed.lacking)) == set(there) - set(here)


@given(st.integers(0, 500), st.integers(0, 20), st.integers(0, 9))
@settings(max_examples=30)
def test_strata_know_a_small_difference_exactly(shared, different, seed):
    here, there = two_sets(shared, different, 0, seed)
    found = strata.estimate(SaltedIds(here, SALT).strata(), SaltedIds(there, SALT).strata())
    assert found == strata.Estimate(different, True)


def test_strata_estimate_a_large_difference():
    """Within a factor of two, always; within a third, three times in four."""
    ratios = []
    for seed in range(24):
        here, there = two_sets(200, 500, 500, seed)
        found = strata.estimate(SaltedIds(here, SALT).strata(), SaltedIds(there, SALT).strata())
        assert not found.is_exact
        ratios.append(found.differences / 1_000)
    assert 0.5 < min(ratios) <= max(ratios) < 2
    assert sum(2 / 3 < ratio < 4 / 3 for ratio in ratios) >= 18


def test_sets_that_share_nothing_overflow_and_say_so():
    here, there = (SaltedIds(ids(40_000, seed), SALT).strata() for seed in (1, 2))
    found = strata.estimate(here, there)
    assert found.differences > 40_000
    assert len(cut_for(found.differences, False).parts) > 512  # then a list is sent


@pytest.mark.parametrize("differences", [0, 1, 15, 39, 62, 63, 100, 300, 1_000, 5_000, 16_000])
def test_a_cut_has_room_for_what_it_is_made_for(differences):
    for is_exact in (True, False):
        cut = cut_for(differences, is_exact)
        each = differences / len(cut.parts)
        assert cut.syndromes > each
        assert 16 <= cut.syndromes <= 64
        if len(cut.parts) > 1:
            assert cut.size < 10 * differences


def test_sketches_of_a_row_of_parts_are_those_of_each():
    held = SaltedIds(ids(700), SALT)
    row, scattered = [8, 9, 10, 11], [8, 10, 11, 8]
    alone = {part: held.part(part).sketch(20, part) for part in row}
    assert held.sketches(row, 20) == [alone[part] for part in row]
    assert held.sketches(scattered, 20) == [alone[part] for part in scattered]
    assert SaltedIds([], SALT).sketches(row, 20) == [bytes(80)] * 4
    assert held.sketch(16) == held.part(WHOLE).sketch(16)


def test_lists_go_in_spans_that_leave_nothing_out():
    held = SaltedIds(ids(1_000), SALT)
    first, named = 0, b""
    while first <= LAST_SHORT:
        last = held.last_of(first, 300)
        part = held.short_ids(first, last)
        assert len(part) <= 300 * 4
        named, first = named + part, last + 1
    assert named == held.short_ids(0, LAST_SHORT)
    assert SaltedIds([], SALT).last_of(0, 5) == LAST_SHORT


def test_parts_cover_all_short_ids():
    cut = cut_for(1_000, False)
    spans = [part_span(part) for part in cut.parts]
    assert spans[0][0] == 0
    assert spans[-1][1] == LAST_SHORT
    assert all(one[1] + 1 == other[0] for one, other in pairwise(spans))


# -- equal short ids ---------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [30, 400])
def test_equal_short_ids_delay_and_lose_nothing(monkeypatch, held):
    """Under one salt only 128 short ids are left. Under the next all that they hid is found."""
    plain = Salt.draws
    first_salts: set[Salt] = set()

    def crafted(salt, bundle_ids, width):
        if len(first_salts) < 1:
            first_salts.add(salt)
        drawn = plain(salt, bundle_ids, width)
        if salt not in first_salts:
            return drawn
        return [bytes([each[0] & 0xFE]) + bytes(3) + each[4:] for each in drawn]

    monkeypatch.setattr(Salt, "draws", crafted)
    cables = Cables("north", "south")
    north, south = cables.camps
    some = made_bundles(WRITERS[0], held, HOUR)
    others = made_bundles(WRITERS[1], 40, HOUR)
    for camp, own in ((north, others[:20]), (south, others[20:])):
        give(camp, WRITERS[0], some)
        give(camp, WRITERS[1], own)
    cables.join(north, south)
    cables.run(60, step=0.5)
    assert first_salts
    assert stored(north) == stored(south)
    assert len(stored(north)) == held + 40


def test_a_part_that_never_decodes_is_listed_at_last(monkeypatch):
    monkeypatch.setattr(SaltedIds, "difference", lambda *_: None)
    cables = Cables("north", "south")
    north, south = cables.camps
    for camp, mine in ((north, range(60)), (south, range(30, 70))):
        made = made_bundles(WRITERS[0], 70, HOUR)
        give(camp, WRITERS[0], [made[n] for n in mine])
        give(camp, WRITERS[1], made_bundles(WRITERS[1], 350, HOUR))
    cables.join(north, south)
    cables.run(5)
    assert stored(north) == stored(south)
    assert cables.needless == 0


def test_importing_them_brings_no_numpy_into_a_camp_that_has_nothing_to_compare():
    code = "import sync.engine, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
