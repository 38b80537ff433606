"""Which configurations are tried: the app as it is, every single change, then pairs of changes, up to the budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.tuning.types import PARTS, Configuration

MOST = 48
USUAL_BUDGET = 24
STRATEGIES: tuple[str | dict[str, Any], ...] = (
    "hybrid",
    "hybrid_rm3",
    "lexical",
    "dense",
    "mmr",
    "neighbours",
    "parent",
    {"name": "hybrid", "weight": 0.3},
    {"name": "hybrid", "weight": 0.7},
    {"name": "hybrid", "proximity": 0.0},
    {"name": "hybrid", "proximity": 0.5},
    {"name": "hybrid_rm3", "chunks": 10, "original": 0.6},
)
CHUNKERS: tuple[str | dict[str, Any], ...] = (
    "structure",
    "sentences",
    "fixed_tokens",
    {"name": "structure", "max_chars": 600, "target_chars": 500, "min_chars": 100},
    {"name": "structure", "max_chars": 2400, "target_chars": 2000, "min_chars": 300},
)
PASSAGES = (4, 8, 12, 20)
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def configurations(
    choices: Mapping[str, Sequence[Any]], now: Mapping[str, Any], budget: int
) -> list[Configuration]:
    """Return at most `budget` configurations, the app as it is first.

    Args:
        choices: by part, what it may be. now: what it is; choices equal to it are no change.
        budget: 2 to 48.

    Raises:
        InvalidInputError: the budget is out of range, or there is nothing to choose from.
    """
    if not 2 <= budget <= MOST:
        raise InvalidInputError(f"a budget of {budget} configurations", hint=f"give 2 to {MOST}")
    levels: dict[str, list[Any]] = {
        part: [v for v in choices.get(part, ()) if _plain(v) != _plain(now.get(part))] for part in PARTS
    }
    found = [Configuration()]
    seen = {found[0].digest}
    for configuration in (*_single(levels), *_pairs(levels)):
        if len(found) == budget:
            break
        if configuration.digest not in seen:
            seen.add(configuration.digest)
            found.append(configuration)
    if len(found) < 2:
        raise InvalidInputError(
            "there is nothing to choose from", hint="leave out fewer parts, or name prompts or models to try"
        )
    return found


def _single(levels: Mapping[str, Sequence[Any]]) -> Iterator[Configuration]:
    """Yield one change at a time, the first choice of every part before the second of any."""
    for place in range(max((len(v) for v in levels.values()), default=0)):
        for part in PARTS:
            if place < len(levels[part]):
                yield Configuration({part: levels[part][place]})


def _pairs(levels: Mapping[str, Sequence[Any]]) -> Iterator[Configuration]:
    """Yield two changes at a time, taking turns between the pairs of parts."""
    turns = [product(levels[a], levels[b]) for a, b in combinations(PARTS, 2)]
    names = list(combinations(PARTS, 2))
    while turns:
        for place in reversed(range(len(turns))):
            chosen = next(turns[place], None)
            if chosen is None:
                del turns[place], names[place]
            else:
                yield Configuration(dict(zip(names[place], chosen, strict=True)))


def _plain(value: Any) -> Any:
    """Return a value so that a name and a table with nothing but the name are equal."""
    if isinstance(value, Mapping):
        rest = {k: v for k, v in value.items() if k != "name"}
        return (value.get("name"), tuple(sorted(rest.items()))) if rest else value.get("name")
    return value
