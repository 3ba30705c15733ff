"""Airtime: how long a frame keeps the shared channel busy.

One LoRa channel serves every camp in earshot, so silence is the common good and every byte has a price.
The formula is Semtech's (SX1276 data sheet, 4.1.1.7) with the preamble of 16 symbols, explicit header and
CRC that Meshtastic uses; it agrees with the firmware's own accounting to the millisecond.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from sync.frames import RADIO_FRAME_BYTES_MAX

PREAMBLE_SYMBOLS = 16
# Sync word and the quarter symbols behind the preamble.
SYNC_SYMBOLS = 4.25
HEADER_SYMBOLS = 8
# Low-data-rate optimisation is on where a symbol lasts longer than this.
SLOW_SYMBOL_MS = 16.0

PACKET_HEADER_BYTES = 16
# The protobuf round our payload: port number and lengths. The firmware adds its bitfield.
RAW_ENVELOPE_BYTES = 5
BITFIELD_BYTES = 2
# Firmware 2.8 signs a broadcast when the signature still fits its packet, that is up to 165 bytes of ours.
SIGNATURE_BYTES = 66
SIGNED_PAYLOAD_BYTES_MAX = 165
# Protobuf writes a length in one byte up to 127.
SHORT_LENGTH_MAX = 127

HOUR_S = 3_600.0


class Firmware(StrEnum):
    """What wraps a frame before it is modulated."""

    RAW = "raw"
    V2_7 = "firmware_2_7"
    V2_8 = "firmware_2_8"


# The two ends, which tables compare: 2.7 is hardly dearer than LoRa without anything round a frame.
COMPARED = (Firmware.RAW, Firmware.V2_8)


@dataclass(frozen=True, slots=True)
class Preset:
    """A Meshtastic modem preset: spreading factor, bandwidth in kHz, coding rate 4/`coding`."""

    name: str
    spreading: int
    bandwidth_khz: int
    coding: int

    @property
    def symbol_ms(self) -> float:
        """Milliseconds a symbol lasts."""
        return float(2**self.spreading / self.bandwidth_khz)

    def packet_ms(self, packet_bytes: int) -> float:
        """Milliseconds on the air of a LoRa packet of this many bytes, its 16-byte header included."""
        slow = 2 if self.symbol_ms > SLOW_SYMBOL_MS else 0
        bits = 8 * packet_bytes - 4 * self.spreading + 28 + 16
        blocks = max(math.ceil(bits / (4 * (self.spreading - slow))), 0)
        symbols = PREAMBLE_SYMBOLS + SYNC_SYMBOLS + HEADER_SYMBOLS + blocks * self.coding
        return symbols * self.symbol_ms

    def airtime_ms(self, frame_bytes: int, firmware: Firmware = Firmware.V2_8) -> float:
        """Milliseconds on the air of one of our frames of this many bytes."""
        return self.packet_ms(packet_bytes(frame_bytes, firmware))

    def longest_ms(self, firmware: Firmware = Firmware.V2_8) -> float:
        """What the dearest of our frames costs. With firmware 2.8 that is the longest it still signs."""
        dearest = (SIGNED_PAYLOAD_BYTES_MAX, RADIO_FRAME_BYTES_MAX)
        return max(self.airtime_ms(frame_bytes, firmware) for frame_bytes in dearest)


def packet_bytes(frame_bytes: int, firmware: Firmware) -> int:
    """Bytes of the LoRa packet that carries a frame of `frame_bytes`."""
    if firmware is Firmware.RAW:
        return PACKET_HEADER_BYTES + RAW_ENVELOPE_BYTES + frame_bytes
    long = 1 if frame_bytes > SHORT_LENGTH_MAX else 0
    signed = firmware is Firmware.V2_8 and frame_bytes <= SIGNED_PAYLOAD_BYTES_MAX
    wrapped = RAW_ENVELOPE_BYTES + long + BITFIELD_BYTES + frame_bytes
    return PACKET_HEADER_BYTES + wrapped + (SIGNATURE_BYTES if signed else 0)


PRESETS = (
    Preset("SHORT_TURBO", 7, 500, 5),
    Preset("SHORT_FAST", 7, 250, 5),
    Preset("SHORT_SLOW", 8, 250, 5),
    Preset("MEDIUM_FAST", 9, 250, 5),
    Preset("MEDIUM_SLOW", 10, 250, 5),
    Preset("LONG_TURBO", 11, 500, 8),
    Preset("LONG_FAST", 11, 250, 5),
    Preset("LONG_MODERATE", 11, 125, 8),
    Preset("LONG_SLOW", 12, 125, 8),
)


def preset_named(name: str) -> Preset:
    """The preset of this name. Raises KeyError."""
    return {preset.name: preset for preset in PRESETS}[name]


class RollingAirtime:
    """Milliseconds on the air within the last `window_s` seconds. Times never go back."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._spent: deque[tuple[float, float]] = deque()
        self._total_ms = 0.0

    def add(self, airtime_ms: float, now: float) -> None:
        """So much was spent until `now`."""
        self._spent.append((now, airtime_ms))
        self._total_ms += airtime_ms

    def total_ms(self, now: float) -> float:
        """What the window holds; a frame that began before it counts whole."""
        while self._spent and self._spent[0][0] <= now - self._window_s:
            self._total_ms -= self._spent.popleft()[1]
        if not self._spent:
            self._total_ms = 0.0  # and with it what rounding left
        return self._total_ms

    def within(self, now: float) -> tuple[tuple[float, float], ...]:
        """When each frame in the window ended, and its milliseconds, oldest first."""
        self.total_ms(now)
        return tuple(self._spent)
