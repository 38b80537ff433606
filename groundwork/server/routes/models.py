"""Models that can be asked for, their prices, and whether they work: `/api/models`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from groundwork.app import checking, offers
from groundwork.server.described import PROBLEMS
from groundwork.server.gateway_bodies import CheckIn, ChecksBody, ModelBody
from groundwork.server.house import House
from groundwork.server.permissions import ModelsCheck, ModelsRead

router = APIRouter(prefix="/api/models", tags=["models"], responses=PROBLEMS)


@router.get("", response_model=list[ModelBody])
def list_models(house: House, principal: ModelsRead) -> Any:
    """List every model that can be asked for, with its price and where that comes from."""
    return [m.as_dict() for m in offers.offers(house, principal)]


@router.post("/check", response_model=ChecksBody)
def check_models(body: CheckIn, house: House, principal: ModelsCheck) -> Any:
    """Send each model one short call and say what works, how fast, and what it cost."""
    found = checking.check(house, principal, body.name)
    return {"ok": all(c.ok for c in found), "checks": [c.as_dict() for c in found]}
