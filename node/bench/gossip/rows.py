"""The table of what the engine must do on the air, and how each row is read from the runs of its cases.

A ratio is of sums over all seeds: one seed of twenty differences is a matter of luck, by a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from node.bench.figures import Bound, Figure, quantile
from node.bench.gossip.cases import UNHARMED, Values, attacked
from radio.attackers import ATTACKS

# Done runs by case, one for each seed.
Done = Mapping[str, Sequence[Values]]

MIC_CHECK_P95_S = 60.0
MIC_CHECK_LAST_S = 300.0
# A lost alert comes again when it is asked for, and meanwhile others do.
EARLY_SHARE_MAX = 0.05


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `value` reads it from the runs of `cases`."""

    name: str
    what: str
    cases: tuple[str, ...]
    value: Callable[[Done], float]
    limit: float
    unit: str = ""
    bound: Bound = Bound.AT_MOST
    aim: float | None = None

    def figure(self, done: Done) -> Figure:
        """The row as it was measured."""
        return Figure(self.name, self.what, self.value(done), self.unit, self.bound, self.limit)


def rows_of(done: Done) -> list[Row]:
    """The rows whose cases were all run."""
    return [row for row in ROWS if all(done.get(case) for case in row.cases)]


# -- how a value is read ---------------------------------------------------------------------------------


def _numbers(done: Done, case: str, name: str) -> list[float]:
    """A number of every run."""
    return [value for values in done[case] if isinstance(value := values[name], int | float)]


def _ratio(case: str, name: str, to: str) -> Callable[[Done], float]:
    return lambda done: sum(_numbers(done, case, name)) / sum(_numbers(done, case, to))


def _to_bound(case: str) -> Callable[[Done], float]:
    """Airtime to the bound; infinite when a run ended before all was level."""

    def value(done: Done) -> float:
        if any(_numbers(done, case, "lacking")):
            return float("inf")
        return _ratio(case, "airtime_s", "bound_s")(done)

    return value


def _least(case: str, name: str) -> Callable[[Done], float]:
    return lambda done: min(_numbers(done, case, name))


def _most(case: str, name: str) -> Callable[[Done], float]:
    return lambda done: max(_numbers(done, case, name))


def _mean(case: str, name: str, times: float = 1.0) -> Callable[[Done], float]:
    return lambda done: times * sum(_numbers(done, case, name)) / len(done[case])


def _mic_check(share: float) -> Callable[[Done], float]:
    """Seconds until this share of all camps had a mic check, over all seeds; infinite when they never had."""

    def value(done: Done) -> float:
        latencies: list[float] = []
        for values in done["mic_checks"]:
            more = values["latencies_s"]
            latencies += more if isinstance(more, list) else []
        delivered = sum(_numbers(done, "mic_checks", "delivered")) / len(done["mic_checks"])
        return quantile(latencies, share / delivered) if share <= delivered else float("inf")

    return value


def _slowed(attack: str) -> Callable[[Done], float]:
    """The 95th percentile under attack to that without."""

    def value(done: Done) -> float:
        harmed, unharmed = (_numbers(done, attacked(each), "p95_s") for each in (attack, UNHARMED))
        return sum(harmed) / sum(unharmed)

    return value


# -- the table -------------------------------------------------------------------------------------------


def _network(case: str, what: str, limit: float, aim: float, soon: float | None = None) -> list[Row]:
    delivered = Row(
        f"{case}_delivered",
        f"{what}: delivered",
        (case,),
        _least(case, "delivered"),
        1.0,
        bound=Bound.AT_LEAST,
    )
    within = Row(
        f"{case}_within_10_min",
        f"{what}: within 10 minutes",
        (case,),
        _mean(case, "within_10_min"),
        soon or 0.0,
        bound=Bound.AT_LEAST,
    )
    ratio = Row(
        f"{case}_to_managed",
        f"{what}: airtime, to managed flooding's",
        (case,),
        _ratio(case, "airtime_s_per_message", "managed_s_per_message"),
        limit,
        aim=aim,
    )
    return [delivered, *([within] if soon is not None else []), ratio]


def _apart(case: str, what: str, limit: float, aim: float | None = None) -> Row:
    return Row(f"{case}_to_bound", what, (case,), _to_bound(case), limit, aim=aim)


def _attack(attack: str) -> list[Row]:
    case = attacked(attack)
    return [
        Row(
            f"{case}_delivered",
            f"an attacker at 3 % of the air, {attack}: delivered",
            (case,),
            _least(case, "delivered"),
            1.0,
            bound=Bound.AT_LEAST,
        ),
        Row(
            f"{case}_slowed",
            f"an attacker at 3 % of the air, {attack}: p95, to that without",
            (case, attacked(UNHARMED)),
            _slowed(attack),
            2.0,
        ),
    ]


ROWS: Sequence[Row] = (
    *_network("network", "50 camps, degree 7, 20 % loss", 1.2, 1.0, soon=0.997),
    *_network("bursty", "the same, each author posts 4 within 2 minutes", 0.75, 0.6),
    *_network("lossy", "the same with 40 % loss", 1.7, 1.4),
    *_network("ten_camps", "10 camps, degree 4.5, 20 % loss", 1.6, 1.25),
    Row(
        "level_day_percent",
        "level for 24 h, 7 in earshot: share of the air",
        ("level_day",),
        _mean("level_day", "share", 100.0),
        0.10,
        "%",
    ),
    _apart("pair_20", "a pair, 20 differences at one side: airtime, to the erasure bound", 1.10),
    _apart("halves_20", "a pair, 10 at each side", 1.10),
    _apart("pair_200", "a pair, 200 at one side", 1.10),
    _apart("halves_200", "a pair, 100 at each side", 1.10),
    _apart("one_has_200", "one has 200 that six in earshot lack: airtime, to the coded bound", 1.6, 1.4),
    _apart("one_lacks_200", "one lacks 200 that six in earshot have", 1.6, 1.4),
    _apart("joins_one", "a fresh camp, 2,000 messages, one holder: airtime, to the erasure bound", 1.15),
    _apart("joins_six", "a fresh camp, 2,000 messages, six holders", 1.15),
    *(
        Row(
            f"{case}_before_alerts",
            f"{what}: of the other messages, share that came before the last alert",
            (case,),
            _most(case, "early_share"),
            EARLY_SHARE_MAX,
        )
        for case, what in (("joins_one", "the same, one holder"), ("joins_six", "the same, six holders"))
    ),
    Row(
        "mic_check_p95_s",
        "a mic check at 50 camps under load: p95",
        ("mic_checks",),
        _mic_check(0.95),
        MIC_CHECK_P95_S,
        "s",
    ),
    Row(
        "mic_check_last_s",
        "a mic check at 50 camps under load: the last camp",
        ("mic_checks",),
        _mic_check(1.0),
        MIC_CHECK_LAST_S,
        "s",
    ),
    *(row for attack in ATTACKS for row in _attack(attack)),
)
