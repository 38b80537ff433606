"""Erasing a document takes its text out of every span, file and word about it, wherever it was shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.app.calling import caller_of, request_of
from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.gateway.flow_trace import trace_hex
from groundwork.telemetry.types import Query, Span
from tests.telemetry.house import SPEC, make_house, spans

CANARY = "Zanzibarquux7731"
TEXT = f"# Vault\n\nThe code word of the vault is {CANARY}.\n"
QUESTION = "What is the code word of the vault?"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Workspace]:
    made = make_house(tmp_path, SPEC.replace("Up to five days may be carried", f"The code word is {CANARY}"))
    made.ingest([write(tmp_path)])
    yield made
    made.close()


def write(tmp_path: Path) -> Path:
    folder = tmp_path / "vault"
    folder.mkdir()
    (folder / "vault.md").write_text(TEXT)
    return folder


def holding(root: Path, word: str) -> list[str]:
    """Return the files of a workspace that hold a word, in whatever case."""
    low = word.lower().encode()
    return sorted(
        str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and low in p.read_bytes().lower()
    )


def vault(house: Workspace) -> str:
    return next(d.id for d in house.documents()[0] if d.document.endswith("vault.md"))


def test_after_erasure_no_file_of_the_workspace_holds_a_word_of_the_document(house: Workspace) -> None:
    quoted = house.ask(QUESTION)
    generated = house.ask(QUESTION, app="talk")
    house.gateway.complete(request_of("app/talk", [("user", QUESTION)]), caller_of(LOCAL))
    book = house.telemetry.feedback
    book.give(LOCAL, "correction", text=f"It is {CANARY}!", answer_id=generated.id)
    book.give(LOCAL, "thumb", value="up", answer_id=generated.id)
    # A program of one's own around an answer, in the same trace.
    around = Span(
        trace_hex(quoted.trace_id),
        "ab" * 8,
        "handle",
        1,
        2,
        output=f"said {CANARY}",
        attributes={"app.said": CANARY},
    )
    house.telemetry.fresh()
    house.telemetry.store.add("default", [around])
    assert CANARY in str(spans(house, trace_hex(quoted.trace_id)))
    assert house.telemetry.reader.traces(LOCAL, Query(text=CANARY)).items
    receipts = house.erase([vault(house)])
    [receipt] = [r for r in receipts if r.room == "telemetry"]
    assert receipt.removed >= 10
    assert not house.telemetry.fresh().traces(LOCAL, Query(text=CANARY)).items
    for answer in (quoted, generated):
        found = spans(house, trace_hex(answer.trace_id))
        assert CANARY.lower() not in str(found).lower()
        root = next(s for s in found if s.name == "answer")
        assert root.attributes["groundwork.texts"] == "erased"
        assert root.duration_ms >= 0
    calls = [s for s in spans(house, trace_hex(generated.trace_id)) if s.name == "chat play/mini"]
    assert calls[0].input_tokens == 120
    said = {f.kind: f for f in book.of_answer(LOCAL, generated.id)}
    assert said["correction"].text == ""
    assert said["thumb"].value == "up"
    house.close()
    spec = house.root / "groundwork.toml"
    spec.write_text(spec.read_text().replace(CANARY, "gone"))  # what the scripted model says stands there
    assert holding(house.root, CANARY) == []


def test_what_was_not_projected_yet_is_erased_all_the_same(house: Workspace) -> None:
    answer = house.ask(QUESTION, app="talk")
    house.erase([vault(house)])
    time.sleep(0.55)  # so long the texts of a call may come after it
    found = spans(house, trace_hex(answer.trace_id))
    assert len(found) == 5
    assert CANARY not in str(found)


def test_spans_made_while_a_document_is_erased_end_without_its_text(
    house: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = house.ask(QUESTION, app="talk")
    store = house.telemetry.store
    add = store.add
    erased: list[bool] = []

    def slow(tenant: str, given: list[Span]) -> object:
        # Between reading the records and storing their spans the document goes.
        if not erased:
            erased.append(True)
            house.erase([vault(house)])
        return add(tenant, given)

    monkeypatch.setattr(store, "add", slow)
    found = spans(house, trace_hex(answer.trace_id))
    assert erased
    assert CANARY not in str(found)


def test_other_traces_keep_their_texts(house: Workspace) -> None:
    house.gateway.complete(request_of("play/mini", [("user", "Remember the walrus.")]), caller_of(LOCAL))
    house.ask(QUESTION)
    house.telemetry.fresh()
    house.erase([vault(house)])
    [kept] = house.telemetry.reader.traces(LOCAL, Query(text="walrus")).items
    assert kept.input == "Remember the walrus."
