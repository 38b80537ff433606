"""Measure the span store: how fast spans are stored, and how soon lists, searches and large trees answer.

Runs in a scratch database that is removed afterwards. Spans are made up: traces of ten, of about 1 KB each, with texts of
words as frequent as in a language (Zipf), and one trace of 33,000 spans. Spans are made before the clock runs.
"""

from __future__ import annotations

import random
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import accumulate
from pathlib import Path
from typing import Any

from groundwork.core.clock import SystemClock
from groundwork.core.principal import LOCAL
from groundwork.storage.database import Database
from groundwork.telemetry.reader import SpanReader
from groundwork.telemetry.store import SpanStore
from groundwork.telemetry.types import Query, Span, SpanKind
from groundwork.telemetry.walking import ORDERS

TENANT = "default"
IN_TRACE = 10
LARGE_TRACE = 33_000
WORDS, PHRASES, PHRASE = 20_000, 20_000, 4
KINDS: tuple[SpanKind, ...] = (
    "answer", "retrieval", "generation", "tool", "span", "rerank", "embedding", "generation", "http", "span",
)  # fmt: skip
CHUNK = 20_000
NANO = 10**9


def run(
    spans: int = 200_000,
    *,
    database: str = "",
    batch: int = 512,
    clients: int = 2,
    repetitions: int = 5,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Fill a scratch store and question it.

    Args:
        spans: how many to store beside the large trace.
        database: URL of an empty PostgreSQL database; empty: SQLite in a temporary folder.
        batch: spans handed in together, by each of `clients` threads, which wait for the commit.
        repetitions: times that each list is asked for.

    Returns:
        `{spans, batch, clients, store: {spans_per_s, cpu_us_per_span, acknowledged_ms, bytes_per_span}, visible_ms, lists,
        tree, memory_mib}`; times are `{n, p50, p95}` or `{n, p50, p99}` in milliseconds, of lists overall and by name.
    """
    folder = Path(tempfile.mkdtemp(prefix="groundwork-spans-"))
    store: SpanStore | None = None
    try:
        place = Database(database or folder / "telemetry.db")
        store = SpanStore(place, SystemClock())
        store.migrate()
        reader = SpanReader(place)
        maker = _Maker(seed, spans)
        stored = _fill(store, maker, spans, batch, clients, progress)
        large = maker.large_trace()
        for start in range(0, len(large), batch):
            store.add(TENANT, large[start : start + batch])
        size = sum(f.stat().st_size for f in folder.iterdir())
        lists = _lists(reader, maker, repetitions)
        return {
            "spans": spans,
            "batch": batch,
            "clients": clients,
            "database": place.dialect,
            "store": {**stored, "bytes_per_span": round(size / (spans + len(large))) if size else None},
            "visible_ms": _visible(store, reader, maker),
            "lists": lists,
            "tree": _tree(reader, large[0].trace_id, repetitions),
            "memory_mib": _memory_mib(),
        }
    finally:
        if store is not None:
            store.close()
            store.database.close()
        shutil.rmtree(folder, ignore_errors=True)


class _Maker:
    """Makes spans up; equal seeds make equal spans but for their ids' time."""

    def __init__(self, seed: int, spans: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 (repeatable, not secret)
        words = [self._word(i) for i in range(WORDS)]
        frequent = list(accumulate(1 / (i + 3) for i in range(WORDS)))
        # Texts are put together from phrases, since choosing every word would take longer than storing it.
        self._phrases = [
            " ".join(self._random.choices(words, cum_weights=frequent, k=PHRASE)) for _ in range(PHRASES)
        ]
        self.common, self.rare = words[20], "seldom"
        self._made = 0
        # A week that ends now, whatever the number.
        self._step = 7 * 86_400 * NANO // max(1, spans)
        self._now = time.time_ns() - 7 * 86_400 * NANO

    def spans(self, most: int) -> Iterator[Span]:
        """Yield whole traces of at most so many spans together."""
        for _ in range(0, most, IN_TRACE):
            yield from self.trace(IN_TRACE)

    def trace(self, n: int) -> list[Span]:
        """Return a trace of `n` spans."""
        pick = self._random
        trace_id = f"{pick.getrandbits(128):032x}"
        ids = [f"{pick.getrandbits(64):016x}" for _ in range(n)]
        app, user = f"app-{int(pick.paretovariate(0.8)) % 12}", f"user-{int(pick.paretovariate(0.5)) % 5000}"
        session = f"session-{int(self._now // (NANO * 300))}-{user}"
        made = []
        for i, span_id in enumerate(ids):
            started = self._now + i * 1_000_000
            made.append(
                self._span(
                    trace_id,
                    span_id,
                    ids[pick.randrange(max(1, i))] if i else "",
                    i,
                    started,
                    app,
                    user,
                    session,
                )
            )
        self._now += self._step * n
        return made

    def large_trace(self) -> list[Span]:
        """Return the trace of 33,000 spans."""
        return self.trace(LARGE_TRACE)

    def text(self, n: int) -> str:
        """Return about `n` words; one text in twenty thousand has the rare one."""
        self._made += 1
        rare = [self.rare] if self._made % 20_000 == 0 else []
        return " ".join([*self._random.choices(self._phrases, k=n // PHRASE), *rare])

    def _span(
        self,
        trace_id: str,
        span_id: str,
        parent: str,
        i: int,
        started: int,
        app: str,
        user: str,
        session: str,
    ) -> Span:
        pick = self._random
        kind = KINDS[i % len(KINDS)]
        model = kind in ("generation", "embedding")
        talks = kind in ("answer", "generation", "retrieval")
        attributes = {f"custom.attribute.{j}": self.text(4) for j in range(6 if talks else 12)}
        return Span(
            trace_id, span_id, f"{kind} {i % 40}", started, started + int(pick.expovariate(1 / 3e8)), parent_id=parent,
            kind=kind,
            status="error" if pick.random() < 0.01 else "ok", service=f"service-{i % 3}", app=app,
            release=f"r{pick.randrange(4)}",
            environment="production" if pick.random() < 0.9 else "staging", user_id=user, session_id=session,
            model=f"model-{int(pick.paretovariate(0.7)) % 9}" if model else "",
            input_tokens=pick.randrange(4000) if model else None, output_tokens=pick.randrange(800) if model else None,
            cost_nanousd=pick.randrange(20_000_000) if model else None, input=self.text(40) if talks else "",
            output=self.text(40) if talks else "", attributes={"gen_ai.operation.name": "chat", **attributes},
            resource={"service.name": f"service-{i % 3}", "host.name": f"host-{i % 5}"}, schema="gen_ai",
        )  # fmt: skip

    def _word(self, i: int) -> str:
        length = 2 + min(8, i.bit_length() // 2 + self._random.randrange(3))
        return "".join(self._random.choices("etaoinshrdlucmfwypvbgk", k=length))


def _fill(
    store: SpanStore,
    maker: _Maker,
    spans: int,
    batch: int,
    clients: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    """Store the spans from several threads, and return how fast that went; making them up does not count."""
    seconds = cpu = 0.0
    done = 0
    waits: list[float] = []
    while done < spans:
        part = list(maker.spans(min(CHUNK, spans - done)))
        shares = [part[i * len(part) // clients : (i + 1) * len(part) // clients] for i in range(clients)]
        threads = [threading.Thread(target=_client, args=(store, share, batch, waits)) for share in shares]
        wall, used = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds += time.perf_counter() - wall
        cpu += time.process_time() - used
        done += len(part)
        if progress is not None:
            progress(done, spans)
    return {
        "n": done,
        "spans_per_s": round(done / seconds),
        "cpu_us_per_span": round(cpu / done * 1e6, 1),
        "acknowledged_ms": _quantiles(waits, "p99"),
    }


def _client(store: SpanStore, spans: list[Span], batch: int, waits: list[float]) -> None:
    for start in range(0, len(spans), batch):
        begun = time.perf_counter()
        store.add(TENANT, spans[start : start + batch])
        waits.append(time.perf_counter() - begun)


def _questions(maker: _Maker) -> dict[str, Query]:
    """Return a question for each filter, common and rare values, some together, and some that find nothing."""
    now = time.time_ns()
    one: dict[str, Any] = {
        "since_ns": now - 3600 * NANO, "until_ns": now - 3 * 86_400 * NANO, "app": "app-1", "release": "r1",
        "environment": "staging", "service": "service-1", "user": "user-7", "model": "model-3", "kind": "tool",
        "name": "tool 3", "status": "error", "source": "otlp", "feedback": "up", "text": maker.common, "min_ms": 2000.0,
        "max_ms": 1.0, "min_usd": 0.03, "max_usd": 0.0001, "min_tokens": 4000, "key": "key_0", "prompt": "qa@0",
        "snapshot": "default@0", "answer": "ans_0", "session": "session-0",
    }  # fmt: skip
    assert set(one) == {f.name for f in fields(Query)}, "a filter is not measured"
    questions = {name: Query(**{name: value}) for name, value in one.items()}
    return questions | {
        "all": Query(),
        "rare word": Query(text=maker.rare),
        "two words": Query(text=f"{maker.common} {maker.text(1)}"),
        "no word": Query(text="nowhere"),
        "no model": Query(model="none"),
        "no app": Query(app="none"),
        "nothing so dear": Query(min_usd=1000.0),
        "nothing so slow": Query(min_ms=1e9),
        "app, model, status": Query(app="app-1", model="model-3", status="error"),
        "user, text": Query(user="user-7", text=maker.common),
        "day, kind, text": Query(since_ns=now - 86_400 * NANO, kind="generation", text=maker.common),
    }


def _lists(reader: SpanReader, maker: _Maker, repetitions: int) -> dict[str, Any]:
    asked: dict[str, Callable[[], object]] = {}
    for name, query in _questions(maker).items():
        asked[f"spans: {name}"] = lambda q=query: reader.spans(LOCAL, q)  # type: ignore[misc]
        for order in ORDERS:
            asked[f"traces, {order}: {name}"] = lambda q=query, o=order: reader.traces(LOCAL, q, order=o)  # type: ignore[misc]
    asked["sessions"] = lambda: reader.sessions(LOCAL, Query())
    asked["facets"] = lambda: reader.facets(LOCAL, Query())
    asked["count"] = lambda: reader.count(LOCAL, Query())
    page = reader.traces(LOCAL, Query())
    asked["second page"] = lambda: reader.traces(LOCAL, Query(), cursor=page.next)
    times = {name: [_timed(ask) for _ in range(repetitions)] for name, ask in asked.items()}
    slowest = sorted(times, key=lambda name: -sorted(times[name])[len(times[name]) // 2])[:10]
    return {
        "all": _quantiles([t for found in times.values() for t in found], "p95"),
        "questions": len(times),
        "slowest": {name: _quantiles(times[name], "p95") for name in slowest},
    }


def _tree(reader: SpanReader, trace_id: str, repetitions: int) -> dict[str, Any]:
    """Measure the pages of a large tree, each the first time that it is asked for."""
    first, later, search = [], [], []
    for i in range(repetitions):
        fresh = SpanReader(reader.database)
        first.append(_timed(lambda: fresh.tree(LOCAL, trace_id)))  # noqa: B023 (called at once)
        later.append(_timed(lambda: fresh.tree(LOCAL, trace_id, offset=5000 * (i + 1))))  # noqa: B023
        search.append(_timed(lambda: fresh.tree(LOCAL, trace_id, errors=True)))  # noqa: B023
    return {
        "spans": LARGE_TRACE,
        "first_page": _quantiles(first, "p95"),
        "far_page": _quantiles(later, "p95"),
        "errors": _quantiles(search, "p95"),
    }


def _visible(store: SpanStore, reader: SpanReader, maker: _Maker, n: int = 100) -> dict[str, float]:
    """Measure from the acknowledgement of a trace to the list and the search that show it."""
    waits = []
    for i in range(n):
        spans = maker.trace(IN_TRACE)
        mark = f"visible{i}x"
        spans[0] = Span(spans[0].trace_id, spans[0].span_id, mark, time.time_ns(), time.time_ns())
        store.add(TENANT, spans)
        begun = time.perf_counter()
        while not reader.traces(LOCAL, Query(text=mark), limit=1).items:
            time.sleep(0.001)
        waits.append(time.perf_counter() - begun)
    return _quantiles(waits, "p99")


def _timed(ask: Callable[[], object]) -> float:
    begun = time.perf_counter()
    ask()
    return time.perf_counter() - begun


def _quantiles(seconds: list[float], high: str) -> dict[str, float]:
    """Return number, median and a high quantile, in milliseconds."""
    ordered = sorted(seconds)
    share = int(high[1:]) / 100
    at = min(len(ordered) - 1, int(share * len(ordered)))
    return {
        "n": len(ordered),
        "p50": round(ordered[len(ordered) // 2] * 1e3, 2),
        high: round(ordered[at] * 1e3, 2),
    }


def _memory_mib() -> float:
    """Return the most memory that this process has had, in MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(used / (2**20 if sys.platform == "darwin" else 1024), 1)
