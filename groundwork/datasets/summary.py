"""What a version holds, in numbers: splits, tags, clusters, licences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from groundwork.datasets.types import SPLITS, Example

MOST_SHOWN = 100


def summarise(examples: Sequence[Example]) -> dict[str, Any]:
    """Return counts of what is in the examples.

    `{splits: {test: n}, tags: {…}, tags_in_all: n, clusters: n, largest_cluster: n, licences: {…}, impossible: n,
    without_reference: n}`; of tags and licences the 100 most frequent.
    """
    clusters = Counter(x.group for x in examples)
    tags = Counter(tag for x in examples for tag in x.tags)
    splits = Counter(x.split for x in examples)
    return {
        "splits": {s: splits[s] for s in SPLITS if splits[s]},
        "tags": _most(tags),
        "tags_in_all": len(tags),
        "clusters": len(clusters),
        "largest_cluster": max(clusters.values(), default=0),
        "licences": _most(Counter(x.licence for x in examples if x.licence)),
        "impossible": sum(x.impossible for x in examples),
        "without_reference": sum(_without(x) for x in examples),
    }


def _without(example: Example) -> bool:
    return example.expected is None and not (example.impossible or example.relevant or example.tools)


def _most(counts: Counter[str]) -> dict[str, int]:
    ranked: Iterable[tuple[str, int]] = sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))[:MOST_SHOWN]
    return dict(sorted(ranked))
