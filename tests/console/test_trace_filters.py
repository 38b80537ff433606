"""Filters in the address: every field of a query can be asked for, nothing that is written there is an error."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.server.console import trace_filters as filtering
from groundwork.telemetry.types import Query

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EXAMPLES = {
    "since": "7d", "until": "2026-11-20T11:30", "status": "error", "feedback": "down", "kind": "tool", "min_ms": "250",
    "max_ms": "9000.5", "min_usd": "0.01", "max_usd": "2", "min_tokens": "100",
}  # fmt: skip


def read(**params: str) -> filtering.Filters:
    return filtering.read_filters(params, NOW)


def test_every_field_of_a_query_has_a_filter_of_its_name() -> None:
    for field in fields(Query):
        name = field.name.removesuffix("_ns")
        found = read(**{name: EXAMPLES.get(name, "some word")})
        assert found.faults == ()
        assert getattr(found.query, field.name) not in (None, ""), field.name
        assert list(found.given) == [name]


def test_times_are_read_relative_to_now_and_as_written() -> None:
    week = read(since="7d").query.since_ns
    assert week == int((NOW - timedelta(days=7)).timestamp()) * 10**9
    assert read(until="2026-11-20T11:30").query.until_ns == int(NOW.timestamp() - 1800) * 10**9
    assert read(until="2026-11-20T13:30+02:00").query.until_ns == int(NOW.timestamp() - 1800) * 10**9
    assert read(since="2026-11-20").query.since_ns == int(NOW.timestamp() - 43_200) * 10**9


def test_what_cannot_be_read_is_left_out_and_said() -> None:
    found = read(
        min_ms="fast",
        status="great",
        until="tomorrow",
        app="handbook",
        max_usd="-1",
        min_tokens="nan",
        max_ms="inf",
    )
    assert found.given == {"app": "handbook"}
    assert len(found.faults) == 6
    assert "`fast` is no amount" in " ".join(found.faults)


def test_a_chip_leads_to_the_list_without_it_and_keeps_the_rest() -> None:
    found = read(app="handbook", since="24h", status="error")
    chips = {c.name: c for c in filtering.chips(found, "/traces", {"order": "slowest"})}
    assert set(chips) == {"app", "since", "outcome"}
    assert chips["since"].value == "last 24 hours"
    assert dict(parse_qsl(chips["app"].without.partition("?")[2])) == {
        "since": "24h",
        "status": "error",
        "order": "slowest",
    }


def test_values_are_offered_with_their_counts_and_the_chosen_one_always() -> None:
    found = filtering.options("app", [("a", 5), ("b", 2)], "c")
    assert [(o.value, o.count) for o in found] == [("c", None), ("a", 5), ("b", 2)]
    assert [o.value for o in filtering.options("status", [("error", 3)], "")] == ["error", "ok", "unset"]
    assert [o.value for o in filtering.options("kind", [("tool", 3)], "answer")] == ["answer", "tool"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from([*filtering.WORDS, *filtering.NUMBERS, "since", "until", "other"]),
        st.text(max_size=400),
    )
)
def test_no_address_breaks_the_list(params: dict[str, str]) -> None:
    found = filtering.read_filters(params, NOW)
    assert len(found.given) + len(found.faults) <= len(params)
    for chip in filtering.chips(found, "/traces", {}):
        again = filtering.read_filters(dict(parse_qsl(chip.without.partition("?")[2])), NOW)
        assert len(again.given) == len(found.given) - 1
