"""Read and write promptfoo's results (`promptfoo eval --output results.json`, version 3).

Its configurations are data sets: `groundwork dataset import` and `export` read and write them.
Source: promptfoo, `EvaluateSummaryV3` and `EvaluateResult` in `src/types/index.ts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.types import Example
from groundwork.evaluation.interop.imported import (
    Gathering,
    Imported,
    derived,
    document,
    example_of,
    items,
    mapping,
    number,
    ours_of,
    output_from,
    score_from,
    text_of,
    written,
)
from groundwork.evaluation.types import Evaluation, Output, Result, Score

__all__ = ["Imported", "read_results", "results_document"]

OURS = "groundwork"
PASS = "pass"  # noqa: S105
MEANT = ("equals", "contains", "icontains", "starts-with", "similar", "factuality", "model-graded-factuality")
"""Assertions whose value says what is expected."""
ASSERTION, ERROR = 1, 2
"""promptfoo's `failureReason`: an assertion failed; the provider failed."""


def read_results(source: Path | str | Mapping[str, Any], subject: str = "") -> Imported:
    """Return the tests and results of a promptfoo results file.

    Args:
        source: a file (JSON or YAML), its text, or the object.
        subject: the provider (its label or id) whose results are read; empty: the first, with a note naming the others.

    Returns:
        One example for each test and one result for each time it was run. `pass` (1 or 0) and `score` come from the whole
        result, the others from its named scores and its assertions, by their metric or type.

    Raises:
        InvalidInputError: it holds no results, or none of `subject`.
    """
    outer = _document(source)
    inner = outer.get("results")
    body = inner if isinstance(inner, Mapping) else outer
    rows = [mapping(r) for r in items(body.get("results"))]
    if not rows:
        raise InvalidInputError(
            "this file holds no results of promptfoo",
            hint="give what `promptfoo eval --output results.json` wrote; bring a config with `groundwork dataset import`",
        )
    gathering = Gathering()
    subjects = list(dict.fromkeys(_subject(r) for r in rows))
    chosen = next((s for s in subjects if subject in s), None) if subject else subjects[0]
    if chosen is None:
        listed = ", ".join(sorted({s[0] for s in subjects}))
        raise InvalidInputError(
            f"`{subject[:60]}` answered nothing in this file", hint=f"providers: {listed[:300]}"
        )
    for other in subjects:
        if other != chosen:
            gathering.note(f"the results of {_name(other)} are left out; {_name(chosen)} is read")
    for i, row in enumerate(r for r in rows if _subject(r) == chosen):
        _row(gathering, row, f"result {i}")
    config = mapping(outer.get("config"))
    return Imported(
        name=str(config.get("description") or outer.get("evalId") or "promptfoo"),
        model=chosen[0],
        examples=tuple(gathering.examples),
        results=tuple(gathering.results),
        notes=gathering.notes,
        metadata={
            k: v for k, v in (("evalId", outer.get("evalId")), ("timestamp", body.get("timestamp"))) if v
        },
    )


def results_document(
    evaluation: Evaluation, examples: Sequence[Example], results: Sequence[Result]
) -> dict[str, Any]:
    """Return an evaluation as a promptfoo results file, which `promptfoo import` and its viewer read.

    What promptfoo has no word for stands in `metadata.groundwork` of each test and is read back by `read_results`. The first
    scorer decides `success`: a result passes when its score is at least .5 and nothing failed.
    """
    places = {e.id: (i, e) for i, e in enumerate(examples)}
    provider = f"groundwork:{evaluation.subject.get('name') or evaluation.app or 'app'}"
    first = next(iter(evaluation.scorers), "")
    rows = [
        _written(*places[r.example_id], r, provider, first, f"{evaluation.id}-{n}")
        for n, r in enumerate(results)
        if r.example_id in places
    ]
    errors = sum(r["failureReason"] == ERROR for r in rows)
    passed = sum(r["success"] for r in rows)
    prompt = {"raw": "{{question}}", "label": provider, "provider": provider}
    return {
        "evalId": evaluation.id,
        "results": {
            "version": 3,
            "timestamp": evaluation.created_at,
            "prompts": [prompt],
            "results": rows,
            "stats": {"successes": passed, "failures": len(rows) - passed - errors, "errors": errors},
        },
        "config": {"description": evaluation.title or evaluation.dataset, "prompts": [prompt["raw"]],
                   "providers": [provider]},
        "shareableUrl": None,
    }  # fmt: skip


# -- reading ------------------------------------------------------------------------------------------------------


def _document(source: Path | str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(source, Path) and source.suffix.lower() in (".yaml", ".yml"):
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            found = yaml.load(text_of(source), Loader=loader)  # noqa: S506
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"`{source}` cannot be read as YAML: {str(error)[:200]}") from None
        return mapping(found)
    return document(source, "the results")


def _subject(row: Mapping[str, Any]) -> tuple[str, str, int]:
    provider = row.get("provider")
    found = mapping(provider)
    identifier = str(found.get("id") or (provider if isinstance(provider, str) else "") or "")
    return (
        str(found.get("label") or identifier or "unnamed"),
        identifier,
        int(number(row.get("promptIdx")) or 0),
    )


def _name(subject: tuple[str, str, int]) -> str:
    return f"`{subject[0]}` with prompt {subject[2]}"


def _row(gathering: Gathering, row: Mapping[str, Any], where: str) -> None:
    test = mapping(row.get("testCase"))
    metadata = dict(mapping(test.get("metadata")))
    ours = mapping(metadata.pop(OURS, None))
    variables = mapping(row.get("vars")) or mapping(test.get("vars"))
    try:
        example = _example(test, variables, metadata, mapping(ours.get("example")), where)
    except InvalidInputError as error:
        gathering.note(f"{error.message}; it is left out")
        return
    own = mapping(mapping(row.get("metadata")).get(OURS))
    output = output_from(own.get("output")) or _output(row)
    scores = {str(k): s for k, v in mapping(own.get("scores")).items() if (s := score_from(v)) is not None}
    key = f"test {row['testIdx']}" if number(row.get("testIdx")) is not None else example.id
    gathering.add(key, example, output, scores if "scores" in own else _scores(row))


def _example(
    test: Mapping[str, Any],
    variables: Mapping[str, Any],
    metadata: Mapping[str, Any],
    ours: Mapping[str, Any],
    where: str,
) -> Example:
    if ours:
        return example_of(ours, where)
    asked: Any = next(iter(variables.values())) if len(variables) == 1 else dict(variables)
    expected = [str(a["value"]) for a in map(mapping, items(test.get("assert")))
                if a.get("type") in MEANT and isinstance(a.get("value"), str | int | float)]  # fmt: skip
    if isinstance(test.get("description"), str):
        metadata = {**metadata, "description": test["description"]}
    values = {
        "id": derived([asked, test.get("description"), expected]),
        "input": asked,
        "expected": expected[0] if len(expected) == 1 else expected or None,
        "metadata": dict(metadata) or None,
    }
    return example_of(values, where)


def _output(row: Mapping[str, Any]) -> Output:
    response = mapping(row.get("response"))
    answer = response.get("output")
    usage = mapping(response.get("tokenUsage")) or mapping(row.get("tokenUsage"))
    broke = str(
        response.get("error") or (row.get("error") if row.get("failureReason") == ERROR else "") or ""
    )
    return Output(
        text="" if answer is None else written(answer),
        value=None if isinstance(answer, str) else answer,
        latency_ms=number(row.get("latencyMs")) or 0.0,
        cost_usd=number(row.get("cost")) or number(response.get("cost")) or 0.0,
        input_tokens=int(number(usage.get("prompt")) or 0),
        output_tokens=int(number(usage.get("completion")) or 0),
        model=_subject(row)[1],
        cached=bool(response.get("cached")),
        error="promptfoo_error" if broke else "",
        message=broke[:500],
    )


def _scores(row: Mapping[str, Any]) -> dict[str, Score]:
    grading = mapping(row.get("gradingResult"))
    reason = str(grading.get("reason") or "")
    found: dict[str, Score] = {}
    if isinstance(row.get("success"), bool):
        found[PASS] = Score(float(row["success"]), label="pass" if row["success"] else "fail", reason=reason)
    if (whole := number(row.get("score"))) is not None:
        found["score"] = Score(whole, reason=reason)
    for name, value in mapping(row.get("namedScores")).items():
        if (figure := number(value)) is not None:
            found[str(name)] = Score(figure)
    for part in map(mapping, items(grading.get("componentResults"))):
        assertion = mapping(part.get("assertion"))
        name, figure = str(assertion.get("metric") or assertion.get("type") or ""), number(part.get("score"))
        if name and name not in found and figure is not None:
            found[name] = Score(figure, reason=str(part.get("reason") or ""))
    return found


# -- writing ------------------------------------------------------------------------------------------------------


def _written(
    place: int, example: Example, result: Result, provider: str, first: str, identifier: str
) -> dict[str, Any]:
    output, scores = result.output, result.scores
    decides = scores.get(first)
    value = decides.value if decides is not None else None
    success = not output.failed and value is not None and value >= 0.5
    ours = ours_of(example, output, scores)
    variables = (
        dict(example.input) if isinstance(example.input, Mapping) else {"question": written(example.input)}
    )
    reason = (decides.reason if decides is not None else "") or ("passed" if success else "did not pass")
    parts = [
        {"pass": s.value >= 0.5, "score": s.value, "reason": s.reason,
         "assertion": {"type": "javascript", "metric": name, "value": name}}
        for name, s in scores.items()
        if s.value is not None
    ]  # fmt: skip
    return {
        "id": identifier,
        "testIdx": place,
        "promptIdx": 0,
        "promptId": provider,
        "provider": {"id": provider, "label": provider},
        "prompt": {"raw": example.question, "label": provider},
        "vars": variables,
        "testCase": {
            "vars": variables,
            "assert": [{"type": "equals", "value": r} for r in example.references],
            "metadata": {**dict(example.metadata), OURS: {"example": ours["example"]}},
        },
        "response": {
            "output": output.text if output.value is None else output.value,
            "tokenUsage": {
                "total": output.input_tokens + output.output_tokens,
                "prompt": output.input_tokens,
                "completion": output.output_tokens,
            },
            "cached": output.cached,
            **({"error": output.message or output.error} if output.failed else {}),
        },
        "success": success,
        "score": value if value is not None else 0,
        "namedScores": {name: s.value for name, s in scores.items() if s.value is not None},
        "gradingResult": {"pass": success, "score": value or 0, "reason": reason, "componentResults": parts},
        "failureReason": ERROR if output.failed else 0 if success else ASSERTION,
        "latencyMs": output.latency_ms,
        "cost": output.cost_usd,
        "metadata": {OURS: {"output": ours["output"], "scores": {n: s.as_dict() for n, s in scores.items()}}},
    }
