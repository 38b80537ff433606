"""From the spec of an app to the spec of its reader: a name that is no reader is the name of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundwork.answers.readers import READERS
from groundwork.core.settings import AppSpec


def reader_spec(spec: AppSpec) -> str | Mapping[str, Any]:
    """Return the spec of the reader of an app.

    `model = "extractive"` and tables name a reader; any other name, such as `openai/gpt-5-mini` or one of `[models]`, is
    that of a model, which the reader `generative` asks. A table for `generative` may override each of the app's parameters.
    """
    if isinstance(spec.model, str):
        if spec.model in READERS.names() and not spec.cascade:
            return spec.model
        table: dict[str, Any] = {"name": "generative"}
        first = () if spec.model in READERS.names() else (spec.model,)
        table["model"] = list(dict.fromkeys((*spec.cascade, *first) if spec.cascade else first))
    else:
        table = dict(spec.model)
        if table.get("name") != "generative":
            return table
        table.setdefault("model", list(spec.cascade))
    given = {
        "prompt": spec.prompt or "answer",
        "context_tokens": spec.context_tokens,
        "max_output_tokens": spec.max_output_tokens,
        "unsupported": spec.unsupported,
        "fallback": spec.fallback,
        "escalate_below": spec.escalate_below,
    }
    return {**given, **table}
