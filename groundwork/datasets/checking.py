"""Look a version over before anybody trusts it: duplicates, leaks between splits, personal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from groundwork.datasets.duplicates import THRESHOLD, DuplicateGroup, Leak, find_duplicates, find_leaks
from groundwork.datasets.personal import Finding, scan
from groundwork.datasets.types import Example

MOST_IN_SUMMARY = 50


@dataclass(frozen=True, slots=True)
class Check:
    """What was found in a version."""

    examples: int
    duplicates: tuple[DuplicateGroup, ...]
    leaks: tuple[Leak, ...]
    personal: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing stands on two sides of a split."""
        return not self.leaks

    def summary(self) -> dict[str, Any]:
        """Return the counts that a version keeps, with the first ids; no value of an example is in them."""
        kinds = Counter[str]()
        for finding in self.personal:
            kinds.update(finding.kinds.keys())
        return {
            "duplicates": {
                "exact": sum(g.exact for g in self.duplicates),
                "near": sum(not g.exact for g in self.duplicates),
                "examples": sum(len(g.ids) for g in self.duplicates),
                "groups": [_group(g) for g in self.duplicates[:MOST_IN_SUMMARY]],
            },
            "leaks": {
                **{kind: sum(x.kind == kind for x in self.leaks) for kind in ("exact", "near", "cluster")},
                "first": [_leak(x) for x in self.leaks[:MOST_IN_SUMMARY]],
            },
            "personal": {
                "examples": len(self.personal),
                "kinds": dict(sorted(kinds.items())),
                "ids": [x.id for x in self.personal[:MOST_IN_SUMMARY]],
            },
        }

    def as_dict(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "examples": self.examples,
            "duplicates": [_group(g) for g in self.duplicates],
            "leaks": [_leak(x) for x in self.leaks],
            "personal": [{"id": x.id, "kinds": dict(x.kinds)} for x in self.personal],
        }


def check(examples: Sequence[Example], threshold: float = THRESHOLD) -> Check:
    """Return what is found in the examples of a version.

    Args:
        threshold: from which similarity on two inputs are near-duplicates, see `find_duplicates`.
    """
    duplicates = find_duplicates(examples, threshold)
    return Check(len(examples), duplicates, find_leaks(examples, duplicates), scan(examples))


def _group(group: DuplicateGroup) -> Mapping[str, Any]:
    return {
        "ids": list(group.ids[:MOST_IN_SUMMARY]), "n": len(group.ids), "similarity": round(group.similarity, 4),
        "exact": group.exact,
    }  # fmt: skip


def _leak(leak: Leak) -> Mapping[str, Any]:
    shown = asdict(leak)
    return {**shown, "ids": list(leak.ids[:MOST_IN_SUMMARY]), "n": len(leak.ids), "splits": list(leak.splits)}
