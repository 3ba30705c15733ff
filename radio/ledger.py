"""Who used how much of the air, and for what: kept outside the nodes, so that it can testify about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from radio.airtime import HOUR_S, RollingAirtime
from radio.simulated import Fate, Sent
from sync.air_frames import AirFrameType
from sync.frames import FRAME_VERSION, FrameType
from sync.padding import unpad
from sync.reject import Reject


def kind_of(frame: bytes) -> str:
    """What a frame says it is, for people: `bundle`, `ask keys`; `unknown` where we have no name for it."""
    if not frame or frame[0] >> 4 != FRAME_VERSION:
        return "unknown"
    try:
        return _KINDS.get(unpad(frame)[0] & 0x0F, "unknown")
    except Reject:
        return "unknown"


_KINDS: dict[int, str] = {
    kind.value: kind.name.lower().replace("_", " ") for kind in (*FrameType, *AirFrameType)
}


class Ledger:
    """Airtime by camp and by kind of frame, the busiest hour of each camp, and the fates at hearers."""

    def __init__(self, kind_of: Callable[[bytes], str] = kind_of) -> None:
        self._kind_of = kind_of
        self.frames = 0
        self.airtime_ms = 0.0
        self.ms_of_camp: defaultdict[str, float] = defaultdict(float)
        self.ms_of_kind: defaultdict[str, float] = defaultdict(float)
        self.frames_of_kind: Counter[str] = Counter()
        self.fates: Counter[Fate] = Counter()
        self._hour_of: defaultdict[str, RollingAirtime] = defaultdict(lambda: RollingAirtime(HOUR_S))
        self._busiest_ms: defaultdict[str, float] = defaultdict(float)

    def note(self, sent: Sent) -> None:
        """A frame left the air."""
        kind = self._kind_of(sent.frame)
        self.frames += 1
        self.airtime_ms += sent.airtime_ms
        self.ms_of_camp[sent.sender] += sent.airtime_ms
        self.ms_of_kind[kind] += sent.airtime_ms
        self.frames_of_kind[kind] += 1
        self.fates.update(each.fate for each in sent.hearings)
        hour = self._hour_of[sent.sender]
        hour.add(sent.airtime_ms, sent.at_s)
        self._busiest_ms[sent.sender] = max(self._busiest_ms[sent.sender], hour.total_ms(sent.at_s))

    def busiest_hour_ms(self, camp: str) -> float:
        """The most this camp sent within any 3,600 s; a frame that reaches into them counts whole."""
        return self._busiest_ms[camp]
