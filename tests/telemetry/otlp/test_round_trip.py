"""Spans that go out by OTLP come back as they were, in both encodings."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.telemetry.journey import KINDS
from groundwork.telemetry.normalise import normalised
from groundwork.telemetry.otlp import encode
from groundwork.telemetry.otlp.decode import pieces
from groundwork.telemetry.otlp.limits import Tally
from groundwork.telemetry.types import Span, SpanEvent, SpanLink

NOW_NS = 1_800_000_000 * 10**9
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_words = st.text("abcdefghij-_.", max_size=10)
_counts = st.none() | st.integers(0, 10**12)
_values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)
_attributes = st.dictionaries(st.text("abcdef.", min_size=1, max_size=8), _values, max_size=4)
_ids = st.integers(1, 2**64 - 1).map(lambda n: f"{n:016x}")
_events = st.builds(SpanEvent, name=_texts, at_ns=st.integers(0, 2**62), attributes=_attributes)
_links = st.builds(SpanLink, trace_id=_ids.map(lambda i: i * 2), span_id=_ids, attributes=_attributes)
_messages = st.just([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}])


@st.composite
def stored_spans(draw: st.DrawFn) -> Span:
    """Draw a span as the store may hold it."""
    started = draw(st.integers(1, 2**62))
    attributes = draw(_attributes)
    if draw(st.booleans()):
        attributes["gen_ai.input.messages"] = draw(_messages)
    if draw(st.booleans()):
        attributes["gen_ai.usage.input_tokens"] = draw(st.integers(0, 99))
    return Span(
        trace_id=draw(_ids) * 2,
        span_id=draw(_ids),
        name=draw(_texts),
        started_ns=started,
        ended_ns=started + draw(st.integers(0, 10**12)),
        parent_id=draw(st.just("") | _ids),
        kind=draw(st.sampled_from(sorted(KINDS))),  # type: ignore[arg-type]
        status=draw(st.sampled_from(["unset", "ok", "error"])),  # type: ignore[arg-type]
        status_message=draw(_texts),
        service=draw(_words),
        scope=draw(_words),
        app=draw(_words),
        release=draw(_words),
        environment=draw(_words),
        user_id=draw(_texts),
        session_id=draw(_texts),
        provider=draw(_words),
        model=draw(_words),
        input_tokens=draw(_counts),
        output_tokens=draw(_counts),
        cached_tokens=draw(_counts),
        cost_nanousd=draw(_counts),
        first_token_ms=draw(st.none() | st.floats(0, 1e6)),
        cached=draw(st.booleans()),
        answer_id=draw(_words),
        call_id=draw(_words),
        job_id=draw(_words),
        key_id=draw(_words),
        prompt=draw(_words),
        snapshot=draw(_words),
        input=draw(_texts),
        output=draw(_texts),
        attributes=attributes,
        resource=draw(st.dictionaries(st.text("xyz.", min_size=1, max_size=6), _values, max_size=2)),
        events=tuple(draw(st.lists(_events, max_size=2))),
        links=tuple(draw(st.lists(_links, max_size=2))),
        schema=draw(_words),
        cut=draw(st.integers(0, 50)),
    )


def there_and_back(spans: list[Span], *, as_json: bool) -> list[Span]:
    """Return spans after a journey."""
    body = encode.to_json(spans) if as_json else encode.to_protobuf(spans)
    tally = Tally()
    found = [normalised(s, now_ns=NOW_NS) for p in pieces(body, json_encoded=as_json, tally=tally) for s in p]
    assert tally.message() == ""
    return found


@pytest.mark.parametrize("as_json", [False, True], ids=["protobuf", "json"])
@given(drawn=st.lists(stored_spans(), min_size=1, max_size=3, unique_by=lambda s: s.span_id))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_field_comes_back_and_a_second_journey_changes_nothing(
    drawn: list[Span], as_json: bool
) -> None:
    before = [replace(s, parent_id="" if s.parent_id == s.span_id else s.parent_id) for s in drawn]
    back = {s.span_id: s for s in there_and_back(before, as_json=as_json)}
    for span in before:
        found = back[span.span_id]
        for field in fields(Span):
            sent, came = getattr(span, field.name), getattr(found, field.name)
            if field.name in ("attributes", "resource"):
                assert {k: _plain(came.get(k)) for k in sent} == {k: _plain(v) for k, v in sent.items()}
            elif field.name == "events":
                assert [(e.name, e.at_ns) for e in came] == [(e.name, e.at_ns) for e in sent]
            elif field.name not in ("original", "links"):
                assert came == sent, field.name
        assert [(k.trace_id, k.span_id) for k in found.links] == [(k.trace_id, k.span_id) for k in span.links]
    again = {s.span_id: s for s in there_and_back(list(back.values()), as_json=as_json)}
    assert again == back


def _plain(value: Any) -> Any:
    """Compare -0.0 and 0.0 and the like as JSON does."""
    return repr(value) if isinstance(value, float) else value


def test_both_encodings_say_the_same() -> None:
    span = Span("a" * 32, "b" * 16, "chat small", NOW_NS, NOW_NS + 1, kind="generation", model="small", input="Hi",
                attributes={"n": [1, {"deep": None}]}, events=(SpanEvent("e", NOW_NS),))  # fmt: skip
    assert there_and_back([span], as_json=True) == there_and_back([span], as_json=False)


def test_others_read_the_current_names_and_the_kind_of_the_call() -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    span = Span("a" * 32, "b" * 16, "chat", NOW_NS, NOW_NS + 1, kind="generation", model="gpt", provider="openai",
                input_tokens=3, user_id="ann", service="shop", environment="live", input="Hi")  # fmt: skip
    request = ExportTraceServiceRequest.FromString(encode.to_protobuf([span]))
    sent = request.resource_spans[0].scope_spans[0].spans[0]
    names = {a.key: a.value for a in sent.attributes}
    assert names["gen_ai.request.model"].string_value == "gpt"
    assert names["gen_ai.operation.name"].string_value == "chat"
    assert names["gen_ai.usage.input_tokens"].int_value == 3
    assert names["input.value"].string_value == "Hi"
    assert sent.kind == 3
    resource = {a.key: a.value.string_value for a in request.resource_spans[0].resource.attributes}
    assert resource == {"service.name": "shop", "deployment.environment.name": "live"}
