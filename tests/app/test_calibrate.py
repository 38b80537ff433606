"""Calibration through the front door: a labelled file becomes a threshold that answers say they stand on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import InvalidInputError
from tests.workspaces import light_workspace, write

ROOMS = [
    f"{colour} {kind}"
    for colour in ("Red", "Blue", "Green", "White", "Brown")
    for kind in ("hall", "tower", "barn")
]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    files = {
        f"{name.replace(' ', '-')}.md": f"# {name}\n\nThe {name.lower()} was built in {1800 + 3 * n}. "
        f"It has {5 + n} windows and {2 + n} doors. The owner of the {name.lower()} is family Number{n}.\n"
        for n, name in enumerate(ROOMS)
    }
    with light_workspace(tmp_path / "ws") as made:
        made.ingest([write(tmp_path / "docs", files)])
        yield made


def labelled(path: Path, unanswerable: int) -> Path:
    rows: list[dict[str, object]] = []
    for n, name in enumerate(ROOMS):
        place = name.lower()
        rows += [
            {"question": f"When was the {place} built?", "answers": [str(1800 + 3 * n)]},
            {"question": f"How many windows has the {place}?", "answers": [f"{5 + n} windows"]},
            {"question": f"Who is the owner of the {place}?", "answers": [f"Number{n}"]},
            {"question": f"How many doors does the {place} have?", "answers": [f"{2 + n} doors"]},
            {"question": f"In which year was the {place} built?", "answers": [str(1800 + 3 * n)]},
        ]
    planets = ("Mercury", "Venus", "Mars", "Jupiter", "Saturn", "Neptune")
    things = (
        "orbit",
        "gravity",
        "atmosphere",
        "temperature",
        "discovery",
        "magnetosphere",
        "ring system",
        "albedo",
    )
    empty = [{"question": f"What is the {t} of {p}?", "answers": []} for p in planets for t in things]
    path.write_text("\n".join(json.dumps(r) for r in rows + empty[:unanswerable]))
    return path


def test_a_calibrated_app_says_so_and_keeps_its_threshold(workspace: Workspace, tmp_path: Path) -> None:
    before = workspace.ask("When was the red tower built?")
    assert before.calibration is None
    calibration = workspace.calibrate(labelled(tmp_path / "q.jsonl", 40), target_risk=0.3)
    assert calibration.threshold is not None
    assert calibration.n == 75 + 40
    after = workspace.ask("When was the red tower built?")
    assert after.calibration == calibration.id
    assert after.threshold == calibration.threshold
    assert "1803" in after.text
    assert workspace.replay(before.id).result == "identical"
    assert len(workspace.answers()) == 2


def test_too_few_labelled_questions_are_refused_with_what_is_missing(
    workspace: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError):
        workspace.calibrate(labelled(tmp_path / "q.jsonl", 10))
    assert workspace.ask("When was the red tower built?").calibration is None
