"""A map as a file: somebody knows how the camps really lie, and writes it down, one thing a line.

```
# a name and its place on the drawing, 0 to 1 from the left and from the top; may be left out
north 0.2 0.1
north - south           # they hear each other
north - east -12 0.4    # with a signal 12 dB below the noise, and 40 % of frames lost
east > south -15        # south hears east; the other way there is nothing
```

A camp is there when it is named. What is said again replaces what was said before, so `a - b` may be
followed by `b > a -17` for the worse of its two directions. Without a loss it is the run's, without a signal
it is 0 dB.
"""

from __future__ import annotations

import math
from dataclasses import replace

from radio.experiment.case import CAMPS_MAX, LOSS_MAX, Case, Terrain
from radio.experiment.topology import SNR_MOST_DB, Spot, Topology, Way, floor_db
from radio.simulated import Path

# 500 camps with all their ways are 250,000 lines; nobody writes more than this by hand or by script.
BYTES_MAX = 1 << 20
NAME_MAX = 32
SNR_DEFAULT_DB = 0.0


class _Map:
    """What was read so far."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.floor_db = floor_db(case)
        self.spots: dict[str, Spot | None] = {}
        self.paths: dict[tuple[str, str], Path] = {}

    def read(self, words: list[str]) -> None:
        """Take a line. Raises ValueError with what is wrong with it."""
        match words:
            case [one, "-" | ">" as sign, other, *numbers] if len(numbers) <= 2:
                self._hear(one, sign, other, [_number(word) for word in numbers])
            case [name, x, y]:
                spot = (_number(x), _number(y))
                if not all(0 <= each <= 1 for each in spot):
                    raise ValueError("a place is two numbers from 0 to 1")
                self._meet(name)
                self.spots[name] = spot
            case _:
                raise ValueError("neither 'NAME X Y' nor 'A - B [DB [LOSS]]' nor 'A > B [DB [LOSS]]'")

    def _hear(self, one: str, sign: str, other: str, numbers: list[float]) -> None:
        snr_db, loss = (*numbers, *(SNR_DEFAULT_DB, self.case.loss)[len(numbers) :])
        if one == other:
            raise ValueError(f"{one} does not hear itself")
        if not self.floor_db <= snr_db <= SNR_MOST_DB:
            least = f"{self.case.preset} decodes from {self.floor_db:g}"
            raise ValueError(f"{snr_db:g} dB: {least} dB, and chips report {SNR_MOST_DB:g} at most")
        if not 0 <= loss <= LOSS_MAX:
            raise ValueError(f"a loss of {loss:g} is not between 0 and {LOSS_MAX:g}")
        for name in (one, other):
            self._meet(name)
        self.paths[one, other] = Path(loss, snr_db)
        if sign == "-":
            self.paths[other, one] = Path(loss, snr_db)

    def _meet(self, name: str) -> None:
        if len(name) > NAME_MAX:
            raise ValueError(f"a name has {NAME_MAX} letters at most")
        self.spots.setdefault(name, None)
        if len(self.spots) > CAMPS_MAX:
            raise ValueError(f"more than {CAMPS_MAX} camps")


def parse(text: str, case: Case) -> tuple[Case, Topology]:
    """The map in a file, and the case with its number of camps and its degree.

    Raises ValueError with the line and what is wrong with it, or when some camp reaches not all others.
    """
    found = _Map(case)
    for at, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        try:
            if words:
                found.read(words)
        except ValueError as error:
            raise ValueError(f"line {at}: {error}") from error
    if len(found.spots) < 2:
        raise ValueError("there are not two camps in it")
    topology = _topology(found)
    if not topology.hangs_together():
        raise ValueError("not everybody can reach everybody on this map")
    return replace(case, terrain=Terrain.FILE, camps=len(topology.names), degree=topology.degree), topology


def _topology(found: _Map) -> Topology:
    """Camps that have no place lie on a circle."""
    names = tuple(found.spots)
    place = {name: at for at, name in enumerate(names)}
    spots = tuple(
        spot if spot is not None else _on_circle(at / len(names))
        for at, spot in enumerate(found.spots.values())
    )
    ways = tuple(Way(place[one], place[other], path) for (one, other), path in found.paths.items())
    return Topology(names, spots, ways)


def _on_circle(turn: float) -> Spot:
    return 0.5 + 0.45 * math.cos(turn * math.tau), 0.5 + 0.45 * math.sin(turn * math.tau)


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{word!r} is not a number")
    return value
