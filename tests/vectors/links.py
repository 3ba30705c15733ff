"""What links carry: frames, frames that are refused, and handshakes (PROTOCOL.md §8, §9)."""

from __future__ import annotations

from radio import ip_handshake
from sync import bundle, cbor, frames, message
from sync.bundle import BundleClass
from sync.frames import AskFrame, AskKeysFrame, BundleFrame, Frame, GotFrame, KeysFrame, ListFrame
from sync.signing import Identity
from tests.vectors.camps import HOUR, NORTH, SOUTH
from tests.vectors.messages import MESSAGES


def frame_cases() -> list[dict[str, object]]:
    """Frames sent by North."""
    wire = bundle.seal(NORTH, HOUR, BundleClass.POST, [message.encode(MESSAGES["a plain post"])]).wire
    ids = (bytes(range(16)), bytes(range(16, 32)))
    made: list[tuple[str, Frame]] = [
        ("BUNDLE", BundleFrame(wire)),
        ("BUNDLE WITH KEY", BundleFrame(wire, NORTH.key)),
        ("LIST of nothing", ListFrame(HOUR, 15, bytes(16), b"\xff" * 16, ())),
        ("LIST", ListFrame(HOUR, 7, bytes(16), ids[1], ids)),
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
    ask, got, keys, list_ = b"\x1b", b"\x1c", b"\x1e", b"\x1a"
    ids = bytes(range(16))
    whole: list[cbor.Value] = [HOUR, 15, bytes(16), b"\xff" * 16, ids]

    def listing(place: int, value: cbor.Value) -> bytes:
        return cbor.encode([*whole[:place], value, *whole[place + 1 :]])

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
        ("a LIST of 3 fields", list_ + tag + sender + cbor.encode(whole[:3]), "frame"),
        ("a LIST of the hour 650,001", list_ + tag + sender + listing(0, 650_001), "frame"),
        ("a LIST of the hour true", list_ + tag + sender + listing(0, True), "frame"),
        ("a LIST of the mask 256", list_ + tag + sender + listing(1, 256), "frame"),
        ("a LIST whose last id is short", list_ + tag + sender + listing(3, bytes(15)), "frame"),
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
