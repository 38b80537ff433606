"""Rows of evaluations and results, and the values they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
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
from groundwork.storage.columns import as_written

if TYPE_CHECKING:
    from groundwork.evaluation.planning import RunPlan

NANO = 1_000_000_000
WITHHELD = "shown to its maker and to who reads every document"
ERASED = "a document that it was made of was erased"
_FIELDS = tuple(Output.__dataclass_fields__)
_EMPTY = Output()


def new_row(principal: Principal, plan: RunPlan, now: str, job_id: str) -> dict[str, Any]:
    """Return the row of an evaluation that has not begun."""
    return {
        "id": new_id("evl"),
        "tenant": principal.tenant,
        "title": plan.title,
        "app": plan.app,
        "dataset": plan.dataset,
        "dataset_version": plan.dataset_version,
        "split": plan.split,
        "state": "planned",
        "plan": plan.digest,
        "record": plan.record(),
        "progress": {"done": 0, "of": plan.n * plan.repeats, "failed": 0, "errors": {}},
        "summary": None,
        "cost_nanousd": 0,
        "release": plan.release,
        "job_id": job_id,
        "created_at": now,
        "created_by": principal.name,
        "started_at": None,
        "finished_at": None,
        "redacted": False,
    }


def evaluation(row: Any) -> Evaluation:
    """Return the evaluation in a row of `evaluations`."""
    record = row.record
    # Stored JSON has its keys sorted; people read scorers in the order they asked for them.
    scorers = {name: record["scorers"][name] for name in record.get("order", record["scorers"])}
    return Evaluation(
        id=row.id,
        title=row.title,
        app=row.app,
        dataset=row.dataset,
        dataset_version=row.dataset_version,
        split=row.split,
        subject=record["subject"],
        scorers=scorers,
        repeats=int(record["repeats"]),
        n=int(record["n"]),
        state=row.state,
        plan=row.plan,
        progress=row.progress,
        summary=None if row.summary is None else _in_order(row.summary, scorers),
        expected_cost_usd=record.get("expected_cost_usd"),
        cost_usd=row.cost_nanousd / NANO,
        release=row.release,
        looks=int(record.get("looks", 0)),
        job_id=row.job_id,
        created_at=row.created_at,
        created_by=row.created_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
        redacted=bool(row.redacted),
        error=record.get("error"),
        limit=record.get("limit"),
        seed=int(record.get("seed", 0)),
        word=str(record.get("word", "")),
        notes=tuple(record.get("notes", ())),
    )


def _in_order(summary: Mapping[str, Any], scorers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    names = [
        name if place == 0 else f"{metric}({name})"
        for name, known in scorers.items()
        for place, metric in enumerate(known["metrics"])
    ]
    first = {name: summary[name] for name in names if name in summary}
    return {**first, **{name: value for name, value in summary.items() if name not in first}}


def result_row(tenant: str, evaluation_id: str, result: Result, now: str) -> dict[str, Any]:
    """Return a result as a row; what has its default value is not written."""
    output = result.output
    spent = output.cost_usd + sum(s.cost_usd for s in result.scores.values())
    return {
        "tenant": tenant,
        "evaluation_id": evaluation_id,
        "seq": result.seq,
        "repeat": result.repeat,
        "example_id": result.example_id,
        "state": result.state,
        "output": _plain_output(output),
        "scores": {name: _plain_score(score) for name, score in result.scores.items()},
        "answer_id": output.answer_id,
        "trace_id": output.trace_id,
        "latency_ms": output.latency_ms,
        "cost_nanousd": round(spent * NANO),
        "created_at": result.created_at or now,
    }


def document_rows(tenant: str, evaluation_id: str, result: Result) -> list[dict[str, Any]]:
    """Return which documents the text of a result is of."""
    held = documents_of(result)
    return [
        {
            "tenant": tenant,
            "document_id": document,
            "evaluation_id": evaluation_id,
            "seq": result.seq,
            "repeat": result.repeat,
        }
        for document in sorted(held)
    ]


def documents_of(result: Result) -> set[str]:
    """Return the ids of the documents that an output was made of."""
    o = result.output
    shown = (*(p.document_id for p in o.passages), *(c.document_id for c in o.citations))
    return {*o.documents, *shown} - {""}


def result(row: Any) -> Result:
    """Return the result in a row of `evaluation_results`."""
    return Result(
        seq=int(row.seq),
        repeat=int(row.repeat),
        example_id=row.example_id,
        state=row.state,
        output=output_of(row.output),
        scores={name: Score(**{"value": None, **score}) for name, score in row.scores.items()},
        created_at=row.created_at,
    )


def line(row: Any) -> Result:
    """Return a result of the columns that `Evaluations.lines` reads."""
    stored = json.loads(as_written(row.failure))
    return Result(
        seq=int(row.seq),
        repeat=int(row.repeat),
        example_id=row.example_id,
        state=row.state,
        output=Output(error=stored.get("error", ""), message=stored.get("message", "")),
        scores={name: Score(**{"value": None, **score}) for name, score in row.scores.items()},
        created_at=row.created_at,
    )


def without_texts(result: Result, reason: str = WITHHELD) -> Result:
    """Return a result with its numbers and without what documents say."""
    o = result.output
    numbers = (
        "abstained", "confidence", "latency_ms", "first_token_ms", "cost_usd", "input_tokens", "output_tokens", "model",
        "cached", "answer_id", "trace_id", "documents", "error",
    )  # fmt: skip
    output = Output(**{name: getattr(o, name) for name in numbers}, reason=reason)
    return replace(result, output=output, scores={n: _bare(s) for n, s in result.scores.items()})


def _bare(score: Score) -> Score:
    parts = {k: v for k, v in score.parts.items() if v is None or isinstance(v, bool | int | float)}
    return replace(score, reason="", parts=parts)


def output_of(stored: Mapping[str, Any]) -> Output:
    """Return an output from JSON; fields that this version does not know are left out."""
    known: dict[str, Any] = {k: v for k, v in stored.items() if k in _FIELDS}
    makers: dict[str, type] = {"passages": Passage, "citations": CitedPassage, "tools": ToolUse}
    for name, make in makers.items():
        if name in known:
            known[name] = tuple(_made(make, v) for v in known[name])
    if "sentences" in known:
        known["sentences"] = tuple(
            OutputSentence(s["text"], tuple(s.get("citations", ())), s.get("supported"))
            for s in known["sentences"]
        )
    for name in ("messages", "documents"):
        if name in known:
            known[name] = tuple(known[name])
    return Output(**known)


def _made(make: type, stored: Mapping[str, Any]) -> Any:
    names = make.__dataclass_fields__  # type: ignore[attr-defined]
    return make(**{k: v for k, v in stored.items() if k in names})


def _plain_output(output: Output) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name in _FIELDS:
        value = getattr(output, name)
        if value == getattr(_EMPTY, name) and type(value) is type(getattr(_EMPTY, name)):
            continue
        plain[name] = [_plain(v) for v in value] if isinstance(value, tuple) else value
    return plain


def _plain(value: Any) -> Any:
    names = getattr(value, "__dataclass_fields__", None)
    return {n: getattr(value, n) for n in names} if names is not None else value


def _plain_score(score: Score) -> dict[str, Any]:
    plain: dict[str, Any] = {"value": score.value}
    plain |= {n: v for n in ("label", "reason", "error") if (v := getattr(score, n))}
    plain |= {"parts": dict(score.parts)} if score.parts else {}
    plain |= {} if score.applies else {"applies": False}
    plain |= {"cost_usd": score.cost_usd} if score.cost_usd else {}
    return plain
