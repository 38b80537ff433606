"""Pages of signing in: name and password, the token of the first start, an invitation, and the way over a provider."""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError, RateLimitedError
from groundwork.server import cookies, forms, signing_in
from groundwork.server.console.kept import Kept
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import Anyone

router = APIRouter(include_in_schema=False)
BROWSER = "groundwork_oidc"
"""A cookie that ties a sign-in at a provider to the browser in which it was begun."""
Next = Annotated[str, Query(max_length=4000)]
Error = Annotated[str, Query(max_length=200)]
State = Annotated[str, Query(max_length=200)]
Code = Annotated[str, Query(max_length=4000)]


@router.get("/sign-in")
def sign_in_page(request: Request, house: House, _: Anyone, next: Next = "/") -> Response:
    return _page(request, house, signing_in.safe_next(next))


@router.post("/sign-in")
def sign_in(request: Request, form: Posted, house: House, _: Anyone) -> Response:
    going = signing_in.safe_next(text_of(form, "next"))
    token, name, password = text_of(form, "token"), text_of(form, "name"), form.get("password")
    try:
        if token:
            cookie = signing_in.with_token(request, house, token)
        else:
            given = password if isinstance(password, str) else ""
            cookie = signing_in.with_password(request, house, name, given)
    except GroundworkError as error:
        return _page(request, house, going, error=error, name=name)
    return _signed_in(request, house, cookie, going)


@router.get("/sign-in/done")
def done_page(
    request: Request,
    house: House,
    _: Anyone,
    next: Next = "/",
    once: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Go on when the browser brought its cookie; one that keeps no Secure cookie on plain loopback gets another."""
    going = signing_in.safe_next(next)
    cookie, browser = _handed(request).take(once) or ("", "")
    if cookies.presented(request):
        return RedirectResponse(going, 303)
    if cookie and browser == request.cookies.get(forms.COOKIE) and cookies.on_plain_loopback(request):
        response = RedirectResponse(going, 303)
        cookies.put_plain(response, cookie, house.accounts.sessions.seconds)
        return response
    refused = InvalidInputError(
        "the browser sent no cookie back", hint="allow cookies of this address, then sign in again"
    )
    return _page(request, house, going, error=refused)


@router.post("/sign-out")
def sign_out(request: Request, _form: Posted, house: House, _: Anyone) -> Response:
    signing_in.end(request, house)
    response = RedirectResponse("/sign-in", 303)
    cookies.drop(response)
    return response


@router.get("/invitation")
def invitation_page(request: Request, _: Anyone) -> Response:
    return page(request, "invitation.html", room="", error="", token="")


@router.post("/invitation")
def accept(request: Request, form: Posted, house: House, _: Anyone) -> Response:
    token = text_of(form, "token")
    try:
        cookie = signing_in.with_invitation(request, house, token, new_password(form))
    except GroundworkError as error:
        said = signing_in.said(error)
        return page(request, "invitation.html", _status(error), room="", error=said, token=token)
    return _signed_in(request, house, cookie, "/")


# -- over a provider ----------------------------------------------------------------------------------------------------
@router.post("/sign-in/provider")
async def to_provider(request: Request, form: Posted, house: House, _: Anyone) -> Response:
    """Begin at the provider. The answer is a page that goes there: the policy of pages lets no form lead elsewhere."""
    oidc = house.accounts.oidc
    if oidc is None:
        raise NotFoundError("no sign-in provider is set up here")
    asked = await oidc.begin(_return_address(request, house))
    browser = secrets.token_urlsafe(32)
    house.accounts.pending.put(asked, browser, signing_in.safe_next(text_of(form, "next")))
    response = page(request, "sign_in_leave.html", room="", target=asked.url, provider=_provider(house))
    secure = request.url.scheme == "https"
    response.set_cookie(
        BROWSER, browser, max_age=600, path="/sign-in", httponly=True, samesite="strict", secure=secure
    )
    return response


@router.get("/sign-in/return")
def return_page(
    request: Request, _: Anyone, state: State = "", code: Code = "", error: Error = ""
) -> Response:
    """Go on to a page of our own: on the way from another site SameSite=Strict cookies stay away, from here they come."""
    target = address("/sign-in/finish", state=state, code=code, error=error)
    return page(request, "sign_in_return.html", room="", target=target)


@router.get("/sign-in/finish")
async def finish(
    request: Request, house: House, _: Anyone, state: State = "", code: Code = "", error: Error = ""
) -> Response:
    from starlette.concurrency import run_in_threadpool

    oidc = house.accounts.oidc
    if oidc is None:
        raise NotFoundError("no sign-in provider is set up here")
    try:
        begun = house.accounts.pending.take(state, request.cookies.get(BROWSER, ""))
        if error or not code:
            raise InvalidInputError(
                f"the sign-in provider did not let you through: {_word(error)}",
                hint="begin again, or ask its operator",
            )
        identity = await oidc.finish(begun.asked, code)
        user_id, tenant = await run_in_threadpool(house.accounts.welcome, identity)
    except GroundworkError as failed:
        return await run_in_threadpool(_page, request, house, "/", failed)
    cookie = await run_in_threadpool(signing_in.begin, request, house, tenant, user_id=user_id)
    response = _signed_in(request, house, cookie, begun.next)
    response.delete_cookie(BROWSER, path="/sign-in")
    return response


def new_password(form: FormData) -> str:
    """Return the new password of a form in which it stands twice.

    Raises:
        InvalidInputError: the two differ.
    """
    first, second = form.get("password"), form.get("again")
    if not isinstance(first, str) or first != second:
        raise InvalidInputError("the two passwords differ", hint="type the new password twice")
    return first


def _signed_in(request: Request, house: House, cookie: str, going: str) -> Response:
    if not cookies.on_plain_loopback(request):
        response = RedirectResponse(going, 303)
    else:
        once = _handed(request).put((cookie, request.cookies.get(forms.COOKIE, "")))
        response = RedirectResponse(address("/sign-in/done", next=going, once=once), 303)
    cookies.put(response, cookie, house.accounts.sessions.seconds)
    return response


def _page(
    request: Request, house: House, going: str, error: GroundworkError | None = None, name: str = ""
) -> Response:
    response = page(
        request,
        "sign_in.html",
        200 if error is None else _status(error),
        room="",
        next=going,
        error="" if error is None else signing_in.said(error),
        name=name[:200],
        provider=_provider(house),
        first=not house.accounts.users.exist(),
    )
    if isinstance(error, RateLimitedError):
        response.headers["Retry-After"] = str(int(error.details.get("retry_after_s", 1)))
    return response


def _status(error: GroundworkError) -> int:
    """Return the status of a page that stays where it is; a browser asks for no name and password of its own."""
    return 403 if error.status == 401 else error.status


def _provider(house: House) -> str:
    spec = house.spec.oidc
    return "" if spec is None else spec.title or urlsplit(spec.issuer).hostname or "the provider"


def _return_address(request: Request, house: House) -> str:
    origin = house.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return f"{origin}/sign-in/return"


def _word(error: str) -> str:
    """Return the provider's code of an error, which anybody may have put into the address, as a harmless word."""
    return (
        error if error.replace("_", "").isalnum() and error.isascii() and len(error) <= 60 else "no code came"
    )


def _handed(request: Request) -> Kept:
    """Cookies on their way to a browser that keeps no Secure one; apart from what other pages keep."""
    state = request.app.state
    if not hasattr(state, "handed_cookies"):
        state.handed_cookies = Kept()
    kept: Kept = state.handed_cookies
    return kept
