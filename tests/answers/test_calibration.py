"""Learn then Test: the promise is kept over draws, too little is refused, and a set without hope is told so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from groundwork.answers.calibration import (
    GRID,
    NOTHING_PASSES,
    Scored,
    binomial_tail,
    calibrate,
    holds_answer,
    read_labelled,
    wilson,
)
from groundwork.answers.readers import READERS
from groundwork.answers.types import Passage
from groundwork.bench.extract import holds
from groundwork.core.errors import InvalidInputError, NotFoundError
from tests.data_sets import data_set, rows


def world(n: int, sharpness: float, base: float, random: np.random.Generator) -> list[Scored]:
    """Draw questions whose chance of a right answer grows with the confidence; the others have no answer."""
    z = random.standard_normal(n)
    right = random.random(n) < 1 / (1 + np.exp(-(base + sharpness * z)))
    confidence = 1 / (1 + np.exp(-1.2 * z))
    return [Scored(float(c), bool(r), bool(r)) for c, r in zip(confidence, right, strict=True)]


def risk(sample: list[Scored], threshold: float) -> float:
    given = [r for r in sample if r.confidence >= threshold]
    return sum(not r.right for r in given) / len(given) if given else 0.0


@pytest.mark.parametrize(("sharpness", "base"), [(2.0, 0.5), (1.0, 1.0), (0.5, 1.2), (0.0, 1.38)])
@pytest.mark.parametrize("n", [250, 500])
def test_the_promise_is_broken_in_at_most_delta_of_the_draws(sharpness: float, base: float, n: int) -> None:
    random = np.random.default_rng(n)
    truth = world(30_000, sharpness, base, random)
    draws, broken = 200, 0
    real = {t: risk(truth, t) for t in GRID}
    for _ in range(draws):
        found = calibrate(world(n, sharpness, base, random), app="a", target_risk=0.2)
        broken += found.threshold is not None and real[found.threshold] > 0.2
    # .1 plus three standard errors of 200 draws
    assert broken / draws <= 0.1 + 3 * (0.1 * 0.9 / draws) ** 0.5


def test_a_useful_threshold_is_found_where_there_is_one() -> None:
    random = np.random.default_rng(1)
    found = calibrate(world(600, 2.0, 0.5, random), app="a", target_risk=0.2)
    assert found.threshold is not None
    assert found.coverage.value > 0.3
    assert found.risk.low <= 0.2
    assert "at most 20%" in found.sentence


def test_where_nothing_passes_it_says_so() -> None:
    wrong = [Scored(0.5 + i / 1000, False, i % 2 == 0) for i in range(200)]
    found = calibrate(wrong, app="a", target_risk=0.1)
    assert found.threshold is None
    assert found.sentence.startswith(NOTHING_PASSES)
    assert (found.coverage.value, found.abstains_rightly.value) == (0.0, 1.0)


def test_too_few_questions_are_refused_with_what_is_missing() -> None:
    sample = [Scored(0.9, True, i >= 10) for i in range(80)]
    with pytest.raises(InvalidInputError) as refused:
        calibrate(sample, app="a", target_risk=0.2)
    assert "20 more questions" in refused.value.hint
    assert "20 more that the documents do not answer" in refused.value.hint


@pytest.mark.parametrize(("target", "delta"), [(0.0, 0.1), (1.0, 0.1), (0.2, 0.0), (0.2, 1.5)])
def test_a_rate_out_of_range_is_refused(target: float, delta: float) -> None:
    sample = [Scored(0.9, True, i >= 50) for i in range(120)]
    with pytest.raises(InvalidInputError):
        calibrate(sample, app="a", target_risk=target, delta=delta)


def test_the_curve_is_walked_from_strict_to_lax_and_stops_at_the_first_failure() -> None:
    found = calibrate(world(500, 2.0, 0.5, np.random.default_rng(2)), app="a", target_risk=0.2)
    assert [p.threshold for p in found.curve] == list(GRID)
    passed = [i for i, p in enumerate(found.curve) if p.passed]
    assert passed == list(range(passed[0], passed[-1] + 1))
    assert found.threshold == found.curve[passed[-1]].threshold
    assert all(p.p <= 0.1 for p in found.curve if p.passed)
    assert found.curve[passed[-1] + 1].p > 0.1


def test_its_id_follows_from_its_content_and_not_from_the_time() -> None:
    sample = world(300, 2.0, 0.5, np.random.default_rng(3))
    first = calibrate(sample, app="a", target_risk=0.2, created_at="1", holds_for={"reader": "x"})
    second = calibrate(sample, app="a", target_risk=0.2, created_at="2", holds_for={"reader": "x"})
    other = calibrate(sample, app="a", target_risk=0.2, holds_for={"reader": "y"})
    assert first.id == second.id != other.id
    assert first.as_dict()["holds_for"] == {"reader": "x"}


@pytest.mark.parametrize(
    ("wrong", "n", "rate"),
    [(0, 11, 0.2), (3, 30, 0.2), (40, 400, 0.1), (250, 1000, 0.3), (5, 5, 0.1), (0, 0, 0.2)],
)
def test_the_p_value_is_the_binomial_tail(wrong: int, n: int, rate: float) -> None:
    assert binomial_tail(wrong, n, rate) == pytest.approx(binom.cdf(wrong, n, rate), rel=1e-9)


def test_wilson_intervals_are_the_published_ones() -> None:
    # Newcombe (1998), table I: 81 of 263 and 15 of 148.
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    found = wilson(15, 148)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0624, 0.1605)
    assert wilson(0, 0) == wilson(0, 0).__class__(0.0, 0.0, 1.0)


def test_a_labelled_file_is_read_with_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(
        '{"question": "Who\u2028wrote it?", "answers": ["Ann"], "doc_id": "d"}\n\n'
        '{"question": "When?", "answers": [{"text": "1999"}]}\n'
        '{"question": "Where?", "answers": []}\n{"question": "Why?", "is_impossible": true}\n',
        encoding="utf-8",
    )
    found = read_labelled(path)
    assert [q.answers for q in found.questions] == [("Ann",), ("1999",), (), ()]
    assert [q.answerable for q in found.questions] == [True, True, False, False]
    assert len(found.digest) == 64


@pytest.mark.parametrize(
    "line", ["no json", "[1]", '{"answers": []}', '{"question": "Who?"}', '{"question": "Q", "answers": [1]}']
)
def test_a_line_that_is_no_labelled_question_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text('{"question": "Q?", "answers": []}\n' + line, encoding="utf-8")
    with pytest.raises(InvalidInputError, match="line 2"):
        read_labelled(path)
    with pytest.raises(NotFoundError):
        read_labelled(tmp_path / "absent.jsonl")


def test_an_answer_is_found_whatever_its_case_and_blanks() -> None:
    assert holds_answer("It was written\n by ANN Lee. [1]", ["nobody", "Ann  Lee"])
    assert not holds_answer("It was written.", ["Ann"])


@pytest.mark.slow
def test_the_promise_holds_over_random_splits_of_squad() -> None:
    folder = data_set("squad2")
    passages = {p["doc_id"]: p["text"] for p in rows(folder / "passages.jsonl")}
    reader = READERS.make("extractive")
    sample = []
    for question in rows(folder / "questions.jsonl"):
        name, text = question["doc_id"], passages[question["doc_id"]]
        draft = reader.read(question["question"], [Passage(1, 1.0, name, name, name, 0, len(text), text)])
        right = not question["is_impossible"] and holds(draft, text, [a["text"] for a in question["answers"]])
        sample.append(Scored(draft.confidence, right, not question["is_impossible"]))
    random, splits = np.random.default_rng(0), 200
    for target in (0.3, 0.4, 0.5):
        broken = 0
        for _ in range(splits):
            order = random.permutation(len(sample))
            found = calibrate([sample[i] for i in order[:400]], app="a", target_risk=target)
            held = [sample[i] for i in order[400:]]
            broken += found.threshold is not None and risk(held, found.threshold) > target
        assert broken / splits <= 0.1 + 3 * (0.1 * 0.9 / splits) ** 0.5
