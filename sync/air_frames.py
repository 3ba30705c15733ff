"""Frames of the air: beacons, sketches, and what repairs a loss (PROTOCOL.md §14).

They are for links that everybody in earshot hears. None but JOIN is signed, so each is checked for all
that can be checked without a key, costs what its few bytes cost, and decides only what is worth
sending. Fixed fields lie in one byte string; a later version may put more behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from sync import cbor, frames
from sync.bundle import BUNDLE_BYTES_MIN, HOUR_MAX, RADIO_BUNDLE_BYTES_MAX
from sync.coding import SYMBOLS_MAX, Shape
from sync.frames import FRAME_VERSION, HEAD_BYTES, RADIO_FRAME_BYTES_MAX, SENDER_BYTES, Frame
from sync.padding import unpad
from sync.reject import Reason, Reject
from sync.signing import AUTHOR_BYTES, KEY_BYTES, SIGNATURE_BYTES, Network
from sync.sketch import (
    BEACON_SYNDROMES,
    NONCE_BYTES,
    PART_MAX,
    SALT_SENDER_BYTES,
    SKETCH_SYNDROMES,
    SYNDROME_BYTES,
    WHOLE,
    Salt,
)

COUNT_MAX = 0xFFFF  # a camp that holds more says so many
MASK_BITS = 4
# More camps than one channel carries; what a beacon of ours names is `earshot.NAMED_MAX`.
HEARS_MAX = 64
# Two are one difference and the check that there are no more.
SYNDROMES_MIN = 2
# A polynomial asks for no more than a sketch can tell.
WANT_DEGREE_MAX = SKETCH_SYNDROMES
# Symbols of two blocks whose ids begin alike get mixed up. To make a bundle whose id begins like that of
# one among 10,000 takes 2^51 hashes.
GENERATION_BYTES = 8
# A parcel lives for minutes. That two of 64 under way begin alike has a chance of 2^-21, and who makes one
# like another's spoils it no more than a forged symbol does.
PARCEL_GENERATION_BYTES = 4

_LONG_HEAD_BYTES = 2 + SALT_SENDER_BYTES
_HOUR_AND_MASK_BYTES = 3  # 20 bits of hour, 4 of mask
_HOUR_BYTES = 3
_COUNT_BYTES = 2
_PART_BYTES = 2
_LENGTH_BYTES = 2
_BEACON_BYTES = _HOUR_AND_MASK_BYTES + NONCE_BYTES + _COUNT_BYTES
_SKETCH_BYTES = _BEACON_BYTES + _PART_BYTES
_WANT_BYTES = NONCE_BYTES + SALT_SENDER_BYTES + _HOUR_BYTES
_SYMBOL_BYTES = GENERATION_BYTES + 1 + 1 + _LENGTH_BYTES
_PARCEL_BYTES = PARCEL_GENERATION_BYTES + 1 + 1 + _LENGTH_BYTES
_JOIN_BYTES = AUTHOR_BYTES + SALT_SENDER_BYTES + _HOUR_BYTES + SIGNATURE_BYTES
# Array and string heads, of which a string of 24 to 255 bytes has two.
_WRAPPING_BYTES = 1 + 2
# What of a bundle fits a frame with its symbol's fields.
SYMBOL_BYTES_MAX = RADIO_FRAME_BYTES_MAX - HEAD_BYTES - _WRAPPING_BYTES - _SYMBOL_BYTES
# What of a parcel does: nothing is wrapped round it.
PARCEL_SYMBOL_BYTES_MAX = RADIO_FRAME_BYTES_MAX - HEAD_BYTES - _PARCEL_BYTES
# One block of the most symbols: what a repair may cost before anybody can say that it went wrong.
PARCEL_BYTES_MAX = SYMBOLS_MAX * PARCEL_SYMBOL_BYTES_MAX


class AirFrameType(IntEnum):
    """The low half of the first byte, beside those of `frames.FrameType`."""

    BEACON = 2
    SKETCH = 3
    WANT = 4
    NEED = 5
    SYMBOL = 6
    JOIN = 7
    PARCEL = 8
    ANSWER = 9


@dataclass(frozen=True, slots=True)
class BeaconFrame:
    """A sketch of 8 syndromes of all that is live at the sender: silence means we are level."""

    salt: Salt
    mask: int
    count: int  # live bundles, or 65,535 if there are more
    syndromes: bytes
    hears: tuple[bytes, ...] = ()  # the camps in the sender's earshot, two bytes each


@dataclass(frozen=True, slots=True)
class SketchFrame:
    """The same for more differences, of all that is live or of one part."""

    salt: Salt
    mask: int
    count: int  # in this part
    part: int
    syndromes: bytes
    asked: bytes = (
        b""  # the first 4 bytes of the author id of who shall send what the sender lacks; or nobody
    )


@dataclass(frozen=True, slots=True)
class WantFrame:
    """Please send what you hold and whose short id is a zero of this polynomial.

    Without coefficients: the sketch of this part told too little, please send a longer one, or one of
    half the part.
    """

    salt: Salt
    want: bytes
    part: int = WHOLE


@dataclass(frozen=True, slots=True)
class NeedFrame:
    """Feedback on a block or a parcel: this many more symbols, no matter which, and I can rebuild it."""

    generation: bytes  # 8 bytes of a block, 4 of a parcel
    missing: int


@dataclass(frozen=True, slots=True)
class SymbolFrame:
    """One symbol of a block (`coding.symbol`)."""

    generation: bytes  # the first 8 bytes of the bundle id
    shape: Shape
    index: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ParcelFrame:
    """One symbol of a parcel: several bundles that somebody asked for, as one block (`parcels`)."""

    generation: bytes  # the first 4 bytes of the parcel's BLAKE2b
    shape: Shape
    index: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AnswerFrame:
    """One bundle that somebody asked for, and that is therefore not relayed where it was heard."""

    wire: bytes


@dataclass(frozen=True, slots=True)
class JoinFrame:
    """A camp's signed word that it lacks more than 64 bundles and asks this other camp for them."""

    author: bytes  # who signs
    asked: bytes  # the first 4 bytes of the author id of whom he asks
    hour: int
    signature: bytes  # 64 bytes over Network.join_input


AirFrame = (
    BeaconFrame | SketchFrame | WantFrame | NeedFrame | SymbolFrame | JoinFrame | ParcelFrame | AnswerFrame
)


def encode(frame: AirFrame | Frame, network: Network, author: bytes) -> bytes:
    """The bytes of any frame sent by the camp with this author id."""
    match frame:
        case BeaconFrame(salt, mask, count, syndromes, hears):
            fixed = _when(salt.hour, mask) + salt.nonce + _count(count)
            said: list[cbor.Value] = [fixed + syndromes, b"".join(hears)] if hears else [fixed + syndromes]
            return _long_head(AirFrameType.BEACON, network, salt.sender) + cbor.encode(said)
        case SketchFrame(salt, mask, count, part, syndromes, asked):
            fixed = _when(salt.hour, mask) + salt.nonce + _count(count) + part.to_bytes(_PART_BYTES)
            of_sketch: list[cbor.Value] = [fixed + syndromes, asked] if asked else [fixed + syndromes]
            return _long_head(AirFrameType.SKETCH, network, salt.sender) + cbor.encode(of_sketch)
        case WantFrame(salt, want, part):
            fixed = salt.nonce + salt.sender + salt.hour.to_bytes(_HOUR_BYTES)
            fields: list[cbor.Value] = [fixed + want] if part == WHOLE else [fixed + want, part]
            return _head(AirFrameType.WANT, network, author) + cbor.encode(fields)
        case NeedFrame(generation, missing):
            return _head(AirFrameType.NEED, network, author) + cbor.encode([generation, missing])
        case SymbolFrame(generation, shape, index, data):
            fixed = generation + bytes([shape.symbols, index]) + shape.length.to_bytes(_LENGTH_BYTES)
            return _head(AirFrameType.SYMBOL, network, author) + cbor.encode([fixed + data])
        case ParcelFrame(generation, shape, index, data):
            fixed = generation + bytes([shape.symbols, index]) + shape.length.to_bytes(_LENGTH_BYTES)
            return _head(AirFrameType.PARCEL, network, author) + fixed + data
        case AnswerFrame(wire):
            return _head(AirFrameType.ANSWER, network, author) + wire
        case JoinFrame(signer, asked, hour, signature):
            fixed = signer + asked + hour.to_bytes(_HOUR_BYTES)
            return _head(AirFrameType.JOIN, network, author) + cbor.encode([fixed + signature])
        case _:
            return frames.encode(frame, network, author)


def decode(data: bytes, network: Network) -> tuple[bytes, AirFrame | Frame]:
    """The sender's two bytes and the frame, of any type.

    Raises Reject: FRAME, VERSION, NETWORK, CBOR, ENCODING. What a BUNDLE carries is for `bundle.decode`.
    """
    data = unpad(data)
    if len(data) <= HEAD_BYTES or data[0] & 0x0F not in _DECODERS:
        return frames.decode(data, network)
    frames.check_head(data, network)
    return data[2:HEAD_BYTES], _DECODERS[data[0] & 0x0F](data)


# -- decoders, one a frame type ------------------------------------------------------------------------


def _decode_beacon(data: bytes) -> BeaconFrame:
    salt, mask, count, rest = _decode_comparison(data)
    if len(rest) != BEACON_SYNDROMES * SYNDROME_BYTES:
        raise Reject(Reason.FRAME)
    return BeaconFrame(salt, mask, count, rest, _hears(cbor.decode(data[_LONG_HEAD_BYTES:])))


def _hears(fields: cbor.Value) -> tuple[bytes, ...]:
    """Whom the sender of a beacon hears; nobody, when it does not say."""
    if not isinstance(fields, list) or len(fields) < 2:
        return ()
    named = fields[1]
    if not isinstance(named, bytes) or len(named) % SENDER_BYTES or len(named) > HEARS_MAX * SENDER_BYTES:
        raise Reject(Reason.FRAME)
    return tuple(named[start : start + SENDER_BYTES] for start in range(0, len(named), SENDER_BYTES))


def _decode_sketch(data: bytes) -> SketchFrame:
    salt, mask, count, rest = _decode_comparison(data)
    part, syndromes = int.from_bytes(rest[:_PART_BYTES]), rest[_PART_BYTES:]
    whole, left = divmod(len(syndromes), SYNDROME_BYTES)
    if part < WHOLE or left or not SYNDROMES_MIN <= whole <= SKETCH_SYNDROMES:
        raise Reject(Reason.FRAME)
    return SketchFrame(salt, mask, count, part, syndromes, _asked(cbor.decode(data[_LONG_HEAD_BYTES:])))


def _asked(fields: cbor.Value) -> bytes:
    """Of whom the sender of a sketch asks what it lacks; of nobody, when it does not say."""
    if not isinstance(fields, list) or len(fields) < 2:
        return b""
    asked = fields[1]
    if not isinstance(asked, bytes) or len(asked) != SALT_SENDER_BYTES:
        raise Reject(Reason.FRAME)
    return asked


def _decode_comparison(data: bytes) -> tuple[Salt, int, int, bytes]:
    """Salt, mask and count, and what follows them."""
    if len(data) <= _LONG_HEAD_BYTES:
        raise Reject(Reason.FRAME)
    fixed = _first_string(cbor.decode(data[_LONG_HEAD_BYTES:]))
    if len(fixed) < _BEACON_BYTES:
        raise Reject(Reason.FRAME)
    when = int.from_bytes(fixed[:_HOUR_AND_MASK_BYTES])
    hour, mask = when >> MASK_BITS, when & (1 << MASK_BITS) - 1
    nonce = fixed[_HOUR_AND_MASK_BYTES : _HOUR_AND_MASK_BYTES + NONCE_BYTES]
    count = int.from_bytes(fixed[_BEACON_BYTES - _COUNT_BYTES : _BEACON_BYTES])
    return Salt(nonce, _hour(hour), data[2:_LONG_HEAD_BYTES]), mask, count, fixed[_BEACON_BYTES:]


def _decode_want(data: bytes) -> WantFrame:
    fields = cbor.decode(data[HEAD_BYTES:])
    fixed = _first_string(fields)
    if len(fixed) < _WANT_BYTES:
        raise Reject(Reason.FRAME)
    nonce, sender = fixed[:NONCE_BYTES], fixed[NONCE_BYTES : NONCE_BYTES + SALT_SENDER_BYTES]
    hour, want = int.from_bytes(fixed[_WANT_BYTES - _HOUR_BYTES : _WANT_BYTES]), fixed[_WANT_BYTES:]
    if len(want) % SYNDROME_BYTES or len(want) > WANT_DEGREE_MAX * SYNDROME_BYTES:
        raise Reject(Reason.FRAME)
    part = fields[1] if isinstance(fields, list) and len(fields) > 1 else WHOLE
    if type(part) is not int or not WHOLE <= part <= PART_MAX:
        raise Reject(Reason.FRAME)
    return WantFrame(Salt(nonce, _hour(hour), sender), want, part)


def _decode_need(data: bytes) -> NeedFrame:
    fields = cbor.decode(data[HEAD_BYTES:])
    generation = _first_string(fields)
    missing = fields[1] if isinstance(fields, list) and len(fields) > 1 else 0
    if len(generation) not in (GENERATION_BYTES, PARCEL_GENERATION_BYTES):
        raise Reject(Reason.FRAME)
    if type(missing) is not int or not 0 < missing <= SYMBOLS_MAX:
        raise Reject(Reason.FRAME)
    return NeedFrame(generation, missing)


def _decode_symbol(data: bytes) -> SymbolFrame:
    fixed = _first_string(cbor.decode(data[HEAD_BYTES:]))
    if len(fixed) <= _SYMBOL_BYTES:
        raise Reject(Reason.FRAME)
    count, index = fixed[GENERATION_BYTES], fixed[GENERATION_BYTES + 1]
    length = int.from_bytes(fixed[_SYMBOL_BYTES - _LENGTH_BYTES : _SYMBOL_BYTES])
    # One symbol would be a BUNDLE. A key may stand behind the wire form.
    if not 2 <= count <= SYMBOLS_MAX or not BUNDLE_BYTES_MIN <= length <= RADIO_BUNDLE_BYTES_MAX + KEY_BYTES:
        raise Reject(Reason.FRAME)
    shape = Shape(count, length)
    if len(fixed) - _SYMBOL_BYTES != shape.symbol_bytes:
        raise Reject(Reason.FRAME)
    return SymbolFrame(fixed[:GENERATION_BYTES], shape, index, fixed[_SYMBOL_BYTES:])


def _decode_parcel(data: bytes) -> ParcelFrame:
    fixed = data[HEAD_BYTES:]
    if len(fixed) <= _PARCEL_BYTES:
        raise Reject(Reason.FRAME)
    count, index = fixed[PARCEL_GENERATION_BYTES], fixed[PARCEL_GENERATION_BYTES + 1]
    length = int.from_bytes(fixed[_PARCEL_BYTES - _LENGTH_BYTES : _PARCEL_BYTES])
    if not 1 <= count <= SYMBOLS_MAX or not BUNDLE_BYTES_MIN <= length <= PARCEL_BYTES_MAX:
        raise Reject(Reason.FRAME)
    shape = Shape(count, length)
    if len(fixed) - _PARCEL_BYTES != shape.symbol_bytes:
        raise Reject(Reason.FRAME)
    return ParcelFrame(fixed[:PARCEL_GENERATION_BYTES], shape, index, fixed[_PARCEL_BYTES:])


def _decode_answer(data: bytes) -> AnswerFrame:
    return AnswerFrame(data[HEAD_BYTES:])


def _decode_join(data: bytes) -> JoinFrame:
    fixed = _first_string(cbor.decode(data[HEAD_BYTES:]))
    if len(fixed) != _JOIN_BYTES:
        raise Reject(Reason.FRAME)
    author, rest = fixed[:AUTHOR_BYTES], fixed[AUTHOR_BYTES:]
    asked, rest = rest[:SALT_SENDER_BYTES], rest[SALT_SENDER_BYTES:]
    if author[:SENDER_BYTES] != data[2:HEAD_BYTES]:
        raise Reject(Reason.FRAME)
    return JoinFrame(author, asked, _hour(int.from_bytes(rest[:_HOUR_BYTES])), rest[_HOUR_BYTES:])


_DECODERS: dict[int, Callable[[bytes], AirFrame]] = {
    AirFrameType.BEACON: _decode_beacon,
    AirFrameType.SKETCH: _decode_sketch,
    AirFrameType.WANT: _decode_want,
    AirFrameType.NEED: _decode_need,
    AirFrameType.SYMBOL: _decode_symbol,
    AirFrameType.JOIN: _decode_join,
    AirFrameType.PARCEL: _decode_parcel,
    AirFrameType.ANSWER: _decode_answer,
}


def _first_string(fields: cbor.Value) -> bytes:
    if not isinstance(fields, list) or not fields or not isinstance(fields[0], bytes):
        raise Reject(Reason.FRAME)
    return fields[0]


def _hour(hour: int) -> int:
    if hour > HOUR_MAX:
        raise Reject(Reason.FRAME)
    return hour


def _when(hour: int, mask: int) -> bytes:
    return (hour << MASK_BITS | mask).to_bytes(_HOUR_AND_MASK_BYTES)


def _count(count: int) -> bytes:
    return min(count, COUNT_MAX).to_bytes(_COUNT_BYTES)


def _head(kind: AirFrameType, network: Network, author: bytes) -> bytes:
    return bytes([FRAME_VERSION << 4 | kind, network.tag(FRAME_VERSION)]) + author[:SENDER_BYTES]


def _long_head(kind: AirFrameType, network: Network, sender: bytes) -> bytes:
    return bytes([FRAME_VERSION << 4 | kind, network.tag(FRAME_VERSION)]) + sender
