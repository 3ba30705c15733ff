"""The least airtime that bundles can cost on an air that loses frames: what the engine is held against.

Two bounds, both kinder to nobody than they need be: whoever sends is told for nothing what is lacking, when
he may stop, and never collides. What a real camp pays beyond that is what these measurements are about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from node.bench.gossip.stock import Stocked
from sync import air_frames
from sync.air_frames import SYMBOL_BYTES_MAX, SymbolFrame
from sync.coding import shape_of, symbol
from sync.frames import RADIO_FRAME_BYTES_MAX, BundleFrame
from sync.signing import AUTHOR_BYTES, Network

AirtimeMs = Callable[[int], float]


def erasure_bound_ms(stock: Iterable[Stocked], loss: float, airtime_ms: AirtimeMs) -> float:
    """Carry bundles to one hearer who loses a share `loss` of frames: the sum of their airtimes / (1 - loss).

    An erasure channel has the capacity 1 - loss (Elias, *Coding for two noisy channels*, 1955): a bundle of
    n frames' airtime needs n / (1 - loss) on average, whatever the code and however good the feedback.
    Keys, requests and beacons are not in it.
    """
    return sum(bundle_ms(each.wire, airtime_ms) for each in stock) / (1 - loss)


def coded_bound_ms(stock: Iterable[Stocked], loss: float, airtime_ms: AirtimeMs) -> float:
    """Carry bundles to any number of hearers who lose frames independently of each other.

    With a rateless code (Luby, *LT codes*, 2002) of no overhead every frame is news to every hearer who does
    not have all yet, so all of them are done when each has heard as many frames as there are: on average no
    sooner than the erasure bound of one of them. The slowest hearer is later than the average one, by
    a frame or ten; the bound leaves that out, and no sender can.
    """
    return erasure_bound_ms(stock, loss, airtime_ms)


def bundle_ms(wire: bytes, airtime_ms: AirtimeMs) -> float:
    """Airtime of a bundle sent once without its key: as a frame, or as the pieces of a block.

    On firmware 2.8 a frame of 104 to 165 bytes costs more than one of 166, which is not signed a second time
    (FACTS of the field), so the bound takes the cheapest length the bytes fit in.
    """
    network, sender = Network(), bytes(AUTHOR_BYTES)
    whole = air_frames.encode(BundleFrame(wire), network, sender)
    if len(whole) <= RADIO_FRAME_BYTES_MAX:
        return _cheapest_ms(len(whole), airtime_ms)
    shape = shape_of(len(wire), SYMBOL_BYTES_MAX)
    piece = air_frames.encode(SymbolFrame(bytes(8), shape, 0, symbol(wire, shape, 0)), network, sender)
    return shape.symbols * _cheapest_ms(len(piece), airtime_ms)


def _cheapest_ms(frame_bytes: int, airtime_ms: AirtimeMs) -> float:
    return min(map(airtime_ms, range(frame_bytes, RADIO_FRAME_BYTES_MAX + 1)))
