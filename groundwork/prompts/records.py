"""Rows of prompts: versions and runs of tests, read and written within a transaction that somebody else opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from groundwork.core.principal import Principal
from groundwork.prompts.testing import TestReport, TestResult
from groundwork.prompts.types import (
    PromptInput,
    PromptMessage,
    PromptTemplate,
    PromptTest,
    PromptVersion,
)
from groundwork.storage.database import insert_or_ignore
from groundwork.storage.pointers import get as pointer
from groundwork.storage.tables import pointers, prompt_runs, prompt_versions

KIND = "prompt"
LATEST = "latest"


def record(connection: Connection, principal: Principal, prompt: PromptTemplate, at: str) -> None:
    """Keep a version; of one that is kept already, only what does not change it: source, description and tests."""
    c = prompt_versions.c
    row = {
        "tenant": principal.tenant,
        "digest": prompt.digest,
        "name": prompt.name,
        "source": prompt.source,
        "template": as_json(prompt),
        "created_at": at,
        "created_by": principal.name,
    }
    if insert_or_ignore(connection, prompt_versions, row):
        return
    where = (c.tenant == principal.tenant, c.digest == prompt.digest, c.name == prompt.name)
    connection.execute(
        update(prompt_versions)
        .where(*where, c.source != prompt.source)
        .values(source=prompt.source, template=row["template"])
    )


def version(connection: Connection, tenant: str, name: str, digest: str) -> PromptVersion | None:
    """Return one version with its labels."""
    c = prompt_versions.c
    row = connection.execute(
        select(prompt_versions).where(c.tenant == tenant, c.name == name, c.digest == digest)
    ).one_or_none()
    if row is None:
        return None
    return _version(row._mapping, labels(connection, tenant, name))


def versions(connection: Connection, tenant: str, name: str) -> list[PromptVersion]:
    """Return every version of a prompt, newest first."""
    c = prompt_versions.c
    rows = connection.execute(
        select(prompt_versions)
        .where(c.tenant == tenant, c.name == name)
        .order_by(c.created_at.desc(), c.digest)
    ).mappings()
    marks = labels(connection, tenant, name)
    return [_version(row, marks) for row in rows]


def digests(connection: Connection, tenant: str, name: str, prefix: str = "") -> list[str]:
    """Return the digests of a prompt that begin so, newest first."""
    c = prompt_versions.c
    rows = connection.execute(
        select(c.digest)
        .where(c.tenant == tenant, c.name == name, c.digest.startswith(prefix, autoescape=True))
        .order_by(c.created_at.desc(), c.digest)
    )
    return [str(row[0]) for row in rows]


def counts(connection: Connection, tenant: str) -> dict[str, int]:
    """Return how many versions each prompt has."""
    c = prompt_versions.c
    rows = connection.execute(select(c.name, func.count()).where(c.tenant == tenant).group_by(c.name))
    return {str(name): int(n) for name, n in rows}


def labels(connection: Connection, tenant: str, name: str) -> dict[str, str]:
    """Return where each label of a prompt points."""
    c = pointers.c
    rows = connection.execute(
        select(c.name, c.version)
        .where(c.tenant == tenant, c.kind == KIND, c.name.startswith(f"{name}@", autoescape=True))
        .order_by(c.name)
    )
    return {str(full).partition("@")[2]: str(digest) for full, digest in rows}


def pointed(connection: Connection, tenant: str, name: str, label: str) -> str | None:
    """Return the digest that a label points at."""
    found = pointer(connection, tenant, KIND, f"{name}@{label}")
    return None if found is None else found.version


def record_run(connection: Connection, principal: Principal, report: TestReport) -> None:
    """Keep a run of tests."""
    row = {
        "id": report.id,
        "tenant": principal.tenant,
        "name": report.name,
        "digest": report.digest,
        "model": report.model,
        "passed": report.passed,
        "report": report.as_dict()["results"],
        "created_at": report.created_at,
        "principal": principal.name,
    }
    connection.execute(insert(prompt_runs).values(row))


def runs(connection: Connection, tenant: str, name: str, limit: int) -> list[TestReport]:
    """Return runs of tests, newest first."""
    c = prompt_runs.c
    rows = connection.execute(
        select(prompt_runs).where(c.tenant == tenant, c.name == name).order_by(c.id.desc()).limit(limit)
    )
    return [
        TestReport(
            r.name,
            r.digest,
            r.model,
            tuple(_result(x) for x in r.report),
            r.id,
            r.created_at,
            r.principal,
        )
        for r in rows
    ]


def as_json(prompt: PromptTemplate) -> dict[str, Any]:
    """Return what was read from a prompt's file."""
    return {
        "description": prompt.description,
        "inputs": [
            {
                "name": i.name,
                "type": i.type,
                "required": i.required,
                "default": i.default,
                "description": i.description,
            }
            for i in prompt.inputs
        ],
        "messages": [{"role": m.role, "text": m.text} for m in prompt.messages],
        "hints": dict(prompt.hints),
        "tests": [
            {
                "name": t.name,
                "inputs": dict(t.inputs),
                "expect": [dict(e) for e in t.expect],
                "reply": t.reply,
            }
            for t in prompt.tests
        ],
    }


def _version(row: RowMapping, marks: Mapping[str, str]) -> PromptVersion:
    found = row["template"]
    template = PromptTemplate(
        row["name"],
        tuple(PromptMessage(**m) for m in found["messages"]),
        row["digest"],
        tuple(PromptInput(**i) for i in found["inputs"]),
        found["hints"],
        tuple(PromptTest(t["name"], t["inputs"], tuple(t["expect"]), t["reply"]) for t in found["tests"]),
        found["description"],
        row["source"],
    )
    own: Sequence[str] = [label for label, digest in marks.items() if digest == row["digest"]]
    return PromptVersion(
        row["name"], row["digest"], row["created_at"], row["created_by"], template, tuple(own)
    )


def _result(found: Mapping[str, Any]) -> TestResult:
    return TestResult(
        found["name"], tuple(found["faults"]), found["output"], found["call_id"], found["cost_usd"]
    )
