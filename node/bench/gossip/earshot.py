"""Camps that all hear each other, on LongFast, with a fifth of the frames lost at every hearer."""

from __future__ import annotations

from radio.airtime import Firmware, preset_named
from radio.simulated import Path
from radio.world import World

PRESET = preset_named("LONG_FAST")
LOSS = 0.2


def in_earshot(how_many: int, seed: int, firmware: Firmware) -> World:
    """A world of camps called `camp0` and so on, with empty boards."""
    world = World(seed, PRESET, firmware=firmware)
    names = [f"camp{number}" for number in range(how_many)]
    for name in names:
        world.add_camp(name)
    world.square(*names, path=Path(LOSS))
    return world
