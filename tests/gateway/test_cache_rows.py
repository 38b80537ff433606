"""Cached completions in the ledger: found at admission, free, counted, over in time, and erasable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from groundwork.core.errors import BudgetExceededError, RateLimitedError
from groundwork.core.principal import LOCAL, Principal
from groundwork.gateway.erasure import GatewayEraser
from groundwork.gateway.ledger_cache import purge
from groundwork.gateway.records import Admission, BudgetLimit
from groundwork.gateway.types import Caller
from groundwork.storage import tables as t
from groundwork.storage.database import Database
from tests.gateway.ledgers import HTTP, Books, asking, ending, open_books

SAID = {"text": "forty-two — 漢字 \x00 \ud800", "usage": {"input_tokens": 3}}


@pytest.fixture
def house(books: Database) -> Iterator[Books]:
    opened = open_books(books)
    yield opened
    opened.ledger.close()


def keep(
    house: Books, key: str, caller: Caller = HTTP, ttl: float | None = None, **more: object
) -> Admission:
    admission = asking(caller, cache_key=key, **more)  # type: ignore[arg-type]
    assert house.admit(admission).cached is None
    house.settle(ending(admission, cost=9, cache_key=key, cache=SAID, cache_ttl_s=ttl))
    return admission


def test_an_equal_call_is_answered_from_the_cache_at_no_cost(house: Books) -> None:
    keep(house, "k1")
    tight = (BudgetLimit("workspace", "day", 10),)
    hit = house.admit(asking(HTTP, cache_key="k1", reserve=1000, limits=tight))
    assert hit.cached == SAID
    rows = sorted(house.rows(t.calls), key=lambda r: r.id)
    assert [(r.cached, r.state, r.cost_nanousd) for r in rows] == [(False, "done", 9), (True, "done", 0)]
    (entry,) = house.rows(t.cached_completions)
    assert (entry.hits, entry.model) == (1, "openai/gpt-5")
    assert len(house.rows(t.attempts)) == 1
    (day,) = house.rows(t.usage_days)
    assert (day.calls, day.cached, day.cost_nanousd) == (2, 1, 9)
    with pytest.raises(BudgetExceededError):
        house.admit(asking(HTTP, cache_key="k2", reserve=1000, limits=tight))


def test_a_hit_needs_a_valid_key_and_takes_a_request_but_no_tokens(house: Books) -> None:
    caller, _ = house.key(requests_per_minute=3, tokens_per_minute=100)
    keep(house, "k1", caller, tokens=100)
    house.admit(asking(caller, cache_key="k1", tokens=0))
    buckets = {r.unit: r.level for r in house.rows(t.rate_buckets)}
    assert buckets["requests"] == pytest.approx(1, abs=0.5)
    house.admit(asking(caller, cache_key="k1", tokens=0))
    with pytest.raises(RateLimitedError):
        house.admit(asking(caller, cache_key="k1", tokens=0))


def test_another_tenant_never_hits(house: Books) -> None:
    keep(house, "k1")
    other = house.admit(asking(Caller(tenant="other"), cache_key="k1"))
    assert other.cached is None


def test_an_entry_is_over_when_its_time_is_and_is_deleted_later(house: Books) -> None:
    keep(house, "k1", ttl=60)
    keep(house, "k2", replace(HTTP, documents=("doc_1",)), ttl=60)
    keep(house, "k3")
    house.clock.advance(61)
    assert house.admit(asking(HTTP, cache_key="k1")).cached is None
    assert house.admit(asking(HTTP, cache_key="k3")).cached == SAID
    deleted = house.ledger._group.submit(lambda cursor: purge(cursor, house.clock.now())).result(10)
    assert deleted == 2
    assert [r.key for r in house.rows(t.cached_completions)] == ["k3"]
    assert house.rows(t.cached_documents) == []


def test_a_renewed_entry_replaces_the_old_one(house: Books) -> None:
    keep(house, "k1", ttl=60)
    house.clock.advance(61)
    keep(house, "k1", ttl=60)
    assert house.admit(asking(HTTP, cache_key="k1")).cached == SAID
    assert len(house.rows(t.cached_completions)) == 1


def test_erasing_a_document_takes_every_completion_made_from_it(house: Books) -> None:
    keep(house, "k1", replace(HTTP, documents=("doc_1", "doc_2")))
    keep(house, "k2", replace(HTTP, documents=("doc_2",)))
    keep(house, "k3", replace(HTTP, documents=("doc_3",)))
    keep(house, "k4", Caller(tenant="other", documents=("doc_1",)))
    receipt = GatewayEraser(house.database).erase_documents(LOCAL, ["doc_1", "doc_2", "doc_9"])
    assert (receipt.room, receipt.removed) == ("gateway", 2)
    assert {(r.tenant, r.key) for r in house.rows(t.cached_completions)} == {
        ("default", "k3"),
        ("other", "k4"),
    }
    assert {r.key for r in house.rows(t.cached_documents)} == {"k3", "k4"}
    assert GatewayEraser(house.database).erase_documents(LOCAL, ["doc_1"]).removed == 0


def test_a_document_erased_while_the_model_answers_is_not_kept(house: Books) -> None:
    def version(document: str, number: int, erased: bool) -> dict[str, object]:
        words = dict.fromkeys(
            ("content", "text", "marks", "title", "language", "media_type", "loader", "created_at"), ""
        )
        return {
            **words, "tenant": "default", "version": f"{document}{number}", "document_id": document, "loader_version": 1,
            "meta": {}, "access": [], "warnings": [], "chars": 1, "size": 1, "modified": 0, "erased": erased,
        }  # fmt: skip

    with house.database.write() as connection:
        rows = [version("doc_gone", 1, True), version("doc_back", 1, True), version("doc_back", 2, False)]
        connection.execute(insert(t.document_versions), rows)
    keep(house, "gone", replace(HTTP, documents=("doc_gone",)))
    keep(house, "back", replace(HTTP, documents=("doc_back",)))
    assert [r.key for r in house.rows(t.cached_completions)] == ["back"]


def test_the_cache_is_cleared_by_tenant_and_by_model(house: Books) -> None:
    keep(house, "k1", model="a/x")
    keep(house, "k2", model="b/y")
    keep(house, "k3", Caller(tenant="other"), model="a/x")
    eraser = GatewayEraser(house.database)
    assert eraser.clear(LOCAL, "a/x") == 1
    assert eraser.clear(LOCAL) == 1
    assert eraser.clear(LOCAL) == 0
    assert [r.tenant for r in house.rows(t.cached_completions)] == ["other"]
    assert eraser.clear(Principal(tenant="other", owner=True)) == 1


def test_nothing_erased_stays_in_any_file_of_the_database(tmp_path: Path) -> None:
    database = Database(tmp_path / "erase.db")
    database.migrate()
    house = open_books(database)
    canary = "canary-9f2c61"
    admission = asking(replace(HTTP, documents=("doc_1",)), cache_key="k")
    house.admit(admission)
    house.settle(ending(admission, cache_key="k", cache={"text": canary * 500}))
    assert canary in json.dumps([dict(r._mapping) for r in house.rows(t.cached_completions)])
    GatewayEraser(database).erase_documents(LOCAL, ["doc_1"])
    house.ledger.close()
    for file in tmp_path.iterdir():
        assert canary.encode() not in file.read_bytes(), file.name
    database.close()
