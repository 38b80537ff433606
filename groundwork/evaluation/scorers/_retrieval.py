"""Which of the documents that should come did come, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal

from groundwork.datasets.types import Example
from groundwork.evaluation.types import Output, Passage, Score, not_applicable

Unit = Literal["document", "passage"]


def wanted(example: Example) -> dict[str, float]:
    """Return the positive grades of the example."""
    return {k: float(v) for k, v in example.relevant.items() if v > 0}


def nothing_wanted() -> Score:
    return not_applicable("the example names no relevant documents")


def grades(output: Output, relevant: Mapping[str, float], unit: Unit = "document") -> list[float]:
    """Return the grade at each rank, 0 for what is not relevant.

    Ranks count documents, each at its best passage (`document`), or passages. A relevant document is credited once.
    """
    seen: set[str] = set()
    found: list[float] = []
    for passage in output.passages:
        key = key_of(passage, relevant)
        name = key or passage.document_id or passage.document or passage.chunk_id or passage.text
        if unit == "document" and name in seen:
            continue
        found.append(relevant[key] if key and name not in seen else 0.0)
        seen.add(name)
    return found


def key_of(passage: Passage, relevant: Mapping[str, float]) -> str:
    """Return what the example calls the passage's document, or an empty text where it is not relevant.

    A document goes by its id, its name, the last part of its name, and that without its ending; a passage also by its id.
    """
    path = PurePosixPath(passage.document) if passage.document else None
    names: Sequence[str] = (
        passage.chunk_id,
        passage.document_id,
        passage.document,
        *((path.name, path.stem) if path else ()),
    )
    return next((n for n in names if n and n in relevant), "")
