"""Every retriever on the shelf keeps the contract."""

from __future__ import annotations

import pytest

from groundwork.knowledge.retrievers import RETRIEVERS, Retriever
from groundwork.testing.retriever import RetrieverContract


@pytest.fixture(scope="class", params=RETRIEVERS.names())
def retriever(request: pytest.FixtureRequest) -> Retriever:
    return RETRIEVERS.make(request.param)


class TestEveryRetriever(RetrieverContract):
    """The contract itself."""
