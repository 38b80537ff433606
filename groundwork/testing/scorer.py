"""What every scorer must do: a finite score or none for whatever it gets, the same each time, nothing changed on the way."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import pytest

from groundwork.datasets.types import Example
from groundwork.evaluation.judges.types import JudgeVerdict, Shown
from groundwork.evaluation.metrics import METRICS
from groundwork.evaluation.metrics.naming import parse_metric
from groundwork.evaluation.scorers import Scorer
from groundwork.evaluation.types import CitedPassage, Output, OutputSentence, Passage, Score, ToolUse

if TYPE_CHECKING:
    from groundwork.evaluation.scorers import FloatArray

NEEDS = {
    "expected",
    "context",
    "relevant",
    "tools",
    "passages",
    "citations",
    "value",
    "messages",
    "confidence",
}
ODD = [
    "",
    " \n\t",
    "\x00",
    "\ud800",
    "🇩🇪👩‍👩‍👧",
    "مرحبا 123",
    "今天天气很好。",
    "ﬀ ½ Ⅷ",
    "1e999",
    "-" * 40,
    "[1][2][999999]",
    "NaN",
    "{",
    '{"label": "a"}',
    "a" * 5000,
    "word. " * 400,
]


class Found(NamedTuple):
    """The least that scorers use of a finding."""

    supported: bool
    probability: float
    reason: str
    kind: str


class SayingAsker:
    """A judge that passes everything, or says what it is told to."""

    name = "said"
    version = "0"
    labels = ("fail", "pass")
    passing = "pass"

    def __init__(self, verdict: JudgeVerdict | None = None) -> None:
        self.verdict = verdict or JudgeVerdict("pass", 1.0, "as told")

    def ask(self, shown: Shown, scope: str = "") -> JudgeVerdict:
        return self.verdict


class PlainServices:
    """Services that need no weights: vectors by characters, support by words, a judge that was told what to say."""

    def __init__(self, verdict: JudgeVerdict | None = None) -> None:
        self.verdict = verdict

    def embed(self, texts: Sequence[str]) -> FloatArray:
        rows = np.zeros((len(texts), 64))
        for row, text in zip(rows, texts, strict=True):
            for c in text:
                row[ord(c) % 64] += 1.0
            row[0] += 1e-9
        unit: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def judge(self, name: str) -> SayingAsker:
        return SayingAsker(self.verdict)

    def grounded(self, claim: str, passages: Sequence[str]) -> Found:
        said = _words(claim)
        share = max((len(said & _words(p)) / len(said) for p in passages), default=0.0) if said else 1.0
        return Found(share >= 0.5, share, "supported" if share >= 0.5 else "words are missing", "unsupported")


@lru_cache(maxsize=64)
def _words(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


TEXTS = [*ODD, "Paris", "The answer is 42.", "Paris is in France [1]. It rains [2].", "yes", "pass"]
VALUES = [None, 0, 1, -2.5, 1e308, math.nan, math.inf, True, [], ["Paris", "42"], {"label": "a", "reward": 1},
          {"reward": "much"}, {"a": 0.9, "b": 0.1}, {"a": math.nan}]  # fmt: skip
NAMES = ["", "a.md", "x/a.md", "b.txt", "c"]
WANTED: list[dict[str, Any]] = [
    {"name": "find", "arguments": {"a": 1}},
    {"name": "find", "accepted": {"a": [1, ""]}},
    {"name": "book", "schema": {"type": "object", "required": ["a"]}},
    {"name": "book"},
    {},
]
CASES = 120
T = TypeVar("T")


def example(of: random.Random) -> Example:
    """Return an example with or without each of the things that scorers go by."""
    return Example(
        id="exm_1",
        input=of.choice([*TEXTS, {"question": "Where?"}, [{"role": "user", "content": "Where?"}], None]),
        expected=of.choice([None, of.choice(TEXTS), of.choice(VALUES), [of.choice(TEXTS), of.choice(TEXTS)]]),
        impossible=of.random() < 0.2,
        context=tuple(of.choices(TEXTS, k=of.randint(0, 2))),
        relevant={
            name: of.choice([-1.0, 0.0, 1.0, 3.0])
            for name in of.sample(["a.md", "b", "doc_1"], of.randint(0, 3))
        },
        tools=of.choice([None, tuple(of.choices(WANTED, k=of.randint(0, 3)))]),
    )


def output(of: random.Random) -> Output:
    """Return an output of any sort, also an odd or contradictory one."""
    numbers = [0.0, 0.5, 1.0, -1.0, 1e300, math.nan, math.inf, 1200.0]
    return Output(
        text=of.choice(TEXTS),
        value=of.choice([None, of.choice(VALUES)]),
        abstained=of.random() < 0.2,
        confidence=of.choice([None, of.choice(numbers)]),
        passages=several(of, lambda: Passage(of.choice(TEXTS), of.choice(NAMES), of.choice(["", "doc_1"]))),
        citations=several(of, lambda: CitedPassage(of.choice(TEXTS))),
        sentences=several(of, lambda: _sentence(of)),
        tools=several(of, lambda: _call(of)),
        latency_ms=of.choice(numbers),
        first_token_ms=of.choice([None, of.choice(numbers)]),
        cost_usd=of.choice(numbers),
        error=of.choice(["", "", "", "upstream_failed"]),
    )


def several(of: random.Random, make: Callable[[], T]) -> tuple[T, ...]:
    """Return none to three of what `make` makes."""
    return tuple(make() for _ in range(of.randint(0, 3)))


def _sentence(of: random.Random) -> OutputSentence:
    citations = tuple(of.choices([-1, 0, 1, 2, 9], k=of.randint(0, 2)))
    return OutputSentence(of.choice(TEXTS), citations, of.choice([None, True, False]))


def _call(of: random.Random) -> ToolUse:
    arguments = {name: of.choice(VALUES) for name in of.sample("ab", of.randint(0, 2))}
    return ToolUse(of.choice(["find", "book"]), arguments, error=of.choice(["", "bad"]))


@cache
def cases() -> list[tuple[Example, Output]]:
    """Return the pairs that every scorer is tried on, the same each time."""
    of = random.Random(0)  # noqa: S311
    return [(example(of), output(of)) for _ in range(CASES)]


class ScorerContract:
    """Subclass it beside a module-scoped fixture `scorer` that gives the scorer under test."""

    def test_whatever_comes_gets_a_sound_score_and_the_same_again(self, scorer: Scorer) -> None:
        services = PlainServices()
        for given, brought in cases():
            before = repr((given, brought))
            score = scorer.score(given, brought, services)
            check_score(scorer, score)
            assert repr((given, brought)) == before, "arguments are not changed"
            assert repr(score) == repr(scorer.score(given, brought, services))
            if brought.failed and score.applies and scorer.worst is not None:
                assert score.value == scorer.worst, "a failed output is the worst"

    def test_its_declarations_make_sense(self, scorer: Scorer) -> None:
        assert scorer.version >= 1
        assert scorer.metrics
        assert scorer.needs <= NEEDS
        for metric in scorer.metrics:
            named = parse_metric(f"{metric}(x)")
            METRICS.make(named.metric)
        if scorer.binary:
            assert scorer.worst == (0.0 if scorer.higher_is_better else 1.0)

    def test_an_example_with_nothing_to_go_by_is_left_out_also_when_the_output_failed(
        self, scorer: Scorer
    ) -> None:
        if not scorer.needs & {"expected", "relevant", "tools"} or vars(scorer).get("forbidden"):
            return
        bare = Example("exm_1", "a question")
        for output in (Output(text="an answer"), Output(error="upstream_failed")):
            score = scorer.score(bare, output, PlainServices())
            assert not score.applies
            assert score.value is None
            assert score.reason

    @pytest.mark.parametrize(
        "text", ["word " * 20_000, "x" * 100_000, "今" * 20_000], ids=["words", "one", "han"]
    )
    def test_a_huge_text_is_scored(self, scorer: Scorer, text: str) -> None:
        example = Example("exm_1", text, expected=text[:1000], context=(text[:1000],), relevant={"a": 1.0})
        output = Output(text=text, passages=(Passage(text, "a"),), citations=(CitedPassage(text[:1000]),))
        check_score(scorer, scorer.score(example, output, PlainServices()))


def check_score(scorer: Scorer, score: Score) -> None:
    """Assert what holds of every score: finite or missing with a reason, in range, and fit for a record."""
    json.dumps(score.as_dict(), allow_nan=False)
    if score.value is None:
        assert not score.applies or score.error, "a missing score says why"
        return
    assert score.applies
    assert isinstance(score.value, float)
    assert math.isfinite(score.value)
    if scorer.worst is not None:
        assert 0.0 <= score.value <= 1.0
    if scorer.binary:
        assert score.value in (0.0, 1.0)
