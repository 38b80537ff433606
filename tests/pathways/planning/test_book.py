"""The planner of a workspace: plans are kept as versions of their owner, and bad wishes are answered clearly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from groundwork.core.clock import ManualClock
from groundwork.core.digest import canonical_json
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.pathways.catalogue.book import CatalogueBook
from groundwork.pathways.planning.book import Planner
from groundwork.pathways.planning.types import Plan
from groundwork.storage.database import Database
from groundwork.storage.pathway_tables import lab_runs, proofs
from tests.workspaces import light_workspace

ANN = Principal(name="user:ann", owner=True, role="operator")
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
WAY = {"start_from": "ml engineer", "target": "ai engineer", "hours": 10}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with light_workspace(tmp_path_factory.mktemp("planned") / "home") as workspace:
        yield workspace.rooms.database


@pytest.fixture
def planner(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Planner:
    clock = ManualClock(NOW)
    return Planner(database, clock, CatalogueBook(database, clock, tmp_path))


@pytest.fixture
def me(request: pytest.FixtureRequest) -> Principal:
    """A person of this test alone."""
    return Principal(name=f"user:{request.node.name[:60]}", owner=True, role="operator")


def test_equal_inputs_give_the_same_plan_and_a_change_a_new_version(planner: Planner, me: Principal) -> None:
    one = planner.plan(me, **WAY)
    again = planner.plan(me, **WAY)
    assert canonical_json(one.as_dict()) == canonical_json(again.as_dict())
    other = planner.plan(me, **{**WAY, "hours": 5})
    assert other.id != one.id
    assert other.previous == one.id
    assert [p.id for p in planner.plans(me)].count(one.id) == 1
    assert planner.get(me, one.id) == one
    assert planner.get(me, one.id[:12]) == one


def test_a_plan_that_is_asked_for_again_is_the_latest_again(planner: Planner, me: Principal) -> None:
    first = planner.plan(me, **WAY)
    planner._clock.advance(60)  # type: ignore[attr-defined]
    second = planner.plan(me, **{**WAY, "hours": 5})
    assert planner.latest(me) == second
    planner._clock.advance(60)  # type: ignore[attr-defined]
    assert planner.plan(me, **WAY) == first
    assert planner.latest(me) == first


def test_nobody_sees_the_plan_of_another(planner: Planner, me: Principal) -> None:
    mine = planner.plan(me, **WAY)
    for other in (ANN, Principal(tenant="elsewhere", name=me.name)):
        assert planner.latest(other) is None
        assert planner.plans(other) == []
        with pytest.raises(NotFoundError, match="you have no plan"):
            planner.get(other, mine.id)
        assert planner.plan(other, **WAY, store=False).id != mine.id


def test_a_plan_that_is_not_to_be_kept_is_not(planner: Planner, me: Principal) -> None:
    assert planner.plan(me, **WAY, store=False).items
    assert planner.latest(me) is None


def test_a_day_that_cannot_be_held_is_an_answer(planner: Planner, me: Principal) -> None:
    plan = planner.plan(me, **WAY, by=date(2027, 1, 31))
    assert plan.dropped
    assert plan.items
    assert plan.forecast.by_probability is not None
    assert plan.forecast.by_probability < 0.8
    assert plan.fits is not None
    assert plan.fits.by_probability is not None
    assert plan.fits.by_probability >= 0.8
    assert {c.kind for c in plan.changes} >= {"hours_per_week", "by"}
    hours = next(c.value for c in plan.changes if c.kind == "hours_per_week")
    fuller = planner.plan(me, **{**WAY, "hours": float(hours)}, by=date(2027, 1, 31))
    assert not fuller.dropped


def test_a_target_that_is_offered_instead_holds_when_it_is_planned(planner: Planner, me: Principal) -> None:
    by = date(2028, 6, 30)
    plan = planner.plan(
        me, start_from="cloud platform engineer", target="ai systems engineer", hours=8, by=by
    )
    other = next(c for c in plan.changes if c.kind == "target")
    nearer = planner.plan(me, start_from="cloud platform engineer", target=other.value, hours=8, by=by)
    assert nearer.forecast.by_probability == other.probability
    assert not nearer.dropped


def test_a_day_that_is_held_drops_nothing(planner: Planner, me: Principal) -> None:
    plan = planner.plan(me, **WAY, by=date(2030, 1, 1))
    assert (plan.dropped, plan.changes, plan.fits) == ((), (), None)
    assert plan.forecast.by_probability == 1.0
    assert plan.reviews[0] == date(2026, 12, 31)


def test_who_is_there_already_has_nothing_to_do(planner: Planner, me: Principal) -> None:
    plan = planner.plan(me, start_from="ml engineer", target="ml engineer", hours=5, by=date(2027, 1, 1))
    assert (plan.items, plan.hours, plan.method) == ((), 0.0, "exact")
    assert any("Nothing is left to do" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hours": 0}, "leave nothing to plan with"),
        ({"hours": -4}, "leave nothing to plan with"),
        ({"hours": 120}, "more than 100"),
        ({"by": date(2026, 11, 1)}, "is in the past"),
        ({"by": date(2027, 1, 1), "start": date(2027, 2, 1)}, "before the start"),
        ({"confidence": 1.5}, "cannot be"),
        ({"money": -1}, "is no limit of money"),
        ({"target": "software engineer", "start_from": "ml engineer"}, "does not say what"),
        ({"exceptions": ((date(2027, 2, 1), date(2027, 1, 1), 0.0),)}, "ends before it begins"),
    ],
)
def test_a_wish_that_cannot_be_planned_is_refused(
    planner: Planner, me: Principal, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says) as caught:
        planner.plan(me, **{**WAY, **changes})
    assert caught.value.hint
    assert planner.latest(me) is None


@pytest.mark.parametrize(
    "changes", [{"target": "ai enginer of sorts"}, {"start_from": "wizard"}, {"declared": ["magic"]}]
)
def test_unknown_names_offer_the_nearest(planner: Planner, me: Principal, changes: dict[str, object]) -> None:
    with pytest.raises(NotFoundError) as caught:
        planner.plan(me, **{**WAY, **changes})
    assert caught.value.hint


def test_the_difference_of_two_plans_is_said(planner: Planner, me: Principal) -> None:
    before = planner.plan(me, **WAY)
    after = planner.plan(me, **{**WAY, "hours": 4}, proven=["llm-apis"])
    found = planner.diff(before, after)
    assert "llm-apis" in found.removed
    assert found.p50_days > 0
    assert any("moved from" in line for line in found.sentences)
    assert planner.diff(before, before).sentences == ()


def test_finished_labs_teach_the_pace_and_move_the_forecast(planner: Planner, me: Principal) -> None:
    with pytest.raises(NotFoundError, match="no plan yet"):
        planner.forecast(me)
    planner.plan(me, **WAY)
    before = planner.forecast(me)
    labs = ("first-documents", "first-cited-answer", "retrieval-compared")
    for n, lab in enumerate(labs):
        _finished(planner, me, lab, 3.0, n)
    _finished(planner, me, "first-documents", 0.01, 9)  # a second time tells nothing
    _finished(planner, me, "prompt-versions", 0.01, 8, test_out=True)
    pace = planner.pace(me, 0.27)
    assert pace.n == 3
    assert pace.mean > 0.3
    after = planner.forecast(me)
    assert after.p50 > before.p50
    assert (after.p90 - after.p10).days / (after.p50 - NOW.date()).days < (before.p90 - before.p10).days / (
        before.p50 - NOW.date()
    ).days
    assert any("times slower" in note for note in planner.plan(me, **WAY).notes)


def test_what_was_proven_since_is_not_forecast_again(planner: Planner, me: Principal) -> None:
    planner.plan(me, **WAY)
    before = planner.forecast(me)
    with planner.database.write() as connection:
        row = {
            "id": f"prf_{me.name[:20]}", "tenant": me.tenant, "owner": me.name, "subject_kind": "milestone",
            "subject": "m-llm-api", "catalogue": "", "check_digest": "", "record": {}, "digest": "", "previous": "",
            "position": 1, "envelope": {}, "created_at": NOW.isoformat(),
        }  # fmt: skip
        connection.execute(insert(proofs).values(row))
    assert planner.forecast(me).p50 < before.p50


def test_extra_actions_join_the_plan(planner: Planner, me: Principal) -> None:
    plan = planner.plan(me, **WAY, extra=["d30-vector-db"])
    assert "d30-vector-db" in {item.milestone for item in plan.items}


def test_the_room_of_a_workspace_plans(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "home") as workspace:
        plan = workspace.pathways.planner.plan(LOCAL, **WAY)
        assert isinstance(plan, Plan)
        assert plan.items[0].start >= workspace.rooms.clock.now().date()
        assert plan.request["calendar"]["hours_per_week"] == 10.0


def _finished(
    planner: Planner, me: Principal, lab: str, times: float, n: int, *, test_out: bool = False
) -> None:
    from groundwork.pathways.labs import LABS

    estimated = LABS.get(lab.replace("-", "_"))().minutes
    at = (NOW + timedelta(hours=n)).isoformat()
    with planner.database.write() as connection:
        connection.execute(
            insert(lab_runs).values(
                id=f"lab_{me.name[5:20]}{n}",
                tenant=me.tenant,
                owner=me.name,
                lab=lab,
                version="",
                state="passed",
                test_out=test_out,
                draw={},
                points=1,
                total=1,
                minutes=estimated * times,
                started_at=at,
                finished_at=at,
            )
        )
