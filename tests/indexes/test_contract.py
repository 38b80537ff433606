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
    # The thresholds are lowered in this process only, so what other processes do is tested above.
    test_readers_and_writers_in_many_processes_lose_nothing = None
    test_eight_processes_lose_nothing = None
    test_a_killed_writer_leaves_whole_versions_only = None
    test_a_writer_killed_many_times_leaves_whole_versions_only = None

    @pytest.fixture
    def index_name(self, monkeypatch: pytest.MonkeyPatch) -> str:
        from groundwork.knowledge.indexes import _lance_writing, _vectors

        monkeypatch.setattr(_lance_writing, "VECTORS_FROM", 1)
        monkeypatch.setattr(_vectors, "GROUPS_FROM", 8)
        return "lance"
