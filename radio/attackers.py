"""Attackers: a radio that knows the network word and the protocol, and speaks against the rules.

The storms send them into their weather, and the bench measures what one of them costs the camps in earshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from radio.world import World
from sync import air_frames, bundle, frames, message
from sync.air_frames import (
    AirFrame,
    AnswerFrame,
    BeaconFrame,
    JoinFrame,
    NeedFrame,
    ParcelFrame,
    SketchFrame,
    SymbolFrame,
    WantFrame,
)
from sync.bundle import HOUR_S, MASK_RADIO, BundleClass, BundleId
from sync.coding import shape_of
from sync.frames import BundleFrame, Frame
from sync.message import Kind, Message, compose
from sync.signing import AUTHOR_BYTES, SEED_BYTES, SIGNATURE_BYTES, Identity, Network
from sync.sketch import BEACON_SYNDROMES, NONCE_BYTES, SALT_SENDER_BYTES, SYNDROME_BYTES, Salt, SaltedSet

NETWORK = Network()
NAME = "attacker"
# The year 2099, in hours since 2026.
FAR_HOUR = 640_000
# A parcel of this many bytes, in symbols as long as a radio frame takes.
PARCEL_BYTES, SYMBOL_BYTES = 1_284, 214
# When there is nothing to say yet, how soon to look again.
LOOK_AGAIN_S = 10.0

Say = Callable[[], bytes | None]
_F = TypeVar("_F", bound=AirFrame | Frame)


class Attacker:
    """Sends what it likes, when the channel lets it, and remembers what it heard."""

    def __init__(self, world: World, in_earshot: Sequence[str], random: Random) -> None:
        self.world = world
        self.random = random
        self.heard: list[bytes] = []
        self._last: dict[type, AirFrame | Frame] = {}
        self._bundles: dict[BundleId, None] = {}
        self._names: dict[bytes, None] = {}
        self._camps = {camp.identity.author: camp.identity for camp in world.camps.values()}
        world.add_radio(NAME, self._hear)
        for name in in_earshot:
            world.hear(NAME, name)

    def every(self, seconds: float, start_s: float, end_s: float, say: Say) -> None:
        """Send what `say` gives, again and again."""
        when_s = start_s
        while when_s < end_s:
            self.world.at(when_s, lambda: self.send(say()))
            when_s += seconds

    def fill(self, share: float, start_s: float, end_s: float, say: Say) -> None:
        """Send so often that it takes this share of the air, 0 to 1."""

        def once() -> None:
            data = say()
            self.send(data)
            pause_s = LOOK_AGAIN_S
            if data is not None:
                pause_s = self.world.air.airtime_ms(len(data)) / 1_000 / share
            if self.world.now + pause_s < end_s:
                self.world.at(self.world.now + pause_s, once)

        self.world.at(start_s, once)

    def send(self, data: bytes | None) -> None:
        """Send this, if it is something."""
        if data is not None:
            self.world.inject(NAME, data)

    def encode(self, frame: AirFrame | Frame, author: bytes | None = None) -> bytes:
        """The bytes of a frame, under a name that nobody has unless one is given."""
        return air_frames.encode(frame, NETWORK, author or self.random.randbytes(AUTHOR_BYTES))

    def salt(self, hour: int | None = None, sender: bytes | None = None) -> Salt:
        """A salt under a name that nobody has, and of this hour, unless others are given."""
        now_hour = bundle.hour_of(self.world.now)
        nonce, nobody = self.random.randbytes(NONCE_BYTES), self.random.randbytes(SALT_SENDER_BYTES)
        return Salt(nonce, now_hour if hour is None else hour, sender or nobody)

    def name(self) -> bytes:
        """Four bytes of the name of a camp that was heard to beacon; of nobody before that."""
        names = list(self._names)
        return self.random.choice(names) if names else self.random.randbytes(SALT_SENDER_BYTES)

    def last_heard(self, kind: type[_F]) -> _F | None:
        """The last frame of a kind that was heard."""
        frame = self._last.get(kind)
        return frame if isinstance(frame, kind) else None

    def bundles(self) -> Sequence[BundleId]:
        """The bundles of the camps that were heard, each once."""
        return list(self._bundles)

    def _hear(self, data: bytes) -> None:
        self.heard.append(data)
        _, frame = air_frames.decode(data, NETWORK)
        self._last[type(frame)] = frame
        if isinstance(frame, BeaconFrame):
            self._names[frame.salt.sender] = None
        if isinstance(frame, BundleFrame):
            decoded = bundle.decode(frame.wire)
            author = self._camps.get(decoded.author)
            if author is not None:
                self._bundles[decoded.id(author.key, NETWORK)] = None


@dataclass(frozen=True, slots=True)
class Attack:
    """What an attacker says, and how often in a storm."""

    prepare: Callable[[Attacker], Say]
    every_s: float


def _empty_wants(attacker: Attacker) -> Say:
    """Everybody please send a sketch."""

    def say() -> bytes | None:
        beacon = attacker.last_heard(BeaconFrame)
        return attacker.encode(WantFrame(beacon.salt, b"")) if beacon else None

    return say


def _empty_masks(attacker: Attacker) -> Say:
    """A beacon of no classes, so that nothing differs."""
    return lambda: attacker.encode(BeaconFrame(attacker.salt(), 0, 0, _NOTHING))


def _level_beacons(attacker: Attacker) -> Say:
    """ "All is well": the sketch of what it heard, in the name of a camp."""

    def say() -> bytes:
        known = attacker.bundles()
        salt = attacker.salt()
        sketch = SaltedSet(known, salt).sketch(BEACON_SYNDROMES)
        return attacker.encode(BeaconFrame(salt, MASK_RADIO, len(known), sketch))

    return say


def _made_up_ids(attacker: Attacker) -> Say:
    """Differences that nobody can mend."""

    def say() -> bytes:
        salt = attacker.salt()
        mine = SaltedSet([attacker.random.randbytes(16) for _ in range(3)], salt)
        return attacker.encode(BeaconFrame(salt, MASK_RADIO, 3, mine.sketch(BEACON_SYNDROMES)))

    return say


def _count_zero(attacker: Attacker) -> Say:
    """A camp that claims to have nothing, with a new name each time."""
    return lambda: attacker.encode(BeaconFrame(attacker.salt(), MASK_RADIO, 0, _NOTHING))


def _year_2099(attacker: Attacker) -> Say:
    """Beacons and alerts from the far end of time."""
    liar = Identity(attacker.random.randbytes(SEED_BYTES))

    def say() -> bytes:
        if attacker.random.random() < 0.5:
            salt = attacker.salt(FAR_HOUR)
            return attacker.encode(BeaconFrame(salt, MASK_RADIO, 1, attacker.random.randbytes(len(_NOTHING))))
        text = compose(Message(Kind.MIC_CHECK, int(attacker.world.now)), "the end is near")
        sealed = bundle.seal(liar, FAR_HOUR, BundleClass.ALERT, [message.encode(text)])
        return frames.encode(BundleFrame(sealed.wire, liar.key), NETWORK, liar.author)

    return say


def _polluted_blocks(attacker: Attacker) -> Say:
    """Symbols that look like those of the block on the air, and needs nobody has."""

    def say() -> bytes:
        seen = attacker.last_heard(SymbolFrame)
        if seen is None:
            return attacker.encode(NeedFrame(attacker.random.randbytes(8), 24))
        index, width = attacker.random.randrange(256), seen.shape.symbol_bytes
        forged = attacker.random.randbytes(width)
        return attacker.encode(SymbolFrame(seen.generation, seen.shape, index, forged))

    return say


def _dead_alert(attacker: Attacker) -> Say:
    """An alert of the day before yesterday, really signed by a camp then."""
    name = sorted(attacker.world.camps)[0]
    camp = attacker.world.camps[name].identity
    then = int(attacker.world.now) - 48 * HOUR_S
    text = compose(Message(Kind.MIC_CHECK, then), "police, run north")
    sealed = bundle.seal(camp, bundle.hour_of(then), BundleClass.ALERT, [message.encode(text)])
    data = frames.encode(BundleFrame(sealed.wire, camp.key), NETWORK, camp.author)
    return lambda: data


def _noise(attacker: Attacker) -> Say:
    """Bytes, and real frames with some of them wrong."""

    def say() -> bytes:
        if not attacker.heard or attacker.random.random() < 0.3:
            return attacker.random.randbytes(attacker.random.randrange(1, 226))
        data = bytearray(attacker.random.choice(attacker.heard))
        for _ in range(attacker.random.randrange(1, 4)):
            data[attacker.random.randrange(len(data))] = attacker.random.randrange(256)
        return bytes(data)

    return say


def _borrowed_names(attacker: Attacker) -> Say:
    """Beacons in the names of camps: they hold nothing, or what nobody ever said, and hear nobody."""

    def say() -> bytes:
        salt = attacker.salt(sender=attacker.name())
        ids = [attacker.random.randbytes(16) for _ in range(attacker.random.choice((0, 3)))]
        sketch = SaltedSet(ids, salt).sketch(BEACON_SYNDROMES)
        return attacker.encode(BeaconFrame(salt, MASK_RADIO, len(ids), sketch))

    return say


def _forged_asks(attacker: Attacker) -> Say:
    """One camp asks another for everything, by a sketch of nothing; sometimes it signs, with noise."""

    def say() -> bytes:
        sender, asked = attacker.name(), attacker.name()
        if attacker.random.random() < 0.2:
            author = sender + attacker.random.randbytes(AUTHOR_BYTES - SALT_SENDER_BYTES)
            signature = attacker.random.randbytes(SIGNATURE_BYTES)
            hour = bundle.hour_of(attacker.world.now)
            return attacker.encode(JoinFrame(author, asked, hour, signature), author)
        salt = attacker.salt(sender=sender)
        return attacker.encode(SketchFrame(salt, MASK_RADIO, 0, 1, bytes(2 * SYNDROME_BYTES), asked))

    return say


def _forged_parcels(attacker: Attacker) -> Say:
    """Symbols of parcels that never get whole, or that spoil one on the air; and needs of them."""

    def say() -> bytes:
        seen = attacker.last_heard(ParcelFrame)
        if seen is None or attacker.random.random() < 0.3:
            generation, shape = attacker.random.randbytes(4), shape_of(PARCEL_BYTES, SYMBOL_BYTES)
        else:
            generation, shape = seen.generation, seen.shape
        name = attacker.name().ljust(AUTHOR_BYTES)
        if attacker.random.random() < 0.3:
            return attacker.encode(NeedFrame(generation, shape.symbols), name)
        index, forged = attacker.random.randrange(256), attacker.random.randbytes(shape.symbol_bytes)
        return attacker.encode(ParcelFrame(generation, shape, index, forged), name)

    return say


def _forged_answers(attacker: Attacker) -> Say:
    """Answers nobody asked for: a bundle that was heard, or of nobody, whole or with a byte wrong."""

    liar = Identity(attacker.random.randbytes(SEED_BYTES))

    def say() -> bytes:
        seen = attacker.last_heard(BundleFrame)
        now_s = int(attacker.world.now)
        text = message.encode(compose(Message(Kind.POST, now_s), "nothing was said here yet"))
        wire = bytearray(
            seen.wire if seen else bundle.seal(liar, bundle.hour_of(now_s), BundleClass.POST, [text]).wire
        )
        if attacker.random.random() < 0.7:
            wire[attacker.random.randrange(len(wire))] ^= 0x10
        return attacker.encode(AnswerFrame(bytes(wire)), attacker.name().ljust(AUTHOR_BYTES))

    return say


def _replays(attacker: Attacker) -> Say:
    """Frames of the camps, as they were, again at the wrong time."""
    return lambda: attacker.random.choice(attacker.heard) if attacker.heard else None


_NOTHING = bytes(BEACON_SYNDROMES * SYNDROME_BYTES)

ATTACKS: Mapping[str, Attack] = {
    "empty wants": Attack(_empty_wants, 18),
    "empty masks": Attack(_empty_masks, 60),
    "level beacons": Attack(_level_beacons, 60),
    "made-up ids": Attack(_made_up_ids, 40),
    "count zero": Attack(_count_zero, 30),
    "year 2099": Attack(_year_2099, 30),
    "polluted blocks": Attack(_polluted_blocks, 8),
    "dead alert": Attack(_dead_alert, 20),
    "noise": Attack(_noise, 15),
}
# Made later. The bench's table has the nine above; the storms have all.
FURTHER_ATTACKS: Mapping[str, Attack] = {
    "borrowed names": Attack(_borrowed_names, 40),
    "forged asks": Attack(_forged_asks, 20),
    "forged parcels": Attack(_forged_parcels, 20),
    "forged answers": Attack(_forged_answers, 15),
    "replays": Attack(_replays, 15),
}
ALL_ATTACKS: Mapping[str, Attack] = {**ATTACKS, **FURTHER_ATTACKS}
