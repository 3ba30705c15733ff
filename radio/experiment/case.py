"""The case: everything that decides a run. Equal cases give equal runs, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from radio.airtime import Firmware
from sync.frames import HEAD_BYTES, RADIO_FRAME_BYTES_MAX

# 500 camps are three times the occupations of 2011, and all that one process simulates in an afternoon.
CAMPS_MAX = 500
MESSAGES_MAX = 10_000
# A week: bundles live three days.
MINUTES_MAX = 10_080
AFTER_MAX_S = 604_800.0
# A workload's bundle may be so much longer or shorter than its size.
SIZE_TOLERANCE = 4
# A signed bundle with hardly a text in it; and what one frame carries, since the baselines cut nothing.
SIZE_MIN = 100
SIZE_MAX = RADIO_FRAME_BYTES_MAX - HEAD_BYTES - SIZE_TOLERANCE
# What has a loss above this is no neighbour: of ten tries nine fail.
LOSS_MAX = 0.9
BURST_MAX = 64


class Scheme(StrEnum):
    """How messages are passed on."""

    MICCHECK = "miccheck"
    MANAGED = "managed"
    FLOOD = "flood"
    BLOOM = "bloom"


class Terrain(StrEnum):
    """How the camps lie. FILE: as somebody wrote it down."""

    GEOMETRIC = "geometric"
    LINE = "line"
    GRID = "grid"
    CLUSTERS = "clusters"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Case:
    """One run. The defaults are the first case of the table we are measured by."""

    scheme: Scheme = Scheme.MICCHECK
    camps: int = 50
    degree: float = 7.0  # other camps that one hears, on average
    terrain: Terrain = Terrain.GEOMETRIC
    preset: str = "LONG_FAST"
    firmware: Firmware = Firmware.RAW
    capture: bool = False
    loss: float = 0.2  # share of frames that chance takes away, at each hearer
    messages: int = 100
    minutes: float = 100.0
    after_s: float = 7_200.0  # the run goes on for so long after the minutes are over
    size: int = 150  # bytes of frame payload a message alone takes, frame head not counted
    burst: int = 1  # posts of an author within two minutes
    cuts: int = 0  # pairs that stop hearing each other for a while
    churn: int = 0  # camps that are switched off for a while
    seed: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError with the reason for what cannot be run."""
        for name, value, least, most in (
            ("camps", self.camps, 2, CAMPS_MAX),
            ("degree", self.degree, 0, CAMPS_MAX),
            ("messages", self.messages, 1, MESSAGES_MAX),
            ("minutes", self.minutes, 1, MINUTES_MAX),
            ("seconds after them", self.after_s, 0, AFTER_MAX_S),
            ("bytes of a message", self.size, SIZE_MIN, SIZE_MAX),
            ("posts of a burst", self.burst, 1, BURST_MAX),
            ("loss", self.loss, 0, LOSS_MAX),
            ("cuts", self.cuts, 0, MESSAGES_MAX),
            ("camps switched off", self.churn, 0, MESSAGES_MAX),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name}: {value:g} is not between {least:g} and {most:g}")

    @property
    def talk_s(self) -> float:
        """Seconds in which people post."""
        return self.minutes * 60

    @property
    def length_s(self) -> float:
        """Seconds of the whole run."""
        return self.talk_s + self.after_s
