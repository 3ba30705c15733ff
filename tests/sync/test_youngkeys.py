"""For how long an author's bundles carry his key."""

from sync.youngkeys import ANEW_S, AUTHORS_MAX, YOUNG_S, YoungKeys

AUTHOR = bytes(8)


def test_a_key_is_young_for_half_an_hour_of_a_day():
    keys = YoungKeys()
    assert not keys.is_young(AUTHOR, 0.0)
    keys.met(AUTHOR, 10.0)
    assert keys.is_young(AUTHOR, 9 + YOUNG_S)
    assert not keys.is_young(AUTHOR, 10 + YOUNG_S)
    keys.met(AUTHOR, 10 + YOUNG_S)
    assert not keys.is_young(AUTHOR, 11 + YOUNG_S), "heard again it is not new again"
    keys.met(AUTHOR, 10 + ANEW_S)
    assert keys.is_young(AUTHOR, 11 + ANEW_S)


def test_made_up_authors_push_out_the_oldest():
    keys = YoungKeys()
    for n in range(AUTHORS_MAX + 1):
        keys.met(n.to_bytes(8), 0.0)
    assert not keys.is_young((0).to_bytes(8), 0.0)
    assert keys.is_young((1).to_bytes(8), 0.0)
