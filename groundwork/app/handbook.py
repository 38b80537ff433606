"""Groundwork's own handbook (package data in a wheel, the `docs` folder in a source checkout), and questions about it."""

from __future__ import annotations

import json
from pathlib import Path

from groundwork.core.errors import NotFoundError
from groundwork.datasets.types import Example, ExampleOrigin

QUESTIONS = Path(__file__).with_name("handbook.jsonl")


def handbook_path() -> Path:
    """Return the folder of the handbook's Markdown files."""
    import groundwork

    package = Path(groundwork.__file__).parent
    for folder in (package / "handbook", package.parent / "docs"):
        if (folder / "index.md").is_file():
            return folder
    raise NotFoundError("the handbook is not installed", hint="reinstall groundwork-ai from a wheel")


def handbook_examples() -> list[Example]:
    """Return questions about the handbook with what has to stand in the answer, and some that it cannot answer."""
    examples = []
    for number, line in enumerate(QUESTIONS.read_text(encoding="utf-8").splitlines(), 1):
        values = json.loads(line)
        values["tags"] = tuple(values["tags"])
        origin = ExampleOrigin("file", source=f"{QUESTIONS.name}:{number}")
        examples.append(Example(f"handbook-{number:02}", **values, origin=origin))
    return examples
