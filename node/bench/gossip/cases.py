"""The cases that are run: each from a seed, on one firmware's airtime, for some numbers.

What the numbers must be is in `rows`; several rows may be read from one case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from node.bench.gossip.apart import Lack, cost_of
from node.bench.gossip.loaded import Carried, mic_checks, under_attack
from node.bench.gossip.quiet import share_of_air
from radio.airtime import Firmware
from radio.attackers import ATTACKS
from radio.experiment.case import Case
from radio.experiment.run import compare

# What a case gives: numbers by name. A list where a percentile is taken over all seeds.
Values = Mapping[str, float | list[float]]
Run = Callable[[int, Firmware], Values]

TABLE = Case()
BURSTY = Case(burst=4)
LOSSY = Case(loss=0.4)
FEW = Case(camps=10, degree=4.5)
# The attackers are nine, and half the camps are a fourth of the work; in their middle an attacker is heard by
# more than a third of them.
ATTACKED = Case(camps=25)
UNHARMED = "no attacker"


@dataclass(frozen=True, slots=True)
class Job:
    """One case to run."""

    case: str
    seed: int
    firmware: Firmware

    @property
    def key(self) -> str:
        """The job in a file of results."""
        return f"{self.case}/{self.seed}/{self.firmware.value}"


def run(job: Job) -> Values:
    """The numbers of a job; the same job gives the same."""
    return CASES[job.case](job.seed, job.firmware)


def attacked(attack: str) -> str:
    """The case of an attack."""
    return f"attack_{attack.replace(' ', '_').replace('-', '_')}"


def _network(case: Case, seed: int, firmware: Firmware) -> Values:
    report = compare(_seeded(case, seed, firmware))
    assert report.managed is not None
    return {
        "delivered": report.delivered,
        "within_10_min": report.within_10_min,
        "airtime_s_per_message": report.airtime_s_per_message,
        "managed_s_per_message": report.managed.airtime_s_per_message,
        "managed_delivered": report.managed.delivered,
        "oracle_s_per_message": report.oracle_s_per_message,
        "duty_max": report.duty_max,
    }


def _level_day(seed: int, firmware: Firmware) -> Values:
    share, by_kind_s = share_of_air(seed, firmware)
    return {"share": share, **_kinds(by_kind_s)}


def _apart(lack: Lack, differences: int, seed: int, firmware: Firmware) -> Values:
    cost = cost_of(lack, differences, seed, firmware)
    return {
        "airtime_s": cost.levelled.airtime_s,
        "bound_s": cost.bound_s,
        "tail_s": cost.levelled.tail_s,
        "took_s": cost.levelled.took_s,
        "lacking": cost.levelled.lacking,
        "early_share": cost.levelled.early_share,
        **_kinds(cost.levelled.by_kind_s),
    }


def _mic_checks(seed: int, firmware: Firmware) -> Values:
    carried = mic_checks(_seeded(TABLE, seed, firmware))
    return {**_carried(carried), "latencies_s": [round(delay, 1) for delay in carried.latencies_s]}


def _attack(attack: str | None, seed: int, firmware: Firmware) -> Values:
    return _carried(under_attack(_seeded(ATTACKED, seed, firmware), attack))


def _carried(carried: Carried) -> dict[str, float | list[float]]:
    return {
        "delivered": carried.delivered,
        "p95_s": carried.p95_s(),
        "airtime_s_per_message": carried.airtime_s_per_message,
        **_kinds(carried.by_kind_s),
    }


def _kinds(by_kind_s: Mapping[str, float]) -> dict[str, float]:
    """Airtime by kind of frame, for whoever wants to know where it went."""
    return {f"{kind} s": seconds for kind, seconds in sorted(by_kind_s.items())}


def _seeded(case: Case, seed: int, firmware: Firmware) -> Case:
    return replace(case, seed=seed, firmware=firmware)


CASES: Mapping[str, Run] = {
    "network": partial(_network, TABLE),
    "bursty": partial(_network, BURSTY),
    "lossy": partial(_network, LOSSY),
    "ten_camps": partial(_network, FEW),
    "level_day": _level_day,
    "pair_20": partial(_apart, Lack.PAIR, 20),
    "pair_200": partial(_apart, Lack.PAIR, 200),
    "halves_20": partial(_apart, Lack.HALVES, 20),
    "halves_200": partial(_apart, Lack.HALVES, 200),
    "one_has_200": partial(_apart, Lack.ONE_HAS, 200),
    "one_lacks_200": partial(_apart, Lack.ONE_LACKS, 200),
    "joins_one": partial(_apart, Lack.JOINS_ONE, 2_000),
    "joins_six": partial(_apart, Lack.JOINS_SIX, 2_000),
    "mic_checks": _mic_checks,
    attacked(UNHARMED): partial(_attack, None),
    **{attacked(attack): partial(_attack, attack) for attack in ATTACKS},
}
