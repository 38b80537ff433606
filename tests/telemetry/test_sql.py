"""Questions in SQL see the spans of one tenant, live and archived, once each, and nothing else of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import GroundworkError, InvalidInputError, TooLargeError
from groundwork.core.principal import Principal
from groundwork.storage.database import Database, insert_or_ignore
from groundwork.storage.tables import feedback
from groundwork.telemetry.archive import Archive
from groundwork.telemetry.archive_place import ArchivePlace
from groundwork.telemetry.between import between
from groundwork.telemetry.counting import HOUR
from groundwork.telemetry.span_tables import SpanTables, export_parquet, write_parquet
from groundwork.telemetry.sql import Sql, SqlAnswer
from groundwork.telemetry.sql_views import COLUMNS, EXAMPLES
from groundwork.testing.timing import Stopwatch
from tests.telemetry.conftest import NOW_NS, Kept, kept_in
from tests.telemetry.making import generation, span, span_id, trace_id

OLD = NOW_NS - 5 * HOUR * 10**9
ANN = Principal(tenant="default", name="ann", owner=True)
BOB = Principal(tenant="default", name="bob")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kept, Sql, Archive]]:
    root = tmp_path_factory.mktemp("sql")
    kept = kept_in(root / "telemetry.db")
    records = Database(root / "groundwork.db")
    records.migrate()
    kept.store.migrate()
    read = partial(between, kept.database)
    archive = Archive(kept.database, ArchivePlace(root / "spans"), read, kept.reader.tenants, kept.clock)
    old = [
        generation(t, n, 0 if n else None, started_ns=OLD + n, principal="ann" if t else "bob")
        for t in range(4)
        for n in range(5)
    ]
    kept.store.add("default", old)
    kept.store.add("other", [span(9, 0, started_ns=OLD, name="secret of the other", app="theirs")])
    archive.catch_up()
    kept.store.add("default", [span(7, n, started_ns=NOW_NS, principal="ann", app="desk") for n in range(3)])
    with records.write() as connection:
        for tenant in ("default", "other"):
            row = dict.fromkeys(("answer_id", "trace_id", "span_id", "release"), "") | {
                "id": f"fbk_{tenant}", "tenant": tenant, "kind": "thumb", "value": "up", "text": tenant, "app": "desk",
                "principal": "ann", "source": "api", "created_at": "2026-11-28T11:00:00.000+00:00", "withdrawn_at": None,
            }  # fmt: skip
            insert_or_ignore(connection, feedback, row)
    sql = Sql(SpanTables(kept.database, archive), records)
    yield kept, sql, archive
    sql.close()
    kept.store.close()
    kept.database.close()
    records.close()


@pytest.fixture
def ask(house: Any) -> Any:
    def asked(statement: str, principal: Principal = ANN, **options: Any) -> SqlAnswer:
        return house[1].ask(principal, statement, **options)

    return asked


def test_live_and_archived_spans_are_seen_once_each(ask: Any, house: Any) -> None:
    assert len(house[2].files("default")) == 1
    assert ask("SELECT count(*), count(DISTINCT (trace_id, span_id)) FROM spans").rows == ((23, 23),)
    found = ask("SELECT trace_id, spans, cost_usd FROM traces ORDER BY trace_id")
    # Of a call with calls beneath it, these count.
    assert [(t, n) for t, n, _ in found.rows] == [(trace_id(t), 5) for t in range(4)] + [(trace_id(7), 3)]
    assert found.rows[0][2] == pytest.approx(4 * 5000e-9)


def test_every_view_has_the_columns_that_are_announced_and_every_example_runs(ask: Any) -> None:
    for name, columns in COLUMNS.items():
        assert [c for c, _ in ask(f"SELECT * FROM {name} LIMIT 1").columns] == list(columns)
    for _, statement in EXAMPLES:
        ask(statement)


def test_another_tenant_is_not_to_be_seen_by_any_name(ask: Any) -> None:
    for relation in ("spans", "live_spans", "archived_spans"):
        assert ask(
            f"SELECT count(*) FROM {relation}, (SELECT 1 FROM spans LIMIT 1) WHERE name LIKE '%secret%'"
        ).rows == ((0,),)
    assert ask("SELECT text FROM feedback").rows == (("default",),)
    assert ask("SELECT count(*) FROM spans", Principal(tenant="none", owner=True)).rows == ((0,),)
    assert ask("SELECT DISTINCT name FROM spans", Principal(tenant="other", owner=True)).rows == (
        ("secret of the other",),
    )


def test_whoever_is_no_owner_sees_what_is_theirs(ask: Any) -> None:
    assert ask("SELECT DISTINCT principal, count(*) FROM spans GROUP BY 1", BOB).rows == (("bob", 5),)
    assert ask("SELECT count(*) FROM archived_spans, spans LIMIT 1", BOB).rows == ((25,),)
    assert ask("SELECT count(*) FROM feedback", BOB).rows == ((0,),)


def test_a_later_state_of_our_own_span_takes_the_place_of_an_archived_one(
    local: Kept, tmp_path: Path
) -> None:
    read = partial(between, local.database)
    local.store.migrate()
    archive = Archive(local.database, ArchivePlace(tmp_path / "s"), read, local.reader.tenants, local.clock)
    records = Database(tmp_path / "groundwork.db")
    records.migrate()
    own = span(1, 0, source="groundwork", started_ns=OLD, output="first")
    local.store.add("default", [own])
    archive.catch_up()
    local.store.add("default", [replace(own, output="second")])
    sql = Sql(SpanTables(local.database, archive), records)
    assert sql.ask(ANN, "SELECT output FROM spans").rows == (("second",),)
    assert [t.to_pylist()[0]["output"] for t in sql.tables.tables(ANN)] == ["second"]
    sql.close()
    records.close()


def test_mistakes_are_answered_with_the_nearest_name(ask: Any) -> None:
    with pytest.raises(InvalidInputError, match="nam") as wrong:
        ask("SELECT nam FROM spans")
    assert "`name`" in wrong.value.hint
    with pytest.raises(InvalidInputError) as wrong:
        ask("SELECT * FROM span")
    assert "`spans`" in wrong.value.hint
    with pytest.raises(InvalidInputError, match="syntax"):
        ask("SELEC 1")


HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM read_text('/etc/hostname')",
    "SELECT * FROM read_blob('/etc/hostname')", "SELECT * FROM glob('/*')", "SELECT * FROM read_parquet('{here}/*')",
    "SELECT * FROM read_json('/proc/self/environ')", "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM 'https://example.com/x.csv'", "COPY spans TO '{here}/x.csv'", "COPY (SELECT 1) TO '{here}/x.parquet'",
    "ATTACH '{here}/x.db'", "ATTACH 'postgres:dbname=x' AS pg", "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list",
    "PRAGMA enable_profiling='json'", "SET memory_limit='64GB'", "RESET memory_limit", "SET enable_external_access=true",
    "CREATE TABLE x AS SELECT 1", "INSERT INTO spans VALUES (1)", "DROP VIEW spans", "DELETE FROM spans",
    "EXPORT DATABASE '{here}'",
    "CALL pragma_version()", "EXPLAIN SELECT 1", "SELECT 1; SELECT 2", "", ";", "SELECT getenv('HOME')",
    "SELECT * FROM query('COPY spans TO ''{here}/x''')", "SELECT * FROM duckdb_secrets()", "SELECT * FROM question",
    "SELECT * FROM sys", "PREPARE p AS SELECT 1", "EXECUTE p", "BEGIN", "CHECKPOINT", "USE memory", "VACUUM",
    "SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT '" + "x" * 30_000 + "'", "SELECT \x00", "SELECT 1 AS \ud800",
]  # fmt: skip


@pytest.mark.parametrize("statement", HOSTILE, ids=range(len(HOSTILE)))
def test_a_statement_reaches_nothing_but_the_views(ask: Any, tmp_path: Path, statement: str) -> None:
    with pytest.raises(InvalidInputError):
        ask(statement.format(here=tmp_path))
    assert os.listdir(tmp_path) == []


ENDLESS = [
    "SELECT count(*) FROM spans a, spans b, spans c, spans d, spans e, spans f, spans g, spans h",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "SELECT sleep_ms(60000)",
    "SELECT sum(sqrt(i)) FROM range(1000000000000) r(i)",
]
HUGE = [
    "SELECT length(repeat('x', 4000000000))",
    "SELECT string_agg(repeat(name, 10000000), '') FROM spans, range(1000)",
    "SELECT list(range(1000000000))",
    "SELECT * FROM range(30000000) a(i) ORDER BY md5(i::VARCHAR)",
    "SELECT lpad('x', 2000000000, 'y')",
]


@pytest.mark.parametrize("statement", ENDLESS, ids=range(len(ENDLESS)))
def test_what_does_not_end_is_stopped_in_time(ask: Any, statement: str) -> None:
    with Stopwatch() as watch, pytest.raises(InvalidInputError, match="longer than"):
        ask(statement, timeout_s=0.5)
    assert watch.seconds < 10


@pytest.mark.parametrize("statement", HUGE, ids=range(len(HUGE)))
def test_what_is_too_large_is_stopped_and_the_next_question_answered(ask: Any, statement: str) -> None:
    with pytest.raises(GroundworkError) as stopped:
        ask(statement, timeout_s=1.5)
    assert isinstance(stopped.value, TooLargeError | InvalidInputError)
    assert ask("SELECT 1").rows == ((1,),)


def test_answers_are_bounded_and_say_so(ask: Any) -> None:
    found = ask("SELECT i FROM range(50) r(i)", limit=20)
    assert (len(found.rows), found.more) == (20, True)
    found = ask("SELECT repeat('x', 90000) FROM range(1000)", limit=1000)
    assert found.more
    assert len(found.rows) < 300
    with pytest.raises(InvalidInputError):
        ask("SELECT 1", limit=0)
    with pytest.raises(InvalidInputError):
        ask("SELECT 1", timeout_s=1e9)


def test_values_are_those_of_json(ask: Any) -> None:
    [row] = ask(
        "SELECT TIMESTAMP '2026-11-28 10:00:00', DATE '2026-11-28', 1.5::DECIMAL(9,2), 'nan'::DOUBLE, [1, NULL], {'a': 1}, "
        "INTERVAL 1 DAY, '\\x01'::BLOB, true, NULL, 170141183460469231731687303715884105727::HUGEINT, uuid() IS NOT NULL"
    ).rows
    assert row == ("2026-11-28T10:00:00", "2026-11-28", 1.5, "nan", [1, None], {"a": 1}, "1 day, 0:00:00", "01", True, None,
                   "170141183460469231731687303715884105727", True)  # fmt: skip


def test_spans_are_exported_as_parquet_once_each_and_bounded(house: Any, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    tables = house[1].tables
    [(path, count)] = export_parquet(tables.tables(ANN), tmp_path / "out")
    found = pq.read_table(path)
    assert found.num_rows == count == 23
    assert len(set(zip(found["trace_id"].to_pylist(), found["span_id"].to_pylist(), strict=True))) == 23
    with (tmp_path / "some.parquet").open("wb") as file:
        assert write_parquet(tables.tables(ANN), file, 10) == (10, True)
    assert pq.read_table(tmp_path / "some.parquet").num_rows == 10
    assert sum(t.num_rows for t in tables.tables(ANN, NOW_NS)) == 3
    assert sum(t.num_rows for t in tables.tables(BOB)) == 5
    assert span_id(0) in found["span_id"].to_pylist()
