"""Whose turn it is at a list: the table of waits, and what all gateways work out alike (PROTOCOL.md §5.2)."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.letters import turns
from sync.letters.batches import Batch, next_due_s, pick
from sync.letters.turns import Line, Takeovers, due_s, place_in_line, place_of
from sync.store.letter_turns import Caps, DueLetter

ROOT = Path(__file__).parents[2]
PROTOCOL, MANUAL = ROOT / "sync" / "PROTOCOL.md", ROOT / "node" / "OPERATING.md"
NOW_S = 1_795_400_000.0
MINUTE = 60.0
CAMPS = [bytes([n]) * 8 for n in range(5)]
ME, WRITER, *OTHERS = CAMPS
MESSAGE = bytes(range(16))
PLENTY = Caps(60, 60, 0)
ids = st.binary(min_size=16, max_size=16)
camps = st.sets(st.binary(min_size=8, max_size=8), min_size=1, max_size=9)


TIMES = [
    ("from turn to turn", turns.STEP_S, turns.URGENT_STEP_S),
    ("in the turn of another, nothing is posted for", turns.TURN_S, turns.URGENT_TURN_S),
    ("online after its turn: the first waits", turns.COPY_S, turns.URGENT_COPY_S),
    (
        "online after its turn: each place behind it waits",
        turns.OVERDUE_STEP_S,
        turns.URGENT_OVERDUE_STEP_S,
    ),
    ("what may have arrived is looked for in the list's mail for", turns.DOUBT_S, turns.URGENT_DOUBT_S),
    ("a mailbox that cannot be read is waited for", turns.PATIENCE_S, turns.URGENT_PATIENCE_S),
]


@pytest.mark.parametrize(("what", "post_s", "mic_check_s"), TIMES, ids=[what for what, *_ in TIMES])
def test_the_times_are_those_that_the_protocol_names(what, post_s, mic_check_s):
    assert f"| {what} | {post_s:,.0f} | {mic_check_s:,.0f} |" in PROTOCOL.read_text().splitlines()


def test_the_times_are_those_that_the_manual_names():
    step, urgent = turns.STEP_S / 60, turns.URGENT_STEP_S / 60
    place, urgent_place = turns.OVERDUE_STEP_S / 60, turns.URGENT_OVERDUE_STEP_S / 60
    rows = [line.rpartition("|")[0].split(" | ")[-2:] for line in MANUAL.read_text().splitlines()]
    rows = [[cell.strip() for cell in row] for row in rows]
    most = turns.OVERDUE_PLACE_MAX
    for row in [
        [f"after {step:.0f} min", f"after {urgent:.0f} min"],
        [f"after {2 * step:.0f} min", f"after {2 * urgent:.0f} min"],
        [f"after {turns.COPY_S / 60:.0f} min", f"after {turns.URGENT_COPY_S:.0f} s"],
        [
            f"after {each:.0f}, {2 * each:.0f}, at most {most * each:.0f} min"
            for each in (place, urgent_place)
        ],
        [f"for {turns.DOUBT_S:.0f} s", f"for {turns.URGENT_DOUBT_S:.0f} s"],
    ]:
        assert row in rows


@given(ids, camps, st.data())
def test_all_gateways_work_out_the_same_order(message, gateways, data):
    writer = data.draw(st.sampled_from(sorted(gateways)) | st.just(WRITER))
    places = {each: place_of(message, each, gateways, writer) for each in gateways}
    assert sorted(places.values()) == list(range(len(gateways)))
    if writer in gateways:
        assert places[writer] == 0


def test_different_messages_have_different_orders():
    first = {min(CAMPS, key=lambda each: place_of(bytes([n]) * 16, each, set(CAMPS), b"")) for n in range(60)}
    assert first == set(CAMPS)


def test_who_is_not_on_the_list_of_gateways_counts_itself():
    assert place_of(MESSAGE, ME, set(), WRITER) == 0
    assert place_of(MESSAGE, ME, {WRITER}, WRITER) == 1
    assert place_of(MESSAGE, ME, {bytes([n]) * 8 for n in range(1, 200)}, b"") <= turns.PLACE_MAX


@pytest.mark.parametrize(
    ("gateways", "writer", "late_s", "place"),
    [
        ({ME}, WRITER, 9_999.0, 0),  # alone
        ({ME, WRITER}, ME, 9_999.0, 0),  # our own
        ({ME, WRITER}, WRITER, 60.0, 1),
        ({ME, WRITER}, WRITER, 1_801.0, 2),
    ],
)
def test_what_comes_late_waits_a_turn_more(gateways, writer, late_s, place):
    assert place_in_line(MESSAGE, ME, gateways, writer, late_s) == place


def letter(place=0, age_s=0.0, **fields):
    """A letter that came here, and was written, so long ago."""
    plain = DueLetter(MESSAGE, False, False, False, 8, place, NOW_S - age_s, NOW_S - age_s, 0.0, 0.0, 0, None)
    return plain._replace(**fields)


def line(online_s=24 * 3_600.0, looked_s: float | None = 0.0, others=2, **fields):
    """A line that has been up for so long, an inbox that was looked into so long ago."""
    looked = None if looked_s is None else NOW_S - looked_s
    return Line(NOW_S - online_s, looked, others, **fields)


# Seconds from now until it may leave; 0 and less: now. Ages are of the letter.
WAITS = [
    ("the first, fresh", letter(0), line(), 0),
    ("the first, fresh, no look needed", letter(0, 60), line(looked_s=3_600), -60),
    ("the second", letter(1, 60), line(), 29 * MINUTE + 600),  # and then not before a look
    ("the second, no inbox", letter(1, 60), line(looked_s=None), 29 * MINUTE),
    ("the third, no inbox", letter(2, 60), line(looked_s=None), 59 * MINUTE),
    ("a mic check, second", letter(1, 60, urgent=True), line(looked_s=None), 2 * MINUTE),
    ("nobody else there", letter(1, 60), line(others=0), -NOW_S),
    ("an introduction", letter(1, 60, introduction=True), line(), -NOW_S),
    ("its turn came, and all was looked through", letter(1, 1_860), line(), -60),
    ("its turn came, not looked since", letter(1, 1_860), line(looked_s=120), 540),
    ("its turn came a minute after we did", letter(1, 1_860), line(online_s=120, looked_s=None), 60),
    ("the first, where others' turns have come", letter(0, 2_460), line(), -660),
    ("the first, in the second's turn", letter(0, 1_860), line(), 540),
    ("the first, in the third's turn", letter(0, 3_660), line(), 540),
    ("the first, in the fourth's, which is none", letter(0, 5_460), line(), -3_660),
    ("the first, old, just online", letter(0, 9_000), line(online_s=0), 60 + 600),
    ("the first, old, just online, no inbox", letter(0, 9_000), line(online_s=0, looked_s=None), 0),
    ("the first, old, online and looked", letter(0, 9_000), line(online_s=60), 0),
    ("overdue, all came online together", letter(1, 9_000), line(online_s=60, looked_s=None), 120),
    ("overdue and third", letter(2, 9_000), line(online_s=60, looked_s=None), 300),
    ("overdue and ninth", letter(8, 24 * 3_600), line(online_s=60, looked_s=None), 480),
    ("overdue and ninth, a mic check", letter(8, 9_000, urgent=True), line(online_s=0, looked_s=None), 180),
    ("overdue and ninth, others at work", letter(8, 1e6), line(1_800, None, heard_s=NOW_S), 540),
    ("overdue, others at work", letter(1, 9_000), line(online_s=600, heard_s=NOW_S - 30, looked_s=None), 150),
    ("but not for ever", letter(1, 9_000), line(online_s=1_800, heard_s=NOW_S, looked_s=None), 0),
    ("overdue mic check", letter(1, 9_000, urgent=True), line(online_s=0, looked_s=None), 60),
    ("the server said later", letter(0, next_try_s=NOW_S + 600), line(), 600),
    ("the server said later under a wrong clock", letter(0, next_try_s=NOW_S + 1e7), line(), 0),
    ("came under a clock that was ahead", letter(0, -1e6), line(looked_s=None), -24 * 3_600),
    ("in doubt, nothing can come back", letter(in_doubt=True, changed_s=NOW_S), line(looked_s=None), -NOW_S),
    ("in doubt, just sent", letter(in_doubt=True, changed_s=NOW_S), line(), 90 + 600),
    ("in doubt, looked through since", letter(in_doubt=True, changed_s=NOW_S - 100), line(), -10),
    ("in doubt, just online", letter(in_doubt=True, changed_s=NOW_S - 9_000), line(online_s=0), 90 + 600),
    ("but not for ever, either", letter(1, 9_000), line(takeovers=Takeovers(1, NOW_S + 9_000)), 0 - 5_400),
    ("letters of others go one by one", letter(1, 2_000), line(takeovers=Takeovers(1, NOW_S + 45)), 45),
]


@pytest.mark.parametrize(("case", "waits", "on", "wait_s"), WAITS, ids=[case for case, *_ in WAITS])
def test_when_a_letter_may_leave(case, waits, on, wait_s):
    due = due_s(waits, on, NOW_S)
    assert due - NOW_S == pytest.approx(wait_s)


@given(
    st.integers(0, 6), st.floats(0, 1e6), st.floats(0, 1e6), st.booleans(), st.integers(0, 6), st.booleans()
)
def test_no_letter_waits_for_ever(place, age_s, online_s, urgent, others, has_inbox):
    """Whatever others do, and even if the inbox cannot be looked into: in turn and a quarter of an hour."""
    waits = letter(place, age_s, urgent=urgent)
    on = Line(NOW_S - online_s, float("-inf") if has_inbox else None, others, heard_s=NOW_S)
    step_s = turns.URGENT_STEP_S if urgent else turns.STEP_S
    longest_s = max(place, 1) * step_s + turns.PATIENCE_S + turns.TURN_S + turns.COPY_S
    at_s = NOW_S
    for _ in range(3):  # what is due then is due, or in somebody's turn
        at_s = max(at_s, due_s(waits, on, at_s))
    assert at_s <= max(NOW_S - age_s, NOW_S - online_s) + max(longest_s, age_s, online_s) + longest_s


def test_letters_of_others_leave_one_then_two_then_four():
    takeovers, at_s, sizes = Takeovers(), NOW_S, []
    for _ in range(4):
        takeovers = takeovers.then(0.0, at_s)
        sizes.append(takeovers.most)
        takeovers = takeovers.after(takeovers.most, at_s)
        assert takeovers.then(0.0, at_s + 1).from_s == at_s + turns.COPY_S
        at_s += turns.COPY_S
    assert sizes == [1, 2, 4, 8]
    heard = takeovers.then(at_s, at_s)
    assert (heard.most, heard.from_s) == (1, at_s + turns.OVERDUE_STEP_S)
    assert takeovers.then(0.0, at_s + 3_600).then(0.0, at_s + 9_999).most == 1


def many(count, **fields):
    return [letter(seq=n, message=n.to_bytes(16, "big"), **fields) for n in range(count)]


def left(batch):
    return [int.from_bytes(message, "big") for message in batch.messages]


def test_mic_checks_and_what_explains_us_go_first_and_each_alone():
    letters = many(40)
    letters[30] = letters[30]._replace(urgent=True)
    letters[35] = letters[35]._replace(introduction=True)
    batch = pick(letters, line(), Caps(0, 60, 20), NOW_S, 8)
    assert left(batch) == [35, 30]
    assert not batch.as_digest


@pytest.mark.parametrize(
    ("waiting", "caps", "leave", "as_digest"),
    [
        (3, PLENTY, 3, False),
        (20, PLENTY, 8, False),
        (20, Caps(5, 60, 0), 5, False),
        (20, Caps(0, 60, 0), 0, False),
        (20, Caps(60, 60, 20), 8, False),
        (21, Caps(60, 60, 20), 21, True),
        (21, Caps(0, 60, 20), 0, False),
    ],
)
def test_caps_and_digests(waiting, caps, leave, as_digest):
    batch = pick(many(waiting, written_s=NOW_S - 1), line(), caps, NOW_S, 8)
    assert (len(batch.messages), batch.as_digest) == (leave, as_digest)


def test_ours_go_oldest_first_and_those_of_others_newest_first():
    ours, theirs = many(3), many(6, place=1, since_s=NOW_S - 9_000, written_s=NOW_S - 9_000)[3:]
    on = line(takeovers=Takeovers(2))
    assert left(pick([*theirs, *ours], on, PLENTY, NOW_S, 8)) == [0, 1, 2, 5, 4]


def test_what_was_tried_goes_behind_what_was_not():
    first, second = many(2)
    assert left(pick([first._replace(tries=1), second], line(), PLENTY, NOW_S, 8)) == [1, 0]


def test_a_digest_in_doubt_is_sent_as_it_was():
    letters = many(3, in_doubt=True, digest=b"d" * 16) + many(9)[3:]
    batch = pick(letters, line(looked_s=None), Caps(60, 60, 4), NOW_S, 8)
    assert batch == Batch(tuple(each.message for each in letters[:3]), True, b"d" * 16)


def test_letters_in_doubt_leave_as_they_did_before_and_in_no_digest():
    """In one, the copy that arrived and the new one would have two Message-IDs, and nobody merges them."""
    letters = many(30)
    letters[4] = letters[4]._replace(in_doubt=True)
    letters[9] = letters[9]._replace(in_doubt=True)
    on = line(looked_s=None)
    assert pick(letters, on, Caps(60, 60, 20), NOW_S, 8) == Batch((letters[4].message, letters[9].message))
    assert len(pick(letters, on, Caps(1, 60, 20), NOW_S, 8).messages) == 1


def test_the_next_letter_waits_for_its_turn_or_for_room():
    waits = letter(1, 60)
    on = line(looked_s=None)
    assert next_due_s([], on, PLENTY, NOW_S) is None
    assert next_due_s([waits, waits._replace(place=2)], on, PLENTY, NOW_S) == NOW_S + 29 * MINUTE
    full = replace(PLENTY, ordinary=0, free_s=NOW_S + 100)
    assert next_due_s([letter(0)], on, full, NOW_S) == NOW_S + 100
    assert next_due_s([letter(0, urgent=True)], on, full, NOW_S) == NOW_S
