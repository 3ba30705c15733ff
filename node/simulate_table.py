"""The table of `miccheck simulate`: one run, for somebody who reads it in a terminal."""

from __future__ import annotations

from radio.experiment.case import Case
from radio.experiment.outcome import Report


def table(report: Report, wall_s: float) -> str:
    """All figures of a run, a dozen lines or two."""
    lines = [*_case(report), "", *_figures(report), "", *_frames(report), "", f"trace {report.trace}"]
    return "\n".join([*lines, f"took {wall_s:.1f} s"])


def _case(report: Report) -> list[str]:
    case = report.case
    air = f"{case.preset}, firmware {'raw' if case.firmware.value == 'raw' else '2.8'}"
    trouble = f", {case.cuts} cuts, {case.churn} power failures" if case.cuts or case.churn else ""
    return [
        f"{case.scheme.value}: {case.camps} camps, {case.terrain.value}, {report.degree:.3g} in earshot, "
        f"{air}, {case.loss:.0%} lost{', capture' if case.capture else ''}{trouble}, seed {case.seed}",
        f"{case.messages} messages of {case.size} bytes in {case.minutes:g} min{_bursts(case)}, "
        f"and {case.after_s / 60:g} min more",
    ]


def _bursts(case: Case) -> str:
    return f", {case.burst} by one author within 2 min" if case.burst > 1 else ""


def _figures(report: Report) -> list[str]:
    latency = report.latency
    level = "never" if report.converged_s is None else f"{report.converged_s:,.0f} s after the last post"
    rows = [
        ("delivered", f"{report.delivered:.4f}, within 10 min {report.within_10_min:.4f}"),
        ("airtime a message", f"{report.airtime_s_per_message:.2f} s of all camps together"),
        ("an all-knowing sender", f"{report.oracle_s_per_message:.2f} s"),
        ("all camps hold all", level),
        ("on the way", f"p50 {latency.p50:,.0f} s, p95 {latency.p95:,.0f} s, longest {latency.max:,.0f} s"),
        ("busiest hour of a camp", f"{report.duty_max:.2%} of the hour on the air"),
    ]
    if report.managed is not None and report.ratio_to_managed is not None:
        rival = report.managed
        theirs = f"{rival.airtime_s_per_message:.2f} s, {rival.delivered:.4f} delivered"
        rows.insert(2, ("managed flooding", f"{theirs}; ratio {report.ratio_to_managed:.3f}"))
    return [f"{name:<24}{value}" for name, value in rows]


def _frames(report: Report) -> list[str]:
    whole_s = sum(kind.airtime_s for kind in report.kinds) or 1.0
    lines = [f"{'frame':<18}{'frames':>9}{'airtime, s':>13}{'share':>9}"]
    lines += [
        f"{kind.name:<18}{kind.frames:>9,}{kind.airtime_s:>13,.1f}{kind.airtime_s / whole_s:>9.1%}"
        for kind in report.kinds
    ]
    if report.uses:
        uses = ", ".join(f"{use.name} {use.airtime_s:,.0f} s" for use in report.uses)
        lines.append(f"bundles: {uses}")
    fates = ", ".join(f"{name} {count:,}" for name, count in report.fates)
    return [*lines, f"at their hearers: {fates}"]
