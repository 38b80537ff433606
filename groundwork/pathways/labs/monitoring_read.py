"""A day of traffic with one bad hour in it: read off dashboard, SQL and traces when, where, why, how slow and how dear.

The traffic lies in a file as another system has exported it, dated the day before the lab was begun; the learner brings it
in. When and where it failed, why, and how slow the slowest are, was drawn. Names of apps end in a drawn number, so that the
traffic of an earlier try does not mix with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from groundwork.pathways.labs import Bench, Point, Sheet

MODELS = ("lab-large", "lab-small")
CAUSES = ("timeout", "overloaded", "rate_limited")
REQUESTS, SLOW = 70, 7
"""Of each app on an ordinary day, and how many of those of one app are slow: more than the slowest twentieth."""
_NANO = 10**9


class _Request(NamedTuple):
    app: str
    second: int
    ms: int
    model: str
    read: int
    wrote: int
    nanousd: int
    failure: str


class MonitoringRead:
    """Find the bad hour of a day, say what it was, and keep a view with which it is found sooner the next time."""

    title = "Read a day of traffic"
    summary = "From dashboard, SQL and traces: which hour went wrong, in which app, for which reason, and what the day cost."
    minutes = 35
    skills: Sequence[str] = ("basic-ai-monitoring",)
    milestones: Sequence[str] = ("y1-ethics", "y2-ai-metrics-monitored", "d90-monitor-rag")
    after: Sequence[str] = ()
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        number = random.randint(100, 999)
        apps = [f"lab-{name}-{number}" for name in ("shop", "desk", "wiki")]
        drawn = {
            "apps": apps,
            "view": f"lab-failures-{number}",
            "bad_app": random.choice(apps),
            "bad_model": random.choice(MODELS),
            "bad_hour": random.randint(5, 21),
            "bad_requests": random.randint(9, 14),
            "cause": random.choice(CAUSES),
            "slow_app": random.choice(apps),
            "slow_ms": random.randint(41, 98) * 100,
            "seed": random.getrandbits(48),
        }
        requests = traffic(drawn)
        return {
            **drawn,
            "example_app": random.choice(apps),
            "requests": len(requests),
            "failed": sum(bool(r.failure) for r in requests),
            "usd": round(sum(r.nanousd for r in requests) / _NANO, 4),
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        day = (datetime.now(UTC) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        ids = Random(f"{draw['seed']} {day:%Y-%m-%d}")  # noqa: S311
        spans = (span for request in traffic(draw) for span in _spans(request, day, ids))
        bench.write(f"traffic-{day:%Y-%m-%d}.jsonl", "".join(f"{json.dumps(span)}\n" for span in spans))

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        bad = draw["bad_app"]
        return (
            Point(
                "hour",
                "You name the hour in which it went wrong (UTC, 0 to 23)",
                sheet=Sheet("hour", float(draw["bad_hour"])),
                hint="count failed requests by hour",
            ),
            Point(
                "app",
                "You name the app that failed in that hour",
                sheet=Sheet("app", bad),
                hint="count the failed requests of that hour by app",
            ),
            Point(
                "model",
                "You name the model that these failures have in common",
                sheet=Sheet("model", draw["bad_model"]),
                hint="the spans below a request name the model that was asked",
            ),
            Point(
                "cause",
                "You say what the model's provider answered in that hour",
                sheet=Sheet("cause", draw["cause"]),
                hint="the span that failed says it as its status",
            ),
            Point(
                "failed",
                "You know how many requests of the three apps failed on that day",
                sheet=Sheet("failed", float(draw["failed"])),
                hint="count requests, not spans: a request that fails has two of them",
            ),
            Point(
                "p95",
                f"You know how long one in twenty requests to {draw['slow_app']} takes at least, in milliseconds",
                sheet=Sheet("p95", float(draw["slow_ms"]), within=draw["slow_ms"] * 0.02),
                hint="it is the 95th percentile, p95",
            ),
            Point(
                "usd",
                "You know what the day cost in US dollars, all three apps together",
                sheet=Sheet("usd", draw["usd"], within=0.011),
                hint="add up the cost of the model calls of that day",
            ),
            Point(
                "view",
                f"A saved view called `{draw['view']}` shows what failed in one app",
                worth=2,
                check={
                    "find": "saved_view",
                    "where": {
                        "name": draw["view"],
                        "page": "traces",
                        "failed_only": True,
                        "of_one_app": True,
                        "at": {"after": "$lab.started_at"},
                    },
                    "because": f"there is no view `{draw['view']}` of traces that is narrowed to one app and to what failed",
                    "do": "groundwork serve",
                },
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        apps = ", ".join(f"'{app}'" for app in draw["apps"])
        return (
            "`groundwork trace sql` takes SQL; its views `traces` (one row a request) and `spans` are what you need.",
            f"Requests and failures by hour and app: {_BY_HOUR.replace('APPS', apps)}",
            f"By model and cause: {_BY_CAUSE.replace('APP', draw['bad_app'])}",
            f"p95: {_P95.replace('APP', draw['slow_app'])} and cost: {_COST.replace('APPS', apps)}",
        )


_BY_HOUR = (
    "SELECT hour(started_at) AS hour, app, count(*) AS requests, count(*) FILTER (WHERE status = 'error') AS failed "
    "FROM traces WHERE app IN (APPS) GROUP BY ALL ORDER BY failed DESC"
)
_BY_CAUSE = (
    "SELECT model, status_message, count(*) FROM spans WHERE app = 'APP' AND kind = 'generation' AND status = 'error' "
    "GROUP BY ALL"
)
_P95 = "SELECT quantile_cont(duration_ms, 0.95) FROM traces WHERE app = 'APP'"
_COST = "SELECT sum(cost_usd) FROM traces WHERE app IN (APPS)"


def traffic(drawn: Mapping[str, Any]) -> list[_Request]:
    """Return the requests of a day, in the order of their apps. Follows from what was drawn alone."""
    random = Random(drawn["seed"])  # noqa: S311
    requests = []
    for app in drawn["apps"]:
        slow = set(random.sample(range(REQUESTS), SLOW)) if app == drawn["slow_app"] else set()
        for n in range(REQUESTS):
            # Most people ask by day; a few requests fail on any day, for reasons of their own.
            hour = min(23, max(0, round(random.gauss(13, 4))))
            ms = drawn["slow_ms"] if n in slow else random.randint(250, 1900)
            failure = random.choice(CAUSES) if random.random() < 0.02 and n not in slow else ""
            requests.append(_request(random, app, hour, ms, random.choice(MODELS), failure))
    for _ in range(drawn["bad_requests"]):
        ms = random.randint(40, 240)
        requests.append(
            _request(random, drawn["bad_app"], drawn["bad_hour"], ms, drawn["bad_model"], drawn["cause"])
        )
    return requests


def _request(random: Random, app: str, hour: int, ms: int, model: str, failure: str) -> _Request:
    read, wrote = random.randint(400, 2400), 0 if failure else random.randint(40, 400)
    price = (2_500, 10_000) if model == MODELS[0] else (150, 600)  # billionths of a dollar a token
    cost = 0 if failure else read * price[0] + wrote * price[1]
    return _Request(app, hour * 3600 + random.randrange(3500), ms, model, read, wrote, cost, failure)


def _spans(request: _Request, day: datetime, ids: Random) -> list[dict[str, Any]]:
    """Return a request and the model call below it, as `groundwork trace export` writes them."""
    begun = int(day.timestamp() + request.second) * _NANO + ids.randrange(_NANO)
    ended = begun + request.ms * 1_000_000
    trace, root, call = (
        f"{ids.getrandbits(128):032x}",
        f"{ids.getrandbits(64):016x}",
        f"{ids.getrandbits(64):016x}",
    )
    common = {
        "trace_id": trace,
        "app": request.app,
        "service": "lab-traffic",
        "status": "error" if request.failure else "ok",
        "status_message": request.failure,
    }
    asked = {
        "span_id": call,
        "parent_id": root,
        "name": f"chat {request.model}",
        "kind": "generation",
        "started_ns": begun + 5_000_000,
        "ended_ns": ended - 5_000_000,
        "provider": "lab-cloud",
        "model": request.model,
        "input_tokens": request.read,
        "output_tokens": request.wrote,
        "cost_nanousd": request.nanousd,
    }
    return [
        {
            **common,
            "span_id": root,
            "name": "answer",
            "kind": "answer",
            "started_ns": begun,
            "ended_ns": ended,
        },
        {**common, **asked},
    ]


plugin = MonitoringRead
