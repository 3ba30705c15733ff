"""Parcels: several bundles that a camp lacks, as one block (PROTOCOL.md §13.1).

Each frame of the air is lost now and then, to every hearer another one. Bundle by bundle a repair would send
each of them until the last hearer has it, and would have to be told which. A parcel is coded like a long
bundle: any K of its symbols rebuild it, "two more" is all the feedback there is, and whoever rebuilt it can
make more of them.

What a parcel says of itself is not believed: its bundles are judged one by one, like any others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from sync import cbor
from sync.air_frames import PARCEL_BYTES_MAX, PARCEL_GENERATION_BYTES, PARCEL_SYMBOL_BYTES_MAX
from sync.coding import SYMBOLS_MAX, Shape, shape_of
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.reject import Reason, Reject
from sync.signing import KEY_BYTES, digest

# Parcels that we can still make symbols of: those of the last quarter of an hour in a crowd. 5 kB each.
PARCELS_MAX = 16
# An array's head, and those of a bundle and of a key in it.
ARRAY_BYTES = 3
WIRE_HEAD_BYTES = 3
KEY_ITEM_BYTES = 2 + KEY_BYTES


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a parcel."""

    wires: tuple[bytes, ...]
    keys: tuple[bytes, ...] = ()  # of authors that the asker seems not to know


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel as it is cut: its bytes, and whether it was made here."""

    data: bytes
    is_own: bool


def pack(contents: Contents) -> bytes:
    """The bytes of a parcel, keys before the bundles they verify. Raises ValueError when it is too long."""
    items: list[cbor.Value] = [*contents.keys, *contents.wires]
    data = cbor.encode(items)
    if len(data) > PARCEL_BYTES_MAX:
        raise ValueError(f"a parcel of {len(data)} bytes")
    return data


def unpack(data: bytes) -> Contents:
    """What is in a parcel. A string of 32 bytes is a key, and no bundle is as short.

    Raises Reject: CBOR, ENCODING, FRAME.
    """
    items = cbor.decode(data)
    if not isinstance(items, list):
        raise Reject(Reason.FRAME)
    strings = [item for item in items if isinstance(item, bytes)]
    if len(strings) < len(items):
        raise Reject(Reason.FRAME)
    return Contents(
        tuple(item for item in strings if len(item) != KEY_BYTES),
        tuple(item for item in strings if len(item) == KEY_BYTES),
    )


def generation_of(data: bytes) -> bytes:
    """The four bytes that all symbols of a parcel share."""
    return digest(data, PARCEL_GENERATION_BYTES)


def symbol_bytes_max(mtu: int) -> int:
    """What of a parcel fits a frame of a link."""
    return PARCEL_SYMBOL_BYTES_MAX - max(0, RADIO_FRAME_BYTES_MAX - mtu)


class Parcels:
    """The parcels of one link that were made or rebuilt here lately. The oldest goes."""

    def __init__(self, mtu: int, symbols_max: int) -> None:
        """`symbols_max`: how many symbols of a parcel the link's purse pays at a time, 24 at most."""
        self._width = symbol_bytes_max(mtu)
        self._bytes_max = min(symbols_max, SYMBOLS_MAX) * self._width
        self._parcels: OrderedDict[bytes, Parcel] = OrderedDict()

    def __contains__(self, generation: object) -> bool:
        return generation in self._parcels

    def get(self, generation: bytes) -> Parcel | None:
        """A parcel that is here whole."""
        return self._parcels.get(generation)

    def remember(self, data: bytes, is_own: bool) -> bytes:
        """Keep a parcel to make symbols of it; its generation."""
        generation = generation_of(data)
        self._parcels[generation] = Parcel(data, is_own)
        if len(self._parcels) > PARCELS_MAX:
            self._parcels.popitem(last=False)
        return generation

    def shape(self, length: int) -> Shape:
        """How a parcel of so many bytes is cut on this link."""
        return shape_of(length, self._width)

    def symbols(self, items_bytes: int) -> int:
        """How many symbols a parcel of items of so many bytes has, or the longest one where it is more."""
        return -(-min(ARRAY_BYTES + items_bytes, self._bytes_max) // self._width)

    def fitting(self, sizes: Sequence[int], symbols_max: int = SYMBOLS_MAX) -> int:
        """How many of these items, in order, one parcel takes; one at least, if the longest parcel would."""
        left = min(self._bytes_max, symbols_max * self._width) - ARRAY_BYTES
        for place, size in enumerate(sizes):
            left -= size
            if left < 0 and (place > 0 or size > SYMBOLS_MAX * self._width - ARRAY_BYTES):
                return place
        return len(sizes)
