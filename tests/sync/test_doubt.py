"""What is said for the asking again and again waits longer each time."""

import pytest

from sync.doubt import ANSWERS_MAX, FORGOTTEN_FRAMES, FREE, WAIT_FRAMES, WAIT_FRAMES_MAX, Answers

FRAME_S = 2.0
WHAT = b"what"


def said(times, now=0.0):
    answers = Answers(FRAME_S)
    for _ in range(times):
        answers.said(WHAT, now)
    return answers


def test_an_answer_that_was_lost_is_given_again_at_once():
    for times in range(FREE):
        assert said(times).is_free(WHAT, 0.0)


@pytest.mark.parametrize(("more", "frames"), [(0, 30), (1, 60), (2, 120), (3, 120), (50, 120)])
def test_then_each_waits_longer_than_the_one_before_but_never_for_an_hour(more, frames):
    """At 40 % loss five in a row are lost one time in thirty."""
    assert (frames == WAIT_FRAMES) == (more == 0)
    answers = said(FREE + more)
    wait_s = frames * FRAME_S
    assert not answers.is_free(WHAT, wait_s - 0.1)
    assert answers.is_free(WHAT, wait_s)
    assert answers.is_free(b"another", 0.0)


def test_whoever_comes_an_hour_later_finds_nothing_remembered():
    hour_s = FORGOTTEN_FRAMES * FRAME_S
    answers = said(50)
    assert not answers.is_free(WHAT, WAIT_FRAMES_MAX * FRAME_S - 0.1)
    answers.said(WHAT, hour_s + 0.1)
    assert answers.is_free(WHAT, hour_s + 0.1)


def test_a_flood_fills_no_memory():
    answers = Answers(FRAME_S)
    for n in range(3 * ANSWERS_MAX):
        answers.said(n.to_bytes(4), float(n))
    assert len(answers._said) == ANSWERS_MAX
