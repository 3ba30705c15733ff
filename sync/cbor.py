"""CBOR from outside, taken strictly (RFC 8949; PROTOCOL.md §2).

A decoder that is kind to senders lets one statement have many encodings, and then ids, signatures
and sketches stop agreeing. So: arrays, integers, strings, true, false and null only, each in its
shortest form, and the test for "shortest" is that encoding the result again gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import cbor2

from sync.reject import Reason, Reject

_SCALAR_TYPES = (int, bytes, str, bool, type(None))

Value = int | bytes | str | bool | None | list["Value"]

# The envelope, a message, a field of it, and two levels for what messages may grow into.
DEPTH_MAX = 5


def _refuse_tag(*_: object) -> NoReturn:
    raise ValueError("tag")


class _NoTags(dict[int, Callable[..., object]]):
    """Maps every tag to a refusal: cbor2 would build regular expressions and decimals from them."""

    def __missing__(self, tag: int) -> Callable[..., object]:
        return _refuse_tag


_NO_TAGS = _NoTags()


def encode(value: Value) -> bytes:
    """The one encoding of `value`."""
    return cbor2.dumps(value)


def decode(data: bytes) -> Value:
    """The value whose one encoding is `data`; `Reject` with CBOR, SHAPE or ENCODING otherwise."""
    try:
        value = cbor2.loads(
            data,
            tag_hook=_refuse_tag,
            semantic_decoders=_NO_TAGS,
            max_depth=DEPTH_MAX,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (cbor2.CBORDecodeError, ValueError, OverflowError, RecursionError) as error:
        raise Reject(Reason.CBOR) from error
    checked = _checked(value, DEPTH_MAX)
    if encode(checked) != data:
        raise Reject(Reason.ENCODING)
    return checked


def _checked(value: object, levels: int) -> Value:
    """The same value if it is made of what we take; cbor2 counts no level for an array without items."""
    if isinstance(value, list):
        if levels == 0:
            raise Reject(Reason.CBOR)
        for item in value:
            if type(item) not in _SCALAR_TYPES:
                _checked(item, levels - 1)
        return value
    if isinstance(value, _SCALAR_TYPES):
        return value
    raise Reject(Reason.CBOR)
