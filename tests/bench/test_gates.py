"""The simulations behind the gate: seeds, comparators, and the levels they are held to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from groundwork.bench import gates, gates_designs, powered
from groundwork.bench import worlds as w
from groundwork.bench.deciding import holm_first, p_values, scores_p, sign_flip_p
from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.clustered import sign_flip
from groundwork.evaluation.statistics.multiplicity import holm
from tests.cli.conftest import call
from tests.data_sets import data_set


def test_a_design_has_one_name_and_every_promised_kind_is_there() -> None:
    names = [d.name for d in gates_designs.designs()]
    assert len(set(names)) == len(names)
    kinds = "paired binary|clustered|non-inferiority|several candidates|guards|sequential, looked at every example"
    kinds += (
        "|canary, mirrored|canary, unpaired|bounded scores|mean is higher|fixed-n test looked at every 10"
    )
    for kind in kinds.split("|"):
        assert any(kind in name for name in names), kind
    clusters = {d.clusters for d in gates_designs.designs() if d.name.startswith("clustered")}
    assert clusters == {8, 10, 12, 16, 20, 30, 50}


def one_of_a_kind() -> Iterator[Any]:
    """Yield every design, all but the smallest of each procedure as slow."""
    least: dict[tuple[str, str], gates_designs.Design] = {}
    every = list(gates_designs.designs())
    for design in every:
        kind = (design.procedure, design.name.split(",")[0])
        if kind not in least or design.n < least[kind].n:
            least[kind] = design
    fast = {d.name for d in least.values()}
    for design in every:
        marks = () if design.name in fast else pytest.mark.slow
        yield pytest.param(design, id=design.name, marks=marks)


@pytest.mark.parametrize("design", list(one_of_a_kind()))
def test_every_design_decides_as_the_gate_does(design: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates_designs, "PLANNED", 40)
    monkeypatch.setattr(gates_designs, "CHECKED", 3)
    found = design.simulate(np.random.default_rng(1), 40)
    assert 0 <= found.false <= 40
    assert design.comparator or found.announced is not None
    assert not design.comparator or found.announced is None


def test_worlds_drawn_in_strata_are_fair() -> None:
    rng = np.random.default_rng(0)
    wins, losses = w.pairs(rng, 4000, 100, 0.2, 0.05)
    assert (wins + losses).mean() == pytest.approx(20, abs=0.1)
    assert (wins - losses).mean() == pytest.approx(5, abs=0.1)
    assert (wins - losses).std() == pytest.approx(np.sqrt(100 * (0.2 - 0.0025)), rel=0.03)
    clusters = w.Clusters((3, 1, 8, 2))
    x = w.scores(rng, 4000, clusters, 0.3, 0.25, 0.1, 0.5)
    assert x.mean() == pytest.approx(0.1, abs=0.005)
    assert x.std() == pytest.approx(0.25, rel=0.02)
    one, two = x[:, 0], x[:, 1]
    assert np.corrcoef(one, two)[0, 1] == pytest.approx(0.3, abs=0.05)
    assert np.corrcoef(one, x[:, 3])[0, 1] == pytest.approx(0, abs=0.05)


def test_many_worlds_are_decided_as_one_is() -> None:
    rng = np.random.default_rng(2)
    sums = rng.normal(0.3, 1, (5, 9))
    assert sign_flip_p(sums) == pytest.approx([sign_flip(row).p_value for row in sums])
    more = rng.normal(0.3, 1, (3, 14))
    assert sign_flip_p(more) == pytest.approx([sign_flip(row).p_value for row in more])
    drawn = rng.normal(0.3, 1, (3, 30))
    assert sign_flip_p(drawn) == pytest.approx([sign_flip(row).p_value for row in drawn])
    ps = rng.random((20, 4)) ** 3
    adjusted = np.asarray([[p <= 0.05 for p in holm(row.tolist())] for row in ps])
    assert (holm_first(ps, 0.05) == adjusted).all()
    assert p_values(np.asarray([3]), np.asarray([1])).tolist() == [1.0]
    assert scores_p(np.full((1, 30), 0.1), w.Clusters((1,) * 30)).tolist() == [0.0]


def test_equal_seeds_give_equal_figures_and_too_few_runs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [
        d for d in gates_designs.designs() if d.name.startswith(("paired binary, 50", "mean is higher, 20"))
    ]
    monkeypatch.setattr(gates_designs, "designs", lambda: iter(some))
    one, other = gates.run(200, 3), gates.run(200, 3)
    assert one["digest"] == other["digest"]
    assert gates.run(200, 4)["digest"] != one["digest"]
    assert one["comparators"][0]["false_promotion"] > 0.3
    assert one["designs"][0]["false_promotion"] < 0.1
    with pytest.raises(InvalidInputError):
        gates.run(5)


def test_the_command_prints_one_document_with_what_was_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [
        d for d in gates_designs.designs() if d.name.startswith(("paired binary, 20 ", "mean is higher, 20"))
    ]
    monkeypatch.setattr(gates_designs, "designs", lambda: iter(some))
    done = call("bench", "gates", "--simulate", "1000", "--json")
    assert done.code == 0
    for row in done.json["designs"]:
        assert {"design", "procedure", "n", "false_promotion", "power", "announced_power"} <= row.keys()
        assert row["false_promotion_low"] <= row["false_promotion"] <= row["false_promotion_high"]
    shown = call("bench", "gates", "--simulate", "1000").out
    assert "all hold" in shown
    assert "For comparison" in shown


def test_judged_means_hold_the_truth_on_frank_and_xstest() -> None:
    made = powered.run([data_set("frank"), data_set("xstest")], 500, (100, 200))
    real = [r for r in made["rows"] if not r["set"].startswith("made up")]
    assert len(real) == 10
    for row in real:
        assert 0.925 <= row["coverage"] <= 0.975, row
        assert row["width"] < row["width_human"]


def test_near_one_the_score_interval_holds_where_the_plain_one_does_not() -> None:
    rows = powered.run([], 800, (100,))["rows"]
    steep = next(r for r in rows if r["set"] == "made up, rate 0.85")
    assert steep["coverage"] > steep["coverage_t"]
    assert steep["coverage"] >= 0.935


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_no_design_promotes_wrongly_in_more_than_five_and_a_half_of_a_hundred(seed: int) -> None:
    made = gates.run(10_000, seed)
    for row in made["designs"]:
        assert row["false_promotion"] <= 0.055, row
        assert abs(row["power"] - row["announced_power"]) <= 0.03, row
    assert [r["false_promotion"] > 0.15 for r in made["comparators"]].count(True) >= 5
