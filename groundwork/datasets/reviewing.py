"""Rows of the review queue: what somebody proposed, who decided, and which version it went into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from groundwork.core.errors import ConflictError, NotFoundError
from groundwork.datasets import content
from groundwork.datasets.records import ERASED, documents_of
from groundwork.datasets.types import Candidate, CandidateState, Example
from groundwork.storage.improvement_tables import dataset_candidates, dataset_documents

c = dataset_candidates.c
MOST_OF_A_PAGE = 1000


def origin_of(example: Example) -> str:
    """Return what names the place an example came from, most exact first; its own id where it came from none."""
    o = example.origin
    return o.feedback_id or o.answer_id or ":".join(x for x in (o.trace_id, o.span_id) if x) or example.id


def add(connection: Connection, tenant: str, made: Candidate, origin: str) -> None:
    """Keep a candidate."""
    row = {
        "id": made.id,
        "tenant": tenant,
        "dataset": made.dataset,
        "body": _written(made.example),
        "state": made.state,
        "origin": origin,
        "reason": made.reason,
        "created_at": made.created_at,
        "created_by": made.created_by,
        "decided_at": None,
        "decided_by": "",
    }
    connection.execute(insert(dataset_candidates), [row])


def by_origin(connection: Connection, tenant: str, dataset: str, origin: str) -> Candidate | None:
    """Return the candidate that was made from the same thing."""
    query = select(dataset_candidates).where(c.tenant == tenant, c.dataset == dataset, c.origin == origin)
    row = connection.execute(query).one_or_none()
    return None if row is None else _candidate(row._mapping)


def get(connection: Connection, tenant: str, candidate_id: str) -> Candidate:
    """Return a candidate; raises NotFoundError."""
    query = select(dataset_candidates).where(c.tenant == tenant, c.id == candidate_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no candidate `{candidate_id[:60]}`", hint="list them with `groundwork dataset review`"
        )
    return _candidate(row._mapping)


def candidates(
    connection: Connection, tenant: str, dataset: str, state: str, limit: int, before: str | None
) -> list[Candidate]:
    """Return candidates, newest first."""
    query = select(dataset_candidates).where(c.tenant == tenant)
    query = query.where(c.dataset == dataset) if dataset else query
    query = query.where(c.state == state) if state else query
    query = query.where(c.id < before) if before else query
    query = query.order_by(c.id.desc()).limit(max(1, min(limit, MOST_OF_A_PAGE)))
    return [_candidate(row._mapping) for row in connection.execute(query)]


def counts(connection: Connection, tenant: str, state: str) -> dict[str, int]:
    """Return how many candidates each dataset has in a state."""
    query = select(c.dataset, func.count()).where(c.tenant == tenant, c.state == state).group_by(c.dataset)
    return {str(name): int(n) for name, n in connection.execute(query.order_by(c.dataset))}


def change(connection: Connection, tenant: str, found: Candidate, example: Example) -> Candidate:
    """Overwrite what an undecided candidate says."""
    done = connection.execute(
        update(dataset_candidates)
        .where(c.tenant == tenant, c.id == found.id, c.state == "proposed")
        .values(body=_written(example))
    )
    if not done.rowcount:
        raise _decided(found)
    return replace(found, example=example)


def decide(
    connection: Connection,
    tenant: str,
    found: Candidate,
    state: CandidateState,
    reason: str,
    at: str,
    by: str,
) -> Candidate:
    """Set what was decided of an undecided candidate."""
    values: dict[str, Any] = {"state": state, "decided_at": at, "decided_by": by}
    values |= {"reason": reason} if reason else {}
    done = connection.execute(
        update(dataset_candidates)
        .where(c.tenant == tenant, c.id == found.id, c.state == "proposed")
        .values(**values)
    )
    if not done.rowcount:
        raise _decided(found)
    return get(connection, tenant, found.id)


def unpublished(connection: Connection, tenant: str, dataset: str) -> list[Candidate]:
    """Return accepted candidates that stand in no version yet, oldest first."""
    query = select(dataset_candidates).where(c.tenant == tenant, c.dataset == dataset, c.state == "accepted")
    rows = [row._mapping for row in connection.execute(query.order_by(c.id))]
    return [_candidate(row) for row in rows if row["body"] and not row["body"].get("published")]


def documents(
    connection: Connection, tenant: str, fresh: Sequence[Candidate]
) -> Iterator[tuple[Candidate, set[str]]]:
    """Yield candidates with the documents that they hold text of."""
    found = documents_of(connection, tenant, (one.id for one in fresh))
    for one in fresh:
        yield one, found.get(one.id, set())


def mark_published(connection: Connection, tenant: str, fresh: Sequence[Candidate], digest: str) -> None:
    """Remember that candidates stand in a version."""
    for one in fresh:
        connection.execute(
            update(dataset_candidates)
            .where(c.tenant == tenant, c.id == one.id)
            .values(body={**_written(one.example), "published": digest})
        )


def delete_all(connection: Connection, tenant: str, dataset: str) -> None:
    """Take every candidate of a dataset away."""
    mine = select(c.id).where(c.tenant == tenant, c.dataset == dataset)
    d = dataset_documents.c
    connection.execute(delete(dataset_documents).where(d.tenant == tenant, d.digest.in_(mine)))
    connection.execute(delete(dataset_candidates).where(c.tenant == tenant, c.dataset == dataset))


def _written(example: Example) -> dict[str, Any]:
    return {"id": example.id, "split": example.split, "example": content.body_of(example)}


def _candidate(row: RowMapping) -> Candidate:
    body = row["body"]
    example = content.from_body(body["id"], body["split"], body["example"]) if body else Example("erased", "")
    return Candidate(
        id=row["id"],
        dataset=row["dataset"],
        example=example,
        state=row["state"],
        reason=row["reason"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
    )


def _decided(found: Candidate) -> ConflictError:
    if found.reason == ERASED:
        return ConflictError(f"the candidate `{found.id}` was erased with the document it came from")
    who = f" by {found.decided_by}" if found.decided_by else ""
    return ConflictError(
        f"the candidate `{found.id}` was {found.state}{who} at {found.decided_at or 'the same time'}",
        hint="what was decided stays; propose it to another dataset, or edit the example",
    )
