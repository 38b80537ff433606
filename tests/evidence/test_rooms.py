"""What the rooms write is what the kinds read: a small workspace, used as people use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundwork.core.principal import LOCAL
from groundwork.datasets.types import Example
from tests.workspaces import FILES, LIGHT, light_workspace, write

SPEC = (
    LIGHT
    + """
[apps.default]
threshold = 0.2

[environments.staging]

[gates.main]
dataset = "golden"
scorers = ["recall", "latency", "cost"]
primary = {metric = "recall", test = "non_inferiority", margin = 0.5}
guards = [{metric = "cost", margin = 1.0}]
min_n = 2
"""
)


def test_a_release_is_followed_from_its_documents_to_a_replay(tmp_path: Path) -> None:
    workspace = light_workspace(tmp_path, SPEC)
    docs = write(tmp_path / "docs", FILES)
    workspace.ingest([docs])
    write(docs, {"new.md": "# New\n\nAll of it is new.\n"})
    workspace.ingest([docs])
    checker = workspace.pathways.checker

    def ask(predicate: Any) -> Any:
        found = checker.check(LOCAL, predicate)
        assert found.proven, found.missing
        assert [r.state for r in checker.recheck(LOCAL, found.found)] == ["same"] * len(found.found)
        return found

    ask({"find": "ingest", "where": {"state": "done", "unchanged": {"above": 0}, "before": {"exists": True}}})
    ask({"find": "document", "where": {"state": "indexed"}, "count": {"at_least": 2}})
    release, _ = workspace.releases.create()
    assert workspace.releases.promotions.promote(LOCAL, release.id, "staging").promoted
    answer = workspace.ask("How many days of paid leave does every employee have?", environment="staging")
    assert workspace.replay(answer.id).result == "identical"
    workspace.replay(answer.id)
    found = ask(
        {
            "all": [
                {"find": "release", "as": "r", "where": {"app": "default"}},
                {"find": "snapshot", "where": {"digest": "$r.snapshot", "index": "$r.index"}},
                {"find": "deployment", "where": {"release": "$r.id", "standing": True, "taken_back": False}},
                {"find": "answer", "as": "a", "where": {"release": "$r.id", "citations": {"at_least": 1}}},
                {"find": "replay", "where": {"answer": "$a.id", "result": "identical", "times": 2}},
            ]
        }
    )
    assert next(r.id for r in found.found) == release.id
    assert found.found[0].values == {
        "app": "default",
        "id": release.id,
        "index": "default",
        "snapshot": release.snapshot,
    }
    assert found.found[3].address == f"/answers/{answer.id}"

    examples = [
        Example(f"e{n}", question, relevant={"docs/leave.md": 1}, licence="CC0")
        for n, question in enumerate(
            ("How many days of paid leave are there?", "Who grants leave?", "Is leave paid?")
        )
    ]
    golden = workspace.datasets.create(LOCAL, "golden", examples)
    ask(
        {
            "find": "dataset",
            "where": {"digest": golden.digest, "personal": 0, "licences": {"has": "CC0"}, "test": 3},
        }
    )
    verdict = workspace.evaluation.gates.run(LOCAL, "main", candidate="default@1", baseline="default")
    found = ask(
        {
            "all": [
                {"find": "release", "as": "r"},
                {
                    "find": "verdict",
                    "as": "v",
                    "where": {"settings": "$r.settings", "snapshot": "$r.snapshot", "n": 3},
                },
                {
                    "find": "evaluation",
                    "where": {"id": "$v.candidate", "state": "done", "metrics": {"has": "recall"}},
                },
                {
                    "find": "comparison",
                    "where": {"id": "$v.id", "cost_before": 0, "quality": {"exists": True}},
                },
            ]
        }
    )
    assert found.found[1].id == verdict.id
    evaluation = ask(
        {"find": "evaluation", "where": {"retrieval": "hybrid", "intervals": {"above": 0}}}
    ).found[0]
    assert evaluation.address == f"/evaluations/{evaluation.id}"
    workspace.close()
