"""The tables of improvement: datasets, evaluations, judges, gates, releases. They belong to the metadata of `tables.py`.

A change here needs a migration; a test compares the two. Timestamps are ISO 8601 in UTC; order comes from `seq`, `number`
and time-ordered ids.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Table

from groundwork.storage.made_columns import count as _count
from groundwork.storage.made_columns import flag as _flag
from groundwork.storage.made_columns import json as _json
from groundwork.storage.made_columns import text as _text
from groundwork.storage.made_columns import word as _word
from groundwork.storage.tables import metadata

# ---- datasets ----

dataset_versions = Table(
    "dataset_versions",
    metadata,
    _word("tenant", key=True),
    _text("name", key=True),
    _count("number", key=True),  # from 1 within its name: `golden@3`
    _word("digest"),  # of the examples in their order, with ids and splits
    _word("parent", null=True),  # digest of the version it was made from
    _json("summary"),  # counts by split and tag, source, licence, what was found in it
    _count("examples"),
    _text("note"),
    _flag("redacted"),
    _word("created_at"),
    _text("created_by"),
    Index(None, "tenant", "digest"),
)

dataset_members = Table(
    "dataset_members",
    metadata,
    _word("tenant", key=True),
    _word("version", key=True),  # digest of the version
    _count("seq", key=True),
    _word("example_id"),
    _word("example"),  # digest of its content
    _word("split"),
    Index(None, "tenant", "example"),
    sqlite_with_rowid=False,
)

dataset_examples = Table(
    "dataset_examples",
    metadata,
    _word("tenant", key=True),
    _word("digest", key=True),
    _json("body"),
    _flag("erased"),
)

dataset_documents = Table(
    "dataset_documents",
    metadata,
    _word("tenant", key=True),
    _word("document_id", key=True),
    _word("digest", key=True),  # of an example, or the id of a candidate, that holds text of the document
    sqlite_with_rowid=False,
)

dataset_candidates = Table(
    "dataset_candidates",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _text("dataset"),
    _json("body"),
    _word("state"),  # proposed | accepted | rejected
    _text("origin"),  # what it was made from, such as `ans_…` or `fbk_…`: proposed once
    _text("reason"),
    _word("created_at"),
    _text("created_by"),
    _word("decided_at", null=True),
    _text("decided_by"),
    Index(None, "tenant", "dataset", "state", "id"),
    Index(None, "tenant", "dataset", "origin", unique=True),
)

# ---- evaluations ----

evaluations = Table(
    "evaluations",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _text("title"),
    _word("app"),  # empty where no app was evaluated
    _text("dataset"),
    _word("dataset_version"),  # digest
    _word("split"),
    _word("state"),  # planned | running | done | failed | cancelled
    _word("plan"),  # digest of what was to be done, before it was
    _json("record"),  # subject with its pins, scorers, repeats, cost expected
    _json("progress"),
    _json("summary", null=True),
    _count("cost_nanousd"),
    _word("release"),
    _word("job_id"),
    _word("created_at"),
    _text("created_by"),
    _word("started_at", null=True),
    _word("finished_at", null=True),
    _flag("redacted"),
    Index(None, "tenant", "id"),
    Index(None, "tenant", "app", "id"),
    Index(None, "tenant", "dataset_version", "id"),
)

evaluation_results = Table(
    "evaluation_results",
    metadata,
    _word("tenant", key=True),
    _word("evaluation_id", key=True),
    _count("seq", key=True),  # place of the example in its split
    _count("repeat", key=True),  # from 0
    _word("example_id"),
    _word("state"),  # produced | done | failed
    _json("output"),
    _json("scores"),
    _word("answer_id"),
    _word("trace_id"),
    Column("latency_ms", Double, nullable=False, default=0.0),
    _count("cost_nanousd"),
    _word("created_at"),
    Index(None, "tenant", "answer_id"),
    sqlite_with_rowid=False,
)

evaluation_documents = Table(
    "evaluation_documents",
    metadata,
    _word("tenant", key=True),
    _word("document_id", key=True),
    _word("evaluation_id", key=True),
    _count("seq", key=True),
    _count("repeat", key=True),
    sqlite_with_rowid=False,
)

tunings = Table(
    "tunings",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("app"),
    _text("dataset"),
    _word("dataset_version"),
    _word("state"),
    _json("record"),
    _json("progress"),
    _json("report", null=True),
    _word("job_id"),
    _word("created_at"),
    _text("created_by"),
    _word("finished_at", null=True),
    Index(None, "tenant", "id"),
)

tuning_scores = Table(
    "tuning_scores",
    metadata,
    _word("tenant", key=True),
    _word("tuning_id", key=True),
    _word("configuration", key=True),  # digest of what it changes of the app
    _count("seq", key=True),  # place of the example in the dataset's splits that are tuned on
    Column("value", Double, nullable=True),  # null: missing, which counts as the worst
    _flag("applies"),
    Column("latency_ms", Double, nullable=False, default=0.0),
    _count("cost_nanousd"),
    _word("error"),
    sqlite_with_rowid=False,
)

# ---- judges ----

judge_samples = Table(
    "judge_samples",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("judge"),
    _word("evaluation_id"),  # empty for labels that were imported
    _json("draw"),  # population by digest, seed, size, the items in the order they were drawn
    _word("created_at"),
    _text("created_by"),
    Index(None, "tenant", "judge", "id"),
)

judge_labels = Table(
    "judge_labels",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("sample_id"),
    _text("item"),  # `example/repeat` of the evaluation, or a pair of two
    _text("label"),
    _text("comment"),
    _text("principal"),  # who labelled it: a rater
    _word("created_at"),
    Index(None, "tenant", "sample_id", "item", "principal", unique=True),
)

judge_cards = Table(
    "judge_cards",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("judge"),
    _word("version"),
    _word("kind"),  # card | check
    _json("record"),
    _word("created_at"),
    _text("created_by"),
    Index(None, "tenant", "judge", "kind", "id"),
)

# ---- gates ----

gate_plans = Table(
    "gate_plans",
    metadata,
    _word("tenant", key=True),
    _word("digest", key=True),
    _word("gate"),
    _json("plan"),
    _word("created_at"),
    _text("created_by"),
    Index(None, "tenant", "gate"),
)

verdicts = Table(
    "verdicts",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("gate"),
    _word("app"),
    _word("plan"),
    _word("baseline"),  # evaluation
    _word("candidate"),  # evaluation
    _word("release"),  # digest of the candidate's release; empty where none was made yet
    _word("outcome"),  # promote | reject | insufficient
    _json("record"),
    _word("created_at"),
    _text("created_by"),
    Index(None, "tenant", "id"),
    Index(None, "tenant", "candidate"),
)

verdict_overrides = Table(
    "verdict_overrides",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("verdict_id"),
    _word("role"),
    _text("reason"),
    _text("principal"),
    _word("at"),
    Index(None, "tenant", "verdict_id"),
)

# ---- releases ----

releases = Table(
    "releases",
    metadata,
    _word("tenant", key=True),
    _word("id", key=True),  # follows from the digest
    _word("digest"),
    _word("app"),
    _count("number"),  # from 1 within its app: `handbook@4`
    _json("manifest"),
    _json("envelope"),  # DSSE, signed
    _text("note"),
    _flag("redacted"),
    _word("created_at"),
    _text("created_by"),
    Index(None, "tenant", "app", "number", unique=True),
    Index(None, "tenant", "digest"),
)

deployments = Table(
    "deployments",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("app"),
    _word("environment"),
    _word("release"),  # id
    _word("previous"),  # id of the release that stood there; empty: none
    _word("kind"),  # promote | rollback | canary | shadow
    _word("state"),  # active | done | promoted | rolled_back | ended
    Column("share", Double, nullable=False, default=1.0),
    _word("verdict_id"),
    _word("override_id"),
    _json("record"),  # the plan of a canary, and what came out
    _text("reason"),
    _word("created_at"),
    _text("created_by"),
    _word("ended_at", null=True),
    Index(None, "tenant", "app", "environment", "id"),
    Index(None, "tenant", "id"),
)

release_approvals = Table(
    "release_approvals",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("release"),
    _word("environment"),
    _word("decision"),  # approve | refuse
    _word("role"),
    _text("comment"),
    _text("principal"),
    _word("at"),
    Index(None, "tenant", "release", "environment"),
)

canary_requests = Table(
    "canary_requests",
    metadata,
    _word("tenant", key=True),
    _word("deployment_id", key=True),
    _count("seq", key=True),
    _word("unit"),  # keyed digest of whom it was for: it tells nobody's name
    _word("arm"),  # candidate | baseline
    _word("baseline_answer"),
    _word("candidate_answer"),
    _json("scores"),  # of both arms where it was mirrored, else of one
    _word("outcome"),  # win | loss | tie of the candidate; empty where there is no pair
    _word("at"),
    sqlite_with_rowid=False,
)
