"""Scorers of answers against known values, from other software where there is any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import SettingsError
from groundwork.datasets.types import Example
from groundwork.evaluation.judges.types import JudgeVerdict
from groundwork.evaluation.types import Output, Passage
from groundwork.testing.scorer import PlainServices
from tests.evaluation.scoring.build import scored

VECTORS = json.loads((Path(__file__).parent / "vectors" / "scorers.json").read_text("utf-8"))


def asked(expected: Any = None, **more: Any) -> Example:
    return Example("exm_1", "a question", expected=expected, **more)


def test_rouge_l_agrees_with_rouge_score() -> None:
    for case in VECTORS["rouge"]:
        score = scored("rouge_l", asked(case["expected"]), Output(text=case["given"]))
        assert score.value == pytest.approx(case["f"], abs=1e-9)
        assert score.parts["precision"] == pytest.approx(case["precision"], abs=1e-9)
        assert score.parts["recall"] == pytest.approx(case["recall"], abs=1e-9)


def test_exact_and_f1_agree_with_the_script_of_squad() -> None:
    for case in VECTORS["squad"]:
        example, output = asked(case["expected"]), Output(text=case["given"])
        assert scored("exact", example, output).value == case["exact"], case
        assert scored("f1", example, output).value == pytest.approx(case["f1"], abs=1e-12), case


def test_the_best_of_several_references_counts() -> None:
    example = asked(["Paris", "the city of Paris"])
    assert scored("exact", example, Output(text="City of Paris.")).value == 1
    assert scored("f1", example, Output(text="Paris")).value == 1


def test_an_impossible_example_wants_the_empty_answer() -> None:
    example = asked(impossible=True)
    for name in ("exact", "f1", "correct", "abstention"):
        assert scored(name, example, Output(abstained=True)).value == 1, name
        assert scored(name, example, Output(text="Paris")).value == 0, name


@pytest.mark.parametrize(
    ("expected", "text", "right"),
    [
        ("Paris", "The capital is Paris [1].", True),
        ("Paris", "The capital is Parisian.", False),
        ("no", "No, it is not.", True),
        ("no", "There is no doubt: yes.", False),
        ("the 12th of May 1999", "12th of May", True),
        ("a long sentence about boats", "something else", False),
        ("北京", "首都是北京。", True),
        ("25 %", "It is 25% of all.", True),
    ],
)
def test_a_right_answer_holds_the_reference_or_shares_its_words(
    expected: str, text: str, right: bool
) -> None:
    assert scored("correct", asked(expected), Output(text=text)).value == float(right)


def test_declining_what_can_be_answered_is_wrong() -> None:
    assert scored("correct", asked("Paris"), Output(abstained=True)).value == 0
    assert scored("abstention", asked("Paris"), Output(abstained=True)).value == 0
    assert scored("abstention", asked("Paris"), Output(text="London")).value == 1


@pytest.mark.parametrize(
    ("text", "expected", "parameters", "value"),
    [
        ("It is 1,234.50 dollars", 1234.5, {}, 1),
        ("between 3 and 7", "7", {}, 1),
        ("between 3 and 7", 3, {}, 0),
        ("between 3 and 7", 3, {"pick": "first"}, 1),
        ("between 3 and 7 or 9", 7, {"pick": "any"}, 1),
        ("−12.5 °C", -12.5, {}, 1),
        ("1.02e3", 1000, {"relative": 0.05}, 1),
        ("3.2 [4]", 3.2, {}, 1),
        ("none at all", 3, {}, 0),
        ("9.9", 10, {"absolute": 0.1}, 1),
        ("1e999", 10, {}, 0),
    ],
)
def test_numbers_are_found_and_compared_within_the_tolerance(
    text: str, expected: Any, parameters: dict[str, Any], value: float
) -> None:
    assert scored({"name": "numeric", **parameters}, asked(expected), Output(text=text)).value == value


def test_json_is_read_from_within_a_fence_and_must_fit() -> None:
    spec = {"name": "json_schema", "schema": {"type": "object", "required": ["a"]}}
    assert scored(spec, asked(), Output(text='```json\n{"a": 1}\n```')).value == 1
    assert scored(spec, asked(), Output(value={"a": 1})).value == 1
    assert "required" in scored(spec, asked(), Output(text='{"b": 1}')).reason
    assert scored(spec, asked(), Output(text="Sure! {}")).label == "no_json"
    assert scored("json_schema", asked(), Output(text='{"a": NaN}')).value == 0


def test_a_schema_or_pattern_that_is_none_is_refused_at_once_and_in_data_is_an_error() -> None:
    with pytest.raises(SettingsError):
        scored({"name": "json_schema", "schema": {"type": "dict"}}, asked(), Output())
    with pytest.raises(SettingsError):
        scored({"name": "regex", "pattern": "("}, asked(), Output())
    assert scored("regex", asked("("), Output(text="x")).error == "bad_pattern"
    assert scored("json_schema", asked(metadata={"schema": 7}), Output(text="1")).error == "bad_schema"


def test_a_pattern_that_would_run_forever_ends() -> None:
    assert scored({"name": "regex", "pattern": "(a+)+$"}, asked(), Output(text="a" * 5000 + "b")).value == 0


def test_a_pattern_may_have_to_be_absent() -> None:
    spec = {"name": "regex", "pattern": r"\bas an AI\b", "absent": True}
    assert scored(spec, asked(), Output(text="It rains.")).value == 1
    assert scored(spec, asked(), Output(text="Well, as an AI model")).value == 0


@pytest.mark.parametrize("case", range(30))
def test_retrieval_scores_agree_with_trec_eval(case: int) -> None:
    known = VECTORS["retrieval"][case]
    example = asked(relevant=known["relevant"])
    output = Output(passages=tuple(Passage("x", document=f"folder/{d}.md") for d in known["ranking"]))
    for name, k, key in (("ndcg", 10, "ndcg_10"), ("ndcg", 5, "ndcg_5"), ("recall", 10, "recall_10"),
                         ("recall", 5, "recall_5"), ("mrr", 1000, "recip_rank")):  # fmt: skip
        score = scored({"name": name, "k": k}, example, output)
        assert score.value == pytest.approx(known[key], abs=1e-9)


def test_passages_of_one_document_take_one_rank() -> None:
    output = Output(passages=(Passage("x", "a"), Passage("y", "a"), Passage("z", "b")))
    assert scored("mrr", asked(relevant={"b": 1}), output).value == 1 / 2
    assert scored({"name": "mrr", "unit": "passage"}, asked(relevant={"b": 1}), output).value == 1 / 3
    assert scored("ndcg", asked(relevant={"a": 1}), output).value == 1


def test_context_is_judged_by_documents_else_by_known_passages_else_by_references() -> None:
    output = Output(
        passages=(Passage("Paris is the capital of France", "a"), Passage("It rains in Spain", "b"))
    )
    assert scored("context_precision", asked(relevant={"b": 1}), output).value == 0.5
    assert scored("context_precision", asked(relevant={"b": 1}), output).parts["average_precision"] == 0.5
    assert (
        scored("context_precision", asked(context=("the capital of France is Paris",)), output).value == 0.5
    )
    assert scored("context_precision", asked("Spain"), output).value == 0.5
    assert not scored("context_precision", asked(), output).applies


def test_a_judge_that_answers_garbage_is_never_a_pass() -> None:
    output = Output(text="Paris")
    for verdict in (
        JudgeVerdict("", None, error="judge_garbage", cost_usd=0.1),
        JudgeVerdict("maybe", 1.0),
        JudgeVerdict("pass", None),
    ):
        for name in ("judge", "answer_correctness", "answer_relevance"):
            score = scored(name, asked("Paris"), output, PlainServices(verdict))
            assert (score.value, score.error) == (None, "judge_garbage")
            assert score.applies
            assert score.cost_usd == verdict.cost_usd


def test_a_verdict_becomes_a_pass_or_its_grade() -> None:
    output = Output(text="Paris")
    assert scored("judge", asked(), output).value == 1
    failing = PlainServices(JudgeVerdict("fail", 0.0, "no"))
    assert scored("judge", asked(), output, failing).value == 0
    assert scored({"name": "judge", "declined": "fail"}, asked(), Output(abstained=True)).value == 0
    assert not scored("answer_relevance", asked(), Output(abstained=True)).applies


def test_similarity_sees_the_nearest_reference() -> None:
    assert scored("similarity", asked(["zzz", "paris"]), Output(text="paris")).value == pytest.approx(1)
    assert scored("similarity", asked(["zzz"]), Output(text="paris")).value == pytest.approx(0, abs=1e-6)


def test_a_label_is_compared_without_case_and_read_from_probabilities() -> None:
    assert scored("label", asked("Spam"), Output(text=" spam.")).value == 1
    score = scored("label", asked("ham"), Output(value={"spam": 0.2, "ham": 0.8}))
    assert (score.value, score.parts["confidence"]) == (1, 0.8)
    assert scored("label", asked("yes"), Output(value={"label": "no"})).value == 0


def test_a_failed_output_has_no_latency_but_a_cost() -> None:
    failed = Output(error="upstream_failed", latency_ms=3.0, cost_usd=0.02)
    assert scored("latency", asked(), failed).value is None
    assert scored("cost", asked(), failed).value == 0.02


def test_a_reward_is_brought_to_the_scale() -> None:
    assert scored("reward", asked(), Output(value={"reward": 1.0})).value == 1
    assert scored({"name": "reward", "low": -1}, asked(), Output(value=0)).value == 0.5
    assert scored("reward", asked(), Output(value=True)).value == 1
    assert scored("reward", asked(), Output(value="much")).error == "no_number"
    assert not scored("reward", asked(), Output(text="done")).applies


@pytest.mark.parametrize(
    ("expected", "text", "right"),
    [
        ("14", "about 3.14 metres", False),
        ("3.14", "about 3.14 metres.", True),
        ("5", "minus: -5 degrees", False),
        ("1000", "It costs 1,000.", True),
        ("2020", "in 2019-2020", True),
    ],
)
def test_a_number_is_one_word(expected: str, text: str, right: bool) -> None:
    assert scored("correct", asked(expected), Output(text=text)).value == float(right)
