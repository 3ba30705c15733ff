"""Offers: each bundle is owed once, until somebody sends it; alerts first; nobody gets without end."""

from sync.bundle import BundleClass
from sync.doubt import FREE, WAIT_FRAMES, Answers
from sync.live import LiveBundle
from sync.offers import OFFERS_MAX, Offers
from sync.owing import GIVEN_PER_HOUR_MAX, Given

FRAME_S = 2.0
CAMP = b"AAAA"


def bundle_id(n):
    return n.to_bytes(16)


class Shelf:
    """Holds everything; every hundredth is an alert."""

    def with_prefix(self, prefix):
        class_ = BundleClass.POST if int.from_bytes(prefix) % 100 else BundleClass.ALERT
        return LiveBundle(prefix, b"authorid", b"k" * 32, 7_000, class_, 150)

    def wire_of(self, prefix):
        return bytes(150)


class EmptyShelf(Shelf):
    def with_prefix(self, prefix):
        return None


def offers(shelf=None, given=None):
    return Offers(shelf or Shelf(), given or Given(), Answers(FRAME_S))


def test_a_bundle_is_owed_once_until_somebody_sends_it():
    owed = offers()
    owed.add(bundle_id(1), CAMP, 5.0)
    owed.add(bundle_id(1), CAMP, 3.0)
    assert len(owed) == 1
    assert owed.next_due() == 5.0
    assert owed.first_due(4.9, alerts_only=False) is None
    assert owed.first_due(5.0, alerts_only=False) == (bundle_id(1), BundleClass.POST)
    assert owed.drop(bundle_id(1), 6.0)
    assert not owed.drop(bundle_id(1), 6.0)
    assert owed.next_due() == float("inf")


def test_alerts_go_first():
    owed = offers()
    owed.add(bundle_id(1), CAMP, 1.0)
    owed.add(bundle_id(100), CAMP, 2.0)
    assert owed.first_due(2.0, alerts_only=False) == (bundle_id(100), BundleClass.ALERT)
    assert owed.first_due(1.5, alerts_only=True) is None
    owed.drop(bundle_id(100), 2.0)
    assert owed.first_due(2.0, alerts_only=True) is None


def test_what_is_not_here_is_not_promised():
    owed = offers(EmptyShelf())
    owed.add(bundle_id(1), CAMP, 1.0)
    assert len(owed) == 0


def test_one_camp_is_promised_so_many_an_hour():
    owed = offers()
    for n in range(1, 2 * GIVEN_PER_HOUR_MAX):
        owed.add(bundle_id(n), CAMP, 1.0)
    assert len(owed) == GIVEN_PER_HOUR_MAX
    owed.add(bundle_id(1_000), b"BBBB", 1.0)
    assert len(owed) == GIVEN_PER_HOUR_MAX + 1


def test_who_lacks_the_same_again_and_again_waits():
    owed = offers()
    for _ in range(FREE):
        owed.add(bundle_id(1), CAMP, 1.0)
        assert owed.drop(bundle_id(1), 1.0)
    owed.add(bundle_id(1), b"BBBB", 2.0)
    assert len(owed) == 0
    owed.add(bundle_id(2), b"BBBB", 2.0)  # what was not sent yet does not wait
    assert len(owed) == 1
    owed.add(bundle_id(1), b"BBBB", 1.0 + WAIT_FRAMES * FRAME_S)
    assert len(owed) == 2


def test_a_mic_check_is_said_again_whatever_was_said():
    owed = offers()
    for _ in range(FREE + 1):
        owed.repeat(bundle_id(100), 1.0)
        assert owed.drop(bundle_id(100), 1.0)
    owed.repeat(bundle_id(100), 2.0)
    assert owed.first_due(2.0, alerts_only=True) == (bundle_id(100), BundleClass.ALERT)


def test_what_is_owed_is_bounded():
    owed = offers()
    for n in range(1, OFFERS_MAX + 100):
        owed.add(bundle_id(n), n.to_bytes(4, "little"), 1.0)
    assert len(owed) == OFFERS_MAX
