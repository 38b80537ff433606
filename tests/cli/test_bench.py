"""The benchmarks, on sets small enough to run in a moment: the shape that acceptance reads, and what people see."""

from __future__ import annotations

import json

from tests.cli.conftest import call

PAGES = {
    "gate": "The gate opens at seven in the morning and closes at ten at night.",
    "train": "A journey by train is paid in second class.",
    "bicycle": "Bicycles stand in the cellar, and the key hangs beside the door.",
    "canteen": "The canteen on the third floor serves lunch.",
}


def lines(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")


def test_bench_retrieval_has_the_shape_of_acceptance(tmp_path):
    lines(tmp_path / "corpus.jsonl", [{"doc_id": d, "text": t} for d, t in PAGES.items()])
    asked = {
        "gate": "when does the gate open",
        "train": "is a train journey paid",
        "canteen": "where is lunch served",
    }
    lines(
        tmp_path / "queries.jsonl",
        [{"query_id": q, "query": text, "relevant": {q: 1}} for q, text in asked.items()],
    )
    done = call("bench", "retrieval", tmp_path, "--strategy", "lexical", "--json")
    assert done.code == 0, done.err
    result = done.json
    assert len(result["data_digest"]) == 64
    (strategy,) = result["strategies"]
    assert strategy["strategy"] == "lexical"
    assert strategy["default"] is False
    assert strategy["n"] == 3
    for measure in ("ndcg@10", "mrr@10", "recall@10", "recall@100"):
        figure = strategy[measure]
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert strategy["ndcg@10"]["value"] == 1.0
    assert {"p50_ms", "p95_ms"} <= set(strategy)
    shown = call("bench", "retrieval", tmp_path, "--strategy", "lexical").out
    assert shown.splitlines()[0].split() == ["strategy", "n", "ndcg@10", "recall@10", "p50", "ms"]


def test_bench_extract_has_the_shape_of_acceptance(tmp_path):
    lines(tmp_path / "passages.jsonl", [{"doc_id": d, "text": t} for d, t in PAGES.items()])
    asked = [
        ("gate", "When does the gate open?", "seven"),
        ("train", "What class is paid?", "second"),
        ("canteen", "Who is the director?", None),
        ("bicycle", "What is the capital of Mongolia?", None),
    ]
    questions = [
        {
            "id": str(n),
            "doc_id": d,
            "question": q,
            "is_impossible": not a,
            "answers": [{"text": a}] if a else [],
        }
        for n, (d, q, a) in enumerate(asked)
    ]
    lines(tmp_path / "questions.jsonl", questions)
    result = call("bench", "extract", tmp_path, "--json").json
    assert result["n"] == 4
    for name in ("sentence_accuracy", "answerability_auroc", "aurc"):
        assert set(result[name]) >= {"value", "low", "high"}
    assert result["risk_at_coverage"]
    assert "sentence_accuracy" in call("bench", "extract", tmp_path).out


def test_bench_ingest_says_what_became_of_a_folder(tmp_path):
    for name, text in PAGES.items():
        (tmp_path / f"{name}.md").write_text(text)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 no")
    result = call("bench", "ingest", tmp_path, "--embedder", "none", "--json").json
    assert (result["documents"], result["quarantined"]) == (4, 1)


def test_a_folder_without_a_set_is_refused(tmp_path):
    done = call("bench", "retrieval", tmp_path, "--json")
    assert done.code == 2
    assert done.json["error"]["hint"]
