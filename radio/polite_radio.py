"""A radio with manners: its law, its hour and the crowd on its channel, for the two threads of a node.

The engine's thread asks what may be sent and hands it over; the loop's thread feeds the radio and counts
what was heard. The hour belongs to the radio and not to a connection: one that breaks off and comes back
goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from radio.airtime import HOUR_S, Firmware, Preset, RollingAirtime
from radio.board_says import BoardSays
from radio.duty import DutyHour, Memory
from radio.link_sight import AirtimeUse, WaitsFor
from radio.regions import DEFAULT_SHARE, Region
from radio.turns import POLITE_UTILISATION, BackOff, Turns
from sync.link import NO_AIRTIME, Allowance

# As the firmware measures its `channelUtilization`: six periods of ten seconds.
BUSY_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class AirRules:
    """Where a radio is, and how much it takes of what the law leaves it there."""

    preset: Preset
    region: Region
    share: float = DEFAULT_SHARE
    firmware: Firmware = Firmware.V2_8

    @property
    def duty(self) -> float:
        """The share of any hour that is sent at most."""
        return self.region.duty(self.share)

    @property
    def longest_ms(self) -> float:
        """Milliseconds on the air of the dearest frame."""
        return self.preset.longest_ms(self.firmware)

    def airtime_ms(self, frame_bytes: int) -> float:
        """Milliseconds on the air of a frame of this many bytes."""
        return self.preset.airtime_ms(frame_bytes, self.firmware)


class PoliteRadio:
    """One radio. `holder`, any object, is the connection that has it now; of others nothing is taken."""

    def __init__(
        self,
        rules: AirRules,
        now: Callable[[], float],
        random: Random,
        memory: Memory,
        alerts_passing: int = 0,
    ) -> None:
        """`now` tells engine time, in any thread. `alerts_passing`: see `Turns`."""
        self.rules = rules
        longest_ms = rules.longest_ms
        self._now = now
        self._lock = threading.Lock()
        self._busy = RollingAirtime(BUSY_WINDOW_S)
        self._hour = DutyHour(rules.duty, longest_ms, memory, now())
        back_off = BackOff(self._utilisation, longest_ms, random)
        self._turns = Turns(rules.airtime_ms, longest_ms, self._hour, back_off, alerts_passing)
        self._says = BoardSays(rules.region.duty_cycle)
        self._holder: object = None

    def switch_on(self, holder: object) -> None:
        """This connection has the radio now."""
        with self._lock:
            self._turns.forget(self._now())
            self._holder = holder

    def switch_off(self, holder: object) -> None:
        """It is gone, and what the radio held with it."""
        with self._lock:
            if holder is self._holder:
                self._turns.forget(self._now())
                self._holder = None

    def is_idle(self, holder: object) -> bool:
        """Whether the radio has nothing left to do."""
        with self._lock:
            return holder is self._holder and self._turns.is_idle()

    def takes_alerts(self, holder: object) -> bool:
        """Whether it has nothing left to do, or an alert could pass what it has."""
        with self._lock:
            return holder is self._holder and self._turns.takes_alerts()

    def allowance(self, holder: object, now: float) -> Allowance:
        """What may be handed over now."""
        with self._lock:
            if holder is not self._holder:
                return NO_AIRTIME
            allowed, left_ms = self._turns.allowance(now), max(0.0, self._says.left_ms(now))
            return allowed.at_most(left_ms)

    def take(self, holder: object, frames: list[bytes], now: float) -> None:
        """Frames for the radio."""
        with self._lock:
            if holder is self._holder:
                self._turns.take(frames, now)
                for frame in frames:
                    self._says.take(self.rules.airtime_ms(len(frame)))

    def next_frame(self, holder: object) -> bytes | None:
        """The frame the radio gets now, if it can take one and there is one."""
        with self._lock:
            return self._turns.next_frame() if holder is self._holder else None

    def done(self, holder: object, frame: bytes | None = None) -> None:
        """The frame, or the only one in the radio, left the air."""
        with self._lock:
            if holder is self._holder:
                now = self._now()
                self._busy.add(self._turns.done(now, frame), now)

    def told(self, busy: float, sent: float) -> None:
        """The radio's own count: how busy the last minute was, and how much of the last hour it sent."""
        with self._lock:
            self._says.tell(busy, sent, self._turns.in_radio_ms, self._now())

    def refused(self, for_s: float) -> None:
        """The radio says that its hour is used up, and for how many seconds."""
        with self._lock:
            self._says.refuse(self._now() + for_s)

    def heard(self, frame_bytes: int) -> None:
        """Somebody else's frame of this length came."""
        self.noise(self.rules.airtime_ms(frame_bytes))

    def noise(self, airtime_ms: float) -> None:
        """The channel was busy for so long with something that was not understood."""
        with self._lock:
            self._busy.add(airtime_ms, self._now())

    def use(self) -> AirtimeUse:
        """How much of its hour is used, and how busy the channel is."""
        rules, hour_ms = self.rules, HOUR_S * 1_000
        with self._lock:
            now = self._now()
            used_ms = max(self._hour.spent_ms(now), self._says.sent_ms(now))
            return AirtimeUse(
                region=rules.region.name,
                preset=rules.preset.name,
                used=used_ms / hour_ms,
                limit=rules.duty,
                reserve=self._hour.reserve_ms / hour_ms,
                law=rules.region.duty_cycle,
                busy=self._utilisation(now),
                waits_for=self._waits_for(now),
                refused_s=self._says.refuses_for_s(now),
            )

    def _waits_for(self, now: float) -> WaitsFor | None:
        if self._says.refuses_for_s(now):
            return WaitsFor.FIRMWARE
        if min(self._hour.left(now).any_ms, self._says.left_ms(now)) < self.rules.longest_ms:
            return WaitsFor.HOUR
        return WaitsFor.CHANNEL if self._utilisation(now) > POLITE_UTILISATION else None

    def close(self) -> None:
        """The node ends in order."""
        with self._lock:
            self._hour.close(self._now())

    def _utilisation(self, now: float) -> float:
        return min(1.0, max(self._busy.total_ms(now) / (BUSY_WINDOW_S * 1_000), self._says.busy(now)))
