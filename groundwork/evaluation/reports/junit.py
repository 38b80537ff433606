"""Verdicts and evaluations as JUnit XML: one test case for each requirement, or for each example."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from groundwork.datasets.types import Example
from groundwork.evaluation.gates.types import Verdict
from groundwork.evaluation.gates.wording import OUTCOMES
from groundwork.evaluation.types import Evaluation, Result

# What XML 1.0 cannot hold at all.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def verdict_junit(verdict: Verdict) -> str:
    """Return a verdict: what was not shown is a failure, what is only a warning is skipped."""
    blocking = [c for c in verdict.checks if c.required and c.state != "pass"]
    warned = [c for c in verdict.checks if not c.required and c.state != "pass"]
    # A verdict can refuse for what is no check (an empty dataset, a slice): that is a case of its own.
    suite = _suite(
        f"gate {verdict.gate}", len(verdict.checks) + 1, len(blocking) + (not verdict.passed), len(warned)
    )
    suite.set("timestamp", verdict.created_at[:19])
    whole = ET.SubElement(suite, "testcase", {"classname": f"gate.{_clean(verdict.gate)}", "name": "verdict"})
    if not verdict.passed:
        failure = ET.SubElement(
            whole, "failure", {"type": verdict.outcome, "message": _clean(OUTCOMES[verdict.outcome])}
        )
        failure.text = _clean("\n".join([verdict.headline, *verdict.reasons[1:], *verdict.warnings]))
    out = ET.SubElement(whole, "system-out")
    out.text = _clean(
        f"{verdict.id}\nplan {verdict.plan}\nbaseline {verdict.baseline}\ncandidate {verdict.candidate}\n{verdict.statement}"
    )
    for c in verdict.checks:
        name = f"{c.kind}: {c.metric}"
        case = ET.SubElement(
            suite, "testcase", {"classname": f"gate.{_clean(verdict.gate)}", "name": _clean(name)}
        )
        if c in blocking:
            ET.SubElement(case, "failure", {"type": c.state, "message": _clean(c.sentence)})
        elif c in warned:
            ET.SubElement(case, "skipped", {"message": _clean(c.sentence)})
    return _written(suite)


def evaluation_junit(evaluation: Evaluation, results: Sequence[Result], examples: Sequence[Example]) -> str:
    """Return an evaluation: an example fails that brought no output, or that its first binary scorer calls wrong."""
    main = next((n for n, s in evaluation.scorers.items() if s.get("binary")), "")
    names = {e.id: e.question[:80] for e in examples}
    failed = skipped = 0
    suite = _suite(f"evaluation {evaluation.title or evaluation.id}", len(results), 0, 0)
    for r in results:
        name = f"{r.example_id}{f' ({r.repeat})' if r.repeat else ''} {names.get(r.example_id, '')}".strip()
        case = ET.SubElement(
            suite,
            "testcase",
            {"classname": f"evaluation.{_clean(evaluation.app or evaluation.dataset)}", "name": _clean(name),
             "time": f"{r.output.latency_ms / 1000:.3f}"},
        )  # fmt: skip
        score = r.scores.get(main)
        if r.output.failed:
            failed += 1
            ET.SubElement(
                case, "failure", {"type": _clean(r.output.error), "message": _clean(r.output.message)}
            )
        elif score is not None and not score.applies:
            skipped += 1
            ET.SubElement(case, "skipped", {"message": _clean(score.reason)})
        elif main and (score is None or score.value is None or score.value < 1):
            failed += 1
            why = score.reason or score.label if score is not None else "no score"
            ET.SubElement(case, "failure", {"type": _clean(main), "message": _clean(why)})
    suite.set("failures", str(failed))
    suite.set("skipped", str(skipped))
    return _written(suite)


def _suite(name: str, tests: int, failures: int, skipped: int) -> ET.Element:
    counts = {"tests": tests, "failures": failures, "skipped": skipped, "errors": 0}
    return ET.Element("testsuite", {"name": _clean(name), **{k: str(int(v)) for k, v in counts.items()}})


def _written(suite: ET.Element) -> str:
    suites = ET.Element("testsuites", {k: suite.get(k, "0") for k in ("tests", "failures", "errors")})
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
