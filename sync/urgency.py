"""How urgent a frame is, for a radio with a queue of its own (PROTOCOL.md §18.3).

A link carries bytes. One whose radio sorts what waits must be told what may pass what, and the frame itself
says it: the bundle in it names its class.
"""

from __future__ import annotations

from enum import IntEnum

from sync import bundle
from sync.air_frames import AirFrameType
from sync.bundle import BundleClass
from sync.frames import HEAD_BYTES, FrameType
from sync.reject import Reject
from sync.signing import KEY_BYTES

# Where the bundle begins in a frame that carries a whole one.
_BUNDLE_AT: dict[int, int] = {
    FrameType.BUNDLE: HEAD_BYTES,
    FrameType.BUNDLE_WITH_KEY: HEAD_BYTES + KEY_BYTES,
    AirFrameType.ANSWER: HEAD_BYTES,
}
# What carries content: a bundle, or a piece of one, or of several.
_CONTENT = frozenset((*_BUNDLE_AT, AirFrameType.SYMBOL, AirFrameType.PARCEL))


class Urgency(IntEnum):
    """What may pass what; the first is the most urgent."""

    ALERT = 0
    CONTROL = 1  # small, and others wait for it
    CONTENT = 2


def urgency_of(frame: bytes) -> Urgency:
    """How urgent one of our own frames is. A piece of a block does not tell whose piece it is."""
    kind = frame[0] & 0x0F if frame else FrameType.BUNDLE
    if kind not in _CONTENT:
        return Urgency.CONTROL
    starts_at = _BUNDLE_AT.get(kind)
    return Urgency.ALERT if starts_at is not None and _is_alert(frame[starts_at:]) else Urgency.CONTENT


def is_alert(frame: bytes) -> bool:
    """Whether this frame passes others."""
    return urgency_of(frame) is Urgency.ALERT


def _is_alert(wire: bytes) -> bool:
    try:
        return bundle.decode(wire).class_ is BundleClass.ALERT
    except Reject:
        return False
