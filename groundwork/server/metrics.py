"""The counters of this process in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from groundwork.server.telemetry_metrics import HttpMetrics, TelemetryMetrics

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from groundwork.app.telemetry_counts import TelemetryCounts
    from groundwork.gateway.metrics import Metrics
    from groundwork.server.http_counts import HttpCounts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NANO = 1e-9


def text(
    metrics: Metrics | None, telemetry: TelemetryCounts | None = None, http: HttpCounts | None = None
) -> str:
    """Return what was counted; None stands for a gateway that nobody has called yet, and for what is not counted."""
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import generate_latest

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    if metrics is not None:
        registry.register(_Gateway(metrics.snapshot()))
    if telemetry is not None:
        registry.register(TelemetryMetrics(telemetry))
    if http is not None:
        registry.register(HttpMetrics(http))
    return generate_latest(registry).decode()


class _Gateway:
    """Renders a snapshot of the gateway's counters; names follow Prometheus' conventions, units stand in them."""

    def __init__(self, counted: Mapping[str, Any]) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        """Yield each family once."""
        from prometheus_client.core import GaugeMetricFamily

        served = ("provider", "model")
        yield self._counter("calls", "Calls by how they ended", ("operation", "state", *served))
        yield self._counter("attempts", "Attempts at providers by reason", ("reason",))
        yield self._counter("failures", "Failed attempts", (*served, "code"))
        yield self._counter("refused", "Calls that were not let in", ("code",))
        yield self._counter("structured", "Structured outputs and tool calls by outcome", ("outcome",))
        yield self._counter("input_tokens", "Tokens read", served)
        yield self._counter("output_tokens", "Tokens written", served)
        yield self._counter("cost_nanousd", "What calls cost, in USD", served, name="cost_usd", factor=NANO)
        yield self._histogram("latency_ms", "Time until a call was done", "latency_seconds")
        yield self._histogram("first_token_ms", "Time until the first token", "first_token_seconds")
        cached = GaugeMetricFamily("groundwork_gateway_in_flight", "Calls that are open now")
        cached.add_metric([], self._counted["in_flight"])
        yield cached
        yield self._single("cached", "Calls answered from the cache")
        breakers = GaugeMetricFamily(
            "groundwork_gateway_breaker_open", "1 where a breaker keeps calls away", labels=served
        )
        for (provider, model), state in sorted(self._counted["breakers"].items()):
            breakers.add_metric([provider, model], 0 if state == "closed" else 1)
        yield breakers

    def _counter(
        self, key: str, about: str, labels: tuple[str, ...], *, name: str = "", factor: float = 1.0
    ) -> Metric:
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(f"groundwork_gateway_{name or key}", about, labels=labels)
        for values, count in sorted(self._counted[key].items()):
            family.add_metric([values] if isinstance(values, str) else list(values), count * factor)
        return family

    def _single(self, key: str, about: str) -> Metric:
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(f"groundwork_gateway_{key}", about)
        family.add_metric([], self._counted[key])
        return family

    def _histogram(self, key: str, about: str, name: str) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(f"groundwork_gateway_{name}", about, labels=("provider", "model"))
        for labels, found in sorted(self._counted[key].items()):
            total, buckets = 0, []
            for bound, count in zip([*found["bounds"], None], found["counts"], strict=True):
                total += count
                buckets.append(("+Inf" if bound is None else repr(bound / 1000), total))
            family.add_metric(list(labels), buckets, found["sum"] / 1000)
        return family
