"""What came of a run: the figures, and what a drawing of it needs."""

from __future__ import annotations

from dataclasses import dataclass

from radio.experiment.case import Case

# "Within 10 minutes" is what people call soon: time to walk to the next camp.
SOON_S = 600.0


@dataclass(frozen=True, slots=True)
class FrameKind:
    """All frames of one kind together, of all camps over the whole run."""

    name: str
    frames: int
    airtime_s: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from a post to its arrival at another camp, over all copies that arrived."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Point:
    """At this second of the run so much of all copies (messages times other camps) had arrived."""

    at_s: float
    delivered: float


@dataclass(frozen=True, slots=True)
class Map:
    """Where the camps are, in a square from 0 to 1, and which pairs hear each other (by place in `spots`)."""

    names: tuple[str, ...]
    spots: tuple[tuple[float, float], ...]
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Rival:
    """Managed flooding on the same map, with the same messages and the same seed."""

    delivered: float
    airtime_s_per_message: float
    curve: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One run. Shares are 0 to 1; airtime is of all camps over the whole run, beacons too."""

    case: Case
    degree: float  # of the map as it turned out
    delivered: float
    within_10_min: float
    airtime_s_per_message: float
    kinds: tuple[FrameKind, ...]  # dearest first
    uses: tuple[FrameKind, ...]  # what bundle frames were for (`uses.py`); of a baseline nothing
    fates: tuple[tuple[str, int], ...]  # what became of frames at hearers, by name
    oracle_s_per_message: float
    converged_s: float | None  # seconds from the last post until every camp held all; None: never
    latency: Latency
    latencies_s: tuple[float, ...]  # sorted
    curve: tuple[Point, ...]
    map: Map
    duty_max: float  # busiest hour of any camp
    trace: str
    managed: Rival | None = None

    @property
    def ratio_to_managed(self) -> float | None:
        """Airtime a message, ours by managed flooding's; None when nobody asked, or it never said a word."""
        if self.managed is None or not self.managed.airtime_s_per_message:
            return None
        return self.airtime_s_per_message / self.managed.airtime_s_per_message


def as_json(report: Report) -> dict[str, object]:
    """The report as one JSON object; times in seconds to the millisecond, shares to the millionth."""
    case = report.case
    managed = report.managed
    ratio = report.ratio_to_managed
    return {
        "scheme": case.scheme.value,
        "seed": case.seed,
        "camps": case.camps,
        "degree": round(report.degree, 3),
        "topology": case.terrain.value,
        "preset": case.preset,
        "firmware": "raw" if case.firmware.value == "raw" else "2.8",
        "capture": case.capture,
        "loss": case.loss,
        "messages": case.messages,
        "minutes": case.minutes,
        "after_s": case.after_s,
        "size": case.size,
        "burst": case.burst,
        "cuts": case.cuts,
        "churn": case.churn,
        "delivered": round(report.delivered, 6),
        "within_10_min": round(report.within_10_min, 6),
        "airtime_s_per_message": round(report.airtime_s_per_message, 3),
        "airtime_s_by_frame": {kind.name: round(kind.airtime_s, 3) for kind in report.kinds},
        "bundle_airtime_s_by_use": {use.name: round(use.airtime_s, 3) for use in report.uses},
        "frames": {kind.name: kind.frames for kind in report.kinds},
        "fates": dict(report.fates),
        "ratio_to_managed": None if ratio is None else round(ratio, 4),
        "managed": None
        if managed is None
        else {
            "delivered": round(managed.delivered, 6),
            "airtime_s_per_message": round(managed.airtime_s_per_message, 3),
        },
        "oracle_s_per_message": round(report.oracle_s_per_message, 3),
        "converged_s": None if report.converged_s is None else round(report.converged_s, 3),
        "latency_s": {
            "p50": round(report.latency.p50, 3),
            "p95": round(report.latency.p95, 3),
            "max": round(report.latency.max, 3),
        },
        "duty_max": round(report.duty_max, 6),
        "trace": report.trace,
    }
