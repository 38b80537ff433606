"""What differs between two versions: examples that came, that went, and that say something else, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.datasets.content import body_of
from groundwork.datasets.types import DatasetVersion, Example


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """A field that is not as it was; None: it was not there, or is no more."""

    name: str
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class ExampleDiff:
    """An example that both versions have and that is not the same."""

    id: str
    fields: tuple[FieldDiff, ...]
    old: Example
    new: Example


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """What it takes to get from one version to another; added in the order of the new one, the others of the old one."""

    old: DatasetVersion
    new: DatasetVersion
    added: tuple[Example, ...]
    removed: tuple[Example, ...]
    changed: tuple[ExampleDiff, ...]
    unchanged: int
    reordered: bool

    @property
    def same(self) -> bool:
        """Whether both hold the same examples in the same order."""
        return not (self.added or self.removed or self.changed or self.reordered)

    def as_dict(self) -> dict[str, Any]:
        return {
            "old": self.old.ref,
            "new": self.new.ref,
            "same": self.same,
            "added": [x.as_dict() for x in self.added],
            "removed": [x.as_dict() for x in self.removed],
            "changed": [
                {"id": x.id, "fields": [{"name": f.name, "was": f.was, "now": f.now} for f in x.fields]}
                for x in self.changed
            ],
            "unchanged": self.unchanged,
            "reordered": self.reordered,
        }


def diff_examples(
    old: DatasetVersion, was: Sequence[Example], new: DatasetVersion, now: Sequence[Example]
) -> DatasetDiff:
    """Return what differs between two lists of examples, told apart by their ids."""
    before = {x.id: x for x in was}
    after = {x.id: x for x in now}
    changed = [d for x in was if x.id in after and (d := _changed(x, after[x.id])) is not None]
    kept_before = [x.id for x in was if x.id in after]
    kept_after = [x.id for x in now if x.id in before]
    return DatasetDiff(
        old=old,
        new=new,
        added=tuple(x for x in now if x.id not in before),
        removed=tuple(x for x in was if x.id not in after),
        changed=tuple(changed),
        unchanged=len(kept_before) - len(changed),
        reordered=kept_before != kept_after,
    )


def _changed(old: Example, new: Example) -> ExampleDiff | None:
    if old == new:
        return None
    was = {**body_of(old), "split": old.split}
    now = {**body_of(new), "split": new.split}
    names = [*was, *(n for n in now if n not in was)]
    fields = tuple(FieldDiff(n, was.get(n), now.get(n)) for n in names if was.get(n) != now.get(n))
    return ExampleDiff(old.id, fields, old, new) if fields else None
