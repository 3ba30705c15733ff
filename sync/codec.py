"""Text codecs: a message's words in as few bytes as the air allows.

A body is one codec byte and a payload. A text is packed once, when it is published, with every codec
allowed, and the smallest wins; the bytes are then signed and never packed again. The codecs lean on
artefacts trained on camp messages in English and Spanish; the rules are in data/CODECS.md.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection
from enum import IntEnum
from functools import cache, lru_cache
from importlib import resources
from typing import Literal

from sync.text_model import TextModel

CODEC_BYTES = 1


class Codec(IntEnum):
    """The first byte of a body."""

    PLAIN = 0
    DEFLATE = 1
    MODEL = 2


PLAIN, DEFLATE, MODEL = Codec
CODECS = frozenset(Codec)

# Raw deflate ends in seven zero bits and up to seven of padding. Zero bytes at the end are left out and
# put back by the reader: 0.4 bytes a message.
TAIL = b"\0\0"

# The model folds a text into one integer, and every letter divides all of it, so the time grows with the
# square: a payload of this size takes up to 30 ms to read [M], whatever is in it. What is longer is
# deflated or left plain.
MODEL_TEXT_BYTES_MAX = 4096
MODEL_PAYLOAD_BYTES_MAX = 2048

# SHA-256. A camp with another dictionary would read nonsense that is correctly signed, so say so at once.
CHECKSUMS = {
    "dictionary_1.bin": "27b8c8b47ae73b83b4f57df42e3cb9caa68d270a404bbb3c5e9e59f830d0ab74",
    "model_2.bin": "06fa97692c0f449b9611b6ceb76f33a9cef14cb7ff88f42d936e2da84aa53f85",
}

CodecFault = Literal["unknown_codec", "corrupt", "too_large", "trailing"]


class CodecError(ValueError):
    """A body that cannot be read, for `reason`."""

    def __init__(self, reason: CodecFault) -> None:
        super().__init__(reason)
        self.reason = reason


def pack(text: bytes, *, allowed: Collection[int] = CODECS) -> bytes:
    """The smallest body (codec byte and payload) for `text`; of equals, the one of the lowest codec.

    Any bytes can be packed, whether or not they are UTF-8. Raises ValueError when no allowed codec takes
    this text: PLAIN and DEFLATE take every text, MODEL those within its two limits.
    """
    payloads = [(codec, _pack_with(codec, text)) for codec in Codec if codec in allowed]
    bodies = [bytes([codec]) + payload for codec, payload in payloads if payload is not None]
    if not bodies:
        raise ValueError(f"none of the codecs {sorted(allowed)} takes a text of {len(text)} bytes")
    return min(bodies, key=len)


def unpack(body: bytes, max_bytes: int) -> bytes:
    """The text of a body: at most `max_bytes` bytes, whatever the body claims.

    Raises CodecError: "unknown_codec" (an empty body too), "corrupt", "too_large", or "trailing" when
    bytes follow the end of the payload.
    """
    try:
        codec = Codec(body[0])
    except (IndexError, ValueError):
        raise CodecError("unknown_codec") from None
    payload = body[CODEC_BYTES:]
    match codec:
        case Codec.PLAIN:
            return _unpack_plain(payload, max_bytes)
        case Codec.DEFLATE:
            return _inflate(payload, max_bytes)
        case Codec.MODEL:
            return _read_integer(payload, max_bytes)


def _pack_with(codec: Codec, text: bytes) -> bytes | None:
    match codec:
        case Codec.PLAIN:
            return text
        case Codec.DEFLATE:
            return _deflate(text)
        case Codec.MODEL:
            return _write_integer(text)


def _unpack_plain(payload: bytes, max_bytes: int) -> bytes:
    if len(payload) > max_bytes:
        raise CodecError("too_large")
    return payload


def _deflate(text: bytes) -> bytes:
    deflater = zlib.compressobj(
        9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _artefact("dictionary_1.bin")
    )
    stream = deflater.compress(text) + deflater.flush()
    for _ in TAIL:
        stream = stream.removesuffix(b"\0")
    return stream


def _inflate(payload: bytes, max_bytes: int) -> bytes:
    inflater = zlib.decompressobj(-15, zdict=_artefact("dictionary_1.bin"))
    try:
        text = inflater.decompress(payload + TAIL, max_bytes + 1)
    except zlib.error:
        raise CodecError("corrupt") from None
    if len(text) > max_bytes:
        raise CodecError("too_large")
    if not inflater.eof:
        raise CodecError("corrupt")
    if len(inflater.unused_data) > len(TAIL):
        raise CodecError("trailing")
    return text


def _write_integer(text: bytes) -> bytes | None:
    if len(text) > MODEL_TEXT_BYTES_MAX:
        return None
    number = _model().encode(text.decode("utf-8", "surrogateescape"))
    payload = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return payload if len(payload) <= MODEL_PAYLOAD_BYTES_MAX else None


# The same text is read more than once, where many camps live in one process by each of them. Reading is pure
# and takes half a millisecond. 256 texts and their bodies are 2 MB at the most.
@lru_cache(maxsize=256)
def _read_integer(payload: bytes, max_bytes: int) -> bytes:
    if len(payload) > MODEL_PAYLOAD_BYTES_MAX:
        raise CodecError("too_large")
    if payload.startswith(b"\0"):
        raise CodecError("corrupt")  # the same text has a shorter body
    try:
        letters = _model().decode(int.from_bytes(payload, "big"), max_bytes)
        text = letters.encode("utf-8", "surrogateescape")
    except ValueError:
        raise CodecError("corrupt") from None
    if len(text) > max_bytes:
        raise CodecError("too_large")
    return text


@cache
def _model() -> TextModel:
    return TextModel(_artefact("model_2.bin"))


@cache
def _artefact(name: str) -> bytes:
    data = resources.files("sync.data").joinpath(name).read_bytes()
    if hashlib.sha256(data).hexdigest() != CHECKSUMS[name]:
        raise RuntimeError(f"sync/data/{name} is not of this version; install miccheck again")
    return data
