"""A workspace with a system that has two releases, a person with proofs over its records, and their portfolio."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import select

from groundwork.app.workspace import Workspace
from groundwork.core.clock import ManualClock
from groundwork.core.principal import LOCAL, Principal
from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.portfolio.export import Portfolio
from groundwork.pathways.proofs.book import Proofs
from groundwork.pathways.types import Alignment, Catalogue, Hours, Milestone, Skill, Stage
from groundwork.pathways.walking.notes import Notes
from groundwork.pathways.walking.types import Profile, Progress
from groundwork.storage.tables import answers
from tests.workspaces import FILES, LIGHT, light_workspace, write

SPEC = f"{LIGHT}\n[apps.default]\nthreshold = 0.2\n\n[environments.open]\n"
STARTED = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
ESCO = Alignment(uri="http://data.europa.eu/esco/skill/1", label="manage ICT data architecture")
HOURS = Hours(p10=4, p50=6, p90=10)
RELEASED = {"find": "release", "as": "r", "where": {"app": "default", "number": {"at_least": 1}}}
PLACED = {"find": "deployment", "where": {"release": "$r.id", "environment": "open"}}
CHECKS: dict[str, Mapping[str, Any]] = {
    "first-release": {"all": [RELEASED, PLACED]},
    "many-answers": {"find": "answer", "count": {"at_least": 2}, "where": {"app": "default"}},
    "all-answered": {"find": "answer", "share": {"where": {"abstained": False}, "at_least": 0.5}},
}


def catalogue(checks: Mapping[str, Mapping[str, Any]] = CHECKS) -> Loaded:
    """A catalogue of a milestone and a skill for each check, one skill of a lab, and two that nothing proves."""
    titles = {name: name.replace("-", " ").capitalize() for name in checks}
    skills = [
        Skill(
            id=f"{name}-skill",
            title=f"Skill of {titles[name]}",
            summary="",
            stage="year-1",
            hours=HOURS,
            alignments=(ESCO,),
        )
        for name in checks
    ]
    skills += [
        Skill(id=name, title=name.capitalize(), summary="", stage="year-1", hours=HOURS)
        for name in ("python", "teaching")
    ]
    milestones = [
        Milestone(id=name, title=titles[name], stage="year-1", proves=(f"{name}-skill",), check=dict(check))
        for name, check in checks.items()
    ]
    stages = (Stage(id="year-1", title="Year one", order=0),)
    return Loaded(Catalogue(stages=stages, skills=tuple(skills), milestones=tuple(milestones)))


@dataclass
class Book:
    """Stands in for the book of catalogues."""

    loaded: Loaded = field(default_factory=catalogue)

    def current(self) -> Loaded:
        return self.loaded

    def pin(self, principal: Principal) -> Loaded:
        return self.loaded


@dataclass
class Way:
    """Stands in for the walk: a profile, and skills said by a test."""

    said: Profile = field(default_factory=lambda: Profile(name="Ann Example"))
    skills: dict[str, Any] = field(default_factory=lambda: {"python": "declared", "teaching": "attested"})

    def profile(self, principal: Principal) -> Profile:
        return self.said

    def progress(self, principal: Principal) -> Progress:
        return Progress("", self.skills, (), (), {})


@dataclass
class House:
    """Everything that a test of the portfolio touches."""

    workspace: Workspace
    clock: ManualClock
    book: Book
    way: Way
    proofs: Proofs
    notes: Notes
    portfolio: Portfolio
    who: Principal = LOCAL

    def prove(self, *names: str) -> None:
        """Check milestones and record their proofs."""
        checker = self.workspace.pathways.checker
        for name in names or tuple(CHECKS):
            milestone = self.book.loaded.milestone(name)
            finding = checker.check(self.who, milestone.check)
            assert finding.proven, finding.missing
            self.proofs.record(self.who, "milestone", name, finding, milestone.title)
            self.clock.advance(60)

    def answer_ids(self) -> list[str]:
        with self.workspace.rooms.database.read() as connection:
            return list(connection.execute(select(answers.c.id).order_by(answers.c.id)).scalars())


def house(root: Path) -> House:
    """Return the house over a fresh copy of the workspace; nothing is proven yet."""
    return _over(Path(shutil.copytree(_made(), root / "home")))


def proven_house(root: Path) -> House:
    """Return the house over a fresh copy of the workspace with its three proofs."""
    return _over(Path(shutil.copytree(_proven(), root / "home")))


@cache
def exported() -> Path:
    """The folder of an export of the proven house; tests that change nothing in it share it."""
    root = Path(mkdtemp())
    made = proven_house(root)
    made.portfolio.export(made.who, root / "out")
    made.workspace.close()
    return root / "out"


def _over(folder: Path) -> House:
    workspace = Workspace.open(folder)
    database = workspace.rooms.database
    clock = ManualClock(STARTED + timedelta(minutes=5))
    book, way, key = Book(), Way(), workspace.releases.key
    proofs = Proofs(database, clock, key, workspace.pathways.checker, book)  # type: ignore[arg-type]
    notes = Notes(database, clock, book)  # type: ignore[arg-type]
    parts = {"proofs": proofs, "catalogues": book, "notes": notes, "root": workspace.root}
    portfolio = Portfolio(database, clock, way, key, **parts)  # type: ignore[arg-type]
    return House(workspace, clock, book, way, proofs, notes, portfolio)


@cache
def _proven() -> Path:
    root = Path(mkdtemp())
    made = house(root)
    made.clock.wall = STARTED
    made.prove()
    made.workspace.close()
    return root / "home"


@cache
def _made() -> Path:
    """Ingest, release and ask once; each test gets a copy."""
    root = Path(mkdtemp()) / "home"
    with light_workspace(root, SPEC) as workspace:
        docs = write(root / "docs", FILES)
        workspace.ingest([docs])
        workspace.releases.create(note="the first")
        write(docs, {"leave.md": FILES["leave.md"].replace("28 days", "30 days")})
        workspace.ingest([docs])
        workspace.releases.create(note="two days more")
        for ref in ("default@1", "default@2"):
            assert workspace.releases.promotions.promote(LOCAL, ref, "open").promoted
        for question in ("How many days of paid leave does every employee have?", "Who approves flights?"):
            workspace.ask(question)
        workspace.releases.key.private()
    return root
