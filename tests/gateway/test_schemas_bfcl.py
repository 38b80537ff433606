"""Tool calls of a public set: right arguments are let through, wrong ones made from them are refused, all of them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from groundwork.bench import calls
from groundwork.core.errors import InvalidInputError
from tests.data_sets import data_set

CASE = {
    "id": "one",
    "question": [[{"role": "user", "content": "How far is it?"}]],
    "function": [
        {
            "name": "map.distance",
            "description": "Return a distance.",
            "parameters": {
                "type": "dict",
                "properties": {
                    "to": {"type": "string"},
                    "unit": {"type": "string", "enum": ["km", "mi"]},
                    "via": {"type": "array", "items": {"type": "string"}, "enum": ["sea", "land"]},
                    "place": {"type": "tuple", "items": {"type": "float"}},
                    "more": {"type": "any", "optional": True},
                },
                "required": ["to"],
            },
        }
    ],
    "ground_truth": [
        {
            "map.distance": {
                "to": ["Rome"],
                "unit": ["", "km"],
                "via": [["sea"]],
                "place": [[1, 2.5]],
                "more": [5],
            }
        }
    ],
}


def test_right_calls_of_the_set_are_accepted_and_wrong_ones_refused() -> None:
    result = calls.run(data_set("bfcl"))
    assert result["missed"] == []
    assert result["n_valid"] > 1_500
    assert result["accepted"] == result["n_valid"]
    assert result["refused"] == result["n_invalid"] > 5 * result["n_valid"]
    assert len(result["kinds"]) == 11
    assert len(result["contradicting"]) < 12


def test_a_case_is_read_and_spoilt_in_every_way(tmp_path: Path) -> None:
    (tmp_path / "multiple.jsonl").write_text(json.dumps(CASE) + "\n", encoding="utf-8")
    [case], digest = calls.read(tmp_path)
    assert len(digest) == 64
    assert case.arguments == {"to": "Rome", "via": ["sea"], "place": [1, 2.5], "more": 5}
    assert case.schema["properties"]["via"] == {
        "type": "array",
        "items": {"type": "string", "enum": ["sea", "land"]},
    }
    assert case.schema["properties"]["place"] == {"type": "array", "items": {"type": "number"}}
    assert case.schema["properties"]["more"] == {}
    assert case.schema["additionalProperties"] is False
    result = calls.run(tmp_path)
    assert (result["n_valid"], result["accepted"]) == (1, 1)
    assert result["refused"] == result["n_invalid"] == len(list(calls.spoilt(case, random.Random(0))))


def test_a_right_call_that_contradicts_its_schema_counts_as_wrong(tmp_path: Path) -> None:
    case = {**CASE, "ground_truth": [{"map.distance": {"to": [7]}}]}
    (tmp_path / "simple_python.jsonl").write_text(json.dumps(case), encoding="utf-8")
    result = calls.run(tmp_path)
    assert result["contradicting"] == ["one#0"]
    assert (result["n_valid"], result["n_invalid"], result["refused"]) == (0, 1, 1)


def test_a_folder_without_the_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no set of function calls"):
        calls.run(tmp_path)
