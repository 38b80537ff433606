"""Archived hours hold every span once, whoever is killed, whatever comes late, and forget what is erased."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.storage.failpoints import CRASH_STATUS
from groundwork.telemetry.archive import Archive
from groundwork.telemetry.archive_index import filter_of, may_hold
from groundwork.telemetry.archive_place import ArchivePlace, beside
from groundwork.telemetry.archive_schema import from_table, to_table
from groundwork.telemetry.archived_traces import WholeReader
from groundwork.telemetry.between import between
from groundwork.telemetry.counting import DAY, HOUR
from groundwork.telemetry.deletion import Deletions
from groundwork.telemetry.outcomes import OPEN
from groundwork.telemetry.removing import remove_spans
from groundwork.telemetry.types import Query, Span, SpanEvent, SpanLink
from tests.telemetry.conftest import NOW_NS, Kept, kept_in
from tests.telemetry.making import generation, span, span_id, trace_id

ANN = Principal(tenant="default", name="ann", owner=True)
OLD = NOW_NS - 5 * HOUR * 10**9


def archive_of(kept: Kept, place: Path | str, **options: Any) -> Archive:
    kept.store.migrate()
    read = partial(between, kept.database)
    return Archive(kept.database, ArchivePlace(place), read, kept.reader.tenants, kept.clock, **options)


def held(archive: Archive, tenant: str = "default") -> list[tuple[int, Span]]:
    found: list[tuple[int, Span]] = []
    for file in archive.files(tenant):
        with archive.place.open(file.name) as opened:
            rows = list(from_table(opened.read()))
        assert len(rows) == file.spans
        assert all(file.after_seq < seq <= file.through_seq for seq, _ in rows)
        found += rows
    return found


def names(rows: Sequence[tuple[int, Span]]) -> Counter[tuple[str, str]]:
    return Counter((s.trace_id, s.span_id) for _, s in rows)


def on_disk(place: Path) -> list[Path]:
    return [p for p in place.rglob("*") if p.is_file()]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "archived"


def rich(n: int = 0) -> Span:
    return generation(
        1, n, 0, started_ns=OLD + n, ended_ns=OLD + n + 1_234_567, input="ask \ud800 \x00 ü", output="said",
        attributes={"a": [1, {"b": None}], "c": "ä\ud801"}, original={"llm.x": 1.5}, resource={"service.name": "w"},
        events=(SpanEvent("hit", OLD, {"k": True}),), links=(SpanLink(trace_id(2), span_id(3), {}),),
        first_token_ms=0.5, cached=True, principal="ann", session_id="s", status_message="m", cut=2,
    )  # fmt: skip


def test_a_span_comes_back_from_the_archive_as_it_was_stored(local: Kept, place: Path) -> None:
    local.store.add("default", [rich(), span(1, 5, started_ns=OLD)])
    before = {s.span_id: s for _, s in local.reader.raw("default", 0, 10)}
    archive = archive_of(local, place)
    assert archive.catch_up().spans == 2
    assert {s.span_id: s for s in archive.trace(ANN, trace_id(1))} == before
    assert [s for _, s in from_table(to_table([(7, rich())]))] == [rich()]


def test_only_closed_hours_are_archived_and_late_spans_make_another_file(kept: Kept, place: Path) -> None:
    archive = archive_of(kept, place)
    kept.store.add(
        "default", [span(1, n, started_ns=OLD + n) for n in range(10)] + [span(2, 0, started_ns=NOW_NS)]
    )
    assert archive.catch_up().files == 1
    assert archive.catch_up().files == 0
    kept.store.add("default", [span(1, 99, started_ns=OLD + 99)])
    assert archive.catch_up().spans == 1
    assert [f.n for f in archive.files("default")] == [1, 2]
    assert set(names(held(archive)).values()) == {1}
    assert len(held(archive)) == 11
    seqs = {s.span_id: seq for seq, s in kept.reader.raw("default", 0, 100) if s.trace_id == trace_id(1)}
    assert all(archive.is_archived("default", OLD, seq) for seq in seqs.values())
    [(late, _)] = [(q, s) for q, s in kept.reader.raw("default", 0, 100) if s.trace_id == trace_id(2)]
    assert not archive.is_archived("default", NOW_NS, late)
    kept.clock.advance(2 * HOUR)
    assert archive.catch_up().spans == 1
    assert len(on_disk(place)) == 3


def test_work_under_way_is_left_out_until_it_has_ended_and_earlier_states_give_way(
    kept: Kept, place: Path
) -> None:
    archive = archive_of(kept, place)
    own = span(1, 0, source="groundwork", started_ns=OLD, principal="ann")
    kept.store.add("default", [replace(own, attributes={OPEN: True}), span(3, 1, started_ns=OLD)])
    archive.catch_up()
    assert [s.trace_id for _, s in held(archive)] == [trace_id(3)]
    kept.store.add("default", [replace(own, output="first")])
    archive.catch_up()
    kept.store.add("default", [replace(own, output="second")])
    archive.catch_up()
    assert sorted(s.output for _, s in held(archive)) == ["", "second"]
    assert [s.output for s in archive.trace(ANN, trace_id(1))] == ["second"]
    assert len(on_disk(place)) == 2


PLACES = ["archive.written", "archive.renamed:2", "archive.synced", "archive.stored:2", "archive.committed:2"]


@pytest.mark.parametrize("at", PLACES)
def test_a_killed_process_loses_nothing_and_doubles_nothing(
    local: Kept, tmp_path: Path, place: Path, at: str
) -> None:
    kill_and_go_on(local, f"sqlite:///{tmp_path / 'telemetry.db'}", place, at)


@pytest.mark.postgres
def test_on_postgresql_a_killed_process_loses_nothing_and_doubles_nothing(
    empty_postgres_url: str, place: Path
) -> None:
    kept = kept_in(empty_postgres_url)
    kill_and_go_on(kept, empty_postgres_url, place, "archive.stored:2")
    kept.store.close()
    kept.database.close()


def kill_and_go_on(kept: Kept, url: str, place: Path, at: str) -> None:
    kept.store.add(
        "default", [span(h, n, started_ns=OLD - h * HOUR * 10**9 + n) for h in range(3) for n in range(20)]
    )
    code = (
        "import sys; from tests.telemetry.conftest import kept_in; from tests.telemetry.test_archive import archive_of\n"
        "archive_of(kept_in(sys.argv[1]), sys.argv[2]).catch_up()"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, url, str(place)],
        env={**os.environ, "GW_FAILPOINT": at},
        capture_output=True,
    )
    assert killed.returncode == CRASH_STATUS, killed.stderr
    archive = archive_of(kept, place)
    archive.catch_up()
    assert set(names(held(archive)).values()) == {1}
    assert len(held(archive)) == 60
    archive.sweep(grace_seconds=0)
    assert len(on_disk(place)) == 3


@pytest.mark.parametrize("at", ["archive.rewritten", "archive.replaced", None])
def test_erased_traces_are_in_no_file_also_after_a_kill(
    local: Kept, tmp_path: Path, place: Path, at: str | None
) -> None:
    archive = archive_of(local, place)
    local.store.add(
        "default", [span(t, n, started_ns=OLD + n, input=f"secret {t}") for t in range(4) for n in range(5)]
    )
    archive.catch_up()
    code = (
        "import sys; from tests.telemetry.conftest import kept_in; from tests.telemetry.test_archive import archive_of\n"
        "from tests.telemetry.making import trace_id\n"
        "archive_of(kept_in(sys.argv[1]), sys.argv[2]).erase('default', [trace_id(2)])"
    )
    if at:
        killed = subprocess.run(
            [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'telemetry.db'}", str(place)],
            env={**os.environ, "GW_FAILPOINT": at},
            capture_output=True,
        )
        assert killed.returncode == CRASH_STATUS, killed.stderr
    assert archive.erase("default", [trace_id(2)]) == (0 if at == "archive.replaced" else 5)
    archive.sweep(grace_seconds=0)
    assert {s.trace_id for _, s in held(archive)} == {trace_id(0), trace_id(1), trace_id(3)}
    assert len(held(archive)) == 15
    assert len(on_disk(place)) == 1
    with pytest.raises(NotFoundError):
        archive.trace(ANN, trace_id(2))


def test_spans_that_are_erased_while_they_are_archived_are_not(kept: Kept, place: Path) -> None:
    archive = archive_of(kept, place)
    kept.store.add("default", [span(t, 0, started_ns=OLD + t) for t in range(3)])
    written = archive.place.write
    gone: list[int] = []

    def write_and_erase(name: str, write: Any) -> tuple[int, str]:
        found = written(name, write)
        if not gone:
            gone.extend(seq for seq, s in kept.reader.raw("default", 0, 10) if s.trace_id == trace_id(1))
            kept.store.writer.submit(lambda cursor: remove_spans(cursor, gone)).result()
        return found

    archive.place.write = write_and_erase  # type: ignore[method-assign]
    archive.catch_up()
    assert {s.trace_id for _, s in held(archive)} == {trace_id(0), trace_id(2)}
    assert len(on_disk(place)) == 1


def test_old_and_surplus_files_are_dropped_and_their_live_spans_not_archived_again(
    local: Kept, place: Path
) -> None:
    local.store.add("default", [span(h, 0, started_ns=OLD - h * HOUR * 10**9) for h in range(4)])
    archive = archive_of(local, place, days=30)
    archive.catch_up()
    sizes = [f.bytes for f in archive.files("default")]
    assert archive.bytes() == sum(sizes)
    small = archive_of(local, place, days=30, most_bytes=sum(sizes[2:]))
    assert small.catch_up().dropped == 2
    assert [f.hour for f in small.files("default")] == sorted(f.hour for f in archive.files("default"))
    assert len(on_disk(place)) == 2
    assert archive.catch_up().spans == 0
    local.clock.advance(31 * DAY)
    assert archive.catch_up().dropped == 2
    assert on_disk(place) == []


def test_a_trace_is_not_shown_to_other_tenants_nor_to_others_than_its_principal(
    local: Kept, place: Path
) -> None:
    local.store.add("default", [span(1, 0, started_ns=OLD, principal="bob")])
    local.store.add("../evil", [span(2, 0, started_ns=OLD)])
    archive = archive_of(local, place)
    archive.catch_up()
    assert archive.trace(Principal(name="bob"), trace_id(1))
    for principal in (Principal(name="eve"), Principal(tenant="../evil", owner=True)):
        with pytest.raises(NotFoundError):
            archive.trace(principal, trace_id(1))
    assert all(place in p.resolve().parents for p in on_disk(place))
    assert archive.drop_tenant("../evil") == 1
    assert len(on_disk(place)) == 1


@pytest.fixture
def memory() -> Iterator[str]:
    import fsspec

    yield "memory://archive-test/spans"
    fsspec.filesystem("memory").rm("/archive-test", recursive=True)


def test_an_object_store_keeps_files_as_a_folder_does(local: Kept, memory: str) -> None:
    archive = archive_of(local, memory)
    local.store.add("default", [span(t, 0, started_ns=OLD) for t in range(3)])
    archive.catch_up()
    assert archive.erase("default", [trace_id(1)]) == 1
    assert archive.sweep(grace_seconds=0) == 0
    assert {s.trace_id for _, s in held(archive)} == {trace_id(0), trace_id(2)}
    assert beside("s3://b/team/blobs") == "s3://b/team/spans"
    assert beside("memory://x") == "memory://x-spans"
    assert beside("/folder") == beside("") == ""


def test_a_filter_of_traces_has_no_false_absences_and_few_false_presences() -> None:
    import random

    draw = random.Random(0)
    ids = [f"{draw.getrandbits(128):032x}" for _ in range(2000)]
    made = filter_of(ids[:1000])
    assert all(may_hold(made, i) for i in ids[:1000])
    assert sum(may_hold(made, i) for i in ids[1000:]) < 40
    assert not may_hold(filter_of([]), ids[0])


def test_a_trace_that_is_no_longer_live_is_opened_from_the_archive(local: Kept, place: Path) -> None:
    archive = archive_of(local, place)
    reader = WholeReader(local.database, lambda: archive)
    local.store.add(
        "default",
        [generation(1, n, n - 1 if n else None, started_ns=OLD + n, principal="bob") for n in range(5)],
    )
    local.store.add("default", [span(2, 0, started_ns=NOW_NS)])
    archive.catch_up()
    line, tree = reader.trace(ANN, trace_id(1)), reader.tree(ANN, trace_id(1))
    nums = [seq for seq, s in local.reader.raw("default", 0, 10) if s.trace_id == trace_id(1)]
    local.store.writer.submit(lambda cursor: remove_spans(cursor, nums)).result()
    Deletions(local.store).traces(ANN, [trace_id(1)])
    with pytest.raises(NotFoundError):
        local.reader.trace(ANN, trace_id(1))
    assert reader.trace(ANN, trace_id(1)) == line
    assert reader.tree(ANN, trace_id(1)) == tree
    assert reader.span(Principal(name="bob"), trace_id(1), span_id(3)).principal == "bob"
    assert reader.trace(ANN, trace_id(2)[:10]).spans == 1
    for stranger in (Principal(name="eve"), Principal(tenant="other", owner=True)):
        with pytest.raises(NotFoundError):
            reader.trace(stranger, trace_id(1))
    Deletions(local.store, archive.erase).traces(ANN, [trace_id(1)])
    with pytest.raises(NotFoundError):
        reader.trace(ANN, trace_id(1))
    reader.close()


def test_what_a_person_deletes_leaves_the_archive_too(local: Kept, place: Path) -> None:
    archive = archive_of(local, place)
    local.store.add("default", [span(t, 0, started_ns=OLD, app="desk" if t % 2 else "") for t in range(6)])
    archive.catch_up()
    assert Deletions(local.store, archive.erase).query(ANN, Query(app="desk")).traces == 3
    assert {s.trace_id for _, s in held(archive)} == {trace_id(t) for t in (0, 2, 4)}


def test_whoever_leaves_is_named_in_no_archived_file(local: Kept, place: Path) -> None:
    name = 'user:ann "ä"'
    acted = replace(rich(), principal=name, attributes={"by": name, "said": f"hello {name}"})
    local.store.add("default", [acted, span(1, 5, started_ns=OLD, principal="user:bob")])
    local.store.add("north", [replace(rich(7), principal=name)])
    archive = archive_of(local, place)
    archive.catch_up()
    before = held(archive)
    assert archive.rename(name, "user:usr_1") == 2
    assert archive.rename(name, "user:usr_1") == 0
    other = {"principal": "user:usr_1", "attributes": {"by": "user:usr_1", "said": f"hello {name}"}}
    assert [s for _, s in held(archive)] == [
        replace(s, **other) if s.principal == name else s for _, s in before
    ]
    assert [s.principal for _, s in held(archive, "north")] == ["user:usr_1"]
    assert len(on_disk(place)) == 2
