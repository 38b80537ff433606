"""The first ninety days beside a plan: dated from its start, for the targets of the document that has them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.pathways.walking.ninety import DatedAction, ninety_days

START = date(2027, 1, 4)


def _dated(root: Path, start_from: str, target: str) -> tuple[DatedAction, ...]:
    with Workspace.init(root) as workspace:
        room = workspace.pathways
        plan = room.walk.plan(
            LOCAL, start_from=start_from, target=target, hours=8.0, start=START, store=False
        )
        return ninety_days(plan, room.catalogues.current())


def test_the_twelve_actions_are_dated_from_the_start_of_the_plan(tmp_path: Path) -> None:
    dated = _dated(tmp_path, "cloud platform engineer", "ai systems engineer")
    assert len(dated) == 12
    assert {(a.start, a.end) for a in dated} == {
        (START, date(2027, 2, 2)),
        (date(2027, 2, 3), date(2027, 3, 4)),
        (date(2027, 3, 5), date(2027, 4, 3)),
    }
    assert [a.action for a in dated if a.attested] == ["d30-communities"]


@pytest.mark.parametrize("target", ["ml engineer", "data scientist"])
def test_a_way_of_another_document_has_no_ninety_days(tmp_path: Path, target: str) -> None:
    assert _dated(tmp_path, "software engineer", target) == ()
