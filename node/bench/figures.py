"""A measured figure, the limit it must keep, and how a list of them is printed.

A limit on a rate is a promise about machines nobody here has seen, so wherever it can be the figure is a
ratio of two things measured in turns in the same run; the absolute figures stand beside it without a limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Bound(StrEnum):
    """On which side of its limit a figure must be."""

    AT_MOST = "<="
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value in `unit`. Without a limit it is for information and always passes."""

    name: str  # for programs: lower case, joined by underscores, the unit last
    what: str  # for people
    value: float
    unit: str
    bound: Bound = Bound.AT_MOST
    limit: float | None = None
    detail: bool = False  # for programs, and left out of the table

    @property
    def passes(self) -> bool:
        """Whether the limit is kept. What is not a number keeps none."""
        if self.limit is None:
            return True
        return self.value <= self.limit if self.bound == Bound.AT_MOST else self.value >= self.limit

    def as_json(self) -> dict[str, object]:
        """The figure as an object of `miccheck bench --json`."""
        return {
            "name": self.name,
            "what": self.what,
            "value": rounded(self.value) if math.isfinite(self.value) else None,
            "unit": self.unit,
            "bound": None if self.limit is None else self.bound.value,
            "limit": self.limit,
            "pass": self.passes,
        }


def rounded(value: float) -> float:
    """Four digits and no more: the fifth is noise."""
    if value == 0 or not math.isfinite(value):
        return value
    kept = round(value, max(0, 3 - math.floor(math.log10(abs(value)))))
    return int(kept) if kept == int(kept) else kept


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed. Raises ValueError when empty."""
    in_order = sorted(values)
    if not in_order:
        raise ValueError("a quantile of nothing")
    return in_order[max(0, math.ceil(share * len(in_order)) - 1)]


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [("", "measured", "must be", ""), ("---", "---:", "---:", "---")]
    shown = [figure for figure in figures if not figure.detail]
    rows += [(figure.what, _measured(figure), _must_be(figure), _verdict(figure)) for figure in shown]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    what, measured, must_be, verdict = row
    fill = "-" if what == "---" else " "
    cells = (
        what.ljust(widths[0], fill),
        measured.rjust(widths[1], fill),
        must_be.rjust(widths[2], fill),
        verdict.ljust(widths[3], fill),
    )
    return f"| {' | '.join(cells)} |"


def _measured(figure: Figure) -> str:
    return _with_unit(figure.value, figure.unit)


def _must_be(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    sign = "≤" if figure.bound == Bound.AT_MOST else "≥"
    return f"{sign} {_with_unit(figure.limit, figure.unit)}"


def _verdict(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    return "ok" if figure.passes else "MISSED"


def _with_unit(value: float, unit: str) -> str:
    number = f"{rounded(value):,}"
    return f"{number} {unit}" if unit else number
