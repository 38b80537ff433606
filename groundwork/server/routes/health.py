"""Is the process alive, is it ready, and what can it do: `/livez`, `/readyz`, `/api/openapi.json`, `/problems/…`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from groundwork.server.bodies import Health
from groundwork.server.permissions import Anyone

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez(_: Anyone) -> Health:
    """Say that the process answers."""
    return Health(status="ok")


@router.get(
    "/readyz",
    response_model=Health,
    responses={503: {"model": Health, "description": "Not ready; `problems` says why."}},
)
def readyz(request: Request, _: Anyone) -> JSONResponse:
    """Say whether the server can do its work: it can write, its schema is current, it is not going down."""
    problems = list(request.app.state.readiness.problems())
    upkeep = request.app.state.upkeep
    notes = [f"{t.task} does not work for {t.seconds:.0f} s" for t in upkeep.troubles()] if upkeep else []
    health = Health(status="unavailable" if problems else "ok", problems=problems, notes=notes)
    return JSONResponse(health.model_dump(), 503 if problems else 200)


@router.get("/api/openapi.json", include_in_schema=False)
def openapi(request: Request, _: Anyone) -> dict[str, Any]:
    """Return the description of this interface."""
    described: dict[str, Any] = request.app.openapi()
    return described
