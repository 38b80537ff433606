"""Attempts of the gateway at a call: first tries, retries, fallbacks; what providers answered, never what was said."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.evidence.sql import usd
from groundwork.storage import tables as t

a = t.attempts.c


class Attempts(Kind):
    """One request to one provider."""

    title = "attempts at calls"
    room = "gateway"
    made_by = "groundwork chat"
    table = t.attempts
    id = a.id
    at = a.started_at
    timed = True
    fields = described(
        id=text(a.id, "its id"),
        call=text(a.call_id, "the call it was for"),
        n=number(a.n, "from 1 within its call"),
        reason=text(a.reason, "`first`, `retry`, `fallback`, `hedge`, `repair` or `escalation`"),
        provider=text(a.provider, "who was asked"),
        model=text(a.model, "which of its models"),
        state=text(a.state, "`done`, `failed` and so on"),
        failure=text(a.failure, "what went wrong, in one word; empty: nothing"),
        status=number(a.status, "the provider's HTTP status"),
        cost_usd=number(usd(a.cost_nanousd), "US dollars"),
        latency_ms=number(a.latency_ms, "milliseconds"),
        at=time(a.started_at, "when it began"),
    )
    named = ("provider", "model")
    page = "/usage/{call}"


plugin = Attempts
