"""Messages: their bytes, their bodies packed, and the second that a stamp means (PROTOCOL.md §5).

Bodies are given as bytes, never packed here: another zlib may pack the same text into other bytes.
"""

from __future__ import annotations

from sync import cbor, message
from sync.bundle import seconds_of
from sync.message import STAMP_SECONDS, Kind, Message, Role
from sync.receipts import list_digest
from tests.vectors.camps import HOUR, NORTH, NOW_S, SOUTH
from tests.vectors.joining import LIST_DIGEST, SEALED

LIST = "camps@lists.example.org"

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
    "a card of a camp that posts to a list, an hour ahead of UTC": Message(
        Kind.CARD,
        NOW_S,
        body=b"\x00" + bytes.fromhex("87654e6f7274686065656e2065736001183c44") + list_digest(LIST),
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
    "a receipt for a list": Message(
        Kind.RECEIPT, NOW_S, body=b"\x00" + list_digest(LIST), reference=bytes.fromhex("0102030405060708")
    ),
    "a receipt that says held": Message(
        Kind.RECEIPT,
        NOW_S,
        body=b"\x00" + list_digest(LIST) + b"\x01",
        reference=bytes.fromhex("0102030405060708"),
    ),
    "an echo": Message(Kind.ECHO, NOW_S, reference=bytes.fromhex("01020304")),
    "a registration": Message(Kind.REGISTRATION, NOW_S, body=b"\x00" + SEALED, reference=LIST_DIGEST),
    "a withdrawal": Message(
        Kind.REGISTRATION, NOW_S, reference=LIST_DIGEST + bytes.fromhex("0102030405060708")
    ),
    "a registration was asked for, and another confirmed": Message(
        Kind.REGISTRATION_STATE, NOW_S, reference=bytes.fromhex("010203040506070801 111213141516171802")
    ),
    "a second that wraps": Message(Kind.POST, NOW_S - 8_000_000, body=b"\x00long ago"),
}


# Bodies of codec 1 and 2, with what is in them: a text, or the array of a card or a group.
PACKED: list[tuple[str, Message, object]] = [
    (
        "a post, deflated",
        Message(
            Kind.POST,
            NOW_S,
            body=bytes.fromhex(
                "017384f5dbc135b815b0a805b53060e3fcd0711b58232311b224554fc111a98d0474214413244821abcaf4"
            ),
        ),
        "Assembly moved: 19:30 at the fountain, bring a chair. Asamblea a las 19:30 en la fuente.",
    ),
    (
        "a post, by the model",
        Message(
            Kind.POST,
            NOW_S,
            body=bytes.fromhex("020b378e3ee4b3966c22c33504a8d069a24607169849d0ea9c1fef"),
            nickname="Ana",
        ),
        "Assembly moved: 19:30 at the fountain, bring a chair. Asamblea a las 19:30 en la fuente.",
    ),
    (
        "a new text for a post",
        Message(
            Kind.SUPERSEDE,
            NOW_S,
            body=bytes.fromhex("0201a3a1858db03f4d"),
            parent=bytes.fromhex("0102030405060708"),
        ),
        "water at gate 4",
    ),
    (
        "a card, deflated",
        Message(
            Kind.CARD,
            NOW_S,
            body=bytes.fromhex("016b4df503cd7c640780a724202758838d014643668e03785a442fb5027424592a23"),
            reference=NORTH.key,
        ),
        ["North", "Plaza mayor", "en es", "mail@north.example", 1],
    ),
    (
        "a card, by the model",
        Message(
            Kind.CARD,
            NOW_S,
            body=bytes.fromhex("02072082512ae7f8decaf8bad236932edc3b892365049b0fc2d03fe4c86414229b63c693"),
            reference=NORTH.key,
        ),
        ["North", "Plaza mayor", "en es", "mail@north.example", 1],
    ),
    (
        "a group, by the model",
        Message(
            Kind.GROUP,
            NOW_S,
            body=bytes.fromhex("022fe5e74cc05be98da18d1f3e5212efe1d9129ee1dc5b0204223ac8046d9ca4c8b3bb"),
            channel="cocina-norte",
        ),
        ["Soup, bread and tea for everyone, from noon / Sopa, pan y te para todas"],
    ),
    (
        "a text of 4,000 bytes, deflated",
        Message(Kind.POST, NOW_S, body=bytes.fromhex("01edc13101000000c2a0acf62fb1183ec000000080bb")),
        "a" * 4_000,
    ),
]

# The same one byte longer, and 4,001 bytes that are not packed at all.
TOO_LONG = {
    "a text of 4,001 bytes, deflated": bytes.fromhex("01edc13101000000c2a0acf62fb1183ec000000080bf"),
    "a text of 4,001 bytes, plain": b"\x00" + b"a" * 4_001,
}


def message_cases() -> list[dict[str, object]]:
    """Fields, bytes and ids of messages."""
    return [{"name": name, **_fields(m)} for name, m in MESSAGES.items()]


def packed_cases() -> list[dict[str, object]]:
    """Messages with packed bodies and what is in them, and bodies that are too long."""
    cases: list[dict[str, object]] = [
        {"name": name, **_fields(m), "content": content} for name, m, content in PACKED
    ]
    for name, body in TOO_LONG.items():
        encoded = message.encode(Message(Kind.POST, NOW_S, body=body))
        cases.append({"name": name, "bytes": encoded.hex(), "reason": "codec"})
    return cases


def stamp_cases() -> list[dict[str, object]]:
    """Stamps, an hour of sealing, and the second and salt they mean in it."""
    half = STAMP_SECONDS // 2
    near = seconds_of(HOUR)
    made = [
        ("the beginning of the hour", HOUR, near, 0),
        ("the last second of the hour", HOUR, near + 3_599, 255),
        ("the last second that is read as later", HOUR, near + half - 1, 0),
        ("as far before as behind: the earlier one", HOUR, near - half, 0),
        ("one second nearer", HOUR, near - half + 1, 1),
        ("a stamp of 0", HOUR, (near + half) // STAMP_SECONDS * STAMP_SECONDS, 0),
        ("hour 0, and a second before it", 0, seconds_of(0) - 1, 0),
        ("hour 0, half the circle later", 0, seconds_of(0) + half - 1, 7),
        ("the last hour that a bundle may have", 650_000, seconds_of(650_000) - half, 0),
    ]
    cases = []
    for name, hour, second, salt in made:
        stamp = second % STAMP_SECONDS * 256 + salt
        encoded = cbor.encode([0, stamp, b"\x00ok"])
        cases.append(
            {
                "name": name,
                "bytes": encoded.hex(),
                "hour": hour,
                "stamp": stamp,
                "second": second,
                "salt": salt,
            }
        )
    return cases


def _fields(m: Message) -> dict[str, object]:
    encoded = message.encode(m)
    return {
        "kind": int(m.kind),
        "second": m.second,
        "salt": m.salt,
        "body": m.body.hex(),
        "channel": m.channel,
        "nickname": m.nickname,
        "role": int(m.role),
        "parent": m.parent.hex(),
        "reference": m.reference.hex(),
        "bytes": encoded.hex(),
        "id_under_north": message.identify(NORTH.key, encoded).hex(),
    }
