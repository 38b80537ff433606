"""What an evaluation will do, settled and digested before the first example runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, cast

from groundwork.core.digest import digest_json
from groundwork.core.errors import InvalidInputError, SettingsError
from groundwork.datasets.types import DatasetVersion, Example
from groundwork.evaluation.scorers import SCORERS, Scorer, Services
from groundwork.evaluation.types import Output, Score, not_applicable

DEFAULT_SCORERS: tuple[str, ...] = ("correct", "citation_precision", "abstention", "latency", "cost")
"""What is scored where nobody says; those that the dataset or the subject has nothing for are left out."""
MOST_REPEATS = 100
DISCORDANCE = 0.2
"""Share of examples that two runs are thought to differ on, for what n can show before anything is known."""
SPREAD = 0.25
"""Standard deviation of paired differences of scores between 0 and 1, for the same."""
OF_EXAMPLES = ("expected", "context", "relevant", "tools")


@dataclass(frozen=True)
class RunPlan:
    """Everything that is settled before an evaluation runs.

    Attributes:
        word: the subject as it was asked for. subject: `Subject.describe()`.
        dataset_version: digest; `dataset` is the name and `dataset_ref` such as `golden@3`.
        scorers: see `Evaluation.scorers`.
        n: examples that will run, `repeats` times each; clusters: groups they come in.
        looks: how often the holdout of this dataset was evaluated before; 0 for other splits.
        detectable: smallest difference a comparison of two such runs finds with 80 % power at one-sided 5 %, as
            `{binary: {…}, scores: {…}}`; empty where it cannot be said.
        notes: what is worth knowing before it runs, in words.
    """

    word: str
    subject: Mapping[str, Any]
    app: str
    release: str
    dataset: str
    dataset_ref: str
    dataset_version: str
    split: str
    scorers: Mapping[str, Mapping[str, Any]]
    repeats: int
    limit: int | None
    seed: int
    n: int
    clusters: int
    expected_cost_usd: float | None
    looks: int = 0
    title: str = ""
    detectable: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The digest of what decides which numbers come out."""
        return digest_json(
            {
                "subject": self.subject["digest"],
                "dataset": self.dataset_version,
                "split": self.split,
                "scorers": {name: _settled(s) for name, s in self.scorers.items()},
                "repeats": self.repeats,
                "limit": self.limit,
                "seed": self.seed,
            }
        )

    def record(self) -> dict[str, Any]:
        """Return what is kept of it beside the columns."""
        names = (
            "word", "subject", "scorers", "repeats", "limit", "seed", "n", "clusters", "expected_cost_usd", "looks",
            "dataset_ref", "detectable",
        )  # fmt: skip
        kept = {name: getattr(self, name) for name in names}
        return {**kept, "order": list(self.scorers), "notes": list(self.notes)}

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-compatible values, with its digest."""
        return {**asdict(self), "digest": self.digest}


def _settled(scorer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: scorer[name] for name in ("name", "parameters", "version")}


def chosen(examples: Sequence[Example], limit: int | None, seed: int) -> list[Example]:
    """Return `limit` examples drawn at random in the order of the dataset; the same ones for equal seeds, all for None."""
    if limit is None or limit >= len(examples):
        return list(examples)
    drawn = sorted(
        examples, key=lambda x: hashlib.sha256(f"{seed} {x.id}".encode("utf-8", "replace")).digest()
    )
    kept = {x.id for x in drawn[:limit]}
    return [x for x in examples if x.id in kept]


def described(spec: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name a scorer goes by and what is kept of it.

    Raises:
        NotFoundError: there is no such scorer; the hint names the nearest. SettingsError: a parameter is unknown.
    """
    table = {"name": spec} if isinstance(spec, str) else dict(spec)
    alias = str(table.pop("as", "") or table.get("name", ""))
    scorer = make(table)
    known = {
        "name": str(table["name"]),
        "parameters": {k: v for k, v in table.items() if k != "name"},
        "version": scorer.version,
        "higher_is_better": scorer.higher_is_better,
        "worst": scorer.worst,
        "binary": scorer.binary,
        "metrics": list(scorer.metrics),
        "needs": sorted(scorer.needs),
    }
    return alias, known


def make(table: Mapping[str, Any]) -> Scorer:
    """Build a scorer from `{name, …parameters}`."""
    return SCORERS.make(table)


def described_all(specs: Sequence[str | Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the scorers by the names they go by.

    Raises:
        InvalidInputError: two go by one name.
    """
    scorers: dict[str, dict[str, Any]] = {}
    for spec in specs:
        alias, known = described(spec)
        if alias in scorers:
            raise InvalidInputError(
                f"two scorers go by the name `{alias}`", hint="give one of them another name with `as`"
            )
        scorers[alias] = known
    return scorers


def built(scorers: Mapping[str, Mapping[str, Any]], *, strict: bool = True) -> dict[str, Scorer]:
    """Return the scorers of a plan, built.

    Args:
        strict: False where only what is recorded is read with them.

    Raises:
        SettingsError: one of them has another version by now, so that its numbers would not fit those that are there.
    """
    found: dict[str, Scorer] = {}
    for alias, known in scorers.items():
        if known.get("foreign"):
            found[alias] = cast("Scorer", Foreign(known))
            continue
        scorer = make({"name": known["name"], **known["parameters"]})
        if strict and scorer.version != known["version"]:
            raise SettingsError(
                f"the scorer `{known['name']}` was version {known['version']} when this evaluation was planned "
                f"and is {scorer.version} now",
                hint="start a new evaluation: scores of two versions do not mix",
            )
        found[alias] = scorer
    return found


class Foreign:
    """A scorer of another tool: its scores were brought along, and it can score nothing here."""

    version = 1

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.higher_is_better = bool(known["higher_is_better"])
        self.worst: float | None = known["worst"]
        self.binary = bool(known["binary"])
        self.metrics: tuple[str, ...] = tuple(known["metrics"])
        self.needs: frozenset[str] = frozenset()

    def score(self, example: Example, output: Output, services: Services) -> Score:
        return not_applicable("it was scored elsewhere")


def lacking(
    known: Mapping[str, Any], examples: Sequence[Example], brings: Sequence[str] | None
) -> tuple[str, int]:
    """Return what a scorer needs that nothing has (empty: nothing), and how many examples it applies to.

    Args:
        brings: what the subject's outputs hold; None where that is not known.
    """
    count = len(examples)
    for need in known["needs"]:
        if need in OF_EXAMPLES:
            has = sum(1 for x in examples if _has(x, need))
            if not has:
                return need, 0
            count = min(count, has)
        elif brings is not None and need not in brings:
            return need, 0
    return "", count


def _has(example: Example, need: str) -> bool:
    if need == "expected":
        return example.expected is not None or example.impossible
    if need == "context":
        return bool(example.context)
    if need == "relevant":
        return bool(example.relevant)
    return example.tools is not None


def fitting(
    scorers: dict[str, dict[str, Any]],
    examples: Sequence[Example],
    brings: Sequence[str] | None,
    version: DatasetVersion,
    split: str,
    *,
    asked: bool,
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the scorers that have something to score, and notes about those that have little or nothing.

    Args:
        asked: somebody named them: one without anything to score is then an error.

    Raises:
        InvalidInputError: a scorer that was asked for needs what the dataset or the subject lacks.
    """
    kept: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    where = f"{version.ref}{f' ({split})' if split else ''}"
    for alias, known in scorers.items():
        need, count = lacking(known, examples, brings)
        if need:
            whose = f"no example of {where} has" if need in OF_EXAMPLES else "the subject does not bring"
            if asked:
                raise InvalidInputError(
                    f"the scorer `{alias}` needs `{need}`, which {whose}",
                    hint="leave the scorer out, or add it to the dataset"
                    if need in OF_EXAMPLES
                    else "leave the scorer out, or evaluate an app",
                )
            notes.append(f"`{alias}` is left out: it needs `{need}`, which {whose}.")
            continue
        if count < len(examples):
            notes.append(f"`{alias}` applies to {count:,} of {len(examples):,} examples.")
        kept[alias] = known
    return kept, notes


def detectable(n: int, clusters: int) -> dict[str, Any]:
    """Return the smallest difference that a comparison of two such runs finds with 80 % power at one-sided 5 %.

    For binary scores where one example in five comes out differently, and for scores whose differences have a standard
    deviation of .25, if clusters are alike no more than chance has it.
    """
    from groundwork.evaluation.statistics.power import detectable as smallest

    found = {"binary": smallest(n, discordance=DISCORDANCE), "scores": smallest(n, sd=SPREAD)}
    kept = {name: round(value, 4) for name, value in found.items() if value is not None}
    return {"n": n, "clusters": clusters, **kept}


def power(found: Mapping[str, Any]) -> str:
    """Return in a sentence what `detectable` found; empty for nothing."""
    if not found:
        return ""
    n, binary = int(found["n"]), found.get("binary")
    examples = f"{n:,} example{'s' * (n != 1)}"
    if binary is None:
        return f"{examples}: too few to tell any difference in a rate of right answers."
    return (
        f"Compared with another run, {examples} show a difference of {100 * binary:.0f} points or more "
        "(4 times in 5, where one example in five comes out differently)."
    )
