"""Each fault mended at its part, each question asked again."""

from __future__ import annotations

from groundwork.pathways.labs.fault_hunt import PASSAGES, PROMPT
from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    apps = learner.draw["apps"]
    spec = learner.read("groundwork.toml").replace("/hasty", "/careful")
    kept = [line for line in spec.splitlines(keepends=True) if not line.startswith("exclude")]
    learner.write("groundwork.toml", "".join(kept))
    for app, drawn in apps.items():
        if drawn["fault"] == "prompt":
            (learner.root / "prompts" / f"{app}.md").write_text(PROMPT.replace("<body>\n", PASSAGES))
        elif drawn["fault"] == "context":
            learner("ingest", learner.folder / "documents" / app, "--index", app)
    for app, drawn in apps.items():
        answer = learner.json("ask", drawn["question"], "--app", app)
        assert f" {drawn['number']} " in answer["text"]
        short = app.removeprefix("lab-")
        learner.answer(f"fault_{short}", drawn["fault"])
        learner.answer(f"number_{short}", drawn["number"])
