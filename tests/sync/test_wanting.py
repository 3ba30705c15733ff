"""Wanting: what a beacon told is offered and asked for, patiently, and no more often than it helps."""

from random import Random

import pytest

from sync.air_frames import WantFrame
from sync.bundle import MASK_RADIO, BundleClass
from sync.comparing import Comparing
from sync.doubt import Answers
from sync.intentions import Intentions, SayWant
from sync.live import LiveBundle
from sync.offers import Offers
from sync.owing import Given
from sync.relays import FLIGHT_FRAMES
from sync.sketch import BEACON_SYNDROMES, WHOLE, Salt, SaltedSet
from sync.wanting import SYMBOL_FRAMES, UNDER_WAY_MAX, WANT_FRAMES, WANT_TRIES, WANTS_MAX, Wanting

FRAME_S = 2.0
SALT = Salt(b"salt", 7_000, b"AAAA")
HERE = [n.to_bytes(16) for n in range(1, 20)]


class Camp:
    """A shelf, a set and relays: what a camp holds and what of it leaves anyway."""

    def __init__(self):
        self.here = list(HERE)
        self.pending = set()
        self.settled_s = float("-inf")

    def live_at(self, hour, mask):
        return [self.with_prefix(each) for each in self.here]

    def ghost_ids(self):
        return ()

    def with_prefix(self, prefix):
        return LiveBundle(prefix, b"authorid", b"k" * 32, 7_000, BundleClass.POST, 150)

    def wire_of(self, prefix):
        return bytes(150)

    def is_pending(self, bundle_id):
        return bundle_id in self.pending

    def settled_at(self, bundle_id):
        return self.settled_s


class Table:
    """The camp's wanting, and what it works on."""

    def __init__(self):
        self.camp = Camp()
        self.intentions = Intentions()
        self.offers = Offers(self.camp, Given(), Answers(FRAME_S))
        self.comparing = Comparing(self.camp, b"MEME", MASK_RADIO, Random(1), 0.0)
        self.wanting = Wanting(self.comparing, self.intentions, self.offers, self.camp, Random(1), FRAME_S)

    def hear_beacon(self, theirs, now=0.0):
        """Compare a beacon of these bundles."""
        told = SaltedSet(theirs, SALT).sketch(BEACON_SYNDROMES)
        mine = self.comparing.set_of(SALT, MASK_RADIO)
        found = self.comparing.difference(mine, told, WHOLE)
        assert found is not None
        self.wanting.settle(found, SayWant(SALT, WHOLE, MASK_RADIO, told, WANT_TRIES), now)

    def say(self, now, pays=True):
        """The first request that is due, as it is said."""
        waiting = self.intentions.pop_due(now)
        assert waiting is not None
        assert isinstance(waiting[1], SayWant)
        return self.wanting.say(waiting[1], lambda length: pays, now)


def new(count):
    return [n.to_bytes(16) for n in range(100, 100 + count)]


def test_what_the_other_lacks_is_offered_unless_it_leaves_anyway():
    table = Table()
    table.camp.pending.add(HERE[0])
    table.camp.settled_s = 50.0
    table.hear_beacon(HERE[2:])
    assert len(table.offers) == 1
    assert table.offers.next_due() >= 50.0  # it may reach the other by a relay before that
    assert table.intentions.next_due() == float("inf")


@pytest.mark.parametrize("count", [1, UNDER_WAY_MAX, UNDER_WAY_MAX + 1])
def test_a_few_that_may_be_under_way_are_waited_for(count):
    table = Table()
    table.hear_beacon([*HERE, *new(count)])
    patience_s = FLIGHT_FRAMES * FRAME_S if count <= UNDER_WAY_MAX else 0.0
    assert patience_s <= table.intentions.next_due() <= patience_s + WANT_FRAMES[1] * FRAME_S


def test_a_request_asks_for_what_still_lacks_when_it_is_said():
    table = Table()
    theirs = [*HERE, *new(3)]
    table.hear_beacon(theirs)
    table.camp.here += new(2)
    frame = table.say(100.0)
    assert SaltedSet(theirs, SALT).matching(frame.want) == (new(3)[2],)
    table.camp.here += new(3)[2:]
    assert table.say(1_000.0) is None
    assert table.intentions.next_due() == float("inf")


def test_a_request_is_said_three_times_and_only_when_it_is_paid_for():
    table = Table()
    table.hear_beacon([*HERE, *new(1)])
    now, said = 100.0, 0
    while table.intentions.next_due() < float("inf"):
        assert table.say(now) is not None
        said += 1
        now += 100.0
    assert said == WANT_TRIES
    table.hear_beacon([*HERE, *new(1)], now)
    assert table.say(now + 100.0, pays=False) is None
    assert table.intentions.next_due() == float("inf")


def test_who_hears_another_ask_the_same_waits_and_asks_once_less():
    table = Table()
    table.hear_beacon([*HERE, *new(1)])
    for _ in range(WANT_TRIES):
        table.wanting.hear_same(WantFrame(SALT, b"want"), 0.0)
    assert table.say(1_000.0) is None
    table.hear_beacon([*HERE, *new(1)])
    due = table.intentions.next_due()
    table.wanting.hear_same(WantFrame(Salt(b"else", 7_000, b"AAAA"), b"want"), 0.0)
    assert table.intentions.next_due() == due


def test_others_answer_when_a_camp_asks_again():
    wanting = Table().wanting
    frame = WantFrame(SALT, b"want")
    assert not wanting.is_said_again(frame, b"BB")
    assert not wanting.is_said_again(frame, b"CC")
    assert wanting.is_said_again(frame, b"BB")
    for n in range(WANTS_MAX):
        wanting.is_said_again(WantFrame(SALT, b"want", n + 2), b"BB")
    assert not wanting.is_said_again(frame, b"BB")


def test_a_part_of_a_request_that_told_too_little_is_answered_without_coefficients():
    table = Table()
    table.wanting.ask_for_more(SALT, 5, 0.0)
    assert table.say(1_000.0) == WantFrame(SALT, b"", 5)
    table.wanting.ask_for_more(SALT, 0xFFFF, 0.0)  # there is no smaller part
    assert table.intentions.next_due() == float("inf")


def test_who_is_asked_answers_sooner_than_others():
    mine, others = Table(), Table()
    mine.wanting.owe((HERE[0],), b"BB", True, 10.0)
    others.wanting.owe((HERE[0],), b"BB", False, 10.0)
    assert mine.offers.next_due() < others.offers.next_due()


def test_while_its_symbols_come_a_request_is_not_said_again():
    """A holder answered each repetition with the whole parcel: fifteen frames for five."""
    table = Table()
    table.hear_beacon([*HERE, *new(3)])
    table.say(100.0)
    due = table.intentions.next_due()
    table.wanting.hear_symbol(b"ZZ", 101.0)
    assert table.intentions.next_due() == due
    table.wanting.hear_symbol(SALT.sender[:2], 101.0)
    assert table.intentions.next_due() == 101.0 + SYMBOL_FRAMES * FRAME_S
    table.wanting.hear_symbol(SALT.sender[:2], 100.0)
    assert table.intentions.next_due() == 101.0 + SYMBOL_FRAMES * FRAME_S
