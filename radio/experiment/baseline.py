"""What the baselines share: camps that know messages by number, in the same air and under the same clock.

They have no keys, no signatures and no store, and so none of what those cost. A message is a frame of the
workload's size. They are committed before anything is tuned against them, and do not import the engine's
constants, so that they stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from radio.experiment.workload import Post
from radio.ledger import Ledger
from radio.scene import Scene
from radio.simulated import Air, Fate, Sent


@dataclass(slots=True, eq=False)
class Holder:
    """A camp, and the numbers of the messages it holds."""

    name: str
    held: set[int] = field(default_factory=set)


S = TypeVar("S", bound=Holder)


class Baseline(Scene, Generic[S]):
    """Camps that pass numbers on. A subclass says what a camp does with what it hears."""

    def __init__(self, air: Air, start_s: float, kind_of: Callable[[bytes], str]) -> None:
        super().__init__(air, start_s, Ledger(kind_of))
        self.on_arrival: list[Callable[[str, int], None]] = []
        self._stations: dict[str, S] = {}

    def add_camp(self, name: str) -> None:
        """A camp that holds nothing yet, switched on."""
        station = self._stations[name] = self._station(name)
        self.air.switch_on(name)
        self._starts(station)

    def is_on(self, name: str) -> bool:
        """Whether this camp has power."""
        return self.air.is_on(name)

    def stop(self, name: str) -> None:
        """Pull the plug. What it holds stays; what waited to be sent is gone, and its frame breaks off."""
        if self.is_on(name):
            self._stops(self._stations[name])
            for sent in self.air.switch_off(name, self.now):
                self._was_sent(sent)

    def restart(self, name: str) -> None:
        """Switch it on again."""
        self.stop(name)
        self.air.switch_on(name)
        self._starts(self._stations[name])

    def post(self, name: str, number: int, _: Post) -> None:
        """A person at this camp posts message `number`."""
        station = self._stations[name]
        station.held.add(number)
        self._publish(station, number)

    def holds(self, name: str, number: int) -> bool:
        """Whether a camp has a message."""
        return number in self._stations[name].held

    def close(self) -> None:
        """Nothing is kept open."""

    def _sent(self, sent: Sent) -> None:
        for hearing in sent.hearings:
            if hearing.fate is Fate.HEARD:
                self._hear(self._stations[hearing.hearer], sent, hearing.snr_db)
        self._free(self._stations[sent.sender])

    def _take_in(self, station: S, number: int) -> bool:
        """Hold a message from now on; whether it is new here."""
        if number in station.held:
            return False
        station.held.add(number)
        for told in self.on_arrival:
            told(station.name, number)
        return True

    def _station(self, name: str) -> S:
        """A camp of this scheme."""
        raise NotImplementedError

    def _starts(self, station: S) -> None:
        """It has power from now on."""

    def _stops(self, station: S) -> None:
        """It loses power, and what it had in mind."""
        raise NotImplementedError

    def _publish(self, station: S, number: int) -> None:
        """Send an own message."""
        raise NotImplementedError

    def _hear(self, station: S, sent: Sent, snr_db: float) -> None:
        """A frame came in whole."""
        raise NotImplementedError

    def _free(self, station: S) -> None:
        """Its frame left the air: the radio takes another."""
        raise NotImplementedError
