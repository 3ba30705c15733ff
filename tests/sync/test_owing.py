"""How much one camp may be given without a signature."""

from sync.owing import GIVEN_PER_HOUR_MAX, HOUR_S, Given

CAMP = b"AA"


def test_what_was_given_twice_over_leaves_nothing_and_not_less():
    given = Given()
    given.give(CAMP, GIVEN_PER_HOUR_MAX, 0.0)  # offers
    given.give(CAMP, GIVEN_PER_HOUR_MAX, 1.0)  # a parcel that was owed before
    assert given.left(CAMP, 2.0) == 0
    assert given.left(CAMP, HOUR_S + 2) == GIVEN_PER_HOUR_MAX


def test_a_signed_join_ends_the_limit_for_an_hour():
    given = Given()
    given.give(CAMP, GIVEN_PER_HOUR_MAX, 0.0)
    given.join(CAMP, 1.0)
    assert given.left(CAMP, HOUR_S) is None
    assert given.left(b"BB", HOUR_S) == GIVEN_PER_HOUR_MAX
