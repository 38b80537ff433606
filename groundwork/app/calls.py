"""Calls of the ledger in words: who called, how it went, why an attempt was made and how it failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from groundwork.app import money, offers
from groundwork.core.principal import Principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.usage import CallRow

MOST_MADE = 100
STATES = ("done", "failed", "incomplete", "cancelled", "lost", "open")
REASONS = {
    "first": "first attempt",
    "retry": "tried again",
    "fallback": "fallback",
    "hedge": "asked a second time, because nothing had come",
    "repair": "repair of output that did not fit its schema",
    "escalation": "a stronger model, because the answer was not sure enough",
}
FAILURES = {
    "connect": "no connection",
    "tls": "its certificate is not valid",
    "timeout": "its time was over",
    "reset": "the connection broke",
    "rate_limited": "the provider's rate limit was reached",
    "overloaded": "the provider is overloaded",
    "server_error": "the provider failed",
    "auth": "the provider refused its key",
    "bad_request": "the provider refused the request",
    "context_length": "the prompt is longer than the model's context",
    "content_filter": "the provider refused the content",
    "protocol": "the reply was no reply",
    "limit": "the reply was over a limit of the gateway",
    "unsupported": "the provider cannot do this",
}
ENDINGS = {
    "open": "It is under way.",
    "failed": "It failed; the client got an error.",
    "incomplete": "The reply broke off; the client got an explicit error after what had come.",
    "cancelled": "The client left before the reply was complete; the provider's request was closed.",
    "lost": "Its process died while it was under way; what it had reserved is charged.",
}


def key_names(workspace: Workspace, principal: Principal) -> dict[str, str]:
    """Return the names of keys by id."""
    return {k.id: k.name or f"{k.prefix}…" for k in workspace.keys.list(principal)}


def who(call: CallRow, names: Mapping[str, str]) -> str:
    """Return on whose behalf a call was made: the name of its key, or the person."""
    return names.get(call.key_id, call.key_id) if call.key_id else str(call.principal)


def served(call: CallRow) -> str:
    """Return `provider/model` of who served a call in the end; empty where nobody did."""
    model = str(call.served_model)
    return f"{call.provider}/{model}" if model and model != call.provider else str(call.provider)


def cost(workspace: Workspace, call: CallRow) -> str:
    """Return what a call cost, in words; an unknown price is said to be one."""
    if call.cached:
        return money.FREE
    if not (call.cost_usd or call.input_tokens or call.output_tokens):
        return money.usd(0)
    return offers.cost_in_words(workspace, call.provider, call.served_model, call.cost_usd)


def made_for(workspace: Workspace, principal: Principal, call: CallRow) -> list[CallRow]:
    """Return the calls that an app made to serve a call, oldest first; what the answer cost stands there."""
    if call.provider != "app":
        return []
    return workspace.usage.calls(principal, {"parent": call.id}, limit=MOST_MADE)[::-1]


def price_known(workspace: Workspace, call: CallRow) -> bool:
    """Say whether the cost of a call is what it cost, and not 0 for want of a price."""
    return cost(workspace, call) != money.UNKNOWN_PRICE


def unpriced(
    workspace: Workspace, principal: Principal, since: str | None = None, until: str | None = None
) -> list[str]:
    """Return the models that were called in these days and whose price nobody knows: they are counted as $0."""
    rows = workspace.usage.totals(principal, ["provider", "model"], since, until)
    found = [(r.group["provider"], r.group["model"]) for r in rows if not r.cost_usd and r.input_tokens]
    return [f"{p}/{m}" for p, m in found if offers.price_of(workspace, p, m) is None]


def duration(milliseconds: float | None) -> str:
    """Return a time as people say it: `12 ms`, `1.4 s`, `2 min 3 s`."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def energy(watt_hours: float) -> str:
    """Return an amount of energy: `0.0042 Wh`, `12.3 Wh`, `1.2 kWh`."""
    if watt_hours >= 1000:
        return f"{watt_hours / 1000:,.1f} kWh"
    return f"{watt_hours:.3g} Wh" if watt_hours else "0 Wh"
