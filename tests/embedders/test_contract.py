"""Every embedder on the shelf keeps the contract."""

from __future__ import annotations

import pytest

from groundwork.core.digest import digest_bytes
from groundwork.knowledge.embedders import EMBEDDERS, Embedder
from groundwork.knowledge.embedders.lsa import fit
from groundwork.models.weights import MINILM, is_present
from groundwork.testing.embedder import TEXTS, EmbedderContract

CASES = [("minilm", {"precision": p, "threads": t}) for p, t in (("int8", 3), ("fp32", 2))] + [("lsa", {})]


@pytest.fixture(
    scope="class", params=CASES, ids=lambda case: "-".join([case[0], *map(str, case[1].values())])
)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    name, parameters = request.param
    if name == "minilm" and not is_present(MINILM):
        pytest.skip("the weights of MiniLM are not here")
    if name == "lsa":
        artefact = fit([*TEXTS, "fuel of rockets", "the library has a budget", "rockets and libraries"] * 3)
        parameters = {"artefact": digest_bytes(artefact), "read": lambda _: artefact}
    return EMBEDDERS.make({"name": name, **parameters})


def test_every_embedder_on_the_shelf_is_tested() -> None:
    assert {name for name, _ in CASES} == set(EMBEDDERS.names())


class TestEveryEmbedder(EmbedderContract):
    """The contract itself."""
