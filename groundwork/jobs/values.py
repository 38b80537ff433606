"""What the job engine keeps of arguments, results and errors: JSON, never pickle."""

from __future__ import annotations

import json
from typing import Any

from groundwork.core import errors
from groundwork.core.errors import GroundworkError, InternalError


def as_json(value: Any) -> Any:
    """Return the value as it will be after it was stored; a value that is not JSON raises InternalError."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InternalError(
            f"a job step returned a {type(value).__name__} that is no JSON value: {error}",
            hint="return numbers, text, lists and tables only",
        ) from error


def error_as_dict(error: BaseException) -> dict[str, Any]:
    """Return an error as it is kept with a failed job: `{code, message, hint, retryable, details}`."""
    if isinstance(error, GroundworkError):
        described = error.as_dict()
        try:
            json.dumps(described, allow_nan=False)
        except (TypeError, ValueError):
            described["details"] = {name: str(value) for name, value in error.details.items()}
        return described
    hint = "this is a fault of Groundwork; the log of the worker has the whole story"
    return InternalError(f"{type(error).__name__}: {error}", hint=hint).as_dict()


def error_from_dict(kept: dict[str, Any]) -> GroundworkError:
    """Return the error that was kept, in its own class where there is one of that code."""
    kinds = {
        kind.code: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, GroundworkError)
    }
    kind = kinds.get(str(kept.get("code")), InternalError)
    return kind(
        str(kept.get("message", "")), hint=str(kept.get("hint", "")), **dict(kept.get("details") or {})
    )


class JsonValues:
    """The engine's serializer: JSON for values and errors alike, so that nothing stored can run code when it is read."""

    def serialize(self, data: Any) -> str:
        kept = {"error": error_as_dict(data)} if isinstance(data, BaseException) else {"value": data}
        return json.dumps(kept, allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        kept = json.loads(serialized_data)
        return error_from_dict(kept["error"]) if "error" in kept else kept["value"]

    def name(self) -> str:
        return "groundwork_json"
