"""Tests of a prompt: its inputs are filled in, a completion is read, expectations are checked.

Offline nothing is asked: the completion is the test's `reply`, or, where it has none, the rendered prompt itself. Online a
`Completer` is handed in, which calls a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from groundwork.core.errors import GroundworkError, InvalidInputError
from groundwork.prompts import expectations
from groundwork.prompts.template import render
from groundwork.prompts.types import PromptMessage, PromptTemplate, PromptTest

OFFLINE = "scripted"
KEPT_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Completed:
    """What a model wrote, and the record of the call."""

    text: str
    call_id: str = ""
    model: str = ""
    cost_usd: float = 0.0


Completer = Callable[[Sequence[PromptMessage], Mapping[str, Any]], Completed]
"""Asks a model with rendered messages and the prompt's hints. Raises GroundworkError."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test came out; it passed when there are no faults. Texts are cut at 4,000 characters."""

    __test__ = False

    name: str
    faults: tuple[str, ...]
    output: str = ""
    call_id: str = ""
    cost_usd: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.faults


@dataclass(frozen=True, slots=True)
class TestReport:
    """One run of the tests of one version; `model` is `scripted` for a run offline."""

    __test__ = False

    name: str
    digest: str
    model: str
    results: tuple[TestResult, ...]
    id: str = ""
    created_at: str = ""
    principal: str = ""
    hints: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(r.passed for r in self.results)

    @property
    def failed(self) -> int:
        return sum(not r.passed for r in self.results)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        results = [{**asdict(r), "faults": list(r.faults), "passed": r.passed} for r in self.results]
        return {
            "id": self.id,
            "name": self.name,
            "digest": self.digest,
            "model": self.model,
            "passed": self.passed,
            "created_at": self.created_at,
            "principal": self.principal,
            "results": results,
        }


def run_tests(prompt: PromptTemplate, completer: Completer | None = None) -> TestReport:
    """Run every test of a prompt and return how each came out; a test never stops the next one."""
    results = [_run(prompt, test, completer) for test in prompt.tests]
    models = {m for _, m in results if m}
    model = OFFLINE if completer is None else ", ".join(sorted(models)) or str(prompt.hints.get("model", ""))
    return TestReport(prompt.name, prompt.digest, model, tuple(r for r, _ in results))


def rendered_text(messages: Sequence[PromptMessage]) -> str:
    """Return messages as one text: what expectations about the prompt look at."""
    return "\n\n".join(m.text for m in messages)


def _run(prompt: PromptTemplate, test: PromptTest, completer: Completer | None) -> tuple[TestResult, str]:
    try:
        messages = render(prompt, test.inputs)
    except InvalidInputError as error:
        return TestResult(test.name, (f"the prompt cannot be filled in: {error.message}",)), ""
    asked = rendered_text(messages)
    note = ""
    if completer is not None:
        try:
            completed = completer(messages, prompt.hints)
        except GroundworkError as error:
            return TestResult(test.name, (f"there is no completion: {error.message}",)), ""
    elif test.reply is not None:
        completed = Completed(test.reply)
    else:
        completed = Completed(asked)
        note = " (offline a test without `reply` reads the prompt itself)"
    faults = []
    for expectation in test.expect:
        found = expectations.fault(expectation, completed.text, asked)
        if found:
            faults.append(found if found.startswith("the prompt") else found + note)
    result = TestResult(
        test.name, tuple(faults), completed.text[:KEPT_CHARS], completed.call_id, completed.cost_usd
    )
    return result, completed.model
