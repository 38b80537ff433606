"""Feedback from a program, in one call: over HTTP to a Groundwork server, or straight into a workspace that is open here."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from groundwork.core.errors import (
    ForbiddenError,
    GroundworkError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from groundwork.telemetry.feedback import THUMBS, check
from groundwork.telemetry.types import Feedback

URL = "http://127.0.0.1:8700"
TIMEOUT_S = 10.0
MOST_BYTES = 1_000_000
_ERRORS: dict[int, type[GroundworkError]] = {
    400: InvalidInputError, 401: UnauthenticatedError, 403: ForbiddenError, 404: NotFoundError, 422: InvalidInputError,
}  # fmt: skip


def feedback(
    said: str = "",
    *,
    kind: str = "",
    text: str = "",
    answer_id: str = "",
    trace_id: str = "",
    span_id: str = "",
    workspace: Any = None,
    url: str = URL,
    key: str = "",
    idempotency_key: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Feedback:
    """Say something of an answer or a trace and return the feedback as it was kept.

        groundwork.feedback("up", answer_id=answer.id)
        groundwork.feedback(kind="correction", text="It is five days.", answer_id=answer.id, workspace=workspace)

    Args:
        said: `up` or `down`; with the kind `label`, the label. kind: `thumb`, `label`, `correction`, `comment` or `golden`;
            empty: a thumb where `said` is one, else a label.
        text: what it should have said, the remark, or the expected output.
        answer_id, trace_id: what it is about; one of them. span_id: the span that is meant.
        workspace: an open `Workspace`, in which it is kept at once. None: it is sent to the server at `url`.
        key: an API key or a session's token, where the server asks for one.
        idempotency_key: a second delivery answers the first feedback.

    Raises:
        InvalidInputError: the words do not fit the kind. NotFoundError: there is no such answer or trace for the giver.
        UnauthenticatedError, ForbiddenError: the server does not let it in. UnavailableError: it does not answer.
    """
    chosen = kind or ("thumb" if said in THUMBS or not said else "label")
    check(chosen, said, text, span_id, "sdk")
    if bool(answer_id) == bool(trace_id):
        raise InvalidInputError(
            "feedback is about an answer or a trace", hint="give `answer_id` or `trace_id`"
        )
    if workspace is not None:
        from groundwork.core.principal import LOCAL

        given: Feedback = workspace.telemetry.feedback.give(
            LOCAL,
            chosen,
            value=said,
            text=text,
            answer_id=answer_id,
            trace_id=trace_id,
            span_id=span_id,
            source="sdk",
            idempotency_key=idempotency_key,
        )
        return given
    what, identifier = ("answers", answer_id) if answer_id else ("traces", trace_id)
    place = f"{url.rstrip('/')}/api/{what}/{urllib.parse.quote(identifier, safe='')}/feedback"
    body = {"kind": chosen, "value": said, "text": text, "span_id": span_id, "source": "sdk"}
    return Feedback(**_sent(place, body, key, idempotency_key, timeout_s))


def _sent(
    place: str, body: dict[str, str], key: str, idempotency_key: str | None, timeout_s: float
) -> dict[str, Any]:
    if not place.startswith(("http://", "https://")):
        raise InvalidInputError(f"`{place[:60]}` is no address of a server", hint=f"such as {URL}")
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    request = urllib.request.Request(place, json.dumps(body).encode(), headers, method="POST")  # noqa: S310 - http(s) only
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as reply:  # noqa: S310
            found: dict[str, Any] = json.loads(reply.read(MOST_BYTES))
            return found
    except urllib.error.HTTPError as error:
        raise _refused(error) from None
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"the server at {place.partition('/api/')[0]} does not answer: {error}",
            hint="start it with `groundwork serve`, or give `workspace=`",
        ) from error


def _refused(error: urllib.error.HTTPError) -> GroundworkError:
    try:
        problem = json.loads(error.read(MOST_BYTES))
        message, hint = str(problem["detail"]), str(problem.get("hint", ""))
    except (ValueError, KeyError, TypeError):
        message, hint = f"the server answered {error.code}", ""
    return _ERRORS.get(error.code, UnavailableError)(message, hint=hint)
