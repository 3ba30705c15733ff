"""The status object of a camp whose node does not run. The running node's is made by the pages."""

from __future__ import annotations

from importlib.metadata import version

from node.clock import Clock
from node.home import Home
from node.looking import looking
from sync.views import Count, StoreStatus
from web_ui.api_form import Json, status_json
from web_ui.desk import ClockView

_REFUSED = "refused."


def status_at_rest(home: Home, clock: Clock) -> Json:
    """What can be said without a node: no links, no uptime."""
    with looking(home) as reader:
        store = reader.status()
    trust = clock.trust()
    clock_view = ClockView(trust.is_set, trust.source)
    return status_json(store, clock_view, (), (), refused_counts(store), version("miccheck"), 0.0)


def refused_counts(store: StoreStatus) -> tuple[Count, ...]:
    """What was refused from outside, by reason, most first."""
    counts = [
        Count(count.name.removeprefix(_REFUSED), count.n)
        for count in store.counters
        if count.name.startswith(_REFUSED)
    ]
    return tuple(sorted(counts, key=lambda count: (-count.n, count.name)))
