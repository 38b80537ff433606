"""Two traces side by side: spans set in line by name and kind, and what differs marked."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.server.console import evidence
from groundwork.server.console import trace_words as words
from groundwork.server.console.render import address, page
from groundwork.server.house import House
from groundwork.server.permissions import TracesRead
from groundwork.telemetry.types import Span, SpanInfo, TraceInfo

router = APIRouter(prefix="/traces", include_in_schema=False)
MOST_SPANS = 400
NOTABLE = 1.25
"""A time that differs by less than a quarter, or by less than 5 ms, is not marked: two runs of the same differ so."""
NOTABLE_MS = 5.0
Trace = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True)
class Pair:
    """A line of the comparison: the span of each side, where it has one, and which of their figures differ."""

    left: SpanInfo | None
    right: SpanInfo | None
    differs: frozenset[str]

    @property
    def either(self) -> SpanInfo:
        found = self.left or self.right
        assert found is not None
        return found


@router.get("/compare")
def compare_page(
    request: Request,
    house: House,
    principal: TracesRead,
    a: Trace = "",
    b: Trace = "",
    pick: Annotated[list[Trace] | None, Query(max_length=100)] = None,
) -> Response:
    """Compare two traces; rows ticked in the list come as `pick` and are sent on to the address that stays."""
    if pick is not None:
        if len(pick) != 2:
            raise InvalidInputError(
                f"{len(pick)} traces cannot be compared", hint="go back and tick exactly two rows of the list"
            )
        return RedirectResponse(address("/traces/compare", a=pick[0], b=pick[1]), 303)
    if not a or not b:
        raise InvalidInputError("two traces are compared", hint="tick two rows in the list of traces")
    reader = house.telemetry.reader
    traces = [reader.trace(principal, t) for t in (a, b)]
    trees = [reader.tree(principal, t.trace_id, limit=MOST_SPANS) for t in traces]
    roots = [_root(house, principal, t, tree.items) for t, tree in zip(traces, trees, strict=True)]
    asked = evidence.compared(*(_text(t, r, "input") for t, r in zip(traces, roots, strict=True)))
    said = evidence.compared(*(_text(t, r, "output") for t, r in zip(traces, roots, strict=True)))
    return page(
        request,
        "trace_compare.html",
        room="traces",
        sides=[_side(t, *texts) for t, *texts in zip(traces, asked, said, strict=True)],
        figures=_figures(*traces),
        pairs=[_pair(p) for p in aligned(trees[0].items, trees[1].items)],
        cut=[t.spans for t, tree in zip(traces, trees, strict=True) if tree.next is not None],
        most=MOST_SPANS,
        round=address("/traces/compare", a=b, b=a),
    )


def aligned(left: Sequence[SpanInfo], right: Sequence[SpanInfo]) -> list[Pair]:
    """Set the spans of two trees in line: those of the same depth, kind and name in the same order belong together.

    What stands in the place of something else of the same kind is set beside it; what only one side has stands alone.
    """
    ours, theirs = ([(s.depth, s.kind, s.name) for s in side] for side in (left, right))
    found: list[Pair] = []
    for _, a0, a1, b0, b1 in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        found += _block(left[a0:a1], right[b0:b1])
    return found


def differences(left: SpanInfo, right: SpanInfo) -> frozenset[str]:
    """Return which figures of two spans differ enough to be marked."""
    low, high = sorted((left.duration_ms, right.duration_ms))
    found = {
        "name": left.name != right.name,
        "status": (left.status == "error") != (right.status == "error"),
        "time": high - low >= NOTABLE_MS and high >= low * NOTABLE,
        "tokens": _tokens(left) != _tokens(right),
        "cost": (left.cost_nanousd or 0) != (right.cost_nanousd or 0),
        "model": left.model != right.model,
    }
    return frozenset(name for name, differs in found.items() if differs)


def _block(left: Sequence[SpanInfo], right: Sequence[SpanInfo]) -> list[Pair]:
    found: list[Pair] = []
    rest = list(right)
    for span in left:
        place = next((n for n, s in enumerate(rest) if (s.depth, s.kind) == (span.depth, span.kind)), None)
        if place is None:
            found.append(Pair(span, None, frozenset({"alone"})))
            continue
        found += [Pair(None, s, frozenset({"alone"})) for s in rest[:place]]
        found.append(Pair(span, rest[place], differences(span, rest[place])))
        rest = rest[place + 1 :]
    return found + [Pair(None, s, frozenset({"alone"})) for s in rest]


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "pair": pair,
        "indent": min(pair.either.depth, 8),
        "kind": words.KIND_WORDS.get(pair.either.kind, pair.either.kind),
        "cells": [_cell(s, pair.differs) for s in (pair.left, pair.right)],
        "same": not pair.differs,
    }


def _cell(span: SpanInfo | None, differs: frozenset[str]) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "name": span.name.strip() or "a span without a name",
        "href": f"/traces/{span.trace_id}/spans/{span.span_id}",
        "failed": span.status == "error",
        "figures": [
            (name, value, name in differs)
            for name, value in (
                ("model", span.model),
                ("time", words.took(span.duration_ms)),
                ("tokens", _tokens(span)),
                ("cost", words.cost(span.cost_nanousd)),
            )
            if value
        ],
    }


def _tokens(span: SpanInfo) -> str:
    return words.tokens(span.input_tokens, span.output_tokens)


def _side(trace: TraceInfo, asked: list[evidence.Word], said: list[evidence.Word]) -> dict[str, Any]:
    return {
        "trace": trace,
        "title": words.title(trace),
        "state": words.state(trace),
        "started": words.moment_of(trace.started_ns),
        "asked": asked,
        "said": said,
    }


def _figures(left: TraceInfo, right: TraceInfo) -> list[tuple[str, str, str, bool]]:
    rows = [
        ("outcome", *(words.state(t)[1] for t in (left, right))),
        ("time", *(words.took(t.duration_ms) for t in (left, right))),
        ("spans", *(f"{t.spans:,}" for t in (left, right))),
        (
            "tokens read + written",
            *(words.tokens(t.input_tokens, t.output_tokens) or "–" for t in (left, right)),
        ),
        ("cost", *(words.cost(t.cost_nanousd) or "–" for t in (left, right))),
        ("models", *(", ".join(t.models) or "–" for t in (left, right))),
        ("app", left.app or "–", right.app or "–"),
        ("release", left.release or "–", right.release or "–"),
        ("environment", left.environment or "–", right.environment or "–"),
        ("user", left.user_id or "–", right.user_id or "–"),
        ("feedback", *(words.THUMBS.get(t.feedback, ("", "–"))[1] for t in (left, right))),
    ]
    return [(name, a, b, a != b) for name, a, b in rows if (a, b) != ("–", "–")]


def _root(house: House, principal: Principal, trace: TraceInfo, spans: Sequence[SpanInfo]) -> Span | None:
    return house.telemetry.reader.span(principal, trace.trace_id, spans[0].span_id) if spans else None


def _text(trace: TraceInfo, root: Span | None, name: str) -> str:
    return str(getattr(root, name) if root is not None else "") or str(getattr(trace, name))
