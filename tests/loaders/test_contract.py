"""Every loader on the shelf keeps the contract."""

from __future__ import annotations

import pytest

from groundwork.knowledge.loaders import LOADERS, Loader
from groundwork.knowledge.loaders import _ocr as ocr
from groundwork.testing.loader import LoaderContract, LoaderSample
from tests.loaders.samples import SAMPLES, sample_of


@pytest.fixture(scope="class", params=LOADERS.names())
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "image" and not ocr.available():
        pytest.skip("the program `tesseract` is not installed")
    return str(request.param)


@pytest.fixture(scope="class")
def loader(name: str) -> Loader:
    return LOADERS.make(name)


@pytest.fixture(scope="class")
def sample(name: str) -> LoaderSample:
    return sample_of(name)


class TestEveryLoader(LoaderContract):
    """The contract itself."""


def test_every_loader_has_a_sample() -> None:
    assert set(SAMPLES) == set(LOADERS.names())
