"""Find the confidence under which an app must stay silent, so that its answers are wrong no more often than promised.

Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021, arXiv 2110.01052) with fixed-sequence testing: a
declared grid of thresholds is walked from strict to lax; at each, the hypothesis "more than `target_risk` of the
answers given are wrong" is tested by a binomial p-value, and the walk ends at the first that cannot be rejected at
`delta`. The threshold before it keeps the promise with probability 1 - delta over draws of the labelled questions, as
long as those and the questions to come are drawn alike. An answer to a question that has none counts as wrong.

The walk begins at the first threshold at which enough questions are answered: fewer cannot pass whatever the labels
say, or pass only by luck that ends the walk at once. Where it begins depends on the confidences, never on the labels.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from groundwork.core.digest import digest_bytes, digest_json
from groundwork.core.errors import InvalidInputError, NotFoundError

MIN_QUESTIONS, MIN_UNANSWERABLE = 100, 30
GRID = tuple(round(1 - step / 100, 2) for step in range(1, 100))
"""The declared thresholds, strict to lax. An answer is given when the confidence is at least the threshold."""
FIRST_COVERAGE = 0.1
"""The walk begins where at least this share of the questions is answered."""
NOTHING_PASSES = "no calibrated threshold reaches the target"


@dataclass(frozen=True)
class Labelled:
    """A labelled question; one of `answers` must stand in a right answer, and there is none when nothing answers it."""

    question: str
    answers: tuple[str, ...]
    doc_id: str = ""

    @property
    def answerable(self) -> bool:
        return bool(self.answers)


@dataclass(frozen=True)
class LabelledSet:
    """The questions of a file and the digest of its bytes."""

    questions: tuple[Labelled, ...]
    digest: str


@dataclass(frozen=True)
class Scored:
    """A labelled question that was asked: how sure the app was, and whether its draft was right.

    `right` is false for a question without an answer: whatever is said to it is wrong.
    """

    confidence: float
    right: bool
    answerable: bool


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % Wilson interval; `value` is NaN-free: 0 of 0 is 0 within [0, 1]."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """One threshold of the grid: how many were answered, how many of them wrongly, the p-value, and whether it passed."""

    threshold: float
    answered: int
    wrong: int
    p: float
    passed: bool


@dataclass(frozen=True)
class Calibration:
    """A calibrated threshold, or the statement that there is none.

    Attributes:
        id: digest of everything else but the time.
        threshold: answers are given from this confidence upward; None when no threshold passes.
        coverage: share of the calibration questions answered at the threshold (0 when there is none).
        risk: share of those answers that were wrong.
        abstains_rightly: share of the questions without an answer that were left unanswered.
        curve: every threshold of the grid, strict to lax.
        data_digest: of the labelled file.
        holds_for: what it is valid for: digests or names of reader, index, strategy, ….
        sentence: the result in words.
    """

    id: str
    app: str
    target_risk: float
    delta: float
    n: int
    n_unanswerable: int
    threshold: float | None
    coverage: Rate
    risk: Rate
    abstains_rightly: Rate
    sentence: str
    data_digest: str
    holds_for: Mapping[str, str]
    created_at: str
    curve: tuple[Point, ...] = field(default=(), repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-compatible values."""
        return {**asdict(self), "holds_for": dict(self.holds_for)}


def calibrate(
    rows: Sequence[Scored],
    *,
    app: str,
    target_risk: float,
    delta: float = 0.1,
    data_digest: str = "",
    holds_for: Mapping[str, str] | None = None,
    created_at: str = "",
) -> Calibration:
    """Return the laxest threshold whose risk is at most `target_risk` with probability 1 - delta.

    Args:
        rows: at least 100 questions, 30 of them without an answer, drawn as later questions will be.
        target_risk: share of wrong answers among those given, in (0, 1).
        delta: how often, over draws of `rows`, the promise may be broken, in (0, 1).

    Raises:
        InvalidInputError: too few questions; a rate or a confidence out of range.
    """
    _check(rows, target_risk, delta)
    curve = _walk(rows, target_risk, delta)
    passed = [point for point in curve if point.passed]
    threshold = passed[-1].threshold if passed else None
    given = [r for r in rows if threshold is not None and r.confidence >= threshold]
    empty = [r for r in rows if not r.answerable]
    silent = sum(1 for r in empty if threshold is None or r.confidence < threshold)
    coverage, risk = wilson(len(given), len(rows)), wilson(sum(not r.right for r in given), len(given))
    record: dict[str, Any] = {
        "app": app,
        "target_risk": target_risk,
        "delta": delta,
        "n": len(rows),
        "n_unanswerable": len(empty),
        "threshold": threshold,
        "data_digest": data_digest,
        "holds_for": dict(holds_for or {}),
        "curve": [asdict(point) for point in curve],
    }
    return Calibration(
        id=digest_json(record),
        app=app,
        target_risk=target_risk,
        delta=delta,
        n=len(rows),
        n_unanswerable=len(empty),
        threshold=threshold,
        coverage=coverage,
        risk=risk,
        abstains_rightly=wilson(silent, len(empty)),
        sentence=_sentence(threshold, target_risk, delta, len(rows), coverage, risk),
        data_digest=data_digest,
        holds_for=dict(holds_for or {}),
        created_at=created_at,
        curve=curve,
    )


def _check(rows: Sequence[Scored], target_risk: float, delta: float) -> None:
    for name, rate in (("target risk", target_risk), ("delta", delta)):
        if not 0 < rate < 1:
            raise InvalidInputError(
                f"the {name} is {rate}, it must lie between 0 and 1", hint="0.2 and 0.1 are usual"
            )
    empty = sum(not r.answerable for r in rows)
    missing = []
    if len(rows) < MIN_QUESTIONS:
        missing.append(f"{MIN_QUESTIONS - len(rows)} more questions")
    if empty < MIN_UNANSWERABLE:
        missing.append(f"{MIN_UNANSWERABLE - empty} more that the documents do not answer")
    if missing:
        raise InvalidInputError(
            f"{len(rows)} labelled questions, {empty} of them without an answer, are too few to calibrate with",
            hint=f"add {' and '.join(missing)}; a question without an answer has `answers: []`",
            questions=len(rows),
            unanswerable=empty,
        )
    odd = [r.confidence for r in rows if not 0 <= r.confidence <= 1]
    if odd:
        raise InvalidInputError(f"a confidence of {odd[0]} is outside 0 to 1", hint="the reader is at fault")


def _walk(rows: Sequence[Scored], target_risk: float, delta: float) -> tuple[Point, ...]:
    least = max(math.log(delta) / math.log1p(-target_risk), FIRST_COVERAGE * len(rows))
    order = sorted(rows, key=lambda r: -r.confidence)
    points: list[Point] = []
    walking, answered, wrong = True, 0, 0
    for threshold in GRID:
        while answered < len(order) and order[answered].confidence >= threshold:
            wrong += not order[answered].right
            answered += 1
        p = binomial_tail(wrong, answered, target_risk)
        testable = answered >= least
        passed = testable and walking and p <= delta
        if testable and not passed:
            walking = False
        points.append(Point(threshold, answered, wrong, round(p, 6), passed))
    return tuple(points)


def binomial_tail(wrong: int, n: int, rate: float) -> float:
    """Return P(Bin(n, rate) <= wrong), 1 for n = 0; summed in logarithms, exact to about 1e-12."""
    if wrong >= n:
        return 1.0
    log, odds = n * math.log1p(-rate), math.log(rate) - math.log1p(-rate)
    logs = [log]
    for k in range(1, wrong + 1):
        log += odds + math.log((n - k + 1) / k)
        logs.append(log)
    top = max(logs)
    return min(1.0, math.exp(top) * math.fsum(math.exp(each - top) for each in logs))


def wilson(successes: int, n: int, z: float = 1.959963984540054) -> Rate:
    """Return a share with its Wilson score interval.

    Source:
        Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
    """
    if n == 0:
        return Rate(0.0, 0.0, 1.0)
    share = successes / n
    centre, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return Rate(round(share, 6), round(low, 6), round(high, 6))


def _sentence(
    threshold: float | None, target: float, delta: float, n: int, coverage: Rate, risk: Rate
) -> str:
    if threshold is None:
        return (
            f"{NOTHING_PASSES}: on {n} labelled questions no threshold keeps wrong answers at or under {target:.0%}"
            f" with {1 - delta:.0%} confidence"
        )
    return (
        f"From a confidence of {threshold:.2f} at most {target:.0%} of the answers are wrong, with {1 - delta:.0%}"
        f" confidence; of the {n} labelled questions {coverage.value:.0%} were answered, {risk.value:.0%} of those wrongly"
    )


# Labelled files -------------------------------------------------------------------------------------------------------


def read_labelled(path: Path) -> LabelledSet:
    """Return the questions of a JSON-lines file: `{question, answers: [text or {text}], is_impossible?, doc_id?}`.

    Raises:
        NotFoundError: there is no such file.
        InvalidInputError: a line is no such object; the message names the line.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="name a JSON-lines file of labelled questions")
    data = path.read_bytes()
    lines = data.decode("utf-8-sig", "replace").split("\n")  # splitlines() would cut at U+2028 inside a text
    found = [_labelled(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    return LabelledSet(tuple(found), digest_bytes(data))


def _labelled(line: str, number: int, path: Path) -> Labelled:
    try:
        value = json.loads(line)
        question, answers = value["question"], value.get("answers", [])
        texts = tuple(a if isinstance(a, str) else a["text"] for a in answers)
        if (
            not isinstance(question, str)
            or not question.strip()
            or not all(isinstance(t, str) and t for t in texts)
        ):
            raise TypeError("`question` and the answers must be texts that are not empty")
        if not texts and not ("answers" in value or value.get("is_impossible")):
            raise KeyError("answers")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInputError(
            f"line {number} of {path} is not a labelled question: {error}",
            hint='write `{"question": "…", "answers": ["…"]}`, with `[]` where the documents hold no answer',
        ) from error
    return Labelled(question, () if value.get("is_impossible") else texts, str(value.get("doc_id", "")))


def holds_answer(text: str, answers: Sequence[str]) -> bool:
    """Whether an answer's text holds one of the labelled answers; case and white space do not count."""
    folded = " ".join(text.casefold().split())
    return any(" ".join(answer.casefold().split()) in folded for answer in answers)
