"""Let a call in, or refuse it: key, scopes, rates, cache, budgets and the rows of call and attempt, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from groundwork.core.errors import ConflictError, GroundworkError, UnauthenticatedError
from groundwork.gateway import budgets, rates
from groundwork.gateway import ledger_statements as sql
from groundwork.gateway.budgets import Window
from groundwork.gateway.keys import (
    Terms,
    as_key_says,
    check_scopes,
    digest_of,
    key_needed,
    moment,
    terms,
    unknown_key,
)
from groundwork.gateway.records import Admission, Admitted, AttemptStart
from groundwork.gateway.types import Caller
from groundwork.storage.prepared import Cursor, Row

APP = "app"
"""The provider of apps: what such a call costs is charged to the calls the app makes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that was refused."""

    error: GroundworkError
    caller: Caller


def admit(
    cursor: Cursor,
    admission: Admission,
    now: datetime,
    process: str,
    record: Callable[[str, str], bool],
) -> Admitted | Refused:
    """Let a call in; a refusal is returned, so that its row is stored.

    Args:
        process: JSON of who serves the call, as `machine.this_process` says.
        record: says of a key and an error's code whether the refusal gets a row.

    Raises:
        UnauthenticatedError: nobody is known to whom a row could belong.
    """
    at = moment(now)
    caller = admission.caller
    key = _key_of(cursor, caller, at, keyless=admission.keyless)
    if key is not None:
        caller = as_key_says(caller, key) if caller.key is not None else caller
    try:
        return _admit(cursor, admission, caller, key, now, at, process)
    except ConflictError:
        raise
    except GroundworkError as error:
        if record(caller.key_id, error.code):
            _record_refusal(cursor, admission, caller, error, at, process)
        return Refused(error, caller)


def refuse(
    cursor: Cursor,
    admission: Admission,
    error: GroundworkError,
    now: datetime,
    process: str,
    record: Callable[[str, str], bool],
) -> Caller:
    """Record a call that somebody else refuses before it could be admitted, and return who called.

    Raises:
        UnauthenticatedError: the key is not valid, which is then what the caller is to be told.
    """
    at = moment(now)
    caller = admission.caller
    key = _key_of(cursor, caller, at, keyless=admission.keyless)
    if key is not None:
        key.check(at)
        caller = as_key_says(caller, key) if caller.key is not None else caller
    if record(caller.key_id, error.code):
        _record_refusal(cursor, admission, caller, error, at, process)
    return caller


def attempt(cursor: Cursor, call_id: str, start: AttemptStart, more_nanousd: int, now: datetime) -> None:
    """Record a further attempt of a call that is in, holding more for it.

    Raises:
        BudgetExceededError: there is not enough for it.
        ConflictError: the call is not open any more.
    """
    row = cursor.one(sql.OPEN_CALL, {"call_id": call_id})
    if row is None:
        raise ConflictError(f"the call {call_id} is not open any more")
    tenant, _, _, _, holds, _ = row
    if more_nanousd > 0:
        budgets.hold(cursor, tenant, windows_in(holds), more_nanousd, now)
        cursor.run(sql.MORE_HELD, {"call_id": call_id, "more": more_nanousd})
    _new_attempt(cursor, call_id, tenant, start, moment(now))


def windows_in(holds: Mapping[str, Any]) -> list[Window]:
    """Return the windows a call's row names."""
    return [Window(*w) for w in holds["windows"]]


def _key_of(cursor: Cursor, caller: Caller, now: str, *, keyless: bool) -> Terms | None:
    if caller.key is not None:
        row = cursor.one(sql.KEY_BY_DIGEST, {"digest": digest_of(caller.key)})
        if row is None:
            raise unknown_key()
        return _terms(row)
    if caller.key_id:
        # An app's own call: who asked the app was let in with this key, and pays.
        row = cursor.one(sql.KEY_BY_ID, {"tenant": caller.tenant, "id": caller.key_id})
        if row is None:
            raise unknown_key()
        return _terms(row)
    if caller.door == "inside" or caller.parent:
        return None
    if not keyless or cursor.one(sql.ANY_KEY, {"tenant": caller.tenant, "now": now}) is not None:
        raise key_needed()
    return None


@lru_cache(maxsize=1024)
def _terms(row: Row) -> Terms:
    """Read a key's row; equal rows are read once."""
    identifier, tenant, name, digest, scopes, access, limits, expires_at, revoked_at = row
    opened = None if access is None else json.loads(access)
    return terms(
        (
            identifier,
            tenant,
            name,
            digest,
            json.loads(scopes),
            opened,
            json.loads(limits),
            expires_at,
            revoked_at,
        )
    )


def _admit(
    cursor: Cursor,
    admission: Admission,
    caller: Caller,
    key: Terms | None,
    now: datetime,
    at: str,
    process: str,
) -> Admitted:
    inner = bool(caller.parent)
    takes = []
    tokens = 0
    if key is not None:
        key.check(at)
        if not inner:
            check_scopes(key.scopes, admission.operation, admission.model)
        tokens = admission.estimate_tokens if admission.attempt.provider != APP else 0
        takes = rates.look(cursor, key, requests=0 if inner else 1, tokens=tokens)
    if admission.cache_key:
        cached = _cached(cursor, caller.tenant, admission.cache_key, at)
        if cached is not None:
            if key is not None:
                rates.take(cursor, key, [t for t in takes if t.unit == "requests"])
            _record_hit(cursor, admission, caller, at, process)
            return Admitted(caller, cached)
    budget = key.budget if key is not None else ()
    windows = budgets.windows_of(key.scope if key else "", budget, admission.limits, at[:10])
    amount = admission.reserve_nanousd
    if amount > 0:
        budgets.hold(cursor, caller.tenant, windows, amount, now)
    if key is not None:
        rates.take(cursor, key, takes)
    row = _call_row(admission, caller, at, process)
    row["reserved_nanousd"] = amount
    row["holds"] = _holds(windows, tokens if key is not None and key.tokens_per_minute > 0 else 0)
    cursor.run(sql.NEW_CALL, row)
    _new_attempt(cursor, admission.call_id, caller.tenant, admission.attempt, at)
    return Admitted(caller)


def _holds(windows: tuple[Window, ...], tokens: int) -> str:
    return f'{{"windows":{_as_json(windows)},"tokens":{tokens}}}'


@lru_cache(maxsize=1024)
def _as_json(windows: tuple[Window, ...]) -> str:
    return json.dumps(windows, separators=(",", ":"))


def _cached(cursor: Cursor, tenant: str, key: str, now: str) -> Mapping[str, Any] | None:
    row = cursor.one(sql.CACHED, {"tenant": tenant, "key": key})
    if row is None or (row[1] is not None and row[1] <= now):
        return None
    cursor.run(sql.HIT, {"tenant": tenant, "key": key})
    found: Mapping[str, Any] = row[0]
    return found


def _new_attempt(cursor: Cursor, call_id: str, tenant: str, start: AttemptStart, at: str) -> None:
    cursor.run(
        sql.NEW_ATTEMPT,
        {
            "id": start.id,
            "call_id": call_id,
            "tenant": tenant,
            "n": start.n,
            "reason": start.reason,
            "provider": start.provider,
            "model": start.model,
            "started_at": at,
        },
    )


def _record_hit(cursor: Cursor, admission: Admission, caller: Caller, at: str, process: str) -> None:
    provider, model = admission.attempt.provider, admission.attempt.model
    row = _call_row(admission, caller, at, process)
    row |= {"state": "done", "cached": True, "provider": provider, "served_model": model, "finished_at": at}
    cursor.run(sql.NEW_CALL, row)
    cursor.run(sql.COUNT_USAGE, _day(caller, at, provider, model) | {"cached": 1})


def _record_refusal(
    cursor: Cursor, admission: Admission, caller: Caller, error: GroundworkError, at: str, process: str
) -> None:
    row = _call_row(admission, caller, at, process)
    reason = str(error.details.get("reason", "")) if isinstance(error, UnauthenticatedError) else ""
    row |= {"state": "failed", "error": reason or error.code, "finished_at": at}
    cursor.run(sql.NEW_CALL, row)
    # Without the model: what was refused may have been asked for under any name, and each would get a row a day.
    cursor.run(sql.COUNT_USAGE, _day(caller, at, "", "") | {"failed": 1})


def _call_row(admission: Admission, caller: Caller, at: str, process: str) -> dict[str, Any]:
    return {
        "id": admission.call_id,
        "tenant": caller.tenant,
        "key_id": caller.key_id,
        "principal": caller.principal,
        "app": caller.app,
        "release": caller.release,
        "answer_id": caller.answer_id,
        "parent": caller.parent,
        "dialect": admission.dialect,
        "operation": admission.operation,
        "model": admission.model,
        "provider": "",
        "served_model": "",
        "stream": admission.stream,
        "state": "open",
        "cached": False,
        "error": "",
        "reserved_nanousd": 0,
        "holds": '{"windows":[],"tokens":0}',
        "prompt": caller.prompt,
        "snapshot": caller.snapshot,
        "trace_id": caller.trace_id,
        "span_id": caller.span_id,
        "process": process,
        "started_at": at,
        "finished_at": None,
    }


def _day(caller: Caller, at: str, provider: str, model: str) -> dict[str, Any]:
    return {
        "tenant": caller.tenant,
        "day": at[:10],
        "key_id": caller.key_id,
        "app": caller.app,
        "release": caller.release,
        "provider": provider,
        "model": model,
        "calls": 1,
        "failed": 0,
        "cached": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_nanousd": 0,
        "energy_uwh": 0,
    }
