"""Writes the vectors anew: `python -m tests.vectors.write`. A change in them is a change of the protocol.

Bodies are given as bytes, never packed here: another zlib may pack the same text into other bytes.
"""

from __future__ import annotations

import json
from pathlib import Path

from radio import ip_link
from sync import bundle, frames, message
from sync.bundle import BundleClass
from sync.frames import AskFrame, AskKeysFrame, BundleFrame, Frame, GotFrame, KeysFrame, ListFrame
from sync.message import Kind, Message, Role
from tests.vectors import air
from tests.vectors.camps import CLOSED, HOUR, NORTH, NOW_S, SOUTH

HERE = Path(__file__).parent

MESSAGES: dict[str, Message] = {
    "a plain post": Message(Kind.POST, NOW_S, body=b"\x00water at gate 4"),
    "the third equal post of one second": Message(Kind.POST, NOW_S, salt=2, body=b"\x00water at gate 4"),
    "a nickname": Message(Kind.POST, NOW_S, body=b"\x00hola", nickname="Ana"),
    "announcements, by a liaison": Message(
        Kind.POST,
        NOW_S,
        body=b"\x00assembly at 19",
        channel="announcements",
        nickname="Ana",
        role=Role.LIAISON,
    ),
    "a channel with a name": Message(Kind.POST, NOW_S, body=b"\x00soup", channel="cocina-norte"),
    "a reply": Message(Kind.POST, NOW_S, body=b"\x00yes", parent=bytes.fromhex("0102030405060708")),
    "a mic check": Message(Kind.MIC_CHECK, NOW_S, body=b"\x00medic to the fountain"),
    "a retraction": Message(Kind.RETRACT, NOW_S, parent=bytes.fromhex("0102030405060708")),
    "a card": Message(
        Kind.CARD,
        NOW_S,
        body=b"\x00" + bytes.fromhex("85654e6f7274686b506c617a61206d61796f7265656e2065736001"),
        reference=NORTH.key,
    ),
    "an introduction": Message(Kind.INTRODUCTION, NOW_S, body=b"\x00South", reference=SOUTH.key),
    "a farewell": Message(Kind.FAREWELL, NOW_S, reference=SOUTH.key + SOUTH.sign_farewell()),
    "a letter": Message(
        Kind.LETTER,
        NOW_S,
        body=b"\x00greetings from Oakland",
        channel="letters",
        nickname="Grace",
        role=Role.LIST,
        reference=bytes.fromhex("1122334455667788"),
    ),
    "a receipt": Message(Kind.RECEIPT, NOW_S, reference=bytes.fromhex("0102030405060708")),
    "an echo": Message(Kind.ECHO, NOW_S, reference=bytes.fromhex("01020304")),
    "a second that wraps": Message(Kind.POST, NOW_S - 8_000_000, body=b"\x00long ago"),
}


def message_cases() -> list[dict[str, object]]:
    """Fields, bytes and ids of messages."""
    return [
        {
            "name": name,
            "kind": int(m.kind),
            "second": m.second,
            "salt": m.salt,
            "body": m.body.hex(),
            "channel": m.channel,
            "nickname": m.nickname,
            "role": int(m.role),
            "parent": m.parent.hex(),
            "reference": m.reference.hex(),
            "bytes": message.encode(m).hex(),
            "id_under_north": message.identify(NORTH.key, message.encode(m)).hex(),
        }
        for name, m in MESSAGES.items()
    ]


def bundle_cases() -> list[dict[str, object]]:
    """Envelopes, signatures and ids."""
    encoded = {name: message.encode(m) for name, m in MESSAGES.items()}
    made = [
        ("one post", NORTH, BundleClass.POST, [encoded["a plain post"]]),
        ("a mic check", NORTH, BundleClass.ALERT, [encoded["a mic check"]]),
        ("eight messages", SOUTH, BundleClass.POST, list(encoded.values())[:8]),
        ("under another network word", CLOSED, BundleClass.POST, [encoded["a plain post"]]),
        ("chat", SOUTH, BundleClass.CHAT, [encoded["a nickname"], encoded["a reply"]]),
    ]
    cases = []
    for name, who, class_, messages in made:
        sealed = bundle.seal(who, HOUR, class_, messages)
        cases.append(
            {
                "name": name,
                "seed": bytes(who._signing_key).hex(),
                "network_word": who.network.word,
                "key": who.key.hex(),
                "author": who.author.hex(),
                "hour": HOUR,
                "class": int(class_),
                "messages": [m.hex() for m in messages],
                "signed": sealed.signed.hex(),
                "signature": sealed.signature.hex(),
                "wire": sealed.wire.hex(),
                "id": sealed.id(who.key, who.network).hex(),
            }
        )
    return cases


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


def handshake_case() -> dict[str, object]:
    """A handshake in which North dials South."""
    north_hello = ip_link.hello(NORTH.key, bytes(16))
    south_hello = ip_link.hello(SOUTH.key, b"\x01" * 16)
    return {
        "dialler_hello": north_hello.hex(),
        "answerer_hello": south_hello.hex(),
        "dialler_proof": NORTH.sign_link(ip_link.transcript(b"D", north_hello, south_hello)).hex(),
        "answerer_proof": SOUTH.sign_link(ip_link.transcript(b"A", north_hello, south_hello)).hex(),
    }


def refused_cases() -> list[dict[str, str]]:
    """Wire forms that every node refuses, and the word it counts."""
    good = bundle.seal(NORTH, HOUR, BundleClass.POST, [message.encode(MESSAGES["a plain post"])])
    signature = good.signature
    author = b"\x48" + NORTH.author
    hour = bytes.fromhex("19") + HOUR.to_bytes(2, "big")
    post = message.encode(MESSAGES["a plain post"])
    start = b"\x84" + author + hour + b"\x01"
    made = [
        ("nothing", b"", "length"),
        ("a signature alone", signature, "length"),
        ("bytes behind the array", good.signed + b"\x00" + signature, "encoding"),
        (
            "an hour that is too long",
            b"\x84" + author + b"\x1a\0\0" + hour[1:] + b"\1" + post,
            "encoding",
        ),
        ("an indefinite array", b"\x9f" + author + hour + b"\x01" + post + b"\xff", "cbor"),
        ("a map", start + b"\xa1\x00\x00" + bytes(20), "cbor"),
        ("a tag", start + b"\x81\xc0\x61\x30" + bytes(20), "cbor"),
        ("a float", start + b"\x81\xf9\x3c\x00", "cbor"),
        ("undefined", start + b"\x81\xf7", "cbor"),
        ("too deep", start + b"\x81" * 5 + b"\x00", "cbor"),
        ("no message", b"\x83" + author + hour + b"\x01", "length"),
        ("nine messages", b"\x8c" + author + hour + b"\x01" + post * 9, "shape"),
        ("an empty message after another", b"\x85" + author + hour + b"\x01" + post + b"\x80", "shape"),
        ("a message that is no array", start + b"\x44abcd", "shape"),
        ("an empty message", start + b"\x80", "length"),
        ("a short author", b"\x84\x47" + NORTH.author[:7] + hour + b"\x01" + post, "shape"),
        ("class 4", b"\x84" + author + hour + b"\x04" + post, "shape"),
        ("class true", b"\x84" + author + hour + b"\xf5" + post, "shape"),
        ("the year 2101", b"\x84" + author + b"\x1a\x00\x0a\x00\x00" + b"\x01" + post, "hour"),
        (
            "text that is not UTF-8",
            start + b"\x81\x62\xff\xfe",
            "cbor",
        ),
    ]
    cases = []
    for name, wire, reason in made:
        is_whole = not wire or wire.endswith(signature)
        whole = wire if is_whole else wire + signature
        cases.append({"name": name, "wire": whole.hex(), "reason": reason})
    return cases


FILES = {
    "messages.json": message_cases,
    "bundles.json": bundle_cases,
    "frames.json": frame_cases,
    "handshake.json": handshake_case,
    "refused.json": refused_cases,
    **air.FILES,
}


def text_of(name: str) -> str:
    """What the file of this name should hold."""
    return json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file_name in FILES:
        (HERE / file_name).write_text(text_of(file_name))
