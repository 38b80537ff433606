"""Versions and their examples, over SQLite and PostgreSQL: a version never changes, and no holdout goes to a tuner."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from groundwork.core.clock import ManualClock
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TooLargeError,
)
from groundwork.core.principal import LOCAL, Principal
from groundwork.datasets.store import Datasets
from groundwork.datasets.types import Example, ExampleOrigin
from groundwork.storage.database import Database
from tests.storage.conftest import database, postgres_server, postgres_url, url

__all__ = ["database", "postgres_server", "postgres_url", "url"]
OTHER = Principal(tenant="other", name="eve", owner=True)
A = Example("a", "When does the shop open?", expected="at 9", tags=("hours",))
B = Example("b", "Is there parking?", impossible=True, cluster="site", tags=("hard", "site"))
C = Example("c", "Where is the shop?", expected=["Main Street", "Main St"], cluster="site", split="holdout")


@pytest.fixture
def datasets(database: Database) -> Datasets:
    return Datasets(database, ManualClock(datetime(2026, 11, 28, 12, tzinfo=UTC)))


def test_a_version_is_what_was_given_and_is_found_by_every_name(datasets: Datasets) -> None:
    made = datasets.create(LOCAL, "golden", [A, B, C], note="first")
    assert (made.ref, made.examples, made.parent, made.note) == ("golden@1", 3, None, "first")
    assert made.summary["splits"] == {"test": 2, "holdout": 1}
    assert made.summary["tags"] == {"hard": 1, "hours": 1, "site": 1}
    assert (made.summary["clusters"], made.summary["impossible"], made.summary["without_reference"]) == (
        2,
        1,
        0,
    )
    for ref in (
        "golden",
        "golden@1",
        "golden@latest",
        made.digest,
        made.digest[:7],
        f"golden@{made.digest[:6]}",
    ):
        assert datasets.get(LOCAL, ref) == made
    assert datasets.examples(LOCAL, "golden") == [A, B, replace(C, expected=["Main Street", "Main St"])]
    assert datasets.list(LOCAL) == [made]


def test_the_same_examples_make_no_second_version_and_others_do(datasets: Datasets) -> None:
    first = datasets.create(LOCAL, "golden", [A, B])
    assert datasets.create(LOCAL, "golden", [A, B]) == first
    second = datasets.create(LOCAL, "golden", [B, A])
    assert (second.number, second.parent) == (2, first.digest)
    assert second.digest != first.digest
    assert [v.number for v in datasets.versions(LOCAL, "golden")] == [2, 1]
    again = datasets.create(LOCAL, "golden", [A, B])
    assert (again.number, again.digest) == (3, first.digest)
    assert datasets.examples(LOCAL, "golden@3") == [A, B]
    assert datasets.get(LOCAL, first.digest[:8]).digest == first.digest


def test_an_example_that_says_the_same_keeps_its_origin(datasets: Datasets) -> None:
    from_answer = replace(A, origin=ExampleOrigin(kind="answer", answer_id="ans_1"))
    first = datasets.create(LOCAL, "golden", [from_answer])
    from_file = replace(A, origin=ExampleOrigin(kind="file", source="golden.csv:2"))
    assert datasets.create(LOCAL, "golden", [from_file]) == first
    changed = replace(from_file, expected="at 10")
    datasets.create(LOCAL, "golden", [changed])
    assert datasets.example(LOCAL, "golden", "a") == changed


def test_no_holdout_goes_to_a_tuner(datasets: Datasets) -> None:
    datasets.create(LOCAL, "golden", [A, B, C])
    with pytest.raises(ForbiddenError, match="not for tuning"):
        datasets.examples(LOCAL, "golden", split="holdout", purpose="tune")
    for purpose in ("tune", "evaluate"):
        for split in (None, ""):
            assert datasets.examples(LOCAL, "golden", split=split, purpose=purpose) == [A, B]  # type: ignore[arg-type]
    assert [x.id for x in datasets.examples(LOCAL, "golden", split="holdout", purpose="evaluate")] == ["c"]
    assert len(datasets.examples(LOCAL, "golden", purpose="export")) == 3


def test_examples_are_filtered_and_paged_in_their_order(datasets: Datasets) -> None:
    many = [
        Example(f"e{n:03}", f"question {n} Größe", tags=("even",) if n % 2 == 0 else ()) for n in range(40)
    ]
    datasets.create(LOCAL, "many", many)

    def ids(**how: Any) -> list[str]:
        return [x.id for x in datasets.examples(LOCAL, "many", **how)]

    assert ids(limit=3, offset=10) == ["e010", "e011", "e012"]
    assert ids(tag="even", limit=2, offset=1) == ["e002", "e004"]
    assert ids(contains="QUESTION 7") == ["e007"]
    assert len(ids(contains="GRÖSSE")) == 40
    assert ids(offset=38) == ["e038", "e039"]
    assert ids(limit=0) == []
    assert ids(contains='"') == []
    with pytest.raises(InvalidInputError, match="no split"):
        ids(split="tests")


def test_what_is_not_there_is_said_with_near_names(datasets: Datasets) -> None:
    with pytest.raises(NotFoundError) as none:
        datasets.get(LOCAL, "golden")
    assert "import" in none.value.hint
    datasets.create(LOCAL, "golden", [A])
    with pytest.raises(NotFoundError) as near:
        datasets.get(LOCAL, "goldn")
    assert "`golden`" in near.value.hint
    with pytest.raises(NotFoundError) as number:
        datasets.get(LOCAL, "golden@7")
    assert "golden@1" in number.value.hint
    for ref in ("Golden!", "golden@x", "golden@0", "golden@99999999999999999999", ""):
        with pytest.raises((InvalidInputError, NotFoundError)):
            datasets.get(LOCAL, ref)
    with pytest.raises(NotFoundError):
        datasets.example(LOCAL, "golden", "nope")


def test_another_tenant_sees_and_changes_nothing(datasets: Datasets) -> None:
    made = datasets.create(LOCAL, "golden", [A])
    waiting = datasets.propose(LOCAL, "golden", B)
    assert datasets.list(OTHER) == []
    assert datasets.candidates(OTHER) == []
    assert datasets.waiting(OTHER) == {}
    for ref in ("golden", made.digest):
        with pytest.raises(NotFoundError):
            datasets.examples(OTHER, ref)
        with pytest.raises(NotFoundError):
            datasets.remove(OTHER, ref)
    with pytest.raises(NotFoundError):
        datasets.decide(OTHER, waiting.id, True)
    with pytest.raises(NotFoundError):
        datasets.publish(OTHER, "golden")
    theirs = datasets.create(OTHER, "golden", [A, C])
    assert theirs.number == 1
    datasets.remove(OTHER, "golden")
    assert datasets.examples(LOCAL, "golden") == [A]


def test_what_cannot_be_kept_is_refused_and_stores_nothing(datasets: Datasets) -> None:
    bad: list[tuple[list[Example], str]] = [
        ([], "at least one"),
        ([A, replace(A)], "share the id `a`"),
        ([A, replace(A, expected="at 10")], "and differ"),
        ([replace(A, input="")], "empty"),
        ([replace(A, input=7)], "text, a list of messages"),
        ([replace(A, metadata={"x": float("nan")})], "nan"),
        ([replace(A, weight=float("inf"))], "weight"),
        ([replace(A, weight=-1.0)], "weight"),
        ([replace(A, split="tset")], "no split"),  # type: ignore[arg-type]
        ([replace(A, expected="half \ud800")], "surrogate"),
        ([replace(A, input="x" * 1_000_001)], "bytes"),
        ([replace(A, tags=tuple(f"t{n}" for n in range(2000)))], "2,000 tags"),
        ([replace(A, id="x" * 500)], "no id"),
        ([replace(A, metadata={"f": {1: 2}})], "keys"),
        ([replace(A, metadata={"f": {1, 2}})], "set"),
    ]
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    bad.append(([replace(A, expected=deep)], "levels"))
    for examples, words in bad:
        with pytest.raises((InvalidInputError, TooLargeError), match=words):
            datasets.create(LOCAL, "golden", examples)
    assert datasets.list(LOCAL) == []


def test_a_text_with_nul_and_private_signs_is_read_back_as_written(datasets: Datasets) -> None:
    odd = Example("odd", "a\0b \uf8fe \U0001f600 \u2028", expected={"k": ["\0", 1.5, None, True]})
    datasets.create(LOCAL, "odd", [odd])
    assert datasets.examples(LOCAL, "odd") == [odd]


def test_a_version_made_on_an_old_one_is_refused(datasets: Datasets) -> None:
    first = datasets.create(LOCAL, "golden", [A])
    datasets.create(LOCAL, "golden", [A, B])
    with pytest.raises(ConflictError, match="golden@2"):
        datasets.create(LOCAL, "golden", [A, C], parent=first.digest)


def test_writers_at_once_get_numbers_of_their_own(datasets: Datasets) -> None:
    barrier, faults = threading.Barrier(4), []

    def write(n: int) -> None:
        barrier.wait()
        try:
            datasets.create(LOCAL, "golden", [A, replace(B, id=f"b{n}")])
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert [v.number for v in datasets.versions(LOCAL, "golden")] == [4, 3, 2, 1]


def test_a_diff_says_what_came_went_and_changed_field_by_field(datasets: Datasets) -> None:
    datasets.create(LOCAL, "golden", [A, B, C])
    datasets.create(LOCAL, "golden", [replace(A, expected="at 10", split="train"), C, Example("d", "New?")])
    found = datasets.diff(LOCAL, "golden@1", "golden@2")
    assert [x.id for x in found.added] == ["d"]
    assert [x.id for x in found.removed] == ["b"]
    assert [(f.name, f.was, f.now) for f in found.changed[0].fields] == [
        ("expected", "at 9", "at 10"),
        ("split", "test", "train"),
    ]
    assert (found.unchanged, found.reordered, found.same) == (1, False, False)
    assert datasets.diff(LOCAL, "golden", "golden@2").same
    datasets.create(LOCAL, "golden", [C, replace(A, expected="at 10", split="train"), Example("d", "New?")])
    assert datasets.diff(LOCAL, "golden@2", "golden@3").reordered


def test_a_removed_dataset_leaves_nothing_and_a_shared_example_stays(datasets: Datasets) -> None:
    datasets.create(LOCAL, "one", [A, B])
    datasets.create(LOCAL, "two", [A])
    datasets.create(LOCAL, "copy", [A, B])
    datasets.propose(LOCAL, "one", C)
    assert datasets.remove(LOCAL, "one") == 1
    assert [d.name for d in datasets.list(LOCAL)] == ["copy", "two"]
    assert datasets.examples(LOCAL, "copy") == [A, B]
    assert datasets.candidates(LOCAL, "one") == []
    datasets.remove(LOCAL, "copy")
    assert datasets.examples(LOCAL, "two") == [A]


def test_an_old_version_goes_alone_and_the_newest_does_not(datasets: Datasets) -> None:
    datasets.create(LOCAL, "golden", [A])
    datasets.create(LOCAL, "golden", [A, B])
    with pytest.raises(ConflictError, match="newest"):
        datasets.remove(LOCAL, "golden@2")
    assert datasets.remove(LOCAL, "golden@1") == 1
    assert datasets.examples(LOCAL, "golden") == [A, B]
    assert datasets.create(LOCAL, "golden", [A]).number == 3


def test_a_check_is_kept_with_the_version_without_any_value(datasets: Datasets) -> None:
    twin = replace(A, id="twin", input="when does the SHOP open", split="train")
    mail = Example("mail", "Who is ann.lee@example.com?", expected="phone +49 30 1234567")
    datasets.create(LOCAL, "golden", [A, twin, mail])
    result = datasets.check(LOCAL, "golden")
    assert not result.passed
    assert result.leaks[0].kind == "exact"
    summary = datasets.get(LOCAL, "golden").summary
    assert summary["duplicates"]["exact"] == 1
    assert summary["leaks"]["exact"] == 1
    assert summary["personal"] == {"examples": 1, "ids": ["mail"], "kinds": {"e-mail": 1, "phone number": 1}}
    assert "ann.lee" not in str(summary)
    with pytest.raises(InvalidInputError):
        datasets.check(LOCAL, "golden", threshold=0)
