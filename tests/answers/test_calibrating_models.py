"""Calibration of an app that asks models: the same promise, and for a cascade the confidence under which it goes on."""

from __future__ import annotations

import json
import re
from pathlib import Path

from groundwork.answers.pipeline import ESCALATE
from groundwork.gateway.types import ChatRequest
from tests.answers.models import Models, give
from tests.workspaces import light_workspace, write

SPEC = """\
[indexes.default]
backend = "memory"
embedder = "none"
[apps.default]
cascade = ["lab/small", "lab/large"]
"""
ROOMS = {f"rooms/{n}.md": f"# Room {n}\n\nRoom {n} has {n + 3} chairs and a screen.\n" for n in range(1, 151)}


def test_a_cascade_is_calibrated_in_two_rounds_and_used_as_it_was_calibrated(tmp_path: Path) -> None:
    def says(request: ChatRequest) -> str:
        asked = re.search(r"Question: .*room (\d+)", request.messages[-1].text)
        number = int(asked[1]) if asked else 0
        if number > 150:
            return "NO ANSWER"
        if request.model == "lab/small" and number % 3 == 0:
            return "Every room is painted in a warm yellow."
        place = re.search(rf"^\[(\d+)\][^\n]*\n<passage>\n# Room {number}\n", request.messages[-1].text, re.M)
        return f"Room {number} has {number + 3} chairs [{place[1] if place else 1}]."

    questions = [
        {"question": f"How many chairs has room {n}?", "answers": [f"{n + 3} chairs"]} for n in range(1, 151)
    ]
    questions += [{"question": f"How many chairs has room {n}?", "answers": []} for n in range(151, 215)]
    labels = tmp_path / "labels.jsonl"
    labels.write_text("\n".join(map(json.dumps, questions)))
    with light_workspace(tmp_path / "ws", SPEC) as workspace:
        workspace.ingest([write(tmp_path / "docs", ROOMS)])
        models = Models([says])
        give(workspace, models)
        found = workspace.calibrate(labels, target_risk=0.2)
        assert found.threshold is not None
        assert found.risk.value <= 0.2
        escalate = float(found.holds_for[ESCALATE])
        answer = workspace.ask("How many chairs has room 6?")
        assert answer.calibration == found.id
        assert answer.settings["escalate_below"] == escalate
        assert [e.reason for e in answer.exchanges] == ["first", "escalation"]
        assert answer.served_by == "lab/large"
        before = len(models.calls)
        assert workspace.replay(answer.id).result == "identical"
        assert len(models.calls) == before
