"""Send every ticket through the gateway and print what comes back. You need not change this file.

python desk.py forms     every reply has to fit schema.json
python desk.py tools     the model has to call one of the functions of tools.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from groundwork.app.calling import caller_of
from groundwork.app.workspace import Workspace
from groundwork.core.errors import GroundworkError
from groundwork.core.principal import LOCAL
from groundwork.gateway.dialects.openai_chat import OpenAIChat

HERE = Path(__file__).parent


def body(part: str, ticket: str) -> dict[str, Any]:
    """Return what a client of OpenAI's would send to `/v1/chat/completions`."""
    asked = {"model": f"lab-desk/{part}", "messages": [{"role": "user", "content": ticket}]}
    if part == "tools":
        return {**asked, "tools": _json("tools.json"), "tool_choice": "required"}
    schema = {"name": "ticket", "schema": _json("schema.json")}
    return {**asked, "response_format": {"type": "json_schema", "json_schema": schema}}


def run(workspace: Workspace, part: str) -> None:
    """Send every ticket once."""
    for ticket in (HERE / "tickets.txt").read_text(encoding="utf-8").splitlines():
        print(ticket)
        try:
            reply = workspace.gateway.complete(OpenAIChat().parse(body(part, ticket)), caller_of(LOCAL))
        except GroundworkError as error:
            print(f"    refused: {error.message}")
            continue
        print("    " + "".join([reply.text, *(f"{c.name} {c.arguments}" for c in reply.tool_calls)]))


def _json(name: str) -> Any:
    try:
        return json.loads((HERE / name).read_text(encoding="utf-8"))
    except ValueError as error:
        sys.exit(f"{name} is not valid JSON: {error}")


if __name__ == "__main__":
    if sys.argv[1:] not in (["forms"], ["tools"]):
        sys.exit(__doc__)
    with Workspace.open(HERE) as opened:
        run(opened, sys.argv[1])
