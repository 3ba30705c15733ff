"""The status object of a camp whose node does not run. The running node makes its own."""

from __future__ import annotations

from importlib.metadata import version

from node.clock import Clock
from node.home import Home
from node.link_names import named_links
from node.list_settings import MailingList
from node.looking import looking
from node.settings import Link, Settings
from radio.link_sight import LinkState
from sync.reading import Reader
from sync.views import Count, StoreStatus
from web_ui import mail_words as words
from web_ui.api_form import Json, status_json
from web_ui.desk import ClockView, LinkView, ListView
from web_ui.mail_desk import InternetView
from web_ui.mail_words import in_english

_REFUSED = "refused."
# The state of a link when no node runs; with one, those of `radio.link_sight`.
NOT_RUNNING = "not running"


def status_at_rest(home: Home, settings: Settings, clock: Clock) -> Json:
    """What can be said without a node: links and lists as they are in the settings, no uptime."""
    with looking(home) as reader:
        store = reader.status()
        lists = tuple(_list_at_rest(each, reader) for each in settings.list if not each.stopped)
    trust = clock.trust()
    clock_view = ClockView(trust.is_set, trust.source)
    links = tuple(_at_rest(name, link) for name, link in named_links(settings.link))
    internet = InternetView(metered=settings.internet.metered)
    return status_json(
        store, clock_view, links, lists, refused_counts(store), version("miccheck"), 0.0, internet
    )


def _at_rest(name: str, link: Link) -> LinkView:
    state = LinkState.STOPPED.value if link.stopped else NOT_RUNNING
    return LinkView(name, link.kind, state, peer=None, since_s=None, frames_in=0, frames_out=0)


def _list_at_rest(mailing_list: MailingList, reader: Reader) -> ListView:
    """What is on the disk, and what a person has to write into the settings."""
    counts = reader.letters().counts(mailing_list.name)
    brings = bool(mailing_list.inbox) and mailing_list.direction != "out"
    lacks = in_english(words.NOT_AGREED) if brings and not mailing_list.is_agreed else ""
    return ListView(mailing_list.name, counts.waiting, counts.sent, lacks, counts.taken_in, counts.left_out)


def refused_counts(store: StoreStatus) -> tuple[Count, ...]:
    """What was refused from outside, by reason, most first."""
    counts = [
        Count(count.name.removeprefix(_REFUSED), count.n)
        for count in store.counters
        if count.name.startswith(_REFUSED)
    ]
    return tuple(sorted(counts, key=lambda count: (-count.n, count.name)))
