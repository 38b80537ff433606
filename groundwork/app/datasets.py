"""Datasets in a workspace: examples made of answers, traces and feedback, and which documents stood in a trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.ids import derived_id, kind_of
from groundwork.core.principal import LOCAL, Principal
from groundwork.datasets.types import Candidate, Example, ExampleOrigin
from groundwork.gateway.flow_trace import trace_hex

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.telemetry.types import Feedback

PROMOTED = ("golden", "correction")
"""The kinds of feedback that examples are made of."""
_AT_ONCE = 400
_PAGE = 200


def propose(
    workspace: Workspace,
    dataset: str,
    what: str,
    *,
    expected: str | None = None,
    span: str = "",
    reason: str = "",
    principal: Principal = LOCAL,
) -> Candidate:
    """Propose what was asked there for a dataset, once: the same thing proposed again answers the first candidate.

    Args:
        what: id of an answer (`ans_…`), of feedback (`fbk_…`), or of a trace or the beginning of it.
        expected: what should come out; None: what the feedback says, else what came out.
        span: the span of the trace that is meant; empty: its root.

    Raises:
        NotFoundError: there is none for the principal. InvalidInputError: nothing is kept of what was asked there.
    """
    if kind_of(what) == "ans":
        example = of_answer(workspace, principal, what)
    elif kind_of(what) == "fbk":
        example = of_feedback(workspace, principal, workspace.telemetry.feedback.get(principal, what))
    else:
        example = of_trace(workspace, principal, what, span)
    if expected is not None:
        text = expected.strip()
        example = replace(example, expected=text or None, impossible=example.impossible and not text)
    return workspace.datasets.propose(principal, dataset, example, reason=reason)


def propose_feedback(
    workspace: Workspace,
    dataset: str,
    *,
    kinds: Iterable[str] = PROMOTED,
    app: str = "",
    principal: Principal = LOCAL,
) -> tuple[list[Candidate], int]:
    """Propose all standing feedback of these kinds, oldest first; return the candidates and how many had nothing to give."""
    book = workspace.telemetry.feedback
    given: list[Feedback] = []
    for kind in kinds:
        cursor: str | None = None
        while True:
            page = book.list(principal, kind=kind, app=app, standing=True, limit=_PAGE, cursor=cursor)
            given += page.items
            cursor = page.next
            if cursor is None:
                break
    proposed, empty = [], 0
    for one in sorted(given, key=lambda f: f.id):
        try:
            example = of_feedback(workspace, principal, one)
            proposed.append(workspace.datasets.propose(principal, dataset, example))
        except InvalidInputError:
            empty += 1
    return proposed, empty


def of_answer(workspace: Workspace, principal: Principal, answer_id: str) -> Example:
    """Return the example that an answer makes: its question, and its text as what is expected, or that it declined.

    A question that goes on from a conversation is taken as it was understood, so that it stands alone.
    """
    answer = workspace.answer(answer_id, principal)
    if answer.redacted or not answer.question:
        raise InvalidInputError(
            f"nothing is kept of what the answer `{answer.id}` was asked",
            hint="it was redacted when a document was erased"
            if answer.redacted
            else "write the example by hand",
        )
    cited = list(dict.fromkeys(c.document_id for c in answer.citations))
    return Example(
        id=derived_id("exm", answer.id),
        input=answer.standalone or answer.question,
        expected=None if answer.abstained else answer.text,
        impossible=answer.abstained,
        relevant=dict.fromkeys(cited, 1.0),
        tags=(f"app:{answer.app}",) if answer.app else (),
        origin=ExampleOrigin(
            kind="answer",
            answer_id=answer.id,
            trace_id=trace_hex(answer.trace_id or answer.id),
            principal=principal.name,
        ),
    )


def of_trace(workspace: Workspace, principal: Principal, trace_id: str, span_id: str = "") -> Example:
    """Return the example that a trace makes, or one span of it: its input, and its output as what is expected."""
    reader = workspace.telemetry.fresh()
    found = reader.trace(principal, trace_id)
    page = reader.tree(principal, found.trace_id, limit=1)
    named = span_id or (page.items[0].span_id if page.items else "")
    if not named:
        raise NotFoundError(f"the trace `{found.trace_id}` has no spans any more")
    span = reader.span(principal, found.trace_id, named)
    if not span.input:
        raise InvalidInputError(
            f"nothing is kept of what went into the span `{named}` of the trace `{found.trace_id}`",
            hint="name another with --span, or write the example by hand",
        )
    return Example(
        id=derived_id("exm", found.trace_id, named),
        input=_asked(span.input),
        expected=_said(span.output) or None,
        tags=(f"app:{found.app}",) if found.app else (),
        origin=ExampleOrigin(
            kind="trace",
            answer_id=found.answer_id,
            trace_id=found.trace_id,
            span_id=named,
            principal=principal.name,
        ),
    )


def of_feedback(workspace: Workspace, principal: Principal, given: Feedback) -> Example:
    """Return the example that feedback makes: what was asked, and what its giver says should have come out."""
    if given.kind not in PROMOTED:
        raise InvalidInputError(
            f"feedback of the kind `{given.kind}` says not what should have come out",
            hint=f"examples are made of {' and '.join(PROMOTED)} feedback",
        )
    said = workspace.telemetry.feedback.said(principal, given)
    if not said.input:
        raise InvalidInputError(
            f"nothing is kept of what the feedback `{given.id}` is about", hint="write the example by hand"
        )
    return Example(
        id=derived_id("exm", given.id),
        input=_asked(said.input),
        expected=given.text or (_said(said.output) if given.kind == "golden" else "") or None,
        tags=(f"app:{given.app}",) if given.app else (),
        origin=ExampleOrigin(
            kind="feedback",
            answer_id=given.answer_id,
            trace_id=given.trace_id,
            span_id=given.span_id,
            feedback_id=given.id,
            principal=given.principal,
        ),
    )


def documents_of_traces(workspace: Workspace, tenant: str, trace_ids: Sequence[str]) -> dict[str, set[str]]:
    """Return the documents that were shown in these traces, as far as their spans are in the store."""
    from sqlalchemy import select

    from groundwork.storage.telemetry_tables import span_documents, spans, traces

    database = workspace.telemetry.database
    if database.path is not None and not database.path.exists():
        return {}
    workspace.telemetry.store.migrate()
    found: dict[str, set[str]] = {}
    s, d, t = spans.c, span_documents.c, traces.c
    with database.read() as connection:
        for start in range(0, len(trace_ids), _AT_ONCE):
            some = list(trace_ids[start : start + _AT_ONCE])
            query = (
                select(t.trace_id, d.document_id)
                .join(spans, s.trace == t.num)
                .join(span_documents, d.seq == s.seq)
                .where(t.tenant == tenant, d.tenant == tenant, t.trace_id.in_(some))
                .distinct()
            )
            for trace, document in connection.execute(query):
                found.setdefault(str(trace), set()).add(str(document))
    return found


def _asked(text: str) -> Any:
    """Return messages where the input of a span is a list of them, else its text."""
    value = _json(text)
    if isinstance(value, list) and value and all(isinstance(m, Mapping) and "role" in m for m in value):
        return [_message(m) for m in value]
    return text


def _said(text: str) -> str:
    """Return the text of the last message where the output of a span is a list of messages, else its text."""
    value = _json(text)
    if isinstance(value, list) and value and isinstance(value[-1], Mapping) and "role" in value[-1]:
        return str(_message(value[-1])["content"])
    return text


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    parts = message.get("parts") if content is None else content
    if isinstance(parts, list):
        texts = [p.get("content") or p.get("text") or "" for p in parts if isinstance(p, Mapping)]
        parts = "\n".join(str(t) for t in texts if t)
    return {"role": str(message["role"]), "content": "" if parts is None else str(parts)}


def _json(text: str) -> Any:
    import json

    if not text.lstrip().startswith("["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
