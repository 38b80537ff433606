"""Every reader on the shelf keeps the contract; the extractive one with and without its encoder."""

from __future__ import annotations

from typing import Any

import pytest

from groundwork.answers.readers import READERS, Reader
from groundwork.models.weights import MINILM, is_present
from groundwork.testing.reader import ReaderContract

_SPECS: list[Any] = [
    *READERS.names(),
    {"name": "extractive", "encoder": "none"},
    pytest.param(
        {"name": "extractive", "encoder": "minilm"},
        marks=pytest.mark.skipif(
            not is_present(MINILM), reason="the weights of MiniLM are not on this machine"
        ),
    ),
]


@pytest.mark.parametrize("spec", _SPECS, ids=str)
class TestReaders(ReaderContract):
    @pytest.fixture
    def reader(self, spec: Any) -> Reader:
        return READERS.make(spec)
