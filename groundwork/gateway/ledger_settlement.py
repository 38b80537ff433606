"""Settle a call: attempts, call, budgets, rates, usage and cache in one transaction, and once only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from groundwork.core.errors import NotFoundError
from groundwork.gateway import budgets, rates
from groundwork.gateway import ledger_statements as sql
from groundwork.gateway.keys import moment
from groundwork.gateway.ledger_admission import APP, windows_in
from groundwork.gateway.records import AttemptEnd, Settlement
from groundwork.storage.prepared import Cursor

FAILED = frozenset({"failed", "incomplete", "lost"})


def settle(
    cursor: Cursor,
    settlement: Settlement,
    now: datetime,
    *,
    documents: Sequence[str] = (),
    touch_key: Callable[[str], bool] | None = None,
    complete: bool = False,
) -> str | None:
    """Settle an open call and return the id of its key; None when it was settled before, and then nothing changes.

    Args:
        documents: whose text is in the prompt, for erasure.
        touch_key: says of a key whether it is to be noted that it was used.
        complete: whether the settlement is known to name every attempt.

    Raises:
        NotFoundError: there is no such call.
    """
    s = settlement
    at = moment(now)
    row = cursor.one(sql.END_CALL, _ended(s, at))
    if row is None:
        if cursor.one(sql.CALL_STATE, {"call_id": s.call_id}) is None:
            raise NotFoundError(f"there is no call {s.call_id}", hint="it was never admitted")
        return None
    tenant, key_id, app, release, model, reserved, holds, started_at = row
    _end_attempts(cursor, s.call_id, s.attempts)
    if not complete:
        # One that was begun and never told of did not serve the call.
        ended = "cancelled" if s.state == "done" else s.state
        cursor.run(sql.END_OTHER_ATTEMPTS, {"call": s.call_id, "ended": ended})
    is_app = s.provider == APP
    used = 0 if is_app else s.usage.input_tokens + s.usage.output_tokens
    taken = int(holds["tokens"])
    if taken and used != taken and key_id:
        rates.give_back(cursor, tenant, key_id, taken - used)
    budgets.release(cursor, tenant, windows_in(holds), int(reserved), s.cost_nanousd)
    cursor.run(
        sql.COUNT_USAGE,
        {
            "tenant": tenant,
            "day": started_at[:10],  # the day of the budget it was held from
            "key_id": key_id,
            "app": app,
            "release": release,
            "provider": s.provider,
            "model": s.model,
            "calls": 1,
            "failed": int(s.state in FAILED),
            "cached": 0,
            # The tokens of an app are those of the calls it made, and are counted there.
            "input_tokens": 0 if is_app else s.usage.input_tokens,
            "output_tokens": 0 if is_app else s.usage.output_tokens,
            "cost_nanousd": s.cost_nanousd,
            "energy_uwh": s.energy_uwh,
        },
    )
    if key_id and touch_key is not None and touch_key(key_id):
        cursor.run(sql.KEY_USED, {"key_id": key_id, "now": at})
    if s.cache is not None and s.cache_key:
        _keep(cursor, tenant, model, s, documents, now)
    return str(key_id)


def lost(cursor: Cursor, call_id: str, now: datetime) -> bool:
    """Settle a call whose process has ended: nobody knows what it cost, so it is charged what was held for it."""
    row = cursor.one(sql.LOST_CALL, {"call_id": call_id})
    if row is None:
        return False
    reserved, _, _, asked = row
    attempts = cursor.all(sql.OPEN_ATTEMPTS, {"call": call_id})
    ends = [AttemptEnd(identifier, "lost") for identifier, _, _ in attempts]
    provider, model = attempts[-1][1:] if attempts else ("", asked)
    if ends:
        ends[-1] = AttemptEnd(ends[-1].id, "lost", cost_nanousd=int(reserved))
    settlement = Settlement(
        call_id,
        "lost",
        tuple(ends),
        provider=provider,
        model=model,
        cost_nanousd=int(reserved),
        error="lost",
    )
    return settle(cursor, settlement, now) is not None


def _ended(s: Settlement, at: str) -> dict[str, Any]:
    u = s.usage
    return {
        "call_id": s.call_id,
        "state": s.state,
        "provider": s.provider,
        "served_model": s.model,
        "structured": s.structured,
        "tool_calls": s.tool_calls,
        "error": s.error,
        "input_tokens": u.input_tokens,
        "output_tokens": u.output_tokens,
        "cached_input_tokens": u.cached_input_tokens,
        "cache_write_tokens": u.cache_write_tokens,
        "reasoning_tokens": u.reasoning_tokens,
        "estimated": u.estimated,
        "cost_nanousd": s.cost_nanousd,
        "energy_uwh": s.energy_uwh,
        "latency_ms": s.latency_ms,
        "first_token_ms": s.first_token_ms,
        "finished_at": at,
        "answer": s.answer_id,
    }


def _end_attempts(cursor: Cursor, call_id: str, ends: Sequence[AttemptEnd]) -> None:
    for end in ends:
        cursor.run(
            sql.END_ATTEMPT,
            {
                "attempt_id": end.id,
                "call": call_id,
                "state": end.state,
                "status": end.status,
                "failure": end.failure,
                "input_tokens": end.usage.input_tokens,
                "output_tokens": end.usage.output_tokens,
                "cost_nanousd": end.cost_nanousd,
                "latency_ms": end.latency_ms,
                "first_token_ms": end.first_token_ms,
            },
        )


def _keep(
    cursor: Cursor, tenant: str, model: str, s: Settlement, documents: Sequence[str], now: datetime
) -> None:
    for document in documents:
        row = cursor.one(sql.DOCUMENT_ERASED, {"tenant": tenant, "document_id": document})
        if row is not None and row[0]:
            return  # erased while the model was answering: what it said must not outlive it
    ends = None if s.cache_ttl_s is None else moment(now + timedelta(seconds=s.cache_ttl_s))
    cursor.run(
        sql.KEEP,
        {
            "tenant": tenant,
            "key": s.cache_key,
            "model": model,
            "completion": s.cache,
            "hits": 0,
            "created_at": moment(now),
            "expires_at": ends,
        },
    )
    for document in documents:
        cursor.run(sql.KEEP_DOCUMENT, {"tenant": tenant, "document_id": document, "key": s.cache_key})
