"""What links carry: frames, frames that are refused, and handshakes (PROTOCOL.md §8, §9)."""

from __future__ import annotations

from radio import ip_handshake
from sync import bundle, cbor, frames, message
from sync.bundle import BundleClass
from sync.frames import AskFrame, AskKeysFrame, BundleFrame, Frame, GotFrame, KeysFrame
from sync.level_frames import (
    Request,
    ShortIdsFrame,
    SketchesFrame,
    StrataFrame,
    Terms,
    TermsFrame,
    WantsFrame,
)
from sync.signing import Identity
from sync.sketch import Salt
from tests.vectors.camps import HOUR, NORTH, SOUTH
from tests.vectors.messages import MESSAGES


def frame_cases() -> list[dict[str, object]]:
    """Frames sent by North."""
    wire = bundle.seal(NORTH, HOUR, BundleClass.POST, [message.encode(MESSAGES["a plain post"])]).wire
    ids = (bytes(range(16)), bytes(range(16, 32)))
    salt, terms = Salt(bytes(range(4)), HOUR, NORTH.author[:4]), Terms(HOUR, HOUR - 118, 15)
    made: list[tuple[str, Frame]] = [
        ("BUNDLE", BundleFrame(wire)),
        ("BUNDLE WITH KEY", BundleFrame(wire, NORTH.key)),
        ("LEVEL strata", StrataFrame(salt, terms, 70_000, bytes(range(192)) * 7)),
        ("LEVEL sketches", SketchesFrame(salt, (2, 3), (bytes(range(64)), bytes(range(64, 128))))),
        ("LEVEL short ids that open", ShortIdsFrame(salt, 0, 0xFFFFFFFF, bytes(range(8)), terms)),
        ("LEVEL short ids that answer", ShortIdsFrame(salt, 65_536, 131_071, b"")),
        (
            "LEVEL wants",
            WantsFrame(
                salt, 5, False, (Request(2, bytes(range(8))),), bytes(range(4)), (3,), (9, 10), ids[0][:8]
            ),
        ),
        ("LEVEL wants nothing", WantsFrame(salt, 0, True)),
        ("LEVEL terms", TermsFrame(salt, terms)),
        ("ASK", AskFrame(ids)),
        ("GOT", GotFrame(ids[:1])),
        ("ASK KEYS", AskKeysFrame((NORTH.author, SOUTH.author))),
        ("KEYS", KeysFrame((NORTH.key,))),
    ]
    return [
        {"name": name, "bytes": frames.encode(frame, NORTH.network, NORTH.author).hex()}
        for name, frame in made
    ]


def refused_frame_cases() -> list[dict[str, str]]:
    """Frames that North refuses under the word `miccheck`, and the word it counts."""
    network, author = NORTH.network, NORTH.author
    tag = bytes([network.tag(1)])
    sender = author[:2]
    ask, got, keys, level = b"\x1b", b"\x1c", b"\x1e", b"\x1a" + tag + sender
    ids = bytes(range(16))
    strata: list[cbor.Value] = [0, bytes(8), HOUR, HOUR, 0, 15, 1, bytes(1_344)]
    sketches: list[cbor.Value] = [1, bytes(8), HOUR, b"\x00\x01", bytes(64)]
    listed: list[cbor.Value] = [2, bytes(8), HOUR, 0, 9, bytes(4)]
    wants: list[cbor.Value] = [3, bytes(8), HOUR, 0, True, b"", b"", b"", b"", b""]

    def but(whole: list[cbor.Value], place: int, value: cbor.Value) -> bytes:
        return level + cbor.encode([*whole[:place], value, *whole[place + 1 :]])

    made = [
        ("nothing", b"", "frame"),
        ("a head alone", ask + tag + sender, "frame"),
        ("version 2", b"\x2b" + tag + sender + cbor.encode([ids]), "version"),
        ("version 2 of another network", b"\x2b\x00" + sender + cbor.encode([ids]), "version"),
        ("another tag", ask + b"\x00" + sender + cbor.encode([ids]), "network"),
        ("type 5, reserved", b"\x15" + tag + sender + cbor.encode([ids]), "frame"),
        ("type 15", b"\x1f" + tag + sender + cbor.encode([ids]), "frame"),
        ("an id of 3 bytes", ask + tag + sender + cbor.encode([ids[:3]]), "frame"),
        ("an id and 3 bytes", got + tag + sender + cbor.encode([ids + ids[:3]]), "frame"),
        ("ids as an array", ask + tag + sender + cbor.encode([[ids]]), "frame"),
        ("ids that stand alone", ask + tag + sender + cbor.encode(ids), "frame"),
        ("no ids", ask + tag + sender + b"\x80", "frame"),
        ("65 keys", keys + tag + sender + cbor.encode([NORTH.key * 65]), "frame"),
        ("65 authors", b"\x1d" + tag + sender + cbor.encode([author * 65]), "frame"),
        ("LEVEL of 3 fields", level + cbor.encode(strata[:3]), "frame"),
        ("LEVEL of an unknown step", but(strata, 0, 5), "frame"),
        ("LEVEL whose step is true", but(strata, 0, True), "frame"),
        ("LEVEL whose salt is short", but(strata, 1, bytes(7)), "frame"),
        ("LEVEL of the hour 650,001", but(strata, 3, 650_001), "frame"),
        ("LEVEL of the hour true", but(strata, 2, True), "frame"),
        ("LEVEL of the mask 256", but(strata, 5, 256), "frame"),
        ("LEVEL of 13 strata", but(strata, 7, bytes(1_248)), "frame"),
        ("LEVEL of part 0", but(sketches, 3, bytes(2)), "frame"),
        ("LEVEL of no part", but(sketches, 3, b""), "frame"),
        ("LEVEL of 15 syndromes", but(sketches, 4, bytes(60)), "frame"),
        ("LEVEL of 65 syndromes", but(sketches, 4, bytes(260)), "frame"),
        ("LEVEL of unequal sketches", but([*sketches[:4], bytes(129)], 3, b"\x00\x02\x00\x03"), "frame"),
        ("LEVEL of 65 parts", but([*sketches[:4], bytes(65 * 64)], 3, b"\x00\x80" * 65), "frame"),
        ("LEVEL of a span that ends first", but(listed, 3, 10), "frame"),
        ("LEVEL of a short id of 3 bytes", but(listed, 5, bytes(3)), "frame"),
        ("LEVEL of 8,193 short ids", but(listed, 5, bytes(4 * 8_193)), "frame"),
        ("LEVEL that wants of degree 0", but(wants, 5, b"\x00\x01\x00"), "frame"),
        ("LEVEL that wants of degree 64", but(wants, 5, b"\x00\x01\x40" + bytes(256)), "frame"),
        ("LEVEL that wants half an element", but(wants, 5, b"\x00\x01\x01" + bytes(3)), "frame"),
        ("LEVEL that wants of part 0", but(wants, 5, b"\x00\x00\x01" + bytes(4)), "frame"),
        ("LEVEL that is done with 1", but(wants, 4, 1), "frame"),
        ("a map", ask + tag + sender + b"\xa1\x00\x00", "cbor"),
        ("an array that is cut short", ask + tag + sender + cbor.encode([ids])[:-1], "cbor"),
        ("a length in a longer form", ask + tag + sender + b"\x81\x58\x10" + ids, "encoding"),
        ("a byte behind the array", ask + tag + sender + cbor.encode([ids]) + b"\x00", "encoding"),
    ]
    return [{"name": name, "bytes": data.hex(), "reason": reason} for name, data, reason in made]


def handshake_cases() -> list[dict[str, str]]:
    """Handshakes in which North dials South. Later versions may put more behind the nonce; it is signed."""
    later: list[cbor.Value] = [7, "later"]
    return [
        _handshake("both of this version", [], []),
        _handshake("the dialler says more", later, []),
        _handshake("the answerer says more", [], later),
    ]


def _handshake(name: str, north_tail: list[cbor.Value], south_tail: list[cbor.Value]) -> dict[str, str]:
    north_hello = _hello(NORTH, bytes(16), north_tail)
    south_hello = _hello(SOUTH, b"\x01" * 16, south_tail)
    return {
        "name": name,
        "network_word": NORTH.network.word,
        "dialler_seed": bytes(NORTH._signing_key).hex(),
        "answerer_seed": bytes(SOUTH._signing_key).hex(),
        "dialler_hello": north_hello.hex(),
        "answerer_hello": south_hello.hex(),
        "dialler_proof": NORTH.sign_link(ip_handshake.transcript(b"D", north_hello, south_hello)).hex(),
        "answerer_proof": SOUTH.sign_link(ip_handshake.transcript(b"A", north_hello, south_hello)).hex(),
    }


def _hello(who: Identity, nonce: bytes, tail: list[cbor.Value]) -> bytes:
    return cbor.encode([ip_handshake.HANDSHAKE_NAME, ip_handshake.HANDSHAKE_VERSION, who.key, nonce, *tail])
