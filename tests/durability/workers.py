"""What a child process of a test does: `python -m tests.durability.workers write|read|replay …`; prints one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundwork.app.workspace import Workspace
from groundwork.core.errors import NotFoundError

QUESTION = "which word was written in the round"


def write(root: str, folder: str, rounds: str) -> dict[str, Any]:
    """Write files of one's own and ingest them, round by round; every round must be readable right after it."""
    place, name = Path(folder), Path(folder).name
    place.mkdir(parents=True)
    missing: list[str] = []
    with Workspace.open(Path(root)) as workspace:
        for number in range(int(rounds)):
            word = f"{name}round{number}"
            (place / f"{word}.md").write_text(
                f"# Round {number} of {name}\n\nThe word {word} was written in this round.\n"
            )
            workspace.ingest([place])
            hits = workspace.search(word, strategy="lexical", k=3).hits
            if not any(word in h.text for h in hits):
                missing.append(word)
    return {"missing": missing}


def read(root: str, stop: str) -> dict[str, Any]:
    """Search until the file `stop` is there; the number of documents may never fall, and every hit must say
    what it quotes."""
    searches, wrong, most = 0, [], 0
    with Workspace.open(Path(root)) as workspace:
        while not Path(stop).exists():
            try:
                result = workspace.search(QUESTION, strategy="lexical", k=20)
            except NotFoundError:
                continue  # nothing has been published yet
            count = workspace.snapshot("default", result.snapshot).documents
            if count < most or any("round" not in h.text.lower() for h in result.hits):
                wrong.append([count, most])
            most = max(most, count)
            searches += 1
    return {"searches": searches, "wrong": wrong, "documents": most}


def replay(root: str) -> dict[str, Any]:
    """Replay every recorded answer; return the results with their number, and the first differences."""
    results: dict[str, int] = {}
    differences: list[Any] = []
    with Workspace.open(Path(root)) as workspace:
        for answer in workspace.answers(limit=1000):
            replayed = workspace.replay(answer.id)
            results[replayed.result] = results.get(replayed.result, 0) + 1
            if replayed.result != "identical":
                differences.append([answer.question, [str(d) for d in replayed.differences]])
    return {"results": results, "differences": differences[:5]}


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {"write": write, "read": read, "replay": replay}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
