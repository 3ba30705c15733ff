"""Frames: what one link carries at a time (PROTOCOL.md §8).

Four bytes of head, then a bundle, or a key and a bundle, or a control array. The head names the
sender by the first bytes of its author id; link addresses are never used.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sync import cbor, level_frames
from sync.bundle import BUNDLE_ID_BYTES, BundleId
from sync.level_frames import LevelFrame
from sync.reject import Reason, Reject
from sync.signing import AUTHOR_BYTES, KEY_BYTES, Network

FRAME_VERSION = 1
HEAD_BYTES = 4
SENDER_BYTES = 2
# What Meshtastic firmware takes in a private-port packet without a later, asynchronous refusal.
RADIO_FRAME_BYTES_MAX = 226

# An announcement or a request of one frame. 2,048 ids are 32 KiB: 32 camps with full windows.
IDS_MAX = 2_048
AUTHORS_MAX = 64
KEYS_MAX = 64


class FrameType(IntEnum):
    """The low half of the first byte. 2 to 9 belong to broadcast links (`air_frames`)."""

    BUNDLE = 0
    BUNDLE_WITH_KEY = 1
    LEVEL = 10
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


Frame = BundleFrame | LevelFrame | AskFrame | GotFrame | AskKeysFrame | KeysFrame


def encode(frame: Frame, network: Network, author: bytes) -> bytes:
    """The bytes of a frame sent by the camp with this author id."""
    match frame:
        case BundleFrame(wire, key):
            if key is None:
                return _head(FrameType.BUNDLE, network, author) + wire
            return _head(FrameType.BUNDLE_WITH_KEY, network, author) + key + wire
        case AskFrame(ids):
            return _head(FrameType.ASK, network, author) + cbor.encode([b"".join(ids)])
        case GotFrame(ids):
            return _head(FrameType.GOT, network, author) + cbor.encode([b"".join(ids)])
        case AskKeysFrame(authors):
            return _head(FrameType.ASK_KEYS, network, author) + cbor.encode([b"".join(authors)])
        case KeysFrame(keys):
            return _head(FrameType.KEYS, network, author) + cbor.encode([b"".join(keys)])
        case _:
            return _head(FrameType.LEVEL, network, author) + level_frames.encode(frame)


def decode(data: bytes, network: Network) -> tuple[bytes, Frame]:
    """The sender's two bytes and the frame. Raises Reject: FRAME, VERSION, NETWORK, CBOR, ENCODING."""
    check_head(data, network)
    sender, payload = data[2:HEAD_BYTES], data[HEAD_BYTES:]
    match data[0] & 0x0F:
        case FrameType.BUNDLE:
            return sender, BundleFrame(payload)
        case FrameType.BUNDLE_WITH_KEY:
            return sender, BundleFrame(payload[KEY_BYTES:], payload[:KEY_BYTES])
        case FrameType.LEVEL:
            return sender, level_frames.decode(payload)
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


def _one_string(payload: bytes, width: int, most: int) -> tuple[bytes, ...]:
    fields = cbor.decode(payload)
    if not isinstance(fields, list) or not fields or not isinstance(fields[0], bytes):
        raise Reject(Reason.FRAME)
    return _split(fields[0], width, most)


def _split(joined: bytes, width: int, most: int) -> tuple[bytes, ...]:
    if len(joined) % width or len(joined) > width * most:
        raise Reject(Reason.FRAME)
    return tuple(joined[start : start + width] for start in range(0, len(joined), width))
