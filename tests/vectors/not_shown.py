"""Messages that are carried and not shown, with the reason, and odd ones that are shown (PROTOCOL.md §5.1).

The first fault in the order of "Reading" is the reason. All are stated by North in a bundle of one hour.
"""

from __future__ import annotations

from sync import cbor
from tests.vectors.camps import HOUR, NORTH, NOW_S

STAMP = NOW_S % (1 << 24) * 256
BODY = b"\x00water at gate 4"
TEXT = "water at gate 4"
PARENT = bytes(range(1, 9))

Fields = list[cbor.Value]

NOT_SHOWN: list[tuple[str, Fields, str]] = [
    ("one field", [0], "shape"),
    ("two fields", [0, STAMP], "shape"),
    ("a kind of -1", [-1, STAMP, BODY], "shape"),
    ("the kind false", [False, STAMP, BODY], "shape"),
    ("a stamp of -1", [0, -1, BODY], "shape"),
    ("a stamp of 2^32", [0, 1 << 32, BODY], "shape"),
    ("a body that is text", [0, STAMP, TEXT], "shape"),
    ("a nickname that is bytes", [0, STAMP, BODY, 0, b"Ana"], "shape"),
    ("a role that is text", [0, STAMP, BODY, 0, "", "camper"], "shape"),
    ("a parent of 7 bytes", [0, STAMP, BODY, 0, "", 0, PARENT[:7]], "shape"),
    ("a parent that is null", [0, STAMP, BODY, 0, "", 0, None], "shape"),
    ("a reference of 513 bytes", [0, STAMP, BODY, 0, "", 0, b"", bytes(513)], "shape"),
    ("kind 77", [77, STAMP, BODY], "kind"),
    ("kind 77 with a parent of 7 bytes", [77, STAMP, BODY, 0, "", 0, PARENT[:7]], "shape"),
    ("kind 77 with a bell in the nickname", [77, STAMP, BODY, 0, "A\x07"], "kind"),
    ("a nickname of 49 bytes", [0, STAMP, BODY, 0, "n" * 49], "text"),
    ("a nickname of two lines", [0, STAMP, BODY, 0, "Ana\nBea"], "text"),
    ("a nickname that turns the direction", [0, STAMP, BODY, 0, "\u202eanA"], "text"),
    ("a long nickname in channel 3", [0, STAMP, BODY, 3, "n" * 49], "text"),
    ("channel 3", [0, STAMP, BODY, 3], "shape"),
    ("channel -1", [0, STAMP, BODY, -1], "shape"),
    ("the channel null", [0, STAMP, BODY, None], "shape"),
    ("general as a text", [0, STAMP, BODY, "general"], "shape"),
    ("the channel here", [0, STAMP, BODY, "here"], "shape"),
    ("the channel here, a body of codec 3", [0, STAMP, b"\x03ok", "here"], "shape"),
    ("a channel in capitals", [0, STAMP, BODY, "Upper"], "text"),
    ("a channel without a name", [0, STAMP, BODY, ""], "text"),
    ("a channel with two hyphens", [0, STAMP, BODY, "a--b"], "text"),
    ("a channel of 33 bytes", [0, STAMP, BODY, "c" * 33], "text"),
    ("a body of codec 3", [0, STAMP, b"\x03ok"], "codec"),
    ("a body that cannot be inflated", [0, STAMP, b"\x01\x07"], "codec"),
    ("a bell", [0, STAMP, b"\x00ring \x07"], "text"),
    ("a tab", [0, STAMP, b"\x00one\ttwo"], "text"),
    ("a text that is no UTF-8", [0, STAMP, b"\x00\xff"], "text"),
    ("a card of three texts", [4, STAMP, b"\x00\x83aaabac", 0, "", 0, b"", NORTH.key], "shape"),
    (
        "a card with a name of 49 bytes",
        [4, STAMP, b"\x00" + cbor.encode(["n" * 49, "", "", "", 0]), 0, "", 0, b"", NORTH.key],
        "text",
    ),
    ("a registration of 511 bytes", [11, STAMP, bytes(512), 0, "", 0, b"", b"list"], "shape"),
    ("a registration of 513 bytes", [11, STAMP, bytes(514), 0, "", 0, b"", b"list"], "shape"),
    ("a registration for a list of 3 bytes", [11, STAMP, bytes(513), 0, "", 0, b"", b"lis"], "shape"),
    ("a registration without a box", [11, STAMP, b"", 0, "", 0, b"", b"list"], "shape"),
    ("a withdrawal of another box", [11, STAMP, bytes(513), 0, "", 0, b"", b"list" + bytes(8)], "shape"),
    ("a withdrawal of half an id", [11, STAMP, b"", 0, "", 0, b"", b"list" + bytes(4)], "shape"),
    (
        "a refusal of two lines",
        [12, STAMP, b"\x00no\nnot", 0, "", 0, b"", bytes(8) + b"\x03"],
        "text",
    ),
    (
        "a refusal of 201 bytes",
        [12, STAMP, b"\x00" + b"n" * 201, 0, "", 0, b"", bytes(8) + b"\x03"],
        "text",
    ),
    ("a group about a number", [7, STAMP, b"\x00\x81\x07", "soup"], "shape"),
    ("a group with 201 bytes", [7, STAMP, b"\x00" + cbor.encode(["a" * 201]), "soup"], "text"),
]

SHOWN: list[tuple[str, Fields, dict[str, object]]] = [
    ("defaults written out", [0, STAMP, BODY, 0, "", 0, b"", b""], {}),
    ("role 6", [0, STAMP, BODY, 0, "", 6], {}),
    ("role 5 in announcements", [0, STAMP, BODY, 1, "", 5], {"channel": "announcements", "role": 5}),
    (
        "fields behind the reference",
        [0, STAMP, BODY, 0, "Ana", 0, b"", b"", [1, [2]], None],
        {"nickname": "Ana"},
    ),
    ("no body", [0, STAMP, b""], {"text": ""}),
    ("a body of a codec byte alone", [0, STAMP, b"\x00"], {"text": ""}),
    ("a line feed", [0, STAMP, b"\x00one\ntwo"], {"text": "one\ntwo"}),
    ("a nickname of 48 bytes", [0, STAMP, BODY, 0, "é" * 24], {"nickname": "é" * 24}),
    ("a channel of 32 bytes", [0, STAMP, BODY, "c" * 32], {"channel": "c" * 32}),
    ("a channel in Devanagari", [0, STAMP, BODY, "हिन्दी-2"], {"channel": "हिन्दी-2"}),
    ("a reply with a reference", [0, STAMP, BODY, 0, "", 0, PARENT, b"?"], {"parent": PARENT.hex()}),
]


def cases() -> list[dict[str, object]]:
    """Bytes and hour of messages, and the reason or the fields."""
    made: list[dict[str, object]] = [
        {"name": name, "bytes": cbor.encode(fields).hex(), "hour": HOUR, "reason": reason}
        for name, fields, reason in NOT_SHOWN
    ]
    plain = {"second": NOW_S, "salt": 0, "text": TEXT, "channel": "general", "nickname": "", "role": 0}
    for name, fields, other in SHOWN:
        made.append(
            {
                "name": name,
                "bytes": cbor.encode(fields).hex(),
                "hour": HOUR,
                "shown": {**plain, "parent": "", **other},
            }
        )
    return made
