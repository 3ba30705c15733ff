"""Letters that wait for a person, as the board decides about them."""

from __future__ import annotations

import pytest

from sync import actions
from sync.actions import Actor, Refusal
from sync.board.mailing import is_paused
from sync.message import Role
from sync.store.letters import LetterTables

MODERATOR = Actor(role=Role.MODERATOR)
COORDINATOR = Actor(role=Role.COORDINATOR)


@pytest.fixture
def tables(camp):
    return LetterTables(camp.store.connection)


@pytest.fixture
def message(camp, tables):
    """A message of the kitchen that is held on its way to the list."""
    written = camp.post("onions", camp.card(Role.LIAISON, "kitchen"), "kitchen").message
    with camp.store.transaction():
        tables.queue("camps", ["kitchen"], 0, camp.wall_s, hold_all=True)
    return written


def newest(camp) -> tuple[str, str, str, str]:
    row = camp.store.connection.execute(
        "SELECT actor, act, target, why FROM moderation ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return tuple(row)


def test_an_approved_letter_waits_for_its_turn_and_the_log_says_who_let_it_go(camp, tables, message):
    camp.do(actions.ApproveLetter("camps", message, "Onions\nwanted", True), MODERATOR)
    row = tables.letter("camps", message)
    assert (row.subject, row.let_contacts) == ("Onions wanted", True)
    assert tables.state_of("camps", message).state == "waiting"
    assert newest(camp) == ("moderator", "approve_contacts", message.hex(), "Onions wanted")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (lambda m: actions.ApproveLetter("camps", m, "x" * 201), Refusal.TOO_LONG),
        (lambda m: actions.ApproveLetter("squares", m), Refusal.NO_MESSAGE),
        (lambda m: actions.ApproveLetter("camps", b"?" * 16), Refusal.NO_MESSAGE),
        (lambda m: actions.RefuseLetter("camps", m, " \n "), Refusal.WHY_MISSING),
        (lambda m: actions.RefuseLetter("camps", b"?" * 16, "why"), Refusal.NO_MESSAGE),
        (lambda m: actions.SetLetterHold("camps", "here", True), Refusal.NO_CHANNEL),
        (lambda m: actions.SetLetterHold("camps", "letters", True), Refusal.NO_CHANNEL),
        (lambda m: actions.SetLetterHold("camps", "nowhere", True), Refusal.NO_CHANNEL),
        (lambda m: actions.SetLetterHold("", "general", True), Refusal.NO_LIST),
        (lambda m: actions.SetLetterHold("camps", "general", False), Refusal.DECIDED),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(camp, tables, message, given, refusal):
    assert camp.refusal(given(message), MODERATOR) == refusal
    assert tables.state_of("camps", message).state == "held"


def test_a_refused_letter_says_why_and_is_not_approved_afterwards(camp, tables, message):
    camp.do(actions.RefuseLetter("camps", message, "names a person"), MODERATOR)
    state = tables.state_of("camps", message)
    assert (state.state, state.refused_by, state.why) == ("refused", "moderator", "names a person")
    assert newest(camp) == ("moderator", "refuse_letter", message.hex(), "names a person")
    assert camp.refusal(actions.ApproveLetter("camps", message), MODERATOR) == Refusal.DECIDED


def test_a_letter_that_waits_can_still_be_refused(camp, tables, message):
    camp.do(actions.ApproveLetter("camps", message), MODERATOR)
    camp.do(actions.RefuseLetter("camps", message, "on second thoughts"), MODERATOR)
    assert tables.state_of("camps", message).state == "refused"


def test_a_channel_is_held_for_one_list_until_somebody_says_otherwise(camp, tables):
    camp.do(actions.SetLetterHold("camps", "general", True), MODERATOR)
    assert tables.holds("camps") == {"general"}
    assert tables.holds("squares") == frozenset()
    assert newest(camp)[1:3] == ("hold_letters", "general · camps")
    assert camp.refusal(actions.SetLetterHold("camps", "general", True), MODERATOR) == Refusal.DECIDED
    camp.do(actions.SetLetterHold("camps", "general", False), MODERATOR)
    assert tables.holds("camps") == frozenset()
    assert newest(camp)[1] == "free_letters"


def test_a_list_is_paused_and_served_again(camp):
    assert not is_paused(camp.store, "camps")
    camp.do(actions.PauseList("camps", True), COORDINATOR)
    assert is_paused(camp.store, "camps")
    assert not is_paused(camp.store, "squares")
    assert camp.refusal(actions.PauseList("camps", True), COORDINATOR) == Refusal.DECIDED
    camp.do(actions.PauseList("camps", False), COORDINATOR)
    assert not is_paused(camp.store, "camps")
    assert newest(camp) == ("coordinator", "resume_list", "camps", "")


def test_notices_are_put_away_up_to_one_and_the_log_is_silent(camp, tables):
    with camp.store.transaction():
        for n in range(3):
            tables.note_notice("camps", "other", camp.wall_s, f"notice {n}", bytes([n]) * 8)
    before = newest(camp) if camp.store.connection.execute("SELECT 1 FROM moderation").fetchone() else None
    second = sorted(notice.id for notice in tables.notices(None, 9))[1]
    camp.do(actions.SeeNotices(second), MODERATOR)
    assert [notice.seen_s is None for notice in tables.notices(None, 9)] == [True, False, False]
    after = newest(camp) if camp.store.connection.execute("SELECT 1 FROM moderation").fetchone() else None
    assert after == before
