"""Measures of ranking against values worked out by hand, and a whole run on a small set."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from groundwork.bench.judged import read
from groundwork.bench.ranking import interval, ndcg, recall, reciprocal_rank
from groundwork.bench.retrieval import run
from groundwork.core.errors import InvalidInputError
from groundwork.core.settings import IndexSpec

DOCUMENTS = {
    "rockets": "A rocket engine burns fuel with an oxidiser.",
    "sails": "A boat goes against the wind by tacking.",
    "bread": "Yeast makes gas in the dough, so bread rises.",
}


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt") as stream:
        for name, text in DOCUMENTS.items():
            stream.write(json.dumps({"doc_id": name, "title": name, "text": text}) + "\n")
    queries = [
        {"query_id": "1", "query": "what does an engine burn", "relevant": {"rockets": 2, "sails": 0}},
        {"query_id": "2", "query": "why does bread rise", "relevant": {"bread": 1}},
        {"query_id": "3", "query": "nothing is relevant", "relevant": {"sails": 0}},
    ]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    return tmp_path


def test_ndcg_is_the_discounted_gain_against_the_best_order() -> None:
    relevant = {"a": 3, "b": 1, "c": 0}
    got = 1 / math.log2(2) + 3 / math.log2(4)
    best = 3 / math.log2(2) + 1 / math.log2(3)
    assert ndcg(["b", "x", "a"], relevant, 10) == pytest.approx(got / best)
    assert ndcg(["a", "b"], relevant, 10) == 1
    assert ndcg(["x", "a"], relevant, 1) == 0
    assert ndcg([], {"c": 0}, 10) == 0


def test_reciprocal_rank_and_recall_look_at_the_first_k() -> None:
    relevant = {"a": 1, "b": 2, "c": 0}
    assert reciprocal_rank(["x", "c", "b", "a"], relevant, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "c", "b"], relevant, 2) == 0
    assert recall(["b", "x", "a"], relevant, 2) == 0.5
    assert recall(["b", "x", "a"], relevant, 3) == 1


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    held = 0
    for seed in range(60):
        found = interval(generator.beta(2, 1, 80), seed=seed)
        held += found["low"] <= 2 / 3 <= found["high"]
    assert 51 <= held <= 60


def test_a_run_measures_every_strategy_asked_for_and_marks_the_default(small_set: Path) -> None:
    index = IndexSpec(backend="memory", embedder="lsa")
    heard: list[tuple[str, int, int]] = []
    result = run(small_set, ["hybrid", "lexical"], lambda *at: heard.append(at), index=index)
    assert [s["strategy"] for s in result["strategies"]] == ["hybrid", "lexical"]
    assert [s["default"] for s in result["strategies"]] == [True, False]
    lexical = result["strategies"][1]
    assert lexical["n"] == 2
    assert lexical["ndcg@10"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert lexical["recall@100"]["value"] == 1
    assert lexical["versus_lexical"]["ndcg@10"]["value"] == 0
    assert 0 < lexical["p50_ms"] <= lexical["p95_ms"]
    assert result["embedder"] == "lsa"
    assert heard[-1] == ("lexical", 2, 2)
    json.dumps(result, allow_nan=False)


def test_the_digest_follows_the_data_alone(small_set: Path) -> None:
    before = read(small_set)[0].digest
    assert read(small_set)[0].digest == before
    with (small_set / "queries.jsonl").open("a") as stream:
        stream.write('\n{"query_id": "4", "query": "wind", "relevant": {"sails": 1}}')
    assert read(small_set)[0].digest != before


def test_paragraph_files_are_read_one_set_a_language(tmp_path: Path) -> None:
    for language in ("de", "en"):
        row = {"doc_id": "1", "title": "A_title", "text": "x", "qas": [{"id": "q", "question": "y"}]}
        (tmp_path / f"{language}.jsonl").write_text(json.dumps(row))
    assert [(s.name, s.documents[0].title) for s in read(tmp_path)] == [("de", "A title"), ("en", "A title")]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no judged retrieval set"),
        ({"corpus": "{}", "queries": "{}"}, "lacks the key"),
        ({"corpus": "nonsense", "queries": "{}"}, "line 1 of"),
        ({"corpus": "[1]", "queries": "{}"}, "not an object"),
        ({"corpus": '{"doc_id": 1, "text": ""}', "queries": ""}, "relevant document"),
    ],
)
def test_a_folder_that_fits_no_layout_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, content in files.items():
        (tmp_path / f"{name}.jsonl").write_text(content)
    with pytest.raises(InvalidInputError, match=message):
        read(tmp_path)
