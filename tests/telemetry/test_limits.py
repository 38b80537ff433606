"""Whatever a span brings is bounded, and the span says what was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundwork.core.principal import LOCAL
from groundwork.telemetry.limits import CLOCK_NOTE, DAY_NS, SpanLimits
from groundwork.telemetry.masking import Masker
from groundwork.telemetry.rows import prepare
from groundwork.telemetry.types import Query, Span, SpanEvent, SpanLink
from tests.telemetry.conftest import NOW_NS, Kept
from tests.telemetry.making import START, span, span_id, trace_id

LIMITS = SpanLimits()
KIB = 1024


def stored(told: Span) -> Span:
    return prepare(told, LIMITS, Masker(), NOW_NS).span


def size(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def test_a_span_within_its_limits_stays_as_it_is() -> None:
    told = span(1, 0, input="é" * 30_000, attributes={"x": "é" * 20_000, "n": [[[1, {"y": None}]]]})
    assert stored(told) == told


@pytest.mark.parametrize(
    "value",
    [
        "a" * 10_000_000, "é" * 100_000, ["word"] * 1_000_000, {f"k{n}": n for n in range(100_000)}, [["x" * 60_000]] * 100,
        b"\xff" * 200_000,
    ],
    ids=["text", "accents", "list", "object", "lists of lists", "bytes"],
)  # fmt: skip
def test_ten_megabytes_in_one_attribute_are_cut_to_64_kib_and_said(value: Any) -> None:
    found = stored(span(1, 0, attributes={"large": value, "small": 1}))
    assert size(found.attributes["large"]) <= 65 * KIB
    assert found.attributes["small"] == 1
    assert found.cut >= 1 or isinstance(value, bytes)


def test_texts_are_cut_between_characters() -> None:
    found = stored(span(1, 0, input="é" * 100_000, output="x" * 100_000))
    assert len(found.input.encode()) <= 64 * KIB
    assert found.input.endswith("é…")
    assert found.cut == 2


def test_a_whole_span_is_at_most_a_megabyte_and_the_largest_values_go_first() -> None:
    attributes = {f"a{n}": "x" * 60_000 for n in range(100)}
    found = stored(span(1, 0, attributes={**attributes, "kept": "small"}))
    assert size(found.attributes) <= 1_100_000
    assert found.attributes["kept"] == "small"
    assert found.attributes["a0"] == "…" or found.attributes["a99"] == "…"
    assert found.cut > 80


def test_numbers_of_attributes_events_and_links_are_bounded() -> None:
    told = span(
        1, 0, attributes={f"k{n}": n for n in range(5000)}, events=tuple(SpanEvent("e", n) for n in range(5000)),
        links=tuple(SpanLink(trace_id(n), span_id(n)) for n in range(5000)),
    )  # fmt: skip
    found = stored(told)
    assert (len(found.attributes), len(found.events), len(found.links)) == (256, 256, 128)
    assert found.cut == 4744 + 4744 + 4872
    assert found.attributes["k0"] == 0


def test_deep_values_are_cut_at_their_depth_also_where_json_gives_up() -> None:
    for depth in (17, 500, 100_000):
        value: Any = "end"
        for _ in range(depth):
            value = [value]
        found = stored(span(1, 0, attributes={"deep": value}))
        assert size(found.attributes["deep"]) < 100
        assert found.cut == 1


def test_what_json_does_not_know_becomes_text() -> None:
    odd = {
        "nan": float("nan"),
        "inf": [float("-inf")],
        "big": 10**30,
        "bytes": b"\x01\xff",
        "set": {1},
        "tuple": (1, 2),
        "o": object,
    }
    found = stored(span(1, 0, attributes={**odd, 5: "number"}))
    assert found.attributes["nan"] == "nan"
    assert found.attributes["inf"] == ["-inf"]
    assert found.attributes["big"] == str(10**30)
    assert found.attributes["bytes"] == "01ff"
    assert found.attributes["tuple"] == [1, 2]
    assert found.attributes["5"] == "number"


def test_names_and_words_are_short() -> None:
    found = stored(
        span(1, 0, name="n" * 5000, model="m" * 5000, user_id="u" * 5000, status_message="s" * 5000)
    )
    assert len(found.name) == 1000
    assert len(found.model) == len(found.user_id) == len(found.status_message) == 500
    assert found.cut == 4


@pytest.mark.parametrize(
    ("started", "ended", "note"),
    [
        (START, START - 5_000_000, "ended 5.000 ms before it started"),
        (5, 10, "never set"),
        (NOW_NS + 800 * DAY_NS, NOW_NS + 801 * DAY_NS, "800.0 days ahead"),
        (-5, 10, "outside of 1970"),
        (START, (1 << 64) - 1, "outside of 1970"),
        (START - 365 * DAY_NS, START - 364 * DAY_NS, ""),
    ],
)
def test_clocks_that_cannot_be_right_are_stored_and_said(
    local: Kept, started: int, ended: int, note: str
) -> None:
    local.store.add("default", [span(1, 0, started_ns=started, ended_ns=ended)])
    found = local.reader.span(LOCAL, trace_id(1), span_id(0))
    assert 0 <= found.started_ns <= found.ended_ns < 1 << 63
    assert found.attributes.get(CLOCK_NOTE, "").startswith(note)
    assert (CLOCK_NOTE in found.attributes) == bool(note)
    assert local.reader.traces(LOCAL, Query()).items[0].duration_ms >= 0


def test_numbers_beyond_what_can_be_stored_are_bounded(kept: Kept) -> None:
    told = span(
        1,
        0,
        kind="generation",
        input_tokens=10**30,
        output_tokens=-5,
        cost_nanousd=1 << 63,
        first_token_ms=float("nan"),
    )
    kept.store.add("default", [told])
    found = kept.reader.span(LOCAL, trace_id(1), span_id(0))
    assert (found.input_tokens, found.output_tokens, found.first_token_ms) == ((1 << 63) - 1, None, None)
    assert kept.reader.trace(LOCAL, trace_id(1)).cost_nanousd == (1 << 63) - 1
    kept.store.add("default", [span(1, 1, 0, kind="generation", input_tokens=10**30)])
    assert kept.reader.trace(LOCAL, trace_id(1)).spans == 2


def test_a_cut_span_that_comes_again_is_the_same(kept: Kept) -> None:
    told = span(1, 0, source="groundwork", input="x" * 200_000, attributes={"large": ["y"] * 100_000})
    assert kept.store.add("default", [told]).stored == 1
    assert kept.store.add("default", [told]).duplicates == 1
    assert kept.store.counters()["cut"] == 2
