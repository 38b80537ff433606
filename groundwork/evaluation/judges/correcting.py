"""A rate that a judge counted, corrected by what people say of a drawn part of the same outputs.

From 100 labels on the prediction-powered interval counts (procedure P6); below that the labels alone do, and what the judge
adds is told beside it. Sensitivity and specificity of the judge give the same rate in another way (Rogan and Gladen): where
the two differ much, something is wrong with the sample. Labels of items that nobody drew say nothing of the others and are
refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.evaluation.judges.asking import value_of
from groundwork.evaluation.judges.sampling import item_name
from groundwork.evaluation.statistics.prediction_powered import LEAST_LABELS, ppi, rogan_gladen
from groundwork.evaluation.statistics.rates import t_of, wilson
from groundwork.evaluation.statistics.types import Interval
from groundwork.evaluation.types import Evaluation, Measured, Result, Score

if TYPE_CHECKING:
    from groundwork.evaluation.judges.judges import Judges
    from groundwork.evaluation.judges.samples import Sample


@dataclass(frozen=True, slots=True)
class Corrected:
    """A judged rate with its correction.

    Attributes:
        measured: what counts, over every output of the evaluation; `n` outputs, `clusters` of them labelled.
        judged: the uncorrected mean of the judge's scores.
        human_only, powered, cross_check: intervals from labels alone, from both, and by the judge's errors; None where they
            cannot be had.
        lam: how much the judge counts in `powered`, 0 to 1.
        skipped: drawn items before the last labelled one that nobody labelled.
        notes: what to know of it, in words.
    """

    scorer: str
    judge: str
    measured: Measured
    judged: float | None
    human_only: Interval | None = None
    powered: Interval | None = None
    cross_check: Interval | None = None
    lam: float | None = None
    labels: int = 0
    skipped: int = 0
    sample: str = ""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def corrected(
    principal: Principal, evaluation: Evaluation | str, scorer: str, *, judges: Judges, sample: str = ""
) -> Measured:
    """Return a judged rate corrected by human labels, over every output of an evaluation; see `correction`."""
    return correction(principal, evaluation, scorer, judges=judges, sample=sample).measured


def correction(
    principal: Principal, evaluation: Evaluation | str, scorer: str, *, judges: Judges, sample: str = ""
) -> Corrected:
    """Return a judged rate with its correction and what it rests on.

    Args:
        scorer: the name of a scorer of the evaluation that asks a judge.
        sample: the draw whose labels count; empty: the one with most labels.

    Raises:
        NotFoundError: no such evaluation, or nothing in it was scored by that name.
        InvalidInputError: the scorer asks no judge, or the sample was not drawn from this evaluation.
    """
    reference = evaluation if isinstance(evaluation, str) else evaluation.id
    book = judges.book()
    found = book.get(principal, reference)
    scored = _Scored.of(book.results(principal, found.id), scorer, found.id)
    chosen = _chosen(principal, judges, scored.judge, found.id, sample)
    if chosen is None:
        how = f"draw one with `groundwork judge sample {scored.judge} {found.id}` and label it"
        return _uncorrected(scored, scorer, f"nobody labelled a draw of this evaluation; {how}")
    human = _human(principal, judges, chosen, scored)
    if len(human) < 2:
        why = f"{len(human)} of the drawn items are labelled; 2 are the least, {LEAST_LABELS} what an interval asks for"
        return _uncorrected(scored, scorer, why, chosen.id, len(human))
    return _correct(scored, scorer, chosen, human)


@dataclass(frozen=True)
class _Scored:
    """The judge's scores by item; outputs that failed count as 0 and need no judge."""

    judge: str
    scores: Mapping[str, float]
    graded: bool
    failed: int

    @property
    def share(self) -> float:
        return len(self.scores) / (len(self.scores) + self.failed)

    @property
    def n(self) -> int:
        return len(self.scores) + self.failed

    @property
    def mean(self) -> float | None:
        return sum(self.scores.values()) / self.n if self.n else None

    @classmethod
    def of(cls, results: Sequence[Result], scorer: str, evaluation: str) -> _Scored:
        scores: dict[str, float] = {}
        judge, seen, failed = "", False, 0
        for result in results:
            score = result.scores.get(scorer)
            if score is None:
                continue
            seen = True
            if not score.applies:
                continue
            judge = judge or _judge_of(score)
            if result.output.failed:
                failed += 1
                continue
            scores[item_name(result.example_id, result.repeat)] = (
                score.value if score.value is not None else 0.0
            )
        if not seen:
            raise NotFoundError(
                f"the evaluation `{evaluation}` has no scores `{scorer[:60]}`",
                hint="`groundwork evaluation show` lists its scorers",
            )
        if not judge:
            raise InvalidInputError(
                f"the scorer `{scorer}` asked no judge, so there is nothing to correct",
                hint="name a scorer such as `judge` or `answer_correctness`",
            )
        graded = any(v not in (0.0, 1.0) for v in scores.values())
        return cls(judge, scores, graded, failed)


def _judge_of(score: Score) -> str:
    return str(score.parts.get("judge", ""))


def _chosen(
    principal: Principal, judges: Judges, judge: str, evaluation: str, sample_id: str
) -> Sample | None:
    if sample_id:
        found = judges.sample(principal, sample_id)
        if found.evaluation_id != evaluation or found.imported or found.against:
            raise InvalidInputError(
                f"the sample `{found.id}` was not drawn from the evaluation `{evaluation}`",
                hint="only labels of items drawn from an evaluation say something of its other outputs",
            )
        return found
    drawn = [
        s
        for s in judges.samples(principal, judge, evaluation_id=evaluation)
        if not s.imported and not s.against
    ]
    counts = judges.counts(principal)
    labelled = [s for s in drawn if counts.get(s.id, (0, 0))[0]]
    return max(labelled, key=lambda s: counts[s.id][0], default=None)


def _human(principal: Principal, judges: Judges, sample: Sample, scored: _Scored) -> dict[str, float]:
    """Return the mean of what people said of each drawn item, on the scale of the judge's scores."""
    words = judges.words(principal, sample.judge)
    passing = judges.passing_of(sample.judge)
    said: dict[str, list[float]] = {}
    for label in judges.labels(principal, sample.id):
        if label.label not in words or label.item not in scored.scores:
            continue
        place = value_of(label.label, words)
        value = place if scored.graded else float(words.index(label.label) >= words.index(passing))
        said.setdefault(label.item, []).append(value or 0.0)
    return {item: sum(values) / len(values) for item, values in said.items()}


def _correct(scored: _Scored, scorer: str, sample: Sample, human: Mapping[str, float]) -> Corrected:
    items = [item for item in sample.items if item in human]
    y = [human[item] for item in items]
    f = [scored.scores[item] for item in items]
    rest = [v for item, v in scored.scores.items() if item not in human]
    notes = []
    last = max(sample.items.index(item) for item in items)
    skipped = sum(1 for item in sample.items[:last] if item not in human)
    if skipped:
        notes.append(
            f"{skipped} drawn items before the last labelled one have no label; if they were skipped for what "
            "they say, the labels are no random sample any more"
        )
    if sample.scheme == "stratified":
        human_only = powered = _stratified(sample, scored, human)
        lam = None
        binding = human_only
        notes.append(
            "labels are weighted by stratum; the judge's verdict defines the strata and adds nothing more"
        )
    else:
        made = ppi(y, f, rest)
        human_only, powered, lam = made.human_only, made.estimate, made.lam
        binding = made.bound
        if made.binding == "human":
            short = max(0, LEAST_LABELS - len(y))
            notes.append(
                f"{len(y)} labels: those alone count, since the corrected interval would cover too little under "
                f"{LEAST_LABELS}; {short} more are needed"
                if short
                else "every output is labelled, so the judge adds nothing"
            )
    check = _cross_check(y, f, scored)
    if check is not None and powered is not None and (check.low > powered.high or check.high < powered.low):
        notes.append(
            "the cross-check by the judge's errors does not overlap the interval; look at the sample before you trust either"
        )
    if scored.failed:
        notes.append(f"{scored.failed} outputs failed and count as 0 without a judge")
    whole = _scaled(binding, scored.share)
    measured = Measured(whole.value, whole.low, whole.high, scored.n, len(y), _method(binding, len(y)))
    return Corrected(
        scorer, sample.judge, measured, scored.mean, _scaled(human_only, scored.share),
        _scaled(powered, scored.share), _scaled(check, scored.share) if check else None, lam, len(y), skipped,
        sample.id, tuple(notes),
    )  # fmt: skip


def _cross_check(y: Sequence[float], f: Sequence[float], scored: _Scored) -> Interval | None:
    """Return the rate by Rogan and Gladen from the sensitivity and specificity on the labelled items themselves."""
    if scored.graded or any(v not in (0.0, 1.0) for v in y):
        return None
    good = [b for a, b in zip(y, f, strict=True) if a == 1]
    bad = [b for a, b in zip(y, f, strict=True) if a == 0]
    if not good or not bad:
        return None
    rate = sum(scored.scores.values()) / len(scored.scores)
    try:
        return rogan_gladen(
            rate, len(scored.scores), sum(good) / len(good), len(good), 1 - sum(bad) / len(bad), len(bad)
        )
    except InvalidInputError:
        return None


def _stratified(sample: Sample, scored: _Scored, human: Mapping[str, float]) -> Interval:
    """Return the mean of a stratified sample: strata weighted by size, t interval; Wilson's width where one is constant.

    A stratum without a label leaves the mean unknown for its share, which then counts from 0 to 1.
    """
    sizes: dict[str, float] = {}
    values: dict[str, list[float]] = {}
    for item in sample.items:
        stratum = sample.strata[item]
        sizes[stratum] = sizes.get(stratum, 0.0) + sample.weights[item]
        if item in human:
            values.setdefault(stratum, []).append(human[item])
    total = sum(sizes.values())
    mean, variance, unknown, n = 0.0, 0.0, 0.0, 0
    for stratum, size in sizes.items():
        share, said = size / total, values.get(stratum, [])
        if not said:
            unknown += share
            continue
        n += len(said)
        centre = sum(said) / len(said)
        mean += share * centre
        rate = wilson(round(sum(said)), len(said))
        spread = (rate.width / 2 / t_of(0.025, 10_000)) ** 2
        if len(said) > 1:
            plain = sum((v - centre) ** 2 for v in said) / (len(said) - 1) / len(said)
            spread = max(plain, spread) if plain == 0 else plain
        variance += share * share * spread
    half = t_of(0.025, max(1, n - len(values))) * sqrt(variance)
    low, high = max(0.0, mean - half), min(1.0, mean + half + unknown)
    return Interval(mean + unknown / 2, low, high, 0.95, "human labels, weighted by stratum")


def _scaled(interval: Interval, share: float) -> Interval:
    return Interval(
        interval.value * share, interval.low * share, interval.high * share, interval.level, interval.method
    )


def _method(interval: Interval, labels: int) -> str:
    return f"{interval.method}, {labels} human labels of a drawn sample"


def _uncorrected(scored: _Scored, scorer: str, why: str, sample: str = "", labels: int = 0) -> Corrected:
    measured = Measured(None, None, None, scored.n, labels, why)
    return Corrected(scorer, scored.judge, measured, scored.mean, labels=labels, sample=sample, notes=(why,))
