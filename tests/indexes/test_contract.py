"""Every index on the shelf keeps the contract, and `lance` also where it searches by groups instead of a matrix."""

from __future__ import annotations

import pytest

from groundwork.knowledge.indexes import INDEXES
from groundwork.testing.index import IndexContract


class TestEveryIndex(IndexContract):
    @pytest.fixture(params=INDEXES.names())
    def index_name(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)


class TestLanceByGroups(IndexContract):
    @pytest.fixture
    def index_name(self, monkeypatch: pytest.MonkeyPatch) -> str:
        from groundwork.knowledge.indexes import _lance_writing, _vectors

        monkeypatch.setattr(_lance_writing, "VECTORS_FROM", 1)
        monkeypatch.setattr(_vectors, "GROUPS_FROM", 8)
        return "lance"
