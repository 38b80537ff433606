"""Prompts meet models: a completer for the tests of prompts, made of the gateway; and what hints mean to a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app.calling import caller_of, default_model
from groundwork.core.principal import Principal
from groundwork.gateway.types import ChatRequest, Message, ResponseFormat, TextPart
from groundwork.prompts.testing import Completed, Completer
from groundwork.prompts.types import PromptMessage

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace


def completer(workspace: Workspace, principal: Principal, *, prompt: str = "", model: str = "") -> Completer:
    """Return what asks a model with a prompt's messages; each call is admitted, counted and recorded like any other.

    Args:
        prompt: the version, `name@digest`, for the record of the call.
        model: asked instead of the one that the hints name; empty: theirs, else the default of the workspace.
    """

    def complete(messages: Sequence[PromptMessage], hints: Mapping[str, Any]) -> Completed:
        name = model or str(hints.get("model", "")) or default_model(workspace)
        completion = workspace.gateway.complete(
            request_of(name, messages, hints), caller_of(principal, prompt=prompt)
        )
        meta = completion.meta
        return Completed(completion.text, meta.call_id, f"{meta.provider}/{meta.model}", meta.cost_usd)

    return complete


def request_of(model: str, messages: Sequence[PromptMessage], hints: Mapping[str, Any]) -> ChatRequest:
    """Return the request that messages and hints make."""
    return ChatRequest(
        model=model,
        messages=tuple(Message(m.role, (TextPart(m.text),)) for m in messages),
        temperature=hints.get("temperature"),
        top_p=hints.get("top_p"),
        max_output_tokens=hints.get("max_output_tokens"),
        stop=tuple(hints.get("stop", ())),
        seed=hints.get("seed"),
        response_format=ResponseFormat(**hints.get("response_format", {})),
    )
