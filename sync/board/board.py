"""The board carries out what people order, or refuses it and changes nothing.

Pages, programs and the command line hand in the same orders (`sync.actions`), so a rule stands in one
place. Every order first passes the table of `sync.board.permissions` and the check that the card it
came with has not ended; then its own rule decides.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sync import actions
from sync.actions import Action, Actor, Outcome
from sync.board import camps, cards, groups, joining, mailing, moderating, posting
from sync.board.permissions import demand
from sync.board.quotas import Quotas
from sync.board.room import BoardLimits, CampSettings, Moment, Publisher, Room
from sync.board.telling import tell
from sync.codewords import session_hash
from sync.signing import Identity
from sync.store import Store
from sync.store.people import People

# A person may set the wall clock, and a commit may fail after a tick: nothing is late by more than this.
LOOK_AGAIN_S = 3_600.0

# Any: each rule takes its own kind of order, and the key beside it says which.
_RULES: dict[type[Action], Callable[[Room, Any, Actor, Moment], Outcome]] = {
    actions.WritePost: posting.write_post,
    actions.RetractPost: posting.retract_post,
    actions.ReleaseHeld: moderating.release_held,
    actions.RefuseHeld: moderating.refuse_held,
    actions.HideMessage: moderating.hide_message,
    actions.UnhideMessage: moderating.unhide_message,
    actions.MuteAuthor: moderating.mute_author,
    actions.HoldStrangers: moderating.hold_strangers,
    actions.SetChannel: moderating.set_channel,
    actions.MakeGroup: groups.make_group,
    actions.MakeCard: cards.make_card,
    actions.RevokeCard: cards.revoke_card,
    actions.OpenSession: cards.open_session,
    actions.CloseSession: cards.close_session,
    actions.PinCamp: camps.pin_camp,
    actions.UnpinCamp: camps.unpin_camp,
    actions.SetAdmission: camps.set_admission,
    actions.SetHotline: camps.set_hotline,
    actions.BuryCamp: camps.bury_camp,
    actions.NoteLink: camps.note_link,
    actions.NoteCarrying: camps.note_carrying,
    actions.Register: joining.register,
    actions.Unregister: joining.unregister,
    actions.ApproveLetter: mailing.approve_letter,
    actions.RefuseLetter: mailing.refuse_letter,
    actions.SetLetterHold: mailing.set_letter_hold,
    actions.PauseList: mailing.pause_list,
    actions.SeeNotices: mailing.see_notices,
}


class Board:
    """One camp's board. Not thread-safe: the thread that owns the store and the engine owns it.

    `secret(n)` gives n bytes nobody can guess (`secrets.token_bytes`). Times are the engine's `now` and
    Unix seconds `wall_s`.
    """

    def __init__(
        self,
        store: Store,
        engine: Publisher,
        identity: Identity,
        secret: Callable[[int], bytes],
        limits: BoardLimits,
        settings: CampSettings,
    ) -> None:
        people = People(store.connection)
        quotas = Quotas(settings.device_per_minute)
        self._room = Room(store, people, engine, identity, secret, limits, settings, quotas)
        self._wakeup = 0.0

    def do(self, action: Action, actor: Actor, now: float, wall_s: float) -> Outcome:
        """Carry out an order in the open transaction, or one of its own.

        Raises Refused when a rule is against it, and StoreFull when the disk is: nothing is changed
        then. The caller commits before it tells anybody of the outcome.
        """
        at = Moment(now, wall_s)
        demand(action, actor)
        with self._one_unit():
            cards.demand_live_card(self._room, actor, at)
            return _RULES[type(action)](self._room, action, actor, at)

    def session_used(self, token: str, wall_s: float) -> None:
        """Note that the session of this token is in use; seven days unused end it. Writes once an hour."""
        at_s = int(wall_s)
        self._room.people.use_session(session_hash(token), at_s, cards.SESSION_NOTED_EVERY_S)

    def next_wakeup(self) -> float:
        """The engine time at which `tick` has something to do."""
        return self._wakeup

    def tick(self, now: float, wall_s: float) -> None:
        """Say what is due (see `sync.board.telling`) and end what has ended. Before its time, nothing."""
        if now < self._wakeup:
            return
        with self._one_unit():
            self._room.people.end_dead_sessions(wall_s)
            at = Moment(now, wall_s)
            wait_s = min(tell(self._room, at), joining.tell_registrations(self._room, at))
        self._wakeup = now + min(wait_s, LOOK_AGAIN_S)

    def _one_unit(self) -> AbstractContextManager[None]:
        """All or nothing: part of the open transaction, or a whole one."""
        store = self._room.store
        return store.savepoint() if store.connection.in_transaction else store.transaction()
