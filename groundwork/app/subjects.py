"""What feedback may be given on: answers of the answers room, traces of the span store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.gateway.flow_trace import trace_hex
from groundwork.telemetry.feedback import Said, Subject
from groundwork.telemetry.types import Feedback

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace


class HouseSubjects:
    """The answers and traces of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def answer(self, principal: Principal, answer_id: str) -> Subject:
        found = self._workspace.answer(answer_id, principal)
        return Subject(found.id, trace_hex(found.trace_id or found.id), found.app, found.pins.release or "")

    def trace(self, principal: Principal, trace_id: str) -> Subject:
        found = self._workspace.telemetry.fresh().trace(principal, trace_id)
        return Subject(found.answer_id, found.trace_id, found.app, found.release)

    def said(self, principal: Principal, given: Feedback) -> Said:
        try:
            if given.answer_id:
                answer = self._workspace.answer(given.answer_id, principal)
                return Said(answer.question, answer.text)
            reader = self._workspace.telemetry.fresh()
            page = reader.tree(principal, given.trace_id, limit=1)
            named = given.span_id or (page.items[0].span_id if page.items else "")
            span = reader.span(principal, given.trace_id, named)
            return Said(span.input, span.output)
        except NotFoundError:
            return Said()
