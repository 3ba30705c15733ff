"""A key that was asked for stays owed until somebody said it."""

from itertools import pairwise
from random import Random

from sync.frames import AskKeysFrame, KeysFrame
from sync.intentions import AskKey, Intentions
from sync.keytalk import KEY_TRIES, LACKED_MAX, ONCE_TRIES, TOGETHER_MAX, KeyTalk

AUTHOR, KEY = b"authorid", bytes(32)


class Keys:
    """A camp that may know one key."""

    def __init__(self, *known):
        self.known = known

    def keys_of(self, author):
        return self.known if author == AUTHOR else ()

    def lacks_key(self, author):
        return not self.known


def talk_of(*known):
    intentions = Intentions()
    return KeyTalk(Keys(*known), intentions, Random(1), 2.0), intentions


def test_a_key_is_owed_until_it_is_heard():
    talk, _ = talk_of(KEY)
    assert not talk.owes(AUTHOR)
    talk.hear_asked((AUTHOR, b"stranger"), 0.0)
    assert talk.owes(AUTHOR)
    assert not talk.owes(b"stranger")
    assert talk.say(AUTHOR) == KeysFrame((KEY,))
    talk.hear(AUTHOR)
    assert not talk.owes(AUTHOR)


def test_who_lacks_a_key_asks_some_times_and_then_no_more():
    talk, intentions = talk_of()
    talk.lack(AUTHOR, 0.0)
    talk.lack(AUTHOR, 1.0)
    assert intentions.of(AskKey) == [AskKey(AUTHOR, KEY_TRIES)]
    asked = [AskKey(AUTHOR, tries) for tries in range(KEY_TRIES, 0, -1)]
    assert [talk.ask(each, 10.0) for each in asked] == [AskKeysFrame((AUTHOR,))] * KEY_TRIES
    assert talk_of(KEY)[0].ask(asked[0], 10.0) is None


def test_an_author_who_was_heard_once_is_asked_for_once_and_not_after_another_did():
    # A frame that noise spoiled names an author nobody heard of: each of its hearers asked six times.
    talk, intentions = talk_of()
    talk.lack(AUTHOR, 0.0)
    assert intentions.any(lambda each: each == AskKey(AUTHOR, ONCE_TRIES))
    talk.hear_asked((AUTHOR,), 1.0)
    assert [talk.ask(each, 60.0) for _, each in iter(lambda: intentions.pop_due(60.0), None)] == [None]
    talk.lack(AUTHOR, 61.0)  # heard again: he is there
    talk.hear_asked((AUTHOR,), 62.0)
    assert intentions.any(lambda each: each == AskKey(AUTHOR, KEY_TRIES))


def test_whose_key_came_is_heard_for_the_first_time_again():
    talk, intentions = talk_of()
    talk.lack(AUTHOR, 0.0)
    talk.hear(AUTHOR)
    assert intentions.pop_due(60.0) is not None
    talk.lack(AUTHOR, 61.0)
    assert intentions.any(lambda each: each == AskKey(AUTHOR, ONCE_TRIES))


def test_what_is_remembered_of_authors_nobody_knows_is_bounded():
    talk, intentions = talk_of()
    talk.lack(AUTHOR, 0.0)
    for number in range(LACKED_MAX):
        talk.lack(number.to_bytes(8), 1.0)
    assert intentions.pop_due(60.0) is not None
    talk.lack(AUTHOR, 61.0)
    assert not intentions.any(lambda each: each == AskKey(AUTHOR, KEY_TRIES))


def test_each_question_after_a_key_is_waited_for_longer_than_the_one_before():
    waits = []
    for tries in range(KEY_TRIES, 1, -1):
        talk, intentions = talk_of()
        talk.ask(AskKey(AUTHOR, tries), 0.0)
        waits.append(intentions.next_due())
    assert all(later > sooner for sooner, later in pairwise(waits))
    assert waits[-1] > 8 * waits[0]


def test_what_is_asked_or_owed_at_about_the_same_time_goes_into_one_frame():
    """A camp that lacked nineteen keys asked for each in a frame of its own, and was answered so."""
    authors = [n.to_bytes(8) for n in range(TOGETHER_MAX + 2)]
    talk, intentions = talk_of()
    for author in authors * 2:  # a bundle of each was heard twice
        talk.lack(author, 0.0)
    due, first = intentions.pop_due(1e9)
    frame = talk.ask(first, due)
    assert len(frame.authors) == len(set(frame.authors)) == TOGETHER_MAX
    waiting = [each for each in intentions.of(AskKey) if each.author in frame.authors]
    assert {each.tries for each in waiting} == {KEY_TRIES - 1}
    assert len(intentions.of(AskKey)) == len(authors)

    class Known(Keys):
        """A camp that knows everybody's key."""

        def keys_of(self, author):
            return (author * 4,)

    owing = KeyTalk(Known(), Intentions(), Random(1), 2.0)
    owing.hear_asked(tuple(authors), 0.0)
    said = owing.say(authors[0]).keys
    assert len(said) == len(set(said)) == TOGETHER_MAX
    assert said[0] == authors[0] * 4


def test_a_key_that_came_meanwhile_is_not_asked_for_along_with_others():
    talk, _ = talk_of()
    talk._keys.lacks_key = lambda author: author == AUTHOR
    talk.lack(b"otherone", 0.0)
    assert talk.ask(AskKey(AUTHOR, 2), 10.0) == AskKeysFrame((AUTHOR,))
