"""Build the application: routes of the platform and the console around one workspace."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from groundwork.accounts.server_key import server_key
from groundwork.core.clock import Clock
from groundwork.server import console, problems, routes, static
from groundwork.server.gateway import PREFIX, GatewayDoor
from groundwork.server.guard import LOOPBACK_HOSTS, Guard
from groundwork.server.house import readiness
from groundwork.server.http_counts import HttpCounts
from groundwork.server.permissions import Doorkeeper, LoopbackOwner, check_routes
from groundwork.server.requests import access, told, told_of_call
from groundwork.server.telemetry import PATHS as RECEIVED
from groundwork.server.telemetry.receiver import Receiver
from groundwork.server.work import Worker

if TYPE_CHECKING:
    from groundwork.app.upkeep import Upkeep
    from groundwork.app.workspace import Workspace
    from groundwork.telemetry.exporting.thread import ExportThread

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
    upkeep: Upkeep | None = None,
) -> FastAPI:
    """Return the application that serves `workspace`.

    Args:
        workspace: an open workspace; the caller closes it after the application has stopped.
        hosts: names the server answers to, without port.
        origins: origins beside its own whose pages may send requests that change something.
        doorkeeper: tells who asks; the default takes whoever is on this machine for the owner.
        clock: for tests.
        worker: does background work while the application runs; None leaves it to another process.
        upkeep: makes spans, rollups and the like while the application runs; None leaves them to whoever reads them.

    Raises:
        InternalError: a route declares no permission.
    """
    app = Application(
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
    app.state.upkeep = upkeep
    app.state.http = HttpCounts()
    app.state.form_key = server_key(workspace.root / ".groundwork")
    app.state.gateway = GatewayDoor(workspace, frozenset(h.lower() for h in hosts), frozenset(origins))
    app.state.receiver = Receiver(workspace, frozenset(h.lower() for h in hosts), frozenset(origins))
    problems.install(app)
    for router in (*routes.ROUTERS, *console.ROUTERS, static.router):
        # Its routes as they are: including a router would analyse every signature again, for each application.
        app.router.routes.extend(router.routes)
    check_routes(app)
    return app


class Application(FastAPI):
    """The platform's routes and pages; `/v1/…` goes to the gateway's door before any of them is looked at."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            door = self.state.receiver if scope["path"] in RECEIVED else self.state.gateway
            if access.isEnabledFor(logging.DEBUG):
                await told_of_call(door, scope, receive, send)
            else:
                await door(scope, receive, send)
        elif scope["type"] == "http":
            await told(super().__call__, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.readiness.draining = False
    worker: Worker | None = app.state.worker
    if worker is not None:
        worker.start()
    upkeep: Upkeep | None = app.state.upkeep
    if upkeep is not None:
        upkeep.start()
    export = await asyncio.to_thread(_start_export, app) if upkeep is not None else None
    yield
    app.state.readiness.draining = True
    await app.state.gateway.aclose()
    if export is not None:
        await asyncio.to_thread(export.stop)
    if upkeep is not None:
        await asyncio.to_thread(upkeep.stop)
    if worker is not None:
        await asyncio.to_thread(worker.stop)


def _start_export(app: FastAPI) -> ExportThread | None:
    workspace: Workspace = app.state.workspace
    if not workspace.spec.export.url:
        return None
    from groundwork.app.exporting import start_export

    return start_export(workspace)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("groundwork-ai")
    except PackageNotFoundError:
        return "0"
