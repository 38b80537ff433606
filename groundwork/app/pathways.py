"""Pathways in a workspace: the parts of the room, built from the settings here and introduced to the rooms they read."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.core.errors import MissingDependencyError
from groundwork.core.once import once

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.evidence.engine import Checker
    from groundwork.pathways.catalogue.book import CatalogueBook
    from groundwork.pathways.labs.book import Labs
    from groundwork.pathways.planning.book import Planner
    from groundwork.pathways.portfolio.export import Portfolio
    from groundwork.pathways.proofs.book import Proofs
    from groundwork.pathways.walking.notes import Notes
    from groundwork.pathways.walking.quizzes import Quizzes
    from groundwork.pathways.walking.walk import Walk


@dataclass
class PathwaysRoom:
    """The parts, each made when it is first asked for."""

    workspace: Workspace
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        try:
            import groundwork.pathways  # noqa: F401 - whether it is there
        except ImportError as error:
            raise MissingDependencyError(
                "the room of pathways is not installed here",
                hint="everything else works; install Groundwork anew to have it",
            ) from error

    @once
    def checker(self) -> Checker:
        """Answers predicates over the records of this workspace."""
        from groundwork.evidence.engine import Checker

        rooms = self.workspace.rooms
        return Checker(rooms.database, rooms.clock, self.workspace.releases.key)

    @once
    def catalogues(self) -> CatalogueBook:
        """The catalogue that is in force: the shipped one with what the workspace's `pathways/*.yaml` add."""
        from groundwork.pathways.catalogue.book import CatalogueBook

        rooms = self.workspace.rooms
        return CatalogueBook(rooms.database, rooms.clock, self.workspace.root / "pathways")

    @once
    def proofs(self) -> Proofs:
        """Findings that were proven, signed with the key that signs releases."""
        from groundwork.pathways.proofs.book import Proofs

        rooms = self.workspace.rooms
        return Proofs(rooms.database, rooms.clock, self.workspace.releases.key, self.checker, self.catalogues)

    @once
    def labs(self) -> Labs:
        """Labs: begin, verify, hint, reset."""
        from groundwork.app.lab_bench import WorkspaceBench
        from groundwork.pathways.labs.book import Labs

        rooms = self.workspace.rooms
        return Labs(
            rooms.database,
            rooms.clock,
            self.workspace.root,
            self.checker,
            self.proofs,
            lambda principal, lab: WorkspaceBench(self.workspace, principal, lab),
        )

    @once
    def quizzes(self) -> Quizzes:
        """Quizzes: draw, hand in, results."""
        from groundwork.pathways.walking.quizzes import Quizzes

        return Quizzes(self.workspace.rooms.database, self.workspace.rooms.clock, self.catalogues)

    @once
    def notes(self) -> Notes:
        """Attestations and reflections."""
        from groundwork.pathways.walking.notes import Notes

        return Notes(self.workspace.rooms.database, self.workspace.rooms.clock, self.catalogues)

    @once
    def planner(self) -> Planner:
        """Plans and forecasts."""
        from groundwork.pathways.planning.book import Planner

        return Planner(self.workspace.rooms.database, self.workspace.rooms.clock, self.catalogues)

    @once
    def walk(self) -> Walk:
        """A person on the way: profile, progress, what is proven, the next step."""
        from groundwork.pathways.walking.walk import Walk

        rooms = self.workspace.rooms
        return Walk(
            rooms.database,
            rooms.clock,
            self.catalogues,
            self.checker,
            self.proofs,
            self.labs,
            self.planner,
            self.notes,
        )

    @once
    def portfolio(self) -> Portfolio:
        """What leaves the house: site, JSON Resume, badges, bundle; and the check of a bundle."""
        from groundwork.pathways.portfolio.export import Portfolio

        return Portfolio(
            self.workspace.rooms.database,
            self.workspace.rooms.clock,
            self.walk,
            self.workspace.releases.key,
            proofs=self.proofs,
            catalogues=self.catalogues,
            notes=self.notes,
            root=self.workspace.root,
            described=self._described,
        )

    def _described(self, app: str) -> str:
        """Say what an app is, in a sentence: what it asks and who answers."""
        spec = self.workspace.spec.apps.get(app)
        if spec is None:
            return ""
        model = spec.model if isinstance(spec.model, str) else str(spec.model.get("name", ""))
        return f"Answers from the index `{spec.index}` with `{model}`."
