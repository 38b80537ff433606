"""The answers room's rows: answers, the documents they used, and calibrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from groundwork.answers.types import Answer, Citation, Conversation, Exchange, Pins, Sentence, Shown
from groundwork.core.principal import Principal
from groundwork.storage import tables as t
from groundwork.storage.database import exclusive, insert_or_ignore


def put_answer(connection: Connection, tenant: str, answer: Answer, further: Sequence[str] = ()) -> None:
    """Record an answer and every document that retrieval brought for it; `further` ones may show in its question."""
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
    if answer.conversation is not None:
        _put_turn(connection, tenant, answer, answer.conversation)
    documents = sorted({*further, *(str(hit["document_id"]) for hit in answer.retrieved)})
    if documents:
        rows = [{"answer_id": answer.id, "tenant": tenant, "document_id": d} for d in documents]
        insert_or_ignore(connection, t.answer_documents, rows)


def _put_turn(connection: Connection, tenant: str, answer: Answer, conversation: str) -> None:
    exclusive(connection, f"conversation {tenant} {conversation}")
    c = t.conversation_turns
    last = select(func.max(c.c.seq)).where(c.c.tenant == tenant, c.c.conversation_id == conversation)
    seq = (connection.execute(last).scalar() or 0) + 1
    row = {"tenant": tenant, "conversation_id": conversation, "seq": seq, "answer_id": answer.id}
    connection.execute(insert(c).values(**row, principal=answer.principal))


def conversation(connection: Connection, principal: Principal, identifier: str) -> list[Answer]:
    """Return the answers of a conversation, oldest first; empty when there is none that the principal may see."""
    a, c = t.answers, t.conversation_turns
    query = (
        select(a)
        .join(c, c.c.answer_id == a.c.id)
        .where(c.c.tenant == principal.tenant, c.c.conversation_id == identifier)
        .order_by(c.c.seq)
    )
    if not principal.owner:
        query = query.where(c.c.principal == principal.name)
    return [answer_of(r) for r in connection.execute(query)]


def conversations(
    connection: Connection, principal: Principal, limit: int, before: str | None
) -> list[Conversation]:
    """Return the conversations the principal may see, newest first; `before` is the id to go on from."""
    a, c = t.answers, t.conversation_turns
    shared = [c.c.tenant == principal.tenant]
    if not principal.owner:
        shared.append(c.c.principal == principal.name)
    counted = (
        select(c.c.conversation_id, func.count().label("turns"), func.max(c.c.answer_id).label("last"))
        .where(*shared, *([] if before is None else [c.c.conversation_id < before]))
        .group_by(c.c.conversation_id)
        .order_by(c.c.conversation_id.desc())
        .limit(limit)
        .subquery()
    )
    first = (
        select(counted, a.c.question, a.c.app, a.c.created_at)
        .join(
            c,
            (c.c.conversation_id == counted.c.conversation_id)
            & (c.c.seq == 1)
            & (c.c.tenant == principal.tenant),
        )
        .join(a, a.c.id == c.c.answer_id)
        .order_by(counted.c.conversation_id.desc())
    )
    return [
        Conversation(r.conversation_id, r.app, r.question, int(r.turns), r.last, r.created_at)
        for r in connection.execute(first)
    ]


def documents_of(connection: Connection, tenant: str, answer_ids: Sequence[str]) -> list[str]:
    """Return the ids of all documents that answers used, sorted."""
    d = t.answer_documents
    query = (
        select(d.c.document_id).where(d.c.tenant == tenant, d.c.answer_id.in_(list(answer_ids))).distinct()
    )
    return sorted(str(r.document_id) for r in connection.execute(query))


def answer(connection: Connection, principal: Principal, answer_id: str) -> Answer | None:
    """Return an answer that the principal may see: an owner every one of the tenant, others their own."""
    a = t.answers
    query = select(a).where(a.c.tenant == principal.tenant, a.c.id == answer_id)
    if not principal.owner:
        query = query.where(a.c.principal == principal.name)
    row = connection.execute(query).first()
    return None if row is None else answer_of(row)


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
    return [answer_of(r) for r in connection.execute(query)]


def answers_with(connection: Connection, tenant: str, document_ids: Sequence[str]) -> list[Answer]:
    """Return every answer for which one of the documents was retrieved."""
    a, d = t.answers, t.answer_documents
    query = (
        select(a)
        .join(d, d.c.answer_id == a.c.id)
        .where(a.c.tenant == tenant, d.c.document_id.in_(list(document_ids)))
    )
    return list({r.id: answer_of(r) for r in connection.execute(query)}.values())


def replace_answer(connection: Connection, tenant: str, answer: Answer) -> None:
    """Overwrite an answer with its redacted form."""
    a = t.answers
    connection.execute(
        update(a)
        .where(a.c.tenant == tenant, a.c.id == answer.id)
        .values(question=answer.question, text=answer.text, record=_record(answer), redacted=answer.redacted)
    )


def put_replay(connection: Connection, principal: Principal, answer_id: str, result: str, now: str) -> None:
    """Note what a replay came to; of equal results the first stays, and the last is dated."""
    r = t.answer_replays
    row = {
        "tenant": principal.tenant,
        "answer_id": answer_id,
        "result": result,
        "times": 0,
        "first_at": now,
        "last_at": now,
        "principal": principal.name,
    }
    insert_or_ignore(connection, r, row)
    connection.execute(
        update(r)
        .where(r.c.tenant == principal.tenant, r.c.answer_id == answer_id, r.c.result == result)
        .values(times=r.c.times + 1, last_at=now)
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
    record = {**answer.as_dict(), "exchanges": [asdict(e) for e in answer.exchanges]}
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


def answer_of(row: Any) -> Answer:
    """Return the answer in a row of `answers`."""
    record = dict(row.record)
    record["citations"] = tuple(Citation(**c) for c in record["citations"])
    record["retrieved"] = tuple(record["retrieved"])
    # Records that are older than these fields do not have them.
    record["sentences"] = tuple(_sentence(s) for s in record.get("sentences", ()))
    record["removed"] = tuple(_sentence(s) for s in record.get("removed", ()))
    record["exchanges"] = tuple(Exchange(**e) for e in record.get("exchanges", ()))
    record["shown"] = tuple(Shown(**{**s, "chunks": tuple(s["chunks"])}) for s in record.get("shown", ()))
    record["notes"] = tuple(record.get("notes", ()))
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


def _sentence(stored: Mapping[str, Any]) -> Sentence:
    return Sentence(**{**stored, "citations": tuple(stored["citations"])})
