"""What a provider's error means: from its status and body, in every form they are sent in, to a `Failure`.

A 429 is `rate_limited` only where waiting helps. A quota or credit that is used up is `auth`: nothing but the operator's
payment opens it again, so it is neither retried nor shown as the client's own rate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from groundwork.gateway.failures import Failure, FailureCode

_CONTEXT = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context (?:window|length|size|limit)"
    r"|prompt is too long|input is too long|prompt too long|too many (?:input |total )?tokens"
    r"|reduce the length of the messages"
    r"|input token count .{0,40}exceeds|exceeds? the (?:maximum|model'?s maximum) (?:number of )?(?:input )?tokens?"
    r"|max_prompt_tokens|model_max_prompt_tokens_exceeded|input length and `max_tokens`"
)
_FILTERED = re.compile(
    r"content_filter|content_policy|responsibleaipolicy|content management policy|content filtering policy"
    r"|moderation_blocked|flagged (?:as|by)|safety (?:system|settings|policy)|prohibited_content|guardrail_intervened"
)
_UNPAID = re.compile(
    r"insufficient_quota|insufficient_balance|insufficient balance|billing_hard_limit|billing_not_active"
    r"|billing_error|credit balance is too low|insufficient credits|payment required|account_deactivated"
)
_KEYLIKE = re.compile(
    r"\b(?:sk|pk|rk|gw|gsk|xai|hf|r8|nvapi|tgp|fw|csk)[-_][\w\-*.…]{6,}|\bAIza[\w\-]{8,}|\bBearer\s+\S+"
)
_BY_STATUS: Mapping[int, FailureCode] = {
    401: "auth", 402: "auth", 403: "auth", 407: "auth", 408: "timeout", 409: "overloaded", 425: "overloaded",
    429: "rate_limited", 503: "overloaded", 529: "overloaded",
}  # fmt: skip
_BY_WORD: tuple[tuple[str, FailureCode], ...] = (
    ("rate_limit", "rate_limited"),
    ("resource_exhausted", "rate_limited"),
    ("throttl", "rate_limited"),
    ("overloaded", "overloaded"),
    ("unavailable", "overloaded"),
    ("authentication", "auth"),
    ("permission", "auth"),
    ("api_key", "auth"),
    ("invalid_request", "bad_request"),
    ("badrequest", "bad_request"),
    ("invalid_argument", "bad_request"),
    ("not_found", "bad_request"),
    ("too_large", "bad_request"),
    ("timeout", "timeout"),
)
_SHOWN = 300  # characters of a provider's own words
_PROBE, _STRIDE = 24, 8


def refusal(
    body: Any,
    *,
    host: str,
    status: int | None = None,
    secret: str = "",
    retry_after_s: float | None = None,
    prompt: Callable[[], str] = str,
    billed: bool = False,
) -> Failure:
    """Return the failure that an error says.

    Args:
        body: the body as JSON, or an error object found in a stream; anything else is taken as no information.
        status: of the reply, None for an error within a reply that began well.
        secret: taken out of the provider's words, should it repeat it.
        prompt: gives the text that was sent; words that quote it are left out.
    """
    error = _error_of(body)
    words = _words(error)
    said = _message(error)
    if status is None:
        status = _status_of(error)
        shown = status
    else:
        shown = status
    code = _code(status, words, f"{words} {said.lower()}")
    name = f" ({words[:80]})" if words else ""
    where = f"`{host}` answered {shown}" if shown else f"`{host}` answered an error"
    if code == "auth":
        unpaid = status == 402 or _UNPAID.search(f"{words} {said.lower()}")
        why = "its quota or credit is used up" if unpaid else "it does not accept the key of this provider"
        message = f"{where}: {why}"
    else:
        told = _presentable(said, secret, prompt)
        message = f"{where}{name}: {told}" if told else f"{where}{name}"
    return Failure(code, message, status=shown, retry_after_s=retry_after_s, billed=billed)


def _code(status: int | None, words: str, everything: str) -> FailureCode:
    if status != 429 and _CONTEXT.search(everything):
        return "context_length"
    if status not in (401, 429) and _FILTERED.search(everything):
        return "content_filter"
    if status == 402 or (_UNPAID.search(everything) and (status or 400) < 500):
        return "auth"
    if status is not None and status >= 400:
        return _BY_STATUS.get(status, "server_error" if status >= 500 else "bad_request")
    return next((code for word, code in _BY_WORD if word in words), "server_error")


def _error_of(body: Any) -> Mapping[str, Any]:
    """Return the error object: some wrap it in a list, some send its fields bare, some a mere string."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    error = body.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str) and error:
        return {**body, "message": body.get("message") or error}
    return body


def _words(error: Mapping[str, Any]) -> str:
    inner = error.get("innererror")
    found = [error.get("type"), error.get("code"), error.get("status"), error.get("__type")]
    if isinstance(inner, dict):
        found.append(inner.get("code"))
    words = [w for w in found if isinstance(w, str) and w and w != "error"]
    return " ".join(dict.fromkeys(w.lower() for w in words))


def _message(error: Mapping[str, Any]) -> str:
    said = error.get("message") or error.get("detail") or error.get("msg") or ""
    if isinstance(said, dict):
        said = said.get("message") or ""
    if isinstance(said, list):  # validation errors: where, and what was expected; never the input
        said = "; ".join(
            f"{'.'.join(map(str, e.get('loc') or ()))}: {e.get('msg')}"
            for e in said[:3]
            if isinstance(e, dict)
        )
    return said if isinstance(said, str) else ""


def _status_of(error: Mapping[str, Any]) -> int | None:
    for name in ("code", "status", "http_status", "status_code"):
        value = error.get(name)
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _presentable(said: str, secret: str, prompt: Callable[[], str]) -> str:
    """Return a provider's words without secrets and without text of the prompt."""
    said = " ".join(said[: 4 * _SHOWN].split())
    if not said or said.lstrip().startswith("<"):
        return ""
    if secret:
        said = said.replace(secret, "…")
    said = "".join(c if c.isprintable() else " " for c in _KEYLIKE.sub("…", said))[:_SHOWN]
    sent = " ".join(prompt().split())
    if sent and any(said[i : i + _PROBE] in sent for i in range(0, len(said) - _PROBE + 1, _STRIDE)):
        return "(its words quote the request and are left out)"
    return said
