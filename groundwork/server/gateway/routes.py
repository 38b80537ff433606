"""The paths of the public dialects: who handles each, in whose words it refuses, and what permission it asks for."""

from __future__ import annotations

from typing import NamedTuple


class Route(NamedTuple):
    """One path: its method, the dialect it speaks, the handler's name, and the permission it asks for."""

    method: str
    path: str
    dialect: str
    handler: str
    permission: str


MODEL = Route("GET", "/v1/models/", "openai_chat", "model", "models.call")
"""What follows the path is the model's name, slashes and all."""

ROUTES = (
    Route("POST", "/v1/chat/completions", "openai_chat", "chat", "models.call"),
    Route("POST", "/v1/completions", "openai_completions", "chat", "models.call"),
    Route("POST", "/v1/responses", "openai_responses", "chat", "models.call"),
    Route("POST", "/v1/embeddings", "openai_embeddings", "embed", "models.call"),
    Route("POST", "/v1/messages", "anthropic_messages", "chat", "models.call"),
    Route("POST", "/v1/messages/count_tokens", "anthropic_messages", "count", "models.call"),
    Route("GET", "/v1/models", "openai_chat", "models", "models.call"),
    MODEL,
)
_BY_PATH = {(r.method, r.path): r for r in ROUTES if r is not MODEL}


def find(method: str, path: str) -> Route | None:
    """Return the route of a request, None where there is none."""
    found = _BY_PATH.get((method, path))
    if found is None and method == "GET" and path.startswith(MODEL.path) and path != MODEL.path:
        return MODEL
    return found
