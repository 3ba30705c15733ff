"""Moderation: held posts, hiding, muting, holding strangers, quiet channels.

Additive: nothing is edited or removed for others, each act stands in the public log with its reason,
and what is hidden here is carried all the same.
"""

from __future__ import annotations

from sync import message
from sync.actions import (
    Actor,
    Done,
    HideMessage,
    HoldStrangers,
    MuteAuthor,
    Refusal,
    Refused,
    RefuseHeld,
    ReleaseHeld,
    SetChannel,
    UnhideMessage,
    Written,
)
from sync.board.permissions import Reach, reach
from sync.board.posting import STRANGERS_HELD, publish
from sync.board.room import Moment, Room, reason
from sync.message import HERE, LETTERS, Message, MessageId
from sync.store.people import Act, HeldPost
from sync.views import Speaks

# Device hashes change every day, so a longer mute would be a promise the box cannot keep.
MUTE_HOURS_MAX = 24
# Ten years: minutes are kept without an end, everything else is a number a person can imagine.
RETENTION_DAYS_MAX = 3_650


def release_held(room: Room, order: ReleaseHeld, actor: Actor, at: Moment) -> Written:
    """Let a held post out as its author wrote it: same name, same second. A mic check is now urgent."""
    held = _undecided(room, order.message)
    post = _read(held)
    own_group = actor.group is not None and actor.group == post.channel
    if reach(ReleaseHeld, actor) == Reach.OWN and not (post.urgent or own_group):
        raise Refused(Refusal.NOT_ALLOWED)
    room.people.remove_held(held.id)
    written = publish(room, post, held.device, at)
    room.log(actor, at, Act.REPEAT if post.urgent else Act.RELEASE, written.hex())
    return Written(written, held=False, repeated=False)


def refuse_held(room: Room, order: RefuseHeld, actor: Actor, at: Moment) -> Done:
    """Keep a held post in; its author can read why for a day."""
    held = _undecided(room, order.message)
    post = _read(held)
    if reach(RefuseHeld, actor) == Reach.OWN and (actor.group is None or actor.group != post.channel):
        raise Refused(Refusal.NOT_ALLOWED)
    why = reason(order.why)
    room.people.refuse_held(held.id, at.second, actor.card, why)
    room.log(actor, at, Act.REFUSE, held.id.hex(), why)
    return Done(held.id.hex())


def hide_message(room: Room, order: HideMessage, actor: Actor, at: Moment) -> Done:
    """Show the reason in place of a message, on this camp's pages only."""
    return _hide(room, order.message, True, reason(order.why), actor, at)


def unhide_message(room: Room, order: UnhideMessage, actor: Actor, at: Moment) -> Done:
    """Show a hidden message again."""
    return _hide(room, order.message, False, reason(order.why, needed=False), actor, at)


def mute_author(room: Room, order: MuteAuthor, actor: Actor, at: Moment) -> Done:
    """Hold what the device that posted a message posts from now on, for 1 to 24 hours.

    Refused with NO_MESSAGE when the message is not from a device of this camp and day: only a device
    with a cookie can be muted. Against the others there is HoldStrangers.
    """
    why = reason(order.why)
    held = room.people.held(order.message)
    known = room.people.message(order.message)
    device = held.device if held is not None else known.device if known is not None else None
    if device is None:
        raise Refused(Refusal.NO_MESSAGE)
    hours = min(max(order.hours, 1), MUTE_HOURS_MAX)
    room.people.mute(device, at.second + hours * 3_600, why)
    room.log(actor, at, Act.MUTE, order.message.hex(), why)
    return Done(order.message.hex())


def hold_strangers(room: Room, order: HoldStrangers, actor: Actor, at: Moment) -> Done:
    """Hold every camper's post for a person, or stop doing so. What is held stays held."""
    why = reason(order.why, needed=order.on)
    if bool(room.store.meta(STRANGERS_HELD)) == order.on:
        raise Refused(Refusal.DECIDED)
    room.store.set_meta(STRANGERS_HELD, 1 if order.on else None)
    room.log(actor, at, Act.HOLD_STRANGERS if order.on else Act.FREE_STRANGERS, why=why)
    return Done()


def set_channel(room: Room, order: SetChannel, actor: Actor, at: Moment) -> Done:
    """Change who speaks in a channel, how long it keeps messages, whether it goes to the list."""
    rule = room.store.channel(order.channel)
    if rule is None:
        raise Refused(Refusal.NO_CHANNEL)
    rest_differs = (order.retention_days, order.to_list) != (rule.retention_days, rule.to_list)
    if rest_differs and reach(SetChannel, actor) != Reach.ALL:
        raise Refused(Refusal.NOT_ALLOWED)
    # A letter sent back to the list it came from would go round for ever, and `here` never leaves.
    if order.to_list and order.channel in (HERE, LETTERS):
        raise Refused(Refusal.NOT_ALLOWED)
    if order.retention_days is not None and not 1 <= order.retention_days <= RETENTION_DAYS_MAX:
        raise Refused(Refusal.NOT_ALLOWED)
    speaks = Speaks.LIAISONS if order.quiet else Speaks.ANYONE
    room.people.set_channel(order.channel, speaks.value, order.retention_days, order.to_list)
    if speaks != rule.speaks:
        room.log(actor, at, Act.QUIET if order.quiet else Act.OPEN, order.channel)
    if rest_differs:
        room.log(actor, at, Act.SET_CHANNEL, order.channel)
    return Done(order.channel)


def _undecided(room: Room, id_: MessageId) -> HeldPost:
    held = room.people.held(id_)
    if held is None:
        known = room.people.message(id_)
        raise Refused(Refusal.NO_MESSAGE if known is None or not known.own else Refusal.DECIDED)
    if held.decided_s is not None:
        raise Refused(Refusal.DECIDED)
    return held


def _read(held: HeldPost) -> Message:
    return message.decode(held.encoded, int(held.received_s), local=True)


def _hide(room: Room, id_: MessageId, hidden: bool, why: str, actor: Actor, at: Moment) -> Done:
    known = room.people.message(id_)
    if known is None:
        raise Refused(Refusal.NO_MESSAGE)
    if known.hidden == hidden:
        raise Refused(Refusal.DECIDED)
    room.people.set_hidden(id_, hidden)
    room.log(actor, at, Act.HIDE if hidden else Act.UNHIDE, id_.hex(), why)
    return Done(id_.hex())
