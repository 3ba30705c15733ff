"""Attackers: a radio that knows the network word and the protocol, and speaks against the rules."""

from __future__ import annotations

from random import Random

from radio.world import World
from sync import air_frames, bundle, frames, message
from sync.air_frames import BeaconFrame, NeedFrame, SymbolFrame, WantFrame
from sync.bundle import BundleClass
from sync.coding import Shape
from sync.frames import BundleFrame
from sync.message import Kind, Message, compose
from sync.signing import Identity, Network
from sync.sketch import Salt, SaltedSet

NETWORK = Network()


class Attacker:
    """Sends what it likes, when the channel lets it, and remembers what it heard."""

    def __init__(self, world: World, names: list[str], random: Random) -> None:
        self.world = world
        self.random = random
        self.heard: list[bytes] = []
        world.add_radio("attacker", self.heard.append)
        for name in random.sample(names, min(3, len(names))):
            world.hear("attacker", name)

    def every(self, seconds: float, start: float, end: float, make) -> None:
        """Send what `make` gives, again and again."""
        when = start
        while when < end:
            self.world.at(when, lambda: self.send(make()))
            when += seconds

    def send(self, data: bytes | None) -> None:
        if data is not None:
            self.world.inject("attacker", data)

    def encode(self, frame, author: bytes | None = None) -> bytes:
        return air_frames.encode(frame, NETWORK, author or self.random.randbytes(8))

    def salt(self, hour: int | None = None, sender: bytes | None = None) -> Salt:
        now_hour = bundle.hour_of(self.world.now)
        return Salt(
            self.random.randbytes(4), now_hour if hour is None else hour, sender or self.random.randbytes(4)
        )

    def last_heard(self, kind):
        for data in reversed(self.heard):
            _, frame = air_frames.decode(data, NETWORK)
            if isinstance(frame, kind):
                return frame
        return None


def empty_wants(attacker: Attacker, start: float, end: float) -> None:
    def make():
        beacon = attacker.last_heard(BeaconFrame)
        return attacker.encode(WantFrame(beacon.salt, b"")) if beacon else None

    attacker.every(18, start, end, make)


def empty_masks(attacker: Attacker, start: float, end: float) -> None:
    attacker.every(60, start, end, lambda: attacker.encode(BeaconFrame(attacker.salt(), 0, 0, bytes(32))))


def level_beacons(attacker: Attacker, start: float, end: float) -> None:
    """ "All is well": the sketch of what it heard, in the name of a camp, once a minute."""

    def make():
        known: dict[bytes, None] = {}
        for data in attacker.heard:
            _, frame = air_frames.decode(data, NETWORK)
            if isinstance(frame, BundleFrame):
                decoded = bundle.decode(frame.wire)
                for camp in attacker.world.camps.values():
                    if camp.identity.author == decoded.author:
                        known[decoded.id(camp.identity.key, NETWORK)] = None
        salt = attacker.salt()
        return attacker.encode(BeaconFrame(salt, 7, len(known), SaltedSet(known, salt).sketch(8)))

    attacker.every(60, start, end, make)


def made_up_ids(attacker: Attacker, start: float, end: float) -> None:
    """Differences that nobody can mend."""

    def make():
        salt = attacker.salt()
        mine = SaltedSet([attacker.random.randbytes(16) for _ in range(3)], salt)
        return attacker.encode(BeaconFrame(salt, 7, 3, mine.sketch(8)))

    attacker.every(40, start, end, make)


def count_zero(attacker: Attacker, start: float, end: float) -> None:
    """A camp that claims to have nothing, with a new name each time."""
    attacker.every(30, start, end, lambda: attacker.encode(BeaconFrame(attacker.salt(), 7, 0, bytes(32))))


def year_2099(attacker: Attacker, start: float, end: float) -> None:
    liar = Identity(attacker.random.randbytes(32))

    def make():
        if attacker.random.random() < 0.5:
            salt = attacker.salt(hour=640_000)
            return attacker.encode(BeaconFrame(salt, 7, 1, attacker.random.randbytes(32)))
        text = compose(Message(Kind.MIC_CHECK, int(attacker.world.now)), "the end is near")
        sealed = bundle.seal(liar, 640_000, BundleClass.ALERT, [message.encode(text)])
        return frames.encode(BundleFrame(sealed.wire, liar.key), NETWORK, liar.author)

    attacker.every(30, start, end, make)


def polluted_blocks(attacker: Attacker, start: float, end: float) -> None:
    """Symbols that look like those of the block on the air, and needs nobody has."""

    def make():
        seen = attacker.last_heard(SymbolFrame)
        if seen is None:
            return attacker.encode(NeedFrame(attacker.random.randbytes(8), 24))
        index = attacker.random.randrange(256)
        forged = SymbolFrame(seen.generation, Shape(seen.shape.symbols, seen.shape.length), index, b"")
        width = seen.shape.symbol_bytes
        return attacker.encode(
            SymbolFrame(forged.generation, forged.shape, index, attacker.random.randbytes(width))
        )

    attacker.every(8, start, end, make)


def dead_alert(attacker: Attacker, start: float, end: float) -> None:
    """An alert of the day before yesterday, really signed by a camp then."""
    name = sorted(attacker.world.camps)[0]
    camp = attacker.world.camps[name]
    then = int(attacker.world.now) - 48 * 3_600
    text = compose(Message(Kind.MIC_CHECK, then), "police, run north")
    sealed = bundle.seal(camp.identity, bundle.hour_of(then), BundleClass.ALERT, [message.encode(text)])
    data = frames.encode(BundleFrame(sealed.wire, camp.identity.key), NETWORK, camp.identity.author)
    attacker.every(20, start, end, lambda: data)


def noise(attacker: Attacker, start: float, end: float) -> None:
    """Bytes, and real frames with some of them wrong."""

    def make():
        if not attacker.heard or attacker.random.random() < 0.3:
            return attacker.random.randbytes(attacker.random.randrange(1, 226))
        data = bytearray(attacker.random.choice(attacker.heard))
        for _ in range(attacker.random.randrange(1, 4)):
            data[attacker.random.randrange(len(data))] = attacker.random.randrange(256)
        return bytes(data)

    attacker.every(15, start, end, make)


ATTACKS = {
    "empty wants": empty_wants,
    "empty masks": empty_masks,
    "level beacons": level_beacons,
    "made-up ids": made_up_ids,
    "count zero": count_zero,
    "year 2099": year_2099,
    "polluted blocks": polluted_blocks,
    "dead alert": dead_alert,
    "noise": noise,
}
