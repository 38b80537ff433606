"""Every route says which permission it needs; who asks is resolved in one place.

A handler takes its principal as `Annotated[Principal, Depends(Requires("answers.read"))]`, and `check_routes` refuses an
application with a route that says nothing. Accounts will bring another `Doorkeeper`; nothing else changes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from groundwork.core.errors import ForbiddenError, InternalError, UnauthenticatedError
from groundwork.core.principal import LOCAL, Principal
from groundwork.telemetry.current import current

PERMISSIONS = {
    "public": "anyone, signed in or not: health, static files, the description of the interface",
    "answers.read": "read recorded answers, replay and explain them",
    "answers.ask": "ask, which records an answer",
    "documents.read": "search, and read documents, snapshots and quarantine",
    "documents.write": "add documents to an index",
    "snapshots.move": "move an index to another snapshot",
    "prompts.read": "read prompts, their versions and their tests",
    "prompts.write": "write prompts, move their labels, run their tests",
    "models.read": "see models, providers and prices",
    "models.check": "try providers, which may cost money",
    "models.call": "call models and apps through the gateway",
    "keys.read": "see API keys, never the keys themselves",
    "keys.write": "make, change and revoke API keys",
    "usage.read": "see calls and what they cost",
    "cache.clear": "forget completions that the gateway keeps",
    "metrics.read": "read the counters of this process",
    "jobs.read": "see jobs and their progress",
    "jobs.cancel": "cancel a job",
    "settings.read": "see settings and the findings of doctor",
    "workspace.verify": "check every stored digest",
    "traces.read": "see traces, spans, sessions and dashboards",
    "traces.write": "send traces, import and export them",
    "traces.query": "ask in SQL over the spans of the workspace",
    "traces.delete": "delete traces",
    "feedback.write": "give feedback and take one's own back",
    "views.write": "save views",
    "datasets.read": "see datasets, their versions and examples, and what waits for review",
    "datasets.write": "import and write examples, decide what is proposed, make versions",
    "evaluations.read": "see evaluations, comparisons, judges' cards, verdicts and tunings",
    "evaluations.run": "run evaluations, gates and tunings, which may cost money",
    "judges.label": "label the outputs that a judge is measured by",
    "verdicts.override": "let a release pass that a gate refused, with a reason",
    "releases.read": "see releases, environments and deployments",
    "releases.write": "make releases of an app",
    "releases.promote": "promote and roll back releases, begin and end canaries, approve",
    "pathways.read": "see roles, skills, milestones, labs, and what proves them",
    "pathways.walk": "plan one's own way, take quizzes, attest, reflect, export a portfolio",
    "labs.run": "begin, verify and reset labs, which write files and records into the workspace",
    "account.self": "see and change one's own account: password, sessions, the workspace one works in",
    "users.read": "see users and their roles",
    "users.write": "make, change and remove users and workspaces",
}
NOBODY = Principal(tenant="", name="nobody")


class Doorkeeper(Protocol):
    """Tells who asks and what they may do."""

    def principal(self, request: Request) -> Principal:
        """Return who asks.

        Raises:
            UnauthenticatedError: nobody is signed in.
        """
        ...

    def allows(self, principal: Principal, permission: str) -> bool:
        """Say whether the principal holds the permission."""
        ...


class LoopbackOwner:
    """Whoever reaches the server from this machine owns the workspace; the server binds loopback only."""

    def principal(self, request: Request) -> Principal:
        address = request.client.host if request.client else ""
        try:
            local = ipaddress.ip_address(address).is_loopback
        except ValueError:
            local = False
        if not local:
            raise UnauthenticatedError(
                f"requests from `{address}` are not answered",
                hint="use the server from the machine it runs on",
            )
        return LOCAL

    def allows(self, principal: Principal, permission: str) -> bool:
        return principal.owner and permission in PERMISSIONS


@dataclass(frozen=True)
class Requires:
    """A dependency that answers the principal when it holds `permission`.

    Raises:
        InternalError: at import, for a permission that is not in `PERMISSIONS`.
    """

    permission: str

    def __post_init__(self) -> None:
        if self.permission not in PERMISSIONS:
            raise InternalError(f"there is no permission `{self.permission}`", hint="add it to PERMISSIONS")

    def __call__(self, request: Request) -> Principal:
        if self.permission == "public":
            return NOBODY
        keeper: Doorkeeper = request.app.state.doorkeeper
        principal = keeper.principal(request)
        work = current()
        if work.request_id:
            work.principal = principal.name
        if not keeper.allows(principal, self.permission):
            raise ForbiddenError(
                f"`{principal.name}` may not do this: it needs the permission `{self.permission}`",
                hint="ask the owner of this workspace",
            )
        return principal


Anyone = Annotated[Principal, Depends(Requires("public"))]
AnswersRead = Annotated[Principal, Depends(Requires("answers.read"))]
AnswersAsk = Annotated[Principal, Depends(Requires("answers.ask"))]
DocumentsRead = Annotated[Principal, Depends(Requires("documents.read"))]
DocumentsWrite = Annotated[Principal, Depends(Requires("documents.write"))]
SnapshotsMove = Annotated[Principal, Depends(Requires("snapshots.move"))]
PromptsRead = Annotated[Principal, Depends(Requires("prompts.read"))]
PromptsWrite = Annotated[Principal, Depends(Requires("prompts.write"))]
ModelsRead = Annotated[Principal, Depends(Requires("models.read"))]
ModelsCheck = Annotated[Principal, Depends(Requires("models.check"))]
ModelsCall = Annotated[Principal, Depends(Requires("models.call"))]
KeysRead = Annotated[Principal, Depends(Requires("keys.read"))]
KeysWrite = Annotated[Principal, Depends(Requires("keys.write"))]
UsageRead = Annotated[Principal, Depends(Requires("usage.read"))]
CacheClear = Annotated[Principal, Depends(Requires("cache.clear"))]
MetricsRead = Annotated[Principal, Depends(Requires("metrics.read"))]
JobsRead = Annotated[Principal, Depends(Requires("jobs.read"))]
JobsCancel = Annotated[Principal, Depends(Requires("jobs.cancel"))]
SettingsRead = Annotated[Principal, Depends(Requires("settings.read"))]
WorkspaceVerify = Annotated[Principal, Depends(Requires("workspace.verify"))]
TracesRead = Annotated[Principal, Depends(Requires("traces.read"))]
TracesWrite = Annotated[Principal, Depends(Requires("traces.write"))]
TracesQuery = Annotated[Principal, Depends(Requires("traces.query"))]
TracesDelete = Annotated[Principal, Depends(Requires("traces.delete"))]
FeedbackWrite = Annotated[Principal, Depends(Requires("feedback.write"))]
ViewsWrite = Annotated[Principal, Depends(Requires("views.write"))]
DatasetsRead = Annotated[Principal, Depends(Requires("datasets.read"))]
DatasetsWrite = Annotated[Principal, Depends(Requires("datasets.write"))]
EvaluationsRead = Annotated[Principal, Depends(Requires("evaluations.read"))]
EvaluationsRun = Annotated[Principal, Depends(Requires("evaluations.run"))]
JudgesLabel = Annotated[Principal, Depends(Requires("judges.label"))]
VerdictsOverride = Annotated[Principal, Depends(Requires("verdicts.override"))]
ReleasesRead = Annotated[Principal, Depends(Requires("releases.read"))]
PathwaysRead = Annotated[Principal, Depends(Requires("pathways.read"))]
PathwaysWalk = Annotated[Principal, Depends(Requires("pathways.walk"))]
LabsRun = Annotated[Principal, Depends(Requires("labs.run"))]
ReleasesWrite = Annotated[Principal, Depends(Requires("releases.write"))]
ReleasesPromote = Annotated[Principal, Depends(Requires("releases.promote"))]
AccountSelf = Annotated[Principal, Depends(Requires("account.self"))]
UsersRead = Annotated[Principal, Depends(Requires("users.read"))]
UsersWrite = Annotated[Principal, Depends(Requires("users.write"))]


def declared(app: FastAPI) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Yield `(path, methods, permissions)` of every route; no permission is an empty tuple."""
    from groundwork.server.gateway.routes import ROUTES
    from groundwork.server.telemetry import ROUTES as RECEIVED

    for gateway in (*ROUTES, *RECEIVED):
        known = (gateway.permission,) if gateway.permission in PERMISSIONS else ()
        yield gateway.path, (gateway.method,), known
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        permissions = tuple(sorted(_permissions(dependant))) if isinstance(dependant, Dependant) else ()
        yield route.path or "?", tuple(sorted(route.methods or ())), permissions


def check_routes(app: FastAPI) -> None:
    """Raise InternalError when a route declares no permission, so that start-up fails and not the first request."""
    silent = [
        f"{' '.join(methods)} {path}" for path, methods, permissions in declared(app) if not permissions
    ]
    if silent:
        raise InternalError(
            f"these routes declare no permission: {', '.join(silent)}",
            hint="take the principal from one of the dependencies in groundwork/server/permissions.py",
        )


def _permissions(dependant: Dependant) -> Iterator[str]:
    call: Any = dependant.call
    if isinstance(call, Requires):
        yield call.permission
    for inner in dependant.dependencies:
        yield from _permissions(inner)
