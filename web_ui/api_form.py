"""Messages, channels and the status as programs read them; the same for HTTP and `miccheck … --json`.

The field names and words are a promise to other people's programs: they grow, they do not change.
"""

from __future__ import annotations

from collections.abc import Sequence

from sync.message import Kind
from sync.views import ChannelView, Count, ListState, MessagePage, MessageView, State, StoreStatus
from web_ui.desk import AirtimeView, ClockView, LinkView, ListView
from web_ui.mail_desk import InternetView
from web_ui.words import rfc3339

Json = dict[str, object]

# A hundredth of a percent of an hour is a third of a second: less than a frame of LONG_FAST.
SHARE_DIGITS = 4


def message_json(view: MessageView) -> Json:
    """A message. What a moderator hid or its author took back has an empty text."""
    gone = view.hidden or view.state is State.RETRACTED
    return {
        "id": view.id.hex(),
        "camp": {"id": view.camp.id, "name": view.camp.name},
        "channel": view.channel,
        "author": view.author,
        "text": "" if gone else view.text,
        "role": view.role.word,
        "kind": Kind(view.kind).name.lower(),
        "created": rfc3339(view.created),
        "received": rfc3339(view.received),
        "via": view.via.value,
        "parent": view.parent.hex() if view.parent is not None else None,
        "urgent": view.urgent,
        "state": view.state.value,
        "heard_by": list(view.heard_by),
        "echoes": view.echoes,
        "list": _list(view.list),
    }


def _list(state: ListState | None) -> str | None:
    """Where it is on its way to the list. What only a stranger says to be there waits."""
    if state is ListState.CLAIMED:
        state = ListState.WAITING
    return None if state is None else state.value


def page_json(page: MessagePage) -> Json:
    """A page of messages and where to go on."""
    return {
        "messages": [message_json(view) for view in page.messages],
        "next": page.next.hex() if page.next is not None else None,
    }


def channel_json(view: ChannelView) -> Json:
    """A channel and its rules."""
    return {
        "name": view.name,
        "speaks": view.speaks.value,
        "crosses": view.crosses,
        "to_list": view.to_list,
        "retention_days": view.retention_days,
        "group": view.is_group,
        "heard": view.heard,
        "about": view.about,
        "messages": view.messages,
        "newest": rfc3339(view.newest) if view.newest is not None else None,
    }


def status_json(
    store: StoreStatus,
    clock: ClockView,
    links: Sequence[LinkView],
    lists: Sequence[ListView],
    refused: Sequence[Count],
    version: str,
    uptime_s: float,
    internet: InternetView,
) -> Json:
    """How the box is. No addresses, no people."""
    return {
        "camp": {"id": store.camp.id, "name": store.camp.name, "place": store.place},
        "version": version,
        "uptime_s": int(uptime_s),
        "clock": {"set": clock.is_set, "source": clock.source},
        "messages": store.messages,
        "held": store.held,
        "waiting": store.own_waiting,
        "bundles": {"live": store.bundles_live, "history": store.bundles_history},
        "camps": store.camps,
        "letters": {"waiting": store.letters_waiting, "sent": store.letters_sent},
        "store_bytes": store.file_bytes,
        "links": [link_json(link) for link in links],
        "lists": [
            {
                "name": view.name,
                "waiting": view.waiting,
                "sent": view.sent,
                "taken_in": view.taken_in,
                "left_out": view.left_out,
                "progress": view.progress or None,
                "seconds_left": int(view.seconds_left) if view.seconds_left is not None else None,
                "error": view.error or None,
            }
            for view in lists
        ],
        "internet": {
            "state": internet.state,
            "since": rfc3339(internet.since_s) if internet.since_s is not None else None,
            "metered": internet.metered,
        },
        "refused": {count.name: count.n for count in refused},
    }


def link_json(link: LinkView) -> Json:
    """A link to neighbours."""
    return {
        "name": link.name,
        "kind": link.kind,
        "state": link.state,
        "peer": link.peer,
        "since": rfc3339(link.since_s) if link.since_s is not None else None,
        "frames_in": link.frames_in,
        "frames_out": link.frames_out,
        "airtime": airtime_json(link.airtime) if link.airtime is not None else None,
        "why": link.why or None,
    }


def airtime_json(view: AirtimeView) -> Json:
    """What a radio does to the air; shares to a hundredth of a percent."""
    return {
        "region": view.region,
        "preset": view.preset,
        "used": round(view.used, SHARE_DIGITS),
        "limit": round(view.limit, SHARE_DIGITS),
        "for_alerts": round(view.for_alerts, SHARE_DIGITS),
        "law": view.law,
        "busy": round(view.busy, SHARE_DIGITS),
        "waits_for": view.waits_for,
        "refused_s": int(view.refused_s),
    }
