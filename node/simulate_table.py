"""The table of `miccheck simulate`: one run, for somebody who reads it in a terminal."""

from __future__ import annotations

from radio.airtime import Firmware
from radio.experiment.case import Case
from radio.experiment.outcome import Report


def table(report: Report, wall_s: float) -> str:
    """All figures of a run, a dozen lines or two."""
    case = report.case
    first = f"{case.scheme.value}: {', '.join([f'{case.camps} camps', *circumstances(report)])}"
    lines = [first, posts(report), "", *_figures(report), "", *_frames(report), "", f"trace {report.trace}"]
    return "\n".join([*lines, f"took {wall_s:.1f} s"])


def circumstances(report: Report) -> list[str]:
    """How the camps lie and how they hear each other, a fact each."""
    case = report.case
    facts = [
        case.terrain.value,
        f"{report.degree:.3g} in earshot",
        case.preset,
        f"firmware {'raw' if case.firmware is Firmware.RAW else '2.8'}",
        f"{case.loss:.0%} lost",
    ]
    if case.capture:
        facts.append("capture")
    for count, one, more in (
        (case.cuts, "cut", "cuts"),
        (case.churn, "power failure", "power failures"),
    ):
        if count:
            facts.append(f"{count:,} {one if count == 1 else more}")
    return [*facts, f"seed {case.seed}"]


def posts(report: Report) -> str:
    """Who says how much, and for how long the run goes on."""
    case = report.case
    bursts = f", {case.burst} by one author within 2 min" if case.burst > 1 else ""
    after = f"and {round(case.after_s / 60, 1):,g} min more"
    return f"{messages_of(case)} of {case.size} bytes in {round(case.minutes, 1):,g} min{bursts}, {after}"


def messages_of(case: Case) -> str:
    """Their number, as one says it."""
    return "1 message" if case.messages == 1 else f"{case.messages:,} messages"


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
    if report.managed is not None:
        rival = report.managed
        ratio = "" if report.ratio_to_managed is None else f"; ratio {report.ratio_to_managed:.3f}"
        theirs = f"{rival.airtime_s_per_message:.2f} s, {rival.delivered:.4f} delivered{ratio}"
        rows.insert(2, ("managed flooding", theirs))
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
    return [*lines, f"at their hearers: {fates or 'nothing'}"]
