"""What every convention must do: recognise its own spans alone, lose nothing, and stand any value."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.telemetry.conventions import Convention
from groundwork.telemetry.normalise import normalised
from groundwork.telemetry.raw import RawSpan, Scope
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import Span, SpanEvent

NOW_NS = 1_800_000_000 * 10**9

_scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["[", "{}", "null", '{"role": 1}', '[[{"parts": 3}]]', '"x"', '{"choices": [1]}'])
)  # fmt: skip
values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def raw_span(
    attributes: dict[str, Any], events: tuple[SpanEvent, ...] = (), scope: Scope = Scope()
) -> RawSpan:
    """Return a span of a second with these attributes."""
    return RawSpan(
        trace_id="1" * 32,
        span_id="2" * 16,
        name="work",
        started_ns=NOW_NS - 10**9,
        ended_ns=NOW_NS,
        attributes=attributes,
        events=events,
        scope=scope,
    )


def read(attributes: dict[str, Any], events: tuple[SpanEvent, ...] = (), scope: Scope = Scope()) -> Span:
    """Return the span that is stored of these attributes."""
    return normalised(raw_span(deepcopy(attributes), events, scope), now_ns=NOW_NS)


class ConventionContract:
    """Subclass it beside fixtures `convention`, the plug-in under test, and `names`, attributes and events it lives on."""

    def test_it_says_what_it_lives_on_and_when_it_is_asked(self, convention: Convention) -> None:
        assert convention.marks
        assert isinstance(convention.rank, int)

    def test_a_span_without_attributes_is_not_its_own(self, convention: Convention) -> None:
        assert convention.recognise(raw_span({})) == ""

    @given(st.data())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def test_any_value_under_its_names_is_read_without_an_error_and_nothing_is_lost(
        self, convention: Convention, names: tuple[str, ...], data: st.DataObject
    ) -> None:
        attributes = data.draw(st.dictionaries(st.sampled_from(names), values, max_size=6))
        span = raw_span(deepcopy(attributes))
        reading = Reading(span)
        convention.read(reading)
        kept = {*reading.attributes, *reading.original}
        carried = {name for name in attributes if name.startswith("groundwork.")}
        vectors = {n for n in attributes if n.endswith(".vector") or n.startswith("ai.embedding")}
        assert set(attributes) <= kept | carried | vectors
        for name, value in reading.original.items():
            assert value == attributes[name]
        again = Reading(raw_span(deepcopy(attributes)))
        convention.read(again)
        assert (again.input, again.output, again.kind, again.attributes) == (
            reading.input, reading.output, reading.kind, reading.attributes
        )  # fmt: skip
