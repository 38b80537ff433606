"""Errors over HTTP: problem details (RFC 9457) for programs, a page for people.

`type` is an address of this server, `/problems/<code>`, where the code is explained. No stack trace leaves the process: an
unforeseen error is logged under the request's id and the id is what the caller gets.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from groundwork.core import errors
from groundwork.core.errors import GroundworkError

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("groundwork.server")

CODES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    421: "misdirected",
    503: "unavailable",
    504: "too_slow",
}
SAFE = {
    "too_slow": "Work that had begun may still finish; nothing that was acknowledged is lost.",
    "internal": "Nothing that was acknowledged before is lost.",
    "storage_full": "What was acknowledged is kept; nothing half-written is visible.",
    "damaged": "Undamaged documents and answers stay readable; nothing was changed.",
}


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it, with Groundwork's stable `code` and the next step."""

    type: str = Field(description="Address of the explanation of the code.")
    title: str = Field(description="The kind of error in a few words.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What happened, with the values in it.")
    code: str = Field(description="Stable name of the kind of error.")
    hint: str = Field("", description="What to do next; empty when there is nothing to advise.")
    instance: str = Field(description="Id of this request; the server's log has it too.")
    retryable: bool = Field(False, description="Whether the same request may succeed later.")
    errors: list[dict[str, Any]] = Field(
        default_factory=list, description="The single faults of an invalid request."
    )


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    retryable: bool = False,
    faults: list[dict[str, Any]] | None = None,
) -> Problem:
    """Return the problem for this request."""
    return Problem(
        type=f"/problems/{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        instance=str(request.scope.get("request_id", "")),
        retryable=retryable,
        errors=faults or [],
    )


def respond(request: Request, found: Problem, headers: dict[str, str] | None = None) -> Response:
    """Render a problem as JSON, or as a page where a browser asks for a page."""
    headers = dict(headers or {})
    if found.retryable:
        headers.setdefault("Retry-After", "2")
    if found.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
        if _signs_in(request):
            return _to_sign_in(request, headers)
    if wants_page(request):
        from groundwork.server.console.render import error_page

        return error_page(request, found, headers)
    return JSONResponse(found.model_dump(), found.status, headers, MEDIA_TYPE)


def _signs_in(request: Request) -> bool:
    """Say whether a person who is not signed in asked for a page, and can sign in here."""
    keeper = getattr(request.app.state, "doorkeeper", None) if "app" in request.scope else None
    asked = wants_page(request) or "hx-request" in request.headers
    return asked and bool(getattr(keeper, "signs_in", False)) and not request.url.path.startswith("/sign-in")


def _to_sign_in(request: Request, headers: dict[str, str]) -> Response:
    """Lead to the sign-in page and back again; a part of a page makes the whole page go there."""
    came_from = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = f"/sign-in?{urlencode({'next': came_from})}" if request.method in ("GET", "HEAD") else "/sign-in"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={**headers, "HX-Redirect": "/sign-in"})
    return RedirectResponse(target, 303)


def wants_page(request: Request) -> bool:
    """Say whether a person looks at this: a path of the console, asked for as HTML."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def from_error(request: Request, error: GroundworkError) -> Problem:
    """Return the problem for one of our own errors."""
    return problem(
        request, error.status, error.code, error.message, hint=error.hint, retryable=error.retryable
    )


def from_exception(request: Request, error: BaseException) -> Problem:
    """Return the problem for any exception; an unforeseen one is logged, and its text stays here."""
    if isinstance(error, GroundworkError):
        return from_error(request, error)
    log.error("request %s failed", request.scope.get("request_id", "?"), exc_info=error)
    return problem(
        request,
        500,
        "internal",
        "something went wrong that Groundwork did not foresee",
        hint="the server's log has the details under the id of this request; `groundwork doctor` checks the workspace",
    )


def safe_note(found: Problem) -> str:
    """Say what is safe after this problem."""
    if found.code in SAFE:
        return SAFE[found.code]
    return "Nothing was changed." if found.status < 500 else "Nothing that was acknowledged is lost."


def explanations() -> dict[str, tuple[int, str]]:
    """Return `(status, sentence)` for every code an error class has."""
    return {c.code: (c.status, (c.__doc__ or "").strip().splitlines()[0]) for c in _classes(GroundworkError)}


def install(app: FastAPI) -> None:
    """Make every error of this application answer as a problem."""
    app.add_exception_handler(GroundworkError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def _classes(base: type[GroundworkError]) -> Iterator[type[GroundworkError]]:
    # The base class has the code of InternalError; the subclass comes later and so its sentence stands.
    yield base
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _classes(child)


def _on_error(request: Request, error: Exception) -> Response:
    found = from_exception(request, error)
    if found.status >= 500:
        log.error("request %s: %s", found.instance, found.detail)
    return respond(request, found)


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"at": [str(p) for p in e["loc"]], "message": str(e["msg"]), "kind": str(e["type"])}
        for e in error.errors()
    ]
    first = faults[0] if faults else {"at": ["request"], "message": "it cannot be read"}
    where = ".".join(first["at"][1:]) or first["at"][0]
    detail = f"`{where}`: {first['message']}" + (f", and {len(faults) - 1} more" if len(faults) > 1 else "")
    hint = "the interface is described at /api/openapi.json"
    return respond(request, problem(request, 422, "invalid_input", detail, hint=hint, faults=faults))


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "invalid_input" if error.status_code < 500 else "internal")
    detail = str(error.detail)
    hint = ""
    if error.status_code == 404:
        detail, hint = (
            f"there is nothing at `{request.url.path[:200]}`",
            "start at / or see /api/openapi.json",
        )
    elif error.status_code == 405:
        detail = f"`{request.url.path[:200]}` does not take {request.method}"
    elif detail == HTTPStatus(error.status_code).phrase:
        detail = detail.lower()
    return respond(
        request, problem(request, error.status_code, code, detail, hint=hint), dict(error.headers or {})
    )
