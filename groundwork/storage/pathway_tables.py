"""The tables of pathways: plans, labs, quizzes, what people say of themselves, proofs. They belong to the metadata
of `tables.py`.

Everything here is about one person: `owner` is the name of the principal, and every query takes it beside the
tenant. A change
here needs a migration; a test compares the two. Timestamps are ISO 8601 in UTC; order comes from `seq` and time-ordered ids.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Table

from groundwork.storage.made_columns import count as _count
from groundwork.storage.made_columns import flag as _flag
from groundwork.storage.made_columns import json as _json
from groundwork.storage.made_columns import text as _text
from groundwork.storage.made_columns import word as _word
from groundwork.storage.tables import metadata

# A version of the catalogue that a plan, a lab or a proof was made with; the shipped one and those of teams.
catalogue_versions = Table(
    "catalogue_versions",
    metadata,
    _word("tenant", key=True),
    _word("digest", key=True),
    _json("content"),
    _word("created_at"),
)

# What a person says about themselves, newest last: background, target, declared skills, hours, exceptions, limits.
path_profiles = Table(
    "path_profiles",
    metadata,
    _word("tenant", key=True),
    _text("owner", key=True),
    _count("seq", key=True),
    _json("body"),
    _word("created_at"),
)

path_plans = Table(
    "path_plans",
    metadata,
    _word("id", key=True),  # pln_
    _word("tenant"),
    _text("owner"),
    _word("inputs"),  # digest of everything the plan follows from; equal inputs give equal plans
    _word("catalogue"),  # digest of the catalogue
    _word("previous", null=True),  # the plan it came after
    _json("record"),
    _word("created_at"),
    Index(None, "tenant", "owner", "id"),
)

lab_runs = Table(
    "lab_runs",
    metadata,
    _word("id", key=True),  # lab_
    _word("tenant"),
    _text("owner"),
    _word("lab"),
    _word("version"),  # digest of the lab's task and checks
    _word("state"),  # open, passed, reset
    _flag("test_out"),  # taken to show that the lesson is not needed; no hints
    _json("draw"),  # what was drawn for this workspace: names, numbers, planted faults
    _count("points"),
    _count("total"),
    Column(
        "minutes", Double, nullable=True
    ),  # of work, measured between its events; what the learner says wins
    _word("started_at"),
    _word("finished_at", null=True),
    Index(None, "tenant", "owner", "lab", "id"),
)

lab_events = Table(
    "lab_events",
    metadata,
    _word("run_id", key=True),
    _count("seq", key=True),
    _word("tenant"),
    _word("kind"),  # started, hint, verified, answered, left, resumed, reset, passed
    _json("body"),
    _word("at"),
)

quiz_results = Table(
    "quiz_results",
    metadata,
    _word("id", key=True),  # qzr_
    _word("tenant"),
    _text("owner"),
    _word("quiz"),
    _word("catalogue"),
    _json("draw"),  # items and the order of their options
    _json("answers", null=True),  # null until it is handed in
    _count("score"),
    _count("total"),
    _word("created_at"),
    _word("finished_at", null=True),
    Index(None, "tenant", "owner", "quiz", "id"),
)

# What no record can show, said by a person; counted apart and never as proven.
attestations = Table(
    "attestations",
    metadata,
    _word("id", key=True),  # ats_
    _word("tenant"),
    _text("owner"),
    _word("subject"),  # id of an action, milestone or skill
    _text("statement"),
    _text("link"),
    _text("by"),  # who says so: the owner, or somebody else for them
    _word("created_at"),
    _word("withdrawn_at", null=True),
    Index(None, "tenant", "owner", "subject"),
)

# Private notes: read by their owner alone, in no export, and erasable.
reflections = Table(
    "reflections",
    metadata,
    _word("id", key=True),  # rfl_
    _word("tenant"),
    _text("owner"),
    _word("question"),
    _text("text"),
    _word("created_at"),
    Index(None, "tenant", "owner", "id"),
)

proofs = Table(
    "proofs",
    metadata,
    _word("id", key=True),  # prf_
    _word("tenant"),
    _text("owner"),
    _word("subject_kind"),  # milestone, action, skill, lab
    _word("subject"),
    _word("catalogue"),
    _word("check_digest"),  # of the predicate it was checked by
    _json("record"),  # the finding: records with ids, digests and values
    _word("digest"),  # of the signed statement
    _word("previous"),  # digest of the proof before it in this tenant, "" for the first: a chain
    _count("position"),  # in that chain, from 1
    _json("envelope"),  # DSSE
    _word("created_at"),
    Index(None, "tenant", "owner", "subject", "id"),
    Index(None, "tenant", "position", unique=True),
)

cosignatures = Table(
    "cosignatures",
    metadata,
    _word("id", key=True),  # csg_
    _word("tenant"),
    _word("proof_id"),
    _word("keyid"),
    _text("name"),  # who co-signed, in their own words
    _word("grade"),  # co-signed, re-run
    _json("envelope"),
    _word("created_at"),
    Index(None, "tenant", "proof_id"),
)

# What left the house: a portfolio that was written, by the digest of its files. The files themselves are the owner's.
portfolio_exports = Table(
    "portfolio_exports",
    metadata,
    _word("id", key=True),  # exp_
    _word("tenant"),
    _text("owner"),
    _word("digest"),  # of the names and digests of its files
    _json("record"),  # counts: files, proofs, stale, systems by name; no folder and no text
    _word("created_at"),
    Index(None, "tenant", "owner", "id"),
)
