"""Calls that people make themselves, on the terminal and in the console: who calls, and which model where none is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundwork.core.principal import Principal
from groundwork.gateway.types import Caller, ChatRequest, Message, TextPart

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace


def caller_of(principal: Principal, **more: Any) -> Caller:
    """Return the caller that a person in front of this workspace is; inside, no key is asked for."""
    return Caller(tenant=principal.tenant, principal=principal.name, access=principal.readable(), **more)


def default_model(workspace: Workspace, scopes: Sequence[str] = ()) -> str:
    """Return the model that is tried when none is named: the first named one, a provider's, else the default app.

    With the scopes of a key it is the first that the key may ask for; where the spec names none of those, the one that a
    scope names.
    """
    from groundwork.gateway.keys import covers

    spec = workspace.spec
    names = [
        *spec.models,
        *(
            f"{p}/{m}"
            for p, known in spec.providers.items()
            for m, s in known.models.items()
            if s.kind == "chat"
        ),
        "app/default",
        *(f"app/{name}" for name in spec.apps),
    ]
    found = next((name for name in names if covers(scopes, name)), "")
    kinds = (scope.partition(":") for scope in scopes)
    named = (f"app/{name}" if kind == "app" else name for kind, _, name in kinds if name and "*" not in name)
    return found or next(named, "app/default")


def request_of(
    model: str,
    turns: list[tuple[str, str]],
    *,
    system: str = "",
    stream: bool = False,
    temperature: float | None = None,
    max_output_tokens: int | None = None,
) -> ChatRequest:
    """Return a request of plain text; `turns` are `(role, text)`, oldest first."""
    said: list[tuple[Any, str]] = [("system", system)] if system else []
    messages = tuple(Message(role, (TextPart(text),)) for role, text in [*said, *turns])
    return ChatRequest(
        model=model,
        messages=messages,
        stream=stream,
        include_usage=stream,
        temperature=temperature,
        max_output_tokens=max_output_tokens,
    )
