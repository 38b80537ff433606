"""The statements of the ledger, prepared once: what stands between a request and its answer must cost microseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, case, func, insert, literal_column, or_, select, type_coerce, update

from groundwork.gateway.keys import TERM_COLUMNS
from groundwork.storage import tables as t
from groundwork.storage.columns import Word
from groundwork.storage.prepared import Prepared

P = bindparam


def _written(name: str) -> Any:
    """A parameter for a JSON column whose text is handed in ready."""
    return bindparam(name, type_=Word)


def _new(column: Any, constants: Mapping[str, str], written: tuple[str, ...] = ()) -> Any:
    """What stands in a new row: a constant, a JSON text that is handed in ready, or a parameter."""
    if column.name in constants:
        return literal_column(constants[column.name])
    return _written(column.name) if column.name in written else P(column.name)


# ---- keys ----

_k = t.api_keys.c
# As text, so that rows that did not change need not be read anew.
_key_columns = [type_coerce(_k[name], Word).label(name) for name in TERM_COLUMNS]
KEY_BY_DIGEST = Prepared(select(*_key_columns).where(_k.digest == P("digest")))
KEY_BY_ID = Prepared(select(*_key_columns).where(_k.tenant == P("tenant"), _k.id == P("id")))
ANY_KEY = Prepared(
    select(_k.id)
    .where(
        _k.tenant == P("tenant"),
        _k.revoked_at.is_(None),
        or_(_k.expires_at.is_(None), _k.expires_at > P("now")),
        # A key without scopes calls no models: it is for the console, and closes the door to nobody.
        type_coerce(_k.scopes, Word) != literal_column("'[]'"),
    )
    .limit(1)
)
KEY_USED = Prepared(update(t.api_keys).where(_k.id == P("key_id")).values(last_used_at=P("now")))

# ---- calls and attempts ----

_c = t.calls.c
# What a call that is let in has not yet stands in the statement, so that it need not be handed over each time.
_AT_FIRST = {
    **dict.fromkeys(("structured",), "'none'"),
    **dict.fromkeys(
        (
            "input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens",
            "cost_nanousd", "energy_uwh", "latency_ms", "tool_calls",
        ),
        "0",
    ),
    **dict.fromkeys(("estimated",), "false"),
    **dict.fromkeys(("first_token_ms",), "NULL"),
}  # fmt: skip
NEW_CALL = Prepared(
    insert(t.calls).inline().values({c.name: _new(c, _AT_FIRST, written=("process", "holds")) for c in _c})
)
END_CALL = Prepared(
    update(t.calls)
    .where(_c.id == P("call_id"), _c.state == literal_column("'open'"))
    .values(
        {
            name: P(name)
            for name in (
                "state", "provider", "served_model", "structured", "tool_calls", "error", "input_tokens", "output_tokens",
                "cached_input_tokens", "cache_write_tokens", "reasoning_tokens", "estimated", "cost_nanousd",
                "energy_uwh", "latency_ms", "first_token_ms", "finished_at",
            )
        }
        | {"answer_id": case((_c.answer_id == "", P("answer", type_=Word)), else_=_c.answer_id)}
    )
    .returning(
        _c.tenant, _c.key_id, _c.app, _c.release, _c.model, _c.reserved_nanousd, _c.holds, _c.started_at
    )
)  # fmt: skip
CALL_STATE = Prepared(select(_c.state).where(_c.id == P("call_id")))
OPEN_CALL = Prepared(
    select(_c.tenant, _c.key_id, _c.app, _c.reserved_nanousd, _c.holds, _c.started_at)
    .where(_c.id == P("call_id"), _c.state == "open")
    .with_for_update()
)
MORE_HELD = Prepared(
    update(t.calls)
    .where(_c.id == P("call_id"))
    .values(reserved_nanousd=_c.reserved_nanousd + P("more", type_=_c.reserved_nanousd.type))
)
OPEN_CALLS = Prepared(
    select(_c.id, type_coerce(_c.process, Word), _c.started_at)
    .where(_c.state == "open")
    .order_by(_c.id)
    .limit(P("most"))
)
LOST_CALL = Prepared(
    select(_c.reserved_nanousd, _c.provider, _c.served_model, _c.model).where(
        _c.id == P("call_id"), _c.state == "open"
    )
)

_a = t.attempts.c
_BEGUN = {
    "state": "'open'",
    "status": "NULL",
    "failure": "''",
    "first_token_ms": "NULL",
    **dict.fromkeys(("input_tokens", "output_tokens", "cost_nanousd", "latency_ms"), "0"),
}
NEW_ATTEMPT = Prepared(insert(t.attempts).inline().values({c.name: _new(c, _BEGUN) for c in _a}))
END_ATTEMPT = Prepared(
    update(t.attempts)
    .where(_a.id == P("attempt_id"), _a.call_id == P("call"))
    .values(
        {
            name: P(name)
            for name in (
                "state", "status", "failure", "input_tokens", "output_tokens", "cost_nanousd", "latency_ms",
                "first_token_ms",
            )
        }
    )
)  # fmt: skip
END_OTHER_ATTEMPTS = Prepared(
    update(t.attempts).where(_a.call_id == P("call"), _a.state == "open").values(state=P("ended"))
)
OPEN_ATTEMPTS = Prepared(
    select(_a.id, _a.provider, _a.model).where(_a.call_id == P("call"), _a.state == "open").order_by(_a.n)
)

# ---- budgets ----

_w = t.budget_windows.c
_money = _w.reserved_nanousd.type
_window = (
    _w.tenant == P("tenant"),
    _w.scope == P("scope"),
    _w.period == P("period_"),
    _w.start == P("start_"),
)
HOLD = Prepared(
    update(t.budget_windows)
    .where(
        *_window,
        _w.reserved_nanousd + _w.spent_nanousd + P("amount", type_=_money) <= P("most", type_=_money),
    )
    .values(reserved_nanousd=_w.reserved_nanousd + P("amount", type_=_money))
)
RELEASE = Prepared(
    update(t.budget_windows)
    .where(*_window)
    .values(
        reserved_nanousd=_w.reserved_nanousd - P("amount", type_=_money),
        spent_nanousd=_w.spent_nanousd + P("cost", type_=_money),
    )
)
WINDOW = Prepared(select(_w.reserved_nanousd, _w.spent_nanousd).where(*_window))
OPEN_WINDOW = Prepared(lambda new: new(t.budget_windows).on_conflict_do_nothing())

_d = t.usage_days.c
_days = (_d.tenant == P("tenant"), _d.day >= P("first"), _d.day <= P("last"))
_cost = func.coalesce(func.sum(_d.cost_nanousd), 0)
SPENT_BY_KEY = Prepared(select(_cost).where(*_days, _d.key_id == P("name")))
SPENT_BY_APP = Prepared(select(_cost).where(*_days, _d.app == P("name")))
SPENT_BY_ALL = Prepared(select(_cost).where(*_days))

# ---- rates ----

_r = t.rate_buckets.c
_bucket = (_r.tenant == P("tenant"), _r.scope == P("scope"))
BUCKETS = Prepared(select(_r.unit, _r.level, _r.at, _r.boot).where(*_bucket).with_for_update())
FILL_BUCKET = Prepared(
    lambda new: _replace(new(t.rate_buckets), ("tenant", "scope", "unit"), ("level", "at", "boot"))
)
GIVE_BACK = Prepared(
    update(t.rate_buckets)
    .where(*_bucket, _r.unit == P("unit_"))
    .values(level=_r.level + P("more", type_=_r.level.type))
)
SERVER_CLOCK = Prepared(select(func.extract("epoch", func.clock_timestamp())))

# ---- usage ----

_COUNTS = ("calls", "failed", "cached", "input_tokens", "output_tokens", "cost_nanousd", "energy_uwh")
COUNT_USAGE = Prepared(lambda new: _add(new(t.usage_days), _COUNTS))

# ---- cache ----

_x = t.cached_completions.c
_entry = (_x.tenant == P("tenant"), _x.key == P("key"))
CACHED = Prepared(select(_x.completion, _x.expires_at).where(*_entry))
HIT = Prepared(update(t.cached_completions).where(*_entry).values(hits=_x.hits + 1))
KEEP = Prepared(
    lambda new: _replace(
        new(t.cached_completions), ("tenant", "key"), ("model", "completion", "created_at", "expires_at")
    )
)
KEEP_DOCUMENT = Prepared(lambda new: new(t.cached_documents).on_conflict_do_nothing())
_v = t.document_versions.c
_version = (_v.tenant == P("tenant"), _v.document_id == P("document_id"))
DOCUMENT_ERASED = Prepared(select(_v.erased).where(*_version).order_by(_v.erased).limit(1))
OLD_ENTRIES = Prepared(
    select(_x.tenant, _x.key, _x.expires_at).order_by(_x.tenant, _x.created_at).limit(P("most"))
)
FORGET_ENTRY = Prepared(t.cached_completions.delete().where(*_entry))
_xd = t.cached_documents.c
FORGET_DOCUMENTS = Prepared(t.cached_documents.delete().where(_xd.tenant == P("tenant"), _xd.key == P("key")))


def _replace(statement: Any, keys: tuple[str, ...], columns: tuple[str, ...]) -> Any:
    changes = {name: statement.excluded[name] for name in columns}
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


def _add(statement: Any, columns: tuple[str, ...]) -> Any:
    changes = {name: _d[name] + statement.excluded[name] for name in columns}
    keys = [column.name for column in t.usage_days.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)
