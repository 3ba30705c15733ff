"""Moderation adds: nothing is edited for others, and every act stands in the public log."""

import pytest

from sync.actions import (
    CONSOLE,
    Actor,
    HideMessage,
    HoldStrangers,
    MakeGroup,
    MuteAuthor,
    Refusal,
    RefuseHeld,
    ReleaseHeld,
    SetChannel,
    UnhideMessage,
    Written,
)
from sync.message import Role
from tests.board.conftest import camper

KITCHEN = Actor(role=Role.LIAISON, group="kitchen")
MEDICS = Actor(role=Role.LIAISON, group="medics")
LIAISON = Actor(role=Role.LIAISON)
MODERATOR = Actor(role=Role.MODERATOR)
COORDINATOR = Actor(role=Role.COORDINATOR)


@pytest.fixture
def town(camp):
    camp.do(MakeGroup("kitchen"))
    camp.do(MakeGroup("medics"))
    return camp


def test_a_released_post_is_as_its_author_wrote_it(town):
    held = town.post("we need onions", camper(), "kitchen", nickname="Ana")
    town.pass_time(3_600)
    assert town.do(ReleaseHeld(held.message), KITCHEN) == Written(held.message, held=False, repeated=False)
    row = town.row("SELECT text, nickname, role, created_s, sort_s FROM messages WHERE id = ?", held.message)
    wrote = int(town.wall_s) - 3_600
    assert row == ("we need onions", "Ana", Role.CAMPER, wrote, wrote)
    assert town.row("SELECT device FROM own_messages WHERE id = ?", held.message) == (b"anna",)
    assert ("liaison of kitchen", "release", "") in town.log()


def test_a_reply_keeps_its_parent_while_it_waits(town):
    first = town.post("who cooks?", KITCHEN, "kitchen")
    held = town.post("me", camper(), "kitchen", reply_to=first.message)
    town.do(ReleaseHeld(held.message), MODERATOR)
    assert town.row("SELECT parent FROM messages WHERE id = ?", held.message) == (first.message[:8],)


@pytest.mark.parametrize(
    ("channel", "urgent", "may_release", "may_refuse"),
    [
        ("kitchen", False, "KMC", "KMC"),
        ("medics", False, "MC", "MC"),
        ("announcements", False, "MC", "MC"),
        ("kitchen", True, "KLMC", "KMC"),
        ("medics", True, "KLMC", "MC"),
        ("general", True, "KLMC", "MC"),
    ],
)
def test_who_decides_about_what_waits(town, channel, urgent, may_release, may_refuse):
    people = {"K": KITCHEN, "L": LIAISON, "M": MODERATOR, "C": COORDINATOR}
    for letter, person in people.items():
        for allowed, order in ((may_release, ReleaseHeld), (may_refuse, lambda m: RefuseHeld(m, "why"))):
            held = town.post(f"word of {letter}", camper(), channel, urgent=urgent)
            town.pass_time(1)
            if letter in allowed:
                town.do(order(held.message), person)
            else:
                assert town.refusal(order(held.message), person) == Refusal.NOT_ALLOWED


def test_what_is_decided_is_decided(town):
    released = town.post("one", camper(), "kitchen")
    refused = town.post("two", camper(), "kitchen")
    town.do(ReleaseHeld(released.message), KITCHEN)
    town.do(RefuseHeld(refused.message, "off topic"), KITCHEN)
    for message in (released.message, refused.message):
        assert town.refusal(ReleaseHeld(message), MODERATOR) == Refusal.DECIDED
        assert town.refusal(RefuseHeld(message, "why"), MODERATOR) == Refusal.DECIDED
    assert town.texts("kitchen") == ["one"]
    assert town.row("SELECT refused_why FROM held WHERE id = ?", refused.message) == ("off topic",)
    assert town.refusal(ReleaseHeld(b"?" * 16)) == Refusal.NO_MESSAGE


@pytest.mark.parametrize("why", ["", "  \n ", "\u202e"])
def test_a_reason_is_needed(town, why):
    held = town.post("one", camper(), "kitchen")
    shown = town.post("two", camper())
    for order in (
        RefuseHeld(held.message, why),
        HideMessage(shown.message, why),
        MuteAuthor(shown.message, 1, why),
        HoldStrangers(True, why),
    ):
        assert town.refusal(order, MODERATOR) == Refusal.WHY_MISSING


def test_a_reason_is_one_line_and_not_a_speech(town):
    shown = town.post("two", camper())
    assert town.refusal(HideMessage(shown.message, "x" * 201), MODERATOR) == Refusal.TOO_LONG
    town.do(HideMessage(shown.message, " an\n insult "), MODERATOR)
    assert town.log()[-1] == ("moderator", "hide", "an insult")


def test_hidden_and_shown_again_also_after_a_rebuild(camp):
    kept, shown = camp.post("one", camper()), camp.post("two", camper())
    camp.do(HideMessage(kept.message, "insult"), MODERATOR)
    camp.do(HideMessage(shown.message, "mistake"), MODERATOR)
    assert camp.refusal(HideMessage(shown.message, "mistake"), MODERATOR) == Refusal.DECIDED
    camp.do(UnhideMessage(shown.message, ""), MODERATOR)
    assert camp.refusal(UnhideMessage(shown.message, ""), MODERATOR) == Refusal.DECIDED
    assert camp.texts() == ["two"]
    camp.store.rebuild(lambda done, of: None)
    assert camp.texts() == ["two"]
    assert len(camp.store.waiting()) == 2  # carried all the same


def test_a_mute_is_prolonged_never_shortened(camp):
    bad = camp.post("insult", camper("ben"))
    camp.do(MuteAuthor(bad.message, 5, "insults"), MODERATOR)
    camp.do(MuteAuthor(bad.message, 0, "still"), MODERATOR)
    assert camp.row("SELECT until_s, why FROM mutes") == (int(camp.wall_s) + 5 * 3_600, "still")


def test_strangers_are_held_once(camp):
    assert camp.refusal(HoldStrangers(False, ""), MODERATOR) == Refusal.DECIDED
    camp.do(HoldStrangers(True, "spam"), MODERATOR)
    assert camp.refusal(HoldStrangers(True, "spam"), COORDINATOR) == Refusal.DECIDED
    camp.do(HoldStrangers(False, ""), COORDINATOR)
    assert camp.log() == [("moderator", "hold_strangers", "spam"), ("coordinator", "free_strangers", "")]


@pytest.mark.parametrize(
    ("order", "actor", "refusal"),
    [
        (SetChannel("nowhere", True, 7, False), CONSOLE, Refusal.NO_CHANNEL),
        (SetChannel("here", False, 2, True), CONSOLE, Refusal.NOT_ALLOWED),
        (SetChannel("letters", False, 7, True), CONSOLE, Refusal.NOT_ALLOWED),
        (SetChannel("general", False, 0, False), CONSOLE, Refusal.NOT_ALLOWED),
        (SetChannel("general", False, 3_651, False), CONSOLE, Refusal.NOT_ALLOWED),
        (SetChannel("general", False, 7, True), MODERATOR, Refusal.NOT_ALLOWED),
        (SetChannel("general", True, None, False), MODERATOR, Refusal.NOT_ALLOWED),
    ],
)
def test_channels_that_cannot_be_so(camp, order, actor, refusal):
    assert camp.refusal(order, actor) == refusal


def test_a_channel_changes_and_the_log_says_how(camp):
    camp.do(SetChannel("general", True, 7, False), MODERATOR)
    camp.do(SetChannel("general", True, None, True), COORDINATOR)
    camp.do(SetChannel("general", False, None, True), COORDINATOR)
    rule = camp.store.channel("general")
    assert (rule.speaks, rule.retention_days, rule.to_list) == ("anyone", None, True)
    assert [act for _, act, _ in camp.log()] == ["quiet", "set_channel", "open"]


def test_the_log_names_roles_and_never_people(town):
    liaison = town.card(Role.LIAISON, "kitchen")
    held = town.post("onions", camper(), "kitchen", nickname="Ana")
    town.do(RefuseHeld(held.message, "we have plenty"), liaison)
    assert town.row("SELECT actor, card, act, target, why FROM moderation WHERE act = 'refuse'") == (
        "liaison of kitchen",
        liaison.card,
        "refuse",
        held.message.hex(),
        "we have plenty",
    )
