"""Every reader on the shelf keeps the contract; the extractive one with and without its encoder."""

from __future__ import annotations

from typing import Any

import pytest

from groundwork.answers.readers import READERS, Reader
from groundwork.models.weights import MINILM, is_present
from groundwork.testing.reader import ReaderContract
from tests.answers.models import Models, copies

_SPECS: list[Any] = [
    *(n for n in READERS.names() if n != "generative"),
    {"name": "generative", "model": "lab/copies", "encoder": "none", "gateway": Models([copies])},
    {"name": "extractive", "encoder": "none"},
    pytest.param(
        {"name": "extractive", "encoder": "minilm"},
        marks=pytest.mark.skipif(
            not is_present(MINILM), reason="the weights of MiniLM are not on this machine"
        ),
    ),
]


@pytest.mark.parametrize(
    "spec", _SPECS, ids=lambda s: s if isinstance(s, str) else f"{s['name']}-{s['encoder']}"
)
class TestReaders(ReaderContract):
    @pytest.fixture
    def reader(self, spec: Any) -> Reader:
        return READERS.make(spec)
