"""Words that the shell completes after `groundwork path`: roles, labs, skills, milestones, quizzes. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded

Complete = Callable[[str], list[str]]


def _of(names: Callable[[Loaded], Iterable[str]]) -> Complete:
    def complete(incomplete: str) -> list[str]:
        begun = incomplete.lower()
        try:
            return sorted(n for n in set(names(_catalogue())) if n.startswith(begun))
        except Exception:  # a shell is waiting: no completion is better than a stack trace in its line
            return []

    return complete


def labs(incomplete: str) -> list[str]:
    """Return the names of labs that begin so."""
    from groundwork.pathways.labs import LABS

    return [n for n in sorted(x.replace("_", "-") for x in LABS.names()) if n.startswith(incomplete.lower())]


roles = _of(lambda c: c.roles)
targets = _of(lambda c: [r.id for r in c.targets()])
backgrounds = _of(lambda c: [*c.backgrounds, *c.roles])
skills = _of(lambda c: c.skills)
milestones = _of(lambda c: c.milestones)
actions = _of(lambda c: c.actions)
subjects = _of(lambda c: [*c.milestones, *c.actions, *c.skills])
quizzes = _of(lambda c: c.quizzes)
reflections = _of(lambda c: c.reflection_questions)
facts = _of(lambda c: [f.id for f in c.facts()])


def _catalogue() -> Loaded:
    """Return the catalogue of the nearest workspace upward, or the shipped one; no database is opened."""
    from pathlib import Path

    from groundwork.app.config import find_root
    from groundwork.core.errors import NoWorkspaceError
    from groundwork.pathways.catalogue.book import in_force

    try:
        folder = find_root(Path.cwd()) / "pathways"
    except NoWorkspaceError:
        return in_force("pathways", [])[0]
    return in_force("pathways", sorted(folder.glob("*.yaml")))[0]
