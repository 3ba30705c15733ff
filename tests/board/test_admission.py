"""Who is let in when only introduced camps are."""

from hypothesis import given
from hypothesis import strategies as st

from sync.admission import DEPTH_MAX, INTRODUCTIONS_MAX, admitted

OWN = b"o" * 32


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def who(pins=(), introductions=(), farewells=(), introduced_only=True):
    found = admitted(
        own=OWN,
        pins=[key(n) for n in pins],
        introductions=[(key(a), key(b)) for a, b in introductions],
        farewells=[key(n) for n in farewells],
        introduced_only=introduced_only,
    )
    return [n for n in range(100) if key(n) in found]


def test_everybody_but_the_dead_by_default():
    assert who(farewells=[7], introduced_only=False) == [n for n in range(100) if n != 7]


def test_only_pins_and_those_they_introduce_three_deep():
    assert who() == []
    assert who(pins=[1]) == [1]
    assert DEPTH_MAX == 3
    assert who([1], [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]) == [1, 2, 3, 4]
    assert who([1], [(8, 9), (9, 8)]) == [1]
    assert who([1], [(1, 2), (2, 1), (2, 2)]) == [1, 2]


def test_sixteen_introductions_of_a_camp_count_the_oldest_first():
    many = [(1, 10 + n) for n in range(20)]
    assert who([1], many) == [1, *range(10, 10 + INTRODUCTIONS_MAX)]
    assert who([1], [(1, 10)] * 30 + many) == [1, *range(10, 10 + INTRODUCTIONS_MAX)]


def test_the_dead_neither_enter_nor_open_the_door():
    assert who([1], [(1, 2), (2, 3)], [2]) == [1]
    assert who([1], [(1, 2)], [1]) == []


def test_our_own_word_is_always_ours():
    for dead in ([], [OWN]):
        found = admitted(own=OWN, pins=[], introductions=[], farewells=dead, introduced_only=True)
        assert OWN in found


pairs = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=40)
few = st.lists(st.integers(0, 15), max_size=4)


@given(few, pairs, few)
def test_nobody_is_let_in_without_a_chain_from_a_pin(pins, introductions, dead):
    let_in = set(who(pins, introductions, dead))
    assert not let_in & set(dead)
    assert set(pins) - set(dead) <= let_in
    for camp in let_in - set(pins):
        assert any(a in let_in and a != camp for a, b in introductions if b == camp)


@given(few, pairs, few, st.integers(0, 15))
def test_one_more_pin_shuts_nobody_out(pins, introductions, dead, more):
    assert set(who(pins, introductions, dead)) <= set(who([*pins, more], introductions, dead))
