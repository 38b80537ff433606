"""Every fact of the founding documents is reachable, says whose word it is, and names no file of its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from groundwork.core.errors import NotFoundError
from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.types import Catalogue, LeftOut
from tests.data_sets import ROOT

IDS = [
    line
    for line in Path(__file__).with_name("fact_ids.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
ORIGINS = {None: "stated", "seed": "stated", "inferred": "inferred", "proposal": "ours"}


def test_the_list_holds_every_id_once() -> None:
    assert len(IDS) == len(set(IDS)) == 220


def test_every_fact_is_reachable_and_nothing_is_left_out(loaded: Loaded) -> None:
    for identifier in IDS:
        view = loaded.fact(identifier)
        assert view.says
        assert view.sources, identifier
        assert view.carried_by, identifier
        assert not view.left_out
        for kind, carrier in view.carried_by:
            assert any(entry.id == carrier for entry in getattr(loaded.catalogue, kind))


def test_the_views_are_the_facts_of_the_documents_and_one_of_ours(loaded: Loaded) -> None:
    assert {view.id for view in loaded.facts()} == {*IDS, "curriculum-data-share"}
    assert loaded.fact("curriculum-data-share").origin == "ours"


def test_every_fact_of_the_file_has_its_source_and_its_origin(loaded: Loaded) -> None:
    path = ROOT.parent / "pathways_facts.yaml"
    if not path.is_file():
        pytest.skip("the facts file is not beside the data sets")
    raw = yaml.safe_load(path.read_text("utf-8"))
    documents = {source["file"]: source["id"] for source in raw["sources"]}
    entries = list(_entries(raw))
    assert [entry["id"] for entry, _ in entries] == IDS
    for entry, inherited in entries:
        view = loaded.fact(entry["id"])
        named = entry.get("source", inherited)
        if named:
            wanted = [documents[name] for name in ([named] if isinstance(named, str) else named)]
            assert set(wanted) <= set(view.sources), entry["id"]
        assert view.origin == ORIGINS[entry.get("origin")], entry["id"]


def test_no_text_names_a_file_of_a_source(loaded: Loaded) -> None:
    text = str(loaded.content)
    assert ".txt" not in text
    assert "pathways_facts" not in text


def test_market_claims_carry_a_date_and_a_source(loaded: Loaded) -> None:
    claims = [view for view in loaded.facts() if view.section == "market"]
    assert len(claims) == 6
    assert all(view.dated and view.sources for view in claims)
    assert loaded.fact("growth-2024").dated == "2024"
    assert loaded.fact("pay-us-entry").details["usd_per_year_min"] == 120000


def test_an_unknown_fact_is_answered_with_the_nearest(loaded: Loaded) -> None:
    with pytest.raises(NotFoundError) as caught:
        loaded.fact("gap-no-hour")
    assert "`gap-no-hours`" in caught.value.hint


def test_a_fact_that_is_left_out_says_why() -> None:
    view = Loaded(Catalogue(left_out=(LeftOut(id="some-fact", reason="it is out of date"),))).fact(
        "some-fact"
    )
    assert view.left_out == "it is out of date"
    assert not view.carried_by


def _entries(node: Any, source: Any = None) -> Any:
    """Yield every mapping with an id, and the source that stands around it."""
    if isinstance(node, dict):
        source = node.get("source", source)
        if "id" in node:
            yield node, (None if node.get("file") else source)
        for value in node.values():
            yield from _entries(value, source)
    elif isinstance(node, list):
        for value in node:
            yield from _entries(value, source)
