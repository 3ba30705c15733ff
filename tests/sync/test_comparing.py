"""Comparing: which sketches are looked at, how many a second, and what is found to differ."""

from random import Random

import pytest

from sync.bundle import MASK_RADIO, BundleClass
from sync.comparing import COMPARISONS_PER_S, HOURS_APART_MAX, Comparing
from sync.live import LiveBundle
from sync.sketch import BEACON_SYNDROMES, WHOLE, Salt, SaltedSet

ME, OTHER = b"MEME", b"AAAA"
HOUR = 7_000
HERE = [n.to_bytes(16) for n in range(1, 20)]


class Sets:
    """These bundles, and ghosts."""

    def __init__(self, here=HERE, ghosts=()):
        self.here, self.ghosts = here, ghosts
        self.asked = []

    def live_at(self, hour, mask):
        self.asked.append((hour, mask))
        return [LiveBundle(each, b"authorid", b"k" * 32, hour, BundleClass.POST, 150) for each in self.here]

    def ghost_ids(self):
        return self.ghosts


def comparing(sets=None):
    return Comparing(sets or Sets(), ME, MASK_RADIO, Random(1), 0.0)


def salt(sender=OTHER, hour=HOUR):
    return Salt(b"salt", hour, sender)


@pytest.mark.parametrize(
    ("theirs", "mask", "hour", "is_looked_at"),
    [
        (salt(), MASK_RADIO, HOUR, True),
        (salt(), 1, HOUR, True),
        (salt(ME), MASK_RADIO, HOUR, False),  # our own name
        (salt(), 0, HOUR, False),  # of no class
        (salt(), 1 << BundleClass.BULK, HOUR, False),  # of none of ours
        (salt(), MASK_RADIO, HOUR + HOURS_APART_MAX, True),
        (salt(), MASK_RADIO, HOUR + HOURS_APART_MAX + 1, False),
        (salt(), MASK_RADIO, HOUR - HOURS_APART_MAX - 1, False),
        (salt(hour=1), MASK_RADIO, None, True),  # no clock here
    ],
)
def test_what_is_looked_at(theirs, mask, hour, is_looked_at):
    assert comparing().is_comparable(theirs, mask, hour, 0.0) == is_looked_at


def test_a_flood_is_compared_so_often_a_second():
    here = comparing()
    tries = int(3 * COMPARISONS_PER_S)
    assert sum(here.may_compare(0.0) for _ in range(tries)) == COMPARISONS_PER_S
    assert sum(here.may_compare(1.0) for _ in range(tries)) == COMPARISONS_PER_S
    assert sum(here.may_compare(1.5) for _ in range(tries)) == COMPARISONS_PER_S / 2


def test_what_each_lacks_is_found_at_the_others_hour_in_classes_of_both():
    sets = Sets()
    here = comparing(sets)
    mine = here.set_of(salt(), 0xF)
    assert sets.asked == [(HOUR, MASK_RADIO)]
    theirs = SaltedSet([*HERE[2:], b"x" * 16], salt())
    found = here.difference(mine, theirs.sketch(BEACON_SYNDROMES), WHOLE)
    assert found is not None
    assert sorted(found.mine) == HERE[:2]
    assert theirs.matching(found.want) == (b"x" * 16,)


def test_a_refused_bundle_is_no_difference_and_too_many_are_none():
    here = comparing(Sets(ghosts=(b"x" * 16,)))
    mine = here.set_of(salt(), MASK_RADIO)
    found = here.difference(mine, SaltedSet([*HERE, b"x" * 16], salt()).sketch(BEACON_SYNDROMES), WHOLE)
    assert found is not None
    assert (found.mine, found.want) == ((), b"")
    assert here.difference(mine, SaltedSet([], salt()).sketch(BEACON_SYNDROMES), WHOLE) is None


def test_our_salts_are_new_each_time_and_ours():
    here = comparing()
    salts = [here.new_salt(HOUR) for _ in range(100)]
    assert len(set(salts)) == 100
    assert {(each.sender, each.hour) for each in salts} == {(ME, HOUR)}
