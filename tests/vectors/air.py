"""The vectors of sketches, short ids, splits, blocks and the frames of the air (PROTOCOL.md §12 to §14)."""

from __future__ import annotations

from sync import air_frames, coding, parcels, sketch
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
from sync.bundle import BundleClass, seal
from sync.coding import Shape
from sync.message import Kind, Message, encode
from sync.parcels import Contents
from sync.signing import digest
from sync.sketch import BEACON_SYNDROMES, SKETCH_SYNDROMES, Salt, SaltedSet
from tests.vectors.camps import HOUR, NORTH, SOUTH

NORTH_SAYS, SOUTH_SAYS = (
    seal(camp, HOUR, BundleClass.POST, [encode(Message(Kind.POST, 1_795_000_000, body=b"\0" + text))])
    for camp, text in ((NORTH, b"water at gate 4"), (SOUTH, b"agua en la puerta 4"))
)
SALT = Salt(bytes.fromhex("01020304"), HOUR, NORTH.author[:4])
MASK = 0b0111


def bundle_ids(first: int, last: int) -> list[bytes]:
    """Ids as good as any."""
    return [digest(b"bundle %d" % number, 16) for number in range(first, last)]


def salt_fields(salt: Salt) -> dict[str, object]:
    """A salt as the files write it."""
    return {"nonce": salt.nonce.hex(), "hour": salt.hour, "sender": salt.sender.hex()}


def short_id_cases() -> list[dict[str, object]]:
    """Short ids under three salts."""
    salts = (SALT, Salt(bytes(4), 0, bytes(4)), Salt(b"\xff" * 4, 650_000, SOUTH.author[:4]))
    return [
        {
            **salt_fields(salt),
            "bundle_ids": [bundle_id.hex() for bundle_id in bundle_ids(0, 4)],
            "short_ids": [short.hex() for short in salt.short_ids(bundle_ids(0, 4))],
        }
        for salt in salts
    ]


def sketch_cases() -> list[dict[str, object]]:
    """Two sets each, their sketches, and what tells them apart."""
    made = [
        ("both empty", BEACON_SYNDROMES, (0, 0), (0, 0)),
        ("level", BEACON_SYNDROMES, (0, 20), (0, 20)),
        ("one bundle more there", BEACON_SYNDROMES, (0, 20), (0, 21)),
        ("one bundle more here", BEACON_SYNDROMES, (0, 21), (0, 20)),
        ("seven differences", BEACON_SYNDROMES, (0, 20), (3, 24)),
        ("eight are too many for a beacon", BEACON_SYNDROMES, (0, 20), (4, 24)),
        ("forty-three differences", SKETCH_SYNDROMES, (0, 40), (20, 63)),
        ("forty-four are too many for a sketch", SKETCH_SYNDROMES, (0, 40), (20, 64)),
    ]
    cases: list[dict[str, object]] = []
    for name, syndromes, here, there in made:
        mine, theirs = SaltedSet(bundle_ids(*here), SALT), SaltedSet(bundle_ids(*there), SALT)
        difference = mine.difference(theirs.sketch(syndromes))
        cases.append(
            {
                "name": name,
                **salt_fields(SALT),
                "here": [bundle_id.hex() for bundle_id in bundle_ids(*here)],
                "there": [bundle_id.hex() for bundle_id in bundle_ids(*there)],
                "sketch_here": mine.sketch(syndromes).hex(),
                "sketch_there": theirs.sketch(syndromes).hex(),
                "only_here": None if difference is None else sorted(i.hex() for i in difference.mine),
                "want": None if difference is None else difference.want.hex(),
            }
        )
    return cases


def split_cases() -> list[dict[str, object]]:
    """One set's parts, each with the sketch of it."""
    ids = bundle_ids(0, 12)
    whole = SaltedSet(ids, SALT)
    parts = (1, 2, 3, 4, 5, 6, 7, 13, 255, 65_535)
    return [
        {
            **salt_fields(SALT),
            "bundle_ids": [bundle_id.hex() for bundle_id in ids],
            "part": part,
            "first": sketch.part_span(part)[0],
            "last": sketch.part_span(part)[1],
            "count": whole.count(part),
            "sketch": whole.sketch(BEACON_SYNDROMES, part).hex(),
        }
        for part in parts
    ]


def parity_cases() -> list[dict[str, object]]:
    """Symbols of bundles of several lengths."""
    made = [(7, 2), (20, 3), (230, 2), (97, 24)]
    cases: list[dict[str, object]] = []
    for length, symbols in made:
        wire, shape = bytes(range(length)), Shape(symbols, length)
        indices = (0, symbols - 1, symbols, symbols + 1, 200, coding.INDEX_MAX)
        cases.append(
            {
                "wire": wire.hex(),
                "symbols": symbols,
                "symbol_bytes": shape.symbol_bytes,
                "of_index": {str(index): coding.symbol(wire, shape, index).hex() for index in indices},
            }
        )
    return cases


def block_cases() -> list[dict[str, object]]:
    """Long bundles of North as blocks: wire form and key, cut for radio."""
    cases: list[dict[str, object]] = []
    for name, body_bytes in (("two symbols", 300), ("three", 400), ("the longest", 4_400)):
        message = Message(Kind.POST, 1_795_000_000, body=b"\0" + b"mic check " * (body_bytes // 10))
        sealed = seal(NORTH, HOUR, BundleClass.POST, [encode(message)])
        content = sealed.wire + NORTH.key
        shape = coding.shape_of(len(content), air_frames.SYMBOL_BYTES_MAX)
        indices = (0, shape.symbols - 1, shape.symbols, coding.INDEX_MAX)
        cases.append(
            {
                "name": name,
                "wire": sealed.wire.hex(),
                "key": NORTH.key.hex(),
                "generation": sealed.id(NORTH.key, NORTH.network)[:8].hex(),
                "symbols": shape.symbols,
                "length": shape.length,
                "of_index": {str(index): coding.symbol(content, shape, index).hex() for index in indices},
            }
        )
    return cases


def parcel_cases() -> list[dict[str, object]]:
    """What is in a parcel, its bytes and what its symbols are called."""
    made = {
        "one bundle": Contents((NORTH_SAYS.wire,)),
        "two, and a key": Contents((NORTH_SAYS.wire, SOUTH_SAYS.wire), (SOUTH.key,)),
        "one that is longer than a frame": Contents((bytes(range(256)) * 2,)),
    }
    return [
        {
            "name": name,
            "keys": [key.hex() for key in contents.keys],
            "bundles": [wire.hex() for wire in contents.wires],
            "bytes": parcels.pack(contents).hex(),
            "generation": parcels.generation_of(parcels.pack(contents)).hex(),
        }
        for name, contents in made.items()
    ]


def air_frames_made() -> dict[str, AirFrame]:
    """A frame of each kind, sent by North."""
    ids, wire = bundle_ids(0, 60), bytes(range(230))
    held, lacked = SaltedSet(ids, SALT), SaltedSet(bundle_ids(60, 62), SALT)
    three = coding.shape_of(3 * air_frames.SYMBOL_BYTES_MAX, air_frames.SYMBOL_BYTES_MAX)
    want = SaltedSet((), SALT).difference(lacked.sketch(BEACON_SYNDROMES))
    assert want is not None
    bundles = (NORTH_SAYS.wire, SOUTH_SAYS.wire)
    parcel = parcels.pack(Contents(bundles, (SOUTH.key,)))
    generation, whole = parcels.generation_of(parcel), Shape(2, len(parcel))
    return {
        "BEACON": BeaconFrame(SALT, MASK, len(held), held.sketch(BEACON_SYNDROMES)),
        "BEACON of nothing": BeaconFrame(SALT, MASK, 0, bytes(32)),
        "SKETCH": SketchFrame(SALT, MASK, len(held), 1, held.sketch(SKETCH_SYNDROMES)),
        "SKETCH of a quarter": SketchFrame(SALT, MASK, held.count(6), 6, held.sketch(SKETCH_SYNDROMES, 6)),
        "SKETCH, short": SketchFrame(SALT, MASK, len(held), 1, held.sketch(16)),
        "SKETCH that asks": SketchFrame(
            SALT, MASK, held.count(6), 6, held.sketch(SKETCH_SYNDROMES, 6), SOUTH.author[:4]
        ),
        "SKETCH of nothing that asks": SketchFrame(SALT, MASK, 0, 1, bytes(8), SOUTH.author[:4]),
        "WANT of two": WantFrame(SALT, want.want),
        "WANT of more than could be told": WantFrame(SALT, b""),
        "WANT in a part": WantFrame(SALT, want.want, 3),
        "NEED": NeedFrame(ids[0][:8], 2),
        "SYMBOL": SymbolFrame(ids[0][:8], Shape(2, 230), 0, coding.symbol(wire, Shape(2, 230), 0)),
        "SYMBOL of parity": SymbolFrame(ids[0][:8], Shape(2, 230), 9, coding.symbol(wire, Shape(2, 230), 9)),
        "SYMBOL, the longest": SymbolFrame(ids[0][:8], three, 2, bytes(air_frames.SYMBOL_BYTES_MAX)),
        "NEED of a parcel": NeedFrame(generation, 24),
        "PARCEL": ParcelFrame(generation, whole, 0, coding.symbol(parcel, whole, 0)),
        "PARCEL, parity": ParcelFrame(generation, whole, 255, coding.symbol(parcel, whole, 255)),
        "PARCEL, the longest": ParcelFrame(
            generation,
            coding.shape_of(air_frames.PARCEL_BYTES_MAX, air_frames.PARCEL_SYMBOL_BYTES_MAX),
            23,
            bytes(air_frames.PARCEL_SYMBOL_BYTES_MAX),
        ),
        "ANSWER": AnswerFrame(NORTH_SAYS.wire),
        "JOIN": JoinFrame(NORTH.author, SOUTH.author[:4], HOUR, NORTH.sign_join(SOUTH.author[:4], HOUR)),
    }


def air_frame_cases() -> list[dict[str, object]]:
    """Their bytes."""
    return [
        {"name": name, "bytes": air_frames.encode(frame, NORTH.network, NORTH.author).hex()}
        for name, frame in air_frames_made().items()
    ]


FILES = {
    "short_ids.json": short_id_cases,
    "sketches.json": sketch_cases,
    "splits.json": split_cases,
    "parity.json": parity_cases,
    "blocks.json": block_cases,
    "parcels.json": parcel_cases,
    "air_frames.json": air_frame_cases,
}
