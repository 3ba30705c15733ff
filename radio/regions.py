"""Regions: what the law of a band leaves a radio, and what we take of it.

The bands and duty cycles are those of Meshtastic's firmware (`regions[]` in src/mesh/RadioInterface.cpp, read
in its version of September 2026; region names are its names, so a radio and its node are set alike), because
it is the firmware that tunes the radio. It names its sources there: EN 300 220 for Europe, LoRa Alliance
RP002 and national texts for the rest. Whoever runs a camp answers for its own country's law all the same.

Two rules are ours. By default a node takes half of what the law leaves, the firmware's own measure for what
can wait (`polite_duty_cycle_percent`, airtime.h); the other half is for what the radio says of itself, for
errors of our arithmetic and for others. And where the law has no limit we keep one: one LoRa channel is a
village, see VOLUNTARY_DUTY.

What is not here: US law allows a *hopping* system 0.4 s a channel in 10 or 20 s (47 CFR 15.247(a)(1)(i)).
The firmware does not hop and keeps no such limit, and a LONG_FAST frame takes 2.2 s, so neither do we. Left
out are LORA_24, EU_866 and EU_N_868, whose presets we do not speak.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from radio.airtime import Preset

# Where the law has no limit we keep to what we would keep to under this one. Half of it, the default, is the
# tenth of an hour that the strictest of the common laws leaves everybody, and more than a fair share as soon
# as three camps hear each other: above a quarter of the channel all back off (`radio.turns`).
VOLUNTARY_DUTY = 0.20
# Of what the law leaves. Nobody needs less than a twentieth, and all of it is the law.
DEFAULT_SHARE = 0.5
SHARE_MIN = 0.05
NO_LIMIT = 1.0


@dataclass(frozen=True, slots=True)
class Region:
    """A band: its edges in kHz, the legal share of any hour, and the longest legal transmission in ms."""

    name: str
    low_khz: int
    high_khz: int
    duty_cycle: float = NO_LIMIT
    frame_ms_max: float = inf

    def duty(self, share: float = DEFAULT_SHARE) -> float:
        """The share of any hour that a node sends at most, if it takes this share of what it may."""
        return min(self.duty_cycle, VOLUNTARY_DUTY) * share

    def refusal(self, preset: Preset) -> str:
        """Why a radio must not use this preset here; empty when it may."""
        if preset.bandwidth_khz > self.high_khz - self.low_khz:
            width_khz = self.high_khz - self.low_khz
            return f"{preset.name} is {preset.bandwidth_khz} kHz wide, and {self.name} {width_khz} kHz"
        if preset.longest_ms() > self.frame_ms_max:
            takes_s, may_s = preset.longest_ms() / 1_000, self.frame_ms_max / 1_000
            return f"a frame of {preset.name} takes {takes_s:.1f} s, and {self.name} allows {may_s:g} s"
        return ""


REGIONS = (
    # 869.4 to 869.65 MHz, 500 mW, a tenth of any hour: EN 300 220-2, annex B, band P; ERC/REC 70-03, annex 1.
    Region("EU_868", 869_400, 869_650, 0.10),
    Region("EU_433", 433_000, 434_000, 0.10),
    # 47 CFR 15.247; see above.
    Region("US", 902_000, 928_000),
    Region("ANZ", 915_000, 928_000),
    Region("ANZ_433", 433_050, 434_790),
    Region("BR_902", 902_000, 907_500),
    Region("CN", 470_000, 510_000),
    Region("IN", 865_000, 867_000),
    # ARIB STD-T108 §3.4.1: 4 s a transmission after listening for 5 ms.
    Region("JP", 920_500, 923_500, frame_ms_max=4_000.0),
    Region("KR", 920_000, 923_000),
    Region("KZ_433", 433_075, 434_775),
    Region("KZ_863", 863_000, 868_000),
    Region("MY_433", 433_000, 435_000),
    Region("MY_919", 919_000, 924_000),
    Region("NP_865", 865_000, 868_000),
    Region("NZ_865", 864_000, 868_000),
    Region("PH_433", 433_000, 434_700),
    Region("PH_868", 868_000, 869_400),
    Region("PH_915", 915_000, 918_000),
    # Without limit for a radio that listens first, as these do.
    Region("RU", 868_700, 869_200),
    Region("SG_923", 917_000, 925_000),
    Region("TH", 920_000, 925_000, 0.10),
    Region("TW", 920_000, 925_000),
    Region("UA_433", 433_000, 434_700, 0.10),
    Region("UA_868", 868_000, 868_600, 0.01),
)
_BY_NAME = {region.name: region for region in REGIONS}
# The strictest of the bands that most radios are sold for: a camp that sets nothing breaks no law there.
DEFAULT_REGION = "EU_868"


def region_named(name: str) -> Region:
    """The region of this name. Raises KeyError."""
    return _BY_NAME[name]


# What a radio keeps to for which nothing is set.
DEFAULT_DUTY = region_named(DEFAULT_REGION).duty()
