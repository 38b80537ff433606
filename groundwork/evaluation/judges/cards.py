"""The card of a judge: what its verdicts have in common with people's labels, and where it leans. Pure functions.

What people say of an item is the label that most of them gave. Where they are divided it is one of those labels, drawn by
the item's digest: leaving such items out would measure the judge on the easy ones. Everything is computed from what is
handed in, so the card of a judge and a measurement of published data are the same figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from groundwork.core.digest import digest_text
from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.judges.asking import PAIR_LABELS, value_of
from groundwork.evaluation.judges.leaning import length, position, self_preference
from groundwork.evaluation.statistics.agreement import (
    cohen_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)
from groundwork.evaluation.statistics.rates import wilson
from groundwork.evaluation.statistics.types import Interval

PREVALENT = 0.80
"""Share of the most frequent label above which AC1 is shown beside kappa, which then is low though both mostly agree."""
RESAMPLES = 2_000
_SWAP: Mapping[str, str] = {"first": "a", "second": "b", "tie": "tie"}


@dataclass(frozen=True, slots=True)
class Judged:
    """One item with what people and the judge said of it.

    Attributes:
        people: label by rater. verdict: the judge's label; empty where it gave none that can be read (`error`).
        preference, swapped: of a pair, see `JudgeVerdict`.
        log_ratio: of a pair, ln(length of the first / length of the second); of one output, ln of its length. None: unknown.
        family, other_family: whose model wrote it; empty: unknown.
        weight: how many items of the population it stands for; stratum: what it was drawn from.
    """

    item: str
    people: Mapping[str, str]
    verdict: str
    preference: str = ""
    swapped: str = ""
    error: str = ""
    log_ratio: float | None = None
    family: str = ""
    other_family: str = ""
    weight: float = 1.0
    stratum: str = ""
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def human(self, labels: Sequence[str]) -> str:
        """Return the label that most people gave, one drawn by digest where several tie; empty where there is none."""
        tied = self._most(labels)
        return min(tied, key=lambda label: digest_text(f"{self.item}:{label}")) if tied else ""

    def divided(self, labels: Sequence[str]) -> bool:
        """Whether no label was given more often than every other."""
        return len(self._most(labels)) > 1

    def _most(self, labels: Sequence[str]) -> list[str]:
        counts = Counter(label for label in self.people.values() if label in labels)
        most = max(counts.values(), default=0)
        return [label for label, n in counts.items() if n == most]


def make_record(
    judged: Sequence[Judged],
    labels: Sequence[str],
    passing: str,
    *,
    family: str = "",
    ordered: bool | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    """Return the record of a card; JSON-compatible, finite, deterministic.

    Args:
        labels: the judge's, worst first. passing: the least that passes.
        family: of the judge's model, for self-preference.
        ordered: the labels are a scale, on which near misses count (quadratic weights); None: where there are more than 2
            that are no preferences.

    Raises:
        InvalidInputError: no item has both a human label and a place in the record.
    """
    pairs = tuple(labels) == PAIR_LABELS
    scale = len(labels) > 2 and not pairs if ordered is None else ordered
    labelled = [j for j in judged if j.human(labels)]
    readable = [j for j in labelled if j.verdict in labels and not j.error]
    if not labelled:
        raise InvalidInputError(
            "no item has a label of a person",
            hint="label items with `groundwork judge label SAMPLE`",
        )
    human = [j.human(labels) for j in readable]
    verdicts = [j.verdict for j in readable]
    record: dict[str, Any] = {
        "n": len(readable),
        "unread": len(labelled) - len(readable),
        "divided": sum(j.divided(labels) for j in judged),
        "raters": len({r for j in judged for r in j.people}),
        "labels": list(labels),
        "passing": passing,
        "pairs": pairs,
        "ordered": scale,
        "level": level,
        "confusion": _confusion(human, verdicts, labels),
        "people": _people(judged, labels, scale, level),
        "items": [_kept(j, labels) for j in judged if j.people],
    }
    if not readable:
        record["constant"] = "no verdict of the judge could be read"
        return record
    record |= _agreement(readable, human, verdicts, labels, scale, level)
    record |= _errors(human, verdicts, labels, passing, level)
    if pairs:
        both = [j for j in readable if j.preference in _SWAP and j.swapped in _SWAP]
        record["position"] = position(
            [_SWAP[j.preference] for j in both], [_SWAP[j.swapped] for j in both], level
        )
    values = [_value(v, labels, passing, pairs) for v in verdicts]
    wanted = [_value(h, labels, passing, pairs) for h in human]
    record["length"] = length(values, wanted, [j.log_ratio for j in readable], pairs=pairs, level=level)
    own = [_own(j, family, pairs) for j in readable]
    record["self_preference"] = self_preference(values, wanted, own, pairs=pairs, family=family, level=level)
    return record


def shown_interval(made: Interval) -> dict[str, Any]:
    """Return an interval as a card keeps it."""
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in made.as_dict().items()}


def _agreement(
    readable: Sequence[Judged],
    human: Sequence[str],
    verdicts: Sequence[str],
    labels: Sequence[str],
    scale: bool,
    level: float,
) -> dict[str, Any]:
    found: dict[str, Any] = {"agreement": shown_interval(percent_agreement(human, verdicts, level))}
    counts = Counter(human) + Counter(verdicts)
    found["prevalence"] = round(max(counts.values()) / (2 * len(human)), 6)
    if found["prevalence"] > PREVALENT:
        found["ac1"] = shown_interval(gwet_ac1(human, verdicts, level, labels))
    said = _constant(human, verdicts)
    if said:
        return {**found, "constant": said, "kappa": None}
    weights: Literal["quadratic"] | None = "quadratic" if scale else None
    plain = cohen_kappa(human, verdicts, labels=labels, level=level)
    if scale:
        found["kappa_unweighted"] = shown_interval(plain)
    weighted = any(j.weight != readable[0].weight for j in readable)
    if weighted:
        deciding = _stratified_kappa(readable, human, verdicts, labels, scale, level)
    else:
        deciding = cohen_kappa(human, verdicts, labels=labels, weights=weights, level=level)
    return {**found, "kappa": shown_interval(deciding)}


def _constant(human: Sequence[str], verdicts: Sequence[str]) -> str:
    if len(set(verdicts)) == 1:
        return (
            f"it said `{verdicts[0]}` to all {len(verdicts)} items, so nothing tells whether it looks at them; "
            "kappa is undefined"
        )
    if len(set(human)) == 1:
        return (
            f"people said `{human[0]}` of all {len(human)} items, so agreement beyond chance cannot be measured; "
            "label items of the other kind too"
        )
    return ""


def _errors(
    human: Sequence[str], verdicts: Sequence[str], labels: Sequence[str], passing: str, level: float
) -> dict[str, Any]:
    """Return sensitivity and specificity of the judge's passing; absent where people passed, or failed, nothing."""
    places = {label: n for n, label in enumerate(labels)}
    least = places[passing]
    pairs = list(zip(human, verdicts, strict=True))
    good = [places[v] >= least for h, v in pairs if places[h] >= least]
    bad = [places[v] < least for h, v in pairs if places[h] < least]
    found: dict[str, Any] = {}
    if good:
        found["sensitivity"] = {**shown_interval(wilson(sum(good), len(good), level)), "n": len(good)}
    if bad:
        found["specificity"] = {**shown_interval(wilson(sum(bad), len(bad), level)), "n": len(bad)}
    if good and bad:
        found["correction"] = {
            "sensitivity": round(sum(good) / len(good), 6),
            "n_positive": len(good),
            "specificity": round(sum(bad) / len(bad), 6),
            "n_negative": len(bad),
        }
    return found


def _people(judged: Sequence[Judged], labels: Sequence[str], scale: bool, level: float) -> dict[str, Any]:
    """Return how far people agree among themselves: what no judge can be asked to exceed."""
    raters = sorted({r for j in judged for r in j.people})
    if len(raters) < 2:
        return {
            "raters": len(raters),
            "note": "one person labelled, so nothing is known of how far people agree",
        }
    ratings = [[_known(j.people.get(r), labels) for j in judged] for r in raters]
    twice = sum(1 for j in judged if sum(v in labels for v in j.people.values()) > 1)
    found: dict[str, Any] = {"raters": len(raters), "twice": twice, "pairs": []}
    try:
        metric: Literal["ordinal", "nominal"] = "ordinal" if scale else "nominal"
        found["alpha"] = shown_interval(krippendorff_alpha(ratings, metric, level, labels=list(labels)))
    except InvalidInputError as error:
        found["note"] = error.message
        return found
    weights: Literal["quadratic"] | None = "quadratic" if scale else None
    for i in range(len(raters)):
        for k in range(i + 1, min(len(raters), i + 20)):
            both = [(x, y) for x, y in zip(ratings[i], ratings[k], strict=True) if x and y]
            if len(both) < 2:
                continue
            a, b = [x for x, _ in both], [y for _, y in both]
            one: dict[str, Any] = {"raters": [raters[i], raters[k]], "n": len(both)}
            one["agreement"] = shown_interval(percent_agreement(a, b, level))
            try:
                one["kappa"] = shown_interval(cohen_kappa(a, b, labels=labels, weights=weights, level=level))
            except InvalidInputError:
                one["kappa"] = None
            found["pairs"].append(one)
    return found


def _stratified_kappa(
    readable: Sequence[Judged],
    human: Sequence[str],
    verdicts: Sequence[str],
    labels: Sequence[str],
    scale: bool,
    level: float,
) -> Interval:
    """Return kappa of the population from a stratified sample, with a percentile interval by resampling within strata."""
    place = {label: n for n, label in enumerate(labels)}
    x = np.asarray([place[h] for h in human])
    y = np.asarray([place[v] for v in verdicts])
    weight = np.asarray([j.weight for j in readable])
    k = len(labels)
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(1, k - 1)
    near = 1 - apart**2 if scale else np.eye(k)

    def kappa(rows: Any) -> float:
        table = np.zeros((k, k))
        np.add.at(table, (x[rows], y[rows]), weight[rows])
        p = table / table.sum()
        chance = float(p.sum(axis=1) @ near @ p.sum(axis=0))
        return (float((near * p).sum()) - chance) / (1 - chance) if 1 - chance > 1e-12 else np.nan

    strata: dict[str, list[int]] = {}
    for n, j in enumerate(readable):
        strata.setdefault(j.stratum, []).append(n)
    groups = [np.asarray(rows) for rows in strata.values()]
    rng = np.random.default_rng(0)
    again = [
        kappa(np.concatenate([g[rng.integers(0, g.size, g.size)] for g in groups])) for _ in range(RESAMPLES)
    ]
    tail = (1 - level) / 2
    low, high = np.nanquantile(again, [tail, 1 - tail])
    value = kappa(np.arange(len(readable)))
    name = f"kappa{', quadratic weights' if scale else ''}, weighted by stratum, bootstrap within strata"
    return Interval(value, float(low), float(high), level, name)


def _confusion(
    human: Sequence[str], verdicts: Sequence[str], labels: Sequence[str]
) -> dict[str, dict[str, int]]:
    counts = Counter(zip(human, verdicts, strict=True))
    return {h: {v: counts[h, v] for v in labels} for h in labels}


def _value(label: str, labels: Sequence[str], passing: str, pairs: bool) -> float:
    """Return a label as a number: its place in a pair, else 1 where it passes."""
    if pairs:
        return value_of(label, labels) or 0.0
    return float(list(labels).index(label) >= list(labels).index(passing))


def _own(judged: Judged, family: str, pairs: bool) -> int | None:
    """Return 1 where the output is of the judge's family, else 0; of a pair 1 first, -1 second, 0 neither or both."""
    if not family or not judged.family or (pairs and not judged.other_family):
        return None
    if not pairs:
        return int(judged.family == family)
    return int(judged.family == family) - int(judged.other_family == family)


def _known(label: str | None, labels: Sequence[str]) -> str | None:
    return label if label in labels else None


def _kept(judged: Judged, labels: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "item": judged.item,
        "human": judged.human(labels),
        "people": dict(judged.people),
        "verdict": judged.verdict,
    }
    found |= {"error": judged.error} if judged.error else {}
    found |= {"preference": judged.preference, "swapped": judged.swapped} if judged.preference else {}
    return found
