"""Measure predicates: every check of the shipped catalogue over a workspace full of records, and one policy over it.

Two workspaces of equal size are asked: one in which checks hold, so that what was found is read and signatures are looked
at, and one in which most come near and fail, so that the search has to try and to explain.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert

from groundwork.core.clock import SystemClock
from groundwork.core.digest import digest_json
from groundwork.core.ids import derived_id
from groundwork.core.principal import LOCAL
from groundwork.evidence.engine import Checker
from groundwork.pathways.catalogue.shipped import catalogue
from groundwork.releases import signing
from groundwork.releases.key import SigningKey
from groundwork.releases.types import Manifest
from groundwork.storage import improvement_tables as i
from groundwork.storage import tables as t
from groundwork.storage.columns import Json
from groundwork.storage.database import Database

LIMIT_S = 5.0
"""All checks over 100,000 records."""
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
AT_ONCE = 5_000
APPS = 8
POLICY: Mapping[str, Any] = {
    "all": [
        {"find": "release", "as": "r"},
        {
            "find": "verdict",
            "where": {
                "app": "$r.app",
                "settings": "$r.settings",
                "snapshot": "$r.snapshot",
                "n": {"at_least": 50},
            },
        },
    ]
}
Progress = Callable[[int, int, str], object]
Rows = Iterator[tuple[Table, dict[str, Any]]]


def run(
    records: int = 100_000, rounds: int = 5, *, database: str = "", progress: Progress | None = None
) -> dict[str, Any]:
    """Write the records, ask everything `rounds` times, and return medians in milliseconds; `holds` when under the limit.

    Args:
        records: in each of the two workspaces. database: a URL of an empty database; "": SQLite in a folder of its own.
    """
    told = progress or (lambda done, total, what: None)
    checks = {m.id: m.check for m in catalogue().milestones} | {a.id: a.check for a in catalogue().actions}
    worlds = {}
    for whole in (True, False):
        with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
            name = "held" if whole else "nearly"
            key = SigningKey(Path(folder) / "release.key", {})
            store = Database(database or Path(folder) / "groundwork.db")
            store.migrate()
            count = _fill(store, key, records, whole, partial(_writing, told, records, name))
            worlds[name] = {
                "records": count,
                **_asked(Checker(store, SystemClock(), key), checks, rounds, told),
            }
            if database:
                _empty(store)
            store.close()
    slowest = max(world["all_ms"] for world in worlds.values())
    return {
        "checks": len(checks), "records": records, "rounds": rounds, "limit_s": LIMIT_S, "worlds": worlds,
        "all_s": round(slowest / 1000, 3), "holds": slowest <= LIMIT_S * 1000,
    }  # fmt: skip


def _asked(checker: Checker, checks: Mapping[str, Any], rounds: int, told: Progress) -> dict[str, Any]:
    """Return how long all checks took, each of them, and what they were answered."""
    whole: list[float] = []
    worked: list[float] = []
    each: dict[str, list[float]] = {name: [] for name in checks}
    outcomes: dict[str, str] = {}
    for n in range(rounds + 1):  # the first round compiles the statements and is not counted
        begun, used = time.perf_counter(), time.process_time()
        for name, check in checks.items():
            began = time.perf_counter()
            outcomes[name] = checker.check(LOCAL, check).outcome
            each[name].append((time.perf_counter() - began) * 1000)
        whole.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - used) * 1000)
        told(n, rounds, "asking")
    policy = []
    for _ in range(rounds):
        began = time.perf_counter()
        checker.check(LOCAL, POLICY)
        policy.append((time.perf_counter() - began) * 1000)
    slowest = max(each, key=lambda name: statistics.median(each[name][1:]))
    return {
        "all_ms": round(statistics.median(whole[1:]), 1),
        "all_max_ms": round(max(whole[1:]), 1),
        "all_cpu_ms": round(statistics.median(worked[1:]), 1),
        "first_ms": round(whole[0], 1),
        "median_ms": round(statistics.median([statistics.median(v[1:]) for v in each.values()]), 2),
        "slowest": slowest,
        "slowest_ms": round(statistics.median(each[slowest][1:]), 1),
        "policy_ms": round(statistics.median(policy), 2),
        "outcomes": {
            word: sum(o == word for o in outcomes.values()) for word in sorted(set(outcomes.values()))
        },
    }


# ---- records ----


def _writing(told: Progress, total: int, name: str, done: int) -> None:
    told(done, total, f"writing ({name})")


def _fill(store: Database, key: SigningKey, records: int, whole: bool, told: Callable[[int], object]) -> int:
    """Write the records in batches and return how many there are."""
    waiting: dict[Table, list[dict[str, Any]]] = {}
    written = 0
    for table, values in _records(key, records, whole):
        rows = waiting.setdefault(table, [])
        rows.append(_row(table, LOCAL.tenant, values))
        written += 1
        if len(rows) >= AT_ONCE:
            _write(store, table, rows)
            told(written)
    for table in (t.answers, *waiting):
        _write(store, table, waiting.get(table, []))
    return written


def _write(store: Database, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        with store.write() as connection:
            connection.execute(insert(table), rows)
        rows.clear()


def _empty(store: Database) -> None:
    with store.write() as connection:
        for table in reversed(t.metadata.sorted_tables):
            connection.execute(table.delete())


def _row(table: Table, tenant: str, values: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"tenant": tenant, **values}
    for column in table.c:
        if column.name not in row and not column.nullable:
            python = column.type.python_type if not isinstance(column.type, Json) else dict
            row[column.name] = python() if python in (int, float, bool, dict) else ""
    return row


def _at(n: int, total: int) -> str:
    return (BEGIN + timedelta(days=60) * (n / max(1, total))).isoformat()


def _records(key: SigningKey, records: int, whole: bool) -> Rows:
    """Yield records in the proportions of a busy workspace: of a hundred 60 are calls, 25 answers, the rest is versions."""
    calls, answers, rest = int(records * 0.6), int(records * 0.25), int(records * 0.15)
    releases = list(_releases(key, max(APPS, rest // 60)))
    yield from ((i.releases, row) for row in releases)
    for n in range(calls):
        release = releases[n % len(releases)]
        yield t.calls, _call(n, calls, release["id"] if n % 3 else "", whole)
    for n in range(answers):
        yield t.answers, _answer(n, answers, releases[n % len(releases)])
    for n in range(min(answers, rest // 10)):
        result = "identical" if whole and n % 2 else "drifted"
        values = {"answer_id": f"ans_{n:026}", "result": result, "times": 1}
        yield t.answer_replays, {**values, "first_at": _at(n, rest), "last_at": _at(n, rest)}
    yield from _versions(releases, rest, whole)


def _releases(key: SigningKey, count: int) -> Iterator[dict[str, Any]]:
    private = key.private()
    for n in range(count):
        app, number = f"app{n % APPS}", n // APPS + 1
        manifest = Manifest(
            app=app, spec={}, index="docs", snapshot=f"s{n}", prompt=f"answer@p{n % 40}", reader="r", models={}, policies={},
            threshold=0.2, calibration="", settings=f"settings {n}", recipe={"strategy": "hybrid"}, code={"version": "1"},
        )  # fmt: skip
        digest = digest_json(manifest.pins())
        envelope = signing.sign(private, signing.statement(manifest, number, _at(n, count), f"user:u{n % 3}"))
        yield {
            "id": derived_id("rel", digest), "digest": digest, "app": app, "number": number, "created_at": _at(n, count),
            "created_by": f"user:u{n % 3}", "manifest": manifest.as_dict(), "envelope": envelope,
        }  # fmt: skip


def _call(n: int, count: int, release: str, whole: bool) -> dict[str, Any]:
    failed = n % (250 if whole else 40) == 7
    return {
        "id": f"call_{n:026}", "state": "failed" if failed else "done", "operation": "chat", "app": f"app{n % APPS}",
        "release": release, "provider": f"p{n % 3 if whole else 0}", "model": "m", "latency_ms": 100.0 + n % 50,
        "structured": "valid" if n % 4 == 0 else "none", "tool_calls": int(n % 20 == 0), "key_id": f"key_{n % 20}",
        "cost_nanousd": 1000, "process": {}, "started_at": _at(n, count), "holds": {},
    }  # fmt: skip


def _answer(n: int, count: int, release: Mapping[str, Any]) -> dict[str, Any]:
    passage = {"chunk_id": "c", "document_id": "d", "text": "x" * 400, "score": 0.5}
    record = {
        "pins": {"release": release["id"], "snapshot": "s", "prompt": "answer@p1", "model": "m", "settings": "s"},
        "citations": [{"quote": "x" * 80}], "retrieved": [passage] * 5, "confidence": 0.9, "calibration": None,
    }  # fmt: skip
    return {
        "id": f"ans_{n:026}", "app": release["app"], "record": record, "created_at": _at(n, count), "principal": "local"
    }  # fmt: skip


def _versions(releases: list[dict[str, Any]], count: int, whole: bool) -> Rows:
    """Yield evaluations, verdicts, deployments, datasets, prompts, ingests, cards and approvals of what was released."""
    for n in range(count):
        release, at = releases[n % len(releases)], _at(n, count)
        manifest = release["manifest"]
        pins = {k: manifest[k] for k in ("settings", "snapshot", "prompt")}
        subject = {"kind": "app", "pins": pins, "retrieval": ("hybrid", "lexical")[n % 2 if whole else 0]}
        match n % 8:
            case 0 | 1:
                summary = {m: {"value": 0.8, "low": 0.7, "high": 0.9} for m in ("correct", "recall")}
                yield i.evaluations, {
                    "id": f"evl_{n:026}", "app": release["app"], "dataset": "golden", "dataset_version": f"golden {n % 9}",
                    "state": "done", "record": {"n": 60 if whole else 40, "subject": subject}, "summary": summary,
                    "created_at": at, "progress": {"failed": 0}, "created_by": "key:key_1",
                }  # fmt: skip
            case 2 | 3:
                cost = {
                    "kind": "guard",
                    "metric": "cost",
                    "baseline": 0.01,
                    "candidate": 0.007 if whole else 0.0099,
                }
                checks = [
                    {"kind": "primary", "metric": "correct", "state": "pass"},
                    {**cost, "low": -0.004, "high": -0.001},
                ]
                yield i.verdicts, {
                    "id": f"vrd_{n:026}", "gate": "main", "app": release["app"], "outcome": "promote", "created_at": at,
                    "release": release["digest"], "record": {
                        "n": 60 if whole else 40, "posthoc": False, "checks": checks, "candidate_subject": subject,
                        "baseline_subject": {"release": "x", "pins": {"prompt": "answer@p999"}}, "dataset_version": "d",
                    },
                }  # fmt: skip
            case 4:
                kind = "rollback" if n % 16 == 4 and whole else "promote"
                yield i.deployments, {
                    "id": f"dep_{n:026}", "app": release["app"], "environment": ("staging", "production")[n // 8 % 2],
                    "release": release["id"], "kind": kind, "state": "done", "verdict_id": "vrd_1", "created_at": at,
                }  # fmt: skip
            case 5:
                yield (
                    t.prompt_versions,
                    {"name": f"prompt{n % 50}", "digest": f"p{n}", "template": {}, "created_at": at},
                )
            case 6:
                documents = {"added": 1, "changed": 0, "unchanged": 3, "removed": 0, "quarantined": 0}
                yield t.ingests, {
                    "id": f"ing_{n:026}", "index_name": f"docs{n % 5}", "state": "done", "started_at": at,
                    "report": {"snapshot": f"s{n}", "before": "s", "documents": documents},
                }  # fmt: skip
            case _:
                yield i.dataset_versions, {
                    "name": f"set{n % 30}", "number": n, "digest": f"golden {n % 9}", "examples": 80 if whole else 30,
                    "summary": {"splits": {"test": 80}, "licences": {"CC0": 80}, "personal": {"examples": 0}},
                    "created_at": at,
                }  # fmt: skip
