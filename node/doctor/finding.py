"""What the doctor finds, and what it is given to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from node.clock import Clock
from node.home import Home
from node.link_names import named_links
from node.settings import Link, Settings


class Verdict(StrEnum):
    """How it is. Only what is BAD or WARN asks somebody to do something."""

    OK = "ok"
    WARN = "warn"  # it works, and will not for long, or not as well as it might
    BAD = "bad"
    SKIP = "skip"  # could not be looked at


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. `do` is one sentence, and empty where there is nothing to do."""

    check: str  # "disk", "link meshtastic-1"
    verdict: Verdict
    says: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """A camp and its box. `links`: what the running node says of its links; None when no node runs."""

    home: Home
    settings: Settings
    clock: Clock
    links: tuple[Mapping[str, Any], ...] | None = None

    @property
    def runs(self) -> bool:
        """Whether a node runs here."""
        return self.links is not None

    def named_links(self) -> tuple[tuple[str, Link], ...]:
        """The [[link]]s with the names the node gives them."""
        return named_links(self.settings.link)


Look = Callable[[Patient], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the doctor's table."""

    name: str
    looks_at: str
    look: Look = field(repr=False)


def ok(check: str, says: str) -> Finding:
    """It is well."""
    return Finding(check, Verdict.OK, says)


def warn(check: str, says: str, do: str) -> Finding:
    """It could be better."""
    return Finding(check, Verdict.WARN, says, do)


def bad(check: str, says: str, do: str) -> Finding:
    """It does not work."""
    return Finding(check, Verdict.BAD, says, do)


def skip(check: str, says: str) -> Finding:
    """It could not be looked at."""
    return Finding(check, Verdict.SKIP, says)
