"""What SQL sees: the views with their columns in words, and the statements that make them."""

from __future__ import annotations

from collections.abc import Mapping

DATASET = "spans"

SPANS = """
SELECT trace_id, span_id, parent_id, name, kind, status, status_message, started_at, ended_at,
       (ended_ns - started_ns) / 1e6 AS duration_ms, service, scope, app, "release", environment, user_id, principal,
       session_id, provider, model, input_tokens, output_tokens, cached_tokens, cost_nanousd / 1e9 AS cost_usd,
       first_token_ms, cached, answer_id, call_id, job_id, key_id, prompt, snapshot, input, output, attributes,
       "original", resource, events, links, "schema", source, cut, started_ns, ended_ns, seq
FROM (SELECT * FROM live_spans UNION ALL SELECT * FROM archived_spans)
"""

TRACES = """
WITH own AS (
    SELECT *, kind IN ('generation', 'embedding') AND (
        input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR cost_usd IS NOT NULL) AS metered
    FROM spans
), beneath AS (
    SELECT DISTINCT trace_id, parent_id FROM own WHERE metered AND parent_id <> ''
), counted AS (
    SELECT own.*, own.metered AND beneath.trace_id IS NULL AS counts
    FROM own LEFT JOIN beneath ON beneath.trace_id = own.trace_id AND beneath.parent_id = own.span_id
)
SELECT trace_id,
       arg_min(name, (parent_id <> '', started_ns)) AS name, arg_min(kind, (parent_id <> '', started_ns)) AS kind,
       arg_min(status, (parent_id <> '', started_ns)) AS status, min(started_at) AS started_at,
       (max(ended_ns) - min(started_ns)) / 1e6 AS duration_ms, count(*) AS spans,
       count(*) FILTER (WHERE status = 'error') AS errors,
       arg_min(service, (parent_id <> '', started_ns)) AS service, max(app) AS app, max("release") AS "release",
       max(environment) AS environment, max(user_id) AS user_id, max(session_id) AS session_id,
       arg_min(principal, (parent_id <> '', started_ns)) AS principal,
       list_sort(list_distinct(list(model) FILTER (WHERE model <> ''))) AS models,
       coalesce(sum(input_tokens) FILTER (WHERE counts), 0) AS input_tokens,
       coalesce(sum(output_tokens) FILTER (WHERE counts), 0) AS output_tokens,
       coalesce(sum(cost_usd) FILTER (WHERE counts), 0) AS cost_usd,
       max(answer_id) AS answer_id, arg_min(input, (parent_id <> '', started_ns)) AS input,
       arg_min(output, (parent_id <> '', started_ns)) AS output
FROM counted GROUP BY trace_id
"""

VIEWS: Mapping[str, str] = {
    "spans": SPANS,
    "traces": TRACES,
    "feedback": "SELECT * FROM feedback_rows",
    "calls": "SELECT * FROM calls_rows",
    "answers": "SELECT * FROM answers_rows",
}
NEEDS: Mapping[str, tuple[str, ...]] = {
    "spans": ("spans",), "traces": ("spans", "traces"), "feedback": ("feedback",), "calls": ("calls",),
    "answers": ("answers",),
}  # fmt: skip
"""Which views have to be there for a statement that names one."""

ABOUT: Mapping[str, str] = {
    "spans": "One row for each piece of work, live and archived. Times are UTC; attributes and events are JSON text.",
    "traces": "One row for each trace: its spans together, tokens and cost counted once.",
    "calls": "Calls through the gateway as its books have them.",
    "answers": "Recorded answers, without their texts of documents.",
    "feedback": "Thumbs, corrections, labels and comments; withdrawn_at is set where one was taken back.",
}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "spans": (
        "trace_id", "span_id", "parent_id", "name", "kind", "status", "status_message", "started_at", "ended_at",
        "duration_ms", "service", "scope", "app", "release", "environment", "user_id", "principal", "session_id", "provider",
        "model", "input_tokens", "output_tokens", "cached_tokens", "cost_usd", "first_token_ms", "cached", "answer_id",
        "call_id", "job_id", "key_id", "prompt", "snapshot", "input", "output", "attributes", "original", "resource",
        "events", "links", "schema", "source", "cut", "started_ns", "ended_ns", "seq",
    ),
    "traces": (
        "trace_id", "name", "kind", "status", "started_at", "duration_ms", "spans", "errors", "service", "app", "release",
        "environment", "user_id", "session_id", "principal", "models", "input_tokens", "output_tokens", "cost_usd",
        "answer_id", "input", "output",
    ),
    "calls": (
        "id", "started_at", "app", "release", "key_id", "principal", "operation", "model", "provider", "served_model",
        "state", "error", "stream", "cached", "input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens",
        "cost_usd", "latency_ms", "first_token_ms", "answer_id", "prompt", "snapshot", "trace_id",
    ),
    "answers": ("id", "created_at", "app", "question", "text", "abstained", "snapshot", "principal", "redacted"),
    "feedback": (
        "id", "created_at", "kind", "value", "text", "answer_id", "trace_id", "span_id", "app", "release", "principal",
        "source", "withdrawn_at",
    ),
}  # fmt: skip

EXAMPLES: tuple[tuple[str, str], ...] = (
    (
        "Requests and errors by hour",
        "SELECT date_trunc('hour', started_at) AS hour, count(*) AS traces,\n"
        "       count(*) FILTER (WHERE errors > 0) AS failed\n"
        "FROM traces\nGROUP BY hour\nORDER BY hour",
    ),
    (
        "Slowest kinds of work",
        "SELECT kind, count(*) AS spans, round(median(duration_ms)) AS p50_ms,\n"
        "       round(quantile_cont(duration_ms, 0.95)) AS p95_ms\n"
        "FROM spans\nGROUP BY kind\nORDER BY p95_ms DESC",
    ),
    (
        "Cost by app and model",
        "SELECT app, model, count(*) AS calls, sum(input_tokens + output_tokens) AS tokens,\n"
        "       round(sum(cost_usd), 4) AS usd\n"
        "FROM spans\nWHERE kind = 'generation'\nGROUP BY app, model\nORDER BY usd DESC",
    ),
    (
        "Dearest traces",
        "SELECT started_at, trace_id, name, spans, round(duration_ms) AS ms, round(cost_usd, 4) AS usd\n"
        "FROM traces\nORDER BY usd DESC\nLIMIT 20",
    ),
    (
        "What failed, and why",
        "SELECT status_message, name, count(*) AS times, max(started_at) AS last\n"
        "FROM spans\nWHERE status = 'error'\nGROUP BY ALL\nORDER BY times DESC\nLIMIT 20",
    ),
    (
        "Thumbs by app",
        "SELECT app, count(*) FILTER (WHERE value = 'up') AS up, count(*) FILTER (WHERE value = 'down') AS down\n"
        "FROM feedback\nWHERE kind = 'thumb' AND withdrawn_at IS NULL\nGROUP BY app",
    ),
)
"""Questions to begin with: a title and the statement."""
