"""API keys: `/api/keys`, and what is left of budgets: `/api/budgets`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from groundwork.app import keyring
from groundwork.app.clients import base_url
from groundwork.core.principal import Principal
from groundwork.server.described import PROBLEMS
from groundwork.server.gateway_bodies import BudgetBody, KeyBody, KeyChange, KeyIn, NewKeyBody
from groundwork.server.house import House
from groundwork.server.permissions import KeysRead, KeysWrite, UsageRead

router = APIRouter(prefix="/api", tags=["keys"], responses=PROBLEMS)


@router.get("/keys", response_model=list[KeyBody])
def list_keys(house: House, principal: KeysRead) -> Any:
    """List the API keys, newest first, with what they spent and what is left; never the keys themselves."""
    return [k.as_dict() for k in keyring.reports(house, principal)]


@router.post("/keys", status_code=201, response_model=NewKeyBody)
def create_key(body: KeyIn, request: Request, house: House, principal: KeysWrite) -> Any:
    """Make an API key and return it, this one time."""
    given = "access" in body.model_fields_set
    secret, info = house.keys.create(
        principal,
        body.name.strip() or keyring.free_name(house, principal),
        scopes=body.scopes,
        role=body.role or "",
        access=body.access if given else keyring.usual_access(principal, body.scopes, body.role or ""),
        budget_usd={str(k): v for k, v in body.budget_usd.items()},
        requests_per_minute=body.requests_per_minute,
        tokens_per_minute=body.tokens_per_minute,
        expires_at=body.expires_at or None,
    )
    origin = str(request.base_url).rstrip("/")
    return {**_one(house, principal, info.id), "key": secret, "base_url": base_url(origin)}


@router.get("/keys/{key}", response_model=KeyBody)
def get_key(key: str, house: House, principal: KeysRead) -> Any:
    """Return one key by its id, its name, or its first characters."""
    return _one(house, principal, key)


@router.patch("/keys/{key}", response_model=KeyBody)
def update_key(key: str, body: KeyChange, house: House, principal: KeysWrite) -> Any:
    """Change a key; what is left out stays."""
    # A null access reads every document; any other null says nothing.
    changes = {k: v for k, v in body.model_dump(exclude_unset=True).items() if v is not None or k == "access"}
    info = house.keys.update(principal, key, **changes)
    return _one(house, principal, info.id)


@router.post("/keys/{key}/revoke", response_model=KeyBody)
def revoke_key(key: str, house: House, principal: KeysWrite) -> Any:
    """Refuse a key from now on; there is no way back, and its calls stay on record."""
    return _one(house, principal, house.keys.revoke(principal, key).id)


@router.get("/budgets", response_model=list[BudgetBody])
def list_budgets(house: House, principal: UsageRead) -> Any:
    """List every budget, of keys, apps and the workspace, with what is left of it in the period that runs."""
    return [b.as_dict() for b in house.usage.budgets(principal)]


def _one(house: House, principal: Principal, key: str) -> dict[str, Any]:
    return keyring.find(house, principal, key).as_dict()
