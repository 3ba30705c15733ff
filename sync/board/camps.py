"""Other camps: whom this one vouches for, whom it lets in, and which keys are dead."""

from __future__ import annotations

import string

from sync.actions import (
    Actor,
    BuryCamp,
    Done,
    NoteCarrying,
    NoteLink,
    PinCamp,
    Refusal,
    Refused,
    SetAdmission,
    SetHotline,
    UnpinCamp,
)
from sync.admission import INTRODUCTIONS_MAX
from sync.board.room import Moment, Room
from sync.codec import pack
from sync.farewell import LetterError, read_letter
from sync.message import Kind, Message
from sync.signing import AUTHOR_BYTES, KEY_BYTES, author_of
from sync.store.people import Act
from sync.text import tidy, tidy_name

# A card of one screen: ten numbers and what each is for.
HOTLINE_BYTES_MAX = 2_000
CAMP_CHARACTERS_MAX = 400
# In `meta`: the switch of admission, and the Unix time at which a letter for a key was entered here.
ADMIT = "admit"
BURIED = "buried "


def pin_camp(room: Room, order: PinCamp, actor: Actor, at: Moment) -> Done:
    """Vouch for a camp here, and (when asked, for 16 camps at most) to the other camps too."""
    key = _resolve(room, order.camp)
    if key == room.identity.key:
        raise Refused(Refusal.OWN_CAMP)
    if room.people.is_dead(key):
        raise Refused(Refusal.KEY_DEAD)
    pins = room.store.pins()
    introduced = [pinned for pinned, told in pins.items() if told and pinned != key]
    introduce = order.introduce and len(introduced) < INTRODUCTIONS_MAX
    room.store.pin(key, at.second, introduce)
    room.engine.refresh_admission()
    if introduce:
        introduce_camp(room, key, at)
    if key not in pins:
        room.log(actor, at, Act.PIN, author_of(key).hex())
    return Done(author_of(key).hex())


def unpin_camp(room: Room, order: UnpinCamp, actor: Actor, at: Moment) -> Done:
    """Stop vouching for a camp. What others were told of it fades with the last introduction, in 72 hours."""
    key = _resolve(room, order.camp)
    if key not in room.store.pins():
        raise Refused(Refusal.NO_CAMP)
    room.store.unpin(key)
    room.engine.refresh_admission()
    room.log(actor, at, Act.UNPIN, author_of(key).hex())
    return Done(author_of(key).hex())


def set_admission(room: Room, order: SetAdmission, actor: Actor, at: Moment) -> Done:
    """Let in every camp of the network, or only those pinned here or introduced."""
    word = "introduced" if order.introduced_only else "network"
    if room.store.meta(ADMIT) == word:
        raise Refused(Refusal.DECIDED)
    room.store.set_meta(ADMIT, word)
    room.engine.refresh_admission()
    room.log(actor, at, Act.ADMIT_INTRODUCED if order.introduced_only else Act.ADMIT_EVERYBODY)
    return Done(word)


def note_link(room: Room, order: NoteLink, actor: Actor, at: Moment) -> Done:
    """Say in the public log what became of a link: who hears us, and by what, concerns everybody."""
    room.log(actor, at, Act(order.change.value), order.name)
    return Done(order.name)


def note_carrying(room: Room, order: NoteCarrying, actor: Actor, at: Moment) -> Done:
    """Say in the public log that bundles were brought in, or taken along: it is a road like a link."""
    room.log(actor, at, Act(order.change.value))
    return Done()


def set_hotline(room: Room, order: SetHotline, actor: Actor, at: Moment) -> Done:
    """Change the medic and legal card; the older ones stay readable. An empty text takes it down."""
    text = tidy(order.text[: 4 * HOTLINE_BYTES_MAX])
    if len(text.encode()) > HOTLINE_BYTES_MAX:
        raise Refused(Refusal.TOO_LONG)
    if text != room.people.hotline():
        room.people.set_hotline(at.second, actor.card, text)
        room.log(actor, at, Act.HOTLINE)
    return Done()


def bury_camp(room: Room, order: BuryCamp, actor: Actor, at: Moment) -> Done:
    """Make a dead-key letter known here and everywhere. `target` is the id of the camp whose key died.

    A letter of this camp's own key is taken like any other: somebody far away knows that this box is in
    wrong hands. From then on nothing that crosses is posted here, for no camp would believe it; the
    pages, `here`, and the repeating of the letter go on.
    """
    try:
        key, signature = read_letter(order.letter)
    except LetterError as error:
        raise Refused(Refusal.BAD_LETTER) from error
    name = author_of(key).hex()
    if room.store.meta(BURIED + key.hex()) is not None:
        raise Refused(Refusal.DECIDED)
    room.store.set_meta(BURIED + key.hex(), at.second)
    tell_farewell(room, key, signature, at)
    room.store.add_farewell(key, signature, at.second)
    room.engine.refresh_admission()
    room.log(actor, at, Act.BURY, name)
    return Done(name)


def introduce_camp(room: Room, key: bytes, at: Moment) -> None:
    """Tell the other camps that we vouch for this key, and the name under which we know it."""
    name = dict(room.people.camp_names()).get(key, "").encode()
    body = pack(name) if name else b""
    room.engine.publish(Message(Kind.INTRODUCTION, at.second, body=body, reference=key), at.now)


def tell_farewell(room: Room, key: bytes, signature: bytes, at: Moment) -> None:
    """Pass a dead-key letter on."""
    room.engine.publish(Message(Kind.FAREWELL, at.second, reference=key + signature), at.now)


def _resolve(room: Room, typed: str) -> bytes:
    """The key meant by a key in hex, a camp id, or a name. NO_CAMP, or AMBIGUOUS when several fit."""
    name = tidy_name(typed[:CAMP_CHARACTERS_MAX])
    if not name:
        raise Refused(Refusal.NO_CAMP)
    digits = name.lower().replace(" ", "")
    if set(digits) <= set(string.hexdigits):
        if len(digits) == 2 * KEY_BYTES:
            return bytes.fromhex(digits)
        if len(digits) == 2 * AUTHOR_BYTES:
            return _only([*_own(room, bytes.fromhex(digits)), *room.people.keys_of(bytes.fromhex(digits))])
    return _only([key for key, known in room.people.camp_names() if known.casefold() == name.casefold()])


def _own(room: Room, author: bytes) -> list[bytes]:
    return [room.identity.key] if author == room.identity.author else []


def _only(keys: list[bytes]) -> bytes:
    different = list(dict.fromkeys(keys))
    if not different:
        raise Refused(Refusal.NO_CAMP)
    if len(different) > 1:
        raise Refused(Refusal.AMBIGUOUS)
    return different[0]
