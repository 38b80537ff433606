"""What a judge is shown of an example and its output; the same whether it scores, is calibrated or is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from groundwork.datasets.types import Example
from groundwork.evaluation.judges.types import Shown
from groundwork.evaluation.types import Output

DECLINED = "(It declined to answer.)"
IMPOSSIBLE = "(This cannot be answered from what is there; the right output says so and declines.)"
MOST_PASSAGES = 20


def shown_of(example: Example, output: Output, other: Output | None = None) -> Shown:
    """Return what a judge is shown of an output, or of a pair; which of it a judge uses, its spec's `shows` says.

    Passages are those of the output, best first, at most 20; where it brings none, those of the example.
    """
    passages = [p.text for p in output.passages if p.text][:MOST_PASSAGES] or list(example.context)
    outputs = [output] if other is None else [output, other]
    documents = sorted(
        {d for o in outputs for d in (*o.documents, *(p.document_id for p in o.passages)) if d}
        | {d for o in outputs for d in (c.document_id for c in o.citations) if d}
    )
    return Shown(
        input=written(example.input),
        output=said(output),
        expected=IMPOSSIBLE if example.impossible else "\nor: ".join(example.references),
        contexts=tuple(passages),
        other="" if other is None else said(other),
        documents=tuple(documents),
    )


def said(output: Output) -> str:
    """Return an output in words: its text, its value as JSON, or that it declined."""
    if output.text.strip():
        return output.text
    if output.value is not None:
        return _json(output.value)
    return f"{DECLINED} {output.reason}".strip() if output.abstained else ""


def written(value: Any) -> str:
    """Return an input in words: a text as it is, a conversation line by line, an object by its question or as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(m, Mapping) and "role" in m for m in value):
        return "\n".join(f"{m['role']}: {m.get('content', '')}" for m in value)
    if isinstance(value, Mapping):
        question = value.get("question") or value.get("input") or value.get("query")
        return str(question) if question else _json(value)
    return "" if value is None else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
