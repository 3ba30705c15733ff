"""The whole table of who may do what, tried on a real board."""

from typing import get_args

import pytest

from sync import actions
from sync.actions import CONSOLE, Action, Actor, Refusal, Refused
from sync.board.board import _RULES
from sync.board.permissions import TABLE, Reach, reach
from sync.farewell import write_letter
from sync.message import Role
from sync.signing import Identity
from sync.store.letters import LetterTables
from tests.board.conftest import camper

ELSEWHERE = Identity(b"e" * 32)
PEOPLE = ["visitor", "camper", "liaison", "moderator", "coordinator", "list", "console"]

# The rights as a person would write them down, apart from the code: who may give the order about a thing
# that is not their own. L: their own group's, C: their own card's or device's.
RIGHTS = {
    actions.WritePost: "camper liaison moderator coordinator console",
    actions.RetractPost: "moderator coordinator console",
    actions.ReleaseHeld: "moderator coordinator console",
    actions.RefuseHeld: "moderator coordinator console",
    actions.HideMessage: "moderator coordinator console",
    actions.UnhideMessage: "moderator coordinator console",
    actions.MuteAuthor: "moderator coordinator console",
    actions.HoldStrangers: "moderator coordinator console",
    actions.SetChannel: "coordinator console",
    actions.MakeGroup: "coordinator console",
    actions.MakeCard: "coordinator console",
    actions.RevokeCard: "coordinator console",
    actions.OpenSession: "camper liaison moderator coordinator console",
    actions.CloseSession: "coordinator console",
    actions.PinCamp: "coordinator console",
    actions.UnpinCamp: "coordinator console",
    actions.SetAdmission: "coordinator console",
    actions.SetHotline: "coordinator console",
    actions.BuryCamp: "coordinator console",
    actions.NoteLink: "coordinator console",
    actions.NoteCarrying: "coordinator console",
    actions.ApproveLetter: "moderator coordinator console",
    actions.RefuseLetter: "moderator coordinator console",
    actions.SetLetterHold: "moderator coordinator console",
    actions.PauseList: "coordinator console",
    actions.SeeNotices: "moderator coordinator console",
    actions.Register: "liaison moderator coordinator console",
    actions.Unregister: "coordinator console",
}
# What somebody else may do with what is their own.
OWN_RIGHTS = {
    actions.RetractPost: "camper liaison moderator coordinator console",
    actions.ReleaseHeld: "liaison moderator coordinator console",
    actions.RefuseHeld: "liaison moderator coordinator console",
    actions.SetChannel: "moderator coordinator console",
    actions.CloseSession: "liaison moderator coordinator console",
    actions.Unregister: "liaison moderator coordinator console",
}


def test_every_order_has_rights_and_a_rule():
    kinds = set(get_args(Action))
    assert kinds == set(TABLE) == set(_RULES) == set(RIGHTS)


@pytest.fixture
def people(camp):
    return {
        "visitor": Actor(role=Role.VISITOR),
        "camper": camper("anna"),
        "liaison": camp.card(Role.LIAISON, "kitchen"),
        "moderator": camp.card(Role.MODERATOR),
        "coordinator": camp.card(Role.COORDINATOR),
        "list": Actor(role=Role.LIST),
        "console": CONSOLE,
    }


def order(camp, kind: type[Action], actor: Actor | None):
    """An order of this kind about a thing of nobody's, or of `actor`'s own; it can be carried out."""
    group = "kitchen" if actor is not None else "announcements"
    posted = camp.post("posted", Actor(device=actor.device) if actor else camper("somebody"))
    held = camp.post("held", camper("somebody"), group)
    card = camp.do(actions.MakeCard(Role.MODERATOR))
    makers = {
        actions.WritePost: lambda: actions.WritePost("general", "hola"),
        actions.RetractPost: lambda: actions.RetractPost(posted.message),
        actions.ReleaseHeld: lambda: actions.ReleaseHeld(held.message),
        actions.RefuseHeld: lambda: actions.RefuseHeld(held.message, "why"),
        actions.HideMessage: lambda: actions.HideMessage(posted.message, "why"),
        actions.UnhideMessage: lambda: hidden(camp, posted.message),
        actions.MuteAuthor: lambda: actions.MuteAuthor(posted.message, 1, "why"),
        actions.HoldStrangers: lambda: actions.HoldStrangers(True, "why"),
        actions.SetChannel: lambda: actions.SetChannel("general", True, 7 if actor else 8, False),
        actions.MakeGroup: lambda: actions.MakeGroup("legal"),
        actions.MakeCard: lambda: actions.MakeCard(Role.MODERATOR),
        actions.RevokeCard: lambda: actions.RevokeCard(card.card),
        actions.OpenSession: lambda: actions.OpenSession(card.secret),
        actions.CloseSession: lambda: session_of(camp, card.secret, actor),
        actions.PinCamp: lambda: actions.PinCamp(ELSEWHERE.key.hex()),
        actions.UnpinCamp: lambda: pinned(camp),
        actions.SetAdmission: lambda: actions.SetAdmission(True),
        actions.SetHotline: lambda: actions.SetHotline("medic 112"),
        actions.BuryCamp: lambda: actions.BuryCamp(write_letter(ELSEWHERE, "Sur")),
        actions.NoteLink: lambda: actions.NoteLink("ip-1", actions.LinkChange.ADD),
        actions.NoteCarrying: lambda: actions.NoteCarrying(actions.CarryChange.BROUGHT_IN),
        actions.ApproveLetter: lambda: actions.ApproveLetter("camps", held_letter(camp)),
        actions.RefuseLetter: lambda: actions.RefuseLetter("camps", held_letter(camp), "why"),
        actions.SetLetterHold: lambda: actions.SetLetterHold("camps", "general", True),
        actions.PauseList: lambda: actions.PauseList("camps", True),
        actions.SeeNotices: lambda: actions.SeeNotices(1),
        actions.Register: registering,
        actions.Unregister: lambda: registered(camp, actor),
    }
    return makers[kind]()


def hidden(camp, message: bytes) -> Action:
    camp.do(actions.HideMessage(message, "why"))
    return actions.UnhideMessage(message, "why")


def session_of(camp, secret: str, actor: Actor | None) -> Action:
    session = camp.open(secret).session
    if actor is not None and actor.card is not None:
        with camp.store.transaction():
            camp.store.connection.execute("UPDATE sessions SET card = ?", (actor.card,))
    return actions.CloseSession(session)


def held_letter(camp) -> bytes:
    """A message that waits for somebody to let it go to the list "camps"."""
    message = camp.post("to the list", camp.card(Role.LIAISON, "kitchen"), "kitchen").message
    with camp.store.transaction():
        LetterTables(camp.store.connection).queue("camps", ["kitchen"], 0, camp.wall_s, hold_all=True)
    return message


def registering() -> Action:
    return actions.Register("camps", b"list", bytes(512))


def registered(camp, actor: Actor | None) -> Action:
    number = camp.do(registering()).number
    if actor is not None and actor.card is not None:
        with camp.store.transaction():
            camp.store.connection.execute("UPDATE registrations_own SET card = ?", (actor.card,))
    return actions.Unregister(number)


def pinned(camp) -> Action:
    camp.do(actions.PinCamp(ELSEWHERE.key.hex()))
    return actions.UnpinCamp(ELSEWHERE.key.hex())


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("kind", get_args(Action), ids=lambda kind: kind.__name__)
def test_rights_over_what_is_not_ones_own(camp, people, kind, who):
    given = order(camp, kind, None)
    if who in RIGHTS[kind].split():
        camp.do(given, people[who])
    else:
        assert camp.refusal(given, people[who]) == Refusal.NOT_ALLOWED


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("kind", OWN_RIGHTS, ids=lambda kind: kind.__name__)
def test_rights_over_what_is_ones_own(camp, people, kind, who):
    given = order(camp, kind, people[who])
    if who in OWN_RIGHTS[kind].split():
        camp.do(given, people[who])
    else:
        assert camp.refusal(given, people[who]) == Refusal.NOT_ALLOWED


@pytest.mark.parametrize("kind", get_args(Action), ids=lambda kind: kind.__name__)
def test_the_table_never_gives_a_lower_role_more(kind):
    row = TABLE[kind]
    assert list(row) == sorted(row)
    assert row[-1] == reach(kind, CONSOLE) == Reach.ALL
    assert reach(kind, Actor(role=Role.VISITOR)) == reach(kind, Actor(role=Role.LIST)) == Reach.NONE


@pytest.mark.parametrize("end", ["revoked", "over"])
def test_an_ended_card_gives_no_order_more(camp, end):
    made = camp.do(actions.MakeCard(Role.LIAISON, "kitchen", until_s=int(camp.wall_s) + 3_600))
    liaison = Actor(role=Role.LIAISON, group="kitchen", card=made.card)
    camp.post("soup at eight", liaison, "kitchen")
    if end == "revoked":
        camp.do(actions.RevokeCard(made.card))
    else:
        camp.pass_time(3_600)
    assert camp.refusal(actions.WritePost("kitchen", "soup at nine"), liaison) == Refusal.NOT_ALLOWED


@pytest.mark.parametrize(
    "claim",
    [
        Actor(role=Role.COORDINATOR, group="kitchen", card=1),
        Actor(role=Role.LIAISON, group="medics", card=1),
        Actor(role=Role.LIAISON, group=None, card=1),
        Actor(role=Role.LIAISON, group="kitchen", card=99),
    ],
)
def test_a_card_gives_only_the_role_it_was_made_for(camp, claim):
    camp.do(actions.MakeCard(Role.LIAISON, "kitchen"))
    with pytest.raises(Refused, match="not_allowed"):
        camp.do(actions.WritePost("general", "hola"), claim)
