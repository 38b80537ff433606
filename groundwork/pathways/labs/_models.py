"""Scripted models for labs: what they say to each question is settled when the lab is drawn, and costs what is drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

NOTHING = "NO ANSWER"
"""What a model says that finds no answer in the passages; see the prompt `answer`."""


def beside_the_point(facts: Sequence[Mapping[str, Any]], fact: Mapping[str, Any]) -> str:
    """Return another sentence of the same document: true, supported, and no answer to the question."""
    return next(str(f["sentence"]) for f in facts if f["topic"] == fact["topic"] and f["id"] != fact["id"])


def script(
    facts: Sequence[Mapping[str, Any]], said: Mapping[str, str], usage: Sequence[int] = ()
) -> dict[str, Any]:
    """Return the script of a model that answers each fact's question rightly, but for those in `said`.

    Args:
        said: what it says instead, by the id of the fact.
        usage: tokens that each call reads and writes; empty: counted.
    """
    rules = []
    for fact in facts:
        text = said.get(str(fact["id"]), f"{fact['sentence']} [1]")
        rule: dict[str, Any] = {"when": fact["question"], "text": text}
        rules.append({**rule, "usage": list(usage)} if usage else rule)
    return {"rules": rules, "replies": [NOTHING]}


def missing_the_point(facts: Sequence[Mapping[str, Any]], wrong: Collection[str]) -> dict[str, str]:
    """Return what a model says to the facts of these ids that answers beside the point."""
    return {str(f["id"]): f"{beside_the_point(facts, f)} [1]" for f in facts if f["id"] in wrong}


def app(index: str, model: str, **more: Any) -> dict[str, Any]:
    """Return the table of an app that lets a model answer from one passage, and nobody when the model fails."""
    return {"index": index, "strategy": "lexical", "passages": 1, "model": model, "fallback": "none", **more}


def index() -> dict[str, Any]:
    """Return the table of an index for a handful of short pages: exact, one passage a page, no encoder."""
    return {"backend": "memory", "embedder": "none", "chunker": "whole"}
