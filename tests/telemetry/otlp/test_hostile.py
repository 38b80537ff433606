"""What comes from outside and is not as it should be: rejected by the span, set right, or refused with words."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.telemetry.normalise import normalised
from groundwork.telemetry.otlp.decode import pieces
from groundwork.telemetry.otlp.inflate import inflated
from groundwork.telemetry.otlp.limits import Limits, Tally
from groundwork.telemetry.types import Span

NOW_NS = 1_800_000_000 * 10**9


def request_of(*spans: dict[str, Any]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add().scope_spans.add()
    for told in spans:
        span = part.spans.add(
            trace_id=b"\1" * 16, span_id=b"\2" * 8, start_time_unix_nano=NOW_NS, end_time_unix_nano=NOW_NS
        )
        for name, value in told.items():
            if name != "attributes":
                setattr(span, name, value)
        for key, value in told.get("attributes", {}).items():
            pair = span.attributes.add(key=key)
            if isinstance(value, float):
                pair.value.double_value = value
            elif isinstance(value, bytes):
                pair.value.bytes_value = value
            else:
                pair.value.string_value = value
    return request


def decoded(body: bytes, *, as_json: bool = False, limits: Limits = Limits()) -> tuple[list[Span], Tally]:
    tally = Tally()
    found = pieces(body, json_encoded=as_json, tally=tally, limits=limits)
    return [normalised(s, now_ns=NOW_NS) for piece in found for s in piece], tally


@given(st.binary(max_size=400))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_bytes_are_spans_or_refused(body: bytes) -> None:
    for as_json in (False, True):
        try:
            decoded(body, as_json=as_json)
        except InvalidInputError as error:
            assert error.message  # noqa: PT017


@given(st.integers(0, 400), st.integers(0, 255), st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_request_with_bytes_changed_is_read_or_refused(at: int, byte: int, data: st.DataObject) -> None:
    good = request_of({"name": "a", "attributes": {"input.value": "héllo", "n": 1.5}}, {"span_id": b"\3" * 8})
    body = bytearray(good.SerializeToString())
    body[at % len(body)] = byte
    cut = data.draw(st.integers(0, len(body)))
    for changed in (bytes(body), bytes(body[:cut])):
        try:
            decoded(changed)
        except InvalidInputError as error:
            assert error.message  # noqa: PT017


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["resourceSpans", "scopeSpans", "spans", "traceId", "spanId", "attributes", "key", "value", "stringValue",
             "intValue", "doubleValue", "arrayValue", "kvlistValue", "values", "resource", "scope", "events", "links",
             "status", "code", "kind", "startTimeUnixNano", "parentSpanId", "name"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(_json)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_json_of_any_shape_is_spans_or_refused(value: Any) -> None:
    span = value if isinstance(value, dict) else {}
    whole = {
        "resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "a" * 32, "spanId": "b" * 16, **span}]}]}]
    }
    for body in (value, whole):
        try:
            found, _ = decoded(json.dumps(body).encode(), as_json=True)
            for one in found:
                json.dumps([dict(one.attributes), one.input, one.output], allow_nan=False)
        except InvalidInputError as error:
            assert error.message  # noqa: PT017


def test_spans_with_ids_that_are_none_are_rejected_and_the_others_stored() -> None:
    body = request_of(
        {"name": "good"},
        {"trace_id": b""},
        {"trace_id": bytes(16)},
        {"span_id": bytes(8)},
        {"span_id": b"\1\2\3"},
    ).SerializeToString()
    found, tally = decoded(body)
    assert [s.name for s in found] == ["good"]
    assert tally.rejected == 4
    assert tally.message() == "rejected 4: no valid trace id or span id"


def test_text_that_is_no_utf_8_is_set_right_on_its_span_alone() -> None:
    body = request_of({"name": "one", "attributes": {"a": "hello"}}, {"name": "two", "span_id": b"\3" * 8})
    spoiled = body.SerializeToString().replace(b"hello", b"h\xff\xfelo")
    found, tally = decoded(spoiled)
    assert [s.name for s in found] == ["one", "two"]
    assert found[0].attributes["a"] == "h\ufffd\ufffdlo"
    assert "no UTF-8" in tally.message()
    assert tally.rejected == 0


def test_a_span_nested_too_deep_is_rejected_alone() -> None:
    request = request_of({"name": "flat"}, {"name": "deep", "span_id": b"\3" * 8})
    value = request.resource_spans[0].scope_spans[0].spans[1].attributes.add(key="a").value
    for _ in range(60):
        value = value.array_value.values.add()
    value.string_value = "x"
    found, tally = decoded(request.SerializeToString())
    assert [s.name for s in found] == ["flat"]
    assert tally.rejected == 1
    nested: Any = {"stringValue": "x"}
    for _ in range(100):
        nested = {"arrayValue": {"values": [nested]}}
    told = {"traceId": "a" * 32, "spanId": "b" * 16, "attributes": [{"key": "a", "value": nested}]}
    as_json = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [told]}]}]}).encode()
    found, _ = decoded(as_json, as_json=True)
    assert "…" in json.dumps(found[0].attributes["a"], ensure_ascii=False)
    with pytest.raises(InvalidInputError, match="nested too deep"):
        decoded(b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}", as_json=True)


def test_times_that_were_not_told_are_filled_in_and_said() -> None:
    found, _ = decoded(
        request_of(
            {"start_time_unix_nano": 0},
            {"span_id": b"\3" * 8, "start_time_unix_nano": 0, "end_time_unix_nano": 0},
        ).SerializeToString()
    )
    assert (found[0].started_ns, found[0].ended_ns) == (NOW_NS, NOW_NS)
    assert found[0].attributes["groundwork.clock"] == "no start was told"
    assert found[1].started_ns == NOW_NS
    assert found[1].attributes["groundwork.clock"] == "no start and no end was told"


def test_numbers_that_are_none_and_bytes_become_text() -> None:
    found, _ = decoded(
        request_of(
            {"attributes": {"a": float("nan"), "b": float("-inf"), "c": b"\0\xff"}}
        ).SerializeToString()
    )
    assert dict(found[0].attributes) == {"a": "NaN", "b": "-Infinity", "c": "AP8="}


def test_more_spans_and_attributes_than_are_read_are_counted() -> None:
    many = request_of(*({"span_id": bytes([0, 0, 0, 0, 0, 0, 1, n])} for n in range(10)))
    found, tally = decoded(many.SerializeToString(), limits=Limits(spans=4, piece=3))
    assert len(found) == 4
    assert tally.message() == "rejected 6: a request brings at most 4 spans"
    wide = request_of({"attributes": {f"a{n}": "x" for n in range(9)}})
    found, _ = decoded(wide.SerializeToString(), limits=Limits(attributes=5))
    assert (len(found[0].attributes), found[0].cut) == (5, 4)


def test_json_takes_the_forms_of_other_writers_too() -> None:
    told = {
        "traceId": "AAAAAAAAAAAAAAAAAAAAAQ==",
        "spanId": "AAAAAAAAAAE=",
        "name": "x",
        "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": NOW_NS,
        "endTimeUnixNano": str(NOW_NS + 5),
        "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
        "attributes": [
            {"key": "n", "value": {"intValue": "12"}},
            {"key": "x", "value": {"doubleValue": "NaN"}},
        ],
        "unknown": {"field": 1},
    }
    found, tally = decoded(
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [told]}]}]}).encode(), as_json=True
    )
    assert tally.message() == ""
    span = found[0]
    assert (span.trace_id, span.span_id) == ("0" * 31 + "1", "0" * 15 + "1")
    assert (span.status, span.status_message, span.ended_ns - span.started_ns) == ("error", "no", 5)
    assert dict(span.attributes) == {"n": 12, "x": "NaN", "span.kind": "server"}


def test_a_bomb_is_stopped_at_the_limit_and_broken_bodies_are_refused() -> None:
    bomb = gzip.compress(bytes(40 * 1024 * 1024))
    with pytest.raises(TooLargeError):
        inflated(bomb, "gzip", 1024 * 1024)
    for body in (b"no gzip", bomb[:50], b""):
        if body:
            with pytest.raises(InvalidInputError):
                inflated(body, "gzip", 1024)
    raw = zlib.compressobj(wbits=-15)
    assert inflated(raw.compress(b"hello") + raw.flush(), "deflate", 100) == b"hello"
    assert inflated(zlib.compress(b"hello"), "deflate", 100) == b"hello"
    assert inflated(gzip.compress(b"he") + gzip.compress(b"llo"), "gzip", 100) == b"hello"
    with pytest.raises(InvalidInputError, match="zstd"):
        inflated(b"x", "zstd", 100)
