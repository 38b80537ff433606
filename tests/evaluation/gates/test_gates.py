"""Plans are stored before anything runs, verdicts name them, and what people override is kept with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
)
from groundwork.core.principal import LOCAL, Principal
from groundwork.datasets.types import Example
from groundwork.evaluation.gates.gates import Gates, power_of
from groundwork.evaluation.judges.types import Trust
from tests.evaluation.gates.columns import gate
from tests.evaluation.gates.house import GATE, house, recorded, sides

OTHER = Principal(tenant="other", name="ann", owner=True, role="admin")
BUILDER = Principal(name="bob", role="builder")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with house(tmp_path) as made:
        yield made


@pytest.fixture
def gates(workspace: Workspace) -> Gates:
    return workspace.evaluation.gates


def test_a_gate_runs_from_plan_to_verdict_and_is_not_paid_twice(workspace: Workspace, gates: Gates) -> None:
    old, new = sides(workspace.root)
    planned = gates.plan(LOCAL, "quality", candidate=new, baseline=old)
    first = gates.run(LOCAL, "quality", candidate=new, baseline=old)
    assert first.outcome == "promote"
    assert (first.plan, first.planned_at) == (planned.digest, planned.created_at)
    book = workspace.evaluation.book
    assert all(book.get(LOCAL, e).created_at >= planned.created_at for e in (first.baseline, first.candidate))
    again = gates.run(LOCAL, "quality", candidate=new, baseline=old)
    assert (again.baseline, again.candidate, again.outcome) == (
        first.baseline,
        first.candidate,
        first.outcome,
    )
    assert again.earlier == 0
    assert gates.verdict(LOCAL, first.id) == first
    assert gates.verdict(LOCAL, "last").id == again.id
    assert [v.id for v in gates.verdicts(LOCAL, gate="quality")] == [again.id, first.id]
    json.dumps(first.as_dict(), allow_nan=False)


def test_the_plan_depends_on_everything_that_decides(workspace: Workspace, gates: Gates) -> None:
    old, new = sides(workspace.root)
    plan = gates.plan(LOCAL, "quality", candidate=new, baseline=old)
    assert plan.digest == gates.plan(LOCAL, "quality", candidate=new, baseline=old).digest
    assert plan.n == 120
    assert "80" in plan.power["words"]
    assert gates.stored_plan(LOCAL, plan.digest[:12]) == plan
    turned = gates.plan(LOCAL, "quality", candidate=old, baseline=new)
    workspace.datasets.create(
        LOCAL, "golden", [Example(f"exm_{i:04}", str(i), str(2 * i)) for i in range(50)]
    )
    newer = gates.plan(LOCAL, "quality", candidate=new, baseline=old)
    assert len({plan.digest, turned.digest, newer.digest}) == 3


def test_evaluations_from_before_the_plan_are_refused_and_never_promote(
    workspace: Workspace, gates: Gates
) -> None:
    old, new = sides(workspace.root)
    done = [workspace.evaluate(word, dataset="golden", scorers=["correct", "latency"]) for word in (old, new)]
    ids = {"baseline": done[0].id, "candidate": done[1].id}
    with pytest.raises(ConflictError, match="began before the plan"):
        gates.run(LOCAL, "quality", **ids)
    found = gates.run(LOCAL, "quality", posthoc=True, **ids)
    assert (found.outcome, found.posthoc) == ("insufficient", True)
    assert "does not hold" in found.statement
    assert found.checks[0].state == "pass"


def test_the_same_thing_on_both_sides_and_a_missing_baseline_are_refused(
    workspace: Workspace, gates: Gates
) -> None:
    old, new = sides(workspace.root)
    with pytest.raises(InvalidInputError, match="the same thing"):
        gates.plan(LOCAL, "quality", candidate=old, baseline=old)
    with pytest.raises(InvalidInputError, match="nothing stands in `production`"):
        gates.plan(LOCAL, "quality", candidate=new)
    with pytest.raises(NotFoundError, match="no gate `qualify`") as told:
        gates.plan(LOCAL, "qualify", candidate=new, baseline=old)
    assert "quality" in told.value.hint


def test_other_scorers_on_one_side_are_refused(workspace: Workspace, gates: Gates) -> None:
    old, new = sides(workspace.root)
    strict = {"name": "correct", "f1": 0.9}
    one = workspace.evaluate(old, dataset="golden", scorers=[strict, "latency"])
    other = workspace.evaluate(new, dataset="golden", scorers=["correct", "latency"])
    with pytest.raises(ConflictError, match="not the same on both sides"):
        gates.run(LOCAL, "quality", baseline=one.id, candidate=other.id, posthoc=True)


def test_a_metric_without_a_scorer_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with house(tmp_path, GATE.replace("p95(latency)", "p95(cost)")) as workspace:
        old, new = sides(workspace.root)
        with pytest.raises(InvalidInputError, match="names no scorer"):
            workspace.evaluation.gates.run(LOCAL, "quality", candidate=new, baseline=old)
        assert workspace.evaluation.book.list(LOCAL) == []


def test_an_empty_split_is_an_error_and_no_pass(tmp_path: Path) -> None:
    with house(
        tmp_path, GATE.replace('dataset = "golden"', 'dataset = "golden"\nsplit = "validation"')
    ) as workspace:
        old, new = sides(workspace.root)
        with pytest.raises(InvalidInputError):
            workspace.evaluation.gates.run(LOCAL, "quality", candidate=new, baseline=old)


def test_a_candidate_that_brings_nothing_is_rejected_and_a_broken_baseline_shows_nothing(
    workspace: Workspace, gates: Gates
) -> None:
    old, _ = sides(workspace.root)
    dead = recorded(workspace.root / "dead.jsonl", lambda i: True, broken=True)
    found = gates.run(LOCAL, "quality", candidate=dead, baseline=old)
    assert found.outcome == "reject"
    turned = gates.run(LOCAL, "quality", candidate=old, baseline=dead)
    assert turned.outcome != "promote"
    assert any("Run it again" in r for r in turned.reasons)


def test_an_override_takes_a_role_and_a_reason_and_is_kept(workspace: Workspace, gates: Gates) -> None:
    old, bad = sides(workspace.root, better=False)
    found = gates.run(LOCAL, "quality", candidate=bad, baseline=old)
    with pytest.raises(ForbiddenError, match="`builder`"):
        gates.override(BUILDER, found.id, "I would like to ship it today")
    with pytest.raises(InvalidInputError, match="10 to 2,000 characters, not 5"):
        gates.override(LOCAL, found.id, "  just   ".strip() + "!")
    made = gates.override(LOCAL, found.id, "the old index is unlawful to keep")
    stored = gates.verdict(LOCAL, found.id)
    assert (stored.outcome, stored.passed, stored.overridden) == ("reject", False, True)
    assert stored.overrides == (made,)
    assert (made.principal, made.role) == ("local", "admin")
    with pytest.raises(ConflictError, match="before"):
        gates.override(LOCAL, found.id, "and once more for good measure")
    _, new = sides(workspace.root)
    good = gates.run(LOCAL, "quality", candidate=new, baseline=old)
    assert good.earlier == 1
    assert "1 other plan" in good.statement
    with pytest.raises(ConflictError, match="nothing to override"):
        gates.override(LOCAL, good.id, "it passed already, but still")


def test_nobody_sees_the_verdicts_of_another_tenant(workspace: Workspace, gates: Gates) -> None:
    old, new = sides(workspace.root)
    found = gates.run(LOCAL, "quality", candidate=new, baseline=old)
    assert gates.verdicts(OTHER) == []
    for ref in (found.id, found.id[:12], "last"):
        with pytest.raises(NotFoundError):
            gates.verdict(OTHER, ref)
    with pytest.raises(NotFoundError):
        gates.stored_plan(OTHER, found.plan)
    with pytest.raises(NotFoundError):
        gates.override(OTHER, found.id, "a reason that is long enough")


def test_a_judged_metric_waits_for_a_card(workspace: Workspace, gates: Gates) -> None:
    from groundwork.evaluation.gates.judging import trust_in

    spec = gate(unattended=True)
    scorers = {"correct": {"name": "judge", "parameters": {"judge": "strict"}, "version": 1}}
    earned = Trust("strict", "v1", gates=True, unattended=True, card_id="jcd_1")
    for trust, planned, allowed in (
        (earned, "v1", True),
        (replace(earned, unattended=False, reason="kappa is .45; .60 decides alone"), "v1", False),
        (earned, "v0", False),
    ):
        judges, untrusted = trust_in(LOCAL, spec, scorers, {"strict": planned}, lambda p, name, t=trust: t)  # type: ignore[misc]
        assert judges["strict"]["allowed"] is allowed
        assert ("correct" in untrusted) is not allowed

    mixed = trust_in(
        LOCAL, spec, scorers, {"strict": "v1"}, lambda p, name: earned, {"correct": {"v0", "v1"}}
    )
    assert "another version" in mixed[1]["correct"]

    def nobody(principal: Principal, name: str) -> Trust:
        raise NotFoundError(f"there is no judge `{name}`")

    assert "has no card" in trust_in(LOCAL, spec, scorers, {}, nobody)[1]["correct"]


def test_power_is_said_before_a_run() -> None:
    told = power_of(gate(primary={"metric": "correct", "effect": 0.1}), 200)
    assert 0.5 < told["power"] < 1
    assert told["needed_n"] == 124
    assert power_of(gate(), 0)["power"] == 0


@dataclass
class _Job:
    """What a handler sees of its job."""

    arguments: dict[str, object]
    principal: Principal = LOCAL
    told: list[object] = field(default_factory=list)

    def progress(self, report: object) -> None:
        self.told.append(report)

    def cancelled(self) -> bool:
        return False


def test_a_job_runs_a_gate_and_its_result_names_the_verdict(workspace: Workspace, gates: Gates) -> None:
    from groundwork.app.gating import work

    old, new = sides(workspace.root)
    arguments = {
        "gate": "quality",
        "candidate": new,
        "baseline": old,
        "environment": "production",
        "posthoc": False,
    }
    job = _Job(dict(arguments))
    done = work(workspace, job)  # type: ignore[arg-type]
    assert done["outcome"] == "promote"
    assert gates.verdict(LOCAL, done["verdict"]).candidate
    assert {t["stage"] for t in job.told} == {"baseline", "candidate"}  # type: ignore[index]
    # A second run of the same job, after a crash, pays nothing and decides the same.
    again = work(workspace, _Job(dict(arguments)))  # type: ignore[arg-type]
    assert gates.verdict(LOCAL, again["verdict"]).candidate == gates.verdict(LOCAL, done["verdict"]).candidate
