"""Rollups say what the spans say, each counted once, in whatever order and batches they come and whoever counts them."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from groundwork.core.principal import Principal
from groundwork.storage.failpoints import CRASH_STATUS
from groundwork.storage.telemetry_tables import rollup_groups, rollups
from groundwork.telemetry import rollups as room
from groundwork.telemetry.counting import DAY, HOUR, MINUTE, SUMS, TIERS
from groundwork.telemetry.dashboards import Dashboards
from groundwork.telemetry.outcomes import ABSTAINED, OPEN, SENTENCES, UNSUPPORTED
from groundwork.telemetry.rollups import Roller
from groundwork.telemetry.sketch import Sketch
from groundwork.telemetry.types import Span
from tests.telemetry.conftest import NOW, NOW_NS, Kept
from tests.telemetry.making import generation, span, span_id, trace_id

_names = itertools.count()
DIMENSIONS = ("app", "service", "release", "provider", "model", "key_id", "principal", "kind")


def owner(tenant: str) -> Principal:
    return Principal(tenant=tenant, name="ann", owner=True)


@st.composite
def drawn_spans(draw: st.DrawFn) -> list[Span]:
    count = draw(st.integers(1, 25))
    found = []
    for n in range(count):
        kind = draw(st.sampled_from(["answer", "generation", "embedding", "retrieval", "ingest"]))
        started = NOW_NS - draw(st.integers(0, 3 * 86400)) * 10**9 - draw(st.integers(0, 10**9 - 1))
        spends = kind in ("generation", "embedding")
        sentences = draw(st.integers(0, 4))
        found.append(
            Span(
                trace_id=trace_id(draw(st.integers(0, 5))),
                span_id=span_id(n),
                parent_id=draw(st.sampled_from(["", "ffffffffffffffff"])),
                name="x",
                kind=kind,
                started_ns=started,
                ended_ns=started + draw(st.integers(0, 10**11)),
                status=draw(st.sampled_from(["ok", "error", "unset"])),
                app=draw(st.sampled_from(["", "desk", "büro"])),
                service="web",
                release=draw(st.sampled_from(["", "r1"])),
                model=draw(st.sampled_from(["small", "large"])) if spends else "",
                key_id=draw(st.sampled_from(["", "key_1"])),
                principal="ann",
                input_tokens=draw(st.none() | st.integers(0, 10**6)) if spends else None,
                output_tokens=draw(st.none() | st.integers(0, 10**6)) if spends else None,
                cost_nanousd=draw(st.none() | st.integers(0, 10**12)) if spends else None,
                cached_tokens=draw(st.none() | st.integers(0, 10)) if spends else None,
                first_token_ms=draw(st.none() | st.floats(0, 10**5)) if spends else None,
                cached=draw(st.booleans()) if spends else False,
                attributes={
                    ABSTAINED: draw(st.booleans()),
                    SENTENCES: sentences,
                    UNSUPPORTED: draw(st.integers(0, sentences)),
                }
                if kind == "answer"
                else {},
            )
        )
    return found


def expected(spans: Sequence[Span]) -> dict[tuple[Any, ...], Counter[str]]:
    """Return the sums by tier, start and group, added up one span at a time."""
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for s in spans:
        group = tuple("" if d == "service" and s.app else getattr(s, d) for d in DIMENSIONS)
        answers = s.kind == "answer"
        values = {
            "spans": 1,
            "errors": s.status == "error",
            "cached": s.cached,
            "input_tokens": s.input_tokens or 0,
            "output_tokens": s.output_tokens or 0,
            "cached_tokens": s.cached_tokens or 0,
            "cost_nanousd": s.cost_nanousd or 0,
            "unpriced": s.cost_nanousd is None and bool(s.input_tokens or s.output_tokens),
            "answers": answers,
            "abstained": answers and s.attributes[ABSTAINED],
            "sentences": s.attributes[SENTENCES] if answers else 0,
            "unsupported": s.attributes[UNSUPPORTED] if answers else 0,
        }
        for tier in TIERS:
            second = s.started_ns // 10**9
            if tier == MINUTE and second < NOW_NS // 10**9 - room.KEPT_DAYS[MINUTE] * DAY:
                continue
            key = (tier, second - second % tier, *group, not s.parent_id)
            found.setdefault(key, Counter()).update({name: int(value) for name, value in values.items()})
    return found


def stored(kept: Kept, tenant: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    c, g = rollups.c, rollup_groups.c
    columns = [c.tier, c.start, *(g[d] for d in DIMENSIONS), g.root]
    with kept.database.read() as connection:
        rows = connection.execute(
            select(*columns, *(c[name] for name in SUMS), c.latency)
            .join(rollup_groups, g.id == c.group_id)
            .where(c.tenant == tenant)
        ).all()
    sums = {tuple(row[: len(columns)]): dict(zip(SUMS, row[len(columns) : -1], strict=True)) for row in rows}
    for row in rows:
        assert Sketch.read(row[-1]).count == sums[tuple(row[: len(columns)])]["spans"]
    return sums


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=drawn_spans(), data=st.data())
def test_rollups_equal_the_sums_over_spans_for_any_order_and_batches(
    kept: Kept, spans: list[Span], data: st.DataObject
) -> None:
    tenant = f"t{next(_names)}"
    order = data.draw(st.permutations(spans))
    roller = Roller(kept.database, kept.reader.raw, lambda: [tenant], kept.clock)
    unique = {(s.trace_id, s.span_id): s for s in order}
    while order:
        size = data.draw(st.integers(1, len(order)))
        kept.store.add(tenant, order[:size])
        order = order[size:]
        if data.draw(st.booleans()):
            roller.catch_up(batch=data.draw(st.integers(1, 5)))
    roller.catch_up()
    assert stored(kept, tenant) == {
        k: dict.fromkeys(SUMS, 0) | dict(v) for k, v in expected(list(unique.values())).items()
    }
    assert roller.catch_up() == 0


def test_percentiles_of_a_dashboard_are_those_of_the_spans_within_one_percent(kept: Kept) -> None:
    random = np.random.default_rng(0)
    latencies = np.exp(random.normal(12, 2, 3000)).astype(int) * 1000 + 1000
    spans = [
        span(
            n,
            0,
            started_ns=NOW_NS - (n + 1) * 10**9,
            ended_ns=NOW_NS - (n + 1) * 10**9 + int(took),
            kind="answer",
        )
        for n, took in enumerate(latencies)
    ]
    kept.store.add("default", spans)
    Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock).catch_up()
    found = Dashboards(kept.database, clock=kept.clock).overview(
        owner("default"), NOW - timedelta(hours=1), NOW
    )
    times = found.total.latency
    assert times.n == found.total.requests == 3000
    assert times.p50 is not None
    assert times.p95 is not None
    assert times.p99 is not None
    for answered, q in ((times.p50, 0.5), (times.p95, 0.95), (times.p99, 0.99)):
        exact = float(np.quantile(latencies / 1e6, q, method="lower"))
        assert abs(answered - exact) <= 0.01 * exact
    assert sum(p.measures.requests for p in found.series) == 3000


def test_own_work_under_way_is_not_counted_and_counts_once_when_it_has_ended(kept: Kept) -> None:
    roller = Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock)
    own = span(1, 0, source="groundwork", kind="job", started_ns=NOW_NS - 10**9)
    kept.store.add("default", [replace(own, attributes={OPEN: True})])
    roller.catch_up()
    assert stored(kept, "default") == {}
    ended = replace(own, ended_ns=NOW_NS, status="ok")
    kept.store.add("default", [ended])
    roller.catch_up()
    kept.store.add("default", [replace(ended, output="said differently")])
    roller.catch_up()
    assert {row["spans"] for row in stored(kept, "default").values()} == {1}


def test_tokens_that_a_wrapper_repeats_count_once(kept: Kept) -> None:
    outer, inner = generation(1, 0, started_ns=NOW_NS), generation(1, 1, 0, started_ns=NOW_NS)
    kept.store.add("default", [inner])
    Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock).catch_up()
    kept.store.add("default", [outer])
    Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock).catch_up()
    hours = [row for key, row in stored(kept, "default").items() if key[0] == HOUR]
    assert sum(row["cost_nanousd"] for row in hours) == inner.cost_nanousd
    assert sum(row["spans"] for row in hours) == 2


def test_senders_who_invent_models_do_not_grow_the_table_without_end(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_GROUPS", 5)
    spans = [generation(n, 0, model=f"m{n}", started_ns=NOW_NS) for n in range(40)]
    kept.store.add("default", spans)
    Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock).catch_up(batch=7)
    found = stored(kept, "default")
    assert len({key[2:] for key in found}) == 6
    assert sum(row["spans"] for key, row in found.items() if key[0] == HOUR) == 40


def test_many_that_count_at_once_count_each_span_once(kept: Kept) -> None:
    kept.store.add("default", [span(n, 0, started_ns=NOW_NS) for n in range(300)])
    rollers = [Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock) for _ in range(4)]
    threads = [threading.Thread(target=lambda r=r: r.catch_up(batch=10)) for r in rollers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["spans"] for key, row in stored(kept, "default").items() if key[0] == HOUR] == [300]


@pytest.mark.parametrize("place", ["rollups.moved", "rollups.stored", "rollups.committed"])
def test_a_killed_process_counts_nothing_twice_and_leaves_nothing_out(
    kept: Kept, spans_url: str, place: str
) -> None:
    kept.store.add("default", [span(n, 0, started_ns=NOW_NS) for n in range(50)])
    code = (
        "import sys; from tests.telemetry.conftest import kept_in; from groundwork.telemetry.rollups import Roller\n"
        "k = kept_in(sys.argv[1]); Roller(k.database, k.reader.raw, k.reader.tenants, k.clock).catch_up(batch=10)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, spans_url],
        env={**os.environ, "GW_FAILPOINT": f"{place}:3"},
        capture_output=True,
    )
    assert killed.returncode == CRASH_STATUS, killed.stderr
    Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock).catch_up(batch=10)
    assert [row["spans"] for key, row in stored(kept, "default").items() if key[0] == HOUR] == [50]


def test_old_minutes_are_removed_and_hours_stay(kept: Kept) -> None:
    roller = Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock)
    kept.store.add("default", [generation(1, 0, started_ns=NOW_NS - 10**9)])
    roller.catch_up()
    kept.clock.advance(4 * DAY)
    roller.prune()
    assert {key[0] for key in stored(kept, "default")} == {HOUR, DAY}


def test_the_dearest_answers_of_a_day_are_known_and_their_names_can_be_forgotten(kept: Kept) -> None:
    roller = Roller(kept.database, kept.reader.raw, kept.reader.tenants, kept.clock)
    spans = [
        generation(n, m, 9, cost_nanousd=n * 10, answer_id=f"ans_{n}", app="desk", started_ns=NOW_NS - 10**9)
        for n in range(300)
        for m in (1, 2)
    ]
    kept.store.add("default", spans)
    roller.catch_up(batch=77)
    boards = Dashboards(kept.database, clock=kept.clock)
    found = boards.overview(owner("default"), NOW - timedelta(hours=1), NOW)
    assert [(d.answer_id, d.cost_nanousd) for d in found.dearest[:2]] == [
        ("ans_299", 5980),
        ("ans_298", 5960),
    ]
    assert roller.forget("default", [trace_id(299)]) == 1
    found = boards.overview(owner("default"), NOW - timedelta(hours=1), NOW)
    assert found.dearest[0].answer_id == "ans_298"
    assert found.total.cost_nanousd == sum(s.cost_nanousd or 0 for s in spans)
