"""Counters of traces and of requests as families of Prometheus; names follow its conventions, units stand in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from groundwork.server.http_counts import BOUNDS_MS, HttpCounts

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from groundwork.app.telemetry_counts import TelemetryCounts

SPANS = {
    "stored": "committed", "duplicates": "were there already", "replaced": "took the place of an earlier state",
    "refused": "not stored, because of their ids or a full trace", "busy": "turned away, because too many waited",
}  # fmt: skip


class TelemetryMetrics:
    """Renders what the room of traces has counted."""

    def __init__(self, counts: TelemetryCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield each family once; parts that have not begun have none."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        counts = self._counts
        if counts.store:
            spans = CounterMetricFamily(
                "groundwork_spans", "Spans handed in, by what became of them", labels=["outcome"]
            )
            for name in SPANS:
                spans.add_metric([name], counts.store.get(name, 0))
            yield spans
            cut = CounterMetricFamily(
                "groundwork_spans_cut_values", "Values of spans cut or dropped because of limits"
            )
            cut.add_metric([], counts.store.get("cut", 0))
            yield cut
            yield _gauge(
                "groundwork_spans_waiting", "Spans that wait to be stored", counts.store.get("waiting", 0)
            )
        lag = GaugeMetricFamily(
            "groundwork_telemetry_lag_seconds",
            "Since everything was up to date, by what is made of it",
            labels=["part"],
        )
        for part, found in (("spans_of_records", counts.projector), ("rollups", counts.roller)):
            if found:
                lag.add_metric([part], found["lag_seconds"])
        if lag.samples:
            yield lag
        if counts.exporter:
            yield _gauge(
                "groundwork_export_waiting", "Spans that wait to be handed on", counts.exporter["waiting"]
            )
            handed = CounterMetricFamily(
                "groundwork_export_spans", "Spans handed on, by what became of them", labels=["outcome"]
            )
            for name in ("sent", "rejected", "dropped", "skipped"):
                handed.add_metric([name], counts.exporter[name])
            yield handed
        if counts.traces is not None:
            came = CounterMetricFamily("groundwork_traces", "Traces that have come, deleted ones among them")
            came.add_metric([], counts.traces)
            yield came
        if counts.archived_bytes is not None:
            yield _gauge("groundwork_archive_bytes", "Size of archived spans", counts.archived_bytes)
        if counts.totals:
            yield _gauge("groundwork_answers", "Answers in the rollups", counts.totals["answers"])
            yield _gauge(
                "groundwork_answers_abstained",
                "Answers that say they do not know",
                counts.totals["abstained"],
            )
        yield _feedback(counts.feedback)


class HttpMetrics:
    """Renders requests by route."""

    def __init__(self, counts: HttpCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield both families."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        requests, times = self._counts.snapshot()
        family = CounterMetricFamily(
            "groundwork_http_requests", "Requests answered", labels=["method", "route", "status"]
        )
        for labels, count in sorted(requests.items()):
            family.add_metric(list(labels), count)
        yield family
        spread = HistogramMetricFamily(
            "groundwork_http_seconds", "Time until a request was answered", labels=["route"]
        )
        for route, (counts, total_ms) in sorted(times.items()):
            reached, buckets = 0, []
            for bound, count in zip([*BOUNDS_MS, None], counts, strict=True):
                reached += count
                buckets.append(("+Inf" if bound is None else repr(bound / 1000), reached))
            spread.add_metric([route], buckets, total_ms / 1000)
        yield spread


def _gauge(name: str, about: str, value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, about)
    family.add_metric([], value)
    return family


def _feedback(found: Mapping[tuple[str, str], int]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily("groundwork_feedback", "Feedback that stands", labels=["kind", "value"])
    for labels, count in sorted(found.items()):
        family.add_metric(list(labels), count)
    return family
