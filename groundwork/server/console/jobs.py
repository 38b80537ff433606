"""Pages of background work: a list, and the progress of one job, which survives a reload."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from groundwork.server.console import trace_links
from groundwork.server.console.render import page
from groundwork.server.forms import Posted
from groundwork.server.house import House
from groundwork.server.permissions import JobsCancel, JobsRead
from groundwork.server.work import work_of

router = APIRouter(prefix="/jobs", include_in_schema=False)


@router.get("")
def jobs_page(request: Request, house: House, principal: JobsRead) -> Response:
    return page(request, "jobs.html", room="jobs", jobs=[work_of(j) for j in house.jobs(principal)])


@router.get("/{job_id}")
def job_page(request: Request, job_id: str, house: House, principal: JobsRead) -> Response:
    """Show one job; the same address answers the part that changes when the page itself asks for it."""
    template = "job_progress.html" if request.headers.get("hx-request") == "true" else "job.html"
    job = work_of(house.job(job_id, principal))
    trace = "" if job.running else trace_links.href_of(house, principal, job_id)
    return page(request, template, room="jobs", job=job, trace=trace)


@router.post("/{job_id}/cancel")
def cancel(job_id: str, _form: Posted, house: House, principal: JobsCancel) -> Response:
    house.cancel(job_id, principal)
    return RedirectResponse(f"/jobs/{job_id}", 303)
