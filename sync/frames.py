"""Frames: what one link carries at a time (PROTOCOL.md §8).

Four bytes of head, then a bundle, or a key and a bundle, or a control array. The head names the
sender by the first bytes of its author id; link addresses are never used.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sync import cbor
from sync.bundle import BUNDLE_ID_BYTES, HOUR_MAX, BundleId
from sync.reject import Reason, Reject
from sync.signing import AUTHOR_BYTES, KEY_BYTES, Network

FRAME_VERSION = 1
HEAD_BYTES = 4
SENDER_BYTES = 2
# What Meshtastic firmware takes in a private-port packet without a later, asynchronous refusal.
RADIO_FRAME_BYTES_MAX = 226

# A list, an answer or a request of one frame. 2,048 ids are 32 KiB: 32 camps with full windows.
IDS_MAX = 2_048
AUTHORS_MAX = 64
KEYS_MAX = 64


class FrameType(IntEnum):
    """The low half of the first byte. 2 to 9 belong to broadcast links (`air_frames`)."""

    BUNDLE = 0
    BUNDLE_WITH_KEY = 1
    LIST = 10
    ASK = 11
    GOT = 12
    ASK_KEYS = 13
    KEYS = 14


@dataclass(frozen=True, slots=True)
class BundleFrame:
    """A bundle, with its author's key where the hearer may lack it."""

    wire: bytes
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class ListFrame:
    """Every live bundle id of the sender with first <= id <= last, at its hour and for these classes."""

    hour: int
    mask: int
    first: BundleId
    last: BundleId
    ids: tuple[BundleId, ...]


@dataclass(frozen=True, slots=True)
class AskFrame:
    """Please send these bundles."""

    ids: tuple[BundleId, ...]


@dataclass(frozen=True, slots=True)
class GotFrame:
    """I hold these bundles now."""

    ids: tuple[BundleId, ...]


@dataclass(frozen=True, slots=True)
class AskKeysFrame:
    """Please send the keys of these authors."""

    authors: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class KeysFrame:
    """Public keys. Each proves itself by the bundles it verifies."""

    keys: tuple[bytes, ...]


Frame = BundleFrame | ListFrame | AskFrame | GotFrame | AskKeysFrame | KeysFrame


def encode(frame: Frame, network: Network, author: bytes) -> bytes:
    """The bytes of a frame sent by the camp with this author id."""
    match frame:
        case BundleFrame(wire, key):
            if key is None:
                return _head(FrameType.BUNDLE, network, author) + wire
            return _head(FrameType.BUNDLE_WITH_KEY, network, author) + key + wire
        case ListFrame(hour, mask, first, last, ids):
            fields: list[cbor.Value] = [hour, mask, first, last, b"".join(ids)]
            return _head(FrameType.LIST, network, author) + cbor.encode(fields)
        case AskFrame(ids):
            return _head(FrameType.ASK, network, author) + cbor.encode([b"".join(ids)])
        case GotFrame(ids):
            return _head(FrameType.GOT, network, author) + cbor.encode([b"".join(ids)])
        case AskKeysFrame(authors):
            return _head(FrameType.ASK_KEYS, network, author) + cbor.encode([b"".join(authors)])
        case KeysFrame(keys):
            return _head(FrameType.KEYS, network, author) + cbor.encode([b"".join(keys)])


def decode(data: bytes, network: Network) -> tuple[bytes, Frame]:
    """The sender's two bytes and the frame. Raises Reject: FRAME, VERSION, NETWORK, CBOR, ENCODING."""
    check_head(data, network)
    sender, payload = data[2:HEAD_BYTES], data[HEAD_BYTES:]
    match data[0] & 0x0F:
        case FrameType.BUNDLE:
            return sender, BundleFrame(payload)
        case FrameType.BUNDLE_WITH_KEY:
            return sender, BundleFrame(payload[KEY_BYTES:], payload[:KEY_BYTES])
        case FrameType.LIST:
            return sender, _decode_list(payload)
        case FrameType.ASK:
            return sender, AskFrame(_one_string(payload, BUNDLE_ID_BYTES, IDS_MAX))
        case FrameType.GOT:
            return sender, GotFrame(_one_string(payload, BUNDLE_ID_BYTES, IDS_MAX))
        case FrameType.ASK_KEYS:
            return sender, AskKeysFrame(_one_string(payload, AUTHOR_BYTES, AUTHORS_MAX))
        case FrameType.KEYS:
            return sender, KeysFrame(_one_string(payload, KEY_BYTES, KEYS_MAX))
        case _:
            raise Reject(Reason.FRAME)


def check_head(data: bytes, network: Network) -> None:
    """Raise Reject (FRAME, VERSION, NETWORK) for what is no frame of this version and network."""
    if len(data) <= HEAD_BYTES:
        raise Reject(Reason.FRAME)
    if data[0] >> 4 != FRAME_VERSION:
        raise Reject(Reason.VERSION)
    if data[1] != network.tag(FRAME_VERSION):
        raise Reject(Reason.NETWORK)


def _head(kind: FrameType, network: Network, author: bytes) -> bytes:
    return bytes([FRAME_VERSION << 4 | kind, network.tag(FRAME_VERSION)]) + author[:SENDER_BYTES]


def _decode_list(payload: bytes) -> ListFrame:
    fields = cbor.decode(payload)
    if not isinstance(fields, list) or len(fields) < 5:
        raise Reject(Reason.FRAME)
    hour, mask, first, last, ids = fields[:5]
    if type(hour) is not int or type(mask) is not int:
        raise Reject(Reason.FRAME)
    if not (isinstance(first, bytes) and isinstance(last, bytes) and isinstance(ids, bytes)):
        raise Reject(Reason.FRAME)
    if not 0 <= hour <= HOUR_MAX or not 0 <= mask <= 0xFF:
        raise Reject(Reason.FRAME)
    if len(first) != BUNDLE_ID_BYTES or len(last) != BUNDLE_ID_BYTES:
        raise Reject(Reason.FRAME)
    return ListFrame(hour, mask, first, last, _split(ids, BUNDLE_ID_BYTES, IDS_MAX))


def _one_string(payload: bytes, width: int, most: int) -> tuple[bytes, ...]:
    fields = cbor.decode(payload)
    if not isinstance(fields, list) or not fields or not isinstance(fields[0], bytes):
        raise Reject(Reason.FRAME)
    return _split(fields[0], width, most)


def _split(joined: bytes, width: int, most: int) -> tuple[bytes, ...]:
    if len(joined) % width or len(joined) > width * most:
        raise Reject(Reason.FRAME)
    return tuple(joined[start : start + width] for start in range(0, len(joined), width))
