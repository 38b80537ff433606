"""What a span carries besides figures: messages, retrieved passages, a tool's call, read from its attributes. Pure.

Attributes are what somebody sent: lists may be JSON in a text, parts may be missing, anything may be something else. What is
not understood stays an attribute, which the page shows too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from groundwork.telemetry.messages import messages_of, system_of
from groundwork.telemetry.types import Span

MOST = 200
"""Messages or passages of one span that are shown."""
INPUTS = ("gen_ai.system_instructions", "gen_ai.input.messages")
OUTPUTS = ("gen_ai.output.messages",)
PASSAGES = ("gen_ai.retrieval.documents", "groundwork.passages", "retrieval.documents")
TOOL_NAME, TOOL_CALL = "gen_ai.tool.name", "gen_ai.tool.call.id"
TOOL_ARGUMENTS, TOOL_RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"
SHOWN = frozenset((*INPUTS, *OUTPUTS, *PASSAGES, TOOL_ARGUMENTS, TOOL_RESULT))
"""Attributes that have a place of their own, so that the table need not repeat them."""
ENDED = ("", "stop", "end_turn")
"""Reasons to finish that need no words."""
PartKind = Literal["text", "call", "result", "thought", "other"]


@dataclass(frozen=True)
class Part:
    """A piece of a message: text, a call of a tool with its arguments, what a tool said, a thought, or something else."""

    kind: PartKind
    text: str
    name: str = ""


@dataclass(frozen=True)
class Message:
    """What one side said; `role` is `system`, `user`, `assistant`, `tool` or what the sender called it."""

    role: str
    parts: tuple[Part, ...]
    note: str = ""


@dataclass(frozen=True)
class Passage:
    """One retrieved passage; `document_id`, `start` and `end` are known where it is of an index here."""

    rank: int
    text: str
    document: str = ""
    score: float | None = None
    document_id: str = ""
    start: int | None = None
    end: int | None = None
    place: str = ""
    cited: bool = False


@dataclass(frozen=True)
class ToolCall:
    """A tool that a span ran."""

    name: str
    arguments: str
    result: str


def said_to(span: Span) -> list[Message]:
    """Return what went into a span: its messages, else its text."""
    found = [
        m
        for name in INPUTS
        for m in _messages(span.attributes.get(name), "system" if "system" in name else "user")
    ]
    if found or not span.input or tool_call(span):
        return found
    return [Message("user" if _speaks(span) else "input", (Part("text", span.input),))]


def said_by(span: Span) -> list[Message]:
    """Return what came out of a span."""
    found = [m for name in OUTPUTS for m in _messages(span.attributes.get(name), "assistant")]
    if found or not span.output or tool_call(span):
        return found
    return [Message("assistant" if _speaks(span) else "output", (Part("text", span.output),))]


def passages(span: Span) -> list[Passage]:
    """Return what was retrieved, in order of rank."""
    for name in PASSAGES:
        items = _list(span.attributes.get(name))
        found = [_passage(item, n) for n, item in enumerate(items[:MOST], 1) if isinstance(item, Mapping)]
        if found:
            return found
    return []


def tool_call(span: Span) -> ToolCall | None:
    """Return the tool that a span ran; None for a span that ran none."""
    a = span.attributes
    if span.kind != "tool" and TOOL_ARGUMENTS not in a and TOOL_RESULT not in a:
        return None
    arguments, result = a.get(TOOL_ARGUMENTS, span.input), a.get(TOOL_RESULT, span.output)
    return ToolCall(str(a.get(TOOL_NAME) or span.name), _text(arguments), _text(result))


def tools_offered(span: Span) -> list[str]:
    """Return the names of the tools that a model was offered."""
    items = _list(span.attributes.get("gen_ai.tool.definitions"))
    named = [i.get("function", i) for i in items[:MOST] if isinstance(i, Mapping)]
    return [str(i.get("name") or "?") for i in named if isinstance(i, Mapping)]


def _speaks(span: Span) -> bool:
    return span.kind in ("generation", "agent", "answer")


def _messages(value: Any, role: str) -> Iterator[Message]:
    if value is None:
        return
    if role == "system":
        parts = system_of(value) or []
        items: list[dict[str, Any]] = [{"role": role, "parts": parts}] if parts else []
    else:
        items = messages_of(value, role) or []
    for item in items[:MOST]:
        said = [_part(p) for p in _list(item.get("parts"))[:MOST]]
        finish = str(item.get("finish_reason") or "")
        yield Message(str(item.get("role") or role), tuple(said), "" if finish in ENDED else finish)
    if len(items) > MOST:
        yield Message(
            "note", (Part("other", f"{len(items) - MOST:,} more messages, which the JSON of the span holds"),)
        )


def _part(item: Any) -> Part:
    if not isinstance(item, Mapping):
        return Part("other", _text(item))
    kind = str(item.get("type") or "text")
    if kind == "tool_call":
        return Part("call", _text(item.get("arguments")), str(item.get("name") or "a tool"))
    if kind == "tool_call_response":
        return Part(
            "result",
            _text(item.get("response", item.get("result"))),
            str(item.get("name") or item.get("id") or ""),
        )
    if kind == "reasoning":
        return Part("thought", _text(item.get("content")))
    words = item.get("content", item.get("text"))
    return (
        Part("text", words) if kind == "text" and isinstance(words, str) else Part("other", _text(item), kind)
    )


def _passage(item: Mapping[str, Any], n: int) -> Passage:
    metadata = item.get("metadata")
    more = metadata if isinstance(metadata, Mapping) else {}
    known = {**more, **item}
    inner = item.get("document")
    if isinstance(inner, Mapping):
        known = {**known, **inner, "document": inner.get("name") or inner.get("id")}
    document = known.get("document") or known.get("source") or known.get("title") or known.get("id") or ""
    place = known.get("place") or known.get("heading") or known.get("page") or ""
    return Passage(
        rank=_whole(known.get("rank")) or n,
        text=str(
            known.get("text")
            or known.get("content")
            or known.get("page_content")
            or known.get("document.content")
            or ""
        ),
        document=str(document or known.get("document.id") or ""),
        score=_number(known.get("score", known.get("document.score"))),
        document_id=str(known.get("document_id") or ""),
        start=_whole(known.get("start")),
        end=_whole(known.get("end")),
        place=str(place),
        cited=bool(known.get("cited")),
    )


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return [value] if value.strip() else []
    if isinstance(value, Mapping):
        return [value]
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else []


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return str(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
