"""What leaves together: a digest holds what no other gateway can be posting, in any weather.

The weather here is of the rules alone: gateways that hear of each other by nothing but the list's mail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.letters.batches import NOTHING, next_due_s, pick
from sync.letters.digest_out import DIGEST_LETTERS_MAX, digest_id
from sync.letters.turns import (
    COPY_S,
    FRESH_S,
    GAP_S,
    HEARD_S,
    PUT_OFF_MAX_S,
    TURN_S,
    CatchingUp,
    Line,
    Takeovers,
    place_in_line,
)
from sync.store.letter_turns import Caps, DueLetter

NOW_S = 1_795_400_000.0
HOUR_S = 3_600.0
CAPS = Caps(60, 60, 20)
HEARD = CatchingUp(NOW_S - HEARD_S, NOW_S - COPY_S)
BEGUN = CatchingUp(NOW_S - COPY_S, NOW_S - COPY_S)


def many(count, first=0, age_s=9_000.0, place=0, **fields):
    """Letters that were written so long ago, and came at once."""
    came_s = NOW_S - age_s
    plain = DueLetter(b"", False, False, False, 0, place, came_s + 1, came_s, 0.0, 0.0, 0, None)
    return [
        plain._replace(seq=n, message=n.to_bytes(16, "big"), **fields) for n in range(first, first + count)
    ]


def line(**fields):
    """A line long up, among two others, with an inbox looked into now."""
    return replace(Line(NOW_S - 86_400.0, NOW_S, 2), **fields)


FRESH, LATE = many(25, age_s=FRESH_S - 60), many(25)
IN_DOUBT = many(25, in_doubt=True, digest=b"d" * 16, changed_s=NOW_S - 300)
NEWLY = many(25, age_s=FRESH_S - 60, in_doubt=True, digest=b"d" * 16, changed_s=NOW_S - 300)
TRIED = many(25, in_doubt=True, digest=b"d" * 16, changed_s=NOW_S - 300, tries=3)
# How many leave together, and how many alone, of what waits.
WAYS = [
    ("fresh", FRESH, line(), CAPS, 25, 0),
    ("fresh, and no inbox", FRESH, line(looked_s=None), CAPS, 0, 8),
    ("fresh and few, among what is late", many(9, age_s=60) + many(16, 9), line(), CAPS, 0, 10),
    ("fresh and many, among what is late", FRESH + many(9, 25), line(), CAPS, 25, 0),
    ("fresh under a clock that was ahead", many(25, age_s=60, since_s=NOW_S - 60), line(), CAPS, 0, 10),
    ("late", LATE, line(), CAPS, 0, 10),
    ("late, in an hour with room for two", LATE, line(), replace(CAPS, ordinary=2), 0, 1),
    ("late, with room for one", LATE, line(), Caps(1, 60, 20, NOW_S + 600), 0, 0),
    ("late, with room for one an hour", LATE, line(), Caps(1, 60, 20, NOW_S), 0, 1),
    ("late, and begun", LATE, line(ours=BEGUN), CAPS, 0, 0),
    ("late, and heard", LATE, line(ours=HEARD), CAPS, 25, 0),
    ("late, and heard, but not of late", LATE, line(ours=replace(HEARD, left_s=NOW_S - 151)), CAPS, 0, 10),
    ("late, and heard, and no inbox", LATE, line(ours=HEARD, looked_s=None), CAPS, 0, 8),
    ("late and few", many(20), line(ours=HEARD), CAPS, 0, 8),
    ("the only gateway", LATE, line(others=0), CAPS, 25, 0),
    ("the only gateway, no inbox", LATE, line(others=0, looked_s=None), CAPS, 25, 0),
    ("taken over", many(25, place=1), line(ours=HEARD, takeovers=Takeovers(16)), CAPS, 0, 8),
    ("taken over while another catches up", many(25, place=1), line(theirs=HEARD), CAPS, 0, 0),
    ("first here while another catches up", LATE, line(theirs=HEARD, ours=HEARD), CAPS, 25, 0),
    ("a digest in doubt, fresh", NEWLY, line(shows_ours=True), CAPS, 25, 0),
    ("a digest in doubt, late", IN_DOUBT, line(shows_ours=True), CAPS, 0, 8),
    ("a digest in doubt, ours are never shown", IN_DOUBT, line(), CAPS, 25, 0),
    ("a digest over which a server hung up", TRIED, line(others=0), CAPS, 0, 8),
    ("a digest in doubt, no inbox", IN_DOUBT, line(looked_s=None, shows_ours=True), CAPS, 25, 0),
    ("a digest in doubt, the only gateway", IN_DOUBT, line(others=0, shows_ours=True), CAPS, 25, 0),
]


@pytest.mark.parametrize(
    ("case", "letters", "on", "caps", "together", "alone"), WAYS, ids=[w[0] for w in WAYS]
)
def test_what_leaves_together(case, letters, on, caps, together, alone):
    batch = pick(letters, on, caps, NOW_S, 8)
    assert len(batch.messages) == together + alone
    assert batch.as_digest == (together > 0)
    assert batch.kept == (letters[0].digest if together else None)
    due_s = next_due_s(letters, on, caps, NOW_S)
    assert due_s is not None
    assert (due_s <= NOW_S) == (batch != NOTHING)  # who waits for nothing does not run in circles


def test_the_times_are_those_that_the_protocol_names():
    text = (Path(__file__).parents[2] / "sync" / "PROTOCOL.md").read_text()
    [rules] = [each for each in text.split("\n\n") if each.startswith("**Together.**")]
    named = [int(each.replace(",", "")) for each in re.findall(r"([\d,]+) seconds", rules)]
    assert named == [FRESH_S, HEARD_S, GAP_S, TURN_S]
    assert PUT_OFF_MAX_S == HOUR_S


@dataclass
class Posted:
    """A letter on the list."""

    id: bytes
    messages: tuple[bytes, ...]
    seen_s: float  # from when on it can be read


class Gateway:
    """A camp that follows the rules, and knows nothing but them and the list."""

    def __init__(self, chance, rows, spans):
        self.chance = chance
        self.rows = rows  # by message: what waits, or is in doubt
        self.spans = spans  # of internet
        self.sent = {}  # by message: when it left here
        # When something late left here, and when others' was seen.
        self.late_s: tuple[list[float], list[float]] = [], []
        self.unread = []
        self.online_s: float | None = None
        self.dead_until_s = 0.0
        self.heard_s = 0.0
        self.takeovers = Takeovers()
        self.shows_ours = False

    def step(self, now_s):
        """Look into the inbox, and post a batch: the letters that reached the list."""
        if now_s < self.dead_until_s or not any(start <= now_s < end for start, end in self.spans):
            self.online_s = None
            return []
        self.online_s = self.online_s or now_s
        for letter in [letter for letter in self.unread if letter.seen_s <= now_s]:
            self.unread.remove(letter)
            for message in letter.messages:
                self._read(message, now_s)
        return self._post(now_s)

    def _read(self, message, now_s):
        row = self.rows.pop(message, None)
        if message in self.sent:
            self.shows_ours = True
            return
        self.heard_s = now_s
        if now_s - (row.written_s if row else 0.0) >= FRESH_S:
            self.late_s[1].append(now_s)

    def _post(self, now_s):
        room = 60 - len({at_s for at_s in self.sent.values() if at_s > now_s - HOUR_S})
        letters = [row for row in self.rows.values() if row.since_s <= now_s]
        batch = pick(letters, self._line(now_s), Caps(room, 60, 5, now_s + 300), now_s, 8)
        messages = batch.messages[:DIGEST_LETTERS_MAX]
        if not messages:
            return []
        over = sum(self.rows[message].place > 0 for message in messages)
        self.takeovers = self.takeovers.after(over, now_s)
        if not batch.as_digest:
            return [
                each
                for n, message in enumerate(messages)
                for each in self._send(message, (message,), now_s, n)
            ]
        return self._send(batch.kept or digest_id(messages), messages, now_s, 0)

    def _line(self, now_s):
        self.takeovers = self.takeovers.then(self.heard_s, now_s)
        ours, theirs = ([at_s for at_s in each if at_s > now_s - 2 * PUT_OFF_MAX_S] for each in self.late_s)
        assert self.online_s is not None
        return Line(
            *(self.online_s, now_s, 2, self.heard_s, self.takeovers),
            *(CatchingUp.at(ours, GAP_S), CatchingUp.at(theirs, TURN_S), self.shows_ours),
        )

    def _send(self, id_, messages, now_s, number):
        """Nothing, when it dies before; when it dies in between, it is in doubt, and came or did not."""
        if now_s < self.dead_until_s:
            return []
        came, dies = True, self.chance.random() < 0.1
        for message in messages:
            row = self.rows[message]
            if dies:
                digest = None if messages == (id_,) else id_
                self.rows[message] = row._replace(in_doubt=True, digest=digest, changed_s=now_s)
                continue
            del self.rows[message]
            self.sent[message] = now_s + number / 1_000
            if now_s - row.written_s >= FRESH_S:
                self.late_s[0].append(now_s)
        if dies:
            self.dead_until_s = now_s + self.chance.uniform(5, 900)
            came = self.chance.random() < 0.5
        return [Posted(id_, messages, now_s + self.chance.uniform(0, COPY_S - STEP_S))] if came else []


# A gateway looks and posts so often.
STEP_S = 20.0
TURN_OF_SECOND_S = 1_800.0


def a_day(seed, messages=300, hours=4.0):
    """The letters that three gateways, which hear of each other on the list alone, bring to it in a day."""
    chance = Random(seed)
    camps = [bytes([n]) * 8 for n in range(5)]  # the last two have no list
    rows: list[dict[bytes, DueLetter]] = [{}, {}, {}]
    for seq in range(messages):
        message, writer = chance.randbytes(16), chance.choice(camps)
        written_s = NOW_S + chance.uniform(0, hours * HOUR_S)
        for me, waits in zip(camps, rows, strict=False):
            came_s = 0.5 if me == writer else chance.uniform(1, chance.choice([5.0, 60.0, 600.0, 5_000.0]))
            place = place_in_line(message, me, frozenset(camps[:3]), writer, came_s)
            waits[message] = DueLetter(
                *(message, False, False, False, seq, place, written_s + came_s, written_s),
                *(0.0, 0.0, 0, None),
            )
    return bring([Gateway(chance, waits, list(internet(chance, hours))) for waits in rows], chance, hours)


def internet(chance, hours):
    """From when till when a gateway has it: pieces of minutes and hours, and then for good."""
    at_s, end_s = NOW_S, NOW_S + hours * HOUR_S
    while at_s < end_s:
        on_s = chance.choice([300.0, 1_200.0, 7_200.0]) * chance.uniform(0.5, 1.5)
        yield at_s, at_s + on_s
        at_s += on_s + chance.uniform(60, 2 * HOUR_S)
    yield end_s, float("inf")


def bring(gateways, chance, hours=0.0):
    """Their letters, until nothing waits."""
    posted: list[Posted] = []
    now_s = NOW_S
    while now_s < NOW_S + (hours + 12) * HOUR_S and any(gateway.rows for gateway in gateways):
        for gateway in gateways:
            for letter in gateway.step(now_s + chance.uniform(0, STEP_S)):
                posted.append(letter)
                for each in gateways:
                    each.unread.append(letter)
        now_s += STEP_S
    return posted


def ids_of(posted):
    """By message: the ids of the letters it came in."""
    came: dict[bytes, set[bytes]] = {}
    for letter in posted:
        for message in letter.messages:
            came.setdefault(message, set()).add(letter.id)
    return came


@settings(max_examples=8)
@given(st.integers(0, 2**32))
def test_no_message_comes_in_two_letters_that_are_not_the_same(seed):
    """Whatever is doubled on the wire is merged by who merges letters of equal Message-IDs."""
    came = ids_of(a_day(seed))
    assert len(came) == 300
    assert [ids for ids in came.values() if len(ids) > 1] == []


def test_in_such_a_day_letters_do_leave_together_and_some_are_doubled():
    posted = [letter for seed in range(4) for letter in a_day(seed)]
    digests = [letter for letter in posted if len(letter.messages) > 1]
    assert sum(len(letter.messages) for letter in digests) > 100
    assert len(posted) > len({letter.id for letter in posted})


def a_meeting(turn_s, seed):
    """What comes of it when a gateway comes online with what is late, and the turn of another that was there
    all the time comes so long after."""
    chance = Random(seed)
    first = {each.message: each for each in many(30)}
    since_s = NOW_S + turn_s - TURN_OF_SECOND_S
    second = {message: each._replace(place=1, since_s=since_s) for message, each in first.items()}
    always = [(NOW_S, float("inf"))]
    gateways = [Gateway(chance, first, always), Gateway(chance, second, always)]
    gateways[1].online_s = NOW_S - HOUR_S
    return bring(gateways, chance)


@pytest.mark.parametrize("turn_s", range(-300, 600, 30))
def test_who_comes_late_and_who_takes_over_do_not_meet_in_two_letters(turn_s):
    for seed in range(4):
        came = ids_of(a_meeting(turn_s, seed))
        assert len(came) == 30
        assert [ids for ids in came.values() if len(ids) > 1] == [], seed
