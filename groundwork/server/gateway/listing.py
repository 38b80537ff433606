"""The list of models, in the form of OpenAI's clients or of Anthropic's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groundwork.core.errors import ModelNotFoundError
from groundwork.gateway.types import ModelInfo

CREATED = 1_767_225_600
"""A fixed time, 1 January 2026: clients want one, and a model of a spec has none."""
_CREATED_AT = "2026-01-01T00:00:00Z"


def page(models: Sequence[ModelInfo], *, anthropic: bool) -> dict[str, Any]:
    """Return the body of a list."""
    data = [entry(m, anthropic=anthropic) for m in models]
    if not anthropic:
        return {"object": "list", "data": data}
    first, last = (models[0].id, models[-1].id) if models else (None, None)
    return {"data": data, "has_more": False, "first_id": first, "last_id": last}


def entry(model: ModelInfo, *, anthropic: bool) -> dict[str, Any]:
    """Return the body of one model; what the dialect has no place for stands under `groundwork`."""
    known = {
        "kind": model.kind,
        "context_tokens": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "price_usd_per_million": dict(model.price) if model.price else None,
        "description": model.description,
    }
    if anthropic:
        return {
            "type": "model",
            "id": model.id,
            "display_name": model.id,
            "created_at": _CREATED_AT,
            "groundwork": known,
        }
    return {
        "id": model.id,
        "object": "model",
        "created": CREATED,
        "owned_by": model.provider,
        "groundwork": known,
    }


def unknown(name: str) -> ModelNotFoundError:
    """Return the error for a model that is not there."""
    return ModelNotFoundError(f"there is no model `{name[:200]}`", hint="list them with GET /v1/models")
