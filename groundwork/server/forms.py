"""Forms of the console: each carries a token that only a page of this server can know.

A signed double-submit token: the cookie holds a random number, the form its HMAC under the server's key, together with the
cookie of the session, so that a page from before a sign-in sends nothing after it. Cookies of 127.0.0.1 are seen by every
port, so another local program may learn the cookie; without the key that does not help it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from groundwork.core.errors import ForbiddenError
from groundwork.server import cookies

COOKIE = "groundwork_form"
FIELD = "_token"
MAX_FILES = 500
MAX_FIELDS = 100


def token_for(key: bytes, cookie: str, session: str = "") -> str:
    """Return the token that belongs to a cookie and to the cookie of a session."""
    return hmac.new(key, f"{cookie}\0{session}".encode(), hashlib.sha256).hexdigest()


def token_of(request: Request) -> str:
    """Return the token of a page for this browser; `remember` sets the cookie that it belongs to."""
    return token_for(request.app.state.form_key, cookie_of(request), cookies.presented(request))


def cookie_of(request: Request) -> str:
    """Return the browser's cookie, or the one that the response is going to set."""
    found = request.cookies.get(COOKIE, "")
    if 20 <= len(found) <= 100 and found.isascii():
        return found
    if not hasattr(request.state, "form_cookie"):
        request.state.form_cookie = secrets.token_urlsafe(24)
    return str(request.state.form_cookie)


def remember(request: Request, response: Response) -> None:
    """Set the cookie on a response whose page was given a new one."""
    fresh = getattr(request.state, "form_cookie", None)
    if fresh is not None:
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, fresh, httponly=True, samesite="strict", path="/", secure=secure)


async def posted(request: Request) -> FormData:
    """Return the fields of a form that came from one of our pages.

    Raises:
        ForbiddenError: the token is missing or belongs to another cookie.
    """
    form = await request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS)
    given, cookie = form.get(FIELD), request.cookies.get(COOKIE, "")
    expected = token_for(request.app.state.form_key, cookie, cookies.presented(request))
    if not isinstance(given, str) or not cookie or not hmac.compare_digest(given.encode(), expected.encode()):
        raise ForbiddenError(
            "this form was not filled in on a page of this console, or the page is too old",
            hint="go back, reload the page and send it again; the browser must accept cookies of this address",
        )
    return form


Posted = Annotated[FormData, Depends(posted)]


def text_of(form: FormData, name: str) -> str:
    """Return a text field, without blanks around it; a missing one or a file is empty."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts_of(form: FormData, name: str) -> list[str]:
    """Return every value of a field that may be given several times, such as boxes that are ticked."""
    return [value.strip() for value in form.getlist(name) if isinstance(value, str)]
