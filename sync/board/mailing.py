"""Letters on their way to a list: a person lets them go, or does not; a list is paused.

What goes to a list is in an archive for ever and has the camp's name on it. So each decision stands in the
public log with the role of who took it, and a refused letter tells its author why. The message itself stays
where it is: on the board, and on the air.
"""

from __future__ import annotations

from typing import Protocol

from sync.actions import (
    Actor,
    ApproveLetter,
    Done,
    PauseList,
    Refusal,
    Refused,
    RefuseLetter,
    SeeNotices,
    SetLetterHold,
)
from sync.board.room import Moment, Room, reason
from sync.message import HERE, LETTERS, MessageId
from sync.store.letters import LetterTables
from sync.store.people import Act

_PAUSED = "paused list "


class Noted(Protocol):
    """A store or a reader: where small facts are kept under a name."""

    def meta(self, name: str) -> object:
        """The fact, or None."""
        ...


def is_paused(notes: Noted, list_name: str) -> bool:
    """Whether a coordinator paused this list."""
    return bool(notes.meta(_PAUSED + list_name))


def approve_letter(room: Room, order: ApproveLetter, actor: Actor, at: Moment) -> Done:
    """Let a held letter go; from now on it waits for its turn like the others."""
    subject = reason(order.subject, needed=False)
    tables = _tables(room)
    _known(tables, order.list, order.message)
    letter = tables.letter(order.list, order.message)
    if order.shown and letter is not None and letter.words_hash != order.shown:
        raise Refused(Refusal.CHANGED)
    if not tables.approve(order.list, order.message, subject, order.let_contacts, at.wall_s):
        raise Refused(Refusal.DECIDED)
    act = Act.APPROVE_CONTACTS if order.let_contacts else Act.APPROVE_LETTER
    room.log(actor, at, act, order.message.hex(), subject)
    return Done(order.message.hex())


def refuse_letter(room: Room, order: RefuseLetter, actor: Actor, at: Moment) -> Done:
    """Do not let a letter go; its author reads why on the message."""
    why = reason(order.why)
    tables = _tables(room)
    _known(tables, order.list, order.message)
    if not tables.refuse(order.list, order.message, why, at.wall_s):
        raise Refused(Refusal.DECIDED)
    room.log(actor, at, Act.REFUSE_LETTER, order.message.hex(), why)
    return Done(order.message.hex())


def set_letter_hold(room: Room, order: SetLetterHold, actor: Actor, at: Moment) -> Done:
    """Hold the letters of a channel from now on, or let them go at once."""
    if order.channel in (HERE, LETTERS) or room.store.channel(order.channel) is None:
        raise Refused(Refusal.NO_CHANNEL)
    tables = _tables(room)
    if not order.list:
        raise Refused(Refusal.NO_LIST)
    if (order.channel in tables.holds(order.list)) == order.on:
        raise Refused(Refusal.DECIDED)
    tables.set_holds(order.list, order.channel, order.on, at.wall_s)
    room.log(actor, at, Act.HOLD_LETTERS if order.on else Act.FREE_LETTERS, f"{order.channel} · {order.list}")
    return Done(order.channel)


def pause_list(room: Room, order: PauseList, actor: Actor, at: Moment) -> Done:
    """Carry nothing to a list, or carry on."""
    if is_paused(room.store, order.list) == order.on:
        raise Refused(Refusal.DECIDED)
    room.store.set_meta(_PAUSED + order.list, 1 if order.on else None)
    room.log(actor, at, Act.PAUSE_LIST if order.on else Act.RESUME_LIST, order.list)
    return Done(order.list)


def see_notices(room: Room, order: SeeNotices, actor: Actor, at: Moment) -> Done:
    """Put away the notices that a person has read. Nothing is decided by it, so the log says nothing."""
    _tables(room).see_notices(order.upto, at.wall_s)
    return Done()


def _tables(room: Room) -> LetterTables:
    return LetterTables(room.store.connection)


def _known(tables: LetterTables, list_name: str, message: MessageId) -> None:
    if tables.state_of(list_name, message) is None:
        raise Refused(Refusal.NO_MESSAGE)
