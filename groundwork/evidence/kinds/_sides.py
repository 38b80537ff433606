"""The two evaluations of a verdict: a verdict names them, and what was pinned stands with them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_

from groundwork.evidence.sql import json_text
from groundwork.storage import improvement_tables as t

v = t.verdicts.c
candidate = t.evaluations.alias("candidate_side")
baseline = t.evaluations.alias("baseline_side")
joined: Any = t.verdicts.outerjoin(
    candidate, and_(candidate.c.tenant == v.tenant, candidate.c.id == v.candidate)
).outerjoin(baseline, and_(baseline.c.tenant == v.tenant, baseline.c.id == v.baseline))
"""Verdicts with both."""


def pin(side: Any, name: str) -> ColumnElement[Any]:
    """Return a pin of the subject of a side; null where it has none."""
    return json_text(side.c.record, "subject", "pins", name)


def strategy(side: Any) -> ColumnElement[Any]:
    """Return the retrieval strategy of a side."""
    return json_text(side.c.record, "subject", "retrieval")
