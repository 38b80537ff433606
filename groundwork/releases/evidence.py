"""What was measured of exactly the pins of a release: evaluations and verdicts, found by what their subjects pin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, or_, select

from groundwork.core.digest import digest_json
from groundwork.releases.types import Manifest, Release
from groundwork.storage import improvement_tables as t

LOOKED_AT = 500
"""Newest evaluations of an app that are looked through."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """An evaluation of the pins, and the newest verdict on it."""

    evaluation: str
    dataset: str
    verdict: str


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """A verdict as far as a promotion needs it.

    Attributes:
        spec: digest of the gate as the verdict's plan has it. overrides: ids of those who let it pass, newest first.
    """

    id: str
    gate: str
    outcome: str
    headline: str
    candidate: str
    created_at: str
    spec: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationLine:
    """An evaluation as a release's page shows it; `summary` maps a metric to its value with interval and n."""

    id: str
    title: str
    dataset: str
    split: str
    created_at: str
    summary: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def matches(subject: Mapping[str, Any], manifest: Manifest) -> bool:
    """Say whether an evaluation's subject pins what the manifest pins: same documents, same recipe, same app."""
    pins = subject.get("pins")
    if not isinstance(pins, Mapping) or subject.get("kind") not in ("app", "release"):
        return False
    same_app = (
        str(pins.get("app") or subject.get("app") or subject.get("name", "")).partition("@")[0]
        == manifest.app
    )
    return (
        same_app and pins.get("snapshot") == manifest.snapshot and pins.get("settings") == manifest.settings
    )


def evaluations_of(connection: Connection, tenant: str, manifest: Manifest, digest: str = "") -> list[Any]:
    """Return the rows of finished evaluations of a manifest, newest first."""
    e = t.evaluations.c
    query = (
        select(
            e.id,
            e.title,
            e.dataset,
            e.dataset_version,
            e.split,
            e.state,
            e.record,
            e.release,
            e.summary,
            e.created_at,
        )
        .where(e.tenant == tenant, e.app == manifest.app, e.state == "done", e.redacted.is_(False))
        .order_by(e.id.desc())
        .limit(LOOKED_AT)
    )
    return [
        row
        for row in connection.execute(query)
        if (digest and row.release == digest) or matches(dict(row.record).get("subject", {}), manifest)
    ]


def lines_of(connection: Connection, tenant: str, release: Release) -> list[EvaluationLine]:
    """Return the evaluations of a release's pins, newest first."""
    return [
        EvaluationLine(row.id, row.title, row.dataset, row.split, row.created_at, dict(row.summary or {}))
        for row in evaluations_of(connection, tenant, release.manifest, release.digest)
    ]


def of_manifest(connection: Connection, tenant: str, manifest: Manifest, wanted: str = "") -> Spoken | None:
    """Return what speaks for a manifest: the newest evaluation of its pins, or the wanted one if it is of them."""
    for row in evaluations_of(connection, tenant, manifest):
        if not wanted or row.id == wanted or (len(wanted) >= 8 and row.id.startswith(wanted)):
            v = t.verdicts.c
            found = connection.execute(
                select(v.id).where(v.tenant == tenant, v.candidate == row.id).order_by(v.id.desc()).limit(1)
            ).scalar()
            return Spoken(row.id, f"{row.dataset}@{row.dataset_version}", str(found or ""))
    return None


def attached(manifest: Manifest, spoken: Spoken | None) -> Manifest:
    """Return the manifest with what speaks for it; its digest stays what it was."""
    if spoken is None:
        return manifest
    return replace(manifest, evaluation=spoken.evaluation, verdict=spoken.verdict, dataset=spoken.dataset)


def verdicts_of(connection: Connection, tenant: str, release: Release, gate: str = "") -> list[VerdictLine]:
    """Return the verdicts on a release's pins, newest first; with `gate` only its own."""
    candidates = [row.id for row in evaluations_of(connection, tenant, release.manifest, release.digest)]
    v, p, o = t.verdicts.c, t.gate_plans.c, t.verdict_overrides.c
    query = (
        select(t.verdicts, p.plan.label("planned"))
        .outerjoin(t.gate_plans, (p.tenant == v.tenant) & (p.digest == v.plan))
        .where(v.tenant == tenant, v.app == release.app)
        .where(or_(v.release == release.digest, v.release == release.id, v.candidate.in_(candidates)))
        .order_by(v.id.desc())
        .limit(LOOKED_AT)
    )
    query = query.where(v.gate == gate) if gate else query
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    overrides: dict[str, list[str]] = {}
    for row in connection.execute(
        select(o.id, o.verdict_id).where(o.tenant == tenant, o.verdict_id.in_(ids)).order_by(o.id.desc())
    ):
        overrides.setdefault(row.verdict_id, []).append(row.id)
    return [
        VerdictLine(
            row.id,
            row.gate,
            row.outcome,
            str(dict(row.record).get("headline", "")),
            row.candidate,
            row.created_at,
            _spec_digest(row.planned),
            tuple(overrides.get(row.id, ())),
        )
        for row in rows
    ]


def _spec_digest(plan: Any) -> str:
    spec = plan.get("spec") if isinstance(plan, Mapping) else None
    return digest_json(spec) if isinstance(spec, Mapping) else ""
