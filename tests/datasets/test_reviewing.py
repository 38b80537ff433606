"""The review queue: proposed once, decided once, published together, and erased with the documents it came from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, text

from groundwork.core.clock import ManualClock
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.datasets.erasure import DatasetsEraser
from groundwork.datasets.store import Datasets
from groundwork.datasets.types import Example, ExampleOrigin
from groundwork.storage import tables as t
from groundwork.storage.database import Database
from groundwork.storage.improvement_tables import dataset_candidates, dataset_examples
from tests.storage.conftest import database, postgres_server, postgres_url, url

__all__ = ["database", "postgres_server", "postgres_url", "url"]
PLAIN = Example("p", "When does the shop open?", expected="at 9")
MARK = "zebra-secret"


@pytest.fixture
def datasets(database: Database) -> Datasets:
    clock = ManualClock(datetime(2026, 11, 28, 12, tzinfo=UTC))
    return Datasets(database, clock, lambda tenant, ids: {i: ["doc_t"] for i in ids if i == "trace-1"})


def put_answer(database: Database, answer_id: str, documents: list[str], *, redacted: bool = False) -> None:
    row = {
        "id": answer_id, "tenant": "default", "app": "a", "question": "q", "text": "x", "abstained": False,
        "snapshot": None, "record": {}, "created_at": "2026", "principal": "local", "redacted": redacted,
    }  # fmt: skip
    with database.write() as connection:
        connection.execute(insert(t.answers), [row])
        for document in documents:
            connection.execute(
                insert(t.answer_documents),
                [{"answer_id": answer_id, "document_id": document, "tenant": "default"}],
            )


def made_of(answer_id: str = "", trace_id: str = "", id: str = "x") -> Example:
    origin = ExampleOrigin(kind="answer" if answer_id else "trace", answer_id=answer_id, trace_id=trace_id)
    return Example(id, f"What of {MARK}?", expected=f"{MARK} is blue", origin=origin)


def test_the_same_origin_is_proposed_once(datasets: Datasets, database: Database) -> None:
    put_answer(database, "ans_1", ["doc_1"])
    first = datasets.propose(LOCAL, "golden", made_of("ans_1"), reason="good")
    assert datasets.propose(LOCAL, "golden", replace(made_of("ans_1"), expected="other")) == first
    assert datasets.propose(LOCAL, "other", made_of("ans_1")).id != first.id
    assert [c.id for c in datasets.candidates(LOCAL, "golden")] == [first.id]
    assert datasets.waiting(LOCAL) == {"golden": 1, "other": 1}
    datasets.decide(LOCAL, first.id, False, reason="too vague")
    assert datasets.propose(LOCAL, "golden", made_of("ans_1")).state == "rejected"


def test_accepted_ones_become_the_next_version_once(datasets: Datasets) -> None:
    datasets.create(LOCAL, "golden", [PLAIN])
    one = datasets.propose(LOCAL, "golden", Example("n", "New?"))
    two = datasets.propose(LOCAL, "golden", replace(PLAIN, expected="at 10"), origin="again")
    three = datasets.propose(LOCAL, "golden", Example("r", "Bad?"))
    datasets.edit(LOCAL, one.id, Example("n", "Newer?", expected="yes", tags=("fresh",)))
    datasets.decide(LOCAL, one.id, True)
    datasets.decide(LOCAL, two.id, True)
    assert datasets.decide(LOCAL, three.id, False, reason="no").reason == "no"
    made = datasets.publish(LOCAL, "golden")
    assert made.ref == "golden@2"
    assert [(x.id, x.expected) for x in datasets.examples(LOCAL, "golden")] == [("p", "at 10"), ("n", "yes")]
    with pytest.raises(ConflictError, match="no accepted"):
        datasets.publish(LOCAL, "golden")
    with pytest.raises(ConflictError, match="was accepted by local"):
        datasets.decide(LOCAL, one.id, False)
    with pytest.raises(ConflictError):
        datasets.edit(LOCAL, one.id, PLAIN)
    with pytest.raises(NotFoundError):
        datasets.candidate(LOCAL, "cnd_nope")


def test_a_first_version_can_be_made_of_accepted_ones(datasets: Datasets) -> None:
    found = datasets.propose(LOCAL, "fresh", PLAIN)
    datasets.decide(LOCAL, found.id, True, example=replace(PLAIN, split="holdout"))
    assert datasets.publish(LOCAL, "fresh").ref == "fresh@1"
    assert datasets.example(LOCAL, "fresh", "p").split == "holdout"


@pytest.mark.parametrize("source", ["answer", "trace"])
def test_erasing_a_document_erases_what_came_from_it_in_every_version(
    datasets: Datasets, database: Database, source: str
) -> None:
    put_answer(database, "ans_1", ["doc_t"])
    held = made_of("ans_1") if source == "answer" else made_of(trace_id="trace-1")
    first = datasets.create(LOCAL, "golden", [PLAIN, held])
    datasets.create(LOCAL, "golden", [PLAIN, replace(held, expected=f"{MARK} is green")])
    waiting = datasets.propose(LOCAL, "golden", replace(held, id="y"))
    accepted = datasets.propose(LOCAL, "other", held)
    datasets.decide(LOCAL, accepted.id, True)
    elsewhere = Principal(tenant="other", owner=True)
    assert DatasetsEraser(database).erase_documents(elsewhere, ["doc_t"]).removed == 0
    receipt = DatasetsEraser(database).erase_documents(LOCAL, ["doc_t", "doc_none"])
    assert (receipt.room, receipt.removed) == ("datasets", 4)
    for ref in ("golden@1", "golden@2"):
        assert datasets.examples(LOCAL, ref) == [PLAIN]
        assert datasets.get(LOCAL, ref).redacted
        assert datasets.erased(LOCAL, ref) == ["x"]
    assert datasets.get(LOCAL, "golden@1").digest == first.digest
    with pytest.raises(NotFoundError, match="erased"):
        datasets.example(LOCAL, "golden", "x")
    assert datasets.candidate(LOCAL, waiting.id).state == "rejected"
    with pytest.raises(ConflictError):
        datasets.publish(LOCAL, "other")
    with database.read() as connection:
        for table in (dataset_examples, dataset_candidates):
            assert MARK not in str(connection.execute(select(table)).all())
    assert DatasetsEraser(database).erase_documents(LOCAL, ["doc_t"]).removed == 0


def test_what_came_from_a_redacted_answer_does_not_come_back(datasets: Datasets, database: Database) -> None:
    put_answer(database, "ans_2", ["doc_2"], redacted=True)
    for make in (
        lambda: datasets.create(LOCAL, "golden", [made_of("ans_2")]),
        lambda: datasets.propose(LOCAL, "golden", made_of("ans_2")),
    ):
        with pytest.raises(InvalidInputError, match="redacted"):
            make()
    assert datasets.list(LOCAL) == []


def test_an_edited_example_stays_erasable_after_its_trace_has_gone(database: Database) -> None:
    clock = ManualClock(datetime(2026, 11, 28, 12, tzinfo=UTC))
    Datasets(database, clock, lambda tenant, ids: {"trace-1": ["doc_t"]}).create(
        LOCAL, "golden", [PLAIN, made_of(trace_id="trace-1")]
    )
    gone = Datasets(database, clock)
    gone.create(LOCAL, "golden", [PLAIN, replace(made_of(trace_id="trace-1"), expected=f"{MARK} is red")])
    assert DatasetsEraser(database).erase_documents(LOCAL, ["doc_t"]).removed == 2
    assert gone.examples(LOCAL, "golden") == [PLAIN]


def test_the_next_version_leaves_erased_examples_out(datasets: Datasets, database: Database) -> None:
    put_answer(database, "ans_1", ["doc_1"])
    datasets.create(LOCAL, "golden", [PLAIN, made_of("ans_1")])
    DatasetsEraser(database).erase_documents(LOCAL, ["doc_1"])
    found = datasets.propose(LOCAL, "golden", Example("n", "New?"))
    datasets.decide(LOCAL, found.id, True)
    made = datasets.publish(LOCAL, "golden")
    assert [x.id for x in datasets.examples(LOCAL, "golden")] == ["p", "n"]
    assert (made.examples, made.redacted) == (2, False)


def test_an_erased_example_written_again_stays_erased(datasets: Datasets, database: Database) -> None:
    """The digest of erased content never opens again, so an old file cannot bring it back under its origin."""
    held = made_of(trace_id="trace-1")
    datasets.create(LOCAL, "golden", [PLAIN, held])
    DatasetsEraser(database).erase_documents(LOCAL, ["doc_t"])
    datasets.create(LOCAL, "again", [PLAIN, held])
    assert datasets.examples(LOCAL, "again") == [PLAIN]
    assert datasets.get(LOCAL, "again").redacted


def test_text_is_gone_from_the_file_of_sqlite(datasets: Datasets, database: Database) -> None:
    if database.path is None:
        pytest.skip("SQLite alone has a file here")
    put_answer(database, "ans_1", ["doc_1"])
    datasets.create(LOCAL, "golden", [made_of("ans_1")])
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM dataset_examples")).scalar() == 1
    DatasetsEraser(database).erase_documents(LOCAL, ["doc_1"])
    for file in database.path.parent.glob("groundwork.db*"):
        assert MARK.encode() not in file.read_bytes()
