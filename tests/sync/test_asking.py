"""Asking: who is asked, for how much, and how long an answer is waited for."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.asking import (
    ALERT_TRIES,
    FIRST_FRAMES,
    JOIN_TRIES,
    MASK_ALERTS,
    SILENT_TRIES,
    SPARE_AGAIN,
    TAKEN_UNSIGNED,
    TRIES_MAX,
    UNHEARD_FRAMES,
    WAIT_FRAMES,
    Asking,
    measure,
)
from sync.sketch import SKETCH_SYNDROMES, WHOLE, Salt, SaltedSet
from sync.spending import Pace

PACE = Pace(frame_s=2.0, fill_s=3_000.0, symbol_s=80.0)
A, B = b"AAAA", b"BBBB"
MASK = 7


def ids(count, first=0):
    return [n.to_bytes(16) for n in range(first, first + count)]


def set_of(count, first=0):
    return SaltedSet(ids(count, first), Salt(bytes(4), 7_715, A))


def asking(count=60, held=20, seed=1):
    made = Asking(Random(seed), PACE)
    made.hear_more(A, count, held, MASK, 0.0)
    return made


def said(made, held=20):
    """The next request, whenever it is due."""
    return made.next_ask(lambda mask: set_of(0 if mask == MASK_ALERTS else held), made.due)


def test_who_heard_of_more_asks_soon():
    made = asking()
    assert 0 <= made.due <= FIRST_FRAMES * PACE.frame_s
    ask = said(made)
    assert (ask.asked, ask.mask, ask.part) == (A, MASK, WHOLE)


def test_what_nobody_answers_is_asked_later_each_time_and_then_left():
    made, waits = asking(), []
    while said(made) is not None:
        waits.append(made.due)
    assert len(waits) == TRIES_MAX
    gaps = [after - before for before, after in pairwise(waits)]
    assert gaps == sorted(gaps)
    assert not made.is_on


def test_nothing_is_asked_for_when_nothing_is_lacking_any_more():
    made = asking()
    assert said(made, held=60) is None
    assert not made.is_on


def test_holders_that_hold_no_more_than_we_by_now_are_not_asked():
    made = asking(count=60)
    made.hear_more(B, 50, 20, MASK, 0.0)
    assert said(made, held=55).asked == A
    made.whole(1, 10.0)
    assert said(made, held=60) is None
    assert not made.is_on


def test_the_holders_take_turns():
    made = asking()
    made.hear_more(B, 60, 20, MASK, 0.0)
    assert {said(made).asked, said(made).asked} == {A, B}


def test_who_holds_hardly_more_is_not_asked_while_another_holds_all():
    made = asking(count=200)
    made.hear_more(B, 22, 20, MASK, 0.0)
    asked = [said(made) for _ in range(SILENT_TRIES)]
    assert {each.asked for each in asked} == {A}


def test_one_that_claims_to_hold_thousands_spoils_no_request_to_another():
    made = asking(count=60_000)
    made.hear_more(B, 40, 20, MASK, 0.0)
    said_to = {ask.asked: ask for _ in range(TRIES_MAX) if (ask := said(made)) is not None}
    assert said_to[B].part == WHOLE


def test_who_lacks_much_by_parts_asks_for_alerts_first():
    made = asking(count=1_000, held=300)
    masks = [said(made, held=300).mask for _ in range(ALERT_TRIES + 1)]
    assert masks == [MASK_ALERTS] * ALERT_TRIES + [MASK]


def test_an_empty_camp_needs_no_part_and_no_question_about_alerts():
    ask = said(asking(count=1_000, held=0), held=0)
    assert (ask.mask, ask.part, ask.syndromes) == (MASK, WHOLE, 2)


def test_who_hears_the_same_asked_waits_for_the_answer():
    made = asking()
    due = made.due
    made.hear_ask(B, 0.0)
    assert made.due == due
    made.hear_ask(A, 0.0)
    assert made.due > due


def test_symbols_put_a_request_off_but_not_for_ever():
    made = asking()
    said(made)
    end = made.due + (WAIT_FRAMES + 200) * PACE.frame_s
    now = 0.0
    while now < end:
        made.hear_symbol(A[:2], False, now)
        made.hear_symbol(b"ZZ", False, now)
        now += 30.0
    assert made.due <= end


def test_a_sketch_that_told_too_little_is_followed_by_one_of_a_part():
    made = asking(count=21)
    assert said(made, held=200).part == WHOLE
    made.hear_too_little(10.0)
    assert said(made, held=200).part > WHOLE


def test_a_whole_parcel_is_followed_by_the_next_request():
    made = asking()
    said(made)
    made.hear_symbol(A[:2], False, 20.0)
    made.whole(10, 100.0)
    assert 100.0 < made.due < 130.0


def test_a_join_is_signed_before_more_than_is_given_unsigned_and_three_times_at_most():
    made = asking(count=200)
    said(made)
    assert made.join_due(made.due) is None
    for _ in range(ALERT_TRIES):
        said(made)
    made.whole(TAKEN_UNSIGNED, 100.0)
    assert made.join_due(99.0) is None
    joins = 0
    while made.is_on:
        joins += made.join_due(made.due) == A
        assert made.join_due(made.due) is None
        said(made)
    assert 2 <= joins <= JOIN_TRIES


@given(st.integers(0, 120), st.integers(1, 3_000))
def test_a_part_is_small_enough_for_its_sketch(held, expected):
    part, syndromes = measure(set_of(held), expected)
    depth = part.bit_length() - 1
    assert 2 <= syndromes <= SKETCH_SYNDROMES
    assert syndromes > min(set_of(held).count(part), expected / 2**depth)


@pytest.mark.parametrize(("here", "there"), [(0, 300), (20, 300), (43, 300), (43, 43)])
def test_a_sketch_of_few_tells_all_of_them(here, there):
    asker, holder = set_of(here), set_of(there, first=5)
    found = holder.difference_from_few(asker.sketch(min(here + 2, SKETCH_SYNDROMES)))
    assert set(found.mine) == set(ids(there, 5)) - set(ids(here))
    wanted = asker.matching(found.want)
    assert set(wanted) == set(ids(here)) - set(ids(there, 5))


def test_a_sketch_of_too_many_tells_nothing():
    assert set_of(300).difference_from_few(set_of(200).sketch(SKETCH_SYNDROMES)) is None


def test_others_that_ask_again_and_again_put_our_request_off_for_two_purses_at_most():
    made = asking()
    for minute in range(200):
        made.hear_ask(A, 60.0 * minute)
        if made.due <= 60.0 * minute + FIRST_FRAMES * PACE.frame_s:
            break
    assert made.due <= 2 * PACE.fill_s + 60.0 + FIRST_FRAMES * PACE.frame_s


def test_a_request_said_in_vain_is_not_waited_for_for_hours():
    made = asking()
    for _ in range(TRIES_MAX):
        at = made.due
        if said(made) is None:
            break
        assert made.due - at <= UNHEARD_FRAMES * PACE.frame_s


@pytest.mark.parametrize("spent", [0, 36])  # its purse is full, or empty
def test_who_waited_longer_than_an_answer_takes_and_hears_of_more_asks_again(spent):
    made = asking(count=200)
    made.hear_spent(A[:2], spent, 0.0)
    at = made.due
    said(made)
    longest_s = max(UNHEARD_FRAMES * PACE.frame_s, made.due - at)
    soon, late = at + longest_s - 1.0, at + longest_s + 1.0
    made.postpone(late + 1_000.0)  # as others do that ask the same camp
    made.hear_more(A, 200, 20, MASK, soon)
    assert not made.is_stalled(soon)
    assert made.due > late
    assert made.is_stalled(late)
    made.hear_more(A, 200, 20, MASK, late)
    assert made.due <= late + FIRST_FRAMES * PACE.frame_s


def test_a_holder_that_gave_is_waited_for_until_it_saved_up_though_it_no_longer_holds_more():
    made = asking(count=60, held=60)  # each of two lacks half of what differs
    made.hear_spent(A[:2], 36, 0.0)
    at = made.due
    made.next_ask(lambda _: set_of(80), at)
    assert made.due - at > PACE.fill_s / 3


def test_what_a_sketch_proved_is_not_doubted_because_nobody_answers():
    made = asking(count=200, held=200)
    said(made, held=200)
    made.hear_too_little(10.0)
    parts = [ask.part for _ in range(TRIES_MAX) if (ask := said(made, held=200)) is not None]
    assert parts == parts[:1] * TRIES_MAX


def test_a_parcel_is_awaited_of_whom_was_asked_and_not_for_ever():
    made = asking()
    assert not made.awaits(A[:2], False, 0.0)
    said(made)
    assert made.awaits(A[:2], False, 10.0)
    assert not made.awaits(B[:2], False, 10.0)
    assert not made.awaits(A[:2], False, 10.0 + 2 * PACE.fill_s)


def test_half_a_parcel_is_mended_where_its_sender_holds_more_than_we():
    made = asking()
    assert made.awaits(A[:2], True, 0.0)
    assert not made.awaits(B[:2], True, 0.0)


def test_a_camp_that_was_asked_for_a_few_bundles_may_send_them_as_a_parcel():
    made = Asking(Random(1), PACE)
    assert made.expects_until == float("-inf")
    made.said_want(B, 10.0)
    until = made.expects_until
    assert until == 10.0 + UNHEARD_FRAMES * PACE.frame_s
    assert made.awaits(B[:2], False, until)
    assert not made.awaits(B[:2], False, until + 1.0)
    assert not made.awaits(A[:2], True, 10.0)


def test_a_request_in_vain_is_said_again_with_more_syndromes():
    """Whoever holds more may lack some of ours besides: then a sketch of what the counts say is too short."""
    made = asking()
    asks = [ask.syndromes for _ in range(3) if (ask := said(made, held=40)) is not None]
    assert asks == [asks[0], asks[0] + SPARE_AGAIN, asks[0] + 2 * SPARE_AGAIN]


def test_two_that_lack_nothing_do_not_wait_for_each_others_answers_for_ever():
    made, asked = asking(count=20, held=20), 0
    while made.is_on and asked < 100:
        at = made.due
        asked += said(made) is not None
        made.hear_ask(A, at)
    assert asked <= 6
