"""The shipped catalogue, and a book over a folder of a team's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwork.core.clock import SystemClock
from groundwork.pathways.catalogue import shipped
from groundwork.pathways.catalogue.book import CatalogueBook, Problem
from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.storage.database import Database

LOADED = Loaded(shipped.catalogue())


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    return LOADED


class Team:
    """A folder of a team's files with the book over it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "pathways"
        self.folder.mkdir()
        # Made when first used: only versions are kept in it.
        self.book = CatalogueBook(Database(root / "meta.db"), SystemClock(), self.folder)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def only_problem(self) -> Problem:
        (problem,) = self.book.problems()
        return problem


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)
