"""The catalogue that comes with Groundwork: the files of `data/`, put together once per process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from groundwork.pathways.catalogue.merging import Merged, flaw_error
from groundwork.pathways.catalogue.reading import read_file
from groundwork.pathways.catalogue.references import flaws
from groundwork.pathways.types import Catalogue

DATA = Path(__file__).resolve().parent / "data"
CHECKS = "checks.yaml"


@cache
def merged() -> Merged:
    """Return the entries of the shipped files; copy it before adding to it.

    Raises:
        SettingsError: a file was damaged after installation.
    """
    found = Merged()
    for path in sorted(DATA.glob("*.yaml")):
        if path.name != CHECKS:
            found.add(read_file(path, f"data/{path.name}"))
    if (DATA / CHECKS).is_file():
        found.overlay(read_file(DATA / CHECKS, f"data/{CHECKS}"), ("milestones", "actions"))
    return found


@cache
def catalogue() -> Catalogue:
    """Return the shipped catalogue, checked as a whole."""
    built = merged().build()
    wrong = flaws(built)
    if wrong:
        raise flaw_error(merged(), wrong[0])
    return built
