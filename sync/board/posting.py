"""Posts: what people write, whether it appears at once or waits, and how they take it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

from sync import cbor
from sync.actions import Actor, Done, Refusal, Refused, RetractPost, WritePost, Written
from sync.board.permissions import Reach, reach
from sync.board.room import Moment, Room, short_name
from sync.codewords import token_hash
from sync.message import (
    HERE,
    LETTERS,
    PARENT_BYTES,
    SALT_MAX,
    Kind,
    Message,
    MessageId,
    Role,
    compose,
    encode,
    identify,
)
from sync.store.people import Act, HeldPost, KnownMessage
from sync.store.rows import ChannelRule
from sync.text import TEXT_BYTES_MAX, tidy
from sync.views import HeldWhy, Speaks

# Tidying can shorten a text, but what is ten times too long is not worth the time of tidying.
TYPED_CHARACTERS_MAX = 10 * TEXT_BYTES_MAX
HOUR_S = 3_600
STRANGERS_HELD = "hold_strangers"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A post whose words are fit to be stored."""

    channel: str
    text: str
    nickname: str
    urgent: bool
    reply_to: MessageId | None

    @property
    def request_hash(self) -> bytes:
        """Equal for equal requests: what a repeated token is compared by."""
        fields: list[cbor.Value] = [self.channel, self.text, self.nickname, self.urgent, self.reply_to]
        return blake2b(cbor.encode(fields), digest_size=16).digest()


def write_post(room: Room, order: WritePost, actor: Actor, at: Moment) -> Written:
    """Store a post: on the page at once, or held for a person; a repeated token changes nothing."""
    draft = _draft(order)
    if order.token is not None:
        first = _first_answer(room, order.token, draft, at)
        if first is not None:
            return first
    rule = _writable(room, draft)
    parent = _parent(room, draft, rule)
    why = _held_why(room, draft, rule, actor, at)
    room.quotas.check_post(actor, at.now)
    if why is HeldWhy.MIC_CHECK:
        room.quotas.check_call(actor, at.now)
    message = Message(
        kind=Kind.MIC_CHECK if draft.urgent else Kind.POST,
        second=at.second,
        channel=draft.channel,
        nickname=draft.nickname,
        role=actor.role,
        parent=parent,
    )
    message = _salted(room, compose(message, draft.text))
    if why is not None:
        written = _hold(room, message, why, actor, at)
    else:
        written = publish(room, message, actor.device, at)
    if order.token is not None:
        room.people.use_token(token_hash(order.token), draft.request_hash, written, at.second)
    room.quotas.count_post(actor, at.now)
    if why is HeldWhy.MIC_CHECK:
        room.quotas.count_call(actor, at.now)
    return Written(written, held=why is not None, repeated=False)


def retract_post(room: Room, order: RetractPost, actor: Actor, at: Moment) -> Done:
    """Take a post back. What still waits for a seal never leaves; what has left is followed by a word."""
    everything = reach(RetractPost, actor) == Reach.ALL
    held = room.people.held(order.message)
    if held is not None:
        if not everything and not _same_device(held.device, actor):
            raise Refused(Refusal.NOT_ALLOWED)
        room.people.remove_held(order.message)
        room.store.erase_after_commit()
        _log_retract(room, order, held.device, actor, at)
        return Done(order.message.hex())
    known = room.people.message(order.message)
    if known is None:
        raise Refused(Refusal.NO_MESSAGE)
    if not known.own or not (everything or _same_device(known.device, actor)):
        raise Refused(Refusal.NOT_ALLOWED)
    if known.retracted:
        raise Refused(Refusal.DECIDED)
    _retract(room, known, at)
    _log_retract(room, order, known.device, actor, at)
    return Done(order.message.hex())


def publish(room: Room, message: Message, device: bytes | None, at: Moment) -> MessageId:
    """Give a message to the engine. A mic check needs a share of the air; a buried camp has no voice."""
    rule = room.store.channel(message.channel)
    if rule is not None and rule.crosses and room.is_buried:
        raise Refused(Refusal.OWN_KEY_DEAD)
    if message.urgent:
        _check_share_of_air(room, at)
    return room.engine.publish(message, at.now, device)


def may_speak(rule: ChannelRule, actor: Actor) -> bool:
    """Whether this person's posts appear in the channel at once."""
    if rule.speaks == Speaks.ANYONE or actor.role == Role.COORDINATOR:
        return True
    return actor.role == Role.LIAISON and (not rule.is_group or actor.group == rule.name)


def _draft(order: WritePost) -> _Draft:
    if len(order.text) > TYPED_CHARACTERS_MAX:
        raise Refused(Refusal.TOO_LONG)
    text = tidy(order.text)
    if not text.strip():
        raise Refused(Refusal.EMPTY)
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise Refused(Refusal.TOO_LONG)
    return _Draft(order.channel, text, short_name(order.nickname), order.urgent, order.reply_to)


def _first_answer(room: Room, token: bytes, draft: _Draft, at: Moment) -> Written | None:
    used = room.people.token(token_hash(token), at.wall_s)
    if used is None:
        return None
    request_hash, message = used
    if request_hash != draft.request_hash:
        raise Refused(Refusal.TOKEN_USED)
    return Written(message, held=room.people.held(message) is not None, repeated=True)


def _writable(room: Room, draft: _Draft) -> ChannelRule:
    rule = room.store.channel(draft.channel)
    if rule is None:
        raise Refused(Refusal.NO_CHANNEL)
    # `letters` is written by mail programs; an answer to a letter goes to a channel of one's own.
    # A mic check is for the whole square: one that cannot leave the camp would promise what it cannot do.
    if rule.name == LETTERS or (draft.urgent and not rule.crosses):
        raise Refused(Refusal.NOT_ALLOWED)
    if rule.crosses and room.is_buried:
        raise Refused(Refusal.OWN_KEY_DEAD)
    return rule


def _parent(room: Room, draft: _Draft, rule: ChannelRule) -> bytes:
    if draft.reply_to is None:
        return b""
    known = room.people.message(draft.reply_to)
    # Outside this camp nobody knows what was said in `here`, and nobody shall learn that it was.
    if known is None or (known.channel == HERE and rule.crosses):
        raise Refused(Refusal.NO_MESSAGE)
    return draft.reply_to[:PARENT_BYTES]


def _held_why(room: Room, draft: _Draft, rule: ChannelRule, actor: Actor, at: Moment) -> HeldWhy | None:
    """Why this post must wait for a person; None when it need not."""
    stranger = actor.role == Role.CAMPER
    if stranger and actor.device is not None and room.people.is_muted(actor.device, at.wall_s):
        return HeldWhy.MUTED
    if draft.urgent:
        return None if actor.may_repeat else HeldWhy.MIC_CHECK
    if not may_speak(rule, actor):
        return HeldWhy.QUIET
    if stranger and room.store.meta(STRANGERS_HELD):
        return HeldWhy.STRANGER
    return None


def _hold(room: Room, message: Message, why: HeldWhy, actor: Actor, at: Moment) -> MessageId:
    mic_check = why == HeldWhy.MIC_CHECK
    most = room.limits.held_mic_checks_max if mic_check else room.limits.held_posts_max
    if actor.role == Role.CAMPER and room.people.count_waiting(mic_check) >= most:
        raise Refused(Refusal.STRANGERS_FULL)
    encoded = encode(message)
    id_ = identify(room.identity.key, encoded)
    room.people.hold(HeldPost(id_, encoded, why, at.wall_s, actor.device, None))
    return id_


def _salted(room: Room, message: Message) -> Message:
    """The message with the smallest salt that gives it an id no other message has."""
    for salt in range(SALT_MAX + 1):
        salted = replace(message, salt=salt)
        if not room.people.is_taken(identify(room.identity.key, encode(salted))):
            return salted
    # 256 times the same words by the same name in one second: a machine.
    raise Refused(Refusal.TOO_FAST, 1.0)


def _check_share_of_air(room: Room, at: Moment) -> None:
    recent = room.people.mic_checks_since(at.wall_s - HOUR_S, at.wall_s)
    over = len(recent) - room.limits.mic_checks_per_hour
    if over >= 0:
        raise Refused(Refusal.MIC_CHECKS_USED_UP, recent[over] + HOUR_S - at.wall_s)


def _retract(room: Room, known: KnownMessage, at: Moment) -> None:
    word = Message(kind=Kind.RETRACT, second=at.second, channel=known.channel, parent=known.id[:PARENT_BYTES])
    if known.local or (not known.sealed and room.engine.withdraw(known.id)):
        room.people.keep_here(known.id)
        room.store.add_own(word, None, at.now, at.wall_s, None)
        room.store.forget_words(known.id)
    else:
        room.engine.publish(_salted(room, word), at.now)


def _log_retract(room: Room, order: RetractPost, device: bytes | None, actor: Actor, at: Moment) -> None:
    """What people take back themselves is nobody's business; what a moderator takes back is everybody's."""
    if not _same_device(device, actor):
        room.log(actor, at, Act.RETRACT, order.message.hex())


def _same_device(device: bytes | None, actor: Actor) -> bool:
    return device is not None and device == actor.device
