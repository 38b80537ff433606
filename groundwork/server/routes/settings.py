"""How the workspace is set and whether all is well: `/api/settings`, `/api/doctor`, `/api/verify`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from groundwork.server.bodies import FindingBody, SettingBody, VerifyBody
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import SettingsRead, WorkspaceVerify
from groundwork.server.redaction import shown

router = APIRouter(prefix="/api", tags=["settings"], responses=PROBLEMS)


@router.get("/settings", response_model=list[SettingBody])
def list_settings(house: House, _: SettingsRead) -> Any:
    """List every value with its origin; passwords in addresses are left out."""
    return [
        {"key": key, "value": shown(value), "origin": origin} for key, value, origin in house.resolved.rows()
    ]


@router.get("/doctor", response_model=list[FindingBody])
def doctor(house: House, _: SettingsRead) -> Any:
    """Say what is missing or misconfigured, and what to do."""
    return house.doctor()


@router.post("/verify", response_model=VerifyBody)
def verify(house: House, principal: WorkspaceVerify) -> Any:
    """Check every stored digest; reads the whole workspace and changes nothing."""
    report = house.verify(principal)
    return {"ok": report.ok, "checked": dict(report.checked), "damaged": [asdict(d) for d in report.damaged]}
