"""What the description of the interface says of every route: the problems it may answer."""

from __future__ import annotations

from typing import Any

from groundwork.server.problems import MEDIA_TYPE, Problem


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "model": Problem, "content": {MEDIA_TYPE: {}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": _problem("The request cannot be met; `code`, `detail` and `hint` say why and what to do."),
    "5XX": _problem("The server cannot meet it now; `retryable` says whether later may be better."),
}
