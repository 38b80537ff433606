"""Pages of settings and health, and the explanation of every error code."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from groundwork.core.errors import NotFoundError
from groundwork.server.console.render import page
from groundwork.server.forms import Posted
from groundwork.server.house import House
from groundwork.server.permissions import Anyone, SettingsRead, WorkspaceVerify
from groundwork.server.problems import explanations
from groundwork.server.redaction import shown

router = APIRouter(include_in_schema=False)
LEVELS = ("error", "warn", "ok")


@router.get("/settings")
def settings_page(request: Request, house: House, _: SettingsRead) -> Response:
    rows = [(key, shown(value), origin) for key, value, origin in house.resolved.rows()]
    groups: dict[str, list[tuple[str, object, str]]] = {}
    for key, value, origin in rows:
        section, _dot, name = key.rpartition(".")
        groups.setdefault(section, []).append((name, value, origin))
    return page(request, "settings.html", room="settings", groups=groups, root=str(house.root))


@router.get("/settings/health")
def health_page(request: Request, house: House, _: SettingsRead) -> Response:
    return _health(request, house, None)


@router.post("/settings/health/verify")
def verify(request: Request, _form: Posted, house: House, principal: WorkspaceVerify) -> Response:
    return _health(request, house, house.verify(principal))


@router.get("/problems/{code}")
def problem_page(request: Request, code: str, _: Anyone) -> Response:
    known = explanations()
    if code not in known:
        raise NotFoundError(f"there is no error called `{code[:80]}`")
    status, sentence = known[code]
    return page(request, "explained.html", room="", code=code, status_code=status, sentence=sentence)


def _health(request: Request, house: House, report: object) -> Response:
    findings = sorted(house.doctor(), key=lambda f: LEVELS.index(f.level))
    return page(request, "health.html", room="settings", findings=findings, report=report)
