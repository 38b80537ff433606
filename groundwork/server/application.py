"""Build the application: routes of the platform and the console around one workspace."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from fastapi import FastAPI

from groundwork.core.clock import Clock
from groundwork.server import console, problems, routes, static
from groundwork.server.forms import form_key
from groundwork.server.guard import LOOPBACK_HOSTS, Guard
from groundwork.server.house import readiness
from groundwork.server.permissions import Doorkeeper, LoopbackOwner, check_routes
from groundwork.server.work import Worker

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

DESCRIPTION = (
    "Everything the platform does, over HTTP. Errors are problem details (RFC 9457); lists are paged with `limit` and "
    "`offset`, or with `before` where entries are only ever added."
)


def create_app(
    workspace: Workspace,
    *,
    hosts: Sequence[str] = LOOPBACK_HOSTS,
    origins: Sequence[str] = (),
    doorkeeper: Doorkeeper | None = None,
    clock: Clock | None = None,
    worker: Worker | None = None,
) -> FastAPI:
    """Return the application that serves `workspace`.

    Args:
        workspace: an open workspace; the caller closes it after the application has stopped.
        hosts: names the server answers to, without port.
        origins: origins beside its own whose pages may send requests that change something.
        doorkeeper: tells who asks; the default takes whoever is on this machine for the owner.
        clock: for tests.
        worker: does background work while the application runs; None leaves it to another process.

    Raises:
        InternalError: a route declares no permission.
    """
    app = FastAPI(
        title="Groundwork",
        version=_version(),
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        # Spans are written by our own telemetry room; this one would look for an exporter nobody configured.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.add_middleware(Guard, hosts=hosts, origins=origins)
    app.state.workspace = workspace
    app.state.doorkeeper = doorkeeper or LoopbackOwner()
    app.state.readiness = readiness(workspace, clock)
    app.state.worker = worker
    app.state.form_key = form_key(workspace.root / ".groundwork")
    problems.install(app)
    for router in (*routes.ROUTERS, *console.ROUTERS, static.router):
        app.include_router(router)
    check_routes(app)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.readiness.draining = False
    worker: Worker | None = app.state.worker
    if worker is not None:
        worker.start()
    yield
    app.state.readiness.draining = True
    if worker is not None:
        await asyncio.to_thread(worker.stop)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("groundwork-ai")
    except PackageNotFoundError:
        return "0"
