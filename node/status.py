"""The status object of a camp whose node does not run. The running node's is made by the pages."""

from __future__ import annotations

from importlib.metadata import version

from node.clock import Clock
from node.home import Home
from node.link_names import named_links
from node.looking import looking
from node.settings import Link, Settings
from radio.link_sight import LinkState
from sync.views import Count, StoreStatus
from web_ui.api_form import Json, status_json
from web_ui.desk import ClockView, LinkView
from web_ui.mail_desk import InternetView

_REFUSED = "refused."
# The state of a link when no node runs; with one, those of `radio.link_sight`.
NOT_RUNNING = "not running"


def status_at_rest(home: Home, settings: Settings, clock: Clock) -> Json:
    """What can be said without a node: links as they are in the settings, no uptime."""
    with looking(home) as reader:
        store = reader.status()
    trust = clock.trust()
    clock_view = ClockView(trust.is_set, trust.source)
    links = tuple(_at_rest(name, link) for name, link in named_links(settings.link))
    internet = InternetView(metered=settings.internet.metered)
    return status_json(
        store, clock_view, links, (), refused_counts(store), version("miccheck"), 0.0, internet
    )


def _at_rest(name: str, link: Link) -> LinkView:
    state = LinkState.STOPPED.value if link.stopped else NOT_RUNNING
    return LinkView(name, link.kind, state, peer=None, since_s=None, frames_in=0, frames_out=0)


def refused_counts(store: StoreStatus) -> tuple[Count, ...]:
    """What was refused from outside, by reason, most first."""
    counts = [
        Count(count.name.removeprefix(_REFUSED), count.n)
        for count in store.counters
        if count.name.startswith(_REFUSED)
    ]
    return tuple(sorted(counts, key=lambda count: (-count.n, count.name)))
