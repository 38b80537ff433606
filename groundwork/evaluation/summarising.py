"""What an evaluation says once it is done: every metric with its interval, overall and by slice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.datasets.types import Example
from groundwork.evaluation.planning import built
from groundwork.evaluation.types import Result
from groundwork.evaluation.worst import quality

MOST_SLICES = 40
LEAST_OF_A_SLICE = 5
SLICES = "slices"


def summarise(
    scorers: Mapping[str, Mapping[str, Any]], results: Sequence[Result], examples: Sequence[Example]
) -> dict[str, Any]:
    """Return `Measured.as_dict()` by metric, and under `slices` by tag the first metric of each that says how good.

    A slice holds at least five examples; of more than forty the largest are kept. What is missing counts as the worst.
    """
    from groundwork.evaluation.metrics.measuring import expressions, metric_of, rows_of
    from groundwork.evaluation.metrics.naming import parse_metric

    made = built(scorers, strict=False)
    # The rows of a scorer are the same for each of its metrics, and those of a slice are some of them.
    rows = {name: rows_of(name, scorer, results, examples) for name, scorer in made.items()}
    summary: dict[str, Any] = {}
    for expression in expressions(made):
        named = parse_metric(expression)
        metric = metric_of(named, made[named.scorer])
        summary[expression] = metric.measure(rows[named.scorer]).as_dict()
    firsts = {name: metric_of(parse_metric(name), made[name]) for name in quality(scorers)}
    slices: dict[str, Any] = {}
    for tag in tags_of(examples):
        ids = {x.id for x in examples if tag in x.tags}
        slices[tag] = {
            name: metric.measure([row for row in rows[name] if row.id in ids]).as_dict()
            for name, metric in firsts.items()
        }
    return {**summary, SLICES: slices}


def tags_of(examples: Sequence[Example]) -> list[str]:
    """Return the tags that are looked at apart, sorted."""
    counts = Counter(tag for x in examples for tag in set(x.tags))
    kept = [tag for tag, n in counts.most_common(MOST_SLICES) if LEAST_OF_A_SLICE <= n < len(examples)]
    return sorted(kept)
