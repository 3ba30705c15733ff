"""Bundles: sealed, refused, in files, and which of them are live (PROTOCOL.md §4, §6, §7, §11)."""

from __future__ import annotations

from sync import bundle, carried, message
from sync.bundle import BundleClass
from sync.signing import Identity, digest
from tests.vectors.camps import CLOSED, HOUR, NORTH, SOUTH
from tests.vectors.messages import MESSAGES


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
        (
            "too deep, an empty array innermost",
            start + b"\x82\x58\x20" + bytes(32) + b"\x81\x81\x81\x80",
            "cbor",
        ),
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


def live_cases() -> list[dict[str, object]]:
    """Bundles that a node carries, and the ids of those that are live at several hours, in order of id.

    Computed here as §6.1 says it, by looking at all bundles; the code keeps windows as they come.
    """
    north, south = NORTH.author, SOUTH.author
    post, chat = BundleClass.POST, BundleClass.CHAT
    edges = [
        (north, HOUR - life + late, class_) for class_, life in bundle.LIFE_HOURS.items() for late in (0, 1)
    ]
    crowd = [(north, 7_690 + n // 5, post) for n in range(41)]
    crowd += [(north, 7_700 + n // 4, chat) for n in range(40)]
    crowd += [(south, 7_690 + n, post) for n in range(3)]
    made = [
        ("dead since this hour, and one hour younger", edges, (HOUR,)),
        ("sealed ahead of the hour", [(north, HOUR + n, post) for n in range(4)], (HOUR, HOUR + 1)),
        (
            "41 posts and 40 chats of one camp, and three of another",
            crowd,
            (7_702, 7_709, 7_713, 7_718, 7_766),
        ),
    ]
    cases: list[dict[str, object]] = []
    for name, sealed, hours in made:
        held = [
            (author, hour, digest(f"{name} {n}".encode(), bundle.BUNDLE_ID_BYTES), class_)
            for n, (author, hour, class_) in enumerate(sealed)
        ]
        cases.append(
            {
                "name": name,
                "bundles": [
                    {"author": author.hex(), "hour": hour, "id": id_.hex(), "class": int(class_)}
                    for author, hour, id_, class_ in held
                ],
                "at": [{"hour": now, "live": _live(held, now)} for now in hours],
            }
        )
    return cases


def _live(held: list[tuple[bytes, int, bytes, BundleClass]], now: int) -> list[str]:
    live: list[bytes] = []
    for who in {author for author, *_ in held}:
        alive = [
            (hour, id_)
            for author, hour, id_, class_ in held
            if author == who and hour <= now + 1 and now < hour + bundle.LIFE_HOURS[class_]
        ]
        live += [id_ for _, id_ in sorted(alive)[-64:]]
    return [id_.hex() for id_ in sorted(live)]


def export_cases() -> list[dict[str, object]]:
    """Files of bundles, whole and torn, and what is found in them."""
    post = _record(NORTH, BundleClass.POST, "a plain post")
    chat = _record(SOUTH, BundleClass.CHAT, "a nickname")
    first, second = (carried.encode_record(who.key, sealed.wire) for who, sealed in (post, chat))
    head = carried.HEAD
    made = [
        ("a whole file", head + first + second, [post, chat], False),
        ("the head alone", head, [], False),
        ("the first record cut at 50 bytes", head + first[:50] + second, [chat], True),
        ("the last record cut at 50 bytes", head + first + second[:50], [post], True),
        ("three bytes between the records", head + first + b"\x82\x58\x00" + second, [post, chat], True),
        ("another version", head[:-1] + b"\x02" + first + second, [post, chat], True),
        ("no head", first + second, [post, chat], True),
    ]
    cases: list[dict[str, object]] = [
        {
            "name": name,
            "bytes": data.hex(),
            "records": [
                {
                    "key": who.key.hex(),
                    "wire": sealed.wire.hex(),
                    "id": sealed.id(who.key, who.network).hex(),
                }
                for who, sealed in records
            ],
            "torn": torn,
        }
        for name, data, records, torn in made
    ]
    for name, data in (
        ("neither head nor record", b"Dear all, the files are on the other stick."),
        ("nothing", b""),
        ("a record cut short and no head", first[:50]),
    ):
        cases.append({"name": name, "bytes": data.hex(), "refused": True})
    return cases


def _record(who: Identity, class_: BundleClass, name: str) -> tuple[Identity, bundle.Bundle]:
    return who, bundle.seal(who, HOUR, class_, [message.encode(MESSAGES[name])])
