"""What a dashboard shows: traffic, errors, times, tokens, cost and quality over a stretch of time, from rollups alone.

A *request* is the root of a trace that somebody waited for: not an ingest, a job or an evaluation. A *call* is one
generation or embedding. Where a dashboard is narrowed to a model or provider, which calls have, calls stand for requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import ceil
from typing import Any, Protocol

from sqlalchemy import select

from groundwork.core.clock import Clock, SystemClock
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.storage.database import Database
from groundwork.storage.telemetry_tables import rollup_cursors
from groundwork.telemetry.counting import BACKGROUND, DAY, HOUR, SPENDING
from groundwork.telemetry.rollup_reading import Counted, GroupRow, RollupReader, grain, times
from groundwork.telemetry.shares import Share, share

STEPS = ((2 * HOUR, 60), (12 * HOUR, 300), (4 * DAY, HOUR), (14 * DAY, 6 * HOUR), (400 * DAY, DAY))
"""The series' step by the length of time it covers, in seconds: a minute for an hour, a day for a year."""
LONGEST_STEP = 7 * DAY
LONGEST = 3660 * DAY
GROUPINGS = ("app", "key", "release", "model")
MOST_ROWS = 50
DEAREST = 10


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles in milliseconds over `n` values, each within 1 %; None where n is 0."""

    n: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything that is measured of a stretch of time, or of one group in it.

    Attributes:
        requests, errors: how many, and the share of them that failed. latency: of requests.
        first_token: of generations that streamed. per_minute: requests.
        calls: generations and embeddings; tokens and cost are theirs. unpriced: calls whose cost nobody knows.
        cache: share of calls that were answered from a cache. abstention: share of answers that said they do not know.
        groundedness: share of sentences of answers that a checked quote supports.
        feedback: share of thumbs that point up.
    """

    requests: int
    errors: Share
    latency: Times
    first_token: Times
    per_minute: float
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_nanousd: int
    unpriced: int
    cache: Share
    abstention: Share
    groundedness: Share
    feedback: Share


@dataclass(frozen=True, slots=True)
class Point:
    """The measures of one step of the series, which began at `at` (seconds since 1970)."""

    at: int
    measures: Measures


@dataclass(frozen=True, slots=True)
class Row:
    """The measures of one value of a grouping.

    Attributes:
        value: of the grouping; empty for what names none. service: what sent it, where no app is named.
        provider: of a model.
    """

    value: str
    measures: Measures
    service: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class DearTrace:
    """A trace that cost much; `answer_id` where it brought an answer of ours."""

    trace_id: str
    answer_id: str
    app: str
    cost_nanousd: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Measures over `since <= time < until` (seconds since 1970), and over as long a time before.

    Attributes:
        step_s: length of the steps of `series`, which leaves none out.
        rows: by grouping, most expensive first for models, most requests first for others; at most 50 each.
        dearest: the traces of these days that cost most. background: spans of ingests, jobs and evaluations, by kind.
        counted_spans: how many spans of the tenant all rollups hold, of whatever time; 0 for a workspace nobody uses yet.
    """

    since: int
    until: int
    step_s: int
    filters: Mapping[str, str]
    total: Measures
    before: Measures
    series: tuple[Point, ...]
    rows: Mapping[str, tuple[Row, ...]]
    dearest: tuple[DearTrace, ...]
    background: Mapping[str, int]
    counted_spans: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON-compatible object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Thumb:
    """A thumb that nobody took back: its time (seconds since 1970), whether it points up, and what it was given to."""

    at: int
    up: bool
    app: str
    release: str


class ThumbSource(Protocol):
    """Gives the thumbs of a stretch of time. The feedback of a workspace implements it."""

    def thumbs(self, principal: Principal, since: int, until: int) -> Sequence[Thumb]:
        """Return the newest thumb of each person on each answer or trace, given in `since <= time < until`."""
        ...


class Dashboards:
    """Reads dashboards; for an owner of all traffic of the tenant, for others of their own.

    Args:
        database: of telemetry.
        thumbs: gives feedback; None counts none.
    """

    def __init__(
        self, database: Database, thumbs: ThumbSource | None = None, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._source = thumbs
        self._clock = clock or SystemClock()

    def overview(
        self,
        principal: Principal,
        since: datetime,
        until: datetime,
        *,
        app: str = "",
        model: str = "",
        key: str = "",
        release: str = "",
        service: str = "",
        provider: str = "",
    ) -> Dashboard:
        """Return what happened in a stretch of time; its beginning is moved to that of the first step of the series.

        Raises:
            InvalidInputError: it ends before it begins, or is longer than ten years.
        """
        begin, end = int(since.timestamp()), ceil(until.timestamp())
        if end <= begin or end - begin > LONGEST:
            raise InvalidInputError(
                f"from {since.isoformat()} to {until.isoformat()} is no stretch of time a dashboard shows",
                hint="give a beginning before the end, at most ten years apart",
            )
        now = int(self._clock.now().timestamp())
        step = max(step_of(end - begin), grain(begin, now))
        start = begin - begin % step
        given = {
            "app": app,
            "service": service,
            "model": model,
            "provider": provider,
            "key": key,
            "release": release,
        }
        filters = {name: value for name, value in given.items() if value}
        narrowed = bool(model or provider)
        thumbs = self._thumbs(principal, 2 * start - end, end, filters)
        with self._database.read() as connection:
            reader = RollupReader(connection, principal, filters, now)
            current = reader.sums(start, end)
            earlier = reader.sums(2 * start - end, start)
            series = reader.series(start, end, step)
            dearest = tuple(DearTrace(*row) for row in reader.dearest(start, end, DEAREST))
            counted = connection.execute(
                select(rollup_cursors.c.counted).where(rollup_cursors.c.tenant == principal.tenant)
            ).scalar()
        points = [
            Point(at, _measure(found, step, _within(thumbs, at, at + step), narrowed)) for at, found in series
        ]
        return Dashboard(
            start,
            end,
            step,
            filters,
            _measure(current, end - start, _within(thumbs, start, end), narrowed),
            _measure(earlier, end - start, _within(thumbs, 2 * start - end, start), narrowed),
            tuple(points),
            {name: _rows(name, current, end - start, narrowed) for name in GROUPINGS},
            dearest,
            _background(current),
            int(counted or 0) if principal.owner else sum(c.sums["spans"] for c in current),
        )

    def _thumbs(
        self, principal: Principal, since: int, until: int, filters: Mapping[str, str]
    ) -> Sequence[Thumb]:
        if self._source is None or filters.keys() - {"app", "release"}:
            return ()  # a thumb is given to an answer, not to one of its calls
        found = self._source.thumbs(principal, since, until)
        return [t for t in found if all(getattr(t, name) == value for name, value in filters.items())]


def step_of(length_s: int) -> int:
    """Return the step of the series, in seconds, for a stretch of time."""
    return next((step for most, step in STEPS if length_s <= most), LONGEST_STEP)


def is_request(group: GroupRow, narrowed: bool) -> bool:
    """Say whether spans of a group count as requests; `narrowed` to a model or provider, its calls do."""
    return group.kind in SPENDING if narrowed else group.root and group.kind not in BACKGROUND


def _measure(found: Sequence[Counted], seconds: int, thumbs: Sequence[Thumb], narrowed: bool) -> Measures:
    requests = [c for c in found if is_request(c.group, narrowed)]
    calls = [c for c in found if c.group.kind in SPENDING]
    generations = [c for c in calls if c.group.kind == "generation"]
    answers = [c for c in found if c.group.kind == "answer"]
    asked, called = _sum(requests, "spans"), _sum(calls, "spans")
    sentences = _sum(answers, "sentences")
    return Measures(
        requests=asked,
        errors=share(_sum(requests, "errors"), asked),
        latency=_times([c.latency for c in requests]),
        first_token=_times([c.first_token for c in generations]),
        per_minute=60 * asked / seconds,
        calls=called,
        input_tokens=_sum(calls, "input_tokens"),
        output_tokens=_sum(calls, "output_tokens"),
        cached_tokens=_sum(calls, "cached_tokens"),
        cost_nanousd=_sum(calls, "cost_nanousd"),
        unpriced=_sum(calls, "unpriced"),
        cache=share(_sum(calls, "cached"), called),
        abstention=share(_sum(answers, "abstained"), _sum(answers, "answers")),
        groundedness=share(sentences - _sum(answers, "unsupported"), sentences),
        feedback=share(sum(t.up for t in thumbs), len(thumbs)),
    )


def _rows(grouping: str, found: Sequence[Counted], seconds: int, narrowed: bool) -> tuple[Row, ...]:
    parts: dict[tuple[str, str, str], list[Counted]] = {}
    for counted in found:
        group = counted.group
        if grouping == "app":
            parts.setdefault((group.app, group.service, ""), []).append(counted)
        elif grouping == "key":
            parts.setdefault((group.key_id, "", ""), []).append(counted)
        elif grouping == "release":
            parts.setdefault((group.release, "", ""), []).append(counted)
        elif group.kind in SPENDING and group.model:
            parts.setdefault((group.model, "", group.provider), []).append(counted)
    rows = [
        Row(value, _measure(some, seconds, (), narrowed or grouping == "model"), service, provider)
        for (value, service, provider), some in parts.items()
    ]
    kept = [row for row in rows if row.measures.requests or row.measures.calls]
    order = sorted(kept, key=lambda r: (-r.measures.requests, -r.measures.cost_nanousd, r.value, r.service))
    return tuple(order[:MOST_ROWS])


def _background(found: Sequence[Counted]) -> dict[str, int]:
    roots = [c for c in found if c.group.root and c.group.kind in BACKGROUND]
    counts = {kind: sum(c.sums["spans"] for c in roots if c.group.kind == kind) for kind in BACKGROUND}
    return {kind: count for kind, count in counts.items() if count}


def _times(counts: Sequence[Any]) -> Times:
    n, found = times(counts, (0.5, 0.95, 0.99))
    return Times(n, *found)


def _within(thumbs: Sequence[Thumb], since: int, until: int) -> list[Thumb]:
    return [t for t in thumbs if since <= t.at < until]


def _sum(found: Iterable[Counted], name: str) -> int:
    return sum(c.sums[name] for c in found)
