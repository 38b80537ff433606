"""Tool calls and the way of an agent, and pass^k on real runs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from groundwork.datasets.types import Example
from groundwork.evaluation.metrics.measuring import column, make_scorers, measure
from groundwork.evaluation.types import Output, Result, ToolUse
from groundwork.testing.scorer import PlainServices
from tests.data_sets import data_set, rows
from tests.evaluation.scoring.build import scored

A = {"name": "find", "arguments": {"id": 1}}
B = {"name": "book", "arguments": {"seats": [1, 2], "vip": True}}


def made(*calls: dict[str, Any]) -> Output:
    return Output(
        tools=tuple(ToolUse(c["name"], c.get("arguments", {}), error=c.get("error", "")) for c in calls)
    )


def example(*calls: dict[str, Any]) -> Example:
    return Example("exm_1", "do it", tools=calls)


def test_order_counts_unless_it_is_said_not_to() -> None:
    assert scored("tool_calls", example(A, B), made(A, B)).value == 1
    assert scored("tool_calls", example(A, B), made(B, A)).value == 0.5
    assert scored({"name": "tool_calls", "order": "any"}, example(A, B), made(B, A)).value == 1


def test_arguments_are_equal_as_json_is() -> None:
    near = {"name": "book", "arguments": {"vip": True, "seats": [1.0, 2]}}
    assert scored("tool_calls", example(B), made(near)).value == 1
    assert (
        scored("tool_calls", example(B), made({**near, "arguments": {"vip": 1, "seats": [1, 2]}})).value == 0
    )
    assert scored({"name": "tool_calls", "arguments": False}, example(B), made({"name": "book"})).value == 1


def test_missing_further_and_failed_calls_cost() -> None:
    assert scored("tool_calls", example(A, B), made(A)).value == pytest.approx(2 / 3)
    assert scored("tool_calls", example(A), made(A, A, A)).value == 0.5
    assert scored("tool_calls", example(A), made({**A, "error": "bad"})).value == 0
    assert scored("tool_calls", example(), made()).value == 1
    assert scored("tool_calls", example(), made(A)).value == 0
    assert not scored("tool_calls", Example("exm_1", "?"), made(A)).applies


def test_arguments_may_be_held_to_a_schema_or_to_accepted_values() -> None:
    schema = {
        "name": "find",
        "schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
    }
    assert scored("tool_calls", example(schema), made(A)).value == 1
    assert scored("tool_calls", example(schema), made({"name": "find", "arguments": {"id": "1"}})).value == 0
    accepted = {"name": "find", "accepted": {"id": [1, 2], "unit": ["", "m"]}}
    assert scored("tool_calls", example(accepted), made(A)).value == 1
    assert (
        scored("tool_calls", example(accepted), made({"name": "find", "arguments": {"id": 1, "x": 0}})).value
        == 0
    )
    own = {"name": "tool_calls", "schemas": {"find": schema["schema"]}, "arguments": False}
    assert scored(own, example({"name": "find"}), made({"name": "find", "arguments": {}})).parts["unfit"] == 1
    assert (
        scored("tool_calls", example({"name": "find", "schema": {"type": "dict"}}), made(A)).error
        == "bad_schema"
    )


def test_order_free_matching_finds_the_best_pairs() -> None:
    loose = {"name": "find"}
    assert (
        scored({"name": "tool_calls", "order": "any"}, example(loose, A), made(A, {"name": "find"})).value
        == 1
    )


@pytest.mark.parametrize(
    ("mode", "calls", "value"),
    [
        ("strict", (A, B), 1), ("strict", (A, A, B), 0), ("ordered", (A, A, B), 1), ("ordered", (B, A), 0),
        ("unordered", (B, A), 1), ("unordered", (B, A, A), 0), ("superset", (B, A, A), 1), ("superset", (A,), 0),
        ("subset", (A,), 1), ("subset", (A, {"name": "other"}), 0),
    ],
)  # fmt: skip
def test_a_way_is_held_to_its_mode(mode: str, calls: tuple[dict[str, Any], ...], value: float) -> None:
    assert scored({"name": "trajectory", "mode": mode}, example(A, B), made(*calls)).value == value


def test_a_way_may_not_break_rules() -> None:
    for rule in ({"forbidden": ["find"]}, {"max_calls": 1}, {"max_repeats": 1}):
        assert scored({"name": "trajectory", **rule}, Example("exm_1", "?"), made(A, A)).value == 0
    failed = {"name": "trajectory", "max_failed": 0}
    assert scored(failed, Example("exm_1", "?"), made({**A, "error": "bad"})).value == 0
    assert scored(failed, Example("exm_1", "?"), made(A)).value == 1


def test_calls_of_bfcl_are_right_when_they_are_those_accepted() -> None:
    seen = 0
    for row in rows(data_set("bfcl") / "parallel.jsonl"):
        wanted = [{"name": n, "accepted": a} for call in row["ground_truth"] for n, a in call.items()]
        right = [
            {"name": w["name"], "arguments": {k: v[0] for k, v in w["accepted"].items() if v[0] != ""}}
            for w in wanted
        ]
        if any(isinstance(v, dict) for r in right for v in r["arguments"].values()):
            continue
        spec = {"name": "tool_calls", "order": "any"}
        assert scored(spec, example(*wanted), made(*right[::-1])).value == 1, row["id"]
        assert scored(spec, example(*wanted), made(*right[1:])).value < 1
        seen += 1
    assert seen > 50


def test_pass_k_on_tau_bench_is_the_share_of_k_tries_that_all_succeed() -> None:
    runs = list(rows(data_set("tau_airline_traces") / "trajectories.jsonl"))
    tasks = sorted({r["task_id"] for r in runs})
    scorers = make_scorers(["reward"])
    examples = [Example(str(t), "task") for t in tasks]
    found = []
    for run in runs:
        output, seq = Output(value={"reward": run["reward"]}), tasks.index(run["task_id"])
        score = scorers["reward"].score(examples[seq], output, PlainServices())
        found.append(Result(seq, run["trial"], str(run["task_id"]), "done", output, {"reward": score}))
    for k in (1, 2, 3, 4):
        shares = []
        for task in tasks:
            won = [r["reward"] == 1 for r in runs if r["task_id"] == task]
            draws = list(combinations(won, k))
            shares.append(sum(all(d) for d in draws) / len(draws))
        got = measure(f"pass_{k}(reward)", found, scorers, examples)
        assert got.value == pytest.approx(sum(shares) / len(shares), abs=1e-12)
        assert got.low is not None
        assert got.low < got.value < (got.high or 0)
        assert column(f"pass_{k}(reward)", examples, found, scorers).values == pytest.approx(shares)
    assert measure("pass_5(reward)", found, scorers, examples).value is None
