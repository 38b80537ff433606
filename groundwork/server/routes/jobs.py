"""Background work: `/api/jobs`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from groundwork.server.bodies import JobBody
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import JobsCancel, JobsRead

router = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=PROBLEMS)


@router.get("", response_model=list[JobBody])
def list_jobs(house: House, principal: JobsRead, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Any:
    """List jobs, newest first."""
    return house.jobs(principal, limit=limit)


@router.get("/{job_id}", response_model=JobBody)
def get_job(job_id: str, house: House, principal: JobsRead) -> Any:
    """Return a job: its state, how far it is, and what came out."""
    return house.job(job_id, principal)


@router.post("/{job_id}/cancel", response_model=JobBody)
def cancel_job(job_id: str, house: House, principal: JobsCancel) -> Any:
    """Ask a job to stop; what it did is kept."""
    return house.cancel(job_id, principal)
