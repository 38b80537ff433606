"""From results to numbers: the rows of a scorer, one metric over them, and the column that comparisons work on.

Repeats are averaged within their example. What is missing (no result, or a score that could not be had) counts as the
scorer's worst, or as the worst score seen where it has no bound. What a scorer does not apply to is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.datasets.types import Example
from groundwork.evaluation.metrics import METRICS, Metric, Row
from groundwork.evaluation.metrics._base import mean_of
from groundwork.evaluation.metrics.naming import MetricName, name_of, parse_metric
from groundwork.evaluation.scorers import SCORERS, Scorer
from groundwork.evaluation.types import Column, Measured, Result, Score

_LABELLED = {"predicted", "expected"}


def make_scorers(specs: Sequence[str | Mapping[str, Any]]) -> dict[str, Scorer]:
    """Build scorers from their specs, by the names they go by in the order given.

    Raises:
        SettingsError, NotFoundError: one of them cannot be built. InvalidInputError: two go by one name.
    """
    made: dict[str, Scorer] = {}
    for spec in specs:
        name = name_of(spec)
        if name in made:
            raise InvalidInputError(
                f"two scorers are called `{name}`", hint="give one of them another name with `as`"
            )
        made[name] = SCORERS.make(
            spec if isinstance(spec, str) else {k: v for k, v in spec.items() if k != "as"}
        )
    return made


def measure(
    expression: str,
    results: Sequence[Result],
    scorers: Mapping[str, Scorer],
    examples: Sequence[Example] | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Measured:
    """Return one metric over the results of an evaluation.

    Args:
        expression: see `naming.parse_metric`.
        scorers: by the names they go by in the results.
        examples: those that should have been run; give them whenever they are at hand. They bring clusters and weights, and
            one without a result counts as missing. Without them each example with a result stands alone.
        level: of the interval. seed: of resampling; equal arguments answer equally.

    Raises:
        InvalidInputError: the expression cannot be read. NotFoundError: it names no scorer of the evaluation.
    """
    named = parse_metric(expression)
    scorer = _scorer(named, expression, scorers)
    metric = metric_of(named, scorer)
    found = rows_of(named.scorer, scorer, results, examples)
    return metric.measure(found, level=level, seed=seed)


def column(
    expression: str,
    examples: Sequence[Example],
    results: Sequence[Result],
    scorers: Mapping[str, Scorer],
) -> Column:
    """Return one metric's numbers, example by example, in the order of the examples.

    For a metric that is no mean over examples (a quantile, AUROC) they are the scorer's own.

    Raises:
        InvalidInputError: the expression cannot be read. NotFoundError: it names no scorer of the evaluation.
    """
    named = parse_metric(expression)
    scorer = _scorer(named, expression, scorers)
    metric = metric_of(named, scorer)
    by_id = {e.id: e for e in examples}
    rows = _rows(named.scorer, results, examples)
    values = [_value(metric, row) for row in rows]
    better = metric.higher_is_better
    return Column(
        metric=expression,
        ids=tuple(r.id for r in rows),
        values=tuple(values),
        clusters=tuple(r.cluster for r in rows),
        tags=tuple(by_id[r.id].tags for r in rows),
        higher_is_better=scorer.higher_is_better if better is None else better,
        worst=scorer.worst,
        binary=scorer.binary and all(v in (0.0, 1.0) for v in values if v is not None),
        weights=tuple(r.weight for r in rows),
    )


def rows_of(
    name: str, scorer: Scorer, results: Sequence[Result], examples: Sequence[Example] | None = None
) -> list[Row]:
    """Return the rows that a metric takes: one for each example, with what is missing filled by the worst."""
    rows = _rows(name, results, examples)
    worst = scorer.worst
    if worst is None:
        seen = [s for r in rows for s in r.scores if s is not None]
        worst = (min(seen) if scorer.higher_is_better else max(seen)) if seen else None
    filled = [_filled(row, worst) for row in rows]
    return filled if scorer.worst is not None else [replace(row, bounded=False) for row in filled]


def metric_of(named: MetricName, scorer: Scorer) -> Metric:
    """Return the metric that is meant: the one written, or the first of the scorer's."""
    return METRICS.make(named.metric or scorer.metrics[0])


def expressions(scorers: Mapping[str, Scorer]) -> list[str]:
    """Return every metric that is reported for these scorers, as it is written: the first of each by the bare name."""
    return [
        name if i == 0 else f"{metric}({name})"
        for name, scorer in scorers.items()
        for i, metric in enumerate(scorer.metrics)
    ]


def _scorer(named: MetricName, expression: str, scorers: Mapping[str, Scorer]) -> Scorer:
    if named.scorer not in scorers:
        raise NotFoundError(
            f"`{expression}`: no scorer of the evaluation is called `{named.scorer}`",
            hint=f"it has: {', '.join(scorers) or 'none'}",
        )
    return scorers[named.scorer]


def _rows(name: str, results: Sequence[Result], examples: Sequence[Example] | None) -> list[Row]:
    by_example: dict[str, list[Result]] = {}
    for result in sorted(results, key=lambda r: (r.seq, r.repeat)):
        by_example.setdefault(result.example_id, []).append(result)
    repeats = max((len(r) for r in by_example.values()), default=1)
    whole = [(i, i, 1.0) for i in by_example]
    if examples is not None:
        whole = [(e.id, e.group, e.weight) for e in examples]
    labelled = any(_LABELLED & r.scores[name].parts.keys() for r in results if name in r.scores)
    rows = (
        _row(i, group, weight, by_example.get(i, ()), name, repeats, labelled) for i, group, weight in whole
    )
    known = {e.id: e for e in examples or ()}
    return [_expecting(row, known.get(row.id)) for row in rows if row is not None]


def _row(
    example_id: str,
    cluster: str,
    weight: float,
    results: Sequence[Result],
    name: str,
    repeats: int,
    labelled: bool,
) -> Row | None:
    pairs = [(r, r.scores.get(name) or Score(None, error="missing")) for r in results]
    applies = [(r, s) for r, s in pairs if s.applies]
    if pairs and not applies:
        return None
    missing = max(0, repeats - len(pairs))
    expected = next((s.parts["expected"] for _, s in applies if s.parts.get("expected") is not None), None)
    tells = any("loss" in s.parts for _, s in applies)
    return Row(
        id=example_id,
        cluster=cluster,
        scores=(*(s.value for _, s in applies), *[None] * missing),
        confidences=(
            *(s.parts.get("confidence", r.output.confidence) for r, s in applies),
            *[None] * missing,
        ),
        abstained=(*(r.output.abstained for r, _ in applies), *[False] * missing),
        labels=(*(str(s.parts.get("predicted", "")) for _, s in applies), *[""] * missing)
        if labelled
        else (),
        expected=expected,
        weight=weight,
        losses=(*(float(s.parts.get("loss", 1.0)) for _, s in applies), *[1.0] * missing) if tells else (),
    )


def _expecting(row: Row, example: Example | None) -> Row:
    if row.expected is not None or example is None:
        return row
    expected = example.expected
    plain = isinstance(expected, str | int | float) and not isinstance(expected, bool)
    return replace(row, expected=expected) if plain else row


def _filled(row: Row, worst: float | None) -> Row:
    if worst is None or all(s is not None for s in row.scores):
        return row
    return replace(row, scores=tuple(worst if s is None else s for s in row.scores))


def _value(metric: Metric, row: Row) -> float | None:
    of = getattr(metric, "value", None)
    if metric.per_example and of is not None:
        found: float | None = of(row)
        return found
    return mean_of(row.scores)
