"""Tests of prompts: offline they read a reply or the prompt, online a completer; every run is a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from groundwork.core.errors import UpstreamError
from groundwork.core.principal import LOCAL
from groundwork.prompts.store import Prompts
from groundwork.prompts.testing import Completed
from groundwork.prompts.types import PromptMessage

SOURCE = """---
inputs: {word: text}
hints: {model: fast, temperature: 0}
tests:
- name: says it
  inputs: {word: hello}
  reply: "Hello there"
  expect: {prompt_contains: hello, contains: Hello, max_chars: 20}
- name: says nothing else
  inputs: {word: hello}
  expect: {not_contains: goodbye}
---
system:
Repeat.

user:
{{ word }}
"""


def test_offline_a_reply_or_the_prompt_itself_is_read(prompts: Prompts) -> None:
    prompts.write(LOCAL, "say", SOURCE)
    report = prompts.test(LOCAL, "say")
    assert report.passed
    assert report.model == "scripted"
    assert [r.output for r in report.results] == ["Hello there", "Repeat.\n\nhello"]


def test_what_fails_says_why_and_does_not_stop_the_rest(prompts: Prompts) -> None:
    broken = (
        SOURCE.replace("Hello there", "Bye")
        .replace("goodbye", "hello")
        .replace("{word: hello}\n  reply", "{wrod: hello}\n  reply")
    )
    prompts.write(LOCAL, "say", broken)
    report = prompts.test(LOCAL, "say")
    assert report.failed == 2
    assert "has no input `wrod`" in report.results[0].faults[0]
    assert "without `reply`" in report.results[1].faults[0]


def test_online_a_completer_is_asked_with_the_hints(prompts: Prompts) -> None:
    asked: list[tuple[Sequence[PromptMessage], Mapping[str, object]]] = []

    def complete(messages: Sequence[PromptMessage], hints: Mapping[str, object]) -> Completed:
        asked.append((messages, hints))
        if len(asked) == 2:
            raise UpstreamError("nobody answers")
        return Completed("Hello", "call_1", "local/tiny", 0.25)

    version = prompts.write(LOCAL, "say", SOURCE)
    report = prompts.test(LOCAL, "say", version.digest, complete)
    assert asked[0][1] == {"model": "fast", "temperature": 0}
    assert [m.role for m in asked[0][0]] == ["system", "user"]
    assert (report.model, report.results[0].call_id, report.results[0].cost_usd) == (
        "local/tiny",
        "call_1",
        0.25,
    )
    assert report.results[1].faults == ("there is no completion: nobody answers",)


def test_every_run_is_recorded_newest_first(prompts: Prompts) -> None:
    first = prompts.write(LOCAL, "say", SOURCE)
    one = prompts.test(LOCAL, "say")
    second = prompts.write(LOCAL, "say", SOURCE.replace("Repeat.", "Repeat it."))
    two = prompts.test(LOCAL, "say")
    old = prompts.test(LOCAL, "say", first.digest)
    assert prompts.runs(LOCAL, "say") == (old, two, one)
    assert [r.digest for r in prompts.runs(LOCAL, "say", 2)] == [first.digest, second.digest]


@pytest.mark.parametrize("name", ["answer", "condense"])
def test_the_built_in_prompts_pass_their_tests(prompts: Prompts, name: str) -> None:
    report = prompts.test(LOCAL, name)
    assert report.results
    assert report.passed, report.results


def test_a_prompt_without_tests_passes_and_says_so(prompts: Prompts) -> None:
    prompts.write(LOCAL, "say", "Hello")
    assert prompts.test(LOCAL, "say").results == ()
