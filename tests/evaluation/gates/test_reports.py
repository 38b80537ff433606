"""Reports: pages that stand alone, and the formats that CI reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import LOCAL
from groundwork.evaluation.gates.types import Override, Verdict
from groundwork.evaluation.reports.formats import FORMATS, format_of, write_comparison, write_verdict
from groundwork.evaluation.reports.html import evaluation_report
from groundwork.evaluation.reports.junit import evaluation_junit
from groundwork.evaluation.reports.markdown import evaluation_summary
from groundwork.evaluation.reports.plots import histogram, interval
from tests.evaluation.gates.house import house, sides

HOSTILE = "<script>alert(1)</script>\n::error::no | [x](y)"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with house(tmp_path_factory.mktemp("reports")) as made:
        yield made


@pytest.fixture(scope="module")
def verdict(workspace: Workspace) -> Verdict:
    old, bad = sides(workspace.root, better=False)
    return workspace.evaluation.gates.run(LOCAL, "quality", candidate=bad, baseline=old)


class _Balanced(HTMLParser):
    """Collects tags that load something, and checks that every element is closed."""

    VOID = frozenset({"meta", "br", "img", "link", "line", "circle", "rect", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.loads += [v for k in ("src", "srcset", "data") if (v := named.get(k))]
        if tag in ("script", "link", "iframe", "object"):
            self.loads.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass


def _stands_alone(text: str) -> None:
    page = _Balanced()
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert "url(" not in text
    assert "@import" not in text
    assert 'lang="en"' in text
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text
    for svg in re.findall(r"<svg[^>]*>", text):
        assert 'role="img"' in svg
        assert re.search(r'aria-label="[^"]+"', svg)


def test_a_verdict_is_a_page_that_asks_nothing_of_the_network(workspace: Workspace, verdict: Verdict) -> None:
    plan = workspace.evaluation.gates.stored_plan(LOCAL, verdict.plan)
    text = write_verdict(verdict, "html", plan=plan, base="https://gw.example.com")
    _stands_alone(text)
    assert text.index("is worse") < text.index("What had to be shown")
    assert f"https://gw.example.com/evaluations/{verdict.candidate}" in text
    assert verdict.plan in text
    assert "<a " not in write_verdict(verdict, "html")


def test_a_comparison_and_an_evaluation_are_pages_too(workspace: Workspace, verdict: Verdict) -> None:
    found = workspace.evaluation.comparisons.compare(LOCAL, verdict.baseline, verdict.candidate)
    text = write_comparison(found, "html", base="https://gw.example.com")
    _stands_alone(text)
    assert f"https://gw.example.com/evaluations/{verdict.candidate}/examples/exm_" in text
    assert "| `correct` |" in write_comparison(found, "markdown")
    json.loads(write_comparison(found, "json"))
    with pytest.raises(InvalidInputError, match="no `sarif`"):
        write_comparison(found, "sarif")
    book = workspace.evaluation.book
    evaluation = book.get(LOCAL, verdict.candidate)
    results, examples = book.results(LOCAL, evaluation.id), book.examples(LOCAL, evaluation.id)
    page = evaluation_report(evaluation, results, examples, base="/")
    _stands_alone(page)
    assert "Worst examples" in page
    assert "no idea at all" in page
    assert "`correct`" in evaluation_summary(evaluation)
    suite = ET.fromstring(evaluation_junit(evaluation, results, examples))
    assert suite.find("testsuite").get("failures") == "72"  # type: ignore[union-attr]


def test_texts_from_outside_cannot_break_out(verdict: Verdict) -> None:
    bad = replace(
        verdict,
        headline=HOSTILE,
        warnings=(HOSTILE,),
        checks=(replace(verdict.checks[0], metric=HOSTILE, sentence=HOSTILE),),
        overrides=(Override("ovr_1", verdict.id, HOSTILE, "admin", HOSTILE, "2026-11-29"),),
    )
    page = write_verdict(bad, "html")
    _stands_alone(page)
    assert "<script>" not in page
    assert "<script>" not in write_verdict(bad, "markdown")
    for line in write_verdict(bad, "github").splitlines():
        assert line.startswith(("::error file=", "::warning file="))
    for form in ("junit",):
        ET.fromstring(write_verdict(bad, form))
    for form in ("json", "sarif", "gitlab"):
        json.loads(write_verdict(bad, form))


def test_junit_counts_what_it_holds(verdict: Verdict) -> None:
    root = ET.fromstring(write_verdict(verdict, "junit"))
    suite = root.find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert int(suite.get("tests", "0")) == len(cases) == 1 + len(verdict.checks)
    assert int(suite.get("failures", "0")) == len(suite.findall("testcase/failure")) == 2
    assert cases[0].get("name") == "verdict"


def test_sarif_has_what_2_1_0_asks_for(verdict: Verdict) -> None:
    log = json.loads(write_verdict(verdict, "sarif", base="https://gw.example.com", line=7))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "Groundwork"
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "groundwork.toml"
        assert place["region"]["startLine"] == 7
        assert all(isinstance(v, str) for v in result["partialFingerprints"].values())
    assert {r["level"] for r in run["results"]} == {"error"}


def test_gitlab_and_github_read_the_verdict(verdict: Verdict) -> None:
    rows = json.loads(write_verdict(verdict, "gitlab", line=3))
    assert rows
    for row in rows:
        assert row["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert row["location"] == {"path": "groundwork.toml", "lines": {"begin": 3}}
        assert re.fullmatch(r"[0-9a-f]{64}", row["fingerprint"])
    assert len({r["fingerprint"] for r in rows}) == len(rows)
    first = write_verdict(verdict, "github", line=3).splitlines()[0]
    assert first.startswith("::error file=groundwork.toml,line=3,title=Reject%3A gate quality::")


def test_a_verdict_that_passes_is_no_finding(verdict: Verdict) -> None:
    good = replace(
        verdict, outcome="promote", checks=tuple(replace(c, state="pass") for c in verdict.checks), slices=()
    )
    assert json.loads(write_verdict(good, "sarif"))["runs"][0]["results"] == []
    assert json.loads(write_verdict(good, "gitlab")) == []
    assert write_verdict(good, "github").startswith("::notice ")
    assert "failure" not in write_verdict(good, "junit").replace("failures", "")


def test_formats_follow_the_ending_and_unknown_ones_are_refused() -> None:
    assert [format_of("", f) for f in ("a.html", "a.MD", "a.xml", "a.sarif", "a.json", "a")] == [
        "html", "markdown", "junit", "sarif", "json", "json",
    ]  # fmt: skip
    assert set(FORMATS) == {"html", "markdown", "json", "junit", "sarif", "github", "gitlab"}
    with pytest.raises(InvalidInputError, match="no format"):
        format_of("pdf", "")


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_plots_of_nothing_are_empty(value: float | None) -> None:
    assert "circle" not in interval(value, None, None)
    assert histogram([]) == ""
    assert histogram([2.0, 2.0]).count("<rect") == 1
