"""No route without a declared permission, no form of the console without a checked token."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from groundwork.core.errors import InternalError
from groundwork.server.forms import posted
from groundwork.server.permissions import PERMISSIONS, Requires, check_routes, declared

PUBLIC = {
    "/livez", "/readyz", "/api/openapi.json", "/static/{name:path}", "/favicon.ico", "/problems/{code}",
    "/api/session", "/sign-in", "/sign-in/done", "/sign-in/provider", "/sign-in/return", "/sign-in/finish",
    "/sign-out", "/invitation",
}  # fmt: skip
"""What anybody may ask for; signing in is among it, and each of its forms checks a token."""


def test_every_route_declares_one_permission_and_only_a_few_are_public(fake_client: TestClient) -> None:
    found = list(declared(fake_client.app))  # type: ignore[arg-type]
    assert len(found) > 40
    assert all(len(permissions) == 1 for _, _, permissions in found)
    assert {path for path, _, permissions in found if permissions == ("public",)} == PUBLIC


def test_every_permission_is_used(fake_client: TestClient) -> None:
    used = {p for _, _, permissions in declared(fake_client.app) for p in permissions}  # type: ignore[arg-type]
    assert used == set(PERMISSIONS)


def test_an_application_with_a_silent_route_does_not_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    router = APIRouter()
    router.add_api_route("/silent", lambda: None)
    app.include_router(router)
    with pytest.raises(InternalError, match="/silent"):
        check_routes(app)


@pytest.mark.parametrize("route", [Route("/plain", lambda r: None), Mount("/mounted", FastAPI())])
def test_a_route_that_goes_round_the_framework_is_found_too(route: object) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.append(route)  # type: ignore[arg-type]
    with pytest.raises(InternalError):
        check_routes(app)


def test_a_permission_that_does_not_exist_cannot_be_required() -> None:
    with pytest.raises(InternalError):
        Requires("answers.write")


def test_every_form_of_the_console_checks_its_token(fake_client: TestClient) -> None:
    unsafe = [
        route
        for route in iter_route_contexts(fake_client.app.routes)  # type: ignore[attr-defined]
        if not (route.methods or set()) <= {"GET", "HEAD"} and not (route.path or "").startswith("/api/")
    ]
    assert len(unsafe) >= 5
    for route in unsafe:
        assert any(d.call is posted for d in route.dependant.dependencies), route.path
