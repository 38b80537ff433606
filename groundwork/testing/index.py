"""The contract of an index, as tests to run on any implementation.

    class TestMine(IndexContract):
        @pytest.fixture
        def index_name(self) -> str:
            return "mine"            # a name on the shelf, also when it comes from an entry point

What is checked: idempotent appends, publish all or nothing, refs that never change, tenant and access lists and filters
before the search, recall, scores against a plain Python oracle, rollback, dropping, maintenance, erasure to the last
byte, that a fresh process answers the same, and that many processes and killed writers lose and double nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import DamagedError, GoneError, InvalidInputError
from groundwork.core.ids import derived_id
from groundwork.knowledge.filters import And, Eq, Exists, Filter, In, Not, Or, Range, matches
from groundwork.knowledge.indexes import INDEXES, Effort, Index, Scope
from groundwork.knowledge.types import ChunkRow, FloatArray
from groundwork.testing.index_history import check_history, check_kills, check_processes
from groundwork.testing.index_oracle import (
    DENSE_TOLERANCE,
    DIM,
    EVERYTHING,
    TENANT,
    WORDS,
    Oracle,
    answers,
    answers_of_fresh_process,
    document,
    make_row,
    worded,
)

Make = Callable[[int], Index]
FIELD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "media_type": st.sampled_from(
        ["text/html", "text/plain", "it's", "' OR 1=1 --", '"', "\\", "\\'", "%", "日本", ""]
    ),
    "language": st.sampled_from(["en", "de", "zh", "NULL", "null", "'; DROP TABLE rows; --"]),
    "modified": st.integers(-(2**40), 2**40),
}
_MODIFIED = FIELD_VALUES["modified"]
_LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Eq, st.just("media_type"), FIELD_VALUES["media_type"] | st.text(max_size=8)),
    st.builds(Eq, st.just("ordinal"), st.integers(0, 3)),
    st.builds(In, st.just("language"), st.lists(FIELD_VALUES["language"], max_size=4).map(tuple)),
    st.builds(Range, st.just("modified"), st.none() | _MODIFIED, st.none() | _MODIFIED),
    st.builds(Exists, st.sampled_from(sorted(FIELD_VALUES))),
)


def _joined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(And, parts), st.builds(Or, parts), st.builds(Not, inner))


FILTERS: st.SearchStrategy[Filter] = st.recursive(_LEAVES, _joined, max_leaves=6)
UNHURRIED = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class IndexContract:
    """Tests of one index; a subclass says which by the fixture `index_name`."""

    @pytest.fixture
    def index_name(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def location(self, tmp_path: Path) -> Path:
        return tmp_path / "index"

    @pytest.fixture
    def make(self, index_name: str, location: Path) -> Make:
        def made(dim: int) -> Index:
            return INDEXES.get(index_name)(str(location), dim)

        return made

    @pytest.fixture
    def index(self, make: Make) -> Index:
        return make(DIM)

    # -- writing ----------------------------------------------------------------------------------------------
    def test_a_new_index_is_empty_and_can_be_published_and_searched(self, index: Index) -> None:
        assert index.staged() == {}
        ref = index.publish({})
        assert index.dense(ref, np.ones(DIM, np.float32), 5, EVERYTHING) == []
        assert index.lexical(ref, {"oak": 1.0}, 5, EVERYTHING) == []
        assert index.fetch(ref, ["chk_x"], EVERYTHING) == []
        assert list(index.scan(ref)) == []
        index.maintain()
        assert index.stats().rows == 0

    def test_rows_come_back_as_they_were_given(self, index: Index) -> None:
        odd = make_row(
            "v2",
            0,
            text="zwei\n\u2028Zeilen '\" \\ 日本 \U0001f600",
            terms="日本 o'neil",
            fields={"modified": -5},
        )
        rows = [*document("v1", fields={"media_type": "text/html", "language": "en"}), odd]
        index.append(rows)
        ref = index.publish({"v1": 3, "v2": 1})
        found = index.fetch(ref, [r.chunk_id for r in reversed(rows)], EVERYTHING, vectors=True)
        assert [_plain(r) for r in found] == [_plain(r) for r in reversed(rows)]
        for given_row, got in zip(reversed(rows), found, strict=True):
            assert _bytes_of(got) == _bytes_of(given_row)
        assert all(row.vector is None for row in index.fetch(ref, [rows[0].chunk_id], EVERYTHING))
        assert sorted(r.chunk_id for r in index.scan(ref)) == sorted(r.chunk_id for r in rows)

    def test_appending_the_same_versions_twice_leaves_one_copy(self, index: Index, make: Make) -> None:
        index.append(document("v1"))
        index.append(document("v2", 2))
        make(DIM).append(document("v1"))
        index.append([*document("v1"), *document("v3", 1)])
        assert index.staged() == {"v1": 3, "v2": 2, "v3": 1}
        ref = index.publish({"v1": 3, "v2": 2, "v3": 1})
        assert len(list(index.scan(ref))) == 6
        assert len(index.lexical(ref, {"v1": 1.0}, 10, EVERYTHING)) == 3

    def test_a_republished_version_is_answered_once(self, index: Index) -> None:
        index.append(document("v1"))
        first = index.publish({"v1": 3})
        index.append(document("v1"))
        second = index.publish({"v1": 3})
        for ref in (first, second):
            assert len(index.lexical(ref, {"v1": 1.0}, 10, EVERYTHING)) == 3
            assert len(index.dense(ref, np.ones(DIM, np.float32), 10, EVERYTHING)) == 3

    def test_unpublished_rows_are_seen_by_the_writer_only(self, index: Index) -> None:
        index.append(document("v1"))
        ref = index.publish({"v1": 3})
        index.append(document("v2"))
        assert {r.version for r in index.scan(ref)} == {"v1"}
        assert index.lexical(ref, {"v2": 1.0}, 5, EVERYTHING) == []
        assert index.of_versions(ref, ["v2"]) == []
        assert [r.ordinal for r in index.of_versions("", ["v2"])] == [0, 1, 2]

    def test_publish_keeps_exactly_what_it_is_told(self, index: Index) -> None:
        index.append([*document("v1"), *document("v2"), *document("v3")])
        ref = index.publish({"v1": 3, "v3": 3})
        assert index.staged() == {"v1": 3, "v3": 3}
        assert {r.version for r in index.scan(ref)} == {"v1", "v3"}

    @pytest.mark.parametrize("keep", [{"v1": 2}, {"v1": 4}, {"v1": 3, "absent": 1}])
    def test_publish_refuses_a_version_that_is_not_whole(self, index: Index, keep: dict[str, int]) -> None:
        index.append(document("v1"))
        with pytest.raises(DamagedError):
            index.publish(keep)
        assert index.staged() == {"v1": 3}

    def test_a_vector_that_is_no_unit_vector_of_the_index_is_refused(self, index: Index) -> None:
        for wrong in (
            np.ones(DIM + 1, np.float32),
            np.full(DIM, np.nan, np.float32),
            np.ones(DIM, np.float32),
        ):
            with pytest.raises(InvalidInputError):
                index.append([make_row("v1", 0, vector=wrong)])
        assert index.staged() == {}

    def test_an_index_without_vectors_answers_words_only(self, make: Make) -> None:
        index = make(0)
        index.append([replace(row, vector=None) for row in document("v1")])
        ref = index.publish({"v1": 3})
        assert index.dense(ref, np.ones(DIM, np.float32), 5, EVERYTHING) == []
        assert len(index.lexical(ref, {"v1": 1.0}, 5, EVERYTHING)) == 3
        assert all(row.vector is None for row in index.of_versions(ref, ["v1"]))

    # -- refs -------------------------------------------------------------------------------------------------
    def test_a_ref_that_is_not_kept_is_gone(self, index: Index, make: Make) -> None:
        for ref in ("s-999-0", "m-0", "../x", "nonsense", "s-../../x"):
            with pytest.raises(GoneError):
                index.lexical(ref, {"oak": 1.0}, 5, EVERYTHING)
        index.append(document("v1"))
        old = index.publish({"v1": 3})
        index.append(document("v2"))
        new = index.publish({"v1": 3, "v2": 3})
        other = make(DIM)
        assert other.lexical(old, {"v1": 1.0}, 5, EVERYTHING)
        index.drop([old, "unknown"])
        index.maintain()
        for subject in (index, other):
            with pytest.raises(GoneError):
                subject.dense(old, np.ones(DIM, np.float32), 5, EVERYTHING)
            with pytest.raises(GoneError):
                list(subject.scan(old))
        assert len(index.lexical(new, {"v1": 1.0, "v2": 1.0}, 10, EVERYTHING)) == 6

    def test_restore_brings_back_the_rows_of_a_ref(self, index: Index) -> None:
        index.append(document("v1"))
        first = index.publish({"v1": 3})
        index.append(document("v2"))
        index.publish({"v2": 3})
        index.append(document("v3"))
        index.restore(first)
        assert index.staged() == {"v1": 3}
        again = index.publish({"v1": 3})
        assert answers(index, again) == answers(index, first)
        with pytest.raises(GoneError):
            index.restore("s-77-0")

    def test_a_ref_answers_the_same_for_ever_and_in_every_process(
        self, index: Index, index_name: str, location: Path
    ) -> None:
        kept = {f"v{n}": 12 for n in range(12)}
        for version in kept:
            index.append(worded(version, 12))
        ref = index.publish(kept)
        before = answers(index, ref)
        assert sum(map(len, before)) > 500
        for n in range(3):
            index.append(worded(f"new{n}", 20))
            kept = {**{v: c for v, c in kept.items() if v != f"v{n}"}, f"new{n}": 20}
            head = index.publish(kept)
            index.maintain()
        assert json.loads(json.dumps(answers(index, ref))) == json.loads(json.dumps(before))
        assert answers_of_fresh_process(index_name, location, ref) == json.loads(json.dumps(before))
        assert answers_of_fresh_process(index_name, location, head) != json.loads(json.dumps(before))

    def test_a_state_answers_the_same_however_it_came_about(
        self, make: Make, index_name: str, tmp_path: Path
    ) -> None:
        index, other = make(DIM), INDEXES.get(index_name)(str(tmp_path / "other"), DIM)
        for version in ("a", "b", "c"):
            index.append(worded(version, 9))
            index.publish({v: 9 for v in "abc" if v <= version})
        index.append(worded("d", 9))
        long_way = index.publish({"b": 9, "c": 9, "d": 9})
        other.append([*worded("d", 9), *worded("c", 9), *worded("b", 9)])
        assert _rounded(answers(other, other.publish({"b": 9, "c": 9, "d": 9}))) == _rounded(
            answers(index, long_way)
        )

    def test_publishing_again_after_a_crash_before_the_ref_was_noted_changes_nothing(
        self, index: Index
    ) -> None:
        index.append(worded("v1", 9))
        first = index.publish({"v1": 9})
        second = index.publish({"v1": 9})
        assert answers(index, first) == answers(index, second)

    def test_stats_count_rows_and_states(self, index: Index) -> None:
        index.append(document("v1"))
        index.publish({"v1": 3})
        index.append(document("v2"))
        stats = index.stats()
        assert stats.rows == 6
        assert stats.bytes > 0
        index.publish({"v1": 3, "v2": 3})
        assert index.stats().unindexed_rows == 0
        assert index.stats().versions == 2

    # -- searching --------------------------------------------------------------------------------------------
    def test_ties_are_broken_by_chunk_id(self, index: Index) -> None:
        same = make_row("v0", 0).vector
        rows = [make_row(f"v{n}", 0, terms="oak elm", vector=same) for n in range(9)]
        index.append(rows)
        ref = index.publish({row.version: 1 for row in rows})
        wanted = sorted(row.chunk_id for row in rows)[:4]
        assert [h.chunk_id for h in index.lexical(ref, {"oak": 1.0, "elm": 0.3}, 4, EVERYTHING)] == wanted
        assert same is not None
        assert [h.chunk_id for h in index.dense(ref, same, 4, EVERYTHING)] == wanted

    def test_terms_are_taken_as_they_are(self, index: Index) -> None:
        index.append([make_row("v1", n, terms=word) for n, word in enumerate(WORDS)])
        index.append([make_row("v2", 0, terms="Oak OAK oaks " + "x" * 500)])
        ref = index.publish({"v1": len(WORDS), "v2": 1})
        for n, word in enumerate(WORDS):
            found = index.lexical(ref, {word: 1.0}, 5, EVERYTHING)
            assert [h.chunk_id for h in found] == [derived_id("chk", "v1", n)], word
        assert len(index.lexical(ref, {"x" * 500: 1.0}, 5, EVERYTHING)) == 1
        assert index.lexical(ref, {"": 1.0, " ": 1.0, "oak elm": 1.0, "absent": 1.0}, 5, EVERYTHING) == []

    def test_a_zero_vector_is_never_a_dense_hit(self, index: Index) -> None:
        index.append([make_row("v1", 0, vector=np.zeros(DIM, np.float32)), make_row("v1", 1)])
        ref = index.publish({"v1": 2})
        efforts: tuple[Effort, ...] = ("fast", "default", "high", "exact")
        for effort in efforts:
            found = index.dense(ref, np.ones(DIM, np.float32), 5, EVERYTHING, effort)
            assert [h.chunk_id for h in found] == [derived_id("chk", "v1", 1)]
            assert index.dense(ref, np.zeros(DIM, np.float32), 5, EVERYTHING, effort) == []

    def test_a_zero_cosine_is_a_hit(self, index: Index) -> None:
        index.append([make_row("v1", n, vector=np.eye(DIM, dtype=np.float32)[n]) for n in range(3)])
        ref = index.publish({"v1": 3})
        found = index.dense(ref, np.eye(DIM, dtype=np.float32)[0], 5, EVERYTHING)
        assert [round(h.score, 6) for h in found] == [1.0, 0.0, 0.0]

    def test_nobody_sees_across_tenants_or_access_lists(self, index: Index) -> None:
        rows = [
            make_row("v1", 0, terms="oak", tenant="a"),
            make_row("v1", 1, terms="oak", tenant="b"),
            make_row("v1", 2, terms="oak", tenant="a", access=("group:hr", "user:ann")),
            make_row("v1", 3, terms="oak", tenant="a", access=("user:bob",)),
            make_row("v1", 4, terms="oak", tenant="a", access=("public", "user:bob")),
        ]
        index.append(rows)
        ref = index.publish({"v1": 5})
        anything: Filter = Or((Eq("ordinal", 1), Not(Eq("ordinal", 1))))
        cases = [
            (Scope("a", None), {0, 2, 3, 4}),
            (Scope("a", ("public",)), {0, 4}),
            (Scope("a", ("public", "user:ann"), anything), {0, 2, 4}),
            (Scope("a", ("user:bob",)), {3, 4}),
            (Scope("a", ()), set()),
            (Scope("a", ("user",)), set()),
            (Scope("b", None, anything), {1}),
            (Scope("c", None), set()),
            (Scope("a' OR '1'='1", None), set()),
            (Scope("a", ("x') OR true --",)), set()),
        ]
        for scope, expected in cases:
            wanted = sorted(rows[n].chunk_id for n in expected)
            hits = index.lexical(ref, {"oak": 1.0}, 9, scope)
            assert sorted(h.chunk_id for h in hits) == wanted, scope
            near = index.dense(ref, np.ones(DIM, np.float32), 9, scope)
            assert sorted(h.chunk_id for h in near) == wanted, scope
            assert sorted(r.chunk_id for r in index.fetch(ref, [r.chunk_id for r in rows], scope)) == wanted
            assert sorted(r.chunk_id for r in index.neighbours(ref, "v1", 0, 9, scope)) == wanted

    @UNHURRIED
    @given(data=st.data())
    def test_filters_mean_what_filters_say(
        self, index_name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        index = INDEXES.get(index_name)(str(tmp_path_factory.mktemp("filters") / "index"), DIM)
        made = data.draw(st.lists(st.fixed_dictionaries({}, optional=FIELD_VALUES), min_size=1, max_size=12))
        rows = [make_row("v1", n, terms="oak", fields=fields) for n, fields in enumerate(made)]
        index.append(rows)
        ref = index.publish({"v1": len(rows)})
        for tree in data.draw(st.lists(FILTERS, min_size=4, max_size=12)):
            scope = Scope(TENANT, ("public",), tree)
            wanted = sorted(
                r.chunk_id
                for r in rows
                if matches(tree, {**r.fields, "document_id": r.document_id, "ordinal": r.ordinal})
            )
            assert sorted(h.chunk_id for h in index.lexical(ref, {"oak": 1.0}, 99, scope)) == wanted
            assert sorted(h.chunk_id for h in index.dense(ref, np.ones(DIM, np.float32), 99, scope)) == wanted
            assert sorted(r.chunk_id for r in index.fetch(ref, [r.chunk_id for r in rows], scope)) == wanted

    def test_neighbours_stand_in_order(self, index: Index) -> None:
        index.append([*reversed(document("v1", 9)), *document("v2", 9)])
        ref = index.publish({"v1": 9, "v2": 9})
        found = index.neighbours(ref, "v1", 3, 6, EVERYTHING)
        assert [(r.version, r.ordinal) for r in found] == [("v1", n) for n in (3, 4, 5, 6)]
        both = index.of_versions(ref, ["v2", "v1"], vectors=False)
        assert [(r.version, r.ordinal) for r in both] == [(v, n) for v in ("v1", "v2") for n in range(9)]

    @pytest.mark.parametrize(("effort", "least"), [("default", 0.95), ("high", 0.99), ("exact", 1.0)])
    def test_recall_is_as_promised(self, index: Index, effort: Effort, least: float) -> None:
        rows, questions = _clustered(1500)
        index.append(rows)
        ref = index.publish({"v1": 1500})
        oracle = Oracle(states={ref: rows})
        rare = Scope(TENANT, None, In("modified", tuple(range(15))))
        for scope in (EVERYTHING, rare):
            found = 0
            for question in questions:
                scores = oracle.dense(ref, question, scope)
                border = sorted(scores.values())[-10]
                hits = index.dense(ref, question, 10, scope, effort)
                assert len(hits) == 10
                found += sum(scores[h.chunk_id] >= border - DENSE_TOLERANCE for h in hits)
            assert found / (10 * len(questions)) >= least

    # -- taking away ------------------------------------------------------------------------------------------
    def test_erased_documents_are_found_in_no_state_and_no_file(self, index: Index, location: Path) -> None:
        secret = document("v2", 3, document_id="doc_secret", terms="zanzibarcanary oak")
        index.append([*document("v1"), *secret])
        first = index.publish({"v1": 3, "v2": 3})
        index.append(document("v3"))
        second = index.publish({"v1": 3, "v3": 3})
        third = index.publish({"v1": 3})
        index.append([*secret, *document("v4")])
        probes = [np.asarray(row.vector, np.float32).tobytes() for row in secret]
        assert any(_bytes_below(location, probe) for probe in probes)
        renamed = index.erase(["doc_secret", "doc_unknown"], [first, second])
        assert set(renamed) == {first, second}
        assert {r.version for r in index.scan(renamed[first])} == {"v1"}
        assert {r.version for r in index.scan(renamed[second])} == {"v1", "v3"}
        assert index.staged() == {"v1": 3, "v4": 3}
        for ref in renamed.values():
            assert index.lexical(ref, {"zanzibarcanary": 1.0, "oak": 1.0}, 9, EVERYTHING) == []
            assert len(index.dense(ref, np.ones(DIM, np.float32), 9, EVERYTHING)) == len(
                list(index.scan(ref))
            )
        for ref in {first, second, third} - set(renamed.values()):
            with pytest.raises(GoneError):
                index.lexical(ref, {"oak": 1.0}, 9, EVERYTHING)
        for probe in [*probes, b"zanzibarcanary"]:
            assert _bytes_below(location, probe) == []

    def test_erasing_again_after_a_crash_answers_the_same_refs(self, index: Index) -> None:
        index.append([*document("v1"), *document("v2", document_id="doc_secret")])
        ref = index.publish({"v1": 3, "v2": 3})
        renamed = index.erase(["doc_secret"], [ref])
        assert index.erase(["doc_secret"], [ref]) == renamed
        assert index.staged() == {"v1": 3}
        again = index.erase(["doc_other"], [renamed[ref]])
        assert [r.version for r in index.scan(again[renamed[ref]])] == ["v1"] * 3

    # -- many processes ---------------------------------------------------------------------------------------
    def test_readers_and_writers_in_many_processes_lose_nothing(
        self, index_name: str, location: Path, tmp_path: Path
    ) -> None:
        check_processes(index_name, location, tmp_path / "control", readers=2, writers=2, publishes=3)

    @pytest.mark.slow
    def test_eight_processes_lose_nothing(self, index_name: str, location: Path, tmp_path: Path) -> None:
        check_processes(index_name, location, tmp_path / "control", readers=6, writers=2, publishes=25)

    def test_a_killed_writer_leaves_whole_versions_only(self, index_name: str, location: Path) -> None:
        check_kills(index_name, location, kills=3)

    @pytest.mark.slow
    def test_a_writer_killed_many_times_leaves_whole_versions_only(
        self, index_name: str, location: Path
    ) -> None:
        check_kills(index_name, location, kills=40)

    # -- laws -------------------------------------------------------------------------------------------------
    @UNHURRIED
    @given(data=st.data())
    def test_any_history_answers_as_the_oracle_does(
        self, index_name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        location = str(tmp_path_factory.mktemp("history") / "index")
        check_history(lambda: INDEXES.get(index_name)(location, DIM), data, steps=7)

    @pytest.mark.slow
    @settings(parent=UNHURRIED, max_examples=60)
    @given(data=st.data())
    def test_any_long_history_answers_as_the_oracle_does(
        self, index_name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        location = str(tmp_path_factory.mktemp("history") / "index")
        check_history(lambda: INDEXES.get(index_name)(location, DIM), data, steps=25)


def _clustered(number: int) -> tuple[list[ChunkRow], list[FloatArray]]:
    random = np.random.default_rng(5)
    centres = random.standard_normal((30, DIM))
    drawn = centres[random.integers(0, 30, number + 25)] + 0.3 * random.standard_normal((number + 25, DIM))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    vectors = drawn.astype(np.float32)
    rows = [make_row("v1", n, vector=vectors[n], fields={"modified": n}) for n in range(number)]
    return rows, list(vectors[number:])


def _bytes_of(row: ChunkRow) -> bytes:
    return b"" if row.vector is None else row.vector.tobytes()


def _plain(row: ChunkRow) -> dict[str, Any]:
    return {**row.__dict__, "vector": None, "fields": dict(row.fields)}


def _rounded(found: list[Any]) -> list[Any]:
    return [[[chunk_id, round(score, 3)] for chunk_id, score in hits] for hits in found]


def _bytes_below(location: Path, probe: bytes) -> list[str]:
    return [str(p) for p in sorted(location.rglob("*")) if p.is_file() and probe in p.read_bytes()]
