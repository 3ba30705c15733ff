"""Role cards and the sessions they open. A card's secret is shown once and kept only as a hash."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from sync.actions import (
    Actor,
    CardMade,
    CloseSession,
    Done,
    MakeCard,
    OpenSession,
    Refusal,
    Refused,
    RevokeCard,
    SessionOpened,
)
from sync.board.groups import ensure_group
from sync.board.permissions import Reach, reach
from sync.board.room import Moment, Room, reason, role_words, short_name
from sync.codewords import CARD_BYTES, SESSION_BYTES, card_hash, read_card, session_hash, write_card
from sync.message import Role
from sync.store.people import Act

# Whoever holds a card holds one of these. Campers and visitors need none.
CARD_ROLES = (Role.LIAISON, Role.MODERATOR, Role.COORDINATOR)
# A session number is short enough for a form and says nothing of how many there were.
SESSION_NUMBER_BYTES = 4
# A phone that turns its pages writes this often at most that it is in use; seven days unused end it.
SESSION_NOTED_EVERY_S = 3_600


def make_card(room: Room, order: MakeCard, actor: Actor, at: Moment) -> CardMade:
    """A new card. Only a liaison's has a group; a coordinator's has no end, lest a camp lock itself out."""
    name = short_name(order.name)
    if order.role not in CARD_ROLES or (order.group and order.role != Role.LIAISON):
        raise Refused(Refusal.NOT_ALLOWED)
    if order.until_s is not None and (order.role == Role.COORDINATOR or order.until_s <= at.wall_s):
        raise Refused(Refusal.NOT_ALLOWED)
    group = ensure_group(room, order.group, actor, at) if order.group else None
    code = write_card(room.secret(CARD_BYTES))
    hash_ = _hash_of(code)
    number = room.people.make_card(order.role, group, name, hash_, at.second, actor.card, order.until_s)
    room.log(actor, at, Act.MAKE_CARD, role_words(Actor(role=order.role, group=group)))
    return CardMade(number, code)


def revoke_card(room: Room, order: RevokeCard, actor: Actor, at: Moment) -> Done:
    """End a card and its sessions at once. The last coordinator's ends only at the console."""
    card = room.people.card(order.card)
    if card is None:
        raise Refused(Refusal.NO_CARD)
    if card.revoked_s is not None:
        raise Refused(Refusal.DECIDED)
    if not actor.console and room.people.usable_coordinators(at.wall_s) == [card.id]:
        raise Refused(Refusal.LAST_COORDINATOR)
    why = reason(order.why, needed=False)
    room.people.revoke_card(card.id, at.second, why)
    room.log(actor, at, Act.REVOKE_CARD, role_words(Actor(role=card.role, group=card.group)), why)
    return Done(str(card.id))


def open_session(room: Room, order: OpenSession, actor: Actor, at: Moment) -> SessionOpened:
    """Use a card on a phone. Refused with NO_CARD for every card that does not open, whatever the cause."""
    room.quotas.check_guess(actor, at.now)
    label = short_name(order.label)
    symbols = read_card(order.secret)
    card = room.people.card_of(card_hash(symbols)) if symbols is not None else None
    if card is None or not card.is_usable(at.wall_s):
        room.quotas.count_guess(actor, at.now)
        raise Refused(Refusal.NO_CARD)
    token = urlsafe_b64encode(room.secret(SESSION_BYTES)).rstrip(b"=").decode()
    number = _session_number(room)
    room.people.open_session(session_hash(token), card.id, at.second, label, number)
    room.people.keep_newest_sessions(card.id, room.limits.sessions_per_card, number)
    return SessionOpened(number, token, card.role)


def close_session(room: Room, order: CloseSession, actor: Actor, at: Moment) -> Done:
    """End one session: one of one's own card, or any for a coordinator."""
    card = room.people.card_of_session(order.session)
    if reach(CloseSession, actor) != Reach.ALL and (card is None or card != actor.card):
        raise Refused(Refusal.NOT_ALLOWED)
    if card is None:
        raise Refused(Refusal.DECIDED)
    room.people.close_session(order.session)
    return Done(str(order.session))


def demand_live_card(room: Room, actor: Actor, at: Moment) -> None:
    """Refused with NOT_ALLOWED when the card an order came with has ended since the page was shown."""
    if actor.card is None:
        return
    card = room.people.card(actor.card)
    if card is None or not card.is_usable(at.wall_s) or (card.role, card.group) != (actor.role, actor.group):
        raise Refused(Refusal.NOT_ALLOWED)


def _hash_of(code: str) -> bytes:
    symbols = read_card(code)
    assert symbols is not None, "a code just written can be read"
    return card_hash(symbols)


def _session_number(room: Room) -> int:
    while True:
        number = int.from_bytes(room.secret(SESSION_NUMBER_BYTES), "big")
        if not room.people.has_session(number):
            return number
