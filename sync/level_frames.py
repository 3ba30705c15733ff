"""Frames by which the two ends of a cable compare what they hold (PROTOCOL.md §8.4, §12.6).

All of them are of one type, LEVEL; the first element of the array says which step it is. The salt names the
comparison that a frame belongs to, so each can be judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sync import cbor
from sync.bundle import HOUR_MAX
from sync.reject import Reason, Reject
from sync.sketch import NONCE_BYTES, PART_MAX, SALT_SENDER_BYTES, SHORT_ID_BYTES, SYNDROME_BYTES, WHOLE, Salt

# What a frame of 40,960 bytes holds, with room for what a later version adds.
SHORT_IDS_MAX = 8_192
# What one frame makes its hearer decode: 64 parts take 2 ms each. More come in more frames.
PARTS_A_FRAME = 64
SKETCH_SYNDROMES_MIN = 16
SKETCH_SYNDROMES_MAX = 64
# 14 strata of 24 syndromes (`strata`).
STRATA_BYTES = 14 * 24 * SYNDROME_BYTES
COUNT_MAX = 0xFFFFFFFF
_PART_BYTES = 2
_SALT_BYTES = NONCE_BYTES + SALT_SENDER_BYTES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terms:
    """Which bundles are compared: of these classes, sealed since then, and not dead for long at this hour."""

    hour: int
    since: int
    mask: int

    def meet(self, other: Terms) -> Terms:
        """What both want."""
        return Terms(max(self.hour, other.hour), max(self.since, other.since), self.mask & other.mask)


@dataclass(frozen=True, slots=True)
class StrataFrame:
    """How does what you hold differ from this? Begins a comparison of large sets."""

    salt: Salt
    terms: Terms
    count: int
    strata: bytes


@dataclass(frozen=True, slots=True)
class SketchesFrame:
    """Sketches of parts of what I hold, of equal length, in the order of `parts`. With terms it begins a
    comparison: of the whole, with somebody who was level a while ago."""

    salt: Salt
    parts: tuple[int, ...]
    sketches: tuple[bytes, ...]
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class ShortIdsFrame:
    """All I hold whose short ids lie between these. With terms it begins a comparison."""

    salt: Salt
    first: int
    last: int
    short_ids: bytes
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The polynomial of what is wanted of a part (`Difference.want`)."""

    part: int
    want: bytes


@dataclass(frozen=True, slots=True)
class WantsFrame:
    """What I lack of what you described, and what I could not decode.

    Of that, the two halves of each part in `split`, please, and all short ids of each in `listed`. `offered`
    are short ids of what went to you on this connection and is not in your set: say so if you want it again.
    """

    salt: Salt
    coming: int  # bundles that you lack, and that follow
    is_last: bool  # with this, all you described is compared
    requests: tuple[Request, ...] = ()
    short_ids: bytes = b""
    split: tuple[int, ...] = ()
    listed: tuple[int, ...] = ()
    offered: bytes = b""


@dataclass(frozen=True, slots=True)
class TermsFrame:
    """I want less than you compare: begin again with what both want."""

    salt: Salt
    terms: Terms


LevelFrame = StrataFrame | SketchesFrame | ShortIdsFrame | WantsFrame | TermsFrame


def encode(frame: LevelFrame) -> bytes:
    """The payload of a LEVEL frame."""
    salt = frame.salt.nonce + frame.salt.sender
    hour = frame.salt.hour
    fields: list[cbor.Value]
    match frame:
        case StrataFrame(_, terms, count, drawn):
            fields = [0, salt, hour, terms.hour, terms.since, terms.mask, count, drawn]
        case SketchesFrame(_, parts, sketches, terms):
            fields = [1, salt, hour, _join(parts), b"".join(sketches), *_about(terms)]
        case ShortIdsFrame(_, first, last, short_ids, terms):
            fields = [2, salt, hour, first, last, short_ids, *_about(terms)]
        case WantsFrame(_, coming, is_last, requests, short_ids, split, listed, offered):
            wanted = b"".join(_request(each) for each in requests)
            fields = [3, salt, hour, coming, is_last, wanted, short_ids, _join(split), _join(listed), offered]
        case TermsFrame(_, terms):
            fields = [4, salt, hour, terms.hour, terms.since, terms.mask]
    return cbor.encode(fields)


def decode(payload: bytes) -> LevelFrame:
    """The frame of a payload. Raises Reject: FRAME, CBOR, ENCODING."""
    fields = cbor.decode(payload)
    if not isinstance(fields, list) or len(fields) < 4:
        raise Reject(Reason.FRAME)
    step, salt, hour, *rest = fields
    if type(step) is not int or not 0 <= step < len(_STEPS):
        raise Reject(Reason.FRAME)
    named = _string(salt, _SALT_BYTES, _SALT_BYTES)
    return _STEPS[step](Salt(named[:NONCE_BYTES], _number(hour, HOUR_MAX), named[NONCE_BYTES:]), rest)


def _decode_strata(salt: Salt, rest: list[cbor.Value]) -> StrataFrame:
    hour, since, mask, count, drawn = _first(rest, 5)
    drawn = _string(drawn, STRATA_BYTES, STRATA_BYTES)
    return StrataFrame(salt, _terms(hour, since, mask), _number(count, COUNT_MAX), drawn)


def _decode_sketches(salt: Salt, rest: list[cbor.Value]) -> SketchesFrame:
    named, drawn = _first(rest, 2)
    parts = _parts(named)
    joined = _string(drawn, 0, PARTS_A_FRAME * SKETCH_SYNDROMES_MAX * SYNDROME_BYTES)
    if not parts or len(joined) % (len(parts) * SYNDROME_BYTES):
        raise Reject(Reason.FRAME)
    width = len(joined) // len(parts)
    if not SKETCH_SYNDROMES_MIN <= width // SYNDROME_BYTES <= SKETCH_SYNDROMES_MAX:
        raise Reject(Reason.FRAME)
    sketches = tuple(joined[start : start + width] for start in range(0, len(joined), width))
    return SketchesFrame(salt, parts, sketches, _terms(*rest[2:5]) if len(rest) >= 5 else None)


def _decode_short_ids(salt: Salt, rest: list[cbor.Value]) -> ShortIdsFrame:
    first, last, named = _first(rest, 3)
    first, last = _number(first, COUNT_MAX), _number(last, COUNT_MAX)
    if first > last:
        raise Reject(Reason.FRAME)
    terms = _terms(*rest[3:6]) if len(rest) >= 6 else None
    return ShortIdsFrame(salt, first, last, _short_ids(named), terms)


def _decode_wants(salt: Salt, rest: list[cbor.Value]) -> WantsFrame:
    coming, is_last, wanted, short_ids, split, listed, offered = _first(rest, 7)
    if type(is_last) is not bool:
        raise Reject(Reason.FRAME)
    return WantsFrame(
        salt,
        _number(coming, COUNT_MAX),
        is_last,
        _requests(wanted),
        _short_ids(short_ids),
        _parts(split),
        _parts(listed),
        _short_ids(offered),
    )


def _decode_terms(salt: Salt, rest: list[cbor.Value]) -> TermsFrame:
    return TermsFrame(salt, _terms(*_first(rest, 3)))


_STEPS: tuple[Callable[[Salt, list[cbor.Value]], LevelFrame], ...] = (
    _decode_strata,
    _decode_sketches,
    _decode_short_ids,
    _decode_wants,
    _decode_terms,
)


def _about(terms: Terms | None) -> list[cbor.Value]:
    return [terms.hour, terms.since, terms.mask] if terms is not None else []


def _first(fields: list[cbor.Value], count: int) -> list[cbor.Value]:
    if len(fields) < count:
        raise Reject(Reason.FRAME)
    return fields[:count]


def _number(value: cbor.Value, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise Reject(Reason.FRAME)
    return value


def _string(value: cbor.Value, least: int, most: int) -> bytes:
    if not isinstance(value, bytes) or not least <= len(value) <= most:
        raise Reject(Reason.FRAME)
    return value


def _terms(hour: cbor.Value, since: cbor.Value, mask: cbor.Value) -> Terms:
    return Terms(_number(hour, HOUR_MAX), _number(since, HOUR_MAX), _number(mask, 0xFF))


def _short_ids(value: cbor.Value) -> bytes:
    joined = _string(value, 0, SHORT_IDS_MAX * SHORT_ID_BYTES)
    if len(joined) % SHORT_ID_BYTES:
        raise Reject(Reason.FRAME)
    return joined


def _parts(value: cbor.Value) -> tuple[int, ...]:
    joined = _string(value, 0, PARTS_A_FRAME * _PART_BYTES)
    if len(joined) % _PART_BYTES:
        raise Reject(Reason.FRAME)
    parts = tuple(int.from_bytes(joined[at : at + _PART_BYTES]) for at in range(0, len(joined), _PART_BYTES))
    if not all(WHOLE <= part <= PART_MAX for part in parts):
        raise Reject(Reason.FRAME)
    return parts


def _join(parts: tuple[int, ...]) -> bytes:
    return b"".join(part.to_bytes(_PART_BYTES) for part in parts)


def _request(request: Request) -> bytes:
    degree = len(request.want) // SYNDROME_BYTES
    return request.part.to_bytes(_PART_BYTES) + bytes([degree]) + request.want


def _requests(value: cbor.Value) -> tuple[Request, ...]:
    joined = _string(value, 0, PARTS_A_FRAME * (_PART_BYTES + 1 + SKETCH_SYNDROMES_MAX * SYNDROME_BYTES))
    found: list[Request] = []
    at = 0
    while at < len(joined):
        head, at = joined[at : at + _PART_BYTES + 1], at + _PART_BYTES + 1
        if len(head) <= _PART_BYTES or not 0 < head[-1] < SKETCH_SYNDROMES_MAX:
            raise Reject(Reason.FRAME)
        width = head[-1] * SYNDROME_BYTES
        part, want, at = int.from_bytes(head[:_PART_BYTES]), joined[at : at + width], at + width
        if len(want) != width or not WHOLE <= part <= PART_MAX:
            raise Reject(Reason.FRAME)
        found.append(Request(part, want))
    if len(found) > PARTS_A_FRAME:
        raise Reject(Reason.FRAME)
    return tuple(found)
