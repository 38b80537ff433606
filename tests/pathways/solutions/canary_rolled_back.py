"""Put the harmful model in, send the traffic until the canary is taken back, ask once more."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    name = draw["name"]
    spec = learner.read("groundwork.toml")
    learner.write("groundwork.toml", spec.replace(f'"{name}/green"', f'"{name}/{draw["harmful"]}"'))
    learner("release", "create", name)
    learner("release", "canary", f"{name}@latest", "--to", "dev", "--share", "0.5")
    # The traffic comes through one open workspace: a command line for each question takes three times as long.
    releases = learner.workspace.releases
    for question in draw["traffic"]:
        learner.workspace.ask(question, app=name, environment="dev", principal=learner.principal)
        assert releases.trying.wait()
        if releases.trials.newest(learner.principal, name, "dev").state != "active":
            break
    status = learner.json("release", "canary", "status", name, "--to", "dev")
    assert status["deployment"]["state"] == "rolled_back"
    assert status["losses"] >= 7
    learner("ask", draw["traffic"][0], "--app", name, "--environment", "dev")
    learner.answer("model", draw["harmful"])
    learner.answer("topic", draw["topic"])
