"""A second camp to hear from, and a store to hear it with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync import bundle, cbor, codec, message
from sync.bundle import Bundle, BundleClass, BundleId
from sync.message import Kind, Message, MessageId
from sync.reading import Reader
from sync.signing import Identity
from sync.store import ShownMessage, Store
from sync.views import MessageView, Via

OWN = Identity(b"o" * 32)
NORTH = Identity(b"n" * 32)
SOUTH = Identity(b"s" * 32)
HOUR = 5_000
NOW_S = bundle.seconds_of(HOUR) + 600


def post(text: str, kind: Kind = Kind.POST, second: int = NOW_S, **fields: Any) -> Message:
    return replace(message.compose(Message(kind, second), text), **fields)


def card(camp: Identity, name: str, second: int = NOW_S) -> Message:
    body = codec.pack(cbor.encode([name, "", "en es", "", 0]))
    return Message(Kind.CARD, second, body=body, reference=camp.key)


def read(reader: Reader, message_id: MessageId) -> MessageView:
    found = reader.message(message_id)
    assert found is not None
    return found


def id_of(camp: Identity, said: Message) -> MessageId:
    return message.identify(camp.key, message.encode(said))


def sealed(
    camp: Identity, *said: Message, hour: int = HOUR, class_: BundleClass = BundleClass.POST
) -> tuple[Bundle, BundleId]:
    made = bundle.seal(camp, hour, class_, [message.encode(each) for each in said])
    return made, made.id(camp.key, camp.network)


def hear(
    store: Store,
    camp: Identity,
    *said: Message,
    hour: int = HOUR,
    class_: BundleClass = BundleClass.POST,
    received_s: float = NOW_S + 5.0,
    live: bool = True,
) -> tuple[ShownMessage, ...]:
    made, bundle_id = sealed(camp, *said, hour=hour, class_=class_)
    store.add_key(camp.key, hour)
    return store.add_bundle(made, camp.key, bundle_id, received_s, Via.RADIO, live)


def say(store: Store, said: Message, class_: BundleClass | None = BundleClass.POST) -> MessageId:
    return store.add_own(said, class_, 1.0, said.second + 1.0, b"device")


def seal_waiting(store: Store, hour: int = HOUR) -> BundleId:
    """What the engine does: everything that waits becomes one bundle."""
    waiting = store.waiting()
    made = bundle.seal(OWN, hour, waiting[0].class_, [each.bytes for each in waiting])
    bundle_id = made.id(OWN.key, OWN.network)
    with store.transaction():
        store.add_bundle(made, OWN.key, bundle_id, NOW_S + 60.0, Via.HERE, True)
        store.mark_sealed(bundle_id, [each.id for each in waiting], hour)
    return bundle_id
