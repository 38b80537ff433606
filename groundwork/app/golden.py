"""Feedback as lines of a file: what was asked, what it should have said, and where that comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundwork.core.principal import Principal
from groundwork.telemetry.types import Feedback

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

PAGE = 200


def examples(
    workspace: Workspace, principal: Principal, kind: str = "golden", app: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield one example for each feedback of a kind that stands, oldest first.

    `{input, expected, output, answer_id, trace_id, span_id, app, kind, value, principal, created_at, feedback_id}`;
    `expected` is the text of the feedback, or of a golden example without one the output. What has no input any more,
    because it was erased or its texts are not kept, is left out.
    """
    book = workspace.telemetry.feedback
    given: list[Feedback] = []
    cursor: str | None = None
    while True:
        page = book.list(principal, kind=kind, app=app, standing=True, limit=PAGE, cursor=cursor)
        given += page.items
        cursor = page.next
        if cursor is None:
            break
    for one in reversed(given):
        said = book.said(principal, one)
        if not said.input:
            continue
        expected = one.text or (said.output if one.kind == "golden" else "")
        yield {
            "input": said.input,
            "expected": expected,
            "output": said.output,
            "answer_id": one.answer_id,
            "trace_id": one.trace_id,
            "span_id": one.span_id,
            "app": one.app,
            "kind": one.kind,
            "value": one.value,
            "principal": one.principal,
            "created_at": one.created_at,
            "feedback_id": one.id,
        }


def as_line(example: dict[str, Any]) -> str:
    """Return an example as one line of JSON."""
    return json.dumps(example, ensure_ascii=False) + "\n"
