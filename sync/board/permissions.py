"""Who may do what: one table, order by role. A test walks all of it."""

from __future__ import annotations

from enum import IntEnum

from sync import actions
from sync.actions import Action, Actor, Refusal, Refused
from sync.message import Role


class Reach(IntEnum):
    """How far a role's word goes for one kind of order."""

    NONE = 0
    OWN = 1  # own post (by device), own group's channel, own card: the order's rule checks which
    ALL = 2


_NONE, _OWN, _ALL = Reach

_ROLES = (Role.CAMPER, Role.LIAISON, Role.MODERATOR, Role.COORDINATOR)

# camper, liaison, moderator, coordinator. Visitors and lists may do nothing.
TABLE: dict[type[Action], tuple[Reach, Reach, Reach, Reach]] = {
    actions.WritePost: (_ALL, _ALL, _ALL, _ALL),  # at once or held: sync.board.posting
    actions.RetractPost: (_OWN, _OWN, _ALL, _ALL),
    actions.ReleaseHeld: (_NONE, _OWN, _ALL, _ALL),  # a mic check: every liaison
    actions.RefuseHeld: (_NONE, _OWN, _ALL, _ALL),
    actions.HideMessage: (_NONE, _NONE, _ALL, _ALL),
    actions.UnhideMessage: (_NONE, _NONE, _ALL, _ALL),
    actions.MuteAuthor: (_NONE, _NONE, _ALL, _ALL),
    actions.HoldStrangers: (_NONE, _NONE, _ALL, _ALL),
    actions.SetChannel: (_NONE, _NONE, _OWN, _ALL),  # moderators: only whether it is quiet
    actions.MakeGroup: (_NONE, _NONE, _NONE, _ALL),
    actions.MakeCard: (_NONE, _NONE, _NONE, _ALL),
    actions.RevokeCard: (_NONE, _NONE, _NONE, _ALL),
    actions.OpenSession: (_ALL, _ALL, _ALL, _ALL),  # the card speaks for them
    actions.CloseSession: (_NONE, _OWN, _OWN, _ALL),
    actions.PinCamp: (_NONE, _NONE, _NONE, _ALL),
    actions.UnpinCamp: (_NONE, _NONE, _NONE, _ALL),
    actions.SetAdmission: (_NONE, _NONE, _NONE, _ALL),
    actions.SetHotline: (_NONE, _NONE, _NONE, _ALL),
    actions.BuryCamp: (_NONE, _NONE, _NONE, _ALL),
    actions.NoteLink: (_NONE, _NONE, _NONE, _ALL),
    actions.NoteCarrying: (_NONE, _NONE, _NONE, _ALL),
    actions.Register: (_NONE, _ALL, _ALL, _ALL),  # who speaks for people to others
    actions.Unregister: (_NONE, _OWN, _OWN, _ALL),
    actions.ApproveLetter: (_NONE, _NONE, _ALL, _ALL),  # an archive is for ever, and in the camp's name
    actions.RefuseLetter: (_NONE, _NONE, _ALL, _ALL),
    actions.SetLetterHold: (_NONE, _NONE, _ALL, _ALL),
    actions.PauseList: (_NONE, _NONE, _NONE, _ALL),
    actions.SeeNotices: (_NONE, _NONE, _ALL, _ALL),
}


def reach(order: type[Action], actor: Actor) -> Reach:
    """How far this person may go with this kind of order. The console may do all."""
    if actor.console:
        return Reach.ALL
    if actor.role not in _ROLES:
        return Reach.NONE
    return TABLE[order][_ROLES.index(actor.role)]


def demand(order: Action, actor: Actor) -> None:
    """Refused with NOT_ALLOWED when this person may not give this kind of order at all."""
    if reach(type(order), actor) == Reach.NONE:
        raise Refused(Refusal.NOT_ALLOWED)
