"""The JSON Schema of `groundwork.toml`."""

from __future__ import annotations

from typing import Any

TITLE = "groundwork.toml"


def spec_schema() -> dict[str, Any]:
    """Return the schema; settings may stand at the top of the file or in the table `[settings]`."""
    from groundwork.core.settings import Settings, Spec

    schema = Spec.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = TITLE
    schema["properties"] = {**schema["properties"], **Settings.model_json_schema()["properties"]}
    return schema
