"""The answers room's rows: answers, the documents they used, and calibrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from groundwork.answers.types import Answer, Citation, Pins
from groundwork.core.principal import Principal
from groundwork.storage import tables as t
from groundwork.storage.database import insert_or_ignore


def put_answer(connection: Connection, tenant: str, answer: Answer) -> None:
    """Record an answer and every document that retrieval brought for it."""
    connection.execute(
        insert(t.answers).values(
            id=answer.id,
            tenant=tenant,
            app=answer.app,
            question=answer.question,
            text=answer.text,
            abstained=answer.abstained,
            snapshot=answer.pins.snapshot,
            record=_record(answer),
            created_at=answer.created_at,
            principal=answer.principal,
            redacted=False,
        )
    )
    documents = sorted({str(hit["document_id"]) for hit in answer.retrieved})
    if documents:
        rows = [{"answer_id": answer.id, "tenant": tenant, "document_id": d} for d in documents]
        insert_or_ignore(connection, t.answer_documents, rows)


def answer(connection: Connection, principal: Principal, answer_id: str) -> Answer | None:
    """Return an answer that the principal may see: an owner every one of the tenant, others their own."""
    a = t.answers
    query = select(a).where(a.c.tenant == principal.tenant, a.c.id == answer_id)
    if not principal.owner:
        query = query.where(a.c.principal == principal.name)
    row = connection.execute(query).first()
    return None if row is None else _answer(row)


def answers(
    connection: Connection, principal: Principal, limit: int, before: str | None, app: str | None
) -> list[Answer]:
    """Return answers the principal may see, newest first; `before` is the id to go on from."""
    a = t.answers
    query = select(a).where(a.c.tenant == principal.tenant).order_by(a.c.id.desc()).limit(limit)
    if not principal.owner:
        query = query.where(a.c.principal == principal.name)
    if before is not None:
        query = query.where(a.c.id < before)
    if app is not None:
        query = query.where(a.c.app == app)
    return [_answer(r) for r in connection.execute(query)]


def answers_with(connection: Connection, tenant: str, document_ids: Sequence[str]) -> list[Answer]:
    """Return every answer for which one of the documents was retrieved."""
    a, d = t.answers, t.answer_documents
    query = (
        select(a)
        .join(d, d.c.answer_id == a.c.id)
        .where(a.c.tenant == tenant, d.c.document_id.in_(list(document_ids)))
    )
    return list({r.id: _answer(r) for r in connection.execute(query)}.values())


def replace_answer(connection: Connection, tenant: str, answer: Answer) -> None:
    """Overwrite an answer with its redacted form."""
    a = t.answers
    connection.execute(
        update(a)
        .where(a.c.tenant == tenant, a.c.id == answer.id)
        .values(question=answer.question, text=answer.text, record=_record(answer), redacted=answer.redacted)
    )


def put_calibration(
    connection: Connection, tenant: str, app: str, identifier: str, record: Mapping[str, Any], now: str
) -> None:
    """Keep a calibration; the same one twice is kept once."""
    row = {"id": identifier, "tenant": tenant, "app": app, "record": dict(record), "created_at": now}
    insert_or_ignore(connection, t.calibrations, [row])


def calibration(connection: Connection, tenant: str, app: str) -> dict[str, Any] | None:
    """Return the newest calibration of an app."""
    c = t.calibrations
    query = (
        select(c.c.record)
        .where(c.c.tenant == tenant, c.c.app == app)
        .order_by(c.c.created_at.desc(), c.c.id)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else dict(row.record)


def _record(answer: Answer) -> dict[str, Any]:
    record = answer.as_dict()
    for column in (
        "id",
        "app",
        "question",
        "text",
        "abstained",
        "created_at",
        "principal",
        "redacted",
        "calibrated",
    ):
        del record[column]
    return record


def _answer(row: Any) -> Answer:
    record = dict(row.record)
    record["citations"] = tuple(Citation(**c) for c in record["citations"])
    record["retrieved"] = tuple(record["retrieved"])
    record["pins"] = Pins(**record["pins"])
    return Answer(
        id=row.id,
        app=row.app,
        question=row.question,
        text=row.text,
        abstained=bool(row.abstained),
        created_at=row.created_at,
        principal=row.principal,
        redacted=bool(row.redacted),
        **record,
    )
