"""Every importer on the shelf keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from groundwork.telemetry.importing import IMPORTERS, Importer
from groundwork.testing.trace_importer import ImporterContract
from tests.telemetry.importing.records import RECORDS


def test_every_importer_is_tested() -> None:
    assert set(RECORDS) == set(IMPORTERS.names())


@pytest.fixture(scope="module", params=IMPORTERS.names())
def shelved(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def importer(shelved: str) -> Importer:
    return IMPORTERS.make(shelved)


@pytest.fixture(scope="module")
def record(shelved: str) -> Mapping[str, Any]:
    return RECORDS[shelved]


class TestEveryImporter(ImporterContract):
    """The contract itself."""
