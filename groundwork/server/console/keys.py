"""Pages of API keys: what each may do, what is left of its budgets; making, changing and revoking one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from groundwork.accounts.roles import ROLES, rank
from groundwork.app import keyring
from groundwork.app.calling import default_model
from groundwork.app.clients import snippets
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.server.console.kept import kept_of
from groundwork.server.console.render import address, page
from groundwork.server.console.usage import call_lines
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import KeysRead, KeysWrite

router = APIRouter(prefix="/keys", include_in_schema=False)
OPERATIONS = ("chat", "embed", "models")
PERIODS = ("day", "month", "total")
RECENT_CALLS = 10


@router.get("")
def keys_page(request: Request, house: House, principal: KeysRead, revoked: str = "") -> Response:
    found = keyring.reports(house, principal)
    return page(
        request,
        "keys.html",
        room="keys",
        roles=_roles(principal),
        keys=[k for k in found if k.state == "active"],
        old=[k for k in found if k.state != "active"],
        required=house.settings.gateway_keys == "required",
        budgets=keyring.shared_budgets(house, principal),
        revoked=next((k for k in found if k.info.id == revoked and k.state == "revoked"), None),
    )


@router.post("")
def make(request: Request, form: Posted, house: House, principal: KeysWrite) -> Response:
    """Make a key. The next page shows it once; an address must never hold it, and a reload must not make another."""
    given = _terms(form)
    if not text_of(form, "access"):
        given["access"] = keyring.usual_access(principal, (), given.get("role", ""))
    given["expires_at"] = _day(text_of(form, "expires"))
    name = text_of(form, "name") or keyring.free_name(house, principal)
    secret, info = house.keys.create(principal, name, **given)
    return RedirectResponse(
        address(f"/keys/{info.id}/made", once=kept_of(request).put((info.id, secret))), 303
    )


@router.get("/{key_id}/made")
def made_page(
    request: Request,
    key_id: str,
    house: House,
    principal: KeysWrite,
    once: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    found = keyring.find(house, principal, key_id)
    owner, secret = kept_of(request).take(once) or ("", "")
    origin = str(request.base_url).rstrip("/")
    return page(
        request,
        "key_made.html",
        room="keys",
        secret=secret if owner == found.info.id else "",
        key=found,
        origin=origin,
        snippets=snippets(origin, default_model(house, found.info.scopes), secret),
    )


@router.get("/{key_id}")
def key_page(
    request: Request, key_id: str, house: House, principal: KeysRead, changed: bool = False
) -> Response:
    found = keyring.find(house, principal, key_id)
    return page(
        request,
        "key.html",
        room="keys",
        changed=changed,
        roles=_roles(principal),
        may_change=rank(found.info.role) <= rank(principal.role),
        key=found,
        calls=call_lines(house, principal, {"key": found.info.id}, RECENT_CALLS),
    )


@router.post("/{key_id}")
def change(key_id: str, form: Posted, house: House, principal: KeysWrite) -> Response:
    info = keyring.find(house, principal, key_id).info
    changes = _terms(form)
    expires, before = text_of(form, "expires"), (info.expires_at or "")[:10]
    if expires != before:
        # A day that was not touched keeps its hour; an emptied one means never.
        changes["expires_at"] = _day(expires) or ""
    name = text_of(form, "name")
    if name and name != info.name:
        changes["name"] = name
    house.keys.update(principal, key_id, **changes)
    return RedirectResponse(address(f"/keys/{key_id}", changed="true"), 303)


@router.get("/{key_id}/revoke")
def revoke_page(request: Request, key_id: str, house: House, principal: KeysWrite) -> Response:
    found = keyring.find(house, principal, key_id)
    if found.state == "revoked":
        raise InvalidInputError(
            "this key is revoked already", hint="it cannot be used, and needs nothing more"
        )
    return page(request, "key_revoke.html", room="keys", key=found)


@router.post("/{key_id}/revoke")
def revoke(key_id: str, _form: Posted, house: House, principal: KeysWrite) -> Response:
    house.keys.revoke(principal, key_id)
    return RedirectResponse(address("/keys", revoked=key_id), 303)


def _terms(form: FormData) -> dict[str, Any]:
    """Return what a form says of scopes, budgets, rates and access."""
    may = [word for word in OPERATIONS if word in form.getlist("may")]
    if not may:
        raise InvalidInputError(
            "a key that may do nothing is of no use", hint="go back and tick what it may do"
        )
    only = [part.strip() for part in text_of(form, "only").split(",") if part.strip()]
    amounts = {p: _amount(form, f"budget_{p}") for p in PERIODS}
    return {
        "scopes": [*may, *only],
        **({"role": text_of(form, "role")} if "role" in form else {}),
        "budget_usd": {p: a for p, a in amounts.items() if a is not None},
        "requests_per_minute": _amount(form, "rate") or 0.0,
        "tokens_per_minute": _amount(form, "tokens_rate") or 0.0,
        "access": _access(text_of(form, "access")),
    }


def _roles(principal: Principal) -> list[str]:
    """Return the roles that the principal may give."""
    return [role for role in ROLES if rank(role) <= rank(principal.role)]


def _amount(form: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a form; None where the field is empty."""
    value = form.get(name)
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise InvalidInputError(
            f"`{text[:40]}` is no number", hint="go back and write it as `2.50`"
        ) from None


def _day(text: str) -> str | None:
    """Return the end of a day of UTC as a time; empty: None."""
    return f"{text[:10]}T23:59:59+00:00" if text else None


def _access(text: str) -> tuple[str, ...] | None:
    tokens = tuple(part.strip() for part in text.split(",") if part.strip())
    return None if tokens == ("all",) else tokens
