"""What a board holds of ours: told by its queue, not guessed; and how often it is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.in_radio import HELD_MAX_S, LOOK_MAX_S, LOOK_MIN_S, InRadio
from sync.urgency import Urgency

BULK, ALERT = Urgency.CONTENT, Urgency.ALERT


def test_a_frame_is_over_an_airtime_after_it_left_the_queue():
    radio = InRadio()
    radio.hand(b"a", BULK, 2.0, 0.0)
    radio.told(1, 0.1, is_answer=False)
    radio.told(1, 0.5, is_answer=True)
    assert radio.over(5.0) == []
    radio.told(0, 5.0, is_answer=True)
    assert radio.next_end() == 7.0
    assert radio.over(6.9) == []
    assert radio.over(7.0) == [b"a"]
    assert len(radio) == 0


def test_an_alert_leaves_before_the_frame_that_still_waits():
    radio = InRadio()
    radio.hand(b"bulk", BULK, 2.0, 0.0)
    radio.hand(b"alert 1", ALERT, 1.0, 0.1)
    radio.hand(b"alert 2", ALERT, 1.0, 0.2)
    radio.told(2, 1.0, is_answer=True)
    assert radio.over(2.0) == [b"alert 1"]
    radio.told(0, 3.0, is_answer=True)  # both began: the alert is over, the last has just begun
    assert radio.over(3.0) == [b"alert 2"]
    assert radio.over(5.0) == [b"bulk"]


def test_an_alert_does_not_leave_before_the_frame_that_is_on_the_air():
    radio = InRadio()
    radio.hand(b"bulk", BULK, 2.0, 0.0)
    radio.told(0, 0.5, is_answer=True)
    radio.hand(b"alert", ALERT, 1.0, 0.6)
    radio.told(1, 1.0, is_answer=True)
    assert radio.over(2.5) == [b"bulk"]
    radio.told(0, 2.6, is_answer=True)
    assert radio.over(3.6) == [b"alert"]


def test_what_a_board_says_with_a_packet_comes_too_early_to_be_believed():
    radio = InRadio()
    radio.hand(b"a", BULK, 1.0, 0.0)
    radio.told(0, 0.0, is_answer=False)
    assert radio.next_end() == pytest.approx(3.0)  # a board that does not tell: two airtimes and a second


def test_a_queue_that_others_keep_full_holds_a_frame_for_a_minute():
    radio = InRadio()
    radio.hand(b"a", BULK, 1.0, 0.0)
    for second in range(1, 60):
        radio.told(3, float(second), is_answer=True)
    assert radio.over(HELD_MAX_S - 0.1) == []
    assert radio.over(HELD_MAX_S) == [b"a"]


def test_what_the_board_refused_is_not_in_it():
    radio = InRadio()
    radio.hand(b"a", BULK, 1.0, 0.0)
    assert radio.drop(b"a")
    assert not radio.drop(b"a")
    assert not radio.drop(b"")
    assert radio.next_end() is None


@pytest.mark.parametrize(("airtime_s", "after_s"), [(0.1, LOOK_MIN_S), (4.0, 0.5), (15.0, LOOK_MAX_S)])
def test_it_is_asked_an_eighth_of_a_frame_apart(airtime_s, after_s):
    radio = InRadio()
    assert radio.next_look() is None
    radio.hand(b"a", BULK, airtime_s, 10.0)
    assert radio.next_look() == 10.0 + after_s
    radio.looked(11.0)
    assert radio.next_look() == 11.0 + after_s
    radio.told(0, 11.1, is_answer=True)
    assert radio.next_look() is None


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("hand"), st.sampled_from(Urgency)),
            st.tuples(st.just("told"), st.integers(-2, 20)),
            st.tuples(st.just("wait"), st.floats(0, 30)),
        ),
        max_size=40,
    )
)
def test_whatever_a_board_tells_each_frame_is_over_once_and_within_a_minute(story):
    radio, now, over, handed = InRadio(), 0.0, [], []
    for number, (verb, value) in enumerate(story):
        match verb:
            case "hand":
                handed.append(bytes([number]))
                radio.hand(handed[-1], value, 1.0, now)
            case "told":
                radio.told(value, now, is_answer=True)
            case "wait":
                now += value
                over += radio.over(now)
    over += radio.over(now + 2 * HELD_MAX_S + 3 * len(handed))
    assert sorted(over) == handed
    assert len(radio) == 0
