"""The bench of OTLP: its requests are what exporters send, and its figures are about what was stored."""

from __future__ import annotations

import gzip

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from groundwork.bench import otlp


def test_a_request_holds_five_hundred_spans_of_about_a_kilobyte() -> None:
    body, trace_id = otlp.body(1)
    whole = gzip.decompress(body)
    spans = ExportTraceServiceRequest.FromString(whole).resource_spans[0].scope_spans[0].spans
    assert len(spans) == otlp.TRACES * otlp.SPANS == 500
    assert 800 < len(whole) / 500 < 1500
    assert spans[-1].trace_id.hex() == trace_id
    assert len({s.span_id for s in spans}) == 500


def test_a_small_run_stores_what_it_acknowledges() -> None:
    otlp_looks, otlp.LOOKS = otlp.LOOKS, 3
    try:
        result = otlp.run(requests=2, clients=2)
    finally:
        otlp.LOOKS = otlp_looks
    (server,) = result["servers"]
    assert (server["sent"], server["stored"], server["refused_requests"]) == (1000, 1000, 0)
    assert server["visible_p99_ms"] > 0
    assert "spans/s acknowledged" in otlp.summary(result)[1]
