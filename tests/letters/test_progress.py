"""How far letters are, and whose turn it is when several lists have some."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import precedence
from node.metered import HOUR_S, seldom
from node.precedence import Level, Precedence
from node.progress import Progress, how_long
from sync.store.letter_turns import Caps


def test_it_says_how_far_it_is_once_a_minute_and_at_the_end():
    progress = Progress()
    assert progress.see(100, 0, 0.0) is None
    assert progress.seconds_left is None
    assert progress.see(100, 340, 0.0) == "0 of 340 letters"
    lines = [progress.see(100 + n, 340 - n, 6.0 * n) for n in range(1, 340)]
    said = [line for line in lines if line]
    assert len(said) == 33  # two seconds short of 34 minutes
    assert said[0] == "10 of 340 letters, 33 min at this speed"
    assert progress.seconds_left == pytest.approx(6.0)
    assert progress.see(440, 0, 2_040.0) == "340 of 340 letters"
    assert progress.see(440, 0, 2_050.0) is None
    assert (progress.total, progress.seconds_left) == (0, None)


def test_what_comes_meanwhile_counts_and_what_stands_still_promises_nothing():
    progress = Progress()
    progress.see(0, 10, 0.0)
    progress.see(5, 8, 10.0)
    assert (progress.done, progress.total) == (5, 13)
    assert progress.seconds_left == pytest.approx(16.0)
    progress.see(5, 8, 1_000.0)
    assert progress.seconds_left is None


def test_it_begins_again():
    progress = Progress()
    assert progress.see(0, 20, 0.0) == "0 of 20 letters"
    assert progress.see(20, 0, 1.0) == "20 of 20 letters"
    assert progress.see(20, 30, 100.0) == "0 of 30 letters"


def test_a_letter_or_two_are_no_news():
    progress = Progress()
    assert [progress.see(n, 1, 10.0 * n) for n in range(5)] == [None] * 5
    assert progress.see(5, 0, 50.0) is None
    assert progress.see(5, 6, 60.0) == "0 of 6 letters"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0, 1_000)), max_size=40))
def test_it_never_promises_nonsense(steps):
    progress, done, waiting, now_s = Progress(), 0, 0, 0.0
    for goes, comes, takes_s in steps:
        waiting, now_s = waiting + comes, now_s + takes_s
        goes = min(goes, waiting)
        done, waiting = done + goes, waiting - goes
        progress.see(done, waiting, now_s)
        assert progress.total in (0, progress.done + waiting)
        assert progress.seconds_left is None or progress.seconds_left >= 0


@pytest.mark.parametrize(("seconds", "words"), [(5, "5 s"), (240, "4 min"), (7_200, "2 h")])
def test_times_in_words(seconds, words):
    assert how_long(seconds) == words


@pytest.mark.parametrize(
    ("sent", "minutes_ago", "ordinary", "digest_above"),
    [(0, 0, 60, 1), (5, 4, 55, 1), (5, 6, 0, 1), (5, 59, 0, 1)],
)
def test_where_bytes_cost_the_rest_goes_together_once_an_hour(sent, minutes_ago, ordinary, digest_above):
    now_s = 1_000_000.0
    free_s = now_s - 60 * minutes_ago + HOUR_S if sent else now_s
    caps = seldom(Caps(60 - sent, 60, 20, free_s), 60, now_s)
    assert (caps.ordinary, caps.urgent, caps.digest_above, caps.free_s) == (
        ordinary,
        60,
        digest_above,
        free_s,
    )


def test_a_list_that_takes_no_digests_gets_none_where_bytes_cost():
    assert seldom(Caps(60, 60, 0), 60, 0.0).digest_above == 0


def test_who_has_less_urgent_letters_waits():
    turns = Precedence(lambda: 0.0)
    turns.claim("a", Level.URGENT)
    turns.claim("b", Level.REST)
    assert turns.may("a", Level.URGENT)
    assert not turns.may("b", Level.REGISTRATION)
    went = threading.Event()

    def b():
        turns.wait("b", Level.REST)
        went.set()

    waiting = threading.Thread(target=b)
    waiting.start()
    assert not went.wait(0.1)
    turns.claim("a", Level.REST)
    assert went.wait(5)
    waiting.join()
    assert not turns.may("c, in", Level.INWARD)
    turns.release("a")
    turns.release("b")
    assert turns.may("c, in", Level.INWARD)


def test_nobody_waits_for_ever(monkeypatch):
    monkeypatch.setattr(precedence, "PATIENCE_S", 0.0)
    turns = Precedence(lambda: 0.0)
    turns.claim("a", Level.URGENT)
    turns.wait("b", Level.REST)
    assert turns.may("b", Level.REST)
    turns.release("b")
    assert not turns.may("b", Level.REST)
    turns.stop()
    assert turns.may("b", Level.REST)
