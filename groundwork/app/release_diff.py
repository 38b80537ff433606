"""Two releases put side by side with the rooms that know what they pin: the prompts, and the snapshots of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.core.errors import GroundworkError
from groundwork.core.principal import Principal
from groundwork.releases.diff import ReleaseDiff, changes

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.knowledge.records import SnapshotDiff
    from groundwork.prompts.diff import PromptDiff
    from groundwork.releases.types import Release


def diff_releases(workspace: Workspace, principal: Principal, old: Release, new: Release) -> ReleaseDiff:
    """Return what differs between two releases; what cannot be compared any more is named in `notes`."""
    notes: list[str] = []
    prompt = _prompts(workspace, principal, old, new, notes)
    documents = _documents(workspace, principal, old, new, notes)
    return ReleaseDiff(old, new, changes(old.manifest, new.manifest), prompt, documents, tuple(notes))


def _prompts(
    workspace: Workspace, principal: Principal, old: Release, new: Release, notes: list[str]
) -> PromptDiff | None:
    (name, _, was), (other, _, now) = old.manifest.prompt.partition("@"), new.manifest.prompt.partition("@")
    if not was or not now or was == now:
        return None
    if name != other:
        notes.append(f"the prompt is another one: `{name}` was, `{other}` is")
        return None
    try:
        return workspace.prompts.diff(principal, name, was, now)
    except GroundworkError as error:
        notes.append(f"the prompt's texts cannot be compared: {error.message}")
        return None


def _documents(
    workspace: Workspace, principal: Principal, old: Release, new: Release, notes: list[str]
) -> SnapshotDiff | None:
    if old.index != new.index:
        notes.append(f"the index is another one: `{old.index}` was, `{new.index}` is")
        return None
    if old.snapshot == new.snapshot:
        return None
    if not principal.owner:
        notes.append("which documents differ is told only to who may read all of them")
        return None
    try:
        return workspace.diff(old.index, old.snapshot, new.snapshot, principal)
    except GroundworkError as error:
        notes.append(f"the documents cannot be compared: {error.message}")
        return None
