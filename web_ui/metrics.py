"""Counters for Prometheus: how the box is, never who uses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sync.views import Count, StoreStatus
from web_ui.desk import LinkView


class _Snapshot(Collector):
    """What is known now, as metric families."""

    def __init__(
        self, store: StoreStatus, links: Sequence[LinkView], refused: Sequence[Count], uptime_s: float
    ) -> None:
        self._store = store
        self._links = links
        self._refused = refused
        self._uptime_s = uptime_s

    def collect(self) -> Iterator[Metric]:
        store = self._store
        for name, says, value in (
            ("uptime_seconds", "Seconds since the node started", self._uptime_s),
            ("messages", "Messages on the pages", store.messages),
            ("messages_waiting", "Own messages that wait for the radio", store.own_waiting),
            ("posts_held", "Posts that wait for a person", store.held),
            ("bundles_live", "Bundles offered to neighbours", store.bundles_live),
            ("camps", "Camps known", store.camps),
            ("letters_waiting", "Letters that wait for a mailing list", store.letters_waiting),
            ("store_bytes", "Bytes on disk", store.file_bytes),
        ):
            yield GaugeMetricFamily(f"miccheck_{name}", says, value=value)
        refused = CounterMetricFamily("miccheck_refused", "Refused from the air", labels=["reason"])
        for count in self._refused:
            refused.add_metric([count.name], count.n)
        yield refused
        frames = CounterMetricFamily("miccheck_frames", "Frames of a link", labels=["link", "way"])
        for number, link in enumerate(self._links):  # by number: a name may be an address
            frames.add_metric([str(number), "in"], link.frames_in)
            frames.add_metric([str(number), "out"], link.frames_out)
        yield frames
        yield from self._airtime()

    def _airtime(self) -> Iterator[Metric]:
        hour = GaugeMetricFamily(
            "miccheck_airtime_ratio", "Share of the last hour a radio sent", labels=["link"]
        )
        limit = GaugeMetricFamily(
            "miccheck_airtime_limit_ratio", "The most of an hour it sends", labels=["link"]
        )
        busy = GaugeMetricFamily("miccheck_channel_busy_ratio", "Share of the last minute", labels=["link"])
        for number, link in enumerate(self._links):
            if link.airtime is not None:
                hour.add_metric([str(number)], link.airtime.used)
                limit.add_metric([str(number)], link.airtime.limit)
                busy.add_metric([str(number)], link.airtime.busy)
        yield from (hour, limit, busy)


def exposition(
    store: StoreStatus, links: Sequence[LinkView], refused: Sequence[Count], uptime_s: float
) -> bytes:
    """The counters in the text format."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(store, links, refused, uptime_s))
    return generate_latest(registry)
