"""What a camp says of itself again and again, because bundles die and newcomers have not heard it.

A class 1 bundle lives 72 hours, so what shall always be known is said every 48: the camp's card,
introductions of the camps it pinned, and for a month the dead-key letters entered here.
"""

from __future__ import annotations

from hashlib import blake2b

from sync import cbor
from sync.board.camps import BURIED, introduce_camp, tell_farewell
from sync.board.room import Moment, Room
from sync.codec import pack
from sync.message import Kind, Message
from sync.receipts import LISTS_MAX
from sync.store.projection import CARD_FIELD_BYTES_MAX
from sync.text import NICKNAME_BYTES_MAX, tidy_name

REPEAT_S = 48 * 3_600
# A camp away for a month has other worries, and its next neighbour still knows the dead.
FAREWELL_S = 30 * 86_400

_CARD_AT = "told card"
_CARD_HASH = "told card hash"
_PINS_AT = "told introductions"
_FAREWELLS_AT = "told farewells"


def tell(room: Room, at: Moment) -> float:
    """Say what is due; the seconds until the next time. A clock set back counts as long ago."""
    card_s = float("inf")
    if not room.is_buried:
        card_s = _tell_card(room, at)
        _tell_introductions(room, at)
    _tell_farewells(room, at)
    stamps = (_CARD_AT, _PINS_AT, _FAREWELLS_AT)
    return min(card_s, *(_wait_s(room, stamp, at) for stamp in stamps))


def card_body(room: Room, wall_s: float) -> bytes:
    """The body of the camp's card: packed CBOR [name, place, languages, contact, has_list, offset, lists]."""
    s = room.settings
    fields = (s.place, " ".join(s.languages), s.contact)
    texts: list[cbor.Value] = [
        _line(s.name, NICKNAME_BYTES_MAX),
        *(_line(f, CARD_FIELD_BYTES_MAX) for f in fields),
    ]
    values: list[cbor.Value] = [*texts, int(s.has_list)]
    utc_offset = s.utc_offset(wall_s)
    if s.has_list or utc_offset:  # a card that says nothing of it is three bytes shorter
        values += [utc_offset, b"".join(sorted(set(s.lists))[:LISTS_MAX])]
    return pack(cbor.encode(values))


def _tell_card(room: Room, at: Moment) -> float:
    """Tell the camp's card when it is due or has changed; the seconds until it is due again."""
    body = card_body(room, at.wall_s)
    hash_ = blake2b(body, digest_size=16).digest()
    wait_s = _wait_s(room, _CARD_AT, at)
    if room.store.meta(_CARD_HASH) == hash_ and wait_s > 0:
        return wait_s
    # The card of the latest second is believed (PROTOCOL.md §5.2): of two of one second nobody knows which.
    if room.store.meta(_CARD_AT) == at.second:
        return 1.0
    room.engine.publish(Message(Kind.CARD, at.second, body=body, reference=room.identity.key), at.now)
    room.store.set_meta(_CARD_HASH, hash_)
    room.store.set_meta(_CARD_AT, at.second)
    return REPEAT_S


def _tell_introductions(room: Room, at: Moment) -> None:
    if _wait_s(room, _PINS_AT, at) > 0:
        return
    for key, told in room.store.pins().items():
        if told and not room.people.is_dead(key):
            introduce_camp(room, key, at)
    room.store.set_meta(_PINS_AT, at.second)


def _tell_farewells(room: Room, at: Moment) -> None:
    if _wait_s(room, _FAREWELLS_AT, at) > 0:
        return
    for name, buried_s in room.people.notes(BURIED):
        key = bytes.fromhex(name.removeprefix(BURIED))
        signature = room.people.farewell_signature(key)
        if signature is not None and abs(at.wall_s - buried_s) < FAREWELL_S:
            tell_farewell(room, key, signature, at)
    room.store.set_meta(_FAREWELLS_AT, at.second)


def _wait_s(room: Room, stamp: str, at: Moment) -> float:
    """Seconds until what was told at `stamp` is due again; 0.0 when it is."""
    told = room.store.meta(stamp)
    since = at.wall_s - told if isinstance(told, int) else float("inf")
    return REPEAT_S - since if 0 <= since < REPEAT_S else 0.0


def _line(text: str, bytes_max: int) -> str:
    """A setting as one line that other camps will show, cut to what they show."""
    return tidy_name(text).encode()[:bytes_max].decode(errors="ignore").strip()
