"""303 real, broken, encrypted and hostile files: each is indexed or quarantined with a true reason, within its limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from groundwork.bench.parsing import run
from groundwork.knowledge.parsing import Parser, Quarantine
from groundwork.testing.loader import REASONS, check_outcome
from tests.data_sets import data_set

# A protected document can be read; a password keeps others from changing it only. The README is about passwords.
READABLE = (
    "documentProtection",
    "workbookProtection",
    "empty-password",
    "owner-password",
    "no-key-length",
    "README.md",
)
TRUE_REASONS: Mapping[str, frozenset[str]] = {
    "encrypted": frozenset({"encrypted"}),
    "empty": frozenset({"empty", "no_text", "broken", "indexed"}),
    "encoding": frozenset({"indexed"}),
    "hostile": frozenset({"hostile", "too_large", "memory", "timeout", "indexed"}),
    "broken": frozenset({"broken", "indexed", "unsupported", "encrypted", "no_text", "hostile"}),
    "ok": frozenset({"indexed", "no_text", "unsupported", "missing_program"}),
}


def sample(folder: Path) -> list[dict[str, Any]]:
    """Return every twelfth file: some of each sort."""
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]
    rows.sort(key=lambda row: (row["ext"], row["kind"], row["file"]))
    return rows[::12]


def is_true(row: Mapping[str, Any], outcome: str) -> bool:
    """Return whether an outcome fits what is known of a file from its name."""
    if row["kind"] == "encrypted" and any(word in row["file"] for word in READABLE):
        return outcome == "indexed"
    if "pdfminer.six__encryption_base" in row["file"]:  # the file the encrypted ones were made from
        return outcome == "indexed"
    return outcome in TRUE_REASONS[row["kind"]]


def test_a_sample_of_the_files_is_indexed_or_quarantined_with_a_true_reason() -> None:
    folder = data_set("ingest_files")
    rows = sample(folder)
    with Parser(2) as parser:
        documents = ((row, folder / row["file"], Path(row["file"]).name, None) for row in rows)
        for row, measured in parser.measure_many(documents):
            check_outcome(measured.outcome)
            outcome = measured.outcome.reason if isinstance(measured.outcome, Quarantine) else "indexed"
            assert is_true(row, outcome), (row["file"], measured.outcome)
            assert measured.seconds < 20
            assert measured.rss_mib < 512


@pytest.mark.slow
def test_all_files_are_indexed_or_quarantined_with_a_true_reason_within_their_limits() -> None:
    result = run(data_set("ingest_files"))
    assert result["n"] == 303
    assert set(result["quarantined"]) <= REASONS
    assert [f["file"] for f in result["files"] if not is_true(f, f["outcome"])] == []
    assert result["max_seconds"] < 20
    assert result["max_rss_mib"] < 512
    assert result["similarity"]["n"] >= 41
    assert result["similarity"]["value"] > 0.95
