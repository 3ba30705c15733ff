"""Joining a mailing list: a liaison asks for somebody, and takes it back.

The address is sealed before it comes here (`sync.letters.joining`); the board sees a box and the name its
liaison gave it. While no camp says that the list's owner was asked, it is said again every 48 hours, because
bundles die; so is a withdrawal that the owner has not been told.
"""

from __future__ import annotations

from sync.actions import Actor, Done, Refusal, Refused, Register, Registered, Unregister
from sync.board.permissions import Reach, reach
from sync.board.room import Moment, Room, short_name
from sync.codec import pack
from sync.codewords import token_hash
from sync.message import Kind, Message
from sync.receipts import LIST_BYTES
from sync.registrations import SEALED_BYTES, JoinState, registration_id, registration_reference
from sync.store.people import Act
from sync.store.registrations import OwnRegistration, RegistrationTables

REPEAT_S = 48 * 3_600
# A list whose owner was not asked in a month has no camp near that posts to it; a person must look.
REPEATED_FOR_S = 30 * 86_400
# Of this camp, unanswered: 40 kB of air, and a quarter of what a gateway keeps of one camp. A camp of a
# thousand people has forty liaisons.
UNANSWERED_MAX = 64

_ANSWERED = frozenset({JoinState.ASKED, JoinState.CONFIRMED, JoinState.REFUSED})


def register(room: Room, order: Register, actor: Actor, at: Moment) -> Registered:
    """Keep a sealed registration, and say it to the other camps."""
    tables = RegistrationTables(room.store.connection)
    alias = short_name(order.alias)
    if len(order.sealed) != SEALED_BYTES or len(order.list_digest) != LIST_BYTES:
        raise ValueError("a registration is sealed, to the owner of a list with an address")
    if (
        order.token is not None
        and (first := _first(room, tables, order.token, order.request, at)) is not None
    ):
        return first
    if room.is_buried:
        raise Refused(Refusal.OWN_KEY_DEAD)
    room.quotas.check_post(actor, at.now)
    if sum(not _is_answered(each) for each in tables.all_own()) >= UNANSWERED_MAX:
        raise Refused(Refusal.REGISTRATIONS_FULL)
    id_ = registration_id(room.identity.author, order.sealed)
    message = room.engine.publish(_saying(order.list_digest, order.sealed, at), at.now)
    list_ = order.list_digest, order.list_name
    number = tables.add_own(id_, list_, alias, actor.card, order.sealed, message, at.second)
    if order.token is not None:
        room.people.use_token(token_hash(order.token), order.request, id_, at.second)
    room.quotas.count_post(actor, at.now)
    room.log(actor, at, Act.REGISTER, order.list_name)
    return Registered(number, repeated=False)


def unregister(room: Room, order: Unregister, actor: Actor, at: Moment) -> Done:
    """Take a registration back. What no bundle holds yet never leaves; after that it is said to all."""
    tables = RegistrationTables(room.store.connection)
    own = tables.own(order.number)
    if own is None:
        raise Refused(Refusal.NO_REGISTRATION)
    if reach(Unregister, actor) != Reach.ALL and (own.card is None or own.card != actor.card):
        raise Refused(Refusal.NOT_ALLOWED)
    if own.withdrawn_s is not None:
        raise Refused(Refusal.DECIDED)
    tables.withdraw_own(own.id, at.second)
    message = tables.message_of(own.id)
    if own.told_s == own.made_s and room.engine.withdraw(message):
        room.people.keep_here(message)
        room.store.forget_words(message)
        tables.forget_own(own.id, room.identity.key)
    else:
        tables.note_told(own.id, room.engine.publish(_taking_back(own, at), at.now), at.second)
    room.log(actor, at, Act.UNREGISTER, own.list)
    return Done(str(own.number))


def tell_registrations(room: Room, at: Moment) -> float:
    """Say again what nobody has answered; the seconds until the next is due."""
    tables = RegistrationTables(room.store.connection)
    wait_s = float(REPEAT_S)
    for own in tables.all_own():
        since_s = own.made_s if own.withdrawn_s is None else own.withdrawn_s
        if _is_answered(own) or not 0 <= at.wall_s - since_s < REPEATED_FOR_S:
            continue
        told_s = at.wall_s - own.told_s
        if 0 <= told_s < REPEAT_S:  # a clock set back counts as long ago
            wait_s = min(wait_s, REPEAT_S - told_s)
        elif not room.is_buried:
            again = (
                _saying(own.list_digest, own.sealed, at) if own.withdrawn_s is None else _taking_back(own, at)
            )
            tables.note_told(own.id, room.engine.publish(again, at.now), at.second)
    return wait_s


def _is_answered(own: OwnRegistration) -> bool:
    """Whether there is nothing that the other camps still have to hear."""
    said = {each.state for each in own.said}
    if own.withdrawn_s is None:
        return not _ANSWERED.isdisjoint(said)
    return bool(own.left) or own.told_s < own.withdrawn_s


def _saying(list_digest: bytes, sealed: bytes, at: Moment) -> Message:
    reference = registration_reference(list_digest)
    return Message(Kind.REGISTRATION, at.second, body=pack(sealed), reference=reference)


def _taking_back(own: OwnRegistration, at: Moment) -> Message:
    """With the box when somebody was asked: the gateway that tells the owner may never have seen it."""
    reference = registration_reference(own.list_digest, own.id)
    body = pack(own.sealed) if own.said else b""
    return Message(Kind.REGISTRATION, at.second, body=body, reference=reference)


def _first(
    room: Room, tables: RegistrationTables, token: bytes, request: bytes, at: Moment
) -> Registered | None:
    """What was answered to this token before."""
    used = room.people.token(token_hash(token), at.wall_s)
    if used is None:
        return None
    own = tables.own_by_id(used[1])
    if used[0] != request or own is None:
        raise Refused(Refusal.TOKEN_USED)
    return Registered(own.number, repeated=True)
