"""Whether to relay, and when: by what it would gain."""

from random import Random

import pytest

from sync.bundle import BundleClass
from sync.earshot import Earshot
from sync.relays import (
    AGAIN_FRAMES,
    AGAIN_MAX,
    ALERT_AGAIN_FRAMES,
    ALERT_AGAIN_MAX,
    ALERT_DELAY_S,
    DELAY_FRAMES,
    HUSH_FRAMES,
    HUSH_REST_FRAMES,
    NEW_FRAMES,
    SHOWN_FRAMES,
    TRAILS_MAX,
    YOUNG_FRAMES,
    Relays,
)
from sync.schedule import Outgoing

FRAME_S = 2.0
LATE_S = NEW_FRAMES * FRAME_S + 1  # the radio is not new any more
ID = bytes(16)
ME, A, B, C = b"ME", b"AA", b"BB", b"CC"
NEVER = float("inf")


class Camp:
    """One camp's relays, and what surrounds them."""

    def __init__(self, *camps, seed=1, frames=1):
        self.outgoing, self.earshot = Outgoing(), Earshot(ME)
        self.relays = Relays(self.outgoing, self.earshot, lambda _: frames, Random(seed), FRAME_S, 0.0)
        for camp in camps:
            for _ in range(2):  # not a name that was heard once only
                self.earshot.heard(camp, -10.0, LATE_S)

    def due(self, now=LATE_S):
        return self.outgoing.next_due(now)

    def send(self, now):
        assert self.outgoing.peek(now) == ID
        self.outgoing.drop(ID)
        self.relays.sent(ID, now)


def post(camp, sender=A, now=LATE_S):
    camp.relays.took_in(ID, BundleClass.POST, sender, now)


def test_whose_neighbours_all_heard_it_does_not_relay():
    camp = Camp(A, B, C)
    camp.earshot.told(A, (ME, B, C))
    post(camp)
    assert camp.due() == NEVER


def test_who_alone_reaches_a_camp_relays():
    camp = Camp(A, B)
    camp.earshot.told(A, (ME,))
    camp.earshot.told(B, (ME,))
    post(camp)
    assert LATE_S < camp.due() <= LATE_S + DELAY_FRAMES[1] * FRAME_S


def test_who_gains_more_speaks_first():
    waits = []
    for others in (1, 2, 4, 8):
        names = [bytes([n, n]) for n in range(others)]
        camp = Camp(A, *names)
        camp.earshot.told(A, (ME,))
        for name in names:
            camp.earshot.told(name, (ME,))
        post(camp)
        waits.append(camp.due() - LATE_S)
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > 3 * waits[-1]


def test_a_copy_that_serves_the_rest_makes_a_relay_superfluous():
    camp = Camp(A, B, C)
    camp.earshot.told(A, (ME,))
    camp.earshot.told(B, (ME, C))
    camp.earshot.told(C, (ME, B))
    post(camp)
    assert camp.relays.is_pending(ID)
    camp.relays.heard(ID, B, LATE_S + 1)
    assert not camp.relays.is_pending(ID)


def test_a_copy_that_serves_few_makes_it_wait_longer():
    camp = Camp(A, B, C, b"DD")
    camp.earshot.told(A, (ME,))
    for name in (B, C, b"DD"):
        camp.earshot.told(name, (ME,))
    post(camp)
    before = camp.due()
    camp.relays.heard(ID, B, LATE_S + 0.1)
    assert camp.due() > before


def test_chat_is_left_to_repair_and_a_new_radio_takes_it_that_somebody_is_behind():
    camp = Camp(A)
    camp.relays.took_in(ID, BundleClass.CHAT, A, 1.0)
    assert camp.due(1.0) == NEVER
    post(camp, now=1.0)
    assert 1.0 < camp.due(1.0) < NEVER
    late = Camp(A)
    post(late)
    assert late.due() == NEVER


def test_what_came_by_cable_is_worth_relaying_to_all():
    camp = Camp(A, B, C)
    post(camp, sender=None)
    assert camp.due() < NEVER


def test_an_alert_is_relayed_soon_unless_two_others_did():
    camp = Camp(A, B, C)
    camp.relays.took_in(ID, BundleClass.ALERT, A, LATE_S)
    assert LATE_S + ALERT_DELAY_S[0] <= camp.due() <= LATE_S + ALERT_DELAY_S[1]
    camp.relays.heard(ID, B, LATE_S)
    assert camp.relays.is_pending(ID)
    camp.relays.heard(ID, C, LATE_S)
    assert not camp.relays.is_pending(ID)


def test_an_own_bundle_that_nobody_relayed_is_said_again_and_then_not():
    camp = Camp(A)
    camp.relays.own(ID, BundleClass.POST, LATE_S)
    assert camp.due() == LATE_S
    now = LATE_S
    for _ in range(AGAIN_MAX):
        camp.send(now)
        assert now < camp.due(now) < NEVER
        now = camp.due(now)
    camp.send(now)
    assert camp.due(now) == NEVER


def test_a_relay_that_is_heard_ends_that():
    camp = Camp(A)
    camp.relays.own(ID, BundleClass.POST, LATE_S)
    camp.send(LATE_S)
    camp.relays.heard(ID, A, LATE_S + 5)
    assert camp.due() == NEVER


def test_alone_nothing_is_said_again():
    camp = Camp()
    camp.relays.own(ID, BundleClass.POST, LATE_S)
    camp.send(LATE_S)
    assert camp.due() == NEVER


def test_a_copy_does_not_keep_our_own_from_leaving_for_the_first_time():
    camp = Camp(A)
    camp.relays.own(ID, BundleClass.POST, LATE_S)
    camp.relays.heard(ID, A, LATE_S)
    assert camp.due() == LATE_S


def test_a_comparison_tells_what_a_camp_has():
    camp = Camp(A, B)
    camp.earshot.told(A, (ME,))
    camp.earshot.told(B, (ME,))
    post(camp)
    camp.relays.knows(B, (ID,), LATE_S)
    assert camp.relays.is_pending(ID)
    camp.relays.knows(B, (), LATE_S)
    assert not camp.relays.is_pending(ID)


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_parts_of_a_block_count_as_parts(parts):
    camp = Camp(A, B, C, frames=parts)
    camp.earshot.told(B, (ME, A, C))
    camp.earshot.told(C, (ME, A, B))
    camp.relays.took_in(ID, BundleClass.ALERT, A, LATE_S)
    for part in range(2 * parts):
        assert camp.relays.is_pending(ID), part
        camp.relays.heard(ID, B, LATE_S, parts)
    assert not camp.relays.is_pending(ID)


def a_crowd(frames):
    """A camp that heard a block of A, whom nobody else hears, and six others that hear each other."""
    crowd = [bytes([n, n]) for n in range(6)]
    camp = Camp(A, *crowd, frames=frames)
    camp.earshot.told(A, (ME,))
    for name in crowd:
        camp.earshot.told(name, (ME, *crowd))
    camp.relays.took_in(ID, BundleClass.POST, None, LATE_S)
    for _ in range(frames):
        camp.relays.heard(ID, A, LATE_S, frames)
    return camp, crowd


def test_an_own_block_leaves_whole_one_frame_after_the_other():
    camp = Camp(A, B, frames=5)
    camp.earshot.told(A, (ME, B))
    camp.earshot.told(B, (ME, A))
    camp.relays.own(ID, BundleClass.POST, LATE_S)
    for _ in range(5):
        assert camp.due() == LATE_S
        camp.relays.heard(ID, A, LATE_S, 5)  # an echo of a part of it does not stop the rest
        camp.send(LATE_S)
    assert camp.due() > LATE_S


@pytest.mark.parametrize(("frames", "at_once"), [(2, 1), (3, 1), (8, 2), (24, 6)])
def test_of_a_block_a_part_is_relayed_and_then_it_is_reckoned_again(frames, at_once):
    camp, _ = a_crowd(frames)
    now = camp.due()
    assert LATE_S < now < NEVER
    for _ in range(at_once):
        assert camp.due(now) == now
        camp.send(now)
    assert now < camp.due(now) < NEVER


def test_a_relay_of_a_block_ends_in_the_middle_when_others_sent_the_rest():
    camp, crowd = a_crowd(2)
    camp.send(camp.due())
    for _ in range(4):
        camp.relays.heard(ID, crowd[0], LATE_S + 60, 2)
    assert camp.due() == NEVER


def test_a_relay_of_a_block_ends_by_itself():
    camp, _ = a_crowd(3)
    sent = 0
    while camp.due() < NEVER:
        camp.send(camp.due())
        sent += 1
    assert 3 <= sent <= 9


def test_what_was_asked_for_leaves_whole_unless_somebody_else_sends_it():
    camp = Camp(A, B, frames=3)
    for times, others in ((3, 0), (2, 1), (0, 3)):
        camp.relays.answer(ID, BundleClass.CHAT, LATE_S)
        for _ in range(others):
            camp.relays.heard(ID, B, LATE_S, 3)
        for _ in range(times):
            assert camp.due() == LATE_S
            camp.send(LATE_S)
        assert camp.due() == NEVER


def test_a_camp_that_a_beacon_shows_to_lack_a_block_may_have_a_part_of_it():
    one, other = (Camp(A, B, frames=2) for _ in range(2))
    for camp in (one, other):
        camp.earshot.told(A, (ME,))
        camp.earshot.told(B, (ME,))
        camp.relays.took_in(ID, BundleClass.POST, None, LATE_S)
    one.relays.heard(ID, A, LATE_S, 2)
    one.send(one.due())
    other.relays.heard(ID, A, LATE_S, 2)
    for camp in (one, other):
        camp.relays.knows(B, (ID,), LATE_S)
    one.relays.heard(ID, B, LATE_S, 2)  # B has it all
    assert one.due() == NEVER
    assert other.due() < NEVER


def test_what_is_remembered_is_bounded():
    camp = Camp(A)
    for n in range(TRAILS_MAX + 10):
        camp.relays.took_in(n.to_bytes(16), BundleClass.POST, A, LATE_S)
    assert camp.relays.settled_at((0).to_bytes(16)) == float("-inf")
    assert camp.relays.settled_at((TRAILS_MAX + 9).to_bytes(16)) > LATE_S


def test_who_lacks_it_for_sure_is_worth_a_relay():
    camp = Camp(A, B)
    camp.earshot.told(A, (ME,))
    camp.earshot.told(B, (ME, b"11"))  # on a row, one camp further on
    post(camp)
    assert camp.relays.is_pending(ID)


CROWD = tuple(bytes([200, n]) for n in range(6))


def on_the_way_to_a_crowd():
    """A camp between A, who hears nobody else, and B, who alone hears six more."""
    camp = Camp(A, B)
    camp.earshot.told(A, (ME,))
    camp.earshot.told(B, (ME, *CROWD))
    return camp


def test_the_only_way_to_a_crowd_serves_many_and_the_way_back_few():
    for sender, serves_few in ((A, False), (B, True)):
        camp = on_the_way_to_a_crowd()
        post(camp, sender)
        assert camp.relays.is_pending(ID)
        assert camp.relays.serves_few(ID) == serves_few
        assert camp.outgoing.serves_few(camp.due()) == serves_few
    assert on_the_way_to_a_crowd().relays.serves_few(ID)  # of which nothing is known


def test_who_hears_the_crowd_beside_us_needs_us_less():
    camp = on_the_way_to_a_crowd()
    camp.earshot.heard(C, -10.0, LATE_S)
    camp.earshot.told(B, (ME, C, *CROWD))
    assert camp.relays.crowds(LATE_S) == {}


def test_what_a_crowd_waits_for_is_said_once_more_when_nobody_passes_it_on():
    camp = on_the_way_to_a_crowd()
    post(camp, A)
    camp.send(camp.due())
    again = camp.due()
    assert AGAIN_FRAMES[0] * FRAME_S <= again - LATE_S <= (AGAIN_FRAMES[1] + DELAY_FRAMES[1]) * FRAME_S
    camp.send(again)
    assert camp.due() == NEVER


def test_it_is_not_when_somebody_does():
    camp = on_the_way_to_a_crowd()
    post(camp, A)
    camp.send(camp.due())
    camp.relays.heard(ID, B, LATE_S + 30)
    assert camp.due() == NEVER


def test_what_one_camp_waits_for_is_not_said_again():
    camp = on_the_way_to_a_crowd()
    post(camp, B)
    camp.send(camp.due())
    assert camp.due() == NEVER


def alert(camp, sender=A, now=LATE_S):
    camp.relays.took_in(ID, BundleClass.ALERT, sender, now)
    camp.send(camp.due(now))


def test_an_alert_is_said_again_until_who_hears_nobody_else_was_heard_to_have_it():
    camp = Camp(A, B)
    camp.earshot.told(A, (ME,))
    camp.earshot.told(B, (ME,))
    alert(camp)
    camp.relays.heard(ID, A, LATE_S)
    camp.relays.heard(ID, A, LATE_S)
    assert camp.due() < NEVER
    camp.relays.heard(ID, B, LATE_S)
    assert camp.due() == NEVER


def test_an_alert_is_said_so_often_and_no_more():
    camp, sent = Camp(A, B), 1
    camp.earshot.told(A, (ME,))
    camp.earshot.told(B, (ME,))
    alert(camp)
    while camp.due() < NEVER:
        camp.send(camp.due())
        sent += 1
    assert sent == ALERT_AGAIN_MAX + 1


def a_clique():
    """A camp that hears A, B and C, all of which hear each other."""
    camp = Camp(A, B, C)
    for name in (A, B, C):
        camp.earshot.told(name, tuple({ME, A, B, C} - {name}))
    return camp


def test_two_relays_of_an_alert_silence_who_reaches_nobody_else():
    camp = a_clique()
    camp.relays.took_in(ID, BundleClass.ALERT, A, LATE_S)
    camp.relays.heard(ID, B, LATE_S)
    assert camp.relays.is_pending(ID)
    camp.relays.heard(ID, B, LATE_S)
    assert not camp.relays.is_pending(ID)


def test_two_relays_of_an_alert_do_not_silence_the_way_to_a_crowd():
    # Two camps that hear each other hear nobody else of ours: none of them is a dependent.
    camp = a_clique()
    for name, other in ((b"DD", b"EE"), (b"EE", b"DD")):
        for _ in range(2):
            camp.earshot.heard(name, -10.0, LATE_S)
        camp.earshot.told(name, (ME, other, *CROWD))
    camp.relays.took_in(ID, BundleClass.ALERT, A, LATE_S)
    for name in (A, B, C):
        camp.relays.heard(ID, name, LATE_S)
    assert camp.relays.is_pending(ID)
    camp.send(camp.due())
    assert camp.due() <= LATE_S + (ALERT_AGAIN_FRAMES[1] + ALERT_DELAY_S[1]) * FRAME_S
    camp.relays.heard(ID, b"DD", LATE_S + 5)
    camp.relays.heard(ID, b"EE", LATE_S + 5)
    assert camp.due() == NEVER


def test_two_that_say_an_alert_again_get_out_of_step():
    # A camp between two that do not hear each other heard twelve collisions.
    last = []
    for seed in range(20):
        camp, now = Camp(A, B, seed=seed), LATE_S
        camp.relays.own(ID, BundleClass.ALERT, LATE_S)
        while camp.due(now) < NEVER:
            now = camp.due(now)
            camp.send(now)
        last.append(now)
    assert max(last) - min(last) > ALERT_AGAIN_MAX * (ALERT_AGAIN_FRAMES[1] - ALERT_AGAIN_FRAMES[0]) * FRAME_S


def test_whose_neighbours_all_lack_an_alert_relays_it_sooner():
    waits = []
    for is_served in (True, False):
        crowd = [bytes([n, n]) for n in range(6)]
        camp = Camp(A, *crowd)
        camp.earshot.told(A, (ME, *crowd) if is_served else (ME,))
        for name in crowd:
            camp.earshot.told(name, (ME, A, *crowd) if is_served else (ME, *crowd))
        camp.relays.took_in(ID, BundleClass.ALERT, A, LATE_S)
        waits.append(camp.due() - LATE_S)
    assert waits[1] < waits[0] <= ALERT_DELAY_S[1]


def test_who_hears_an_alert_last_says_so_twice():
    camp, sent = Camp(A), 0
    camp.relays.took_in(ID, BundleClass.ALERT, A, LATE_S)
    while camp.due() < NEVER:
        camp.send(camp.due())
        sent += 1
    assert sent == 2


def test_of_those_who_notice_that_a_camp_is_silent_about_one_says_an_alert_again():
    again = 0
    for seed in range(200):
        camp = Camp(*(bytes([n, n]) for n in range(8)), seed=seed)
        for n in range(8):
            camp.earshot.told(bytes([n, n]), (ME, *(bytes([m, m]) for m in range(8) if m != n)))
        alert(camp, bytes(2))
        for n in range(1, 7):
            camp.relays.heard(ID, bytes([n, n]), LATE_S)
        again += camp.relays.is_pending(ID)
        camp.relays.heard(ID, bytes([7, 7]), LATE_S)
        assert not camp.relays.is_pending(ID)
    assert 15 < again < 40  # of eight who notice, one


def test_whom_a_beacon_shows_to_lack_a_young_alert_gets_it_soon():
    camp = a_clique()
    alert(camp)
    for name in (B, C):
        camp.relays.heard(ID, name, LATE_S)
    assert camp.due() == NEVER
    later = LATE_S + YOUNG_FRAMES * FRAME_S
    camp.relays.knows(B, (ID,), later)
    assert camp.due(later) == NEVER
    camp.relays.knows(B, (ID,), later - 1)
    assert later - 1 <= camp.due(later) <= later - 1 + SHOWN_FRAMES[1] * FRAME_S


def test_an_alert_hushes_all_else_for_a_fifth_of_the_time_at_most():
    camp, hushed, frames = Camp(A), 0, 1_000
    for frame in range(frames):
        now = LATE_S + frame * FRAME_S
        camp.relays.took_in(frame.to_bytes(16), BundleClass.ALERT, A, now)
        hushed += now < camp.relays.hushed_until
    assert hushed == frames * HUSH_FRAMES / (HUSH_FRAMES + HUSH_REST_FRAMES)
    post(camp, now=LATE_S + frames * FRAME_S * 2)
    assert camp.relays.hushed_until < LATE_S + frames * FRAME_S * 2
