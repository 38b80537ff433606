"""What goes, goes whole, leaves no text behind, and is counted: by age, by size, by hand."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from groundwork.core.errors import NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.telemetry import deletion, removing
from groundwork.telemetry.archive import Archive
from groundwork.telemetry.archive_place import ArchivePlace
from groundwork.telemetry.between import between
from groundwork.telemetry.deletion import Deleted, Deletions
from groundwork.telemetry.retention import Retention
from groundwork.telemetry.rows import DOCUMENTS
from groundwork.telemetry.types import Added, Query
from tests.telemetry.conftest import Kept
from tests.telemetry.making import START, span, span_id, trace_id

TABLES = ("spans", "span_bodies", "span_words", "traces", "trace_values", "span_documents")


def retention(kept: Kept, days: int = 30, most_bytes: int = 1 << 40) -> Retention:
    return Retention(kept.store, kept.clock, days=days, most_bytes=most_bytes, wait=lambda seconds: None)


def rows(kept: Kept) -> dict[str, int]:
    found = {}
    with kept.database.read() as connection:
        for table in TABLES:
            if table != "span_words" or kept.database.dialect == "postgresql":
                found[table] = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0
    return found


def shown(kept: Kept) -> list[str]:
    return [x.trace_id for x in kept.reader.traces(LOCAL, Query()).items]


def test_traces_go_when_their_days_after_the_last_span_are_over(kept: Kept) -> None:
    kept.store.add("default", [span(1, 0, started_ns=0), span(2, 0, started_ns=START * 3)])
    kept.clock.wall += timedelta(days=20)
    kept.store.add("default", [span(2, 1, 0), span(3, 0)])
    assert retention(kept).run() == 0
    kept.clock.wall += timedelta(days=10.5)
    assert retention(kept).run() == 1
    assert shown(kept) == [trace_id(2), trace_id(3)]
    kept.clock.wall += timedelta(days=30)
    assert retention(kept).run() == 3
    assert set(rows(kept).values()) == {0}
    assert retention(kept).report().dropped == {"age_spans": 4, "age_traces": 3}
    assert kept.store.add("default", [span(1, 0)]) == Added(1, 0)


def test_what_the_archive_does_not_have_yet_stays_until_it_has_it(kept: Kept, tmp_path: Path) -> None:
    archive = Archive(
        kept.database,
        ArchivePlace(tmp_path / "a"),
        partial(between, kept.database),
        kept.reader.tenants,
        kept.clock,
    )
    kept.store.add("default", [span(1, 0)])
    kept.clock.wall += timedelta(days=40)
    held = Retention(
        kept.store,
        kept.clock,
        days=30,
        most_bytes=1 << 40,
        waiting_since=archive.waiting_since,
        wait=lambda s: None,
    )
    assert held.run() == 0
    assert shown(kept) == [trace_id(1)]
    assert archive.catch_up().spans == 1
    assert archive.waiting_since() is None
    assert held.run() == 1
    assert [s.span_id for s in archive.trace(LOCAL, trace_id(1))] == [span_id(0)]


def test_the_oldest_traces_go_until_the_store_has_its_size(kept: Kept) -> None:
    for n in range(30):
        kept.store.add("default", [span(n, 0, input=f"number{n} " + "some words " * 2000)])
    used = retention(kept).report().bytes
    assert retention(kept, most_bytes=used // 2).run() > 5
    left = shown(kept)
    assert left == [trace_id(n) for n in range(29, 29 - len(left), -1)]
    assert 0 < len(left) < 25
    report = retention(kept).report()
    assert report.dropped["size_traces"] == 30 - len(left) == report.dropped["size_spans"]
    assert report.traces == report.spans == len(left)


def test_numbers_are_not_given_again_after_everything_was_dropped(kept: Kept) -> None:
    kept.store.add("default", [span(n, 0) for n in range(5)])
    last = kept.reader.raw("default", 0, 10)[-1][0]
    Deletions(kept.store).query(LOCAL, Query())
    kept.store.add("default", [span(9, 0)])
    assert kept.reader.raw("default", last, 10)[0][0] > last


def test_deleting_takes_what_a_list_shows_and_nothing_else(kept: Kept) -> None:
    kept.store.add(
        "default", [span(n, 0, user_id="ann" if n % 2 else "bob", session_id=f"s{n % 3}") for n in range(12)]
    )
    kept.store.add("other", [span(20, 0, user_id="ann", session_id="s1")])
    delete = Deletions(kept.store)
    assert delete.user(LOCAL, "ann") == Deleted(6, 6)
    assert delete.session(LOCAL, "s0") == Deleted(2, 2)
    assert delete.query(LOCAL, Query(session="s1", user="bob")) == Deleted(2, 2)
    assert delete.user(LOCAL, "") == delete.session(LOCAL, "") == Deleted()
    assert delete.traces(LOCAL, [trace_id(2), trace_id(20), "nothing"]) == Deleted(1, 1)
    assert shown(kept) == [trace_id(8)]
    assert rows(kept)["traces"] == 2
    assert retention(kept).report().dropped["deleted_traces"] == 11


def test_nobody_deletes_what_is_not_theirs_to_see(kept: Kept) -> None:
    kept.store.add("default", [span(1, 0, principal="user:ann"), span(2, 0, principal="user:bob")])
    ann = Principal(name="user:ann")
    delete = Deletions(kept.store)
    assert delete.traces(Principal(tenant="other", owner=True), [trace_id(1)]) == Deleted()
    assert delete.traces(ann, [trace_id(1), trace_id(2)]) == Deleted(1, 1)
    assert delete.query(ann, Query()) == Deleted()
    assert shown(kept) == [trace_id(2)]


def test_a_large_trace_goes_in_steps_and_an_interrupted_one_is_finished_later(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "AT_ONCE", 10)
    kept.store.add(
        "default", [span(1, n, 0 if n else None, attributes={DOCUMENTS: ["doc_1"]}) for n in range(45)]
    )
    remove = removing.remove_some
    calls = []

    def interrupted(*given: object) -> int:
        calls.append(given)
        if len(calls) == 3:
            raise ZeroDivisionError
        return remove(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(deletion, "remove_some", interrupted)
    with pytest.raises(ZeroDivisionError):
        Deletions(kept.store).traces(LOCAL, [trace_id(1)])
    monkeypatch.setattr(deletion, "remove_some", remove)
    kept.store.close()
    with pytest.raises(NotFoundError):
        kept.reader.trace(LOCAL, trace_id(1))
    assert kept.reader.spans(LOCAL, Query()).items == ()
    assert kept.reader.raw("default", 0, 100) == []
    assert rows(kept)["spans"] == 25
    assert kept.store.add("default", [span(1, 0, name="again")]) == Added(1, 0)
    assert retention(kept).run() == 25
    assert rows(kept) == {**rows(kept), "spans": 1, "traces": 1, "span_documents": 0}
    assert kept.reader.trace(LOCAL, trace_id(1)).name == "again"


def test_no_word_of_a_deleted_trace_is_left_in_any_file(local: Kept, tmp_path: Path) -> None:
    secret = "zanzibarsecret"
    local.store.add(
        "default", [span(1, n, input=f"{secret}{n}", attributes={"note": f"{secret}attr"}) for n in range(50)]
    )
    for n in range(2, 40):
        local.store.add("default", [span(n, 0, input=f"other words {n}")])
    assert Deletions(local.store).traces(LOCAL, [trace_id(1)]).spans == 50
    local.store.close()
    local.database.close()
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes(), file.name
    assert len(local.reader.traces(LOCAL, Query(text="other words")).items) == 38
    assert local.reader.traces(LOCAL, Query(text=secret)).items == ()


def test_spans_that_arrive_while_traces_are_dropped_are_kept(kept: Kept) -> None:
    kept.store.add("default", [span(n, 0) for n in range(700)])
    kept.clock.wall += timedelta(days=31)
    arrived: list[int] = []

    def meanwhile(seconds: float) -> None:
        n = 1000 + len(arrived)
        arrived.append(n)
        kept.store.add("default", [span(n, 0)])

    Retention(kept.store, kept.clock, days=30, most_bytes=1 << 40, wait=meanwhile).run()
    assert shown(kept) == [trace_id(n) for n in reversed(arrived)]


def test_resources_that_nobody_names_any_more_go(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.telemetry.retention.RESOURCE_EVERY", 1)
    monkeypatch.setattr("groundwork.telemetry.writing.RESOURCE_EVERY", 1)
    kept.store.add("default", [span(1, 0, resource={"host": "old"})])
    kept.store.add("default", [span(3, n) for n in range(10)])
    kept.clock.wall += timedelta(days=31)
    for n in range(5):
        kept.store.add("default", [span(2, n, resource={"host": "new"})])
    retention(kept).run()
    with kept.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM resources").scalar() == 1
    assert kept.reader.span(LOCAL, trace_id(2), span_id(0)).resource == {"host": "new"}
