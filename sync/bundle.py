"""A bundle: up to eight messages of one camp under one signature (PROTOCOL.md §4).

The bundle is the only thing that is requested, coded, stored and relayed, whole or nothing. Its
signed bytes are its stored bytes are its sent bytes: nobody encodes or compresses it a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from sync import cbor
from sync.reject import Reason, Reject
from sync.signing import AUTHOR_BYTES, SIGNATURE_BYTES, Identity, Network, digest, verify

BundleId = bytes
BUNDLE_ID_BYTES = 16
MESSAGES_MAX = 8

# Hours are counted from 2026-01-01T00:00Z, so that they fit two bytes until the middle of 2033.
EPOCH_S = 1_767_225_600
HOUR_S = 3_600
# 2099 and a bit. A bundle from behind it is a broken clock or an attack, whatever our own clock says.
HOUR_MAX = 650_000

# 24 frames of 188 useful bytes: the longest generation a radio link codes (PROTOCOL.md §4.4).
RADIO_BUNDLE_BYTES_MAX = 4_500
# History and files go by cable and stick; one WebSocket frame carries one such bundle.
BULK_BUNDLE_BYTES_MAX = 32_768
# One author, one hour, one class, one empty message, one signature.
BUNDLE_BYTES_MIN = 1 + (1 + AUTHOR_BYTES) + 1 + 1 + 4 + SIGNATURE_BYTES


class BundleClass(IntEnum):
    """How fast a bundle travels and how long it lives."""

    ALERT = 0
    POST = 1
    CHAT = 2
    BULK = 3


# Hours of life by class (DESIGN of the live set; PROTOCOL.md §6). An alert of yesterday frightens for
# nothing; chat is stale after half a day; three days bridge a weekend without power.
LIFE_HOURS = {BundleClass.ALERT: 24, BundleClass.POST: 72, BundleClass.CHAT: 12, BundleClass.BULK: 72}
# Dead for so long, a bundle is still compared by cable. Ids of deleted ones are remembered for 48 hours; an
# hour for the sweep and one for clocks, or a bundle that one camp deleted would come back from the next for
# ever.
HISTORY_HOURS = 46
# Clocks of two camps may stand on two sides of a full hour.
HOURS_AHEAD_MAX = 1
# Newest bundles of one author that are live; what is older must not crowd out other camps.
WINDOW_BUNDLES = 64

# One bit a class: what a node or a link takes part in.
MASK_RADIO = 0b0111
MASK_ALL = 0b1111


@dataclass(frozen=True, slots=True)
class Bundle:
    """The envelope. Whether its messages can be read is not its business."""

    author: bytes
    hour: int
    class_: BundleClass
    messages: tuple[bytes, ...]
    signed: bytes
    signature: bytes

    @property
    def wire(self) -> bytes:
        """The bytes that are stored and sent."""
        return self.signed + self.signature

    def id(self, key: bytes, network: Network) -> BundleId:
        """The 16-byte id under the author's public key."""
        return digest(network.bundle_input(key, self.signed), BUNDLE_ID_BYTES)

    def verifies(self, key: bytes, network: Network) -> bool:
        """Whether the holder of `key` signed this in `network`."""
        return verify(key, network.bundle_input(key, self.signed), self.signature)


def seal(identity: Identity, hour: int, class_: BundleClass, messages: Sequence[bytes]) -> Bundle:
    """Sign encoded messages as one bundle. Raises ValueError when they do not fit one."""
    if not 0 < len(messages) <= MESSAGES_MAX:
        raise ValueError(f"a bundle holds 1 to {MESSAGES_MAX} messages, not {len(messages)}")
    items: list[cbor.Value] = [cbor.decode(message) for message in messages]
    signed = cbor.encode([identity.author, hour, int(class_), *items])
    if len(signed) + SIGNATURE_BYTES > bytes_max(class_):
        raise ValueError(f"the messages do not fit a bundle of class {class_}")
    return Bundle(identity.author, hour, class_, tuple(messages), signed, identity.sign_bundle(signed))


def decode(wire: bytes) -> Bundle:
    """The envelope in `wire`, not yet verified. Raises Reject: LENGTH, CBOR, ENCODING, SHAPE, HOUR."""
    if not BUNDLE_BYTES_MIN <= len(wire) <= BULK_BUNDLE_BYTES_MAX:
        raise Reject(Reason.LENGTH)
    signed = wire[:-SIGNATURE_BYTES]
    fields = cbor.decode(signed)
    if not isinstance(fields, list) or not 4 <= len(fields) <= 3 + MESSAGES_MAX:
        raise Reject(Reason.SHAPE)
    author, hour, class_ = fields[:3]
    if not isinstance(author, bytes) or len(author) != AUTHOR_BYTES:
        raise Reject(Reason.SHAPE)
    if type(hour) is not int or type(class_) is not int or class_ not in _CLASSES:
        raise Reject(Reason.SHAPE)
    if not 0 <= hour <= HOUR_MAX:
        raise Reject(Reason.HOUR)
    messages = cast("list[list[cbor.Value]]", fields[3:])
    if not all(isinstance(message, list) and message for message in messages):
        raise Reject(Reason.SHAPE)
    if len(wire) > bytes_max(BundleClass(class_)):
        raise Reject(Reason.LENGTH)
    encoded = tuple(cbor.encode(message) for message in messages)
    return Bundle(author, hour, BundleClass(class_), encoded, signed, wire[-SIGNATURE_BYTES:])


def bytes_max(class_: BundleClass) -> int:
    """The longest wire form of a bundle of this class, in bytes."""
    return BULK_BUNDLE_BYTES_MAX if class_ == BundleClass.BULK else RADIO_BUNDLE_BYTES_MAX


def hour_of(unix_s: float) -> int:
    """The hour count of a Unix time; 0 for times before 2026."""
    return max(0, int(unix_s - EPOCH_S) // HOUR_S)


def seconds_of(hour: int) -> int:
    """The Unix second at which an hour begins."""
    return EPOCH_S + hour * HOUR_S


def is_alive(hour: int, class_: BundleClass, now_hour: int) -> bool:
    """Whether a bundle sealed in `hour` is inside its life at `now_hour`."""
    return hour in alive_hours(class_, now_hour)


def alive_hours(class_: BundleClass, now_hour: int) -> range:
    """The hours of sealing whose bundles are inside their life at `now_hour`."""
    return range(now_hour - LIFE_HOURS[class_] + 1, now_hour + HOURS_AHEAD_MAX + 1)


_CLASSES = frozenset(BundleClass)
