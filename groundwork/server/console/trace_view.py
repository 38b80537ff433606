"""The record of a trace: its tree on a timeline, and beside it what one span was given, said and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from groundwork.app.calls import duration
from groundwork.core.errors import GroundworkError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.server.console import pins, trace_messages, trace_tree
from groundwork.server.console import trace_words as words
from groundwork.server.console.feedback import feedback_of
from groundwork.server.console.render import address, page, path_part, plural
from groundwork.server.console.trace_filters import has_words
from groundwork.server.console.trace_text import pretty
from groundwork.server.house import House
from groundwork.server.permissions import TracesRead
from groundwork.telemetry.types import Page, Span, SpanInfo, TraceInfo

router = APIRouter(prefix="/traces", include_in_schema=False)
PER_PAGE = 200
MAX_ANCESTORS = 40
LARGE = 5_000
EVENT_WORDS = {
    "exception": "an exception", "groundwork.abstained": "declined to answer", "groundwork.incomplete": "cut off",
    "groundwork.cache.hit": "from the cache", "groundwork.refused.budget": "refused: the budget was used up",
    "groundwork.refused.rate": "refused: too many requests", "groundwork.structured_output": "output checked by its schema",
    "groundwork.quarantined": "a file put aside", "gen_ai.first_token": "first token",
    "groundwork.erased": "texts erased", "groundwork.fallback": "another model was asked",
    "groundwork.escalation": "a stronger model was asked", "groundwork.retry": "asked again",
    "groundwork.model_failed": "a model failed", "groundwork.sentence.unsupported": "a sentence without support",
}  # fmt: skip
HEADINGS = {
    "answer": "An answer", "generation": "A model call", "ingest": "An ingest", "agent": "An agent’s run",
    "embedding": "An embedding", "evaluation": "An evaluation",
}  # fmt: skip
BAD_EVENTS = frozenset({"exception", "groundwork.model_failed"})
Text = Annotated[str, Query(max_length=300)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@dataclass(frozen=True)
class Look:
    """Which part of a tree is looked at: from where on, what holds a word, what failed, what is below a span."""

    offset: int = 0
    find: str = ""
    errors: bool = False
    below: str = ""

    @property
    def narrowed(self) -> bool:
        return bool(self.find or self.errors or self.below)

    def address(self, path: str, offset: int = 0) -> str:
        return address(
            path, find=self.find, errors="1" if self.errors else "", below=self.below, offset=offset or ""
        )


@router.get("/{trace_id}")
def trace_page(
    request: Request,
    trace_id: str,
    house: House,
    principal: TracesRead,
    offset: Offset = 0,
    find: Text = "",
    errors: Text = "",
    below: Text = "",
) -> Response:
    """Show a trace with its root opened; asked by the page itself, only the next rows of its tree."""
    look = _look(offset, find, errors, below)
    trace = house.telemetry.reader.trace(principal, trace_id)
    if _fragment(request, "more"):
        return page(request, "trace_rows.html", **_tree(house, principal, trace, look), shown="")
    return _record(request, house, principal, trace, look, "")


@router.get("/{trace_id}/spans/{span_id}")
def span_page(
    request: Request,
    trace_id: str,
    span_id: str,
    house: House,
    principal: TracesRead,
    offset: Offset = 0,
    find: Text = "",
    errors: Text = "",
) -> Response:
    """Show a trace with one span opened; asked by the page itself, only the panel of the span."""
    trace = house.telemetry.reader.trace(principal, trace_id)
    if _fragment(request, "panel"):
        span = house.telemetry.reader.span(principal, trace.trace_id, span_id)
        return page(request, "trace_panel.html", trace=trace, **_panel(house, principal, trace, span))
    return _record(request, house, principal, trace, _look(offset, find, errors), span_id)


def _record(
    request: Request, house: House, principal: Principal, trace: TraceInfo, look: Look, span_id: str
) -> Response:
    reader = house.telemetry.reader
    tree = _tree(house, principal, trace, look)
    opened = span_id or look.below or (tree["rows"][0].span.span_id if tree["rows"] else "")
    span = reader.span(principal, trace.trace_id, opened) if opened else None
    if span_id and span is not None and not look.narrowed and not look.offset:
        tree = _around(house, principal, trace, span, tree)
    root = span if span is not None and not span.parent_id else _root(house, principal, trace)
    return page(
        request,
        "trace.html",
        room="traces",
        trace=trace,
        title=words.title(trace),
        heading=_heading(trace),
        about=trace.input if trace.kind == "answer" and trace.input else words.title(trace),
        state=words.state(trace),
        started=words.moment_of(trace.started_ns),
        took=words.took(trace.duration_ms),
        tokens=words.tokens(trace.input_tokens, trace.output_tokens),
        cost=words.cost(trace.cost_nanousd),
        first_token=duration(trace.first_token_ms),
        pins=_pins(trace, root),
        shown=opened,
        **tree,
        **(_panel(house, principal, trace, span) if span is not None else {"panel": None}),
        feedback=feedback_of(house, principal, trace_id=trace.trace_id),
        golden=root.output if root is not None else trace.output,
    )


def _around(
    house: House, principal: Principal, trace: TraceInfo, span: Span, tree: dict[str, Any]
) -> dict[str, Any]:
    """Return a tree that holds a span: the one at hand, else what is below its parent; a far one has only its panel."""
    if not span.parent_id or any(r.span.span_id == span.span_id for r in tree["rows"]):
        return tree
    try:
        return _tree(house, principal, trace, Look(below=span.parent_id))
    except NotFoundError:
        return tree


def _tree(house: House, principal: Principal, trace: TraceInfo, look: Look) -> dict[str, Any]:
    found: Page[SpanInfo] = house.telemetry.reader.tree(
        principal,
        trace.trace_id,
        parent=look.below,
        offset=look.offset,
        limit=PER_PAGE,
        contains=look.find,
        errors=look.errors,
    )
    whole = not look.narrowed and not look.offset and found.next is None
    # The scale must not change from one page of rows to the next: only a whole trace may widen it.
    scale = trace_tree.scale_of(trace, found.items if whole else ())
    top = min((s.depth for s in found.items), default=0) if look.below else 0
    rows = trace_tree.rows(found.items, scale, whole=whole, top=top)
    path = f"/traces/{trace.trace_id}"
    after = look.offset + len(found.items)
    return {
        "rows": rows,
        "scale": scale,
        "look": look,
        "path": path,
        "critical": scale.length_ms >= 1 and len({r.critical for r in rows}) == 2,
        "more": look.address(path, after) if found.next is not None else "",
        "left": max(0, trace.spans - after) if not look.narrowed else 0,
        "per_page": PER_PAGE,
        "above": house.telemetry.reader.span(principal, trace.trace_id, look.below) if look.below else None,
        "earlier": look.address(path, max(0, look.offset - PER_PAGE)) if look.offset else "",
    }


def _panel(house: House, principal: Principal, trace: TraceInfo, span: Span) -> dict[str, Any]:
    tool = trace_messages.tool_call(span)
    return {
        "panel": span,
        "panel_href": f"/traces/{span.trace_id}/spans/{span.span_id}",
        "panel_title": span.name.strip() or "a span without a name",
        "panel_kind": words.KIND_WORDS.get(span.kind, span.kind),
        "panel_state": ("bad", "failed") if span.status == "error" else ("good", "ok"),
        "facts": _facts(house, principal, trace, span),
        "ancestors": _ancestors(house, principal, span),
        "said_to": trace_messages.said_to(span),
        "said_by": trace_messages.said_by(span),
        "passages": trace_messages.passages(span),
        "index": _index_of(span),
        "tool": tool,
        "arguments": pretty(tool.arguments) if tool else "",
        "result": pretty(tool.result) if tool else "",
        "offered": trace_messages.tools_offered(span),
        "events": [_event(span, e.name, e.at_ns, e.attributes) for e in span.events],
        "attributes": _table(span.attributes),
        "originals": _table(span.original),
        "resource": _table(span.resource),
        "links": span.links,
        "records": _records(span),
    }


def _facts(house: House, principal: Principal, trace: TraceInfo, span: Span) -> list[tuple[str, str]]:
    """Return what is known of a span in figures; what is not known is left out."""
    # In a large trace the whole order would have to be worked out for it, and a first screen does not wait for that.
    own = _own_time(house, principal, span) if trace.spans <= LARGE or span.parent_id else ""
    found = [
        ("time", words.took(span.duration_ms)),
        ("by itself", own),
        ("began after", words.took((span.started_ns - trace.started_ns) / 1e6) if span.parent_id else ""),
        ("first token", words.took(span.first_token_ms) if span.first_token_ms is not None else ""),
        ("tokens read", f"{span.input_tokens:,}" if span.input_tokens is not None else ""),
        ("of them cached", f"{span.cached_tokens:,}" if span.cached_tokens else ""),
        ("tokens written", f"{span.output_tokens:,}" if span.output_tokens is not None else ""),
        ("cost", words.cost(span.cost_nanousd)),
    ]
    return [(name, value) for name, value in found if value]


def _own_time(house: House, principal: Principal, span: Span) -> str:
    """Return a span's own time where its children are few enough to be looked at."""
    found = house.telemetry.reader.tree(principal, span.trace_id, parent=span.span_id, limit=PER_PAGE)
    children = [s for s in found.items if s.parent_id == span.span_id]
    if not children or found.next is not None:
        return ""
    info = SpanInfo(
        span.trace_id,
        span.span_id,
        span.parent_id,
        span.name,
        span.kind,
        span.status,
        span.started_ns,
        span.duration_ms,
    )
    return words.took(trace_tree.own_ms(info, children))


def _ancestors(house: House, principal: Principal, span: Span) -> list[Span]:
    """Return the spans above one, outermost first; one whose parent never came begins the list."""
    found: list[Span] = []
    seen = {span.span_id}
    while span.parent_id and span.parent_id not in seen and len(found) < MAX_ANCESTORS:
        seen.add(span.parent_id)
        try:
            span = house.telemetry.reader.span(principal, span.trace_id, span.parent_id)
        except NotFoundError:
            break
        found.append(span)
    return found[::-1]


def _root(house: House, principal: Principal, trace: TraceInfo) -> Span | None:
    reader = house.telemetry.reader
    first = reader.tree(principal, trace.trace_id, limit=1).items
    try:
        return reader.span(principal, trace.trace_id, first[0].span_id) if first else None
    except GroundworkError:
        return None


def _heading(trace: TraceInfo) -> str:
    """Say what a trace is, in words."""
    first, where = (
        HEADINGS.get(trace.kind) or f"A {words.KIND_WORDS.get(trace.kind, trace.kind)}",
        trace.app or trace.service,
    )
    return f"{first} of {where[:60]}" if where and where != "groundwork" else first


def _pins(trace: TraceInfo, root: Span | None) -> list[pins.Pin]:
    """Return the chips of the versions and the record a trace belongs to."""
    prompt, snapshot = (root.prompt, root.snapshot) if root is not None else ("", "")
    found = [
        pins.pin("answer", trace.answer_id, f"/answers/{path_part(trace.answer_id)}")
        if trace.answer_id
        else None,
        pins.pin("release", trace.release, address("/traces", release=trace.release))
        if trace.release
        else None,
        pins.pin("snapshot", snapshot, _snapshot_href(snapshot)) if snapshot else None,
        pins.pin("prompt", prompt, pins.prompt_href(prompt)) if prompt else None,
        *(pins.pin("model", m, address("/traces", model=m)) for m in trace.models[:6]),
    ]
    return [p for p in found if p is not None]


def _snapshot_href(snapshot: str) -> str:
    index, mark, digest = snapshot.rpartition("@")
    return f"/knowledge/{path_part(index)}@{path_part(digest[:12])}" if mark else ""


def _shorter(version: str) -> str:
    name, mark, digest = version.rpartition("@")
    return f"{name}@{digest[:12]}" if mark else version


def _index_of(span: Span) -> str:
    return span.snapshot.rpartition("@")[0]


def _records(span: Span) -> list[tuple[str, str, str]]:
    """Return the records here that a span belongs to: what each is, its id, its address."""
    found = [
        ("answer", span.answer_id, f"/answers/{path_part(span.answer_id)}"),
        ("call", span.call_id, f"/usage/{path_part(span.call_id)}"),
        ("job", span.job_id, f"/jobs/{path_part(span.job_id)}"),
        ("key", span.key_id, f"/keys/{path_part(span.key_id)}"),
        ("session", span.session_id, f"/sessions/{path_part(span.session_id)}"),
        ("user", span.user_id, address("/traces", user=span.user_id)),
        (
            "model",
            "/".join(p for p in (span.provider, span.model) if p),
            address("/traces", model=span.model),
        ),
        ("prompt", _shorter(span.prompt), pins.prompt_href(span.prompt)),
        ("snapshot", _shorter(span.snapshot), _snapshot_href(span.snapshot)),
        ("service", span.service, address("/traces", service=span.service)),
        ("sent by", span.principal, ""),
        ("convention", span.schema, ""),
        ("arrived from", span.source, address("/traces", source=span.source)),
        ("cut", plural(span.cut, "value") + " over the limits" if span.cut else "", ""),
    ]
    return [(name, value, href) for name, value, href in found if value]


def _event(span: Span, name: str, at_ns: int, attributes: Any) -> dict[str, Any]:
    told = dict(attributes)
    trail = told.pop("exception.stacktrace", "")
    return {
        "name": EVENT_WORDS.get(name, name),
        "bad": name in BAD_EVENTS,
        "after": words.took((at_ns - span.started_ns) / 1e6),
        "type": str(told.pop("exception.type", "")),
        "message": str(told.pop("exception.message", "")),
        "trail": pretty(trail) if trail else "",
        "attributes": _table(told),
    }


def _table(values: Any) -> list[tuple[str, str]]:
    return [
        (str(name), pretty(value))
        for name, value in sorted(values.items(), key=lambda p: str(p[0]))
        if name not in trace_messages.SHOWN
    ]


def _look(offset: int, find: str, errors: str, below: str = "") -> Look:
    return Look(offset, find.strip() if has_words(find) else "", bool(errors), below)


def _fragment(request: Request, target: str) -> bool:
    """Say whether the page itself asks for one part; going back in the browser asks for the whole page."""
    headers = request.headers
    return (
        headers.get("hx-request") == "true"
        and headers.get("hx-target", "").startswith(target)
        and headers.get("hx-history-restore-request") != "true"
    )
