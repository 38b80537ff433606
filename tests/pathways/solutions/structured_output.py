"""Both schemas with all their rules, the tickets sent twice, and what was refused."""

from __future__ import annotations

import json
import runpy

from groundwork.pathways.labs.structured_output import ACTIONS, schema_of
from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    learner.write("schema.json", json.dumps(schema_of(draw)))
    learner.write("tools.json", json.dumps([_tool(name) for name in draw["actions"]]))
    run = runpy.run_path(str(learner.folder / "desk.py"))["run"]
    run(learner.workspace, "forms")
    run(learner.workspace, "tools")
    learner.answer("refused", draw["refused_order"])
    learner.answer("euros", draw["total"])
    learner.answer("invented", draw["strange_action"])


def _tool(name: str) -> dict[str, object]:
    argument = ACTIONS[name][1]
    properties = {"order": {"type": "string"}, argument: {"type": "integer"}}
    parameters = {"type": "object", "required": ["order", argument], "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}
