"""What differs between two releases: settings name by name, the prompt's text, the documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from groundwork.knowledge.records import SnapshotDiff
from groundwork.prompts.diff import PromptDiff
from groundwork.releases.types import Manifest, Release

UNSHOWN = ("app", "recipe", "settings")
"""Parts of the pins that follow from the others."""


@dataclass(frozen=True, slots=True)
class Change:
    """One pinned value that is not as it was; both sides in words, empty where a side has none."""

    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """Two releases side by side.

    Attributes:
        same: equal pins. settings: what is not as it was, by name.
        prompt: the prompt's text; None where both have the same or one has none. documents: None where both have the same
            snapshot, or where it cannot be said; `notes` then says why.
    """

    old: Release
    new: Release
    settings: tuple[Change, ...]
    prompt: PromptDiff | None = None
    documents: SnapshotDiff | None = None
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        return self.old.digest == self.new.digest

    def as_dict(self) -> dict[str, Any]:
        return {
            "old": self.old.ref,
            "new": self.new.ref,
            "same": self.same,
            "settings": [asdict(c) for c in self.settings],
            "prompt": self.prompt.as_dict() if self.prompt else None,
            "documents": asdict(self.documents) if self.documents else None,
            "notes": list(self.notes),
        }


def changes(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """Return the pinned values that differ, by name."""
    was, now = _flat(_shown(old)), _flat(_shown(new))
    names = sorted(was.keys() | now.keys())
    return tuple(
        Change(name, was.get(name, ""), now.get(name, ""))
        for name in names
        if was.get(name, "") != now.get(name, "")
    )


def _shown(manifest: Manifest) -> dict[str, Any]:
    return {name: value for name, value in manifest.pins().items() if name not in UNSHOWN}


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        whole = f"{before}{name}"
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{whole}."))
        else:
            found[whole] = _words(value)
    return found


def _words(value: Any) -> str:
    import json

    if value is None or value == "" or value == []:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
