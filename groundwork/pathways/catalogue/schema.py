"""The JSON Schema of a catalogue, for editors and for whoever writes one; `schema.json` beside this file is a copy of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from groundwork.pathways.types import Catalogue

FILE = Path(__file__).resolve().parent / "schema.json"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a whole catalogue."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A catalogue of pathways",
        **{k: v for k, v in Catalogue.model_json_schema().items() if k != "title"},
    }


def text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
