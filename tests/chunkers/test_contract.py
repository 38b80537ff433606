"""Every chunker on the shelf keeps the contract, at its defaults and at the smallest size it accepts."""

from __future__ import annotations

import pytest

from groundwork.knowledge.chunkers import CHUNKERS, Chunker
from groundwork.testing.chunker import ChunkerContract

SMALL = {
    "structure": {"max_chars": 64, "target_chars": 50, "min_chars": 10},
    "sentences": {"max_chars": 64},
    "fixed_tokens": {"max_tokens": 16, "overlap_tokens": 8},
    "whole": {"max_chars": 64},
}
CASES: list[tuple[str, dict[str, int]]] = [(name, {}) for name in CHUNKERS.names()] + list(SMALL.items())


@pytest.fixture(
    scope="module", params=CASES, ids=lambda case: f"{case[0]}-{'small' if case[1] else 'default'}"
)
def chunker(request: pytest.FixtureRequest) -> Chunker:
    name, parameters = request.param
    return CHUNKERS.make({"name": name, **parameters})


class TestEveryChunker(ChunkerContract):
    """The contract itself."""
