"""Spans of a small house: an answer with its search and model call, an agent's run that failed, a session, hostile names."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace

from groundwork.telemetry.types import Span, SpanEvent, SpanLink

SECOND = 1_000_000_000
MS = 1_000_000
HOSTILE = (
    '<script>window.hacked = 1</script><img src="http://evil.example/x.png" onerror="window.hacked = 1">'
    "\" onmouseover='window.hacked=1' {{ 7 * 7 }} ![picture](http://evil.example/y.png) [run](javascript:window.hacked=1)"
)
OVERLOADED = {
    "exception.type": "UpstreamError",
    "exception.message": "the provider is overloaded",
    "exception.stacktrace": 'Traceback (most recent call last):\n  File "wire.py", line 12, in send\nUpstreamError: 529',
}


def trace_id(name: str) -> str:
    """Return the id of a sample trace by its name."""
    return hashlib.sha256(f"trace {name}".encode()).hexdigest()[:32]


def span_id(trace: str, name: str) -> str:
    """Return the id of a sample span."""
    return hashlib.sha256(f"span {trace} {name}".encode()).hexdigest()[:16]


def sample_spans(now_ns: int | None = None) -> list[Span]:
    """Return every sample trace; the newest ended a minute ago."""
    now = time.time_ns() if now_ns is None else now_ns
    return [
        *answer_trace(now - 60 * SECOND),
        *agent_trace(now - 600 * SECOND),
        *session_traces(now - 3600 * SECOND),
        *hostile_trace(now - 7200 * SECOND),
        *rootless_trace(now - 30 * SECOND),
        *many_traces(now - 86_400 * SECOND),
    ]


def answer_trace(
    start: int, name: str = "answer", said: str = "Up to five days may be carried into the next year [1]."
) -> list[Span]:
    """An answer: search, two legs of it, a prompt, a model call with messages, the check of the sentences."""
    trace = trace_id(name)
    question = "How many days may be carried into the next year?"
    base = Span(
        trace,
        "",
        "",
        start,
        start,
        service="groundwork",
        app="handbook",
        release="rel_2026_11",
        environment="production",
        user_id="ann@example.com",
        principal="local",
        session_id="con_leave",
        source="groundwork",
        schema="groundwork",
    )
    passages = [
        {
            "rank": n,
            "document": "handbook/leave.md",
            "document_id": "doc_leave",
            "start": 100 * n,
            "end": 100 * n + 50,
            "score": 0.91 / n,
            "text": text,
            "cited": n == 1,
        }
        for n, text in enumerate(
            (
                "Up to five days may be carried into the next year. They lapse on 31 March.",
                "Enter the days in the calendar.",
            ),
            1,
        )
    ]
    system = "Answer from the passages alone. Cite each sentence."
    messages = [
        {"role": "system", "parts": [{"type": "text", "content": system}]},
        {
            "role": "user",
            "parts": [{"type": "text", "content": f"Passages:\n[1] {passages[0]['text']}\n\n{question}"}],
        },
    ]
    reply = [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": f"**{said[:-5]}** [1]."}],
            "finish_reason": "stop",
        }
    ]

    def made(key: str, parent: str, after: float, lasts: float, **more: object) -> Span:
        begun = start + int(after * MS)
        return replace(
            base,
            span_id=span_id(trace, key),
            parent_id=span_id(trace, parent) if parent else "",
            name=key,
            started_ns=begun,
            ended_ns=begun + int(lasts * MS),
            status="ok",
            **more,  # type: ignore[arg-type]
        )

    return [
        made(
            "answer handbook",
            "",
            0,
            1480,
            kind="answer",
            input=question,
            output=said,
            answer_id="ans_0003",
            prompt="answer@9a07c41bdeadbeef",
            snapshot="default@5f1c22ab90ffeedd",
            attributes={"groundwork.confidence": 0.73, "groundwork.abstained": False},
        ),
        made(
            "search default",
            "answer handbook",
            4,
            92,
            kind="retrieval",
            input=question,
            snapshot="default@5f1c22ab90ffeedd",
            attributes={"gen_ai.retrieval.documents": passages, "groundwork.strategy": "hybrid"},
        ),
        made(
            "embed question",
            "search default",
            5,
            31,
            kind="embedding",
            model="minilm",
            input_tokens=12,
            output_tokens=0,
        ),
        made("rank lexical", "search default", 6, 24, kind="span"),
        made("rerank", "search default", 40, 55, kind="rerank"),
        made(
            "chat gpt-5-mini",
            "answer handbook",
            110,
            1290,
            kind="generation",
            model="gpt-5-mini",
            provider="openai",
            input_tokens=1204,
            output_tokens=38,
            cached_tokens=1024,
            cost_nanousd=377_000,
            first_token_ms=412.0,
            call_id="call_1",
            prompt="answer@9a07c41bdeadbeef",
            input=question,
            output=said,
            attributes={
                "gen_ai.input.messages": messages,
                "gen_ai.output.messages": reply,
                "gen_ai.request.temperature": 0.0,
                "gen_ai.request.model": "gpt-5-mini",
                "gen_ai.provider.name": "openai",
            },
            events=(SpanEvent("gen_ai.first_token", start + 522 * MS),),
        ),
        replace(
            made("attempt 1", "chat gpt-5-mini", 111, 180, kind="http"),
            status="error",
            status_message="the provider is overloaded (529)",
            events=(SpanEvent("exception", start + 291 * MS, OVERLOADED),),
        ),
        made("attempt 2", "chat gpt-5-mini", 310, 1085, kind="http"),
        made(
            "check sentences",
            "answer handbook",
            1404,
            66,
            kind="guardrail",
            attributes={"groundwork.sentences": 1},
        ),
    ]


def agent_trace(start: int) -> list[Span]:
    """An agent of another program: two turns with a tool each, the second tool failed."""
    trace, spans = trace_id("agent"), []
    base = Span(
        trace,
        "",
        "",
        start,
        start,
        service="travel-agent",
        source="otlp",
        schema="openinference",
        scope="openinference",
    )

    def add(key: str, parent: str, after: float, lasts: float, **more: object) -> None:
        begun = start + int(after * MS)
        spans.append(
            replace(
                base,
                span_id=span_id(trace, key),
                parent_id=span_id(trace, parent) if parent else "",
                name=key,
                started_ns=begun,
                ended_ns=begun + int(lasts * MS),
                **more,  # type: ignore[arg-type]
            )
        )

    call = {
        "type": "tool_call",
        "id": "c1",
        "name": "find_flight",
        "arguments": {"from": "HAM", "to": "LIS", "day": "2026-12-03"},
    }
    answer = {
        "type": "tool_call_response",
        "id": "c1",
        "response": {"flights": [{"no": "TP571", "price": 184.2}]},
    }
    add(
        "plan a trip",
        "",
        0,
        8400,
        kind="agent",
        status="error",
        status_message="the booking failed",
        input="Book me a flight to Lisbon",
        output="I could not book it: the card was declined.",
        user_id="ben",
        session_id="ses_trip",
        environment="staging",
    )
    add("turn 1", "plan a trip", 10, 3000, kind="chain")
    add(
        "chat claude-sonnet-5",
        "turn 1",
        20,
        2100,
        kind="generation",
        model="claude-sonnet-5",
        provider="anthropic",
        input_tokens=2210,
        output_tokens=96,
        cost_nanousd=8_070_000,
        original={"llm.model_name": "claude-sonnet-5", "llm.token_count.prompt": 2210},
        attributes={
            "gen_ai.input.messages": [
                {"role": "user", "parts": [{"type": "text", "content": "Book me a flight to Lisbon"}]}
            ],
            "gen_ai.output.messages": [
                {
                    "role": "assistant",
                    "parts": [{"type": "reasoning", "content": "I need flights first."}, call],
                }
            ],
            "gen_ai.tool.definitions": json.dumps(
                [{"type": "function", "function": {"name": "find_flight"}}, {"name": "book"}]
            ),
        },
    )
    add(
        "find_flight",
        "turn 1",
        2150,
        840,
        kind="tool",
        status="ok",
        input=json.dumps(call["arguments"]),
        output=json.dumps(answer["response"]),
    )
    add("turn 2", "plan a trip", 3020, 5300, kind="chain", status="error")
    add(
        "chat claude-sonnet-5",
        "turn 2",
        3030,
        1900,
        kind="generation",
        model="claude-sonnet-5",
        provider="anthropic",
        input_tokens=2480,
        output_tokens=41,
        cost_nanousd=8_055_000,
        attributes={
            "gen_ai.input.messages": [
                {"role": "assistant", "parts": [call]},
                {"role": "tool", "parts": [answer]},
            ]
        },
    )
    spans[-1] = replace(spans[-1], span_id=span_id(trace, "second chat"))
    add(
        "book",
        "turn 2",
        4960,
        3340,
        kind="tool",
        status="error",
        status_message="card declined",
        attributes={"gen_ai.tool.name": "book", "gen_ai.tool.call.arguments": '{"no": "TP571"}'},
        links=(SpanLink(trace_id("answer"), span_id(trace_id("answer"), "answer handbook")),),
    )
    add(
        "POST /payments",
        "book",
        4990,
        3300,
        kind="http",
        status="error",
        status_message="402 Payment Required",
    )
    return spans


def session_traces(start: int) -> list[Span]:
    """Three turns of one session."""
    turns = (
        ("What can I cook with lentils?", "A soup, a dal, or a salad with herbs."),
        ("The dal, please. For four.", "Rinse 300 g of red lentils…"),
        ("And without onions?", "Use asafoetida and ginger in their place."),
    )
    return [
        Span(
            trace_id(f"turn {n}"),
            span_id(f"turn {n}", "chat"),
            "chat",
            start + n * 40 * SECOND,
            start + n * 40 * SECOND + 900 * MS,
            kind="generation",
            status="ok",
            service="kitchen",
            app="cook",
            model="gpt-5-mini",
            session_id="ses_kitchen",
            user_id="cleo",
            input=asked,
            output=said,
            input_tokens=100 + 60 * n,
            output_tokens=40,
            cost_nanousd=95_000,
            source="sdk",
        )
        for n, (asked, said) in enumerate(turns)
    ]


def hostile_trace(start: int) -> list[Span]:
    """Everything that a sender chooses is an attack."""
    trace = trace_id("hostile")
    return [
        Span(
            trace,
            span_id(trace, "root"),
            HOSTILE,
            start,
            start + 5 * MS,
            kind="generation",
            status="error",
            status_message=HOSTILE,
            service=HOSTILE,
            scope=HOSTILE,
            app=HOSTILE,
            release=HOSTILE,
            environment=HOSTILE,
            user_id=HOSTILE,
            session_id=HOSTILE,
            provider=HOSTILE,
            model=HOSTILE,
            input=HOSTILE,
            output=HOSTILE,
            prompt=f"{HOSTILE}@abc",
            snapshot=f"{HOSTILE}@def",
            attributes={
                HOSTILE: HOSTILE,
                "gen_ai.output.messages": [
                    {"role": HOSTILE, "parts": [{"type": "text", "content": HOSTILE}]}
                ],
                "gen_ai.retrieval.documents": [
                    {"document": HOSTILE, "text": HOSTILE, "document_id": HOSTILE, "score": 1}
                ],
            },
            original={HOSTILE: HOSTILE},
            resource={HOSTILE: HOSTILE},
            events=(
                SpanEvent(
                    "exception",
                    start,
                    {"exception.type": HOSTILE, "exception.stacktrace": HOSTILE, HOSTILE: 1},
                ),
            ),
        )
    ]


def rootless_trace(start: int) -> list[Span]:
    """A span whose parent has not come."""
    trace = trace_id("rootless")
    return [
        Span(
            trace,
            span_id(trace, "child"),
            "load profile",
            start,
            start + 120 * MS,
            parent_id="ab" * 8,
            kind="http",
            service="shop",
        )
    ]


def many_traces(start: int, count: int = 60) -> Iterator[Span]:
    """Plain calls, older than the others, so that the list has a second page."""
    for n in range(count):
        begun = start - n * 600 * SECOND
        yield Span(
            trace_id(f"many {n}"),
            span_id(f"many {n}", "chat"),
            "chat gpt-5-mini",
            begun,
            begun + (200 + 37 * (n % 17)) * MS,
            kind="generation",
            status="ok",
            service="groundwork",
            app="default",
            model="gpt-5-mini",
            source="groundwork",
            input=f"Question number {n}",
            output=f"Answer number {n}",
            input_tokens=300 + n,
            output_tokens=20 + n % 7,
            cost_nanousd=100_000 + n * 1000,
        )


def large_trace(start: int, count: int = 33_000) -> Iterator[Span]:
    """One trace of very many spans: a root, a hundred steps, and under each of them calls, a few of which failed."""
    trace = trace_id("large")
    yield Span(
        trace,
        span_id(trace, "root"),
        "nightly batch",
        start,
        start + count * MS,
        kind="job",
        service="batch",
        status="ok",
    )
    steps = 100
    per = count // steps
    for n in range(1, count):
        step, inner = divmod(n, per)
        key = f"step {step}" if inner == 0 else f"call {n}"
        parent = "root" if inner == 0 or step == 0 else f"step {step}"
        yield Span(
            trace,
            span_id(trace, key),
            key,
            start + n * MS,
            start + (n + (per if inner == 0 else 1)) * MS,
            parent_id=span_id(trace, parent),
            kind="chain" if inner == 0 else "tool",
            service="batch",
            status="error" if n % 5_000 == 4_999 else "ok",
            input=f"item {n}",
        )
