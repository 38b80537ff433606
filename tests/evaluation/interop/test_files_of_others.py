"""Evaluations move to other tools and back without loss; what others wrote is read as they meant it."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.types import Example, ExampleOrigin
from groundwork.evaluation.interop.inspect_log import inspect_document, read_inspect, write_inspect
from groundwork.evaluation.interop.promptfoo import read_results, results_document
from groundwork.evaluation.types import (
    CitedPassage,
    Evaluation,
    Output,
    OutputSentence,
    Passage,
    Result,
    Score,
    ToolUse,
)

VECTORS = Path(__file__).parent / "vectors"
REAL_LOG = VECTORS / "inspect_ai-0.3.285.json"
"""A log that inspect_ai 0.3.285 wrote, its events left out."""
REAL_ARCHIVE = VECTORS / "inspect_ai-0.3.285.eval"
"""What inspect_ai 0.3.285 made of our own log: read_eval_log of the JSON, write_eval_log as `.eval`."""

EXAMPLES = [
    Example("exm_1", "What is in it?", ["salt", "water"], cluster="doc", tags=("hard",), weight=2.0,
            origin=ExampleOrigin(kind="file", source="a.csv:1")),
    Example("exm_2", [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "And?"}], None,
            impossible=True, metadata={"n": 3}),
    Example("exm_3", {"question": "Book it", "day": 3}, {"ok": True}, context=("p",), relevant={"d": 2.0},
            tools=({"name": "book", "arguments": {"day": 3}},), split="holdout"),
]  # fmt: skip
OUTPUT = Output(
    text="Salt.",
    confidence=0.9,
    passages=(Passage("Salt is in it.", document="d.md", rank=1, score=0.5),),
    citations=(CitedPassage("Salt", document="d.md", start=0, end=4),),
    sentences=(OutputSentence("Salt.", (1,), True),),
    tools=(ToolUse("look", {"q": "salt"}, {"found": 1}),),
    messages=({"role": "user", "content": "x"},),
    latency_ms=12.5,
    cost_usd=0.001,
    input_tokens=5,
    output_tokens=2,
    model="lab/small",
)
RESULTS = [
    Result(0, 0, "exm_1", "done", OUTPUT, {"correct": Score(1.0, label="pass", reason="as asked", parts={"f1": 1.0}),
                                           "judge": Score(None, error="judge_garbage", reason="no verdict")}),
    Result(0, 1, "exm_1", "done", replace(OUTPUT, text="Pepper."), {"correct": Score(0.0), "judge": Score(0.25)}),
    Result(1, 0, "exm_2", "done", Output(abstained=True, reason="nothing found"),
           {"correct": Score(1.0), "judge": Score(None, applies=False, reason="no reference")}),
    Result(2, 0, "exm_3", "failed", Output(error="upstream_failed", message="nobody answered", value={"a": [1]}), {}),
]  # fmt: skip
EVALUATION = Evaluation(
    id="evl_1", title="Nightly", app="handbook", dataset="golden", dataset_version="ab12", split="test",
    subject={"kind": "app", "name": "handbook", "digest": "d"}, scorers={"correct": {}, "judge": {}}, repeats=2, n=3,
    state="done", plan="p", progress={}, summary=None, expected_cost_usd=0.0, cost_usd=0.0,
    created_at="2026-01-02T03:04:05+00:00", started_at="2026-01-02T03:04:05+00:00",
    finished_at="2026-01-02T03:05:05+00:00",
)  # fmt: skip


def through_json(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document, allow_nan=False))
    return found


def test_an_evaluation_comes_back_from_an_inspect_log_as_it_was() -> None:
    made = read_inspect(through_json(inspect_document(EVALUATION, EXAMPLES, RESULTS)))
    assert list(made.examples) == EXAMPLES
    assert list(made.results) == RESULTS
    assert (made.name, made.model, made.notes) == ("Nightly", "groundwork/handbook", ())


def test_an_evaluation_comes_back_from_promptfoo_results_as_it_was() -> None:
    made = read_results(through_json(results_document(EVALUATION, EXAMPLES, RESULTS)))
    assert list(made.examples) == EXAMPLES
    assert list(made.results) == RESULTS
    assert made.notes == ()


def test_an_inspect_log_is_written_to_a_file_and_read_from_it(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    write_inspect(path, EVALUATION, EXAMPLES, RESULTS)
    assert list(read_inspect(path).results) == RESULTS
    archive = tmp_path / "log.eval"
    log = json.loads(path.read_text())
    samples = log.pop("samples")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("header.json", json.dumps(log))
        for i, sample in enumerate(samples):
            packed.writestr(f"samples/{i}.json", json.dumps(sample))
    assert list(read_inspect(archive).results) == RESULTS


def test_an_archive_that_inspect_made_of_our_log_brings_everything_back() -> None:
    made = read_inspect(REAL_ARCHIVE)
    assert list(made.examples) == EXAMPLES
    assert list(made.results) == RESULTS


def test_a_log_that_inspect_wrote_is_read_as_it_was_meant() -> None:
    made = read_inspect(REAL_LOG)
    assert (made.name, made.model) == ("arith", "mockllm/model")
    by_id = {e.id: e for e in made.examples}
    assert by_id["q1"].input == "2+2?"
    assert by_id["q1"].expected == "4"
    assert by_id["q1"].cluster == "doc1"
    assert by_id["2"].expected == ["Paris", "paris"]
    scores = {(r.example_id, r.repeat): {k: s.value for k, s in r.scores.items()} for r in made.results}
    assert scores == {
        ("2", 0): {"includes": 1.0, "match": 1.0},
        ("q1", 0): {"includes": 1.0, "match": 1.0},
        ("2", 1): {"includes": 1.0, "match": 0.0},
        ("q1", 1): {"includes": 0.0, "match": 0.0},
    }
    assert [r.example_id for r in made.results] == ["q1", "q1", "2", "2"]
    first = made.results[2]
    assert first.output.text == "Paris"
    assert first.output.output_tokens == 5
    assert first.scores["match"].label == "C"


def sample(**parts: Any) -> dict[str, Any]:
    return {"eval": {"task": "t", "model": "m"}, "samples": [{"id": 1, "input": "q", "target": "", **parts}]}


def test_scores_of_every_form_become_numbers_or_say_why_not() -> None:
    made = read_inspect(
        sample(
            scores={
                "flag": {"value": True},
                "partly": {"value": "P", "explanation": "half"},
                "parts": {"value": {"a": 1, "b": "I"}},
                "list": {"value": [0.5, 1]},
                "word": {"value": "blue"},
                "none": {"value": None},
            }
        )
    )
    scores = made.results[0].scores
    assert {k: s.value for k, s in scores.items()} == {
        "flag": 1.0,
        "partly": 0.5,
        "parts/a": 1.0,
        "parts/b": 0.0,
        "list/0": 0.5,
        "list/1": 1.0,
        "word": None,
        "none": None,
    }
    assert scores["word"].label == "blue"
    assert scores["none"].error == "no_number"
    assert "words for scores" in made.notes[0]


def test_not_a_number_in_a_log_never_gets_into_a_record() -> None:
    text = json.dumps(sample(scores={"x": {"value": float("nan")}}))
    assert read_inspect(text).results[0].scores["x"].value is None
    huge = json.dumps(sample()).replace('"target": ""', '"target": "", "scores": {"x": {"value": 1e999}}')
    assert read_inspect(huge).results[0].scores["x"].value is None


def test_a_sample_with_an_error_has_failed_and_one_without_input_is_left_out() -> None:
    failed = read_inspect(sample(error={"message": "out of time"}))
    assert (failed.results[0].state, failed.results[0].output.message) == ("failed", "out of time")
    log = sample()
    log["samples"].append({"id": 2})
    made = read_inspect(log)
    assert len(made.examples) == 1
    assert "left out" in made.notes[0]


def test_what_claims_to_be_ours_is_checked_like_anything_else() -> None:
    ours = {"example": {"input": "q", "weight": -3}, "output": {"text": 7}, "unscored": {"x": 1}}
    made = read_inspect(sample(metadata={"groundwork": ours}, output={"completion": "a"}))
    assert made.examples == ()
    ours["example"] = {"input": "q"}
    made = read_inspect(sample(metadata={"groundwork": ours}, output={"completion": "a"}))
    assert made.results[0].output.text == "a"
    assert made.results[0].scores == {}


@pytest.mark.parametrize("wrong", ["", "[]", "{}", '{"eval": 3}', "{" * 100_000])
def test_what_is_no_log_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInputError):
        read_inspect(wrong)
    with pytest.raises(InvalidInputError):
        read_results(wrong)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.eval"
    path.write_bytes(b"PK not really")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_inspect(path)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("_journal/start.json", "{}")
    with pytest.raises(InvalidInputError, match=r"header\.json"):
        read_inspect(path)


def promptfoo_row(**parts: Any) -> dict[str, Any]:
    return {
        "testIdx": 0,
        "promptIdx": 0,
        "provider": {"id": "openai:x", "label": "x"},
        "prompt": {"raw": "Say {{topic}}"},
        "vars": {"topic": "hi"},
        "testCase": {"vars": {"topic": "hi"}, "assert": [{"type": "equals", "value": "hello"}]},
        "response": {"output": "hello", "tokenUsage": {"total": 5, "prompt": 3, "completion": 2}},
        "success": True,
        "score": 1,
        "namedScores": {"tone": 0.5},
        "gradingResult": {
            "pass": True,
            "score": 1,
            "reason": "ok",
            "componentResults": [
                {"pass": True, "score": 1, "reason": "same", "assertion": {"type": "equals"}}
            ],
        },
        "latencyMs": 20,
        "cost": 0.01,
        **parts,
    }


@pytest.mark.parametrize("nested", [True, False])
def test_results_that_promptfoo_wrote_are_read_as_they_were_meant(nested: bool) -> None:
    rows = [promptfoo_row(), promptfoo_row(success=False, score=0, response={"error": "timeout"})]
    summary = {"version": 3, "results": rows, "timestamp": "2026-01-01T00:00:00Z"}
    made = read_results(
        {"evalId": "eval-1", "results": summary, "config": {"description": "greet"}} if nested else summary
    )
    assert made.model == "x"
    assert [e.input for e in made.examples] == ["hi"]
    assert made.examples[0].expected == "hello"
    assert [r.repeat for r in made.results] == [0, 1]
    scores = {k: s.value for k, s in made.results[0].scores.items()}
    assert scores == {"pass": 1.0, "score": 1.0, "tone": 0.5, "equals": 1.0}
    assert made.results[0].output.input_tokens == 3
    assert made.results[1].state == "failed"
    assert made.results[1].output.message == "timeout"


def test_of_several_providers_one_is_read_and_the_others_are_named() -> None:
    rows = [
        promptfoo_row(),
        promptfoo_row(provider={"id": "openai:y", "label": "y"}),
        promptfoo_row(promptIdx=1),
    ]
    made = read_results({"results": rows})
    assert len(made.results) == 1
    assert any("`y` with prompt 0" in note for note in made.notes)
    assert read_results({"results": rows}, subject="y").model == "y"
    with pytest.raises(InvalidInputError, match="`z`"):
        read_results({"results": rows}, subject="z")


def test_results_in_yaml_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "results.yaml"
    path.write_text(json.dumps({"results": {"results": [promptfoo_row()]}}))
    assert len(read_results(path).results) == 1
    path.write_text("a: [")
    with pytest.raises(InvalidInputError, match="YAML"):
        read_results(path)
