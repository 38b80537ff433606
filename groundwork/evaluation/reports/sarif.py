"""A verdict as SARIF 2.1.0, as code scanning reads it: a rule for each kind of requirement, a result for each not met."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from groundwork.core.digest import digest_json
from groundwork.evaluation.gates.types import Verdict
from groundwork.evaluation.gates.wording import OUTCOMES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SPEC_FILE = "groundwork.toml"
RULES = {
    "verdict": "A gate did not say promote.",
    "primary": "The metric that decides was not shown to be good enough.",
    "guard": "A metric that must not get worse was not shown to hold.",
    "limit": "A limit was not kept.",
    "slice": "A slice of the examples got worse.",
}


def verdict_sarif(verdict: Verdict, *, base: str = "", line: int = 1) -> str:
    """Return a verdict; one that passes has no results above `note`.

    Args:
        base: of the console, for help addresses. line: where the gate stands in groundwork.toml, from 1.
    """
    found: list[dict[str, Any]] = []
    for c in verdict.checks:
        if c.state != "pass":
            level = "error" if c.required else "warning"
            found.append(_result(verdict, c.kind, level, c.sentence, c.metric, line))
    for s in verdict.slices:
        if s.blocks or s.warning:
            said = f"`{s.tag}` got worse by {s.difference.value} on {s.n} examples."
            found.append(_result(verdict, "slice", "error" if s.blocks else "warning", said, s.tag, line))
    if not verdict.passed and not any(r["level"] == "error" for r in found):
        said = f"{OUTCOMES[verdict.outcome]}: {verdict.headline}"
        found.insert(0, _result(verdict, "verdict", "error", said, "", line))
    rules = sorted({r["ruleId"] for r in found})
    for r in found:
        r["ruleIndex"] = rules.index(r["ruleId"])
    driver: dict[str, Any] = {
        "name": "Groundwork",
        "semanticVersion": _version(),
        "rules": [
            {
                "id": rule,
                "name": f"Gate{rule.split('/')[-1].title()}",
                "shortDescription": {"text": RULES[rule.split("/")[-1]]},
                "defaultConfiguration": {"level": "error"},
                **(
                    {"helpUri": f"{base.rstrip('/')}/gates/verdicts/{verdict.id}"}
                    if base.startswith("http")
                    else {}
                ),
            }
            for rule in rules
        ],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"groundwork/gate/{verdict.gate}/"},
        "results": found,
        "columnKind": "utf16CodeUnits",
        "properties": {
            "outcome": verdict.outcome, "verdict": verdict.id, "plan": verdict.plan, "baseline": verdict.baseline,
            "candidate": verdict.candidate, "statement": verdict.statement,
        },
    }  # fmt: skip
    return (
        json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)
        + "\n"
    )


def _result(verdict: Verdict, kind: str, level: str, said: str, about: str, line: int) -> dict[str, Any]:
    return {
        "ruleId": f"groundwork/gate/{kind}",
        "level": level,
        "message": {"text": said},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": SPEC_FILE},
                    "region": {"startLine": max(1, line)},
                },
                "logicalLocations": [{"fullyQualifiedName": f"gates.{verdict.gate}", "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"gateRequirement/v1": digest_json([verdict.gate, kind, about])},
    }


def _version() -> str:
    try:
        return version("groundwork-ai")
    except PackageNotFoundError:
        return "0.0.0"
