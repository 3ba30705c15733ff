"""Padding: a frame made longer where a longer one costs less of the air (PROTOCOL.md §8.5).

Meshtastic firmware 2.8 signs broadcasts of up to 165 bytes with 66 of its own, so on LongFast a bundle of 150
bytes takes 2,075 ms in its frame and 1,665 ms in one of 166. Which lengths are dear is a matter of the link
and of its firmware; here `airtime_ms` is asked, and nothing else is known.
"""

from __future__ import annotations

from dataclasses import replace

from sync.frames import HEAD_BYTES
from sync.link import LinkProfile
from sync.reject import Reason, Reject

# The low half of the first byte, the last one that is free.
PADDED = 15
# The type of the frame inside, and how many bytes follow its head.
_INSIDE_BYTES = 2
_TYPE_MAX = 0x0F


class Padding:
    """The lengths that cost least on a broadcast link, for every length of a frame of ours."""

    def __init__(self, link: LinkProfile) -> None:
        costs_ms = [link.airtime_ms(length) for length in range(link.mtu + 1)]
        best = link.mtu
        self._lengths = list(range(link.mtu + 1))
        self._airtimes_ms = costs_ms.copy()
        for length in range(link.mtu - _INSIDE_BYTES, HEAD_BYTES, -1):
            # Of equals the shortest, which is the least to be lost.
            best = min(best, length + _INSIDE_BYTES, key=lambda each: (costs_ms[each], each))
            if costs_ms[best] < costs_ms[length]:
                self._lengths[length], self._airtimes_ms[length] = best, costs_ms[best]

        self.priced = replace(link, airtime_ms=self._airtime_ms)  # the link, as dear as it is with padding

    def pad(self, frame: bytes) -> bytes:
        """The frame as it leaves."""
        if len(frame) >= len(self._lengths) or self._lengths[len(frame)] == len(frame):
            return frame
        inside = bytes([frame[0] & _TYPE_MAX, len(frame) - HEAD_BYTES])
        head = bytes([frame[0] & ~_TYPE_MAX & 0xFF | PADDED]) + frame[1:HEAD_BYTES]
        return (head + inside + frame[HEAD_BYTES:]).ljust(self._lengths[len(frame)], b"\0")

    def _airtime_ms(self, length: int) -> float:
        return self._airtimes_ms[min(length, len(self._airtimes_ms) - 1)]


def unpad(data: bytes) -> bytes:
    """The frame in a padded one; any other as it is. Raises Reject(FRAME).

    What stands behind the frame inside is not looked at: no frame is signed as a whole.
    """
    if not data or data[0] & _TYPE_MAX != PADDED:
        return data
    start = HEAD_BYTES + _INSIDE_BYTES
    if len(data) <= start:
        raise Reject(Reason.FRAME)
    kind, length = data[HEAD_BYTES], data[HEAD_BYTES + 1]
    if kind >= PADDED or not 0 < length <= len(data) - start:
        raise Reject(Reason.FRAME)
    head = bytes([data[0] & ~_TYPE_MAX & 0xFF | kind]) + data[1:HEAD_BYTES]
    return head + data[start : start + length]
