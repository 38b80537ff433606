"""Dashboards, archive and SQL over a month of spans: what counting costs, how fast each answers, and whether they agree."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from groundwork.core.clock import SystemClock
from groundwork.core.principal import LOCAL
from groundwork.storage.database import Database
from groundwork.telemetry.archive import Archive
from groundwork.telemetry.archive_place import ArchivePlace
from groundwork.telemetry.between import between
from groundwork.telemetry.dashboards import Dashboards
from groundwork.telemetry.outcomes import ABSTAINED, SENTENCES, UNSUPPORTED
from groundwork.telemetry.reader import SpanReader
from groundwork.telemetry.rollups import Roller
from groundwork.telemetry.span_tables import SpanTables
from groundwork.telemetry.sql import Sql
from groundwork.telemetry.sql_views import EXAMPLES
from groundwork.telemetry.store import SpanStore
from groundwork.telemetry.types import Span

DAYS = 30
RANGES = {"1h": 1 / 24, "24h": 1.0, "7d": 7.0, "30d": 30.0, "90d": 90.0, "365d": 365.0}
MODELS = {"small": "one", "large": "one", "fast": "two", "local": "three"}
PER_BATCH = 1000
OF_RECORDS = ("feedback",)


def run(
    spans: int = 1_000_000, seed: int = 0, repeats: int = 20, say: Callable[[str], object] = print
) -> dict[str, Any]:
    """Measure on `spans` made-up spans of 30 days in a temporary folder.

    Returns:
        `rollup_us_per_span` is processor time beside reading; `dashboard_ms` and `sql_ms` have p50 and p95 by range and
        question, each warm; `percentile_error` is the largest relative difference to percentiles over all raw spans.
    """
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
        root = Path(folder)
        database, records = Database(root / "telemetry.db"), Database(root / "groundwork.db")
        records.migrate()
        store, reader = SpanStore(database, clock), SpanReader(database)
        archive = Archive(
            database, ArchivePlace(root / "spans"), partial(between, database), reader.tenants, clock
        )
        sql = Sql(SpanTables(database, archive), records)
        try:
            say(f"storing {spans:,} spans")
            latencies, stored_s = _store(store, spans, seed)
            say("rolling up")
            rolled = _roll(Roller(database, reader.raw, reader.tenants, clock))
            say("asking dashboards")
            boards, error = _boards(Dashboards(database, clock=clock), latencies, repeats)
            say("archiving")
            begun = time.perf_counter()
            archived = archive.catch_up()
            archived_s = time.perf_counter() - begun
            say("asking in SQL")
            asked = _ask(sql, repeats)
            return {
                "spans": spans,
                "stored_per_second": round(spans / stored_s),
                **rolled,
                "dashboard_ms": boards,
                "percentile_error": error,
                "archive_rows_per_second": round(archived.spans / archived_s),
                "archive_files": archived.files,
                "archive_bytes_per_span": round(archive.bytes() / max(1, archived.spans), 1),
                "database_bytes_per_span": round((root / "telemetry.db").stat().st_size / spans, 1),
                "sql_ms": asked,
            }
        finally:
            sql.close()
            store.close()
            database.close()
            records.close()


def made_up(spans: int, seed: int) -> Iterator[Span]:
    """Yield spans of answers, four each, spread over the last 30 days in the order of time."""
    draw, traces = random.Random(seed), max(1, spans // 4)  # noqa: S311 - it makes up data
    now = time.time_ns()
    for n in range(traces):
        started = now - int((traces - n) / traces * DAYS * 86400e9)
        took = int(draw.lognormvariate(19.5, 0.8))
        trace, root = f"{draw.getrandbits(128) | 1:032x}", f"{draw.getrandbits(64) | 1:016x}"
        model = draw.choice(list(MODELS))
        sentences = draw.randint(1, 6)
        shared: dict[str, Any] = {
            "trace_id": trace, "app": draw.choice(["handbook", "support", "sales"]), "release": draw.choice(["a4", "b7"]),
            "key_id": draw.choice(["key_1", "key_2", "key_3"]), "principal": "local", "source": "otlp",
            "status": "error" if draw.random() < 0.02 else "ok",
        }  # fmt: skip
        parts = [
            Span(span_id=root, name="answer", kind="answer", started_ns=started, ended_ns=started + took, **shared,
                 input="How many days of leave are there?", output="There are 28 days.",
                 attributes={ABSTAINED: draw.random() < 0.1, SENTENCES: sentences, UNSUPPORTED: draw.randint(0, 1)}),
            Span(span_id=f"{draw.getrandbits(64) | 1:016x}", parent_id=root, name="retrieval", kind="retrieval",
                 started_ns=started, ended_ns=started + took // 10, **shared),
            Span(span_id=f"{draw.getrandbits(64) | 1:016x}", parent_id=root, name="chat", kind="generation", model=model,
                 provider=MODELS[model], started_ns=started + took // 10, ended_ns=started + took, **shared,
                 input_tokens=draw.randint(100, 4000), output_tokens=draw.randint(10, 600),
                 cost_nanousd=draw.randint(10**4, 10**7), first_token_ms=draw.lognormvariate(5, 0.5)),
            Span(span_id=f"{draw.getrandbits(64) | 1:016x}", parent_id=root, name="embed", kind="embedding", model="embed",
                 provider="one", started_ns=started, ended_ns=started + took // 20, input_tokens=20, cost_nanousd=400,
                 **shared),
        ]  # fmt: skip
        yield from parts


def _store(store: SpanStore, spans: int, seed: int) -> tuple[list[float], float]:
    """Store made-up spans and return how long each request took, in milliseconds, and the seconds it took to store."""
    latencies: list[float] = []
    batch: list[Span] = []
    seconds = 0.0
    for span in made_up(spans, seed):
        if span.kind == "answer":
            latencies.append(span.duration_ms)
        batch.append(span)
        if len(batch) >= PER_BATCH:
            begun = time.perf_counter()
            store.add(LOCAL.tenant, batch)
            seconds += time.perf_counter() - begun
            batch = []
    store.add(LOCAL.tenant, batch)
    return latencies, seconds


def _roll(roller: Roller) -> dict[str, float]:
    begun, processor = time.perf_counter(), time.process_time()
    counted = roller.catch_up(most=10**9)
    return {
        "rollup_us_per_span": round((time.process_time() - processor) / max(1, counted) * 1e6, 1),
        "rollup_spans_per_second": round(counted / (time.perf_counter() - begun)),
    }


def _boards(boards: Dashboards, latencies: list[float], repeats: int) -> tuple[dict[str, Any], float]:
    import numpy as np

    now = SystemClock().now()
    found: dict[str, Any] = {}
    for name, days in RANGES.items():
        found[name] = _times(partial(boards.overview, LOCAL, now - timedelta(days=days), now), repeats)
    total = boards.overview(LOCAL, now - timedelta(days=90), now).total
    exact = np.quantile(latencies, (0.5, 0.95, 0.99), method="lower")
    told = (total.latency.p50, total.latency.p95, total.latency.p99)
    errors = [abs((t or 0.0) / e - 1) for t, e in zip(told, exact, strict=True)]
    return found, round(float(max(errors)), 5)


def _ask(sql: Sql, repeats: int) -> dict[str, Any]:
    sql.ask(LOCAL, "SELECT 1")
    return {
        title: _times(partial(sql.ask, LOCAL, statement, timeout_s=60), max(3, repeats // 4))
        for title, statement in EXAMPLES
        if not any(name in statement for name in OF_RECORDS)
    }


def _times(work: Callable[[], object], repeats: int) -> dict[str, float]:
    """Return p50 and p95 of a piece of work in milliseconds, after one round that does not count."""
    import numpy as np

    work()
    took = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1000)
    return {"p50": round(float(np.quantile(took, 0.5)), 1), "p95": round(float(np.quantile(took, 0.95)), 1)}
