"""Who is in earshot, and what follows from whom they say they hear."""

import pytest

from sync.earshot import CAMPS_MAX, GUESTS_MAX, NAMED_MAX, REMEMBERED_S, Earshot

ME, A, B, C = b"ME", b"AA", b"BB", b"CC"


def earshot_of(*camps, snr_db=None):
    earshot = Earshot(ME)
    for camp in camps:
        earshot.heard(camp, snr_db, 0.0)
    return earshot


def test_who_was_heard_is_named_until_he_is_silent_for_long():
    earshot = earshot_of(B, A)
    earshot.heard(A, None, 100.0)
    assert earshot.camps(REMEMBERED_S) == (B, A)
    assert earshot.named(REMEMBERED_S) == (A, B)
    assert earshot.camps(REMEMBERED_S + 1) == (A,)
    assert earshot.camps(REMEMBERED_S + 101) == ()


def test_our_own_name_in_a_frame_is_somebody_elses_lie():
    assert earshot_of(ME).camps(0.0) == ()


def test_a_flood_of_names_pushes_out_the_oldest_and_the_list_stays_short():
    earshot = Earshot(ME)
    for n in range(CAMPS_MAX + 5):
        for _ in range(2):
            earshot.heard(n.to_bytes(2), None, float(n))
    assert len(earshot.camps(70.0)) == CAMPS_MAX
    assert earshot.camps(70.0)[-1] == (CAMPS_MAX + 4).to_bytes(2)
    assert len(earshot.named(70.0)) == NAMED_MAX


def test_many_names_that_were_heard_once_are_nobody_and_push_nobody_out():
    earshot = earshot_of(A, B, A, B, C)
    for n in range(GUESTS_MAX - 1):
        earshot.heard(n.to_bytes(2), None, 1.0)
    assert len(earshot.camps(1.0)) == 2 + GUESTS_MAX
    for n in range(GUESTS_MAX - 1, 2 * CAMPS_MAX):
        earshot.heard(n.to_bytes(2), None, 1.0)
        assert earshot.camps(1.0) == (A, B)
    earshot.heard(b"NN", None, 2.0)
    earshot.heard(b"NN", None, 2.0)
    assert earshot.camps(2.0) == (A, B, b"NN")


def test_a_list_says_who_hears_whom():
    earshot = earshot_of(A, B, C)
    earshot.told(A, (B,))
    assert earshot.hears(A, B) == 1.0
    assert earshot.hears(A, C) == 0.0
    assert earshot.hears(C, A) == 0.0


def test_a_square_is_where_nobody_hides_from_anybody():
    earshot = earshot_of(A, B)
    earshot.told(A, (ME, B))
    earshot.told(B, (ME, A))
    assert earshot.is_square(0.0)
    earshot.told(B, (ME,))  # it hears A no more
    assert not earshot.is_square(0.0)
    assert earshot.hides_from_some(A, 0.0)
    assert not earshot.hides_from_some(B, 0.0)


def test_the_hearers_own_list_counts_before_the_senders():
    earshot = earshot_of(A, B)
    earshot.told(A, (ME,))
    earshot.told(B, (A,))
    assert earshot.hears(B, A) == 1.0
    assert earshot.hears(A, B) == 0.0


def test_a_list_of_nobody_says_nothing():
    earshot = earshot_of(A, B)
    earshot.told(B, (A,))
    earshot.told(B, ())
    assert earshot.hears(B, A) == 1.0
    earshot.told(A, ())
    assert earshot.dependents(0.0) == ()
    assert earshot.unserved(A) < 1.0


@pytest.mark.parametrize(
    ("snr_db", "least", "most"), [(-20.0, 0.39, 0.41), (None, 0.6, 0.8), (5.0, 0.99, 1.0)]
)
def test_without_lists_the_signals_tell(snr_db, least, most):
    assert least <= earshot_of(A, B, snr_db=snr_db).hears(A, B) <= most


def test_who_hears_many_that_we_do_not_has_been_served_by_them():
    earshot = earshot_of(A, B)
    earshot.told(A, (ME, B))
    earshot.told(B, (ME, A, b"11", b"22", b"33", b"44"))
    assert earshot.unserved(A) == 1.0
    assert earshot.unserved(B) == earshot.unserved(C) == 0.5625
    earshot.told(B, (ME, A, b"11"))
    assert earshot.unserved(B) == 1.0, "one camp alone may well depend on this one, as on a row"


def test_a_list_of_somebody_unheard_is_not_kept():
    earshot = earshot_of(A)
    earshot.told(B, (A,))
    assert earshot.camps(0.0) == (A,)
    assert earshot.hears(B, A) < 1.0


@pytest.mark.parametrize(
    ("lists", "dependents"),
    [
        ({A: (ME,), B: (ME,)}, (A, B)),  # a row, and we are its middle
        ({A: (ME,)}, (A, B)),  # B said nothing yet, but A does not hear it
        ({A: (ME, B), B: (ME, A)}, ()),
        ({A: (ME, B), B: (ME, A), C: (ME,)}, (C,)),
        ({}, ()),  # nobody said anything: likelier than not they hear each other
    ],
)
def test_who_hears_nobody_else_depends_on_us(lists, dependents):
    earshot = earshot_of(A, B, *(C for _ in range(C in lists)))
    for camp, hears in lists.items():
        earshot.told(camp, hears)
    assert earshot.dependents(0.0) == dependents


def test_who_is_alone_with_us_depends_on_us():
    assert earshot_of(A).dependents(0.0) == (A,)


def test_two_are_a_pair_only_when_the_other_hears_nobody_else():
    assert Earshot(ME).is_pair(0.0)
    earshot = earshot_of(A)
    assert earshot.is_pair(0.0)
    earshot.told(A, (ME,))
    assert earshot.is_pair(0.0)
    earshot.told(A, (ME, B))
    assert not earshot.is_pair(0.0), "we are the last of a row"
    assert not earshot_of(A, B).is_pair(0.0)


def test_behind_a_camp_are_those_whom_only_it_hears():
    earshot = earshot_of(A, B)
    assert earshot.behind(A) == earshot.behind(C) == 0  # who never said whom it hears; who is not here
    earshot.told(A, (ME, B, b"11", b"22"))
    assert earshot.behind(A) == 2


def test_whom_one_knows_of_are_those_here_and_those_they_say_they_hear():
    earshot = earshot_of(A, B, A, B)
    earshot.told(A, (ME, B, C, b"DD"))
    earshot.told(B, (C, A, b"EE"))
    assert earshot.around() == len({ME, A, B, C, b"DD", b"EE"})
