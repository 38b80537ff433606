"""Rows of datasets, read and written within a transaction that somebody else opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Text, delete, func, insert, select, type_coerce, update

from groundwork.core.principal import Principal
from groundwork.datasets.types import DatasetVersion
from groundwork.storage.database import insert_or_ignore
from groundwork.storage.improvement_tables import (
    dataset_candidates,
    dataset_documents,
    dataset_examples,
    dataset_members,
    dataset_versions,
)

AT_ONCE = 500
ERASED = "an erased document was part of it"
v = dataset_versions.c
m = dataset_members.c
e = dataset_examples.c
d = dataset_documents.c
_VERSION = (
    v.name, v.number, v.digest, v.examples, v.parent, v.summary, v.note, v.redacted, v.created_at, v.created_by,
)  # fmt: skip


def newest(connection: Connection, tenant: str) -> list[DatasetVersion]:
    """Return the newest version of every dataset, by name."""
    top = select(v.name.label("name"), func.max(v.number).label("number")).where(v.tenant == tenant)
    ends = top.group_by(v.name).subquery()
    query = (
        select(*_VERSION)
        .join(ends, (ends.c.name == v.name) & (ends.c.number == v.number))
        .where(v.tenant == tenant)
        .order_by(v.name)
    )
    return [_version(row) for row in connection.execute(query)]


def versions(connection: Connection, tenant: str, name: str) -> list[DatasetVersion]:
    """Return every version of a dataset, newest first."""
    query = select(*_VERSION).where(v.tenant == tenant, v.name == name).order_by(v.number.desc())
    return [_version(row) for row in connection.execute(query)]


def by_prefix(connection: Connection, tenant: str, prefix: str, name: str = "") -> list[DatasetVersion]:
    """Return the versions whose digest begins so, newest first; of one dataset or of all."""
    query = select(*_VERSION).where(v.tenant == tenant, v.digest.startswith(prefix, autoescape=True))
    if name:
        query = query.where(v.name == name)
    rows = connection.execute(query.order_by(v.created_at.desc(), v.number.desc(), v.name).limit(AT_ONCE))
    return [_version(row) for row in rows]


def one(connection: Connection, tenant: str, name: str, number: int | None = None) -> DatasetVersion | None:
    """Return a version by its number, or the newest."""
    query = select(*_VERSION).where(v.tenant == tenant, v.name == name)
    query = query.order_by(v.number.desc()).limit(1) if number is None else query.where(v.number == number)
    row = connection.execute(query).one_or_none()
    return None if row is None else _version(row)


def names(connection: Connection, tenant: str) -> list[str]:
    """Return the names of all datasets, sorted."""
    query = select(v.name).where(v.tenant == tenant).distinct().order_by(v.name)
    return [str(n) for n in connection.execute(query).scalars()]


def add_version(connection: Connection, principal: Principal, found: DatasetVersion) -> None:
    """Keep a version's row."""
    row = {
        "tenant": principal.tenant,
        "name": found.name,
        "number": found.number,
        "digest": found.digest,
        "parent": found.parent,
        "summary": dict(found.summary),
        "examples": found.examples,
        "note": found.note,
        "redacted": found.redacted,
        "created_at": found.created_at,
        "created_by": found.created_by,
    }
    connection.execute(insert(dataset_versions), [row])


def set_summary(
    connection: Connection, tenant: str, found: DatasetVersion, summary: Mapping[str, Any]
) -> None:
    """Write down what was found in a version; its content and digest are not touched."""
    connection.execute(
        update(dataset_versions)
        .where(v.tenant == tenant, v.name == found.name, v.number == found.number)
        .values(summary=dict(summary))
    )


def add_members(
    connection: Connection, tenant: str, version: str, members: Sequence[tuple[str, str, str]]
) -> None:
    """Keep what a version consists of, `(id, digest, split)` in order; kept once however many names it has."""
    held = connection.execute(select(m.seq).where(m.tenant == tenant, m.version == version).limit(1)).first()
    if held is not None:
        return
    rows = [
        {"tenant": tenant, "version": version, "seq": seq, "example_id": i, "example": digest, "split": split}
        for seq, (i, digest, split) in enumerate(members)
    ]
    insert_or_ignore(connection, dataset_members, rows)


def add_examples(connection: Connection, tenant: str, bodies: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep contents by their digests; one that is there stays as it is, also when it was erased."""
    rows = [
        {"tenant": tenant, "digest": digest, "body": dict(body), "erased": False}
        for digest, body in bodies.items()
    ]
    insert_or_ignore(connection, dataset_examples, rows)


def add_documents(connection: Connection, tenant: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Remember which documents `(document id, digest of an example or id of a candidate)` hold text of."""
    insert_or_ignore(
        connection,
        dataset_documents,
        [{"tenant": tenant, "document_id": document, "digest": digest} for document, digest in set(pairs)],
    )


def held_of(connection: Connection, tenant: str, document_ids: Sequence[str]) -> list[str]:
    """Return the digests of examples and ids of candidates that hold text of these documents, sorted."""
    found: set[str] = set()
    for start in range(0, len(document_ids), AT_ONCE):
        some = list(document_ids[start : start + AT_ONCE])
        query = select(d.digest).where(d.tenant == tenant, d.document_id.in_(some))
        found.update(str(x) for x in connection.execute(query).scalars())
    return sorted(found)


def documents_of(connection: Connection, tenant: str, held: Iterable[str]) -> dict[str, set[str]]:
    """Return the documents of each digest or candidate that has some."""
    found: dict[str, set[str]] = {}
    wanted = sorted(set(held))
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        query = select(d.digest, d.document_id).where(d.tenant == tenant, d.digest.in_(some))
        for digest, document in connection.execute(query):
            found.setdefault(str(digest), set()).add(str(document))
    return found


def members(connection: Connection, tenant: str, version: str) -> list[tuple[str, str, str]]:
    """Return `(id, digest, split)` of every example of a version, in order."""
    query = select(m.example_id, m.example, m.split).where(m.tenant == tenant, m.version == version)
    return [(str(i), str(x), str(s)) for i, x, s in connection.execute(query.order_by(m.seq))]


def erased_ids(connection: Connection, tenant: str, version: str) -> list[str]:
    """Return the ids of the examples of a version that were erased, in order."""
    query = (
        select(m.example_id)
        .join(dataset_examples, (e.tenant == m.tenant) & (e.digest == m.example))
        .where(m.tenant == tenant, m.version == version, e.erased.is_(True))
        .order_by(m.seq)
    )
    return [str(i) for i in connection.execute(query).scalars()]


def any_erased(connection: Connection, tenant: str, version: str) -> bool:
    """Say whether content of a version was erased before."""
    query = (
        select(m.seq)
        .join(dataset_examples, (e.tenant == m.tenant) & (e.digest == m.example))
        .where(m.tenant == tenant, m.version == version, e.erased.is_(True))
        .limit(1)
    )
    return connection.execute(query).first() is not None


def contents(
    connection: Connection,
    tenant: str,
    version: str,
    *,
    splits: Sequence[str] = (),
    ids: Sequence[str] = (),
    words: str = "",
    limit: int | None = None,
    offset: int = 0,
    whole: bool = False,
) -> Iterator[tuple[int, str, str, Any]]:
    """Yield `(seq, id, split, body)` of the examples of a version in order; erased ones are left out.

    Args:
        words: only bodies whose JSON holds this, in any case of ASCII letters; the caller looks again.
        whole: nothing of the version was erased.
    """
    where = [m.tenant == tenant, m.version == version]
    where += [m.split.in_(list(splits))] if splits else []
    where += [m.example_id.in_(list(ids))] if ids else []
    if whole and (limit is not None or offset):
        # Pages far behind are found among the members alone.
        page = _page(connection, select(m.seq).where(*where).order_by(m.seq), limit, offset)
        where = [m.tenant == tenant, m.version == version, m.seq.in_(page)]
        limit, offset = None, 0
    query = (
        select(m.seq, m.example_id, m.split, e.body)
        .join(dataset_examples, (e.tenant == m.tenant) & (e.digest == m.example))
        .where(*where, e.erased.is_(False))
        .order_by(m.seq)
    )
    if words:
        query = query.where(func.lower(type_coerce(e.body, Text)).contains(words.lower(), autoescape=True))
    if limit is not None or offset:
        query = _page(connection, query, limit, offset)
    for seq, identifier, split, body in connection.execute(query):
        yield int(seq), str(identifier), str(split), body


def bodies(connection: Connection, tenant: str, digests: Iterable[str]) -> dict[str, Any]:
    """Return contents by their digests; erased ones are missing."""
    found: dict[str, Any] = {}
    wanted = sorted(set(digests))
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        query = select(e.digest, e.body).where(e.tenant == tenant, e.digest.in_(some), e.erased.is_(False))
        found |= {str(digest): body for digest, body in connection.execute(query)}
    return found


def delete_versions(connection: Connection, tenant: str, name: str, numbers: Sequence[int] = ()) -> int:
    """Take versions away, all where none is named, with what no other version consists of; return how many."""
    where = [v.tenant == tenant, v.name == name]
    where += [v.number.in_(list(numbers))] if numbers else []
    digests = {str(x) for x in connection.execute(select(v.digest).where(*where)).scalars()}
    removed = int(connection.execute(delete(dataset_versions).where(*where)).rowcount)
    for digest in digests:
        if connection.execute(
            select(v.number).where(v.tenant == tenant, v.digest == digest).limit(1)
        ).first():
            continue
        connection.execute(delete(dataset_members).where(m.tenant == tenant, m.version == digest))
    held = select(m.example).where(m.tenant == tenant)
    gone = (e.tenant == tenant, e.digest.not_in(held))
    connection.execute(
        delete(dataset_documents).where(d.tenant == tenant, d.digest.in_(select(e.digest).where(*gone)))
    )
    connection.execute(delete(dataset_examples).where(*gone))
    return removed


def erase(connection: Connection, tenant: str, held: Sequence[str]) -> tuple[int, int]:
    """Overwrite contents and candidates by digest or id; return how many of each had something to overwrite."""
    c = dataset_candidates.c
    examples = candidates = 0
    for start in range(0, len(held), AT_ONCE):
        some = list(held[start : start + AT_ONCE])
        done = connection.execute(
            update(dataset_examples)
            .where(e.tenant == tenant, e.digest.in_(some), e.erased.is_(False))
            .values(body={}, erased=True)
        )
        examples += int(done.rowcount)
        touched = select(m.version).where(m.tenant == tenant, m.example.in_(some)).distinct()
        connection.execute(
            update(dataset_versions).where(v.tenant == tenant, v.digest.in_(touched)).values(redacted=True)
        )
        done = connection.execute(
            update(dataset_candidates)
            .where(c.tenant == tenant, c.id.in_(some), c.reason != ERASED)
            .values(body={}, state="rejected", reason=ERASED)
        )
        candidates += int(done.rowcount)
    return examples, candidates


def _page(connection: Connection, query: Any, limit: int | None, offset: int) -> Any:
    unlimited = -1 if connection.dialect.name == "sqlite" else None
    return query.limit(unlimited if limit is None else max(0, limit)).offset(max(0, offset))


def _version(row: Any) -> DatasetVersion:
    return DatasetVersion(**{**row._mapping, "redacted": bool(row.redacted)})
