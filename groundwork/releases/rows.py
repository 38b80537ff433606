"""Between rows of the database and the values of the room."""

from __future__ import annotations

from typing import Any

from groundwork.releases.types import Approval, Deployment, Manifest, Release


def release(row: Any) -> Release:
    """Return the release in a row of `releases`."""
    return Release(
        row.id,
        row.digest,
        row.app,
        int(row.number),
        Manifest(**row.manifest),
        dict(row.envelope),
        row.note,
        bool(row.redacted),
        row.created_at,
        row.created_by,
    )


def deployment(row: Any) -> Deployment:
    """Return the deployment in a row of `deployments`."""
    return Deployment(
        row.id,
        row.app,
        row.environment,
        row.release,
        row.previous,
        row.kind,
        row.state,
        float(row.share),
        row.verdict_id,
        row.override_id,
        dict(row.record),
        row.reason,
        row.created_at,
        row.created_by,
        row.ended_at,
    )


def approval(row: Any) -> Approval:
    """Return what a row of `release_approvals` says."""
    return Approval(
        row.id, row.release, row.environment, row.decision, row.role, row.comment, row.principal, row.at
    )
