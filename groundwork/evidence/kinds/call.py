"""Calls of models through the gateway: who served them, what they took and cost; never what was said."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, number, text, time
from groundwork.evidence.sql import usd
from groundwork.storage import tables as t

c = t.calls.c


class Calls(Kind):
    """One call that was let in."""

    title = "calls of models"
    room = "gateway"
    made_by = "groundwork chat"
    table = t.calls
    id = c.id
    at = c.started_at
    timed = True
    walked = ("id", "key", "answer")
    fields = described(
        id=text(c.id, "its id"),
        state=text(c.state, "`open`, `done`, `failed`, `incomplete`, `cancelled` or `lost`"),
        operation=text(c.operation, "`chat` or `embed`"),
        app=text(c.app, "the app it was made for"),
        release=text(c.release, "id of the release it was made for"),
        model=text(c.model, "the name that was asked for"),
        provider=text(c.provider, "who served it in the end"),
        served_model=text(c.served_model, "the model that served it"),
        dialect=text(c.dialect, "the API it came in by"),
        structured=text(
            c.structured,
            "`valid` or `repaired`: what came back fits the schema that was asked for; `refused`; `none`",
        ),
        tool_calls=number(c.tool_calls, "tools that what came back calls; each fitted its schema"),
        cached=flag(c.cached, "it was answered from the cache"),
        stream=flag(c.stream, "it was streamed"),
        error=text(c.error, "code of what went wrong"),
        input_tokens=number(c.input_tokens, "tokens read"),
        output_tokens=number(c.output_tokens, "tokens written"),
        cost_usd=number(usd(c.cost_nanousd), "US dollars"),
        latency_ms=number(c.latency_ms, "milliseconds until the last token"),
        first_token_ms=number(c.first_token_ms, "milliseconds until the first token"),
        prompt=text(c.prompt, "the prompt version it was made with"),
        snapshot=text(c.snapshot, "the state of the index it was made with"),
        answer=text(c.answer_id, "the answer it belongs to"),
        key=text(c.key_id, "id of the key that paid"),
        by=text(c.principal, "on whose behalf"),
        at=time(c.started_at, "when it began"),
    )
    named = ("app", "model")
    forgotten = frozenset({"holds", "process", "reserved_nanousd"})
    page = "/usage/{id}"


plugin = Calls
